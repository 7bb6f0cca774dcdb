#!/usr/bin/env python3
"""Two customers of one product, guarded by different policies, limits, sessions and audit trails.

Asks both tenants of `data/tenants.json` the questions of `data/cases.json`, compares every answer with what the data
says it must be, then tampers with copies of the ledger and shows that `verify` notices. Exits 1 on any surprise.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tenantry import FileContext, GuardRequest, GuardResponse, McpContext, Principal, Tenant, Tenantry, ToolContext

DATA = Path(__file__).resolve().parent / "data"
PARTS = {"tool": ToolContext, "file": FileContext, "mcp": McpContext}
COLOURS = {"allow": 32, "modify": 33, "deny": 31, "ok": 32, "caught": 32, "MISSED": 31, "MISMATCH": 31}
IN_COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Answer(NamedTuple):
    """What one tenant answered to one case, and how that differs from the data."""

    case: dict[str, Any]
    tenant: str
    response: GuardResponse
    micros: float
    wrong: list[str]


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def open_client(folder: Path) -> Tenantry:
    # A generous deadline: on a busy machine the first calls must be slow, not errors.
    return Tenantry(folder, dev=False, deadline_ms=10_000)


def isolate(folder: str) -> None:
    """Keeps the user's own settings and key file out: no variables, no tenantry.toml, a root key for this run only."""
    for name in [name for name in os.environ if name.startswith("TENANTRY_") and name != "TENANTRY_ROOT_KEY"]:
        del os.environ[name]
    os.environ.setdefault("TENANTRY_ROOT_KEY", secrets.token_hex(32))
    os.chdir(folder)


# --- Two tenants and what they are asked ---


def put_policies(tenant: Tenant, policies: list[dict[str, Any]], layer: str) -> None:
    for policy in policies:
        tenant.policies.put(policy["name"], "\n".join(policy["text"]), mode=policy["mode"], layer=layer)


def set_up(client: Tenantry, data: dict[str, Any]) -> dict[str, Tenant]:
    tenants: dict[str, Tenant] = {}
    for spec in data["tenants"]:
        account, project = spec["account"], spec["project"]
        client.admin.accounts.create(account, **spec["facts"])
        client.admin.projects.create(account, project)
        tenant = tenants[account] = client.tenant(account, project)
        for pack in spec["packs"]:
            tenant.policies.attach_pack(pack)
        put_policies(tenant, spec["policies"], "project")
        for limit in spec["limits"]:
            per = timedelta(milliseconds=limit["per_ms"])
            tenant.limits.set(limit["id"], limit["rate"], per, key=limit["key"], on_exceed=limit["on_exceed"])
        tenant.settings.update(**spec["settings"])
    # The operator's policies bind every customer; any handle reaches the layer above it.
    put_policies(next(iter(tenants.values())), data["platform"]["policies"], "platform")
    return tenants


def differences(expected: dict[str, Any], response: GuardResponse) -> list[str]:
    """`rule` is the id of a policy that decided (null: none did); every other key is a field of the response."""
    got = response.to_dict()
    rules = [policy.rule_id for policy in response.determining_policies]
    fields = [key for key in expected if key != "rule" and got.get(key) != expected[key]]
    wrong = [f"{key}: expected {expected[key]!r}, got {got.get(key)!r}" for key in fields]
    if "rule" in expected and (expected["rule"] not in rules if expected["rule"] else rules):
        wrong.append(f"rule: expected {expected['rule']!r}, got {rules}")
    return wrong


def ask(tenant: Tenant, case: dict[str, Any], expected: dict[str, Any]) -> Answer:
    handle = tenant.acting_as(Principal(**case["principal"])) if "principal" in case else tenant
    fields = {key: PARTS[key](**value) if key in PARTS else value for key, value in case["request"].items()}
    request, guard = GuardRequest(**fields), handle.guard
    started = time.perf_counter_ns()
    response = guard.evaluate(request)
    micros = (time.perf_counter_ns() - started) / 1000
    return Answer(case, tenant.account_id, response, micros, differences(expected, response))


def is_split(answers: list[Answer]) -> bool:
    return len({answer.response.decision for answer in answers}) > 1


