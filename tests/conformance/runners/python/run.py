"""The conformance runner of the Python package: case files in, one line of JSON per step out. See tests/conformance."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import tenantry
from tenantry import _tenantry as hooks

START = 1_767_225_600_000_000
PARTS = {
    "tool": tenantry.ToolContext,
    "model": tenantry.ModelContext,
    "file": tenantry.FileContext,
    "mcp": tenantry.McpContext,
}


class World:
    """One client, and what steps hand to later steps."""

    def __init__(self, case: dict[str, Any]) -> None:
        hooks._freeze(START)
        self.client = tenantry.Tenantry(in_memory=True, **{"deadline_ms": 10_000, **case.get("options", {})})
        self.pairs = case.get("tenants", [["acme", "prod"], ["globex", "prod"]])
        self.head: str | None = None
        self.held: dict[str, tenantry.Tenant] = {}
        self.kept: dict[str, Any] = {}
        known = set()
        for account, project in self.pairs:
            if account not in known:
                self.client.admin.accounts.create(account)
            known.add(account)
            self.client.admin.projects.create(account, project)

    def step(self, step: dict[str, Any]) -> Any:
        answer = self.answer(step, filled(step.get("with", {}), self.kept))
        if "remember" in step:
            self.kept[step["remember"]] = answer
        return answer

    def answer(self, step: dict[str, Any], given: dict[str, Any]) -> Any:
        room, _, verb = step["do"].partition(".")
        held = self.held.get(step.get("held", ""))
        if room in ("accounts", "projects"):
            return plain(getattr(getattr(self.client.admin, room), verb)(**given))
        match room:
            case "tenant":
                tenant = self.client.tenant(**given)
                return {"account_id": tenant.account_id, "project_id": tenant.project_id}
            case "authenticate":
                return self.authenticate(given)
            case "caller":
                return plain(held.caller) if held else None
            case "require_scopes":
                return held.require_scopes(*given["scopes"]) if held else None
            case "identity" | "issuers" | "keys" | "tokens" | "grants":
                return self.credentials(held, room, verb, given)
            case "advance":
                return hooks._advance(given["ms"])
            case "panic_next":
                return hooks._panic_next()
            case "close":
                return self.client.close()
        tenant = held or self.client.tenant(*(step.get("tenant") or self.pairs[0]))
        if step.get("as"):
            tenant = tenant.acting_as(tenantry.Principal(**step["as"]))
        return getattr(self, room)(tenant, verb, given)

    def authenticate(self, given: dict[str, Any]) -> Any:
        given = dict(given)
        hold, headers, token = (given.pop(name, None) for name in ("hold", "headers", "token"))
        # Headers come as lists of two, a token as text: both are what `authenticate` takes.
        tenant = self.client.authenticate((headers or []) if token is None else token, **given)
        if hold is not None:
            self.held[hold] = tenant
        return {"account_id": tenant.account_id, "project_id": tenant.project_id, "caller": plain(tenant.caller)}

    def credentials(self, held: tenantry.Tenant | None, room: str, verb: str, given: dict[str, Any]) -> Any:
        identity = (held or self.client).identity
        if room == "grants":
            return plain(getattr(self.client.admin.grants, verb)(**given))
        if room == "identity":
            return plain(getattr(identity, verb)(**given))
        if room == "issuers" and verb == "put":
            # What the entry leaves out is refused by the engine, where Python's signature would.
            return plain(identity.issuers.put(**{"audience": [], "accounts": [], "algorithms": [], **given["issuer"]}))
        if room == "issuers" and verb in ("remove", "check"):
            return plain(getattr(identity.issuers, verb)(given["id"]))
        names = {"account": "account_id", "project": "project_id"}
        given = {names.get(name, name): value for name, value in given.items()}
        return plain(getattr(getattr(identity, room), verb)(**given))

    def guard(self, tenant: tenantry.Tenant, verb: str, given: dict[str, Any]) -> Any:
        if verb in ("evaluate", "evaluate_once"):
            request = tenantry.GuardRequest(**parts(given["request"]))
            response = tenant.guard.evaluate(request, idempotency_key=given.get("key"))
            return decision(response, "" if request.action == "call_tool" else request.content)
        if verb.startswith("detect"):
            return plain(getattr(tenant.guard, verb)(**parts(given)))
        return decision(getattr(tenant.guard, verb)(**parts(given)), given.get("content", ""))

    def usage(self, tenant: tenantry.Tenant, verb: str, given: dict[str, Any]) -> Any:
        report = {**given["report"]}
        return plain(getattr(tenant.usage, verb)(**report.pop("model"), **report))

    def policies(self, tenant: tenantry.Tenant, verb: str, given: dict[str, Any]) -> Any:
        text = given.get("text")
        joined = {"text": "\n".join(text)} if isinstance(text, list) else {}
        return plain(getattr(tenant.policies, verb)(**given | joined))

    def limits(self, tenant: tenantry.Tenant, verb: str, given: dict[str, Any]) -> Any:
        given = dict(given)
        for name, ours in (("per_ms", "per"), ("max_wait_ms", "max_wait")):
            if name in given:
                milliseconds = given.pop(name)
                given[ours] = None if milliseconds is None else f"{milliseconds}ms"
        return plain(getattr(tenant.limits, verb)(**given))

    def settings(self, tenant: tenantry.Tenant, verb: str, given: dict[str, Any]) -> Any:
        return plain(getattr(tenant.settings, verb)(**given))

    def audit(self, tenant: tenantry.Tenant, verb: str, given: dict[str, Any]) -> Any:
        if verb == "verify" and given.get("anchor") == "last_head":
            given = {"anchor": self.head}
        result = getattr(tenant.audit, verb)(**given)
        if verb == "head":
            self.head = str(result)
            # The line is said by `str`; what is compared is what it says.
            return {name: value for name, value in result.to_dict().items() if name != "text"}
        return plain(result)


def filled(value: Any, kept: dict[str, Any]) -> Any:
    """`value` with each `${name.field}` replaced by what an earlier step answered."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\.(\w+)\}", lambda found: kept[found[1]][found[2]], value)
    if isinstance(value, list):
        return [filled(item, kept) for item in value]
    return {name: filled(item, kept) for name, item in value.items()} if isinstance(value, dict) else value


