"""What typical mistakes read like: the same words as in every language, from `tests/words.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import made
from tenantry import GuardRequest, Tenantry, TenantryError

TABLE = json.loads((Path(__file__).parents[2] / "tests/words.json").read_text(encoding="utf-8"))


def do(client: Tenantry, what: str, given: dict[str, Any], folder: Path) -> object:
    tenant = made(client, "acme")
    match what:
        case "open":
            return Tenantry(folder / given["inside"])
        case "authenticate":
            return client.authenticate(given["token"])
        case "tenant":
            return client.tenant(given["account"], given["project"])
        case "put":
            return tenant.policies.put(given["name"], given["text"])
        case "settings":
            return tenant.settings.update(**given)
        case "key":
            return client.identity.keys.create("bot", account_id="acme", project_id="prod", **given)
        case "evaluate":
            return tenant.guard.evaluate(GuardRequest(**given["request"]))
        case "call":
            tenant.policies.put("tools", given["text"])
            tenant.guard.evaluate_tool_call(given["tool"]).raise_for_denied()
            return None
    raise AssertionError(what)


@pytest.mark.parametrize("mistake", TABLE, ids=[mistake["id"] for mistake in TABLE])
def test_a_typical_mistake_reads_as_in_every_language(
    client: Tenantry, tmp_path: Path, mistake: dict[str, Any]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(TenantryError) as caught:
        do(client, mistake["do"], mistake["given"], tmp_path)
    assert str(caught.value).replace(str(tmp_path), "{folder}") == mistake["told"]


def test_an_error_of_a_policys_text_says_where_it_stands_to_programs_too(client: Tenantry) -> None:
    tenant = made(client, "acme")
    with pytest.raises(TenantryError) as caught:
        tenant.policies.put("p", "permit (principal, action, resource)\nwhen { context.tool_nmae == 1 };")
    assert (caught.value.policy, caught.value.line, caught.value.column) == ("p", 2, 16)
    with pytest.raises(TenantryError) as caught:
        client.tenant("nobody", "prod")
    assert (caught.value.policy, caught.value.line, caught.value.column) == (None, None, None)


def test_the_plan_and_absent_detectors_are_told(client: Tenantry) -> None:
    guard = made(client, "acme").guard
    asked: dict[str, Any] = {"content": "hello", "content_type": "prompt", "action": "process_prompt"}
    options: dict[str, Any] = {"optimize": True, "dryrun": True, "detectors": ["toxicity", "pii"]}
    plan = guard.evaluate(GuardRequest(**asked, **options))
    assert (plan.denied, plan.code, plan.degraded) == (True, "plan_only", ["detector_absent: toxicity"])
    assert plan.optimization is not None
    assert [(entry.name, entry.reason) for entry in plan.optimization.required_detectors] == [("pii", "always_run")]
    assert guard.evaluate(GuardRequest(**asked)).optimization is None
    found = guard.detect("ada@example.com", detectors=["toxicity"])
    assert (found.signals, found.degraded) == ([], ["detector_absent: toxicity"])
