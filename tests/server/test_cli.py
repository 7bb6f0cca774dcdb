"""The command line: what each command prints, for people and for programs, and the code it ends with.

Owns output and exit codes. What the operations mean is shown where the core is tested; `serve` and `dev` are in
`test_start.py` and `test_lifecycle.py`.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from process import Ended, Place, binary, eventually

NO_SHELL = """@id("no-shell") @reject_message("No shell here.")
forbid (principal, action == Action::"call_tool", resource) when { context.tool_name == "shell" };
"""
BROKEN = 'forbid (principal, action == Action::"call_tool", resource) when {'
KEY = re.compile(r"\btnt_sk_[a-z0-9]{24}_[a-z0-9]{59}\b")


@pytest.fixture
def acme(place: Place) -> Place:
    """A folder with the project acme/prod."""
    assert place.run("accounts", "create", "acme").code == 0
    assert place.run("projects", "create", "acme", "prod").code == 0
    return place


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same for tests that change nothing."""
    place = Place(tmp_path_factory.mktemp("shared"))
    place.told("accounts", "create", "acme")
    place.told("projects", "create", "acme", "prod")
    return place


def printed(place: Place, *arguments: str, given: str = "") -> list[str]:
    """The lines a command prints for people."""
    ended = place.run(*arguments, given=given)
    assert (ended.code, ended.err) == (0, ""), ended
    return ended.out.splitlines()


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def refused(ended: Ended, code: int, name: str) -> None:
    """A command failed: in one JSON line on standard error, with nothing on standard output."""
    assert (ended.code, ended.out) == (code, ""), ended
    error = json.loads(ended.err)
    assert error["code"] == name
    assert error["message"]


# Accounts and projects


def test_accounts_for_people_and_for_programs(place: Place) -> None:
    assert printed(place, "accounts", "list") == ["none"]
    assert place.told("accounts", "list") == []
    assert printed(place, "accounts", "create", "acme") == ["created account acme"]
    facts = ["--tier", "gold", "--region", "eu", "--plan", "yearly", "--label", "a", "--label", "b"]
    made = place.told("accounts", "create", "globex", *facts)
    assert (made["id"], made["status"], made["tier"]) == ("globex", "active", "gold")
    assert made["labels"] == ["a", "b"]
    assert place.told("accounts", "show", "globex") == made
    assert [account["id"] for account in place.told("accounts", "list")] == ["acme", "globex"]
    head, *rows = printed(place, "accounts", "list")
    assert cells(head) == ["ACCOUNT", "STATUS", "TIER", "REGION", "CREATED"]
    assert [cells(row)[:2] for row in rows] == [["acme", "active"], ["globex", "active"]]
    assert cells(printed(place, "accounts", "show", "globex")[1])[:4] == ["globex", "active", "gold", "eu"]


def test_projects_for_people_and_for_programs(place: Place) -> None:
    place.told("accounts", "create", "acme")
    assert place.told("projects", "list", "acme") == []
    assert printed(place, "projects", "create", "acme", "prod") == ["created project acme/prod"]
    made = place.told("projects", "create", "acme", "test", "--tier", "free")
    assert (made["id"], made["account_id"], made["tier"]) == ("test", "acme", "free")
    assert place.told("projects", "show", "acme", "test") == made
    assert [project["id"] for project in place.told("projects", "list", "acme")] == ["prod", "test"]
    head, *rows = printed(place, "projects", "list", "acme")
    assert cells(head) == ["ACCOUNT", "PROJECT", "STATUS", "TIER", "CREATED"]
    assert [cells(row)[:3] for row in rows] == [["acme", "prod", "active"], ["acme", "test", "active"]]
    assert cells(printed(place, "projects", "show", "acme", "test")[1])[:2] == ["acme", "test"]


# Keys


