"""Shared builders. Every test gets a working folder of its own and no `TENANTRY_*` variable but the root key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenantry import Tenant, Tenantry

# Known to every process of a test, so that none looks for a key in the user's home.
ROOT_KEY = "5a" * 32


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("TENANTRY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TENANTRY_ROOT_KEY", ROOT_KEY)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def client(data_dir: Path) -> Iterator[Tenantry]:
    # The suite shares two cores with whatever else runs there; the default deadline is for production.
    with Tenantry(data_dir, deadline_ms=30_000) as client:
        yield client


def made(client: Tenantry, account: str, project: str = "prod") -> Tenant:
    """A new project of a new account."""
    client.admin.accounts.create(account)
    client.admin.projects.create(account, project)
    return client.tenant(account, project)


@pytest.fixture
def acme(client: Tenantry) -> Tenant:
    """A strict customer."""
    tenant = made(client, "acme")
    tenant.policies.attach_pack("strict")
    return tenant


@pytest.fixture
def globex(client: Tenantry) -> Tenant:
    """A customer with what every new project has."""
    return made(client, "globex")


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process of its own that runs `code`."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def pythons() -> list[str]:
    """Every Python at hand that the library is made for, this one and others."""
    found = {sys.executable}
    for name in ("python3.10", "python3.11", "python3.12", "python3.13"):
        path = shutil.which(name)
        found.update([path] if path else [])
    # Where versions are installed side by side, those beside this one.
    found.update(str(path) for path in Path(sys.base_prefix).parent.glob("3.1[0-3].*/bin/python3"))
    return sorted(path for path in found if _runs(path))


def _runs(python: str) -> bool:
    code = "import sys; print(sys.version_info >= (3, 10))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == "True"
