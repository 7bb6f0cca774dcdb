"""What the server tells those who run it: its log and its metrics. Owns what must stand in neither."""

from __future__ import annotations

import json
import re
import uuid

from process import GUARD, Place, Server, events, listed_codes, operations, prompt

# The log


def test_the_log_is_json_and_holds_neither_content_nor_keys(place: Place) -> None:
    marks = {name: f"mark{uuid.uuid4().hex}" for name in ("content", "metadata", "path", "session", "header", "field")}
    with place.serve("--log-requests") as server:
        tenant = server.tenant()
        token = tenant.token()
        body = prompt(marks["content"], session_id=marks["session"], metadata={"note": marks["metadata"]})
        assert server.ask("POST", GUARD, body, tenant.key).status_code == 200
        assert server.ask("POST", GUARD, body, token).status_code == 200
        assert server.ask("POST", GUARD, {**body, "mode": marks["field"]}, tenant.key).status_code == 400
        assert server.ask("POST", GUARD, body, tenant.key[:-1]).status_code == 401
        assert server.ask("GET", f"/{marks['path']}?token={tenant.key}").status_code == 404
        assert server.ask("GET", f"/v1/admin/accounts/{marks['path']}").status_code == 404
        assert server.ask("POST", "/oauth2/token", {"grant_type": "api_key", "api_key": tenant.key}).status_code == 200
        server.ask("GET", "/v1/whoami", key=tenant.key, X_Odd=marks["header"])
        with events(server, token=tenant.key, after=0) as stream:
            next(stream)
        assert server.stop() == 0
        log = server.logged()
    lines = [json.loads(line) for line in log.splitlines()]
    assert len([line for line in lines if line.get("message") == "request"]) >= 8
    for line in lines:
        if "route" in line:
            assert {"timestamp", "level", "request_id", "route", "status", "micros"} <= set(line)
    for mark in [*marks.values(), server.key, tenant.key, token, place.root_key]:
        assert mark not in log
    assert not re.search(r"(hf|tnt)_sk_\w{10}", log)
    # Nor do the names of customers stand in it, nor in the files beside the data anything that was asked.
    assert tenant.account not in log
    stored = b"".join(path.read_bytes() for path in place.data.rglob("*") if path.is_file())
    for mark in (marks["content"], tenant.key, server.key, token, place.root_key):
        assert mark.encode() not in stored


def test_a_server_that_is_not_asked_to_logs_no_requests(place: Place) -> None:
    with place.serve() as server:
        server.tenant().guard()
        server.ask("GET", "/nowhere")
        server.stop()
        assert server.logged() == ""


# The numbers


def series(text: str) -> set[str]:
    """The names of the numbers, labels included."""
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def test_what_callers_choose_does_not_become_a_metric(server: Server) -> None:
    tenant = server.tenant()

    def odd() -> None:
        name = uuid.uuid4().hex
        for method, path in [("GET", f"/{name}"), ("POST", GUARD), ("GET", f"/v1/admin/accounts/{name}")]:
            server.ask(method, path, prompt(name) if method == "POST" else None, X_Account_ID=name)
        server.ask("POST", "/v1/admin/accounts", {"id": f"acc-{name}"})
        server.ask(name.upper()[:8].translate(str.maketrans("0123456789", "ABCDEFGHIJ")), "/health")

    odd()
    tenant.guard()
    server.ask("GET", "/metrics")
    before = series(server.ask("GET", "/metrics").text)
    for _ in range(50):
        odd()
    text = server.ask("GET", "/metrics", key="").text
    assert series(text) == before
    assert tenant.account not in text
    assert text.endswith("# EOF\n")
    names = {operation["operationId"] for _, _, operation in operations(server)} | {"unknown"}
    assert set(re.findall(r'route="([^"]*)"', text)) <= names
    assert set(re.findall(r'(\w+)="', text)) <= {"route", "status", "decision", "le", "code"}
    assert set(re.findall(r'code="([^"]*)"', text)) <= listed_codes()
    assert set(re.findall(r'decision="([^"]*)"', text)) <= {"allow", "deny", "modify", "step_up", "defer"}
