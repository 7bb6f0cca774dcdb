"""Runs every test of the repo, language by language, and adds the counts up.

A skipped test that is not in ALLOWED_SKIPS fails the run. The conformance suite runs last, and its verdict is repeated
in the summary: all languages ran the same cases and gave the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = ROOT / "tests" / "ALLOWED_SKIPS"


Counts = tuple[int, int, list[str]]


def stream(
    command: list[str], cwd: Path = ROOT, show: Callable[[str], str] = str, **extra: str
) -> tuple[int, list[str]]:
    """Runs a command, showing its lines, or what `show` makes of them, as they come."""
    print(f"\n$ {' '.join(command)}", flush=True)
    environment = {**os.environ, **extra}
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, errors="replace")
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        sys.stdout.write(show(line))
        sys.stdout.flush()
        lines.append(line.rstrip("\n"))
    return process.wait(), lines


def rust() -> Counts:
    # With the features that `make` builds with, so that what it built is used.
    features = ["--features", "tenantry-go/test-hooks"]
    code, lines = stream(["cargo", "test", "--workspace", "--exclude", "tenantry-python", *features, "--no-fail-fast"])
    passed = failed = 0
    for line in lines:
        result = re.match(r"test result: \w+\. (\d+) passed; (\d+) failed", line)
        if result:
            passed, failed = passed + int(result[1]), failed + int(result[2])
    skipped = [match[1] for line in lines if (match := re.match(r"test (\S+).* \.\.\. ignored", line))]
    return passed, max(failed, int(code != 0)), skipped


def python(report: Path, *arguments: str) -> Counts:
    options = [f"--junitxml={report}", "-p", "no:cacheprovider"]
    code, _ = stream([sys.executable, "-m", "pytest", "-q", *arguments, *options])
    cases = ElementTree.parse(report).getroot().iter("testcase") if report.exists() else iter(())
    passed = failed = 0
    skipped = []
    for case in cases:
        if case.find("skipped") is not None:
            skipped.append(case.get("name", ""))
        elif case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return passed, max(failed, int(code != 0)), skipped


def node() -> Counts:
    folder = ROOT / "bindings-node"
    files = sorted(str(path.relative_to(folder)) for path in folder.glob("test/*.test.mjs"))
    code, lines = stream(["node", "--test", "--test-reporter=tap", *files], folder)
    told = {
        match[1]: int(match[2]) for line in lines if (match := re.match(r"# (pass|fail|cancelled|todo) (\d+)$", line))
    }
    skipped = [match[1] for line in lines if (match := re.match(r"\s*ok \d+ - (.*?) # (?:SKIP|TODO)", line))]
    failed = told.get("fail", 0) + told.get("cancelled", 0)
    return told.get("pass", 0), max(failed, int(code != 0)), skipped


def go() -> Counts:
    def show(line: str) -> str:
        event = told(line)
        return str(event.get("Output", "")) if event.get("Action") == "output" else ""

    def told(line: str) -> dict[str, str]:
        try:
            return dict(json.loads(line))
        except ValueError:
            return {"Action": "output", "Output": line}

    command = ["go", "test", "-json", "-race", "-tags", "tenantry_test_hooks", "./..."]
    code, lines = stream(command, ROOT / "bindings-go", show)
    ended = [(event.get("Action"), event["Test"]) for line in lines if "Test" in (event := told(line))]
    names = {action: [name for what, name in ended if what == action] for action in ("pass", "fail", "skip")}
    return len(names["pass"]), max(len(names["fail"]), int(code != 0)), names["skip"]


def conformance() -> tuple[bool, str]:
    """Whether every language ran the same cases with the same answers, and the checker's last words."""
    code, lines = stream([sys.executable, "tests/conformance/check.py"])
    return code == 0, lines[-1] if lines else "the checker said nothing"


def main() -> int:
    reports = ROOT / ".cache"
    reports.mkdir(exist_ok=True)
    results = {
        "Rust": rust(),
        "Python": python(reports / "python.xml", "bindings-python/tests"),
        "TypeScript": node(),
        "Go": go(),
        "server, public clients": python(reports / "server.xml", "tests/compat", "tests/server"),
        "docs, examples, conformance": python(
            reports / "docs.xml", "tests", "--ignore=tests/compat", "--ignore=tests/server"
        ),
    }
    agree, verdict = conformance()
    allowed = {
        line.split()[0] for line in ALLOWED.read_text().splitlines() if line.strip() and not line.startswith("#")
    }
    print()
    hidden = []
    for name, (passed, failed, skipped) in results.items():
        print(f"{name + ':':<28} {passed} passed, {failed} failed, {len(skipped)} skipped")
        hidden += [test for test in skipped if test not in allowed]
    for test in hidden:
        print(f"skipped without a reason in tests/ALLOWED_SKIPS: {test}")
    print(f"{'conformance:':<28} {verdict}")
    passed = sum(result[0] for result in results.values())
    failed = sum(result[1] for result in results.values()) + len(hidden) + int(not agree)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
