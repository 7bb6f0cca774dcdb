"""The suite holds together, its checker is honest, and every language gives the same answers."""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import check
import oracle
import pytest

LANGUAGES = (os.environ.get("TENANTRY_CONFORMANCE_ONLY") or ",".join(check.LANGUAGES)).split(",")
CASES = check.suite()
NODE = check.ROOT / "bindings-node"


def line(case: str, step: int, **ok: Any) -> str:
    return json.dumps({"case": case, "step": step, "ok": ok})


LINES = [
    line("a", 0, decision="allow", signals=[{"score": 90}]),
    line("a", 1, decision="deny"),
    line("b", 0, n=1, text="é"),
]


def test_there_are_enough_cases_and_most_do_not_come_from_the_engine() -> None:
    sources = Counter(case["expected_by"] for case in CASES)
    assert len(CASES) >= 130
    assert sources["contract"] + sources["cedarpy"] >= 75
    assert sources["cedarpy"] >= 25
    assert all("expect" in step for case in CASES for step in case["steps"] if case["expected_by"] != "recorded")


def test_every_operation_is_used() -> None:
    schema = json.loads((check.HERE / "schema.json").read_text(encoding="utf-8"))
    operations = set(schema["$defs"]["step"]["properties"]["do"]["enum"])
    assert operations == {step["do"] for case in CASES for step in case["steps"]}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda index: index["files"][0].update(cases=1), "the index says 1"),
        (lambda index: index["files"].pop(), "is not in the index"),
        (lambda index: index["files"].append({"file": "cases/none.json", "cases": 1}), "not there"),
    ],
)
def test_an_index_that_does_not_hold_is_refused(
    change: Any, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    index = json.loads((check.HERE / "index.json").read_text(encoding="utf-8"))
    change(index)
    (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    for name in ("cases", "schema.json"):
        (tmp_path / name).symlink_to(check.HERE / name)
    monkeypatch.setattr(check, "HERE", tmp_path)
    assert check.main([]) == 1
    assert complaint in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda case: case.update(note="x"),
        lambda case: case.pop("why"),
        lambda case: case["steps"][0].update(do="guard.guess"),
        lambda case: case["steps"][0]["with"].update(explian=True),
        lambda case: case["steps"][0].pop("expect"),
        lambda case: case["steps"][0]["expect"].update(ok=1, error={"kind": "Data", "code": "x"}),
    ],
)
def test_a_file_that_does_not_fit_the_schema_is_refused(change: Any, tmp_path: Path) -> None:
    case = {
        "id": "x",
        "title": "x",
        "expected_by": "contract",
        "why": "a rule that is long enough",
        "steps": [{"do": "guard.detect", "with": {"content": "x"}, "expect": {"ok": {}}}],
    }
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([case]), encoding="utf-8")
    assert check.read(path) == [case]
    change(case)
    path.write_text(json.dumps([case]), encoding="utf-8")
    with pytest.raises(check.SuiteError):
        check.read(path)


def test_cedar_agrees_with_every_case_that_names_it() -> None:
    assert list(oracle.differences(CASES)) == []


def test_cedar_contradicts_cases_that_are_wrong() -> None:
    wrong = copy.deepcopy([case for case in CASES if case["expected_by"] == "cedarpy"])
    for case in wrong:
        for step in case["steps"]:
            if step["do"].startswith("guard."):
                response = step["expect"]["ok"]["response"]
                response["decision"] = "deny" if response["decision"] == "allow" else "allow"
    contradicted = {text.split("/")[0] for text in oracle.differences(wrong)}
    assert contradicted == {case["id"] for case in wrong}


def test_runners_are_small() -> None:
    kinds = {".py", ".rs", ".mjs", ".go"}
    sources = [path for path in (check.HERE / "runners").rglob("*") if path.suffix in kinds]
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert lengths
    assert {path: length for path, length in lengths.items() if length > 220} == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"b": 1, "a": [1.0, -0.0]}', '{"a":[1,0],"b":1}'),
        ('{"e": 1e21}', '{"e": 1000000000000000000000}'),
        ('"\\u00e9"', '"é"'),
        ('{"": {"": null}}', '{"":{"":null}}'),
    ],
)
def test_equal_json_has_one_text(one: str, other: str) -> None:
    assert check.canonical(check.parse(one)) == check.canonical(check.parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.1"),
        ("0.1", "0.10000000000000002"),
        ("1", "true"),
        ("0", "false"),
        ("1", '"1"'),
        ("9007199254740992", "9007199254740993"),
        ('{"a": null}', "{}"),
        ("[1, 2]", "[2, 1]"),
        ("[]", "{}"),
        ('"é"', '"e\u0301"'),
    ],
)
def test_different_json_has_different_texts(one: str, other: str) -> None:
    assert check.canonical(check.parse(one)) != check.canonical(check.parse(other))


def test_the_canonical_text_is_what_it_says() -> None:
    value = check.parse('{"z": [0.1, 2.50, 1e-7, 1E2, 5e-324], "a\\n": "ü\\/", "A": null}')
    assert check.canonical(value) == '{"A":null,"a\\n":"ü/","z":[0.1,2.5,1e-07,100,5e-324]}'


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "NaN", "[Infinity]"])
def test_what_is_not_quite_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"twice|not JSON"):
        check.parse(text)


