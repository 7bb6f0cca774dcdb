"""Runs every test of the repo and adds the counts up. A skipped test that is not in ALLOWED_SKIPS fails the run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = ROOT / "tests" / "ALLOWED_SKIPS"


def stream(command: list[str], **extra: str) -> tuple[int, list[str]]:
    """Runs a command, showing its lines as they come."""
    print(f"\n$ {' '.join(command)}", flush=True)
    environment = {**os.environ, **extra}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, errors="replace")
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line.rstrip("\n"))
    return process.wait(), lines


def rust() -> tuple[int, int, list[str]]:
    code, lines = stream(["cargo", "test", "--workspace", "--exclude", "tenantry-python", "--no-fail-fast"])
    passed = failed = 0
    for line in lines:
        result = re.match(r"test result: \w+\. (\d+) passed; (\d+) failed", line)
        if result:
            passed, failed = passed + int(result[1]), failed + int(result[2])
    skipped = [match[1] for line in lines if (match := re.match(r"test (\S+).* \.\.\. ignored", line))]
    return passed, max(failed, int(code != 0)), skipped


def python(folder: str, report: Path) -> tuple[int, int, list[str]]:
    code, _ = stream([sys.executable, "-m", "pytest", "-q", folder, f"--junitxml={report}", "-p", "no:cacheprovider"])
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


def main() -> int:
    reports = ROOT / ".cache"
    reports.mkdir(exist_ok=True)
    results = {
        "Rust": rust(),
        "Python": python("bindings-python/tests", reports / "python.xml"),
        "docs and examples": python("tests", reports / "docs.xml"),
    }
    allowed = {
        line.split()[0] for line in ALLOWED.read_text().splitlines() if line.strip() and not line.startswith("#")
    }
    print()
    hidden = []
    for name, (passed, failed, skipped) in results.items():
        print(f"{name + ':':<20} {passed} passed, {failed} failed, {len(skipped)} skipped")
        hidden += [test for test in skipped if test not in allowed]
    for test in hidden:
        print(f"skipped without a reason in tests/ALLOWED_SKIPS: {test}")
    passed = sum(result[0] for result in results.values())
    failed = sum(result[1] for result in results.values()) + len(hidden)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
