"""The paths of the public documentation answer as those its clients call; `PUT` of tenants; the newest rows."""

from __future__ import annotations

import json
import re
import threading
import uuid
from typing import Any

import pytest
from process import Server, Tenant, is_problem, prompt

PATHS = {
    "/v1/shield/guard": "/v1/guard",
    "/v1/shield/guard/stream": "/v1/guard/stream",
    "/v1/shield/detect": "/v1/detect",
    "/v1/shield/detectors": "/v1/detectors",
    "/v1/shield/debug/policies": "/v1/debug/policies",
    "/v1/shield/health": "/v1/health",
}
NO_KEYS = '@id("no-keys") forbid (principal, action, resource) when { context has secrets_detected && context.secrets_detected };'  # noqa: E501


@pytest.fixture(scope="module")
def acme(server: Server) -> Tenant:
    return server.tenant(NO_KEYS)


def steady(text: str) -> str:
    """An answer without what is different each time."""
    text = re.sub(r'"(request_id|timestamp)":\s?"[^"]*"', r'"\1":""', text)
    text = re.sub(r"\b\d{12,}\b", "0", text)
    return re.sub(r'"([a-z_]*(latency|uptime)_ms)":\s?\d+', r'"\1":0', text)


BODIES: dict[str, list[Any]] = {
    "/v1/shield/guard": [
        prompt("hello"),
        prompt("AKIA1234EXAMPLE"),
        prompt("a@b.example", mode="modify"),
        prompt("AKIA1234EXAMPLE", explain=True, debug=True),
        {"content": "x", "content_type": "odd", "action": "process_prompt"},
        {},
        [],
    ],
    "/v1/shield/guard/stream": [prompt("hello"), prompt("AKIA1234EXAMPLE", debug=True), {}],
    "/v1/shield/detect": [{"content": "AKIA1234EXAMPLE", "content_type": "prompt"}, {"content": "x"}],
}
CALLS = [(path, body) for path, bodies in BODIES.items() for body in bodies]


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_a_call_is_answered_alike_under_both_paths(server: Server, acme: Tenant, path: str, body: Any) -> None:
    ours, theirs = (server.ask("POST", at, body, acme.key) for at in (path, PATHS[path]))
    assert ours.status_code == theirs.status_code
    assert steady(ours.text) == steady(theirs.text)
    assert ours.headers["content-type"] == theirs.headers["content-type"]


@pytest.mark.parametrize("path", ["/v1/shield/detectors", "/v1/shield/debug/policies", "/v1/shield/health"])
@pytest.mark.parametrize("query", ["", "?product=guardrails", "?product=sentry"])
def test_what_is_read_is_alike_under_both_paths(server: Server, acme: Tenant, path: str, query: str) -> None:
    ours, theirs = (server.ask("GET", at + query, key=acme.key) for at in (path, PATHS[path]))
    assert ours.status_code == theirs.status_code == 200
    assert steady(ours.text) == steady(theirs.text)


@pytest.mark.parametrize("path", PATHS.values())
def test_both_paths_ask_for_the_same_credential_and_method(server: Server, path: str) -> None:
    ours = next(known for known, documented in PATHS.items() if documented == path)
    for method in ("GET", "POST", "PUT", "DELETE"):
        first, second = (server.ask(method, at, key="") for at in (ours, path))
        assert first.status_code == second.status_code, method
        assert first.headers.get("allow") == second.headers.get("allow"), method


def test_one_idempotency_key_is_one_request_under_both_paths(server: Server, acme: Tenant) -> None:
    key = uuid.uuid4().hex
    first = server.done("POST", "/v1/shield/guard", prompt("once"), acme.key, Idempotency_Key=key)
    second = server.done("POST", "/v1/guard", prompt("once"), acme.key, Idempotency_Key=key)
    assert first["request_id"] == second["request_id"]


@pytest.mark.parametrize("path", ["/v1/guard", "/v1/shield/guard", "/v1/guard/stream", "/v1/shield/guard/stream"])
def test_the_product_of_a_body_is_that_of_the_header(server: Server, acme: Tenant, path: str) -> None:
    plain = json.dumps(prompt("hello"))
    for given in ("guardrails", "", None):
        body = json.dumps(prompt("hello", product=given)).encode()
        assert server.ask("POST", path, body, acme.key, Content_Type="application/json").status_code == 200, given
    spelt = plain[:-1] + ', "\\u0070roduct": "sentry"}'
    within = json.dumps(prompt("hello", metadata={"product": "sentry"}))
    assert server.ask("POST", path, within.encode(), acme.key, Content_Type="application/json").status_code == 200
    quoted = json.dumps(prompt('say "product": "sentry" \u00e9'))
    assert server.ask("POST", path, quoted.encode(), acme.key, Content_Type="application/json").status_code == 200
    for body in [
        *(json.dumps(prompt("hello", product=given)) for given in ("sentry", "overwatch", "Guardrails")),
        spelt,
    ]:
        refused = server.ask("POST", path, body.encode(), acme.key, Content_Type="application/json")
        is_problem(refused, 400, "product_unknown")
    for given in (7, ["guardrails"], {}, True):
        refused = server.ask("POST", path, json.dumps(prompt("hello", product=given)).encode(), acme.key)
        is_problem(refused, 400, "request_invalid")
    twice = plain[:-1] + ', "product": "guardrails", "product": "sentry"}'
    is_problem(server.ask("POST", path, twice.encode(), acme.key), 400, "request_invalid")
    is_problem(server.ask("POST", path, prompt("hello"), acme.key, X_Product="sentry"), 400, "product_unknown")


