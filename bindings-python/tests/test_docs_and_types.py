"""What users read and what type checkers see."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tenantry

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
PACKAGE = Path(tenantry.__file__).parent


def test_the_blocks_of_the_readme_run_in_order() -> None:
    assert len(BLOCKS) >= 3
    for block in BLOCKS:
        exec(compile(block, README.name, "exec"), {})


def test_the_example_of_the_package_runs() -> None:
    lines = re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", tenantry.__doc__ or "", re.MULTILINE)
    assert len(lines) > 3
    scope: dict[str, object] = {}
    exec(
        "\n".join(["answers = []", *lines])
        .replace("client.tenant", "answers.append(client.tenant")
        .replace(".decision", ".decision)"),
        scope,
    )
    assert scope["answers"] == ["allow"]


def test_the_readme_has_the_sections_every_binding_has() -> None:
    assert re.findall(r"^## (.*)$", README.read_text(), re.MULTILINE) == ["Install", "Use", "Develop", "Test"]


def checked(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MYPY_CACHE_DIR": str(HERE.parent / ".mypy_cache")}
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=HERE.parent)


@pytest.mark.parametrize("path", [PACKAGE, HERE / "data" / "typed_example.py"], ids=["package", "example"])
def test_mypy_strict_is_content(path: Path) -> None:
    result = checked("mypy", "--config-file", "pyproject.toml", path)
    assert result.returncode == 0, result.stdout


def test_mypy_sees_the_mistakes_of_a_caller() -> None:
    result = checked("mypy", "--config-file", "pyproject.toml", HERE / "data" / "typed_mistakes.py")
    found = [int(line) for line in re.findall(r"typed_mistakes\.py:(\d+): error", result.stdout)]
    text = (HERE / "data" / "typed_mistakes.py").read_text().splitlines()
    expected = [number for number, line in enumerate(text, 1) if line.endswith("# wrong")]
    assert sorted(set(found)) == expected, result.stdout


def test_the_stub_says_what_the_library_has() -> None:
    result = checked("mypy.stubtest", "tenantry._tenantry", "--allowlist", HERE / "data" / "stubtest-allowlist.txt")
    assert result.returncode == 0, result.stdout


def test_the_package_names_everything_the_library_exports() -> None:
    exported = {name for name in tenantry._tenantry.__all__ if not name.startswith("_")}
    assert exported <= set(tenantry.__all__)
