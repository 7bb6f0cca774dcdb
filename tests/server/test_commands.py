"""Commands beside those of `test_cli.py`: `ensure`, packs, limits, settings, completions, and the trail for people."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from process import Ended, Place, binary
from test_cli import cells, printed, refused

WHERE = ("acme", "prod")


@pytest.fixture
def acme(place: Place) -> Place:
    """A folder with the project acme/prod."""
    place.told("accounts", "ensure", "acme")
    place.told("projects", "ensure", *WHERE)
    return place


# ensure


def test_ensure_creates_once_and_gives_the_same_again(place: Place) -> None:
    made = place.told("accounts", "ensure", "acme", "--tier", "gold", "--label", "a")
    assert (made["id"], made["status"], made["tier"], made["labels"]) == ("acme", "active", "gold", ["a"])
    for facts in ([], ["--tier", "gold"], ["--label", "a"]):
        assert place.told("accounts", "ensure", "acme", *facts) == made
    project = place.told("projects", "ensure", *WHERE)
    assert place.told("projects", "ensure", *WHERE) == project
    assert cells(printed(place, "accounts", "ensure", "acme")[1])[:3] == ["acme", "active", "gold"]
    assert cells(printed(place, "projects", "ensure", *WHERE)[1])[:3] == ["acme", "prod", "active"]
    refused(place.run("accounts", "create", "acme", "--json"), 1, "scope_exists")
    refused(place.run("projects", "create", *WHERE, "--json"), 1, "scope_exists")
    refused(place.run("accounts", "ensure", "acme", "--tier", "free", "--json"), 1, "facts_differ")
    refused(place.run("projects", "ensure", "acme", "prod", "--region", "eu", "--json"), 1, "facts_differ")
    refused(place.run("projects", "ensure", "nobody", "prod", "--json"), 1, "scope_not_found")
    refused(place.run("accounts", "ensure", "default", "--json"), 2, "scope_id_reserved")


def test_commands_that_start_together_all_succeed(place: Place) -> None:
    command = [str(binary()), "--data-dir", str(place.data), "--json", "accounts", "ensure", "acme"]
    start = lambda: subprocess.Popen(command, cwd=place.folder, env=place.environment(), stdout=subprocess.PIPE)  # noqa: E731
    running = [start() for _ in range(6)]
    told = [json.loads(process.communicate(timeout=60)[0]) for process in running]
    assert [process.returncode for process in running] == [0] * 6
    assert len({account["uid"] for account in told}) == 1


# Policies


@pytest.mark.parametrize("pack", ["strict", "baseline"])
def test_a_pack_is_attached_listed_and_detached(acme: Place, pack: str) -> None:
    lines = printed(acme, "policies", "attach", *WHERE, pack)
    assert re.fullmatch(rf"attached {pack}: \d+ policies", lines[0])
    assert acme.told("policies", "attach", *WHERE, pack)["name"] == pack
    assert pack in {policy["name"] for policy in acme.told("policies", "list", *WHERE)}
    assert printed(acme, "policies", "detach", *WHERE, pack) == [f"detached {pack}"]
    assert pack not in {policy["name"] for policy in acme.told("policies", "list", *WHERE)}


def test_what_cannot_be_attached_says_what_can(acme: Place) -> None:
    refused(acme.run("policies", "attach", *WHERE, "lax", "--json"), 1, "pack_unknown")
    ended = acme.run("policies", "attach", *WHERE, "lax")
    assert ended.err == (
        "error: there is no pack `lax` (pack_unknown)\n"
        "  packs are baseline and strict; a text of your own is attached by `policies.put`\n"
    )
    refused(acme.run("policies", "detach", *WHERE, "none", "--json"), 1, "policy_not_found")


# Limits


def test_limits_for_people_and_for_programs(acme: Place) -> None:
    assert printed(acme, "limits", "list", *WHERE) == ["none"]
    spec = ("prompts", "--rate", "100", "--per", "minute", "--key", "principal", "--action", "process_prompt")
    head, row = printed(acme, "limits", "set", *WHERE, *spec)
    assert cells(head) == ["LIMIT", "LAYER", "RATE", "EACH", "ACTION", "BEYOND", "WAITS"]
    assert cells(row) == ["prompts", "project", "100 per minute", "principal", "process_prompt", "reject"]
    line = ("line", "--rate", "5", "--per", "90s", "--on-exceed", "queue", "--max-wait", "2s", "--layer", "account")
    made = acme.told("limits", "set", *WHERE, *line)
    assert (made["id"], made["per_ms"], made["on_exceed"], made["max_wait_ms"]) == ("line", 90_000, "queue", 2_000)
    assert made["layer"] == "account"
    unsaid = acme.told("limits", "set", *WHERE, "waits", "--rate", "5", "--per", "day", "--on-exceed", "queue")
    assert unsaid["max_wait_ms"] == 30_000, "what is shown is what is kept"
    rows = [cells(line) for line in printed(acme, "limits", "list", *WHERE)[1:]]
    assert [row[0] for row in rows] == ["line", "prompts", "waits"]
    assert rows[0] == ["line", "account", "5 per 90s", "scope", "all", "queue", "2s"]
    refused(acme.run("limits", "delete", *WHERE, "line", "--json"), 1, "limit_not_found")
    assert printed(acme, "limits", "delete", *WHERE, "line", "--layer", "account") == ["removed line"]
    assert acme.told("limits", "delete", *WHERE, "prompts") == {"id": "prompts", "removed": True}
    assert [limit["id"] for limit in acme.told("limits", "list", *WHERE)] == ["waits"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--per", "fortnight"], "period_invalid"),
        (["--per", "0s"], "limit_invalid"),
        (["--per", "day", "--key", "person"], "request_invalid"),
        (["--per", "day", "--on-exceed", "shrug"], "request_invalid"),
        (["--per", "day", "--action", "prompt"], "limit_invalid"),
        (["--per", "day", "--layer", "moon"], "layer_invalid"),
        (["--per", "day", "--key", "custom", "--action", "call_tool"], "limit_invalid"),
        (["--per", "day", "--on-exceed", "queue", "--max-wait", "2h"], "limit_invalid"),
        (["--per", "day", "--on-exceed", "queue", "--shared"], "limit_invalid"),
    ],
)
def test_limits_that_mean_nothing_are_refused(acme: Place, more: list[str], code: str) -> None:
    refused(acme.run("limits", "set", *WHERE, "l", "--rate", "1", *more, "--json"), 2, code)
    assert acme.told("limits", "list", *WHERE) == []


# Settings


def test_settings_for_people_and_for_programs(acme: Place) -> None:
    before = acme.told("settings", "get", *WHERE)
    assert (before["mode_floor"], before["audit_class"]) == ("enforce", "standard")
    head, row = printed(acme, "settings", "get", *WHERE)
    assert cells(head) == ["MODE FLOOR", "AUDIT", "REDACTION ORIGINALS", "SESSION TTL", "METADATA KEYS"]
    assert cells(row) == ["enforce", "standard", "kept", "2592000s"]
    assert cells(printed(acme, "settings", "set", *WHERE, "--mode-floor", "alert")[1])[0] == "alert"
    after = acme.told(
        *("settings", "set", *WHERE, "--audit-class", "required", "--redaction-originals", "false"),
        *("--session-ttl-seconds", "60"),
    )
    assert after == {
        "mode_floor": "alert",
        "audit_class": "required",
        "redaction_originals": False,
        "session_ttl_seconds": 60,
    }
    assert acme.told("settings", "get", *WHERE) == after


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ([], "settings_invalid"),
        (["--mode-floor", "odd"], "request_invalid"),
        (["--audit-class", "odd"], "request_invalid"),
        (["--session-ttl-seconds", "0"], "settings_invalid"),
    ],
)
def test_settings_that_cannot_be_are_refused(acme: Place, change: list[str], code: str) -> None:
    before = acme.told("settings", "get", *WHERE)
    refused(acme.run("settings", "set", *WHERE, *change, "--json"), 2, code)
    assert acme.told("settings", "get", *WHERE) == before


# Completions


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "elvish", "powershell"])
def test_completions_name_every_command_and_make_no_data(place: Place, shell: str) -> None:
    script = "\n".join(printed(place, "completions", shell))
    for word in ("accounts", "ensure", "policies", "attach", "limits", "settings", "completions", "data-dir"):
        assert word in script, word
    assert not place.data.exists()


def test_bash_completes_by_them(place: Place) -> None:
    bash = shutil.which("bash")
    assert bash
    (place.folder / "script").write_text("\n".join(printed(place, "completions", "bash")))

    def completed(*words: str) -> set[str]:
        line = f"source ./script; COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}; "
        line += f'_tenantry tenantry {words[-1]!r} {words[-2]!r}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run([bash, "-c", line], cwd=place.folder, capture_output=True, text=True, check=True)
        return set(done.stdout.split())

    assert completed("tenantry", "lim") == {"limits"}
    assert completed("tenantry", "policies", "a") >= {"attach"}
    assert "--mode-floor" in completed("tenantry", "settings", "set", "--mode")


def test_an_unknown_shell_is_refused_with_those_there_are(place: Place) -> None:
    ended = place.run("completions", "tcsh")
    assert (ended.code, ended.out) == (2, "")
    assert "bash" in ended.err
    assert "zsh" in ended.err


# The trail

GUARDED = """
import tenantry
with tenantry.Tenantry({folder!r}) as client:
    acme = client.tenant("acme", "prod")
    ann = acme.acting_as(tenantry.Principal("ann"))
    ann.guard.evaluate_prompt("hello")
    ann.guard.evaluate_prompt("my key is AKIA1234EXAMPLE")
    bot = acme.acting_as(tenantry.Principal({bot!r}, type="agent"))
    bot.guard.evaluate_tool_call({tool!r}, {{}})
    ann.guard.evaluate_prompt("again")
    try:
        acme.guard.evaluate_prompt("odd", session_id="a" * 600)
    except tenantry.InvalidArgument:
        pass