def parts(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` with the parts of a request made into what their constructors give."""
    return {name: PARTS[name](**value) if name in PARTS and value else value for name, value in fields.items()}


def decision(response: tenantry.GuardResponse, content: str) -> dict[str, Any]:
    return {
        "response": response.to_dict(),
        "allowed": response.allowed,
        "denied": response.denied,
        "suspended": response.suspended,
        "passed_on": response.passed_on(content),
        "blocked": blocked(response),
    }


def blocked(response: tenantry.GuardResponse) -> dict[str, Any] | None:
    try:
        response.raise_for_denied()
    except tenantry.BlockedError as error:
        return {"code": error.code, "message": error.message, **retry(error)}
    return None


def retry(error: tenantry.TenantryError) -> dict[str, int]:
    # Whole milliseconds; a float of seconds may lie a hair below them.
    after = error.retry_after
    return {} if after is None else {"retry_after_ms": math.floor(after * 1000 + 1e-6)}


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def main() -> None:
    for path in sys.argv[1:]:
        for case in json.loads(Path(path).read_text(encoding="utf-8")):
            world = World(case)
            for number, step in enumerate(case["steps"]):
                line: dict[str, Any] = {"case": case["id"], "step": number}
                try:
                    line["ok"] = world.step(step)
                except tenantry.TenantryError as error:
                    line["error"] = {"kind": error.kind, "code": error.code, "message": error.message}
                    line["error"] |= ({"help": error.help} if error.help else {}) | retry(error)
                    if error.policy is not None:
                        line["error"] |= {"policy": error.policy, "line": error.line, "column": error.column}
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
