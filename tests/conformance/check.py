"""Runs the conformance cases in every language and compares what they answer. See README.md beside this file.

python tests/conformance/check.py [--only rust,python] [--case PREFIX] [--file cases.json] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LANGUAGES = ("rust", "python", "node", "go")
PATIENCE = 600
SHOWN = 25

Step = tuple[str, int]
Cases = list[dict[str, Any]]


class SuiteError(Exception):
    """The suite cannot be run as it is."""


# Cases


def read(path: Path) -> Cases:
    """The cases of one file, checked against the schema."""
    schema = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
    try:
        cases: Cases = parse(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SuiteError(f"{path}: {error}") from error
    for error in jsonschema.Draft202012Validator(schema).iter_errors(cases):
        raise SuiteError(f"{path.name}: {error.json_path}: {error.message[:300]}")
    return cases


def suite() -> Cases:
    """Every case of the index."""
    index = json.loads((HERE / "index.json").read_text(encoding="utf-8"))
    listed = {HERE / entry["file"]: entry["cases"] for entry in index["files"]}
    present = set((HERE / "cases").glob("*.json"))
    for path in sorted(present ^ set(listed)):
        raise SuiteError(f"{path.name} is {'not in the index' if path in present else 'in the index and not there'}")
    cases: Cases = []
    for path, count in listed.items():
        found = read(path)
        if len(found) != count:
            raise SuiteError(f"{path.name} holds {len(found)} cases; the index says {count}")
        cases += found
    for case, times in Counter(case["id"] for case in cases).items():
        if times > 1:
            raise SuiteError(f"case id `{case}` is used {times} times")
    return cases


def steps_of(cases: Cases) -> list[Step]:
    return [(case["id"], number) for case in cases for number in range(len(case["steps"]))]


# Languages


def command(language: str) -> list[str] | None:
    """What runs the cases in `language`, or `None` where it is not built."""

    def binary(variable: str, built: str) -> Path:
        return Path(os.environ.get(variable) or ROOT / "target" / built).absolute()

    line: list[str | Path] = {
        "rust": [binary("TENANTRY_CONFORMANCE_RUST", "debug/tenantry-conformance")],
        "python": [sys.executable, HERE / "runners/python/run.py"],
        "node": ["node", HERE / "runners/node/run.mjs"],
        "go": [binary("TENANTRY_CONFORMANCE_GO", "tenantry-conformance-go")],
    }[language]
    return [str(word) for word in line] if Path(line[-1]).is_file() else None


def run(line: Sequence[str], cases: Cases) -> tuple[list[str], str | None]:
    """The lines a runner writes for `cases`, and what went wrong with the runner itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TENANTRY_")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.json"
        path.write_text(for_runners(cases), encoding="utf-8")
        (work := Path(folder) / "work").mkdir()
        try:
            done = subprocess.run(
                [*line, str(path)], cwd=work, env=environment, capture_output=True, timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return [], str(error)
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode == 0:
        return lines, None
    words = done.stderr.decode(errors="replace").strip().splitlines()[-12:]
    return lines, "\n".join([f"ended with {done.returncode}", *words])


# Comparing


def parse(text: str) -> Any:
    """JSON, without the liberties Python's reader allows."""

    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) != len(dict(pairs)):
            raise ValueError("an object names a field twice")
        return dict(pairs)

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    return json.loads(text, object_pairs_hook=fields, parse_constant=refuse)


def for_runners(cases: Cases) -> str:
    """The cases as runners read them: the lines of a policy, which are for people, joined to one text."""
    copy: Cases = json.loads(json.dumps(cases))
    for step in (step for case in copy for step in case["steps"] if step["do"] == "policies.put"):
        if isinstance(step["with"].get("text"), list):
            step["with"]["text"] = "\n".join(step["with"]["text"])
    return json.dumps(copy)


# A token of our own: its signature is random in every process.
SIGNED = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


