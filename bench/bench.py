"""`make bench`: the same guard call from Rust and from Python in one run, beside the empty crossing.

Installs the release wheel from dist/ into a folder of its own, so that what is measured is what users get. Rounds
alternate between the languages; each figure is the median of the rounds. Shared machines are noisy: quote the
difference, not the sum.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CALLS = 20_000
ROUNDS = 5
BUDGET = {"Rust CPU, 20 policies": 60.0, "Python adds": 15.0}


def rust() -> dict[str, list[float]]:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [str(target / "release" / "tenantry-bench"), "--json"]
    figures: dict[str, list[float]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return figures


def install(folder: Path) -> None:
    wheel = max((ROOT / "dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(folder),
        str(wheel),
    ]
    subprocess.run(command, check=True)


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
        # The cheapest thing that crosses: a property of a native object.
        empty = timed(lambda: acme.project_id, 200_000)
        client.close()
    print(json.dumps({"20 policies, allow": [cpu, wall], "empty crossing": list(empty)}))


def main() -> int:
    rounds: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        environment = {**os.environ, "PYTHONPATH": folder, "TENANTRY_ROOT_KEY": "ab" * 32}
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}, load {os.getloadavg()[0]:.1f} ...", flush=True)
            for name, figure in rust().items():
                rounds.setdefault(f"Rust    {name}", []).append(figure)
            # Isolated, so that the wheel is measured and not the checkout's own package.
            command = [sys.executable, "-I", "-c", RUNNER.format(folder=folder, file=__file__)]
            out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
            for name, figure in json.loads(out).items():
                rounds.setdefault(f"Python  {name}", []).append(figure)
    print(f"\n{'':<28}{'CPU µs/call':>14}{'wall µs/call':>14}   (median of {ROUNDS} rounds)")
    median = {}
    for name, figures in rounds.items():
        cpu, wall = (statistics.median(column) for column in zip(*figures, strict=True))
        median[name] = cpu
        print(f"{name:<28}{cpu:>14.2f}{wall:>14.2f}")
    measured = {
        "Rust CPU, 20 policies": median["Rust    20 policies, allow"],
        "Python adds": median["Python  20 policies, allow"] - median["Rust    20 policies, allow"],
    }
    print()
    for name, value in measured.items():
        verdict = "within" if value <= BUDGET[name] else "OVER"
        print(f"{name:<28}{value:>14.2f} µs   {verdict} the budget of {BUDGET[name]:.0f} µs")
    return int(any(value > BUDGET[name] for name, value in measured.items()))


RUNNER = """
import sys; sys.path.insert(0, {folder!r})
import runpy; runpy.run_path({file!r}, run_name="bench")["python"]()
"""

if __name__ == "__main__":
    sys.exit(main())