def test_a_key_is_shown_once(acme: Place) -> None:
    spec = (
        "--account",
        "acme",
        "--project",
        "prod",
        "--name",
        "app",
        "--scope",
        "tools:read",
        "--scope",
        "tenant:read",
    )
    first, _, second = printed(acme, "keys", "create", *spec)
    assert KEY.fullmatch(first)
    key_id = re.fullmatch(r"It is not shown again\. Its id is ([a-z0-9]{24})\.", second)
    assert key_id
    made = acme.told("keys", "create", *spec)
    assert KEY.fullmatch(made["key"])
    assert sorted(made["scopes"]) == ["tenant:read", "tools:read"]
    keys = {first, made["key"]}
    secrets = {key.rpartition("_")[2] for key in keys}
    later = [
        acme.run(*command, *form)
        for command in (("keys", "list", "--account", "acme", "--project", "prod"), ("keys", "show", key_id[1]))
        for form in ((), ("--json",))
    ]
    later += [acme.run("audit", "tail", "acme", "prod", "--json"), acme.run("keys", "show", made["id"], "--json")]
    assert {ended.code for ended in later} == {0}
    for secret in secrets:
        assert all(secret not in ended.out + ended.err for ended in later)
        assert all(secret.encode() not in path.read_bytes() for path in acme.data.rglob("*") if path.is_file())
    assert {key["id"] for key in acme.told("keys", "list", "--account", "acme", "--project", "prod")} == {
        key_id[1],
        made["id"],
    }


def test_keys_for_people_and_for_programs(acme: Place) -> None:
    platform = acme.told("keys", "create", "--name", "all", "--scope", "tenant:manage", "--prefix", "hf_sk")
    account = acme.told("keys", "create", "--account", "acme", "--name", "wide", "--expires-in", "3600")
    assert platform["key"].startswith("hf_sk_")
    assert "expires_at" in account
    head, row = printed(acme, "keys", "list")
    assert cells(head) == ["KEY", "NAME", "REACHES", "STATE", "SCOPES", "LAST USED"]
    assert cells(row) == [platform["id"], "all", "platform", "active", "tenant:manage", "never"]
    assert printed(acme, "keys", "list", "--account", "acme", "--project", "prod") == ["none"]
    assert cells(printed(acme, "keys", "list", "--account", "acme")[1])[:4] == [account["id"], "wide", "acme", "active"]
    assert printed(acme, "keys", "revoke", account["id"]) == [f"revoked {account['id']}"]
    assert acme.told("keys", "show", account["id"])["state"] == "revoked"
    assert cells(printed(acme, "keys", "show", account["id"])[1])[3] == "revoked"
    assert acme.told("keys", "revoke", platform["id"])["id"] == platform["id"]


# Policies


def test_policies_for_people_and_for_programs(acme: Place) -> None:
    file = acme.folder / "no-shell.cedar"
    file.write_text(NO_SHELL)
    where = ("acme", "prod")
    lines = printed(acme, "policies", "put", *where, "from-file", str(file))
    assert lines[0] == "attached from-file: 1 policies"
    assert all(line.startswith("warning: ") for line in lines[1:])
    receipt = acme.told("policies", "put", *where, "from-input", "-", "--mode", "monitor", given=NO_SHELL)
    assert (receipt["name"], receipt["policy_count"]) == ("from-input", 1)
    found = {policy["name"]: policy for policy in acme.told("policies", "list", *where)}
    assert (found["from-file"]["mode"], found["from-input"]["mode"]) == ("enforce", "monitor")
    assert found["from-file"]["rule_ids"]
    rows = [cells(line) for line in printed(acme, "policies", "list", *where)]
    assert rows[0] == ["POLICY", "LAYER", "MODE", "RULES", "STATE"]
    assert ["from-input", "project", "monitor", "1", "in force"] in rows
    assert acme.told("policies", "show", *where, "from-file")["text"] == NO_SHELL
    assert acme.run("policies", "show", *where, "from-file").out.rstrip("\n") == NO_SHELL.rstrip("\n")
    assert printed(acme, "policies", "revoke", *where, "from-file") == ["detached from-file"]
    assert acme.told("policies", "revoke", *where, "from-input") == {"name": "from-input", "removed": True}
    left = {policy["name"] for policy in acme.told("policies", "list", *where)}
    assert not left & {"from-file", "from-input"}


def test_a_policy_that_does_not_compile_is_not_put(acme: Place) -> None:
    ended = acme.run("policies", "put", "acme", "prod", "broken", "-", "--json", given=BROKEN)
    refused(ended, 3, "policy_syntax")
    assert "broken" not in {policy["name"] for policy in acme.told("policies", "list", "acme", "prod")}


