"""Every error told over HTTP raises a counter: whatever a request has wrong, `/metrics` knows it afterwards."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from process import GUARD, Place, Server, Tenant, connected, eventually, head, listed_codes, prompt

USAGE = "/v1/shield/usage"
TOKEN = "/oauth2/token"
JSON = {"Content-Type": "application/json"}


def errors(server: Server) -> dict[str, int]:
    """How often each code was told."""
    found = re.findall(r'^tenantry_http_errors_total\{code="([^"]*)"\} (\d+)', server.ask("GET", "/metrics").text, re.M)
    return {code: int(number) for code, number in found}


def sent(server: Server, *parts: bytes) -> None:
    """Bytes of a request, to whatever end."""
    with connected(server) as sock, suppress(OSError):
        for part in parts:
            sock.sendall(part)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass


def posted(path: str, body: bytes, **headers: str) -> Callable[[Server, Tenant], object]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda server, tenant: server.http.post(
        server.url + path, content=body, headers={**JSON, "Authorization": f"Bearer {tenant.key}", **given}
    )


def raw_guard(*headers: str, path: str = GUARD, length: int = 2) -> Callable[[Server, Tenant], object]:
    return lambda server, tenant: sent(server, head("POST", path, *headers, key=tenant.key, length=length), b"{}")


def reader(server: Server, tenant: Tenant) -> str:
    """A key that may do less than read the trail."""
    made = server.done("POST", "/api-keys", {"name": "r", "scopes": ["tools:read"]}, tenant.key)
    return str(made["key"])


GOOD = json.dumps(prompt()).encode()
KINDS: dict[str, tuple[str, Callable[[Server, Tenant], object]]] = {
    # Bodies
    "empty": ("request_invalid", posted(GUARD, b"")),
    "no json": ("request_invalid", posted(GUARD, b"{")),
    "no object": ("request_invalid", posted(GUARD, b"[1]")),
    "not utf-8": ("request_invalid", posted(GUARD, b'{"content":"\xff"}')),
    "a key twice": ("request_invalid", posted(GUARD, b'{"content":"a","content":"b"}')),
    "too deep": (
        "request_too_deep",
        posted(GUARD, json.dumps(prompt(metadata={"a": 0})).encode().replace(b"0", b"[" * 100 + b"]" * 100)),
    ),
    "too large, said": ("body_too_large", raw_guard(path=USAGE, length=1 << 30)),
    "too large, sent": (
        "body_too_large",
        lambda server, tenant: server.http.post(
            server.url + USAGE,
            content=iter([b" " * 20_000] * 4),
            headers={**JSON, "Authorization": f"Bearer {tenant.key}"},
        ),
    ),
    "content too large": ("content_too_large", posted(GUARD, json.dumps(prompt("x" * (11 << 20))).encode())),
    "a wrong word": ("request_invalid", posted(GUARD, json.dumps(prompt(mode="loose")).encode())),
    "an unknown action": ("action_unknown", posted(GUARD, json.dumps({**prompt(), "action": "fly"}).encode())),
    "broken off": ("body_incomplete", lambda s, t: sent(s, head("POST", GUARD, key=t.key, length=500), b"{")),
    "broken chunks": (
        "body_incomplete",
        lambda s, t: sent(
            s,
            head("POST", GUARD, "Transfer-Encoding: chunked", *(f"{n}: {v}" for n, v in JSON.items()), key=t.key),
            b"zz\r\n",
        ),
    ),
    "compressed": ("media_type_unsupported", posted(GUARD, GOOD, Content_Encoding="gzip")),
    "plain text": ("media_type_unsupported", posted(GUARD, GOOD, Content_Type="text/plain")),
    "a form": ("media_type_unsupported", posted(GUARD, b"content=x", Content_Type="application/x-www-form-urlencoded")),
    "xml for a token": ("media_type_unsupported", posted(TOKEN, b"<xml/>", Content_Type="text/xml")),
    # Headers
    "a header twice": ("header_duplicate", raw_guard("X-Account-ID: a", "X-Account-ID: a")),
    "a header that is no text": (
        "header_invalid",
        lambda s, t: sent(
            s, head("GET", "/v1/whoami", key=t.key).replace(b"Host: tests", b"Host: tests\r\nX-Account-ID: \xff")
        ),
    ),
    "two tenants": ("tenant_conflict", posted(GUARD, GOOD, X_Account_ID="a", X_Tenant_ID="b")),
    "no tenant's name": ("scope_id_invalid", posted(GUARD, GOOD, X_Account_ID="a b")),
    "too many headers": (
        "headers_too_many",
        lambda s, _: sent(s, head("GET", "/health", *(f"X-{n}: x" for n in range(200)))),
    ),
    "headers too large": ("headers_too_many", lambda s, _: sent(s, head("GET", "/health", "X-Long: " + "x" * 200_000))),
    "no http": ("http_malformed", lambda s, _: sent(s, b"hello there\r\n\r\n")),
    "no version": ("http_malformed", lambda s, _: sent(s, b"GET / HTTP/9.9\r\n\r\n")),
    "a header without a name": (
        "http_malformed",
        lambda s, _: sent(s, b"GET /health HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"),
    ),
    "an odd idempotency key": ("idempotency_key_invalid", posted(GUARD, GOOD, Idempotency_Key="x" * 5_000)),
    "another product": ("product_unknown", posted(GUARD, GOOD, X_Product="toys")),
    # Credentials
    "no credential": ("credential_missing", lambda s, _: s.ask("POST", GUARD, prompt(), "")),
    "an unknown key": ("credential_unknown", lambda s, _: s.ask("POST", GUARD, prompt(), "hf_sk_nobody")),
    "no bearer": ("authorization_invalid", posted(GUARD, GOOD, Authorization="Basic eDp5")),
    "two credentials": ("credential_duplicate", posted(GUARD, GOOD, X_API_Key="other")),
    "no token": ("token_malformed", lambda s, _: s.ask("GET", "/v1/whoami", key="e.y.j")),
    "outside": ("outside_authority", posted(GUARD, GOOD, X_Account_ID="somebody-else")),
    "no platform": ("outside_authority", lambda s, t: s.ask("POST", "/v1/admin/signing-keys/rotate", key=t.key)),
    "no right": ("scope_missing", lambda s, t: s.ask("GET", f"{t.path}/audit", key=reader(s, t))),
    "a client that is none": ("client_invalid", lambda s, _: s.ask("POST", f"{TOKEN}/introspect", {"token": "x"}, "")),
    "a grant that is none": (
        "grant_type_unsupported",
        lambda s, _: s.ask("POST", TOKEN, {"grant_type": "password"}, ""),
    ),
    # Routes
    "no route": ("route_unknown", lambda s, _: s.ask("GET", "/nowhere")),
    "no method": ("method_not_allowed", lambda s, _: s.ask("DELETE", "/health")),
    "an odd path": ("path_invalid", lambda s, t: sent(s, head("GET", "/api-keys/%ff", key=t.key))),
    "a query twice": ("query_duplicate", lambda s, t: s.ask("GET", "/api-keys?page=1&page=2", key=t.key)),
    "an odd query": ("query_invalid", lambda s, t: s.ask("GET", "/api-keys?page=x", key=t.key)),
    "nothing there": ("key_not_found", lambda s, t: s.ask("GET", "/api-keys/none", key=t.key)),
    "an odd event": ("event_id_invalid", lambda s, t: s.ask("GET", "/v1/events", key=t.key, Last_Event_ID="x")),
    "a policy that is none": ("policy_syntax", lambda s, t: s.ask("PUT", f"{t.path}/policies/p", {"text": "permit"})),
}


@pytest.fixture(scope="module")
def tenant(server: Server) -> Tenant:
    return server.tenant()


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_error_raises_the_counter_of_its_code(server: Server, tenant: Tenant, kind: str) -> None:
    code, ask = KINDS[kind]
    assert code in listed_codes()
    before = errors(server)
    answered = ask(server, tenant)
    if isinstance(answered, httpx.Response):
        assert answered.status_code >= 400, answered.text
    found = eventually(lambda: errors(server).get(code, 0) - before.get(code, 0), 5)
    after = errors(server)
    assert found >= 1, {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}


def test_an_error_within_a_stream_is_counted(place: Place) -> None:
    with place.serve(TENANTRY_DEADLINE_MS="1") as server:
        tenant = server.tenant()
        body = json.dumps(prompt("my mail is ann@example.org " * 100_000)).encode()
        headers = {**JSON, "Authorization": f"Bearer {tenant.key}"}
        with server.http.stream("POST", f"{server.url}{GUARD}/stream", content=body, headers=headers) as stream:
            assert stream.status_code == 200
            told = stream.read()
        assert b"event: error" in told
        assert errors(server)["deadline_exceeded"] == 1


def test_a_body_that_does_not_come_is_counted(server: Server, tenant: Tenant) -> None:
    before = errors(server).get("body_timeout", 0)
    with connected(server, 60) as sock:
        sock.sendall(head("POST", GUARD, key=tenant.key, length=100) + b"{")
        began = time.monotonic()
        assert b" 408 " in sock.recv(65536)
        assert time.monotonic() - began > 20
    assert errors(server)["body_timeout"] == before + 1
