"""README and docs tell the truth: their blocks run, each file and language in an empty folder, top to bottom."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALL = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
KEY = "0f" * 32
BINARIES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute() / "debug"
MODULE = (ROOT / "bindings-go" / "go.mod").read_text().split()[1]


def blocks(page: Path, language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S))


def pages(language: str) -> list[Path]:
    return [page for page in ALL if blocks(page, language)]


def run(*command: str | Path, cwd: Path, **extra: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TENANTRY_")}
    # The default deadline is for production; this machine may be busy building.
    environment["PATH"] = f"{BINARIES}{os.pathsep}{environment['PATH']}"
    environment |= {"TENANTRY_ROOT_KEY": KEY, "TENANTRY_DEADLINE_MS": "10000", **extra}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("page", pages("python"), ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks_run_in_an_empty_folder(page: Path, tmp_path: Path) -> None:
    run(sys.executable, "-c", blocks(page, "python"), cwd=tmp_path)


# Whoever follows a page starts its lines again: with a word changed, in another language, the day after.


def test_the_quick_starts_run_again_and_in_one_folder(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    for name in ("go", "node_modules"):
        (tmp_path / name).mkdir()
    (tmp_path / "node_modules" / "tenantry").symlink_to(ROOT / "bindings-node")
    (tmp_path / "page.mjs").write_text(blocks(page, "ts"))
    (tmp_path / "go" / "main.go").write_text(blocks(page, "go"))
    run("go", "mod", "init", "example.test/page", cwd=tmp_path / "go")
    replaced = f"-replace={MODULE}={ROOT / 'bindings-go'}"
    run("go", "mod", "edit", f"-require={MODULE}@v0.1.0", replaced, cwd=tmp_path / "go")
    run("go", "build", "-mod=mod", "-o", tmp_path / "page", ".", cwd=tmp_path / "go", GOPROXY="off")
    # Of the last block, for a dev folder of its own, nothing is kept in this one.
    python = blocks(page, "python")
    for _ in range(2):
        run(sys.executable, "-c", python, cwd=tmp_path)
        run("node", "page.mjs", cwd=tmp_path)
        run(tmp_path / "page", cwd=tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} >= {".tenantry", "dev-data"}


@pytest.mark.parametrize("page", pages("python"), ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks_run_twice_in_one_folder(page: Path, tmp_path: Path) -> None:
    for _ in range(2):
        run(sys.executable, "-c", blocks(page, "python"), cwd=tmp_path)


@pytest.mark.parametrize("page", pages("ts"), ids=lambda page: str(page.relative_to(ROOT)))
def test_typescript_blocks_run_in_an_empty_folder(page: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "tenantry").symlink_to(ROOT / "bindings-node")
    # Without type annotations, so that Node.js runs them as they stand.
    (tmp_path / "page.mjs").write_text(blocks(page, "ts"))
    run("node", "page.mjs", cwd=tmp_path)


@pytest.mark.parametrize("page", pages("go"), ids=lambda page: str(page.relative_to(ROOT)))
def test_go_blocks_run_in_an_empty_folder(page: Path, tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(blocks(page, "go"))
    run("go", "mod", "init", "example.test/page", cwd=tmp_path)
    replaced = f"-replace={MODULE}={ROOT / 'bindings-go'}"
    run("go", "mod", "edit", f"-require={MODULE}@v0.1.0", replaced, cwd=tmp_path)
    run("go", "run", "-mod=mod", ".", cwd=tmp_path, GOPROXY="off")


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_demo_runs_and_catches_tampering(tmp_path: Path) -> None:
    run(sys.executable, ROOT / "examples" / "demo.py", cwd=tmp_path)


def test_the_demo_is_the_same_in_four_languages(tmp_path: Path) -> None:
    run(sys.executable, ROOT / "examples" / "languages.py", cwd=tmp_path)


def test_every_make_target_is_listed_by_help() -> None:
    text = (ROOT / "Makefile").read_text()
    for target in ["demo", "test", "lint", "bench", "dist", "help"]:
        assert re.search(rf"^{target}:.*## ", text, re.M), target