@pytest.mark.parametrize("text", [BROKEN, "", 'forbid (principal, action == Action::"fly", resource);', "odd"])
def test_check_tells_a_policy_that_does_not_compile(place: Place, text: str) -> None:
    ended = place.run("check", "-", given=text)
    assert ended.code == 3
    assert ended.out.startswith("bad -: ")
    [told] = json.loads(place.run("check", "-", "--json", given=text).out)
    assert (told["file"], told["ok"]) == ("-", False)
    assert told["error"]["code"].startswith("policy_")


def test_check_tells_of_each_file_and_makes_no_data(place: Place) -> None:
    good, bad = place.folder / "good.cedar", place.folder / "bad.cedar"
    good.write_text(NO_SHELL)
    bad.write_text(BROKEN)
    assert printed(place, "check", "-", given=NO_SHELL)[0] == "ok -: 1 policies"
    assert printed(place, "check", str(good), str(good))[0] == f"ok {good}: 1 policies"
    ended = place.run("check", str(bad), str(good), "--json")
    assert ended.code == 3
    assert [(told["file"], told["ok"]) for told in json.loads(ended.out)] == [(str(bad), False), (str(good), True)]
    refused(place.run("check", str(place.folder / "none.cedar"), "--json"), 2, "file_unreadable")
    assert not place.data.exists()


# Audit


def test_the_tail_of_the_audit(acme: Place) -> None:
    for number in range(5):
        acme.told("keys", "create", "--account", "acme", "--project", "prod", "--name", f"k{number}")
    lines = printed(acme, "audit", "tail", "acme", "prod")
    assert [cells(line)[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert [cells(line)[2] for line in lines] == ["project.create"] + ["key.create"] * 5
    assert printed(acme, "audit", "tail", "acme", "prod", "-n", "2") == lines[-2:]
    assert printed(acme, "audit", "tail", "acme", "prod", "-n", "0") == []
    ended = acme.run("audit", "tail", "acme", "prod", "--json", "-n", "3")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["sequence"] for row in rows] == [4, 5, 6]
    assert rows[1]["previous"] == rows[0]["hash"]


@contextmanager
def following(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(binary()), "--data-dir", str(place.data), "audit", "tail", "acme", "prod", "--follow", "--json"]
    with subprocess.Popen(command, cwd=place.folder, env=place.environment(), stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_tail_follows_what_others_write(acme: Place) -> None:
    with following(acme) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["kind"] == "project.create"
        made = acme.told("keys", "create", "--account", "acme", "--project", "prod")
        row = json.loads(process.stdout.readline())
        assert (row["kind"], row["body"]["key"]) == ("key.create", made["id"])


def test_the_tail_ends_when_nobody_reads_it(acme: Place) -> None:
    with following(acme) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        acme.told("keys", "create", "--account", "acme", "--project", "prod")
        assert eventually(lambda: process.poll() is not None, 3)


def changed(place: Place, statement: str) -> None:
    with closing(sqlite3.connect(place.data / "ledger.db")) as database, database:
        assert database.execute(statement).rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rows SET kind = 'odd' WHERE sequence = 2",
        "UPDATE rows SET at = at + 1 WHERE sequence = 2",
        "UPDATE rows SET body = replace(body, 'k0', 'k9') WHERE sequence = 2",
        "UPDATE rows SET request_id = 'odd' WHERE sequence = 2",
        "UPDATE rows SET decision = 'allow' WHERE sequence = 2",
        "UPDATE rows SET hash = zeroblob(32) WHERE sequence = 2",
        "DELETE FROM rows WHERE sequence = 2",
        "DELETE FROM rows WHERE sequence = 3",
    ],
)
def test_verify_tells_a_row_that_was_changed(acme: Place, statement: str) -> None:
    for number in range(2):
        acme.told("keys", "create", "--account", "acme", "--project", "prod", "--name", f"k{number}")
    assert printed(acme, "audit", "verify", "acme", "prod") == ["intact: 3 rows, signed up to row 3"]
    assert acme.told("audit", "verify", "acme", "prod") == {"ok": True, "rows": 3, "head_sequence": 3}
    changed(acme, statement)
    ended = acme.run("audit", "verify", "acme", "prod")
    assert ended.code == 5
    assert ended.out.startswith("broken: ")
    assert len(ended.out.splitlines()) > 1
    told = acme.run("audit", "verify", "acme", "prod", "--json")
    assert told.code == 5
    assert json.loads(told.out)["ok"] is False
    assert json.loads(told.out)["problems"]


