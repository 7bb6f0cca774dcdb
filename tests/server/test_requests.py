"""What holds for every route, over the wire: hang-ups, limits, odd bytes, unknown routes, and fairness in a crowd."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import httpx
import pytest
from process import (
    GUARD,
    Place,
    Server,
    Tenant,
    answer,
    connected,
    described,
    eventually,
    guard_bytes,
    head,
    is_problem,
    operations,
    prompt,
    raw,
)

USAGE = "/v1/shield/usage"
SMALL = 32 * 1024
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def acme(server: Server) -> Tenant:
    """A tenant nothing is changed about, and nothing is counted of."""
    return server.tenant()


# Clients that hang up


@pytest.mark.parametrize("split", [False, True], ids=["one-write", "two-writes"])
def test_a_client_that_hangs_up_does_not_cancel_its_decision(server: Server, split: bool) -> None:
    tenant = server.tenant()
    top, body = guard_bytes(tenant)
    sent = 300
    with ExitStack() as waiting:
        kept = []
        for number in range(sent):
            sock = connected(server)
            try:
                for part in [top, body] if split else [top + body]:
                    sock.sendall(part)
                if number % 3 == 1:
                    sock.shutdown(socket.SHUT_WR)
            finally:
                if number % 3 == 0:
                    sock.close()
                else:
                    waiting.callback(sock.close)
            if number % 3 == 2:
                kept.append(sock)
        assert {answer(sock).status for sock in kept} == {200}
        eventually(lambda: len(tenant.rows()) >= sent, 5)
    assert len(tenant.rows()) == sent


def test_a_client_that_hangs_up_while_it_is_decided_does_not_stop_it(server: Server) -> None:
    tenant = server.tenant()
    top, body = guard_bytes(tenant, "a word or two. " * 13_700)
    sent = 10

    def decided(before: int) -> bool:
        return len(tenant.rows()) > before

    def begun(before: int) -> bool:
        """Whether one more is being worked on, or done already."""
        return "tenantry_requests_running 0" not in server.ask("GET", "/metrics").text or decided(before)

    for number in range(sent):
        with connected(server) as sock:
            sock.sendall(top + body)
            while not begun(number):
                pass
        eventually(partial(decided, number))
    eventually(lambda: len(tenant.rows()) >= sent)
    assert len(tenant.rows()) == sent


def test_a_client_that_breaks_off_within_the_body_decides_nothing(server: Server) -> None:
    tenant = server.tenant()
    top, body = guard_bytes(tenant)
    for _ in range(20):
        with connected(server) as sock:
            sock.sendall(top + body[:-1])
    tenant.guard()
    assert len(tenant.rows()) == 1


# Limits of what is read


@pytest.mark.parametrize(("path", "limit"), [(USAGE, MIB), (GUARD, 12 * MIB)])
def test_a_body_told_too_large_is_refused_before_it_is_sent(
    server: Server, acme: Tenant, path: str, limit: int
) -> None:
    is_problem(raw(server, head("POST", path, key=acme.key, length=limit + 1)), 413, "body_too_large")


def test_a_chunked_body_is_refused_once_it_is_too_large(server: Server, acme: Tenant) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    top = head("POST", USAGE, "Transfer-Encoding: chunked", "Content-Type: application/json", key=acme.key)
    with connected(server) as sock:
        # No end of the body: the answer comes without it, maybe before all of this is sent.
        with suppress(OSError):
            sock.sendall(top + chunk * 17)
        is_problem(answer(sock), 413, "body_too_large")


def test_a_body_of_the_largest_size_is_read(server: Server, acme: Tenant) -> None:
    body = b'{"usage_id": "largest", "model": {"model": "gpt-4o", "input_tokens": 1}' + b" " * SMALL
    response = server.ask("POST", USAGE, body[: SMALL - 1] + b"}", acme.key)
    assert response.status_code == 200, response.text


def test_a_client_that_sends_a_large_body_whole_can_read_the_refusal(server: Server, acme: Tenant) -> None:
    with connected(server) as sock:
        # The server has answered and hung up before all of it is sent.
        with suppress(OSError):
            sock.sendall(head("POST", USAGE, key=acme.key, length=2 * MIB) + b" " * (2 * MIB))
        is_problem(answer(sock), 413, "body_too_large")


@pytest.mark.parametrize(
    "headers",
    [[f"X-Odd-{number}: x" for number in range(200)], ["X-Odd: " + "x" * 200_000], [f"X-{'y' * 200_000}: x"]],
    ids=["many", "long-value", "long-name"],
)
def test_headers_have_limits(server: Server, headers: list[str]) -> None:
    with connected(server) as sock:
        sock.sendall(head("GET", "/health", *headers))
        assert answer(sock).status == 431
    assert server.ask("GET", "/health").status_code == 200


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *((GUARD, name) for name in ("Authorization", "X-API-Key", "X-Account-ID", "x-project-id", "X-Tenant-ID")),
        *(("/v1/admin/accounts", name) for name in ("Authorization", "X-API-Key")),
    ],
)
def test_a_header_that_chooses_stands_once(server: Server, acme: Tenant, path: str, name: str) -> None:
    value = {"Authorization": f"Bearer {acme.key}", "X-API-Key": acme.key, "x-project-id": acme.project}
    twice = [f"{name}: {value.get(name, acme.account)}", f"{name.lower()}: {value.get(name, acme.account)}"]
    key = "" if name in {"Authorization", "X-API-Key"} else acme.key
    body = json.dumps(prompt()).encode()
    got = raw(server, head("POST", path, *twice, key=key, length=len(body)) + body)
    is_problem(got, 400, "header_duplicate")


def test_a_header_that_is_not_text_is_refused(server: Server, acme: Tenant) -> None:
    body = json.dumps(prompt()).encode()
    top = head("POST", GUARD, "X-Account-ID: ?", key=acme.key, length=len(body)).replace(b"?", b"\xff\xfe")
    is_problem(raw(server, top + body), 400, "header_invalid")


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def test_json_has_a_depth(server: Server, acme: Tenant) -> None:
    def asked(levels: int) -> httpx.Response:
        return server.ask("POST", GUARD, prompt(metadata={"deep": nested(levels)}), acme.key)

    assert asked(60).status_code == 200
    for levels in (64, 100):
        is_problem(asked(levels), 400, "request_too_deep")
    tool = {"name": "search", "is_builtin": False, "arguments": {"deep": nested(100)}}
    call = prompt(tool=tool) | {"content_type": "tool_call", "action": "call_tool"}
    is_problem(server.ask("POST", GUARD, call, acme.key), 400, "request_too_deep")
    # So deep that no reader goes there.
    body = json.dumps(prompt(metadata={"deep": "?"})).replace('"?"', "[" * 50_000 + "]" * 50_000).encode()
    assert server.ask("POST", GUARD, body, acme.key).status_code == 400


def test_slow_clients_do_not_stop_others(server: Server, acme: Tenant) -> None:
    top, body = guard_bytes(acme)
    with ExitStack() as slow:
        for part in [b"POST", top[:-2], top, top + body[:-1]] * 100:
            sock = slow.enter_context(connected(server))
            sock.sendall(part)
        for _ in range(5):
            began = time.monotonic()
            acme.guard()
            assert time.monotonic() - began < 2


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity"])
def test_a_compressed_body_is_not_taken(server: Server, acme: Tenant, encoding: str) -> None:
    body = gzip.compress(json.dumps(prompt()).encode())
    top = head("POST", GUARD, f"Content-Encoding: {encoding}", key=acme.key, length=len(body))
    is_problem(raw(server, top + body), 415, "media_type_unsupported")


@pytest.mark.parametrize(
    ("method", "path", "header", "status"),
    [
        ("POST", "/nowhere", "X-Odd: x", 404),
        ("PUT", GUARD, "X-Odd: x", 405),
        ("POST", GUARD, "Content-Encoding: gzip", 415),
        ("POST", USAGE, "X-Odd: x", 413),
    ],
)
def test_a_connection_that_closes_after_an_answer_says_so(
    server: Server, acme: Tenant, method: str, path: str, header: str, status: int
) -> None:
    # Clients keep connections: one that ends in silence fails whatever is asked next.
    length = 2 * MIB if status == 413 else 10
    with connected(server) as sock:
        sock.sendall(head(method, path, header, key=acme.key, length=length))
        first = answer(sock)
        assert first.status == status
        if first.headers.get("connection") != "close":
            sock.sendall(b" " * length + head("GET", "/health"))
            assert answer(sock).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", GUARD, 405, "method_not_allowed"),
        ("PUT", GUARD, 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
        ("BREW", "/api-keys", 405, "method_not_allowed"),
        ("GET", "/nowhere", 404, "route_unknown"),
        ("POST", "/v1/admin", 404, "route_unknown"),
        ("GET", "/", 404, "route_unknown"),
        ("POST", f"{GUARD}/", 404, "route_unknown"),
        ("GET", "/health/", 404, "route_unknown"),
        ("GET", "//health", 404, "route_unknown"),
        ("GET", "/v1/admin/accounts/", 404, "route_unknown"),
        ("GET", "/health/../health", 404, "route_unknown"),
        ("GET", "/HEALTH", 404, "route_unknown"),
    ],
)
def test_what_is_no_route_is_a_problem_and_never_a_redirect(
    server: Server, method: str, path: str, status: int, code: str
) -> None:
    got = raw(server, head(method, path, key=server.key, length=0))
    is_problem(got, status, code)
    assert "location" not in got.headers


# Never a defect


def fields(document: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """The names of the members of an operation's body."""
    if "requestBody" not in operation:
        return []
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", {}))


