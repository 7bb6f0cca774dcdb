"""The server as a process: its data folder, its root key, how it starts, what it prints, and how it ends.

Owns the cleaned environment every process gets, and the calls tests make of a running server. Knows no test.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30
END_SECONDS = 30
ISSUER = "http://127.0.0.1"
GUARD = "/v1/shield/guard"
PLATFORM = [
    *("tenant:manage", "tenant:read", "credentials:manage", "users:manage", "nhi:manage"),
    *("tools:read", "tools:write", "tools:execute"),
]
EVERYTHING = ["tools:read", "tools:write", "tools:execute", "tenant:read", "credentials:manage"]

T = TypeVar("T")


def binary() -> Path:
    """The server's binary: `TENANTRY_BINARY`, else where cargo puts it."""
    if given := os.environ.get("TENANTRY_BINARY"):
        return Path(given).resolve()
    name = "tenantry.exe" if os.name == "nt" else "tenantry"
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / name


def eventually(what: Callable[[], T], seconds: float = 10.0, pause: float = 0.02) -> T:
    """The first true value of `what`, or its last one when the time is over."""
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(pause)
    return found


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def random_key() -> str:
    """A root key: 32 random bytes."""
    return secrets.token_hex(32)


@dataclass(frozen=True)
class Place:
    """A folder for the data and the log of servers, and the root key they share."""

    folder: Path
    root_key: str = field(default_factory=random_key)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def environment(self, **extra: str) -> dict[str, str]:
        """What a process is given: nothing of Tenantry's own but the root key, and what a test adds."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TENANTRY_", "DEV_"))}
        root = {"TENANTRY_ROOT_KEY": self.root_key} if self.root_key else {}
        # No load balancer has to notice that a server of a test ends.
        return {**kept, **root, "TENANTRY_LEAVE_SECONDS": "0", **extra}

    def run(
        self, *arguments: str, given: str = "", seconds: float = 30, data: Path | None = None, **extra: str
    ) -> Ended:
        """One command of the command line on this folder's data, or on other, to its end."""
        done = subprocess.run(
            [str(binary()), "--data-dir", str(data or self.data), *arguments],
            cwd=self.folder,
            env=self.environment(**extra),
            input=given.encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def told(self, *arguments: str, given: str = "") -> Any:
        """What a command prints as JSON; fails the test unless it worked."""
        ended = self.run(*arguments, "--json", given=given)
        assert ended.code == 0, f"{arguments}: {ended}"
        return json.loads(ended.out)

    def platform_key(self) -> str:
        """A new key over the whole platform."""
        scopes = [part for scope in PLATFORM for part in ("--scope", scope)]
        return str(self.told("keys", "create", "--name", "platform", "--prefix", "hf_sk", *scopes)["key"])

    def serve(self, *arguments: str, key: str = "", **extra: str) -> Server:
        """`tenantry serve` on a free port of this machine, once it is ready; makes a platform key if none is given."""
        key = key or self.platform_key()
        # Tests share few cores with whatever else runs there; the default deadline is for production.
        extra = {"TENANTRY_DEADLINE_MS": "30000", **extra}
        command = ["--data-dir", str(self.data), "serve", "--json"]
        if "--listen" not in arguments:
            command += ["--listen", "127.0.0.1:0"]
        if "--issuer" not in arguments:
            command += ["--issuer", ISSUER]
        return Server.started(self, [*command, *arguments], key, extra)

    def dev(self, *arguments: str, **extra: str) -> Server:
        """`tenantry dev` on a free port, once it is ready."""
        extra = {"TENANTRY_DEADLINE_MS": "30000", **extra}
        return Server.started(self, ["dev", "--json", "--port", "0", *arguments], "", extra)


@dataclass(frozen=True)
class Ended:
    """What came of a command."""

    code: int
    out: str
    err: str


@dataclass
class Server:
    """A running server, and the platform key that opens it."""

    place: Place
    process: subprocess.Popen[bytes]
    told: dict[str, Any]
    key: str
    log: Path
    http: httpx.Client

    @classmethod
    def started(cls, place: Place, command: list[str], key: str, extra: dict[str, str]) -> Server:
        log = place.folder / f"log-{uuid.uuid4().hex[:8]}.txt"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [str(binary()), *command],
                cwd=place.folder,
                env=place.environment(**extra),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        assert process.stdout is not None
        overdue = threading.Timer(READY_SECONDS, process.kill)
        overdue.start()
        line = process.stdout.readline()
        overdue.cancel()
        told = json.loads(line) if line else {}
        server = cls(place, process, told, key or told.get("api_key", ""), log, httpx.Client(timeout=30))
        if not line:
            code = server.kill()
            raise AssertionError(f"the server did not start ({code}): {server.logged()}")
        return server

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.process.poll() is None:
            self.stop()
        self.http.close()

    @property
    def url(self) -> str:
        return str(self.told["http"])

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def logged(self) -> str:
        return self.log.read_text(errors="replace")

    # How it ends

    def terminate(self) -> None:
        """Asks it to end, and does not wait."""
        self.process.send_signal(signal.SIGTERM)

    def let_go(self) -> None:
        """Closes its standard input."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()

    def ended(self, seconds: float = END_SECONDS) -> int:
        """Its exit code once it has ended; it is killed when it does not."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.http.close()
            self.let_go()
            if self.process.stdout:
                self.process.stdout.close()
        return code

    def stop(self) -> int:
        self.terminate()
        return self.ended()

    def kill(self) -> int:
        """Ends it as a power failure would."""
        self.process.kill()
        return self.ended()

    # What is asked of it

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> httpx.Response:
        """One call, with the platform's key unless another is given; an empty one sends none."""
        key = self.key if key is None else key
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            given["Authorization"] = f"Bearer {key}"
        if isinstance(body, bytes):
            return self.http.request(method, self.url + path, content=body, headers=given)
        return self.http.request(method, self.url + path, json=body, headers=given)

    def done(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> Any:
        """The answer to one call; fails the test unless it worked."""
        response = self.ask(method, path, body, key, **headers)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def tenant(self, policy: str | None = None, *, scopes: list[str] | None = None) -> Tenant:
        """A new project of a new account, and a key for it."""
        account, project = f"acc-{uuid.uuid4().hex[:12]}", "prod"
        self.done("POST", "/v1/admin/accounts", {"id": account})
        self.done("POST", f"/v1/admin/accounts/{account}/projects", {"id": project})
        spec = {"name": "tests", "prefix": "hf_sk", "scopes": EVERYTHING if scopes is None else scopes}
        made = self.done("POST", "/api-keys", spec, X_Account_ID=account, X_Project_ID=project)
        tenant = Tenant(self, account, project, made["key"], made["id"])
        if policy is not None:
            self.done("PUT", f"{tenant.path}/policies/tests", {"text": policy})
        return tenant


@dataclass(frozen=True)
class Tenant:
    """A project of a server, and a key that opens it."""

    server: Server
    account: str
    project: str
    key: str
    key_id: str

    @property
    def path(self) -> str:
        return f"/v1/admin/accounts/{self.account}/projects/{self.project}"

    def guard(self, content: str = "hello", **headers: str) -> Any:
        return self.server.done("POST", GUARD, prompt(content), self.key, **headers)

    def rows(self, kind: str | None = "decision", *, of: Server | None = None) -> list[dict[str, Any]]:
        """The rows of the audit trail, oldest first."""
        found: list[dict[str, Any]] = (of or self.server).done("GET", f"{self.path}/audit?limit=10000")["items"]
        return [row for row in found if kind in (None, row["kind"])]

    def token(self) -> str:
        body = {"grant_type": "api_key", "api_key": self.key}
        return str(self.server.done("POST", "/oauth2/token", body, "")["access_token"])


def prompt(content: str = "hello", **fields: Any) -> dict[str, Any]:
    """A guard request."""
    return {"content": content, "content_type": "prompt", "action": "process_prompt", **fields}


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


# What it says it does


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


def listed_codes() -> set[str]:
    """The stable codes that `docs/errors.md` lists."""
    rows = [line for line in (ROOT / "docs/errors.md").read_text().splitlines() if line.startswith("|")]
    return {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}


# Requests byte by byte


def head(method: str, path: str, *headers: str, key: str = "", length: int | None = None) -> bytes:
    """The head of an HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: tests", *headers]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if length is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


def guard_bytes(tenant: Tenant, content: str = "hello") -> tuple[bytes, bytes]:
    body = json.dumps(prompt(content)).encode()
    return head("POST", GUARD, key=tenant.key, length=len(body)), body


def connected(server: Server, seconds: float = 20) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=seconds)


@dataclass(frozen=True)
class Answer:
    """One answer, read from a socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of the problem it tells."""
        return str(json.loads(self.body)["code"])


class BrokenOffError(Exception):
    """A connection ended where an answer should be."""


def answer(sock: socket.socket) -> Answer:
    """The next answer on a connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise BrokenOffError(f"the connection ended before an answer: {data!r}")
        data += more
    top, _, body = data.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        more = sock.recv(65536)
        if not more:
            raise BrokenOffError("the connection ended within an answer")
        body += more
    return Answer(int(first.split()[1]), headers, body)


def raw(server: Server, *parts: bytes) -> Answer:
    """What a server answers to these bytes."""
    with connected(server) as sock:
        for part in parts:
            sock.sendall(part)
        return answer(sock)


def is_problem(response: httpx.Response | Answer, status: int, code: str) -> None:
    """RFC 9457, with our code."""
    got = response.status_code if isinstance(response, httpx.Response) else response.status
    content = response.content if isinstance(response, httpx.Response) else response.body
    assert got == status, content[:500]
    assert response.headers["content-type"] == "application/problem+json"
    body = json.loads(content)
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:tenantry:error:{code}"), body
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]


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