# Doctor


def test_doctor_tells_what_is_missing(place: Place) -> None:
    def told() -> tuple[int, dict[str, Any]]:
        ended = place.run("doctor", "--json")
        return ended.code, {finding["check"]: finding for finding in json.loads(ended.out)}

    code, found = told()
    assert (code, found["data folder"]["ok"]) == (6, False)
    assert not place.data.exists()
    place.told("accounts", "create", "acme")
    code, found = told()
    assert (code, found["data folder"]["ok"], found["issuer"]["ok"]) == (6, True, False)
    with place.serve():
        assert told()[0] == 0
    code, found = told()
    assert code == 0
    assert all(finding["ok"] for finding in found.values())
    assert found["accounts"]["detail"] == "1"
    lines = printed(place, "doctor")
    assert cells(lines[0])[0] == "CHECK"
    assert len(lines) == len(found) + 1
    other = Place(place.folder).run("doctor", "--json")
    assert other.code == 6
    assert "root_key_mismatch" in other.out


UNKNOWN = {"TENANTRY_DATADIR": "/hf_sk_private", "TENANTRY_REQUIRE_CREDENTIAL": "1"}


def test_unknown_variables_are_told_once_by_every_command(place: Place) -> None:
    for arguments in (["accounts", "list"], ["check", "-"], ["keys", "list"]):
        ended = place.run(*arguments, given="permit(principal, action, resource);", **UNKNOWN, TENANTRY_TEST_IT="1")
        for name, nearest in (("DATADIR", "DATA_DIR"), ("REQUIRE_CREDENTIAL", "REQUIRE_CREDENTIALS")):
            lines = [line for line in ended.err.splitlines() if f"TENANTRY_{name} " in line]
            assert len(lines) == 1, ended.err
            assert lines[0].startswith("warning: ")
            assert f"TENANTRY_{nearest}" in lines[0]
        assert "private" not in ended.err + ended.out
        assert "TENANTRY_TEST_IT" not in ended.err
    ended = place.run("accounts", "list", "--json", **UNKNOWN)
    assert [list(json.loads(line)) for line in ended.err.splitlines()] == [["warning"]] * 2
    found = {one["check"]: one for one in json.loads(place.run("doctor", "--json", **UNKNOWN).out)}
    assert not found["variables"]["ok"]
    assert "TENANTRY_DATA_DIR" in found["variables"]["detail"]
    assert place.run("doctor", **UNKNOWN).err == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TENANTRY_DEV", "y"),
        ("TENANTRY_DEV", ""),
        ("TENANTRY_REQUIRE_CREDENTIALS", "enabled"),
        ("TENANTRY_DEADLINE_MS", "soon"),
        ("TENANTRY_DEADLINE_MS", "0"),
        ("TENANTRY_WORKER_THREADS", "65"),
        ("TENANTRY_WORKER_THREADS", "two"),
    ],
)
def test_a_variable_that_cannot_be_read_stops_every_command(place: Place, name: str, value: str) -> None:
    serve = ["serve", "--issuer", "http://127.0.0.1", "--listen", "127.0.0.1:0"]
    for arguments in (["accounts", "list"], serve, ["dev", "--port", "0"]):
        ended = place.run(*arguments, "--json", **{name: value})
        assert ended.code == 2, ended
        told = json.loads(ended.err)
        assert told["code"] == "config_invalid"
        assert name in told["message"]


