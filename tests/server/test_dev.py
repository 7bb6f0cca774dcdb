"""`tenantry dev` answers to this machine's own programs: not to pages of others, nor by others' names."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
from collections.abc import Iterator

import pytest
from process import GUARD, Answer, Place, Server, answer, connected, prompt, started

BODY = json.dumps(prompt()).encode()
OWN_HOSTS = ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "LOCALHOST:{port}", "LocalHost:{port}"]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "localhost",
    "127.0.0.1:1",
    "localhost:80",
    "127.0.0.2:{port}",
    "127.1:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "0.0.0.0:{port}",
    "[::]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "localhost.evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "evil-localhost:{port}",
    "localhost.:{port}",
    "user@localhost:{port}",
    "localhost:{port}@evil.example",
    "localhost:{port}:1",
    "localhost:0{port}",
    "localhost:",
    "",
    " ",
    "localhost:{port}, evil.example",
    "http://localhost:{port}",
    "localhost:{port}/",
    "::1:{port}",
    "xn--lcalhost-54a:{port}",
]
OWN_ORIGINS = ["http://127.0.0.1:{port}", "http://localhost:{port}", "http://[::1]:{port}", "HTTP://LocalHost:{port}"]
FOREIGN_ORIGINS = [
    "null",
    "https://evil.example",
    "http://evil.example:{port}",
    "http://localhost",
    "http://localhost:3000",
    "https://localhost:{port}",
    "http://127.0.0.1",
    "http://127.0.0.1:80",
    "http://localhost.evil.example:{port}",
    "http://localhost:{port}.evil.example",
    "http://localhost:{port}@evil.example",
    "http://evil@localhost:{port}",
    "http://localhost:{port}/",
    "http://localhost:{port}/a",
    "ws://localhost:{port}",
    "file://",
    "file:///etc",
    "localhost:{port}",
    "//localhost:{port}",
    "http://localhost:{port}, http://evil.example",
    "chrome-extension://abcdef",
    "",
    " ",
    "http://[::ffff:127.0.0.1]:{port}",
    "http://0.0.0.0:{port}",
    "http://localhost:{port}#a",
    "http://localhost:{port}?a",
]
OTHER_MEDIA = [
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "application/jsonp",
    "application/javascript",
    "text/html",
    "*/*",
    "json",
    "",
    ";",
    "application/json, text/plain",
    "text/plain; application/json",
    "application/json/x",
    "application /json",
    None,
]
JSON_MEDIA = [
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON",
    "application/json;charset=UTF-8 ",
    "application/problem+json",
]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Place(tmp_path_factory.mktemp("dev")).dev(
        "--allow-host", "guard.test", "--allow-host", "Box.test:9000"
    ) as server:
        yield server


def asked(
    server: Server,
    *headers: str,
    host: str | None = "127.0.0.1:{port}",
    method: str = "POST",
    path: str = GUARD,
    body: bytes = BODY,
    media: str | None = "application/json",
) -> Answer:
    lines = [f"{method} {path.replace('{port}', str(server.port))} HTTP/1.1", f"Content-Length: {len(body)}"]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [f"Content-Type: {media}"] if media is not None else []
    text = "\r\n".join([*lines, *headers, "", ""]).replace("{port}", str(server.port))
    with connected(server) as sock:
        sock.sendall(text.encode("latin-1") + body)
        return answer(sock)


def is_refused(got: Answer, code: str, status: int = 403) -> None:
    assert (got.status, got.code) == (status, code), got.body
    assert not any(name.startswith("access-control") for name in got.headers)


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_its_own_hosts_are_answered(dev: Server, host: str) -> None:
    assert asked(dev, host=host).status == 200


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused_everywhere(dev: Server, host: str) -> None:
    for method, path in [("POST", GUARD), ("GET", "/health"), ("GET", "/metrics"), ("GET", "/nowhere"), ("PUT", GUARD)]:
        got = asked(dev, host=host, method=method, path=path, body=BODY if method == "POST" else b"")
        if got.status == 400 and not got.body:
            continue  # what is no host at all, the parser of HTTP refuses before
        is_refused(got, "host_not_allowed")


def test_the_host_is_said_once_and_nowhere_else(dev: Server) -> None:
    is_refused(asked(dev, "Host: evil.example"), "host_not_allowed")
    is_refused(asked(dev, "Host: evil.example", host="evil.example"), "host_not_allowed")
    is_refused(asked(dev, host=None), "host_not_allowed")
    is_refused(asked(dev, path="http://evil.example/v1/shield/guard"), "host_not_allowed")
    assert asked(dev, path="http://localhost:{port}/v1/shield/guard").status == 200


@pytest.mark.parametrize("origin", OWN_ORIGINS)
def test_its_own_pages_are_answered(dev: Server, origin: str) -> None:
    assert asked(dev, f"Origin: {origin}").status == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_of_another_origin_is_refused_everywhere(dev: Server, origin: str) -> None:
    for method, path in [("POST", GUARD), ("GET", "/v1/whoami"), ("OPTIONS", GUARD), ("GET", "/nowhere")]:
        got = asked(dev, f"Origin: {origin}", method=method, path=path, body=BODY if method == "POST" else b"")
        is_refused(got, "origin_not_allowed")
    is_refused(asked(dev, "Origin: http://localhost:{port}", f"Origin: {origin}"), "origin_not_allowed")


def test_names_that_are_allowed_are_answered(dev: Server) -> None:
    for host in ["guard.test", "guard.test:{port}", "GUARD.test:1", "box.test:9000"]:
        assert asked(dev, host=host).status == 200, host
    for origin in [
        "http://guard.test",
        "https://guard.test",
        "http://guard.test:5173",
        "http://box.test:9000",
        "https://box.test:9000",
    ]:
        assert asked(dev, f"Origin: {origin}").status == 200, origin
    for host in ["box.test", "box.test:{port}", "x.guard.test", "guard.test.evil.example"]:
        is_refused(asked(dev, host=host), "host_not_allowed")
    for origin in ["http://box.test", "https://x.guard.test", "ftp://guard.test"]:
        is_refused(asked(dev, f"Origin: {origin}"), "origin_not_allowed")


@pytest.mark.parametrize(
    "name",
    ["", "http://guard.test", "guard.test/", "a b", "guard.test:", "guard.test:x", "*", "guard.test:99999", "a@b"],
)
def test_a_name_that_is_none_is_refused(place: Place, name: str) -> None:
    ended = place.run("dev", "--json", "--port", "0", "--allow-host", name)
    assert ended.code == 2
    assert json.loads(ended.err)["code"] == "host_invalid"


@pytest.mark.parametrize("media", OTHER_MEDIA)
def test_a_body_that_does_not_say_json_is_refused(dev: Server, media: str | None) -> None:
    is_refused(asked(dev, media=media), "media_type_unsupported", 415)
    if media is not None:
        is_refused(asked(dev, f"Content-Type: {media}"), "media_type_unsupported", 415)
    is_refused(asked(dev, media=media, path="/v1/shield/detect"), "media_type_unsupported", 415)


@pytest.mark.parametrize("media", JSON_MEDIA)
def test_a_body_that_says_json_is_read(dev: Server, media: str) -> None:
    assert asked(dev, media=media).status == 200


def test_a_token_may_be_asked_for_by_a_form(dev: Server) -> None:
    got = asked(dev, media="application/x-www-form-urlencoded", path="/oauth2/token", body=b"grant_type=x")
    assert (got.status, json.loads(got.body)["error"]) == (400, "unsupported_grant_type")


def test_what_takes_no_body_needs_no_media_type(dev: Server) -> None:
    assert asked(dev, method="GET", path="/v1/whoami", media=None, body=b"").status == 200
    assert (
        asked(
            dev, f"Authorization: Bearer {dev.key}", path="/v1/admin/signing-keys/rotate", media=None, body=b""
        ).status
        == 204
    )


@pytest.mark.parametrize("alg", ["HS256", "RS256", "none", "ES256", ""])
def test_a_text_that_looks_like_a_token_is_no_key(dev: Server, alg: str) -> None:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    for header in [f'{{"alg":"{alg}"}}', f' {{"alg":"{alg}"}}', f'\n{{"typ":"JWT","alg":"{alg}"}}']:
        for tail in [".e30.c2ln", ".e30.", ".."]:
            for name in ["Authorization: Bearer ", "X-API-Key: "]:
                got = asked(dev, f"{name}{part(header)}{tail}")
                assert got.status == 401, got.body
    assert asked(dev, "X-API-Key: anything.at.all").status == 200


def test_the_call_to_copy_is_denied_and_says_why(place: Place) -> None:
    with started(place, "dev", "--port", "0") as process:
        assert process.stdout is not None
        lines = []
        while not any("identity_base_url=" in line for line in lines):
            line = process.stdout.readline().decode()
            assert line, lines
            lines.append(line)
        text = "".join(lines)
        assert "the answer is a denial, and says why" in text
        start = text.index("curl ")
        command = shlex.split(text[start : text.index("\n\n", start)].replace("\\\n", " "))
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        told = json.loads(done.stdout)
        assert told["decision"] == "deny"
        assert told["policy_reason"] == "The content holds a secret."
        assert [policy["rule_id"] for policy in told["determining_policies"]] == ["strict.no-secrets"]
        assert "dev_mode" in told["degraded"]
        # Another account is made up as ever, and the same text is no denial there.
        other = [word.replace("demo", "acme") for word in command]
        assert other != command
        told = json.loads(subprocess.run(other, capture_output=True, text=True, check=True, timeout=60).stdout)
        assert told["decision"] == "allow"
