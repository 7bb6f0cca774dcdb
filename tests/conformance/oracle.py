"""Computes what the cases with `expected_by: cedarpy` expect, with the public Cedar bindings and none of our code.

The request is built as `docs/policies.md` (who, what, on what) and `docs/context-keys.md` (the keys of an action) say.
What detectors find in the few contents these cases use is written down here by hand.

python tests/conformance/oracle.py        # prints every difference between the cases and Cedar
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cedarpy

HERE = Path(__file__).resolve().parent
KEYS = HERE.parent.parent / "docs" / "context-keys.md"
ACTIONS = ("process_prompt", "process_response", "call_tool", "read_file", "write_file", "connect_server")
LETTERS = dict(zip(ACTIONS, "PPTRWC", strict=True))
PARAMETERS = {"amount": int, "count": int} | dict.fromkeys(
    ("command", "path", "url", "recipient", "target", "query"), str
)
CATEGORIES = {"search": "safe", "search_products": "safe", "shell": "dangerous"}
FOUND = {
    "card 4111 1111 1111 1111": ["credit_card"],
    "ann@example.org": ["email"],
    "ann@example.org bob@example.org": ["email", "email"],
}
HARMLESS = {"hello", "x", ""}

Json = dict[str, Any]


def allowed_keys() -> dict[str, str]:
    """Which actions have a context key, by their letters."""
    rows = re.findall(r"^\| `(\w+)`!? \| [^|]+ \| (\w+) \|", KEYS.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(rows)


def in_namespace(text: str) -> str:
    """Bare names belong to the namespace."""
    text = re.sub(r'(?<![\w:])(User|Agent|Session|App|Project|Account|Action)(?=::")', r"Guardrails::\1", text)
    return re.sub(r"\bis (User|Agent|Session|App)\b", r"is Guardrails::\1", text)


class Project:
    """What a case has put into one project."""

    def __init__(self, account: str, project: str, facts: Json) -> None:
        self.account, self.project = account, project
        self.facts = {"tier": "", "plan": "", "region": "", "labels": []} | facts
        self.texts: dict[str, str] = {}

    def policies(self) -> tuple[str, list[tuple[str, str]]]:
        """Every policy in force as one text, with the rule and the id of each policy in it."""
        named: list[tuple[str, str]] = []
        taken: set[str] = set()
        for name, text in self.texts.items():
            for number, policy in enumerate(parsed(text)):
                named.append((policy["annotations"]["id"], f"project/{name}#{number}"))
                taken |= set(actions(policy)) if policy["effect"] == "permit" else set()
        texts = [in_namespace(text) for text in self.texts.values()]
        for number, action in enumerate(ACTIONS):
            if action not in taken:
                rule = f"baseline.{action}"
                texts.append(f'@id("{rule}") permit (principal, action == Guardrails::Action::"{action}", resource);')
                named.append((rule, f"project/baseline#{number}"))
        return "\n".join(texts), named

    def declared(self) -> set[str]:
        """Names policies read that are not in the table of keys: metadata."""
        return set(re.findall(r"context(?:\.| has )(\w+)", "\n".join(self.texts.values()))) - set(allowed_keys())

    def judge(self, step: Json, number: int) -> Json:
        """What Cedar says of a guard step."""
        action, request = asked(step)
        principal = step.get("as", {"type": "user", "id": "process"})
        session = request.get("session_id") or (None if action.startswith("process_") else f"request {number}")
        text, named = self.policies()
        uid = "Guardrails::{}::{}".format
        who = uid(principal.get("type", "user").title(), json.dumps(principal["id"], ensure_ascii=False))
        place = uid("Session", json.dumps(session)) if session else uid("App", f'"{self.project}"')
        result = cedarpy.is_authorized(
            {
                "principal": who,
                "action": f'Guardrails::Action::"{action}"',
                "resource": place,
                "context": self.context(action, request, principal),
            },
            text,
            self.entities(principal, session),
        )
        if result.diagnostics.errors:
            failed = {
                number for error in result.diagnostics.errors for number in re.findall(r"`policy(\d+)`", str(error))
            }
            return {"decision": "deny", "failed": sorted(named[int(number)][1] for number in failed)}
        found = sorted(named[int(name.removeprefix("policy"))][0] for name in result.diagnostics.reasons)
        return {"decision": "allow" if result.allowed else "deny", "rules": found}

    def entities(self, principal: Json, session: str | None) -> list[Json]:
        def entity(kind: str, name: str, *parents: tuple[str, str]) -> Json:
            uids = [{"type": f"Guardrails::{of}", "id": parent} for of, parent in parents]
            return {"uid": {"type": f"Guardrails::{kind}", "id": name}, "attrs": {}, "parents": uids}

        project = ("Project", self.project)
        found = [
            entity("Account", self.account),
            entity(*project, ("Account", self.account)),
            entity("App", self.project, project),
        ]
        if session:
            found.append(entity("Session", session, ("App", self.project)))
        if principal.get("type") == "agent":
            return [*found, entity("Agent", principal["id"], project)]
        return [*found, entity("User", principal["id"])]

    def context(self, action: str, request: Json, principal: Json) -> Json:
        """Everything a request of `action` carries, as far as these cases read it."""
        facts = self.facts
        names = {"account_id": self.account, "project_id": self.project}
        context: Json = {
            "direction": "output" if request["content_type"] == "response" else "input",
            "content_type": request["content_type"],
            **names,
            "tenant_id": self.account,
            "tenant_tier": facts["tier"],
            "plan": facts["plan"],
            "region": facts["region"],
            "tenant": names | facts,
        }
        types = FOUND.get(request["content"], [])
        # The content of a tool call is its arguments, and harmless in these cases.
        assert types or action == "call_tool" or request["content"] in HARMLESS, request["content"]
        context |= {"pii_types": sorted(set(types)), "pii_count": len(types), "pii_detected": bool(types)}
        if roles := principal.get("roles"):
            context |= {"role": roles[0], "user_role": roles[0]}
        if scopes := principal.get("scopes"):
            context["privilege_scope"] = scopes
        if principal.get("type") == "agent":
            context |= {"agent_id": principal["id"], "identity_type": "agent"}
        if file := request.get("file"):
            context["path"] = file["path"]
        if mcp := request.get("mcp"):
            context["mcp_server"] = mcp["server_name"]
        if tool := request.get("tool"):
            context |= tool_keys(tool)
        letters = allowed_keys()
        context = {name: value for name, value in context.items() if LETTERS[action] in letters[name]}
        return context | {name: v for name, v in request.get("metadata", {}).items() if name in self.declared()}


def tool_keys(tool: Json) -> Json:
    given = {name: value for name, value in tool.get("arguments", {}).items() if name in PARAMETERS}
    fitting = {name: value for name, value in given.items() if type(value) is PARAMETERS[name]}
    wrong = sorted(set(given) - set(fitting))
    keys: Json = {
        "tool_name": tool["name"],
        "tool_is_builtin": tool.get("is_builtin", False),
        "param_type_violation": bool(wrong),
        "param_type_violations": wrong,
    }
    if fitting:
        keys["action_params"] = fitting
    if category := CATEGORIES.get(tool["name"]):
        keys["tool_category"] = category
    if server := tool.get("server_id"):
        keys |= {"mcp_server": server, "mcp_tool": tool["name"]}
    return keys


def parsed(text: str) -> list[Json]:
    """The policies of a text in Cedar's JSON, in their order."""
    policies = json.loads(cedarpy.policies_to_json_str(in_namespace(text)))["staticPolicies"]
    return [policies[f"policy{number}"] for number in range(len(policies))]