def canonical(value: Any) -> str:
    """The one text of a JSON value: sorted keys, no blanks, whole numbers without a point, others at their shortest."""
    if isinstance(value, dict):
        if value.get("kty") == "EC":
            value = {**value, "x": "<coordinate>", "y": "<coordinate>"}
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a JSON number")
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, str) and SIGNED.fullmatch(value):
        return '"<token>"'
    return json.dumps(value, ensure_ascii=False)


def difference(one: Any, two: Any, path: str = "$") -> tuple[str, Any, Any] | None:
    """Where two values first differ, and how; `...` stands for what is absent."""
    if isinstance(one, dict) and isinstance(two, dict):
        for key in sorted({*one, *two}):
            if found := difference(one.get(key, ...), two.get(key, ...), f"{path}.{key}"):
                return found
        return None
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        found = (
            difference(left, right, f"{path}[{at}]") for at, (left, right) in enumerate(zip(one, two, strict=True))
        )
        return next(filter(None, found), None)
    return None if one is not ... and two is not ... and canonical(one) == canonical(two) else (path, one, two)


def show(value: Any) -> str:
    if value is ...:
        return "nothing"
    text = canonical(value)
    return text if len(text) <= 160 else f"{text[:157]}..."


def gather(language: str, lines: Sequence[str], failures: list[str]) -> dict[Step, dict[str, Any]]:
    """The steps among `lines`, by case and number."""
    steps: dict[Step, dict[str, Any]] = {}
    for number, text in enumerate(lines, 1):
        try:
            line = parse(text)
            step = (line["case"], line["step"])
            if set(line) not in ({"case", "step", "ok"}, {"case", "step", "error"}):
                raise ValueError("a step has either `ok` or `error`")
        except (ValueError, KeyError, TypeError) as error:
            failures.append(f"{language}: line {number} is not a step: {error}")
            continue
        if step in steps:
            failures.append(f"{step[0]}/{step[1]}: {language} ran it more than once")
        steps[step] = line
    return steps


def judge(
    gathered: dict[str, dict[Step, dict[str, Any]]], expected: Sequence[Step] | None
) -> Iterator[tuple[str, str]]:
    """What is wrong, each with the language to blame."""
    languages = list(gathered)
    order = list(expected) if expected is not None else []
    order += [step for steps in gathered.values() for step in steps]
    wanted = set(order) if expected is None else set(expected)
    for step in dict.fromkeys(order):
        name = f"{step[0]}/{step[1]}"
        ran = [language for language in languages if step in gathered[language]]
        if step not in wanted:
            yield from ((language, f"{name}: {language} ran it and it is not in the index") for language in ran)
            continue
        yield from ((language, f"{name}: {language} did not run it") for language in languages if language not in ran)
        texts = {language: canonical(gathered[language][step]) for language in ran}
        usual = Counter(texts.values()).most_common(1)[0][0] if texts else ""
        model = next((language for language in ran if texts[language] == usual), "")
        for language in ran:
            if texts[language] == usual:
                continue
            one, two = gathered[model][step], gathered[language][step]
            if "ok" in one and "ok" in two:
                one, two = one["ok"], two["ok"]
            path, left, right = difference(one, two) or ("$", one, two)
            yield language, f"{name}: {path}: {model} {show(left)}, {language} {show(right)}"


def compare(outputs: dict[str, list[str]], expected: Sequence[Step] | None = None) -> list[str]:
    """What differs between the languages' lines; nothing when all ran the same steps with the same answers."""
    failures: list[str] = []
    gathered = {language: gather(language, lines, failures) for language, lines in outputs.items()}
    return failures + [text for _, text in judge(gathered, expected)]


# Expecting