def test_detection_depends_on_no_product(server: Server, acme: Tenant) -> None:
    body = {"content": "AKIA1234EXAMPLE", "content_type": "prompt"}
    for path in ("/v1/detect", "/v1/shield/detect"):
        found = server.done("POST", path, {**body, "product": "sentry"}, acme.key)
        assert [signal["name"] for signal in found["signals"]]


# PUT of accounts and projects


def test_put_creates_once_and_gives_the_same_again(server: Server) -> None:
    account = f"acc-{uuid.uuid4().hex[:12]}"
    at = f"/v1/admin/accounts/{account}"
    made = server.done("PUT", at, {"tier": "gold", "labels": ["a"]})
    assert (made["id"], made["tier"], made["status"]) == (account, "gold", "active")
    for body in (None, {}, {"tier": "gold"}, {"labels": ["a"]}):
        assert server.done("PUT", at, body) == made
    is_problem(server.ask("PUT", at, {"tier": "free"}), 409, "facts_differ")
    is_problem(server.ask("POST", "/v1/admin/accounts", {"id": account}), 409, "scope_exists")
    is_problem(server.ask("PUT", f"/v1/admin/accounts/{account.upper()}"), 409, "scope_exists")
    is_problem(server.ask("PUT", "/v1/admin/accounts/default"), 400, "scope_id_reserved")
    project = server.done("PUT", f"{at}/projects/prod", {"region": "eu"})
    assert (project["account_id"], project["id"], project["region"]) == (account, "prod", "eu")
    assert server.done("PUT", f"{at}/projects/prod") == project
    is_problem(server.ask("PUT", f"{at}/projects/prod", {"region": "us"}), 409, "facts_differ")
    is_problem(server.ask("PUT", f"/v1/admin/accounts/{account}x/projects/prod"), 404, "scope_not_found")
    assert server.done("GET", at) == made


def test_requests_that_come_together_all_succeed(server: Server) -> None:
    account = f"acc-{uuid.uuid4().hex[:12]}"
    told: list[Any] = []
    start = threading.Barrier(12)

    def one() -> None:
        start.wait()
        made = server.done("PUT", f"/v1/admin/accounts/{account}", {"tier": "gold"})
        told.append((made["uid"], server.done("PUT", f"/v1/admin/accounts/{account}/projects/prod")["uid"]))

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 12
    assert len(set(told)) == 1
    rows = server.done("GET", f"/v1/admin/accounts/{account}/projects/prod/audit")["items"]
    assert [row["kind"] for row in rows] == ["project.create"]


def test_a_change_says_whose_it_was(server: Server) -> None:
    acme = server.tenant(scopes=["tenant:manage", "tenant:read"])
    server.done("PUT", f"{acme.path}/limits/mine", {"rate": 9, "per_ms": 1000, "action": "call_tool"}, acme.key)
    server.done("DELETE", f"{acme.path}/limits/mine", key=acme.key)
    rows = {row["kind"]: row["body"] for row in acme.rows(None)}
    assert rows["limit.set"]["by"] == rows["limit.remove"]["by"] == acme.key_id
    assert rows["limit.set"]["action"] == "call_tool"


# The newest rows


def test_the_newest_rows_are_paged_backwards(server: Server) -> None:
    tenant = server.tenant()
    for number in range(7):
        tenant.guard(f"prompt {number}")
    oldest = [row["sequence"] for row in tenant.rows(None)]

    def told(query: str) -> list[int]:
        return [row["sequence"] for row in server.done("GET", f"{tenant.path}/audit?{query}")["items"]]

    assert told("order=newest") == oldest[::-1]
    assert told("order=oldest") == oldest
    paged: list[int] = []
    while page := told("order=newest&limit=3" + (f"&before={paged[-1]}" if paged else "")):
        assert len(page) <= 3
        paged += page
    assert paged == oldest[::-1]
    assert told(f"order=newest&since={oldest[2]}") == oldest[:2:-1]
    assert told("order=newest&since=1h&limit=1") == oldest[-1:]
    assert told(f"before={oldest[2]}") == oldest[:2]
    for query in (
        "order=latest",
        "order=",
        "before=x",
        "before=-1",
        "order=newest&order=oldest",
        "order=newest&limit=0",
    ):
        response = server.ask("GET", f"{tenant.path}/audit?{query}")
        assert response.status_code == 400, query
        assert response.json()["code"] in {"query_invalid", "query_duplicate", "audit_limit_invalid"}
