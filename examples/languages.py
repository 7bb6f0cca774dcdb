#!/usr/bin/env python3
"""The demo's tenants and questions, asked in Rust, Python, TypeScript and Go; every full response must be the same.

`make demo LANGS=all` builds what this needs. Exits 1 where an answer differs, between languages or from the data.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "examples" / "data"
sys.path.insert(0, str(ROOT / "tests" / "conformance"))

import check  # noqa: E402  (the suite that compares languages lies with the tests)

NAMES = {"rust": "Rust", "python": "Python", "node": "TypeScript", "go": "Go"}
Step = dict[str, Any]


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def policy(spec: dict[str, Any], layer: str, pair: list[str]) -> Step:
    given = {"name": spec["name"], "text": spec["text"], "mode": spec["mode"], "layer": layer}
    return {"do": "policies.put", "tenant": pair, "with": given}


def set_up(data: dict[str, Any], pairs: dict[str, list[str]]) -> list[Step]:
    steps: list[Step] = []
    for spec in data["tenants"]:
        account, project = pair = pairs[spec["account"]]
        steps.append({"do": "accounts.create", "with": {"id": account, **spec["facts"]}})
        steps.append({"do": "projects.create", "with": {"account": account, "id": project}})
        steps += [{"do": "policies.attach_pack", "tenant": pair, "with": {"name": pack}} for pack in spec["packs"]]
        steps += [policy(put, "project", pair) for put in spec["policies"]]
        steps += [{"do": "limits.set", "tenant": pair, "with": limit} for limit in spec["limits"]]
        steps.append({"do": "settings.update", "tenant": pair, "with": spec["settings"]})
    steps += [policy(put, "platform", next(iter(pairs.values()))) for put in data["platform"]["policies"]]
    return steps


def question(case: dict[str, Any], pair: list[str], expected: dict[str, Any]) -> Step:
    # `rule` names one of several policies; the demo in one language checks it.
    fields = {name: value for name, value in expected.items() if name != "rule"}
    step: Step = {"do": "guard.evaluate", "tenant": pair, "with": {"request": case["request"]}}
    if "principal" in case:
        step["as"] = case["principal"]
    return {**step, "expect": {"ok": {"response": fields}}}


def main() -> int:
    data, cases = load("tenants.json"), load("cases.json")
    pairs = {spec["account"]: [spec["account"], spec["project"]] for spec in data["tenants"]}
    asked = [question(case, pairs[name], expected) for case in cases for name, expected in case["expect"].items()]
    proof: list[Step] = [
        {"do": f"audit.{what}", "tenant": pair} for pair in pairs.values() for what in ("verify", "head")
    ]
    steps = [*set_up(data, pairs), *asked, *proof]
    report = check.check([{"id": "demo", "tenants": [], "steps": steps}], check.LANGUAGES)
    told = Counter(step["expect"]["ok"]["response"]["decision"] for step in asked)
    decisions = ", ".join(f"{told[word]} {word}" for word in ("allow", "modify", "deny"))
    print(f"{len(cases)} cases for {len(pairs)} tenants, {len(asked)} decisions ({decisions}), in each language:\n")
    print(f"{'language':<12}{'steps':>7}{'equal':>7}")
    for language, row in report["languages"].items():
        print(f"{NAMES[language]:<12}{row['steps']:>7}{row['equal']:>7}")
    print()
    for text in report["failures"]:
        print(text)
    if report["failures"]:
        print("The languages do NOT agree.")
        return 1
    print(f"Rust, Python, TypeScript and Go agree: {len(asked)} full responses and both audit chains, byte for byte.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