def unmet(expected: Any, got: Any, path: str = "$") -> str | None:
    """Where `got` is not what is expected. Of objects only the named fields count; `null` means absent or null."""
    if isinstance(expected, dict) and isinstance(got, dict):
        found = (unmet(value, got.get(key), f"{path}.{key}") for key, value in expected.items())
        return next(filter(None, found), None)
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        found = (unmet(e, g, f"{path}[{at}]") for at, (e, g) in enumerate(zip(expected, got, strict=True)))
        return next(filter(None, found), None)
    return None if canonical(expected) == canonical(got) else f"{path}: expected {show(expected)}, got {show(got)}"


def disappointments(cases: Cases, steps: dict[Step, dict[str, Any]]) -> Iterator[str]:
    for case in cases:
        for number, step in enumerate(case["steps"]):
            line = steps.get((case["id"], number))
            if line is None or "expect" not in step:
                continue
            answer = "ok" if "ok" in line else "error"
            if answer not in step["expect"]:
                wrong: str | None = f"$: expected {show(step['expect'])}, got {show({answer: line[answer]})}"
            else:
                wrong = unmet(step["expect"][answer], line[answer], "$" if answer == "ok" else "$.error")
            if wrong:
                yield f"{case['id']}/{number}: {wrong}"


# Everything together


def check(cases: Cases, languages: Sequence[str]) -> dict[str, Any]:
    """Runs `cases` in `languages`; the report says what held."""
    failures: list[str] = []
    gathered: dict[str, dict[Step, dict[str, Any]]] = {}
    for language in languages:
        line = command(language)
        if line is None:
            failures.append(f"{language} is not built; leave it out with --only, or build its runner")
            continue
        lines, trouble = run(line, cases)
        if trouble:
            failures.append(f"{language}: its runner {trouble}")
        gathered[language] = gather(language, lines, failures)
    expected = steps_of(cases)
    blamed: Counter[str] = Counter()
    for language, text in judge(gathered, expected):
        blamed[language] += 1
        failures.append(text)
    told: set[str] = set()
    for language, steps in gathered.items():
        for text in disappointments(cases, steps):
            if text not in told:
                told.add(text)
                failures.append(f"{text} ({language})")
    rows = {
        language: {
            "cases": len({case for case, _ in steps}),
            "steps": len(steps),
            "equal": max(0, len(expected) - blamed[language]),
        }
        for language, steps in gathered.items()
    }
    return {"cases": len(cases), "steps": len(expected), "languages": rows, "failures": failures}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compares what every language answers to the same cases.")
    parser.add_argument("--only", help="languages, with commas: " + ",".join(LANGUAGES))
    parser.add_argument("--case", default="", metavar="PREFIX", help="only cases whose id starts so")
    parser.add_argument("--file", type=Path, help="the cases of this file instead of the index's")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    given = parser.parse_args(arguments)
    languages = given.only.split(",") if given.only else list(LANGUAGES)
    if unknown := set(languages) - set(LANGUAGES):
        parser.error(f"no such language: {', '.join(sorted(unknown))}")
    try:
        cases = [case for case in (read(given.file) if given.file else suite()) if case["id"].startswith(given.case)]
        if not cases:
            raise SuiteError("there are no such cases")
    except (SuiteError, OSError) as error:
        print(json.dumps({"failures": [str(error)]}) if given.json else error)
        return 1
    report = check(cases, languages)
    failures = report["failures"]
    if given.json:
        print(json.dumps(report))
        return int(bool(failures))
    for language, row in report["languages"].items():
        print(f"{language:<7} {row['cases']} cases  {row['steps']} steps  {row['equal']} equal")
    for text in failures[:SHOWN]:
        print(text)
    if len(failures) > SHOWN:
        print(f"... and {len(failures) - SHOWN} more")
    if failures:
        print(f"{len(failures)} failures")
        return 1
    ran = len(report["languages"])
    counted = f"{ran} language{'s' * (ran != 1)}, {report['cases']} cases, {report['steps']} steps"
    print(f"{counted}: the same set, the same bytes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