"""


def guarded(place: Place, *, bot: str = "bot", tool: str = "shell") -> None:
    """A trail with a call of each kind in it."""
    place.told("policies", "attach", *WHERE, "strict")
    prompts = ("--rate", "2", "--per", "day", "--key", "principal", "--action", "process_prompt")
    place.told("limits", "set", *WHERE, "prompts", *prompts)
    code = GUARDED.format(folder=str(place.data), bot=bot, tool=tool)
    environment = {**place.environment(), "TENANTRY_DEADLINE_MS": "10000"}
    subprocess.run([sys.executable, "-c", code], cwd=place.folder, env=environment, check=True, timeout=60)


def test_the_tail_tells_who_did_what_and_why(acme: Place) -> None:
    guarded(acme)
    rows = [cells(line) for line in printed(acme, "audit", "tail", *WHERE)]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 9)]
    assert [row[2] for row in rows[:3]] == ["project.create", "policy.put", "limit.set"]
    assert all(row[3] == "process" for row in rows[:3]), "whose the changes were"
    assert "limit prompts" in rows[2][-1]
    assert rows[3][2:5] == ["process_prompt", "allow", "user:ann"]
    assert rows[4][2:5] == ["process_prompt", "deny", "user:ann"]
    assert "strict.no-secrets" in rows[4][5] or "project/strict" in rows[4][5], rows[4]
    assert "found" in rows[4][5]
    assert rows[5][2:5] == ["call_tool shell", "deny", "agent:bot"]
    assert rows[6][2:5] == ["process_prompt", "deny", "user:ann"]
    assert rows[6][5].startswith("limit_exceeded, prompts")
    assert rows[7][2] == "error"
    assert "opaque_id_invalid" in rows[7][-1]
    assert [json.loads(line)["sequence"] for line in acme.run("audit", "tail", *WHERE, "--json").out.splitlines()] == [
        *range(1, 9)
    ]


def test_what_a_caller_sends_moves_no_cursor(acme: Place) -> None:
    guarded(acme, bot="b\x1b[2J\u202eo\nt", tool="sh\x1b]0;owned\x07ell")
    ended = acme.run("audit", "tail", *WHERE)
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 8
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", ended.out)


def terminal(place: Place, *arguments: str, **more: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [str(binary()), "--data-dir", str(place.data), *arguments]
    with subprocess.Popen(command, cwd=place.folder, env={**place.environment(), **more}, stdout=theirs) as process:
        os.close(theirs)
        read = b""
        while select.select([ours], [], [], 30)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            read += piece
        os.close(ours)
        assert process.wait(30) == 0
    return read.decode()


def test_a_terminal_gets_heads_and_colours(acme: Place) -> None:
    guarded(acme)
    shown = terminal(acme, "audit", "tail", *WHERE)
    assert shown.startswith("\x1b[2m")
    assert cells(re.sub("\x1b\\[[0-9]+m", "", shown.splitlines()[0])) == [
        "ROW",
        "WHEN",
        "WHAT",
        "DECISION",
        "WHO",
        "WHY",
    ]
    assert "\x1b[31mdeny\x1b[0m" in shown
    assert "\x1b[32mallow\x1b[0m" in shown
    plain = terminal(acme, "audit", "tail", *WHERE, NO_COLOR="1")
    assert "\x1b" not in plain
    columns = [line.index("ann") for line in plain.splitlines() if "user:ann" in line]
    assert len(columns) == 3
    assert len(set(columns)) == 1, "columns stand below each other"
    assert "\x1b" not in terminal(acme, "audit", "tail", *WHERE, "--json")


def test_the_tail_of_a_long_trail_is_its_end(acme: Place) -> None:
    code = f"""