def test_equal_outputs_have_nothing_to_complain_about() -> None:
    turned = json.dumps(dict(reversed(json.loads(LINES[0]).items())))
    assert check.compare({"rust": LINES, "python": LINES}) == []
    assert check.compare({"rust": LINES, "python": [turned, *LINES[1:]]}) == []
    assert check.compare({"rust": LINES, "python": [LINES[2], *LINES[:2]]}) == []


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (LINES[1:], "a/0: go did not run it"),
        ([*LINES, line("c", 0)], "c/0: rust did not run it"),
        ([*LINES, LINES[0]], "a/0: go ran it more than once"),
        ([*LINES, "{"], "go: line 4 is not a step"),
        ([*LINES[:2], '{"case": "b", "step": 0}'], "a step has either"),
        ([LINES[0].replace("90", "91"), *LINES[1:]], "a/0: $.signals[0].score: rust 90, go 91"),
        ([LINES[0].replace("allow", "alloW"), *LINES[1:]], '$.decision: rust "allow", go "alloW"'),
        ([*LINES[:2], line("b", 0, n=1.5, text="é")], "b/0: $.n: rust 1, go 1.5"),
        ([*LINES[:2], line("b", 0, text="é")], "b/0: $.n: rust 1, go nothing"),
        ([*LINES[:2], line("b", 0, n=1, text="é", more=None)], "b/0: $.more: rust nothing, go null"),
        ([LINES[0], LINES[1].replace('"ok"', '"error"'), LINES[2]], "a/1: $.error: rust nothing"),
    ],
)
def test_a_difference_is_found_and_named(changed: list[str], complaint: str) -> None:
    complaints = check.compare({"rust": LINES, "python": LINES, "go": changed})
    assert any(complaint in text for text in complaints), complaints


def test_a_step_everybody_left_out_is_found() -> None:
    expected = [("a", 0), ("a", 1), ("a", 2), ("b", 0)]
    complaints = check.compare({"rust": LINES, "go": LINES}, expected)
    assert complaints == ["a/2: rust did not run it", "a/2: go did not run it"]


@pytest.mark.parametrize(
    ("expected", "got", "met"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": None}, {}, True),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {"a": 0}, False),
        ({"a": 1}, {"a": True}, False),
        ([{"a": 1}], [{"a": 1, "b": 2}], True),
        ([1], [1, 2], False),
        ([], None, False),
        ({}, [], False),
        ({"a": {}}, {}, False),
    ],
)
def test_expectations_compare_what_they_name(expected: Any, got: Any, met: bool) -> None:
    assert (check.unmet(expected, got) is None) == met


def test_a_language_that_is_not_built_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANTRY_CONFORMANCE_GO", "nowhere/at-all")
    assert any("go is not built" in text for text in check.check(CASES[:1], ["go"])["failures"])


def test_a_runner_that_fails_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = tmp_path / "runner"
    runner.write_text("#!/bin/sh\necho 'it broke' >&2\nexit 3\n", encoding="utf-8")
    runner.chmod(0o755)
    monkeypatch.setenv("TENANTRY_CONFORMANCE_GO", str(runner))
    failures = check.check(CASES[:1], ["go"])["failures"]
    assert "ended with 3" in failures[0]
    assert "it broke" in failures[0]
    assert any(text.endswith("go did not run it") for text in failures)


def entry() -> Path:
    """What importing the Node package loads."""
    package = json.loads((NODE / "package.json").read_text(encoding="utf-8"))
    found = package.get("exports", package.get("main", "index.js"))
    while isinstance(found, dict):
        found = next(found[name] for name in (".", "import", "node", "default", "require") if name in found)
    return NODE / found


if "node" in LANGUAGES:

    def test_a_sabotaged_binding_is_caught(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        module = tmp_path / "sabotage.mjs"
        source = f"""
import * as exported from {json.dumps(entry().as_uri())};
const {{ GuardResponse }} = exported.GuardResponse ? exported : exported.default;
const honest = GuardResponse.prototype.toJSON;
GuardResponse.prototype.toJSON = function () {{
  const fields = honest.call(this);
  return {{ ...fields, decision: fields.decision === "deny" ? "allow" : "deny" }};
}};
"""
        module.write_text(source, encoding="utf-8")
        arguments = ["--only", "python,node", "--case", "forbid-beats-permit"]
        assert check.main(arguments) == 0, capsys.readouterr().out
        honest = check.command

        def sabotaged(language: str) -> list[str] | None:
            line = honest(language)
            return [line[0], "--import", module.as_uri(), *line[1:]] if line and language == "node" else line

        monkeypatch.setattr(check, "command", sabotaged)
        assert check.main(arguments) == 1
        assert '$.response.decision: python "deny", node "allow"' in capsys.readouterr().out


def test_every_language_gives_the_same_answers() -> None:
    report = check.check(CASES, LANGUAGES)
    assert report["failures"] == []
    assert set(report["languages"]) == set(LANGUAGES)