def bodies(names: list[str]) -> list[bytes]:
    """Bodies no client of ours sends."""
    values = ["NaN", "Infinity", "-Infinity", "1e999", "-1", "18446744073709551616", r'"\ud800"', r'{"\udfff": 1}']
    values += ["null", "[]", "{}", "true", '""', "[" * 200 + "]" * 200, '"\\u0000"']
    found = [b"", b" ", b"null", b"[]", b"{}", b'"text"', b"7", b"NaN", b"{", b"\xff\xfe\x00", b'{"a": "\xff"}']
    found += [b'{"a": 1, "a": 2}', b"[" * 100_000, b'{"a":' * 100_000, b"\xef\xbb\xbf{}", b"a=b&a=c"]
    found += [b'{"content": "' + b"x" * (MIB - 100) + b'"}', b" " * MIB, b"\x00" * MIB]
    for value in values:
        found.append(("{" + ", ".join(f'"{name}": {value}' for name in names) + "}").encode())
    found.extend(f'{{"{name}": "x", "{name}": "x"}}'.encode() for name in names)
    return found


def test_no_body_is_a_defect(place: Place) -> None:
    with place.serve() as server:
        tenant = server.tenant()
        document = described(server)
        settings = server.done("GET", "/v1/admin/identity")
        names = {"{account}": tenant.account, "{project}": tenant.project, "{name}": "odd", "{id}": tenant.key_id}
        seen = 0
        for method, path, operation in operations(server):
            if method not in {"POST", "PUT", "PATCH"}:
                continue
            for name, value in names.items():
                path = path.replace(name, value)
            path = path.replace("{pack}", "nothing")
            for body in bodies(fields(document, operation)):
                response = server.ask(
                    *(method, path, body, None),
                    **{"Content-Type": "application/json", "X-Account-ID": tenant.account, "X-Project-ID": "prod"},
                )
                assert response.status_code < 500, (method, path, body[:200], response.text)
                seen += 1
        assert seen > 400
        server.done("PATCH", "/v1/admin/identity", settings)
        assert "request failed" not in server.logged()
        assert server.tenant().guard()["decision"] == "allow"