# Errors and help


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (["accounts", "show", "nobody"], 1, "scope_not_found"),
        (["accounts", "create", "acme"], 1, "scope_exists"),
        (["accounts", "create", "not good"], 2, "scope_id_invalid"),
        (["projects", "create", "nobody", "prod"], 1, "scope_not_found"),
        (["projects", "show", "acme", "nothing"], 1, "scope_not_found"),
        (["keys", "show", "nothing"], 1, "key_not_found"),
        (["keys", "revoke", "nothing"], 1, "key_not_found"),
        (["keys", "create", "--account", "nobody"], 1, "scope_not_found"),
        (["keys", "create", "--type", "robot"], 2, "request_invalid"),
        (["keys", "create", "--scope", "not good"], 2, "scopes_invalid"),
        (["policies", "show", "acme", "prod", "nothing"], 1, "policy_not_found"),
        (["policies", "revoke", "acme", "prod", "nothing"], 1, "policy_not_found"),
        (["policies", "put", "acme", "prod", "p", "nothing.cedar"], 2, "file_unreadable"),
        (["policies", "put", "acme", "prod", "p", "-", "--layer", "moon"], 2, "layer_invalid"),
        (["policies", "put", "acme", "prod", "p", "-", "--mode", "asleep"], 2, "request_invalid"),
        (["audit", "verify", "acme", "nothing"], 1, "scope_not_found"),
        (["audit", "verify", "acme", "prod", "--anchor", "odd"], 2, "anchor_invalid"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_what_fails_is_told_on_standard_error(shared: Place, arguments: list[str], code: int, name: str) -> None:
    refused(shared.run(*arguments, "--json"), code, name)
    ended = shared.run(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert re.match(rf"error: .+ \({name}\)\n", ended.err)


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["odd"], ["accounts"], ["accounts", "create"], ["accounts", "list", "--odd"], ["audit", "tail", "a"]),
        *(["keys", "create", "--project", "prod"], ["audit", "tail", "a", "b", "-n", "many"], ["check"]),
        *(["serve", "--listen", "odd"], ["serve", "--tls-key", "x"], ["dev", "--port", "99999"]),
    ],
    ids="-".join,
)
def test_wrong_arguments_end_with_2(place: Place, arguments: list[str]) -> None:
    ended = place.run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage" in ended.err or "error: " in ended.err
    assert not place.data.exists()


def test_a_folder_that_cannot_be_opened_ends_with_6(acme: Place) -> None:
    refused(Place(acme.folder).run("accounts", "list", "--json"), 6, "root_key_mismatch")
    (acme.folder / "file").write_text("odd")
    ended = acme.run("--data-dir", str(acme.folder / "file"), "accounts", "list", "--json")
    assert ended.code in {2, 6}


def commands(place: Place, *above: str) -> list[tuple[str, ...]]:
    """Every command below these, as its help lists them."""
    ended = place.run(*above, "--help")
    assert (ended.code, ended.err) == (0, ""), above
    assert "Usage: tenantry" in ended.out
    listed = ended.out.partition("Commands:\n")[2].partition("\n\n")[0]
    names = re.findall(r"^  ([a-z]+)", listed, re.MULTILINE)
    found = [above]
    for name in names:
        if name != "help":
            found += commands(place, *above, name)
    return found


def test_every_command_has_help(place: Place) -> None:
    found = commands(place)
    assert len(found) >= 24
    assert {("serve",), ("dev",), ("doctor",), ("check",), ("keys", "revoke"), ("audit", "verify")} <= set(found)
    assert re.fullmatch(r"tenantry \d+\.\d+\.\d+\n", place.run("--version").out)
    assert not place.data.exists()


def test_there_is_no_colour_but_on_a_terminal(acme: Place) -> None:
    commands = [
        *(["accounts", "list"], ["keys", "list"], ["policies", "list", "acme", "prod"], ["doctor"], ["check", "-"]),
        *(["audit", "tail", "acme", "prod"], ["audit", "verify", "acme", "prod"], ["accounts", "show", "nobody"]),
        *(["--help"], ["odd"], ["accounts", "list", "--json"], ["check", "-", "--json"]),
    ]
    for command in commands:
        ended = acme.run(*command, given=BROKEN)
        assert "\x1b" not in ended.out + ended.err, command
    pty = pytest.importorskip("pty", reason="only where there are such terminals")
    for extra, coloured in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
        ours, theirs = pty.openpty()
        with open(ours, "rb", buffering=0) as read, open(theirs, "wb", buffering=0) as write:
            environment = {n: v for n, v in acme.environment().items() if n != "NO_COLOR"} | extra
            command = [str(binary()), "--data-dir", str(acme.data), "accounts", "list"]
            subprocess.run(command, cwd=acme.folder, env=environment, stdout=write, check=True, timeout=20)
            assert (b"\x1b[" in read.read(65536)) is coloured
