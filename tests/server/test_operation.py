"""The server under everything a network does to it: hang-ups, floods, odd bytes, restarts and its end.

Owns what holds for every route, shown over the wire against the real process. What single routes decide is shown
elsewhere.
"""

from __future__ import annotations

import base64
import datetime
import gzip
import ipaddress
import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from process import (
    ISSUER,
    ROOT,
    Answer,
    BrokenOffError,
    Place,
    Server,
    Tenant,
    answer,
    binary,
    connected,
    eventually,
    head,
    prompt,
    raw,
)

GUARD = "/v1/shield/guard"
USAGE = "/v1/shield/usage"
SMALL = 32 * 1024
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server most tests share. They make tenants of their own."""
    with Place(tmp_path_factory.mktemp("shared")).serve() as server:
        yield server


@pytest.fixture(scope="module")
def acme(server: Server) -> Tenant:
    """A tenant nothing is changed about, and nothing is counted of."""
    return server.tenant()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def guard_bytes(tenant: Tenant, content: str = "hello") -> tuple[bytes, bytes]:
    body = json.dumps(prompt(content)).encode()
    return head("POST", GUARD, key=tenant.key, length=len(body)), body


def is_problem(response: httpx.Response | Answer, status: int, code: str) -> None:
    """RFC 9457, with our code."""
    got = response.status_code if isinstance(response, httpx.Response) else response.status
    content = response.content if isinstance(response, httpx.Response) else response.body
    assert got == status, content[:500]
    assert response.headers["content-type"] == "application/problem+json"
    body = json.loads(content)
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:tenantry:error:{code}")
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]


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
    # No end of the body: the answer comes without it.
    is_problem(raw(server, top, *[chunk] * 17), 413, "body_too_large")


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


def described(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.done("GET", "/openapi.json", key="")
    return found


def operations(server: Server) -> list[tuple[str, str, dict[str, Any]]]:
    """Every route of the description: its method, its path, and what is said of it."""
    return [
        (method.upper(), path, operation)
        for path, methods in described(server)["paths"].items()
        for method, operation in methods.items()
    ]


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


# The end


@contextmanager
def started(place: Place, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose output the test itself reads."""
    process = subprocess.Popen(
        [str(binary()), "--data-dir", str(place.data), *arguments],
        cwd=place.folder,
        env=place.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_a_signal_is_heard_from_the_moment_the_server_says_it_is_ready(place: Place) -> None:
    codes = []
    for _ in range(10):
        with started(place, "serve", "--json", "--listen", "127.0.0.1:0", "--issuer", ISSUER) as process:
            assert process.stdout is not None
            process.stdout.read(1)
            process.terminate()
            codes.append(process.wait(20))
    assert codes == [0] * 10


def refuses(port: int) -> bool:
    """Whether a new connection is refused."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


def test_what_is_under_way_is_answered_when_the_server_ends(place: Place) -> None:
    with place.serve() as server, ExitStack() as stack:
        tenant = server.tenant()
        top, body = guard_bytes(tenant, "a word or two. " * 13_700)
        idle = stack.enter_context(connected(server))
        socks = [stack.enter_context(connected(server, 60)) for _ in range(40)]
        idle.sendall(head("GET", "/ready"))
        assert answer(idle).status == 200
        for sock in socks:
            sock.sendall(top + body)
        assert eventually(lambda: re.search(r"requests_waiting [1-9]", server.ask("GET", "/metrics").text), pause=0)
        server.terminate()
        assert eventually(lambda: refuses(server.port), 5)
        # A connection from before is told so, or closed.
        told = None
        with suppress(OSError, BrokenOffError):
            idle.sendall(head("GET", "/ready"))
            told = answer(idle)
        if told:
            is_problem(told, 503, "draining")
        answers = [answer(sock) for sock in socks]
        assert server.ended() == 0
    for got in answers:
        # What was not yet read when the signal came is told to come again.
        if got.status != 200:
            is_problem(got, 503, "draining")
    decided = [got.status for got in answers].count(200)
    with place.serve(key=server.key) as again:
        assert len(tenant.rows(of=again)) == decided >= 2


def test_a_body_that_is_half_sent_when_the_server_ends_is_answered(place: Place) -> None:
    with place.serve() as server:
        tenant = server.tenant()
        top, body = guard_bytes(tenant)
        idle = connected(server)
        with connected(server) as sock, idle:
            idle.sendall(head("GET", "/ready"))
            assert answer(idle).status == 200
            sock.sendall(top.replace(b"Host:", b"Expect: 100-continue\r\nHost:") + body[:10])
            # Told to go on, so the server is waiting for the rest.
            assert answer(sock).status == 100
            server.terminate()
            assert eventually(lambda: refuses(server.port), 5)
            # A connection from before is told, or closed.
            told = None
            with suppress(OSError, BrokenOffError):
                idle.sendall(head("GET", "/ready"))
                told = answer(idle)
            assert told is None or told.status == 503
            sock.sendall(body[10:])
            assert answer(sock).status == 200
        assert server.ended() == 0


def test_streams_end_with_the_server(place: Place) -> None:
    with place.serve() as server:
        tenant = server.tenant()
        with events(server, tenant.key, after=0) as stream:
            assert next(stream).id == 1
            server.terminate()
            for _ in stream:
                pass
        assert server.ended(10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(place: Place, number: signal.Signals) -> None:
    with place.serve() as server:
        server.ask("GET", "/health")
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.ended() == 0
        assert time.monotonic() - began < 4


def test_dev_ends_with_its_standard_input_and_leaves_nothing(place: Place) -> None:
    with place.dev(TMPDIR=str(place.folder)) as server:
        assert server.ask("POST", GUARD, prompt(), X_Account_ID="acme").status_code == 200
        assert [path for path in place.folder.iterdir() if path.is_dir()]
        server.let_go()
        assert server.ended() == 0
    assert not [path for path in place.folder.iterdir() if path.is_dir()]


def test_dev_ends_at_a_signal_and_leaves_nothing(place: Place) -> None:
    with place.dev(TMPDIR=str(place.folder)) as server:
        assert server.stop() == 0
    assert not [path for path in place.folder.iterdir() if path.is_dir()]


# TLS


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for this machine, and its key."""

    certificate: Path
    key: Path

    @property
    def arguments(self) -> list[str]:
        return ["--tls-cert", str(self.certificate), "--tls-key", str(self.key)]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    found = Certificate(folder / "certificate.pem", folder / "key.pem")
    found.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    found.key.write_bytes(key.private_bytes(*plain))
    return found


def test_the_commands_of_the_page_serve(place: Place, certificate: Certificate) -> None:
    """The block under "Serve" of docs/server.md, as it stands, but for the root key and a port that is free."""
    block = re.search(r"^```sh\n(.*?)^```", (ROOT / "docs" / "server.md").read_text().split("## Serve")[1], re.M | re.S)
    assert block
    first, *lines = block[1].replace(":8443", ":0").splitlines()
    assert first.startswith("export TENANTRY_ROOT_KEY=")
    (place.folder / "chain.pem").write_bytes(certificate.certificate.read_bytes())
    (place.folder / "key.pem").write_bytes(certificate.key.read_bytes())
    environment = place.environment(PATH=f"{binary().parent}{os.pathsep}{os.environ['PATH']}")
    for line in lines[:-1]:
        subprocess.run(shlex.split(line), cwd=place.folder, env=environment, check=True, capture_output=True)
    command = shlex.split(lines[-1])
    with subprocess.Popen(command, cwd=place.folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving https://")
        process.terminate()
        assert process.wait(20) == 0


def test_tls_in_both_versions_of_http_and_nothing_without(place: Place, certificate: Certificate) -> None:
    context = ssl.create_default_context(cafile=str(certificate.certificate))
    with place.serve(*certificate.arguments, "--listen", "0.0.0.0:0") as server:
        assert server.url.startswith("https://")
        url = f"https://127.0.0.1:{server.port}"
        for two in (False, True):
            with httpx.Client(http2=two, verify=context, timeout=20) as http:
                keyed = {"Authorization": f"Bearer {server.key}"}
                made = http.post(f"{url}/v1/admin/accounts", json={"id": f"tls-{two}".lower()}, headers=keyed)
                assert made.status_code == 201, made.text
                assert made.http_version == ("HTTP/2" if two else "HTTP/1.1")
                answers = [http.get(f"{url}/health") for _ in range(20)]
                assert {got.status_code for got in answers} == {200}
        with httpx.Client(timeout=5) as http, pytest.raises(httpx.HTTPError):
            http.get(f"http://127.0.0.1:{server.port}/health")
        with httpx.Client(timeout=5) as http, pytest.raises(httpx.ConnectError):
            http.get(f"{url}/health")
        old = ssl.create_default_context(cafile=str(certificate.certificate))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with httpx.Client(verify=old, timeout=5) as http:
            assert http.get(f"{url}/health").status_code == 200
        # Silence instead of a handshake stops nobody.
        with ExitStack() as silent:
            for _ in range(50):
                silent.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            with httpx.Client(verify=context, timeout=5) as http:
                assert http.get(f"{url}/health").status_code == 200
        assert server.stop() == 0


def test_other_machines_are_served_with_tls_only(place: Place) -> None:
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
        ended = place.run("serve", "--json", "--issuer", ISSUER, "--listen", address)
        assert (ended.code, json.loads(ended.err)["code"]) == (2, "tls_required")
    with place.serve("--listen", "0.0.0.0:0", "--behind-proxy") as server:
        assert httpx.get(f"http://127.0.0.1:{server.port}/health").status_code == 200


def test_a_certificate_that_is_none_is_refused(place: Place, certificate: Certificate, tmp_path: Path) -> None:
    (tmp_path / "odd.pem").write_text("-----BEGIN CERTIFICATE-----\nodd\n-----END CERTIFICATE-----\n")
    for chain, key in [(tmp_path / "odd.pem", certificate.key), (certificate.certificate, tmp_path / "none.pem")]:
        ended = place.run("serve", "--json", "--issuer", ISSUER, "--tls-cert", str(chain), "--tls-key", str(key))
        assert (ended.code, json.loads(ended.err)["code"]) == (2, "tls_invalid")
    assert place.run("serve", "--issuer", ISSUER, "--tls-cert", str(certificate.certificate)).code == 2


# Refusals to start


@pytest.mark.parametrize(
    "key", ["00" * 32, "11" * 32, "ff" * 32, "0123456789abcdef" * 4], ids=["zeros", "ones", "effs", "counted"]
)
def test_a_root_key_somebody_typed_is_refused(place: Place, key: str) -> None:
    ended = place.run("serve", "--json", "--issuer", ISSUER, TENANTRY_ROOT_KEY=key)
    assert (ended.code, json.loads(ended.err)["code"]) == (2, "root_key_placeholder")
    assert key not in ended.out + ended.err


def test_a_root_key_in_a_file_is_looked_at_too(place: Place) -> None:
    (place.folder / "root").write_text("00" * 32)
    keyless = Place(place.folder, root_key="")
    file = str(place.folder / "root")
    ended = keyless.run("serve", "--json", "--issuer", ISSUER, TENANTRY_ROOT_KEY_FILE=file)
    assert (ended.code, json.loads(ended.err)["code"]) == (2, "root_key_placeholder")


def test_another_root_key_does_not_open_the_folder(place: Place) -> None:
    place.platform_key()
    ended = Place(place.folder).run("serve", "--json", "--issuer", ISSUER)
    assert (ended.code, json.loads(ended.err)["code"]) == (6, "root_key_mismatch")


def test_a_server_has_an_issuer(place: Place) -> None:
    ended = place.run("serve", "--json", "--listen", "127.0.0.1:0")
    assert (ended.code, json.loads(ended.err)["code"]) == (2, "issuer_missing")


@pytest.mark.parametrize(
    "issuer",
    [
        *("http://guard.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com:80", "ftp://x"),
        *("guard.example.com", "http://127.0.0.1@example.com", "https://x y", "http://", "http://10.0.0.1"),
    ],
)
def test_an_issuer_others_could_speak_for_is_refused(place: Place, issuer: str) -> None:
    ended = place.run("serve", "--json", "--listen", "127.0.0.1:0", "--issuer", issuer)
    assert (ended.code, json.loads(ended.err)["code"]) == (2, "issuer_invalid")


def test_a_port_that_is_taken_is_told(place: Place) -> None:
    with place.serve() as server:
        ended = place.run("serve", "--json", "--issuer", ISSUER, "--listen", f"127.0.0.1:{server.port}")
        assert (ended.code, json.loads(ended.err)["code"]) == (6, "address_unavailable")
        other = place.run("dev", "--json", "--port", str(server.port))
        assert (other.code, json.loads(other.err)["code"]) == (6, "address_unavailable")
        assert server.ask("GET", "/health").status_code == 200


# What is open


def test_what_is_open_is_printed_and_nothing_else_is(server: Server) -> None:
    opened = set()
    for method, path, operation in operations(server):
        if operation["security"] == []:
            opened.add(f"{method} {path}")
            continue
        body = b"token=odd" if "oauth2" in path else b"{}"
        media = "application/x-www-form-urlencoded" if "oauth2" in path else "application/json"
        filled = re.sub(r"\{\w+\}", "odd", path)
        for key in ("", "odd", "tnt_sk_odd", "hf_sk_" + "a" * 24 + "_" + "b" * 59):
            response = server.ask(method, filled, body, key, Content_Type=media)
            assert response.status_code == 401, (method, path, key, response.text)
            assert "www-authenticate" in response.headers
    assert opened == set(server.told["open_routes"])


def test_people_are_told_what_is_open(place: Place, server: Server) -> None:
    key = place.platform_key()
    with started(place, "serve", "--listen", "127.0.0.1:0", "--issuer", ISSUER) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().decode().rstrip() for _ in range(2 + len(server.told["open_routes"]))]
    assert re.fullmatch(rf"serving http://127\.0\.0\.1:\d+, tokens of {re.escape(ISSUER)}", lines[0])
    assert {line.strip() for line in lines[2:]} == set(server.told["open_routes"])
    assert key not in "".join(lines)
    assert "\x1b" not in "".join(lines)


# Events


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    id: int | None
    data: dict[str, Any]


@contextmanager
def events(server: Server, key: str = "", *, last: int | None = None, **query: Any) -> Iterator[Iterator[Event]]:
    """The events of a project, as they come."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    url = server.url + "/v1/events"
    with httpx.Client(timeout=15) as http, http.stream("GET", url, params=query, headers=headers) as response:
        if response.status_code != 200:
            response.read()
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()

        def parsed() -> Iterator[Event]:
            fields: dict[str, str] = {}
            for line in lines:
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                elif "data" in fields:
                    number = int(fields["id"]) if "id" in fields else None
                    yield Event(fields.get("event", "message"), number, json.loads(fields["data"]))
                    fields = {}
                else:
                    fields = {}

        yield parsed()


def test_events_are_the_rows_each_once_over_two_connections(server: Server) -> None:
    tenant, other = server.tenant(), server.tenant()
    stop = threading.Event()

    def work() -> int:
        for _ in range(60):
            tenant.guard("hello")
            other.guard("hello")
        stop.set()
        return 60

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        seen: list[Event] = []
        with events(server, tenant.key, after=0) as stream:
            while len(seen) < 25:
                seen.append(next(stream))
        done.result()
        expected = tenant.rows(None)
        assert len(expected) > 60
        last = seen[-1].id
        assert last is not None
        with events(server, tenant.key, last=last) as stream:
            while len(seen) < len(expected):
                seen.append(next(stream))
    assert [event.id for event in seen] == [row["sequence"] for row in expected]
    assert [event.data for event in seen] == expected
    assert {event.name for event in seen} == {row["kind"] for row in expected}


def test_events_start_where_they_are_asked_to(server: Server) -> None:
    tenant = server.tenant()
    for _ in range(3):
        tenant.guard()
    newest = tenant.rows(None)[-1]["sequence"]
    with events(server, tenant.key, after=newest - 1) as stream:
        assert next(stream).id == newest
    # What the client saw last comes before what the address says.
    with events(server, tenant.key, last=newest - 1, after=0) as stream:
        assert next(stream).id == newest
    with events(server, tenant.key) as stream:
        tenant.guard()
        assert next(stream).id == newest + 1
    for odd in ({"Last-Event-ID": "x"}, {"Last-Event-ID": "-1"}):
        is_problem(server.ask("GET", "/v1/events", key=tenant.key, **odd), 400, "event_id_invalid")
    is_problem(server.ask("GET", "/v1/events?after=x", key=tenant.key), 400, "query_invalid")
    is_problem(server.ask("GET", "/v1/events?after=1&after=2", key=tenant.key), 400, "query_duplicate")


def test_a_tenant_sees_its_own_events_only(server: Server) -> None:
    ours, theirs = server.tenant(), server.tenant()
    with events(server, ours.key) as stream:
        for _ in range(5):
            theirs.guard("of theirs")
        mine = ours.guard("of ours")
        first = next(stream)
    assert first.data["request_id"] == mine["request_id"]
    for header, value in (("X-Account-ID", theirs.account), ("X-Project-ID", "other")):
        response = server.ask("GET", "/v1/events?after=0", key=ours.key, **{header: value})
        is_problem(response, 403, "outside_authority")


def test_events_need_the_right_to_read(server: Server) -> None:
    tenant = server.tenant(scopes=["tools:read"])
    response = server.ask("GET", "/v1/events", key=tenant.key)
    is_problem(response, 403, "scope_missing")


def test_a_token_in_the_address_opens_the_events_and_nothing_else(server: Server) -> None:
    tenant = server.tenant()
    for token in (tenant.key, tenant.token()):
        with events(server, token=token, after=0) as stream:
            assert next(stream).id == 1
        for method, path in [
            ("GET", "/v1/whoami"),
            ("POST", GUARD),
            ("GET", "/api-keys"),
            ("GET", "/v1/shield/detectors"),
        ]:
            response = server.ask(method, f"{path}?token={token}", prompt(), "")
            is_problem(response, 401, "credential_missing")
        assert server.ask("POST", f"/v1/events?token={token}", key="").status_code == 405


@pytest.mark.parametrize("by", ["key", "token"])
def test_a_credential_that_ends_ends_its_stream(server: Server, by: str) -> None:
    tenant = server.tenant()
    with events(server, tenant.key if by == "key" else tenant.token()) as stream:
        tenant.guard()
        assert next(stream).name == "decision"
        server.done("POST", f"/api-keys/{tenant.key_id}/revoke", X_Account_ID=tenant.account, X_Project_ID="prod")
        rest = list(stream)
    assert [event.name for event in rest][-1] == "error"
    assert [event.name for event in rest].count("error") == 1
    assert rest[-1].data["status"] == 401
    assert rest[-1].data["code"] in {"credential_revoked", "credential_unknown"}


# The log and the numbers


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
    assert set(re.findall(r'(\w+)="', text)) <= {"route", "status", "decision", "le"}
    assert set(re.findall(r'decision="([^"]*)"', text)) <= {"allow", "deny", "modify", "step_up", "defer"}


# A data folder that outlives its server


def test_tokens_and_answers_outlive_a_restart(place: Place) -> None:
    with place.serve() as server:
        tenant = server.tenant()
        token = tenant.token()
        keys = server.done("GET", "/.well-known/jwks.json", key="")
        first = tenant.guard("hello", Idempotency_Key="once")
        assert tenant.guard("hello", Idempotency_Key="once")["request_id"] == first["request_id"]
        assert server.stop() == 0
    # Without --issuer: it is kept.
    with place.serve(key=server.key) as again:
        assert again.told["issuer"] == ISSUER
        assert again.done("GET", "/.well-known/jwks.json", key="") == keys
        assert again.done("GET", "/v1/whoami", key=token)["account_id"] == tenant.account
        replayed = again.done("POST", GUARD, prompt("hello"), token, Idempotency_Key="once")
        assert replayed["request_id"] == first["request_id"]
        reused = again.ask("POST", GUARD, prompt("other"), token, Idempotency_Key="once")
        is_problem(reused, 422, "idempotency_key_reused")
        assert len(tenant.rows(of=again)) == 1
        verified = again.done("POST", f"{tenant.path}/audit/verify")
        assert verified["ok"]
        assert base64.b64decode(token.split(".")[1] + "==")


def test_the_issuer_is_kept_in_the_folder(place: Place) -> None:
    with place.serve("--issuer", "https://guard.example.com") as server:
        server.stop()
    ended = place.run("doctor", "--json")
    found = {finding["check"]: finding for finding in json.loads(ended.out)}
    assert found["issuer"] == {"check": "issuer", "ok": True, "detail": "https://guard.example.com"}


# The command line beside a server


def test_a_policy_put_by_the_command_line_is_in_force_within_a_second(server: Server) -> None:
    tenant = server.tenant()
    assert tenant.guard("hello")["decision"] == "allow"
    text = '@id("no-hello") forbid (principal, action == Action::"process_prompt", resource);'
    server.place.told("policies", "put", tenant.account, tenant.project, "closed", "-", given=text)
    assert eventually(lambda: tenant.guard("hello")["decision"] == "deny", 1)
    server.place.told("policies", "revoke", tenant.account, tenant.project, "closed")
    assert eventually(lambda: tenant.guard("hello")["decision"] == "allow", 1)


def test_a_key_revoked_by_the_command_line_is_refused_within_a_second(server: Server) -> None:
    tenant = server.tenant()
    token = tenant.token()
    assert tenant.guard()["decision"] == "allow"
    server.place.told("keys", "revoke", tenant.key_id)

    def refused() -> bool:
        asked = [server.ask("POST", GUARD, prompt(), credential) for credential in (tenant.key, token)]
        return {response.status_code for response in asked} == {401}

    assert eventually(refused, 1)


def test_a_tenant_made_by_the_command_line_is_served(server: Server) -> None:
    account = f"acc-{uuid.uuid4().hex[:12]}"
    server.place.told("accounts", "create", account)
    server.place.told("projects", "create", account, "prod")
    key = server.place.told("keys", "create", "--account", account, "--project", "prod")["key"]

    def served() -> bool:
        return server.ask("POST", GUARD, prompt(), key).status_code == 200

    assert eventually(served, 1)
