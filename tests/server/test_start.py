"""How a server starts: with TLS or without, or not at all, and what it says is open. Owns what `serve` refuses."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import re
import shlex
import socket
import ssl
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from process import GUARD, ISSUER, ROOT, Place, Server, binary, operations, prompt, started

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
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests of tenantry")])
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


def test_http_2_is_answered_as_http_1_1_is(place: Place, certificate: Certificate) -> None:
    """The same statuses and codes for whatever a request may have wrong, and a connection that goes on after it."""
    context = ssl.create_default_context(cafile=str(certificate.certificate))
    with place.serve(*certificate.arguments, "--listen", "0.0.0.0:0") as server:
        url = f"https://127.0.0.1:{server.port}"
        with httpx.Client(http2=True, verify=context) as http:
            keyed = {"Authorization": f"Bearer {server.key}"}
            http.post(f"{url}/v1/admin/accounts", json={"id": "acme"}, headers=keyed).raise_for_status()
            http.post(f"{url}/v1/admin/accounts/acme/projects", json={"id": "p"}, headers=keyed).raise_for_status()
            spec = {"name": "k", "account_id": "acme", "project_id": "p"}
            key = http.post(f"{url}/api-keys", json=spec, headers=keyed | {"X-Account-ID": "acme", "X-Project-ID": "p"})
            key.raise_for_status()
        bearer = ("Authorization", f"Bearer {key.json()['key']}")
        own = [bearer, ("Content-Type", "application/json")]
        good = json.dumps(prompt()).encode()
        asked: list[tuple[str, str, list[tuple[str, str]], bytes]] = [
            ("POST", GUARD, own, good),
            ("POST", GUARD, own[1:], good),
            *(
                ("POST", GUARD, [*own, (name, "acme"), (name, "acme")], good)
                for name in ("X-Account-ID", "x-tenant-id")
            ),
            ("POST", GUARD, [*own, bearer], good),
            ("POST", GUARD, [*own, ("X-Account-ID", "\xff")], good),
            ("POST", GUARD, [*own, ("X-Account-ID", "globex")], good),
            ("POST", GUARD, [*own, ("Content-Encoding", "gzip")], good),
            ("POST", GUARD, [bearer, ("Content-Type", "text/plain")], good),
            ("POST", GUARD, own, b""),
            ("POST", GUARD, own, b"[" * 50_000),
            ("POST", "/v1/shield/usage", own, b" " * 40_000),
            ("GET", GUARD, own, b""),
            ("GET", "/nowhere", own, b""),
            ("GET", "/health", [(f"X-Odd-{number}", "x") for number in range(200)], b""),
            ("GET", "/health", [("X-Odd", "x" * 40_000)], b""),
        ]
        told = {}
        for two in (False, True):
            with httpx.Client(http2=two, verify=context, timeout=20) as http:
                for number, (method, path, headers, body) in enumerate(asked):
                    raw = [(name.encode(), text.encode("latin-1")) for name, text in headers]
                    got = http.request(method, url + path, headers=raw, content=body or None)
                    assert got.http_version == ("HTTP/2" if two else "HTTP/1.1")
                    told[number, two] = (got.status_code, got.json().get("code") if got.content else None)
                with http.stream("POST", f"{url}{GUARD}/stream", headers=own, content=good) as stream:
                    told["stream", two] = [line for line in stream.iter_lines() if line.startswith("event:")]
                assert http.get(f"{url}/health").status_code == 200
        for name in [*range(len(asked)), "stream"]:
            assert told[name, True] == told[name, False], asked[name] if isinstance(name, int) else name
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


def test_a_certificate_nobody_trusts_is_told_to_who_puts_the_issuer(place: Place, certificate: Certificate) -> None:
    """The keys of one server over TLS, as another one fetches them: without its CA, and with it."""
    found = {}
    with place.serve(*certificate.arguments, "--listen", "0.0.0.0:0") as published:
        for name, more in [("without", {}), ("with", {"SSL_CERT_FILE": str(certificate.certificate)})]:
            other = Place(place.folder / name)
            other.folder.mkdir()
            entry = {
                "issuer": f"https://{name}.example",
                "audience": ["tenantry"],
                "algorithms": ["ES256"],
                "accounts": ["*"],
                "jwks_url": f"https://localhost:{published.port}/.well-known/jwks.json",
                "private_network": True,
            }
            with other.serve(**more) as server:
                found[name] = server.done("PUT", "/v1/admin/issuers", entry)
    assert "its TLS certificate is of nobody this machine trusts" in found["without"]["unreachable"], found
    assert "SSL_CERT_FILE" in found["without"]["unreachable"]
    assert found["with"].get("unreachable", "") == "", found