# Fairness


def test_one_tenants_crowd_does_not_hold_up_another(server: Server) -> None:
    crowd, other = server.tenant(), server.tenant()
    top, body = guard_bytes(crowd, "a word or two. " * 13_700)
    assert len(body) > 200_000
    with ExitStack() as stack:
        socks = [stack.enter_context(connected(server, 60)) for _ in range(200)]
        for sock in socks:
            sock.sendall(top + body)
        waits = []
        for content in ["hello", "a word or two. " * 4_000] * 5:
            began = time.monotonic()
            other.guard(content)
            waits.append(time.monotonic() - began)
        answers = [answer(sock) for sock in socks]
    assert max(waits) < 2, waits
    statuses = [got.status for got in answers]
    assert set(statuses) <= {200, 503}
    for got in answers:
        if got.status == 503:
            is_problem(got, 503, "overloaded")
            assert int(got.headers["retry-after"]) >= 1
    assert len(crowd.rows()) == statuses.count(200) >= 64
    assert len(other.rows()) == 10


def test_a_caller_that_crosses_waits_in_its_own_line(server: Server) -> None:
    visitor, host = server.tenant(), server.tenant()
    grant = {
        "from_account": visitor.account,
        "to_account": host.account,
        "to_project": host.project,
        "actions": ["process_prompt"],
        "expires_in_seconds": 600,
        "reason": "visits",
    }
    server.done("POST", "/v1/admin/grants", grant)
    there = [f"X-Account-ID: {host.account}", f"X-Project-ID: {host.project}", "Transfer-Encoding: chunked"]
    with ExitStack() as stack:
        for _ in range(20):
            # A body that may be large, so that it holds a turn before it comes; it never does.
            sock = stack.enter_context(connected(server, 60))
            sock.sendall(head("POST", GUARD, *there, "Content-Type: application/json", key=visitor.key))

        def held() -> bool:
            metrics = server.ask("GET", "/metrics").text
            return sum(map(int, re.findall(r"^tenantry_requests_(?:running|waiting) (\d+)$", metrics, re.M))) >= 20

        assert eventually(held)
        began = time.monotonic()
        host.guard("a word or two. " * 4_000)
        assert time.monotonic() - began < 5, "the visitor held the host's turns"
