"""What is built alone has the features of what is built together, so that cargo compiles a dependency once for both."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# As `make` builds them, one by one.
ALONE = (
    ("-p", "tenantry-python"),
    ("-p", "tenantry-node"),
    ("-p", "tenantry-go", "-p", "tenantry-go-gen"),
    ("-p", "tenantry-conformance"),
)


def tree(*packages: str, edges: str = "normal,build") -> set[str]:
    """Every dependency with its version and features."""
    command = ["cargo", "tree", "--prefix", "none", "--no-dedupe", "--format", "{p} {f}", "--edges", edges, *packages]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {line.strip() for line in done.stdout.splitlines() if "(/" not in line}


@pytest.mark.parametrize("packages", ALONE, ids=lambda packages: packages[-1])
def test_a_build_of_one_member_shares_its_dependencies_with_a_build_of_all(packages: tuple[str, ...]) -> None:
    other = tree(*packages) - tree("--workspace", edges="normal,build,dev")
    assert not other, f"add the features that these lack to unify/Cargo.toml: {sorted(other)}"
