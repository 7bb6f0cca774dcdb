"""The edges of HTTP: what a client is told to present, how it names itself, what proxies, probes and scrapers need."""

from __future__ import annotations

import base64
import json
import re
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote_plus

import pytest
from process import (
    GUARD,
    ISSUER,
    Place,
    Server,
    answer,
    connected,
    eventually,
    free_port,
    guard_bytes,
    head,
    is_problem,
    prompt,
    raw,
)

# Challenges

METADATA = "/.well-known/oauth-protected-resource"
INVALID = 'error="invalid_token"'


def challenge(server: Server, **headers: str) -> tuple[int, str]:
    response = server.ask("GET", "/v1/whoami", key="", **headers)
    return response.status_code, response.headers["www-authenticate"]


def token(claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
    """A token nobody signed."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part(header or {'alg': 'ES256', 'kid': 'a'})}.{part(claims)}.{'A' * 86}"


def test_a_challenge_says_why_and_where_to_look(server: Server) -> None:
    tenant = server.tenant()
    good = tenant.token()
    refused = {
        "not a token": "Bearer abc",
        "a key nobody made": "Bearer hf_sk_aaaaaaaaaaaaaaaaaaaaaaaa_" + "a" * 59,
        "a broken token": f"Bearer {good[:-4]}AAAA",
        "half a token": f"Bearer {good[:-1]}",
        "another issuer's": "Bearer " + token({"iss": "https://login.example", "sub": "ann"}),
        "another algorithm": "Bearer " + token({"iss": ISSUER}, {"alg": "none"}),
        "an extension": "Bearer " + token({"iss": ISSUER}, {"alg": "ES256", "crit": ["x"]}),
    }
    for name, value in refused.items():
        status, told = challenge(server, Authorization=value)
        assert status == 401, name
        assert told.startswith("Bearer "), told
        assert INVALID in told, name
        assert re.search(r'error_description="[a-z_]+"', told), told
        assert f'resource_metadata="{ISSUER}{METADATA}"' in told, name
    status, told = challenge(server, X_API_Key=tenant.key[:-1])
    assert (status, INVALID in told) == (401, True)
    # RFC 6750, section 3.1: whoever presents nothing is told nothing of what it presented.
    for nothing in ({}, {"Authorization": "Basic YTpi"}):
        status, told = challenge(server, **nothing)
        assert (status, "error=" in told, METADATA in told) == (401, False, True)
    found = server.ask("GET", METADATA, key="").json()
    assert found["resource"] == ISSUER
    assert found["authorization_servers"] == [ISSUER]
    reader = server.tenant(scopes=["tenant:read"])
    response = server.ask(
        "PUT", f"{reader.path}/policies/p", {"text": "permit(principal, action, resource);"}, reader.key
    )
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    outside = server.ask("GET", f"{tenant.path}/policies", None, reader.key)
    assert "www-authenticate" not in outside.headers


# How a client names itself


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


ASKED = ["introspect", "revoke"]


@pytest.mark.parametrize("name", ["{id}", "anything", "", "https://app.example/client", "a b"])
@pytest.mark.parametrize("what", ASKED)
def test_a_client_is_known_by_its_key(server: Server, what: str, name: str) -> None:
    tenant = server.tenant()
    name = name.format(id=tenant.key_id)
    path = f"/oauth2/token/{what}"
    given: list[dict[str, Any]] = [
        {"headers": {"Authorization": basic(name.replace(":", "%3A"), tenant.key)}},
        {"headers": {"Authorization": basic(quote_plus(name), quote_plus(tenant.key))}},
        {"headers": {"Authorization": basic(quote_plus(name), tenant.key).rstrip("=")}},
        {"headers": {"authorization": basic(quote_plus(name), tenant.key).replace("Basic", "BASIC")}},
        {"body": {"client_id": name, "client_secret": tenant.key}},
        {"headers": {"Authorization": f"Bearer {tenant.key}"}, "body": {"client_id": name}},
        {"headers": {"X-API-Key": tenant.key}},
    ]
    for ways in given:
        body = {"token": tenant.token(), **ways.get("body", {})}
        for sent in ({"data": body}, {"json": body}):
            response = server.http.post(server.url + path, headers=ways.get("headers"), **sent)  # type: ignore[arg-type]
            assert response.status_code == 200, (ways, response.text)
            assert what != "introspect" or response.json()["active"]


@pytest.mark.parametrize("what", ASKED)
def test_a_client_that_is_not_known_is_asked_for_what_is_taken(server: Server, what: str) -> None:
    tenant, other = server.tenant(), server.tenant()
    path, body = f"/oauth2/token/{what}", {"token": tenant.token()}
    refused: list[dict[str, Any]] = [
        {},
        {"headers": {"Authorization": basic("x", tenant.key[:-1])}},
        {"headers": {"Authorization": basic(tenant.key, "")}},
        {"headers": {"Authorization": "Basic !!!"}},
        {"headers": {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()}},
        {"headers": {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}},
        {"body": {"client_id": tenant.key_id, "client_secret": "no"}},
        {"body": {"client_id": tenant.key_id}},
    ]
    for ways in refused:
        response = server.http.post(
            server.url + path, headers=ways.get("headers"), data={**body, **ways.get("body", {})}
        )
        assert response.status_code == 401, (ways, response.text)
        assert response.json()["error"] == "invalid_client"
        assert response.headers["www-authenticate"].startswith("Basic ")
    twice = {"Authorization": basic("x", tenant.key), "X-API-Key": other.key}
    assert server.http.post(server.url + path, headers=twice, data=body).status_code == 400
    # Whoever is somebody else learns nothing.
    asked = server.http.post(
        server.url + "/oauth2/token/introspect", headers={"Authorization": basic("x", other.key)}, data=body
    )
    assert asked.json() == {"active": False}


def test_the_token_endpoint_takes_a_key_by_basic(server: Server) -> None:
    tenant = server.tenant()
    url = server.url + "/oauth2/token"
    got = server.http.post(url, headers={"Authorization": basic("x", tenant.key)}, data={"grant_type": "api_key"})
    assert got.status_code == 200, got.text
    person = {
        "subject": "ann",
        "account_id": tenant.account,
        "project_id": "prod",
        "scopes": ["tools:read"],
        "refresh": True,
    }
    issued = server.done("POST", "/v1/admin/tokens", person)
    again = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    wrong = server.http.post(url, headers={"Authorization": basic("x", "no")}, data=again)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert server.http.post(url, headers={"Authorization": basic("x", tenant.key)}, data=again).status_code == 200
    found = server.ask("GET", "/.well-known/oauth-authorization-server", key="").json()
    for endpoint in ("token", "introspection", "revocation"):
        assert "client_secret_basic" in found[f"{endpoint}_endpoint_auth_methods_supported"]


# Issuers: who is told what


@contextmanager
def publishing(status: int, body: bytes) -> Iterator[str]:
    """Where something is published."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    site = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{site.server_port}/inside/keys"
    finally:
        site.shutdown()
        thread.join()
        site.server_close()


def entry(url: str, name: str = "https://login.example") -> dict[str, Any]:
    return {
        "issuer": name,
        "audience": ["tenantry"],
        "algorithms": ["ES256"],
        "accounts": ["*"],
        "principal_prefix": f"{name[8:11]}:",
        "jwks_url": url,
        "private_network": True,
    }


def test_why_keys_are_not_there_is_told_to_operators_and_not_to_whoever_presents_a_token(place: Place) -> None:
    keys = {"keys": [{"kty": "RSA", "kid": "old", "n": "AQAB", "e": "AQAB"}]}
    with (
        publishing(301, b"") as moved,
        publishing(200, b"<html>") as page,
        publishing(200, json.dumps(keys).encode()) as old,
    ):
        cases = {
            "https://a.example": (f"http://127.0.0.1:{free_port()}/inside/keys", "the connection was refused"),
            "https://b.example": ("http://nosuchhost.invalid/inside/keys", "DNS"),
            "https://c.example": (moved, "status 301"),
            "https://d.example": (page, "web page"),
        }
        with place.serve() as server:
            for name, (url, why) in cases.items():
                receipt = server.done("PUT", "/v1/admin/issuers", entry(url, name))
                assert why in receipt["unreachable"], receipt
                assert receipt["keys"] == []
                got = server.ask("GET", "/v1/whoami", key=token({"iss": name, "sub": "ann"}))
                is_problem(got, 503, "jwks_unavailable")
                for inside in ("127.0.0.1:", "nosuchhost", "inside", why):
                    assert inside not in got.text, got.text
            receipt = server.done("PUT", "/v1/admin/issuers", entry(old, "https://old.example"))
            assert receipt["keys"] == []
            assert "key `old`" in receipt["skipped"][0]
            assert "bits" in receipt["skipped"][0]
            got = server.ask("GET", "/v1/whoami", key=token({"iss": "https://old.example/", "sub": "ann"}))
            is_problem(got, 401, "issuer_unknown")
            assert "old.example" not in got.text
            log = server.logged()
            for _, why in cases.values():
                assert log.count(why) >= 2, (why, log)
            assert "key `old`" in log
        doctor = place.run("doctor")
        assert doctor.code == 6
        for name, (_, why) in cases.items():
            assert re.search(rf"!!.*{name}.*{why}", doctor.out), doctor.out
        assert re.search(r"!!.*old.example.*`old`", doctor.out), doctor.out


# The head of a request


def asked(*lines: str, version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join([f"GET /health {version}", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (asked("Host: a"), 200),
        (asked("Host: a:80"), 200),
        (asked("Host: [::1]:80"), 200),
        (asked("Host:"), 200),
        (asked("host: A.EXAMPLE"), 200),
        (asked(version="HTTP/1.0"), 200),
        (asked("Host: a", version="HTTP/1.0"), 200),
        (b"GET http://a/health HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (asked(), 400),
        (asked("X-Host: a"), 400),
        (b"GET http://a/health HTTP/1.1\r\n\r\n", 400),
        (asked("Host: a", "Host: a"), 400),
        (asked("Host: a", "host: b"), 400),
        (asked("Host: a", "Accept: */*", "Host:"), 400),
        (asked("Host: a", "Host: b", version="HTTP/1.0"), 400),
        (asked("Host: a b"), 400),
        (asked("Host: a/b"), 400),
        (asked("Host: user@a"), 400),
        (asked("Host: a:"), 200),
        (asked("Host: a:port"), 400),
        (asked("Host: a:70000"), 400),
        (asked("Host: \xff"), 400),
    ],
)
def test_a_request_names_its_host_once(server: Server, request_: bytes, status: int) -> None:
    got = raw(server, request_)
    assert got.status == status, got
    if status == 400:
        is_problem(got, 400, "host_invalid")
        assert got.headers["connection"] == "close"


def test_a_refusal_of_a_body_names_the_field(server: Server) -> None:
    tenant = server.tenant()
    accounts, path = "/v1/admin/accounts", tenant.path
    for method, route, body, field, expected in [
        ("POST", GUARD, {**prompt(), "content": 7}, "`content`", "string"),
        ("POST", GUARD, {**prompt(), "mode": "hush"}, "`mode`", "expected"),
        ("POST", GUARD, {**prompt(), "tool": {"name": ["hush"]}}, "`tool.name`", "string"),
        ("POST", GUARD, {**prompt(), "metadata": "hush"}, "`metadata`", "object"),
        ("POST", GUARD, ["hush"], "the body", "object"),
        ("POST", "/v1/shield/detect", {"content": ["hush"], "content_type": "prompt"}, "`content`", "string"),
        ("POST", "/api-keys", {"name": {"hush": 1}}, "`name`", "string"),
        ("POST", "/api-keys", {"name": "x", "expires_in_days": "hush"}, "`expires_in_days`", "whole number"),
        ("POST", "/api-keys", {"name": "x", "scopes": "hush"}, "`scopes`", "list"),
        ("PUT", f"{path}/limits/x", {"rate": "hush", "per_ms": 1}, "`rate`", "whole number"),
        ("PUT", f"{path}/policies/x", {"text": 7}, "`text`", "string"),
        ("POST", accounts, {}, "`id`", "missing"),
        ("PATCH", f"{path}/settings", {"mode_floor": "hush"}, "`mode_floor`", "enforce"),
        ("PATCH", "/v1/admin/identity", {"max_keys": "hush"}, "`max_keys`", "whole number"),
        (
            "PATCH",
            "/v1/admin/identity",
            {"auto_provision": {"enabled": "hush"}},
            "`auto_provision.enabled`",
            "true or false",
        ),
        ("PUT", "/v1/admin/issuers", {"accounts": ["a", 7]}, "`accounts[1]`", "string"),
        ("POST", "/v1/admin/tokens", {"roles": "hush"}, "`roles`", "list"),
    ]:
        key = tenant.key if route in (GUARD, "/v1/shield/detect", "/api-keys") else server.key
        got = server.ask(method, route, body, key)
        assert got.status_code == 400, (route, got.text)
        detail = got.json()["detail"]
        assert field in detail, (route, detail)
        assert expected in detail, (route, detail)
        assert "hush" not in detail
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    got = server.http.post(server.url + "/oauth2/token/introspect", content=b"client_id=x", headers=form)
    assert "`token` is missing" in got.json()["error_description"]


# Proxies, probes and scrapers


def test_event_streams_are_not_collected_on_their_way(server: Server) -> None:
    tenant = server.tenant()
    top, body = guard_bytes(tenant)
    streams = [
        (top.replace(GUARD.encode(), f"{GUARD}/stream".encode()), body),
        (head("GET", "/v1/events", key=tenant.key), b""),
    ]
    for top, body in streams:
        with connected(server) as sock:
            sock.sendall(top + body)
            data = b""
            while b"\r\n\r\n" not in data:
                data += sock.recv(65536)
        assert b"x-accel-buffering: no\r\n" in data.lower()


def closed_within(sock: socket.socket, seconds: float) -> bool:
    return bool(select.select([sock], [], [], seconds)[0]) and sock.recv(1) == b""


@pytest.mark.parametrize("by", ["variable", "flag"])
def test_an_idle_connection_is_kept_as_long_as_was_set(place: Place, by: str) -> None:
    flag = ["--idle-seconds", "2"] if by == "flag" else []
    with place.serve(*flag, TENANTRY_IDLE_SECONDS="2" if by == "variable" else "3600") as server:
        with connected(server) as idle, connected(server) as silent, connected(server) as slow:
            # A head that is on its way is no idle connection.
            slow.sendall(b"GET /health HTTP/1.1\r\nHo")
            began = time.monotonic()
            for _ in range(2):
                idle.sendall(head("GET", "/health"))
                assert answer(idle).status == 200
                assert not closed_within(idle, 1.5)
            assert closed_within(idle, 3)
            assert time.monotonic() - began > 3.4
            assert closed_within(silent, 3)
            slow.sendall(b"st: a\r\n\r\n")
            assert answer(slow).status == 200
        assert server.stop() == 0
    out = place.run("serve", "--issuer", ISSUER, TENANTRY_IDLE_SECONDS="0")
    assert (out.code, "TENANTRY_IDLE_SECONDS" in out.err) == (2, True), out


def test_the_usual_idle_time_is_longer_than_a_load_balancers(server: Server) -> None:
    page = server.place.run("serve", "--help").out
    assert re.search(r"TENANTRY_IDLE_SECONDS, or 75", page)
    with connected(server) as idle:
        idle.sendall(head("GET", "/health"))
        assert answer(idle).status == 200
        assert not closed_within(idle, 33)
        idle.sendall(head("GET", "/health"))
        assert answer(idle).status == 200


def test_a_probe_learns_that_the_server_ends_before_its_listener_closes(place: Place) -> None:
    with place.serve(TENANTRY_LEAVE_SECONDS="3") as server:
        tenant = server.tenant()
        top, body = guard_bytes(tenant)
        with connected(server) as kept:
            kept.sendall(head("GET", "/ready"))
            assert answer(kept).status == 200
            began = time.monotonic()
            server.terminate()

            def told() -> bool:
                return raw(server, head("GET", "/ready")).status == 503

            assert eventually(told, 2)
            is_problem(raw(server, head("GET", "/ready")), 503, "draining")
            # What is still sent here is still answered, on old connections and on new ones.
            assert raw(server, top + body).status == 200
            kept.sendall(top + body)
            assert answer(kept).status == 200
        assert server.ended(10) == 0
        assert time.monotonic() - began > 2.5


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_whoever_asks_twice_does_not_wait(place: Place, second: signal.Signals) -> None:
    with place.serve("--leave-seconds", "60") as server:
        server.terminate()
        assert eventually(lambda: raw(server, head("GET", "/ready")).status == 503)
        server.process.send_signal(second)
        assert server.ended(10) == 0


def test_ctrl_c_does_not_wait(place: Place) -> None:
    with place.serve("--leave-seconds", "60") as server:
        server.process.send_signal(signal.SIGINT)
        assert server.ended(10) == 0


def test_a_closed_terminal_does_not_end_the_server(place: Place) -> None:
    with place.serve() as server:
        for _ in range(3):
            server.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: server.logged().count("SIGHUP") >= 1)
        assert server.ask("GET", "/ready").status_code == 200
        assert server.stop() == 0
    with place.dev() as server:
        server.process.send_signal(signal.SIGHUP)
        assert server.ended(10) == 0


@pytest.mark.parametrize("listen", ["localhost:0", "127.0.0.1:0", "LOCALHOST:0"])
def test_the_server_listens_by_name(place: Place, listen: str) -> None:
    with place.serve("--listen", listen) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.ask("GET", "/health").status_code == 200


@pytest.mark.parametrize(
    ("listen", "code", "said"),
    [
        ("localhost", 2, "127.0.0.1:8787"),
        ("8787", 2, "127.0.0.1:8787"),
        (":8787", 2, "127.0.0.1:8787"),
        ("::1:8787", 2, "[::1]:8787"),
        ("localhost:http", 2, "127.0.0.1:8787"),
        ("localhost:70000", 2, "127.0.0.1:8787"),
        ("nosuchhost.invalid:8787", 6, "nosuchhost.invalid"),
        ("0.0.0.0:0", 2, "--tls-cert"),
    ],
)
def test_where_it_cannot_listen_is_said(place: Place, listen: str, code: int, said: str) -> None:
    ended = place.run("serve", "--issuer", ISSUER, "--listen", listen)
    assert ended.code == code, ended
    assert said in ended.err


def test_a_scraper_gets_the_text_it_takes(server: Server) -> None:
    server.ask("GET", "/health")
    plain = server.ask("GET", "/metrics", Accept="text/plain;version=0.0.4")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = plain.text.splitlines()
    assert "# TYPE tenantry_http_requests_total counter" in lines
    assert not [line for line in lines if line.startswith(("# EOF", "# UNIT"))]
    described = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    for line in lines:
        if not line.startswith("#"):
            name = re.split(r"[ {]", line)[0]
            assert name in described or re.sub(r"_(bucket|sum|count)$", "", name) in described, line
    for accept in ("*/*", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"):
        got = server.ask("GET", "/metrics", Accept=accept)
        assert got.headers["content-type"].startswith("application/openmetrics-text")
        assert got.text.endswith("# EOF\n")