import tenantry
with tenantry.Tenantry({str(acme.data)!r}) as client:
    guard = client.tenant("acme", "prod").guard
    for number in range(2_500):
        guard.evaluate_prompt("hello")
"""
    environment = {**acme.environment(), "TENANTRY_DEADLINE_MS": "10000"}
    subprocess.run([sys.executable, "-c", code], cwd=acme.folder, env=environment, check=True, timeout=120)
    for lines in (1, 20, 2_300):
        told = [
            json.loads(line)["sequence"]
            for line in acme.run("audit", "tail", *WHERE, "--json", "-n", str(lines)).out.splitlines()
        ]
        assert told == list(range(2_502 - lines, 2_502))


# Mistakes


def people(ended: Ended) -> list[str]:
    assert ended.out == ""
    return ended.err.splitlines()


def test_another_root_key_is_told_with_the_folder_the_place_and_the_next_step(acme: Place, tmp_path: Path) -> None:
    other = Place(acme.folder)
    by_variable = people(other.run("accounts", "list"))
    assert f"`{acme.data}`" in by_variable[0]
    assert "TENANTRY_ROOT_KEY" in by_variable[0]
    assert by_variable[0].startswith("error: the data folder ")
    assert by_variable[0].endswith("(root_key_mismatch)")
    assert "TENANTRY_ROOT_KEY_FILE" in by_variable[1]
    file = tmp_path / "other.key"
    file.write_text("ab" * 32)
    file.chmod(0o600)
    # An empty key is refused before another place is looked in.
    for odd in ("", "short", "z" * 64):
        refused_key = people(acme.run("accounts", "list", TENANTRY_ROOT_KEY=odd, TENANTRY_ROOT_KEY_FILE=str(file)))
        assert refused_key[0].startswith("error: ")
        assert "TENANTRY_ROOT_KEY" in refused_key[0]
        assert "root_key_invalid" in refused_key[0]
    file.write_text("short")
    by_file = people(Place(acme.folder, "").run("accounts", "list", TENANTRY_ROOT_KEY_FILE=str(file)))
    assert f"`{file}`" in by_file[0]
    assert "root_key_invalid" in by_file[0]
    by_file = people(Place(acme.folder, "").run("accounts", "list", TENANTRY_ROOT_KEY_FILE=str(tmp_path / "none")))
    assert f"`{tmp_path / 'none'}`" in by_file[0]
    assert "TENANTRY_ROOT_KEY" in by_file[1]


def doctor(place: Place, **more: str) -> dict[str, Any]:
    ended = place.run("doctor", "--json", **more)
    return {finding["check"]: finding for finding in json.loads(ended.out)}


def test_doctor_tells_where_the_root_key_is(acme: Place, tmp_path: Path) -> None:
    found = doctor(acme)["root key"]
    assert found["ok"]
    assert found["detail"].startswith("in TENANTRY_ROOT_KEY; keep a copy")
    for command in ("accounts", "doctor"):
        assert command in acme.run("--help").out


def without_key(place: Place, *arguments: str, home: Path, file: Path | None = None) -> Ended:
    """A command without the variable: the key lies in a file of its own, or in the one that is named."""
    environment = {name: value for name, value in place.environment().items() if name != "TENANTRY_ROOT_KEY"}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    environment |= {"TENANTRY_ROOT_KEY_FILE": str(file)} if file else {}
    command = [str(binary()), "--data-dir", str(place.data), *arguments]
    done = subprocess.run(command, cwd=place.folder, env=environment, capture_output=True, text=True, timeout=60)
    return Ended(done.returncode, done.stdout, done.stderr)


def test_a_key_of_a_file_is_told_by_its_path(place: Place, tmp_path: Path) -> None:
    home = tmp_path / "home"
    own = home / "config" / "tenantry" / "root.key"

    def told(file: Path | None = None) -> dict[str, Any]:
        ended = without_key(place, "doctor", "--json", home=home, file=file)
        return {finding["check"]: finding for finding in json.loads(ended.out)}

    assert told()["root key"] == {
        "check": "root key",
        "ok": True,
        "detail": f"none yet; the first use makes it in `{own}`",
    }
    assert not own.exists(), "doctor makes none"
    assert without_key(place, "accounts", "ensure", "acme", home=home).code == 0
    assert told()["root key"]["detail"].startswith(f"in `{own}`; keep a copy elsewhere")
    kept = own.rename(tmp_path / "moved.key")
    lost = told()["root key"]
    assert not lost["ok"]
    assert f"there is none in `{own}`" in lost["detail"]
    assert not own.exists(), "doctor makes none"
    assert told(kept)["root key"]["detail"].startswith(f"in `{kept}`, which TENANTRY_ROOT_KEY_FILE names")
    ended = without_key(place, "accounts", "list", home=home)
    assert ended.code == 6
    assert f"`{place.data}`" in ended.err
    assert f"in `{own}`" in ended.err
    assert "root_key_mismatch" in ended.err
    assert without_key(place, "accounts", "list", home=home, file=kept).code == 0
    nowhere = tmp_path / "nowhere.key"
    assert told(nowhere)["root key"]["ok"] is False
    assert f"`{nowhere}`" in told(nowhere)["root key"]["detail"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["policies", "list", "nobody", "prod"], ["account `nobody` does not exist", "scope_not_found"]),
        (["limits", "list", "acme", "nothing"], ["project `nothing` does not exist", "scope_not_found"]),
        (["accounts", "show", "nobody"], ["account `nobody` does not exist"]),
        (["polices", "list"], ["unrecognized subcommand 'polices'", "policies"]),
        (["limits", "set", "acme", "prod", "l"], ["--rate", "--per"]),
        (["policies", "put", "acme", "prod", "x", "none.cedar"], ["`none.cedar` cannot be read", "file_unreadable"]),
        (["keys", "show", "abc"], ["key_not_found"]),
        (["limits", "delete", "acme", "prod", "none"], ["limit `none` does not exist here", "`limits.list` shows"]),
        (["policies", "detach", "acme", "prod", "none"], ["policy `none`", "layer `project`", "`policies.list` shows"]),
        (["policies", "show", "acme", "prod", "none"], ["there is no policy `none` in acme/prod", "`policies list`"]),
        (["audit", "verify", "acme", "prod", "--anchor", "odd"], ["anchor_invalid", "begins with `tnh1.`"]),
    ],
    ids=lambda value: "-".join(value)[:30],
)
def test_mistakes_are_told_by_name(acme: Place, arguments: list[str], words: list[str]) -> None:
    ended = acme.run(*arguments)
    assert ended.code in (1, 2)
    for word in words:
        assert word in ended.err, ended.err


def test_the_wrong_folder_is_told_by_its_path(acme: Place, tmp_path: Path) -> None:
    """Whoever stands in another folder, or names another, is told where it was looked for."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    told = people(acme.run("policies", "list", *WHERE, data=elsewhere))
    assert told[0] == "error: account `acme` does not exist (scope_not_found)"
    assert told[1].startswith(f"  it was looked for in the data folder `{elsewhere}`; `accounts.ensure` creates it")
    command = [str(binary()), "limits", "list", *WHERE]
    done = subprocess.run(command, cwd=elsewhere, env=acme.environment(), capture_output=True, text=True, check=False)
    assert f"`{elsewhere / '.tenantry'}`" in done.stderr
    machine = acme.run("projects", "list", "acme", "--json", data=elsewhere)
    refused(machine, 1, "scope_not_found")
    assert f"`{elsewhere}`" in json.loads(machine.err)["help"]


def test_a_folder_that_cannot_be_made_is_told_with_the_cause(acme: Place) -> None:
    file = acme.folder / "file"
    file.write_text("odd")
    for folder in (file / "below", file):
        told = people(acme.run("accounts", "list", data=folder))
        assert told[0].startswith(f"error: the data folder `{folder}` cannot be made: ")
        assert told[0].endswith((f"`{file}` is a file (data_dir_unavailable)", "it is a file (data_dir_unavailable)"))
        assert "--data-dir" in told[1]


def test_a_head_is_printed_and_taken_as_an_anchor(acme: Place) -> None:
    [head] = printed(acme, "audit", "head", *WHERE)
    assert head.startswith("tnh1.")
    assert acme.told("audit", "head", *WHERE)["sequence"] == 1
    assert printed(acme, "audit", "verify", *WHERE, "--anchor", head)[0].startswith("intact: ")
    acme.told("projects", "ensure", "acme", "other")
    refused(acme.run("audit", "verify", "acme", "other", "--anchor", head, "--json"), 2, "anchor_foreign")
