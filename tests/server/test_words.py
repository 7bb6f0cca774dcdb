"""What typical mistakes read like on the command line and over HTTP: the words of `tests/words.json`."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from process import GUARD, ROOT, Place, Server, Tenant, binary, prompt

TABLE: list[dict[str, Any]] = json.loads((ROOT / "tests/words.json").read_text(encoding="utf-8"))
STREAM = f"{GUARD}/stream"


def of(*kinds: str) -> list[Any]:
    return [pytest.param(mistake, id=mistake["id"]) for mistake in TABLE if mistake["do"] in kinds]


def printed(told: str) -> str:
    """What a person reads of it on standard error: the next step on a line of its own, after the policy's."""
    first, *excerpt = told.split("\n")
    sentence, _, step = first.partition("); ")
    return "\n".join([f"error: {sentence})", *(f"  {line}" for line in excerpt), f"  {step}", ""])


@pytest.mark.parametrize("mistake", of("put", "tenant", "key", "open"))
def test_the_command_line_says_it_in_the_words_of_the_table(place: Place, mistake: dict[str, Any]) -> None:
    given = mistake["given"]
    text = given.get("text", "")
    if mistake["do"] == "open":
        (place.folder / "file").write_text("not a folder")
        command = [str(binary()), "--data-dir", str(place.folder / given["inside"]), "accounts", "list"]
        done = subprocess.run(command, env=place.environment(), capture_output=True, text=True, timeout=30, check=False)
        assert done.stderr.replace(str(place.folder), "{folder}") == printed(mistake["told"])
        assert done.returncode != 0
        return
    place.told("accounts", "create", "acme")
    place.told("projects", "create", "acme", "prod")
    scopes = [part for scope in given.get("scopes", []) for part in ("--scope", scope)]
    command = {
        "put": ["policies", "put", "acme", "prod", given.get("name", ""), "-"],
        "tenant": ["policies", "list", given.get("account", ""), given.get("project", "")],
        "key": ["keys", "create", "--account", "acme", "--project", "prod", *scopes],
    }[mistake["do"]]
    ended = place.run(*command, given=text)
    # The command line knows besides which folder was looked into.
    looked = f"it was looked for in the data folder `{place.data}`; "
    assert (looked in ended.err) == (mistake["do"] == "tenant")
    assert (ended.out, ended.err.replace(looked, "")) == ("", printed(mistake["told"]))
    assert ended.code == 3 if mistake["do"] == "put" else ended.code != 0


def test_check_names_the_file_and_a_file_that_cannot_be_read_is_told(place: Place) -> None:
    (place.folder / "no-shell.cedar").write_text(
        "permit (principal, action, resource)\nwhen { context.tool_nmae == 1 };"
    )
    ended = place.run("check", "no-shell.cedar")
    assert ended.out.startswith("bad no-shell.cedar: policy `no-shell.cedar` at line 2, column 16: ")
    assert "\n2 | when { context.tool_nmae == 1 };\n" in ended.out
    ended = place.run("check", "nowhere.cedar")
    step = "name a file of UTF-8 text, or `-` for standard input"
    assert ended.err == f"error: `nowhere.cedar` cannot be read: entity not found (file_unreadable)\n  {step}\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Place(tmp_path_factory.mktemp("words")).serve() as server:
        yield server


def detail(told: str) -> str:
    """What `detail` says of it: everything but the code, which has a member of its own."""
    first, *excerpt = told.split("\n")
    sentence, _, step = first.partition("); ")
    return "\n".join([f"{sentence.rpartition(' (')[0]}; {step}", *excerpt])


@pytest.mark.parametrize("mistake", of("put", "evaluate"))
def test_problem_details_say_it_in_the_words_of_the_table(server: Server, mistake: dict[str, Any]) -> None:
    tenant, given = server.tenant(), mistake["given"]
    if mistake["do"] == "put":
        answer = server.ask("PUT", f"{tenant.path}/policies/{given['name']}", {"text": given["text"]})
    else:
        answer = server.ask("POST", GUARD, given["request"], tenant.key)
    problem = answer.json()
    assert (answer.status_code, problem["detail"]) == (400, detail(mistake["told"]))
    if mistake["do"] == "put":
        place = f"policy `{problem['policy']}` at line {problem['line']}, column {problem['column']}: "
        assert problem["detail"].startswith(place)
    else:
        assert not {"policy", "line", "column"} & set(problem)


def told(server: Server, tenant: Tenant, **fields: Any) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream."""
    text = server.ask("POST", STREAM, prompt("ada@example.com", **fields), tenant.key).text
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
    return [(event["event"], json.loads(event["data"])) for event in events if "event" in event]


def test_options_mean_the_same_in_a_stream(server: Server) -> None:
    tenant = server.tenant()
    [(kind, plan)] = told(server, tenant, optimize=True, dryrun=True, debug=True, detectors=["toxicity"])
    assert (kind, plan["code"], plan["signals"]) == ("decision", "plan_only", [])
    assert plan["degraded"] == ["detector_absent: toxicity"]
    assert {"detectors", "context", "projected_context", "root_causes"}.isdisjoint(plan)
    assert {entry["name"] for entry in plan["optimization"]["skipped_detectors"]} >= {"pii", "secrets"}
    *found, (kind, decision) = told(server, tenant, optimize=True, early_exit=True, detectors=["pii", "keyword"])
    assert [(result["name"], result["status"]) for _, result in found if result["status"] == "ok"] == [("pii", "ok")]
    assert (kind, decision["decision"]) == ("decision", "allow")
    assert decision["degraded"] == ["detector_absent: keyword"]
    [(kind, problem)] = told(server, tenant, detectors=["secrts"])
    assert (kind, problem["code"]) == ("error", "detector_unknown")


def test_detection_over_http_runs_what_is_asked_for(server: Server) -> None:
    tenant = server.tenant()
    body = {"content": "ada@example.com", "content_type": "prompt", "detectors": ["toxicity"]}
    found = server.done("POST", "/v1/shield/detect", body, tenant.key)
    assert found["degraded"] == ["detector_absent: toxicity"]
    assert {result["status"] for result in found["detectors"]} == {"not_run"}
    answer = server.ask("POST", "/v1/shield/detect", {**body, "detectors": ["pi"]}, tenant.key)
    assert (answer.status_code, answer.json()["code"]) == (400, "detector_unknown")
