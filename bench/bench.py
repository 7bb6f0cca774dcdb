"""`make bench`: the same guard call from Rust, Python, TypeScript and Go in one run, beside each language's empty call.

Measures what users get: the wheel, the npm tarball and the Go module that `make dist` left in dist/. Rounds alternate
between the languages; each figure is the median of the rounds. Shared machines are noisy: quote the difference, not the
sum.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CALLS = 20_000
ROUNDS = 5
CALL = "20 policies, allow"
# Microseconds of CPU: of the call in Rust, and on top of it in the other languages.
BUDGET = {"Rust": 60.0, "Python": 15.0, "TypeScript, sync": 20.0, "Go": 15.0}


def newest(pattern: str) -> Path:
    return max((ROOT / "dist").glob(pattern), key=lambda path: path.stat().st_mtime)


def install_wheel(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, str(newest("*.whl"))], check=True)


def install_package(folder: Path) -> None:
    with tarfile.open(newest("*.tgz")) as archive:
        archive.extractall(folder, filter="data")


def build_module(folder: Path) -> Path:
    """The Go program of this bench, linked against the packed module."""
    zipfile.ZipFile(newest("tenantry-go-*.zip")).extractall(folder / "module")
    shutil.copytree(ROOT / "bench" / "go", folder / "bench")
    name = (folder / "module" / "go.mod").read_text().split()[1]
    subprocess.run(["go", "mod", "edit", "-replace", f"{name}=../module"], cwd=folder / "bench", check=True)
    subprocess.run(["go", "build", "-o", "bench", "."], cwd=folder / "bench", check=True)
    return folder / "bench" / "bench"


def figures(command: list[str], **extra: str) -> dict[str, list[float]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TENANTRY_")}
    environment |= {"TENANTRY_ROOT_KEY": "ab" * 32, **extra}
    out = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, cwd=ROOT / "bench"
    ).stdout
    found: dict[str, list[float]] = json.loads(out)
    return found


def timed(call: Callable[[], object], calls: int) -> tuple[float, float]:
    """Process CPU and wall time per call, in microseconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(calls):
        call()
    return (time.process_time() - cpu) * 1e6 / calls, (time.perf_counter() - wall) * 1e6 / calls


def python() -> None:
    """Runs in a process of its own, against the installed wheel; prints JSON."""
    from tenantry import Tenantry

    prompt = (
        "Could you summarise the attached quarterly report for the board, list the three largest risks with one "
        "sentence each, and suggest which of the open questions we should settle before Friday? Thank you"
    )
    with tempfile.TemporaryDirectory() as folder:
        client = Tenantry(folder, deadline_ms=10_000)
        client.admin.accounts.create("acme", tier="enterprise")
        client.admin.projects.create("acme", "prod")
        acme = client.tenant("acme", "prod")
        acme.policies.put("bench", (ROOT / "bench" / "data" / "twenty.cedar").read_text())
        for layer in ("project", "account"):
            acme.limits.set(layer, rate=100_000_000, per="minute", layer=layer)
        guard = acme.guard
        timed(lambda: guard.evaluate_prompt(prompt, session_id="bench/s1"), CALLS // 10)
        before = acme.audit.head().sequence
        cpu = time.process_time()
        _, wall = timed(lambda: guard.evaluate_prompt(prompt, session_id="bench/s1"), CALLS)
        rows = acme.audit.head().sequence - before
        cpu = (time.process_time() - cpu) * 1e6 / CALLS
        assert rows == CALLS, f"{CALLS} calls left {rows} audit rows"
        # A native method that takes nothing and gives nothing.
        answer = guard.evaluate_prompt(prompt)
        empty = timed(answer.raise_for_denied, 200_000)
        client.close()
    print(json.dumps({"20 policies, allow": [cpu, wall], "empty call": list(empty)}))


def main() -> int:
    rounds: dict[str, list[list[float]]] = {}
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "python").mkdir()
        install_wheel(folder / "python")
        install_package(folder / "node")
        program = build_module(folder / "go")
        # Isolated, so that the wheel is measured and not the checkout's own package.
        python = [sys.executable, "-I", "-c", RUNNER.format(folder=str(folder / "python"), file=__file__)]
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}, load {os.getloadavg()[0]:.1f} ...", flush=True)
            found = {
                "Rust": figures([str(target / "release" / "tenantry-bench"), "--json"]),
                "Python": figures(python),
                "TypeScript": figures(["node", "node.mjs"], TENANTRY_NODE_PACKAGE=str(folder / "node" / "package")),
                "Go": figures([str(program), str(ROOT / "bench" / "data" / "twenty.cedar")]),
            }
            for language, rows in found.items():
                for name, figure in rows.items():
                    rounds.setdefault(f"{language}: {name}", []).append(figure)
    print(f"\n{'':<40}{'CPU µs/call':>12}{'wall µs/call':>14}   (median of {ROUNDS} rounds)")
    median = {}
    for name, taken in rounds.items():
        cpu, wall = (statistics.median(column) for column in zip(*taken, strict=True))
        median[name] = cpu
        print(f"{name:<40}{cpu:>12.2f}{wall:>14.2f}")
    rust = median[f"Rust: {CALL}"]
    measured = {
        "Rust": rust,
        "Python": median[f"Python: {CALL}"] - rust,
        "TypeScript, sync": median["TypeScript: 20 policies, sync"] - rust,
        "Go": median["Go: 20 policies"] - rust,
    }
    print()
    for name, value in measured.items():
        verdict = "within" if value <= BUDGET[name] else "OVER"
        what = "20 policies" if name == "Rust" else f"{name} adds"
        print(f"{what:<40}{value:>12.2f} µs   {verdict} the budget of {BUDGET[name]:.0f} µs")
    return int(any(value > BUDGET[name] for name, value in measured.items()))


RUNNER = """
import sys; sys.path.insert(0, {folder!r})
import runpy; runpy.run_path({file!r}, run_name="bench")["python"]()
"""

if __name__ == "__main__":
    sys.exit(main())