def summarise(tenant: Tenant, mine: list[Answer]) -> dict[str, Any]:
    """One tenant's calls beside its audit trail, which must hold exactly these calls, in this order."""
    kept = [row for row in tenant.audit.query(limit=10_000) if row.kind == "decision"]
    made = [(answer.response.request_id, answer.response.decision) for answer in mine]
    head, report = tenant.audit.head(), tenant.audit.verify()
    return {
        "calls": len(mine),
        "decisions": dict(Counter(answer.response.decision for answer in mine)),
        "p50_micros": round(statistics.median(answer.micros for answer in mine), 1),
        "audit_rows": len(kept),
        "audit_matches": [(row.request_id, row.decision) for row in kept] == made,
        "chain_rows": report.rows,
        "chain_ok": report.ok,
        "head": head.to_dict(),
        "mismatches": [f"{answer.case['id']}: {text}" for answer in mine for text in answer.wrong],
    }


# --- Tampering ---


def flip_a_byte(ledger: sqlite3.Connection, scope: bytes, rows: int) -> None:
    (body,) = ledger.execute("SELECT body FROM rows WHERE scope = ? AND sequence = ?", (scope, rows // 2)).fetchone()
    at = len(body) // 2
    changed = body[:at] + chr(ord(body[at]) ^ 1) + body[at + 1 :]
    ledger.execute("UPDATE rows SET body = ? WHERE scope = ? AND sequence = ?", (changed, scope, rows // 2))


def cut_the_tail(ledger: sqlite3.Connection, scope: bytes, rows: int) -> None:
    ledger.execute("DELETE FROM rows WHERE scope = ? AND sequence > ?", (scope, rows - 3))


def drop_the_scope(ledger: sqlite3.Connection, scope: bytes, rows: int) -> None:
    ledger.execute("DELETE FROM rows WHERE scope = ?", (scope,))


TAMPERINGS = [
    ("acme", "one byte of one body flipped", flip_a_byte),
    ("acme", "the last three rows cut off", cut_the_tail),
    ("globex", "the whole scope dropped", drop_the_scope),
]


def problems_in(folder: Path, projects: dict[str, str]) -> dict[str, list[str]]:
    """What `verify` has to say, per tenant; nothing when the chain is whole."""
    with open_client(folder) as client:
        reports = {name: client.tenant(name, project).audit.verify() for name, project in projects.items()}
    return {name: [] if report.ok else report.problems for name, report in reports.items()}


def tamper(folder: Path, projects: dict[str, str], scopes: dict[str, bytes]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for number, (victim, what, change) in enumerate(TAMPERINGS):
        copy = folder.with_name(f"copy-{number}")
        shutil.copytree(folder, copy)
        with closing(sqlite3.connect(copy / "ledger.db")) as ledger, ledger:
            (rows,) = ledger.execute("SELECT count(*) FROM rows WHERE scope = ?", (scopes[victim],)).fetchone()
            change(ledger, scopes[victim], rows)
        found = problems_in(copy, projects)
        # The other customer's chain must not be blamed.
        blamed = [name for name, problems in found.items() if problems]
        results.append({"tenant": victim, "what": what, "ok": blamed == [victim], "problems": found[victim]})
    problems = [text for found in problems_in(folder, projects).values() for text in found]
    results.append({"tenant": "both", "what": "the original, untouched", "ok": not problems, "problems": problems})
    return results


# --- Showing it, in 100 columns ---


def clip(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def paint(word: str) -> str:
    return f"\x1b[{COLOURS[word]}m{word:<6}\x1b[0m" if IN_COLOUR and word in COLOURS else f"{word:<6}"


def heading(text: str) -> None:
    print(f"\n── {text} ".ljust(101, "─"))


def why(response: GuardResponse) -> str:
    if response.code:
        return ": ".join(filter(None, (response.code, response.limit_id)))
    if not response.determining_policies:
        return response.policy_reason or ""
    # A policy that only watches comes last, and says more about an allowed call than the permit that let it pass.
    policy = response.determining_policies[-1 if response.alerted else 0]
    if response.actual_decision:
        return f"monitored {response.actual_decision}: {policy.rule_id}"
    if response.decision == "modify" and policy.effect == "permit":
        return "the caller asked to redact"
    return f"alert: {policy.rule_id}" if response.alerted else policy.rule_id


def show_case(case: dict[str, Any], answers: list[Answer]) -> None:
    what = f"{'≠' if is_split(answers) else ' '} {case['label']}"
    for tenant, response, micros, wrong in (answer[1:] for answer in answers):
        decision, reason = paint(response.decision), clip(why(response), 34)
        print(f"{tenant:<6}  {clip(what, 41)}  {decision}  {reason} {micros:>6.0f}")
        for text in wrong:
            print(f"        {paint('MISMATCH')} {case['id']}: {text}")
        what = ""


def show_summary(name: str, summary: dict[str, Any]) -> None:
    counts = ", ".join(f"{summary['decisions'].get(word, 0)} {word}" for word in ("allow", "modify", "deny"))
    kept = "exactly these calls, in order" if summary["audit_matches"] else "NOT the calls that were made"
    chain, head = "verified" if summary["chain_ok"] else "BROKEN", summary["head"]
    print(f"{name:<6}  {summary['calls']} calls: {counts}; p50 {summary['p50_micros']:.0f} µs")
    print(f"        audit: {summary['audit_rows']} decisions, {kept}; chain of {summary['chain_rows']} rows {chain}")
    print(f"        head: row {head['sequence']}, {head['hash'][:16]}…, signed by key {head['key_id']}")


def show_tampering(result: dict[str, Any]) -> None:
    verdict = ("ok" if result["tenant"] == "both" else "caught") if result["ok"] else "MISSED"
    print(f"{result['tenant']:<6}  {result['what']:<41}  {paint(verdict).rstrip()}")
    for text in result["problems"]:
        print(f"        verify: {clip(text, 84).rstrip()}")


def run(folder: Path, tell: bool) -> dict[str, Any]:
    cases, group, split = load("cases.json"), "", 0
    answers: list[Answer] = []
    with open_client(folder) as client:
        tenants = set_up(client, load("tenants.json"))
        projects = {name: tenant.project_id for name, tenant in tenants.items()}
        scopes = {name: bytes.fromhex(client.admin.projects.get(name, projects[name]).uid) for name in projects}
        if tell:
            print(f"{len(cases)} cases for two customers of one process. ≠: the same input is decided differently.\n")
            print(f"tenant  {'  what':<41}  result  {'why':<34} {'µs':>6}")
        for case in cases:
            if tell and case["group"] != group:
                heading(case["group"])
            group = case["group"]
            asked = [ask(tenants[name], case, expected) for name, expected in case["expect"].items()]
            split, answers = split + is_split(asked), answers + asked
            if tell:
                show_case(case, asked)
        mine = {name: [answer for answer in answers if answer.tenant == name] for name in tenants}
        summaries = {name: summarise(tenant, mine[name]) for name, tenant in tenants.items()}
    tampering = tamper(folder, projects, scopes)
    sound = all(s["audit_matches"] and s["chain_ok"] and not s["mismatches"] for s in summaries.values())
    if tell:
        heading("Summary")
        for name, summary in summaries.items():
            show_summary(name, summary)
        print(f"{split} of {len(cases)} cases: the same input, decided differently.")
        heading("Tampering with copies of the ledger")
        for result in tampering:
            show_tampering(result)
    ok = sound and all(result["ok"] for result in tampering)
    return {"ok": ok, "cases": len(cases), "differing": split, "tenants": summaries, "tampering": tampering}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the tables")
    as_json = parser.parse_args().json
    # Some consoles know neither `≠` nor `µ`: a question mark is better than an exception.
    getattr(sys.stdout, "reconfigure", lambda **_: None)(errors="replace")
    with tempfile.TemporaryDirectory(prefix="tenantry-demo-") as folder:
        isolate(folder)
        report = run(Path(folder) / "data", tell=not as_json)
        os.chdir(DATA)
    failed = "FAILED: an answer, an audit trail or a verification above is not what it should be."
    print(json.dumps(report, indent=2) if as_json else f"\n{'Everything as expected.' if report['ok'] else failed}")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