def actions(policy: Json) -> list[str]:
    """The actions a policy in Cedar's JSON speaks of."""
    constraint = policy["action"]
    named = [constraint["entity"]] if "entity" in constraint else constraint.get("entities", [])
    return [entity["id"] for entity in named] if constraint["op"] != "All" else list(ACTIONS)


def asked(step: Json) -> tuple[str, Json]:
    """The action and the whole request of a guard step."""
    given = dict(step["with"])
    match step["do"].removeprefix("guard."):
        case "evaluate":
            request = given["request"]
            answered = request["content_type"] == "response" and request["action"] == "process_prompt"
            return "process_response" if answered else request["action"], request
        case "evaluate_prompt":
            return "process_prompt", given | {"content_type": "prompt"}
        case "evaluate_response":
            return "process_response", given | {"content_type": "response"}
        case "evaluate_tool_call":
            tool = {name: given[name] for name in ("name", "arguments", "is_builtin", "server_id") if name in given}
            return "call_tool", given | {"content": "", "content_type": "tool_call", "tool": tool}
        case "evaluate_tool_response":
            tool = {name: given[name] for name in ("name", "is_builtin", "server_id") if name in given}
            return "call_tool", given | {"content_type": "response", "tool": tool}
        case "evaluate_file":
            action = "write_file" if given.get("operation") == "write" else "read_file"
            return action, given | {"content_type": "file", "file": {"path": given["path"]}}
    raise ValueError(step["do"])


def expectations(case: Json) -> Iterator[tuple[int, Json, Json]]:
    """Each guard step's number, what the case expects, and what Cedar says."""
    pairs = case.get("tenants", [["acme", "prod"], ["globex", "prod"]])
    projects = {tuple(pair): Project(*pair, {}) for pair in pairs}
    for number, step in enumerate(case["steps"]):
        given = step.get("with", {})
        project = projects[tuple(step.get("tenant", pairs[0]))]
        match step["do"]:
            case "projects.create":
                facts = {name: value for name, value in given.items() if name not in ("account", "id")}
                projects[given["account"], given["id"]] = Project(given["account"], given["id"], facts)
            case "policies.put":
                text = given["text"]
                project.texts[given["name"]] = text if isinstance(text, str) else "\n".join(text)
            case "policies.remove":
                del project.texts[given["name"]]
            case _:
                response = step["expect"]["ok"]["response"]
                expected = {"decision": response["decision"]}
                if response.get("code") == "policy_error":
                    expected["failed"] = sorted(response["policy_error"])
                else:
                    expected["rules"] = sorted(policy["rule_id"] for policy in response["determining_policies"] or [])
                yield number, expected, project.judge(step, number)


def differences(cases: list[Json]) -> Iterator[str]:
    for case in cases:
        if case["expected_by"] == "cedarpy":
            for number, expected, says in expectations(case):
                if expected != says:
                    yield f"{case['id']}/{number}: the case expects {expected}, Cedar says {says}"


def main() -> int:
    cases = [case for path in sorted((HERE / "cases").glob("*.json")) for case in json.loads(path.read_text("utf-8"))]
    found = list(differences(cases))
    print(
        "\n".join(
            [*found, f"{sum(case['expected_by'] == 'cedarpy' for case in cases)} cases, {len(found)} differences"]
        )
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
