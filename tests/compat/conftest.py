"""The server under test, tenants of it, and clients that are closed after each test.

The client is the published package, unmodified. The server is a process of its own, in dev mode, on a free port.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from highflame import Highflame
from proxy import Proxy
from world import GUARDED, Ask, Connect, Server, Tenant, close, highflame_at

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60


def _binary() -> Path:
    """The server's binary: `TENANTRY_BINARY`, else where cargo puts it."""
    if given := os.environ.get("TENANTRY_BINARY"):
        return Path(given).resolve()
    name = "tenantry.exe" if os.name == "nt" else "tenantry"
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / name


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    binary = _binary()
    if not binary.exists():
        pytest.fail(f"there is no server at {binary}: build it, or name one with TENANTRY_BINARY", pytrace=False)
    folder = tmp_path_factory.mktemp("server")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TENANTRY_", "DEV_"))}
    # The suite shares few cores with whatever else runs there; the default deadline is for production.
    environment |= {"TENANTRY_ROOT_KEY": "5a" * 32, "TENANTRY_DEADLINE_MS": "30000"}
    log = folder / "stderr.txt"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [str(binary), "dev", "--json", "--port", "0"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    overdue = threading.Timer(READY_SECONDS, process.kill)
    overdue.start()
    line = process.stdout.readline()
    overdue.cancel()
    try:
        if not line:
            pytest.fail(f"the server did not start: {log.read_text(errors='replace')}", pytrace=False)
        told = json.loads(line)
        with httpx.Client(timeout=60) as http:
            yield Server(told["http"], told["token_url"], told["health"], told["issuer"], told["api_key"], http)
        process.stdin.close()
        assert process.wait(10) == 0, "the server ends with its standard input"
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="session")
def acme(server: Server) -> Tenant:
    """A customer with policies. Shared: tests change nothing about it."""
    return server.tenant(GUARDED)


@pytest.fixture(scope="session")
def globex(server: Server) -> Tenant:
    """A customer with what every new project has. Shared: tests change nothing about it."""
    return server.tenant()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> Highflame:
            client = highflame_at(url, options)
            stack.callback(close, client)
            return client

        yield make


@pytest.fixture(scope="session")
def client(server: Server, acme: Tenant) -> Iterator[Highflame]:
    """The client of acme, straight to the server."""
    client = highflame_at(server.url, {"api_key": acme.key})
    yield client
    close(client)


@pytest.fixture(scope="session")
def other(server: Server, globex: Tenant) -> Iterator[Highflame]:
    """The client of globex, straight to the server."""
    client = highflame_at(server.url, {"api_key": globex.key})
    yield client
    close(client)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Runs a test twice: with the client's methods, and with their async twins."""
    return Ask(request.param)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without the second between them: the standard library's sleep is shortened, the client is as it is."""
    sleep = asyncio.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(asyncio, "sleep", lambda seconds, result=None: sleep(0, result))


@pytest.fixture
def session_id() -> str:
    return f"session-{uuid.uuid4().hex}"
