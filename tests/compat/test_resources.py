"""What the public client asks besides guard calls: detection, the list of detectors, loaded policies, and usage."""

from __future__ import annotations

import uuid

import pytest
from highflame import (
    APIError,
    DetectRequest,
    DetectResponse,
    Highflame,
    ModelContext,
    ToolContext,
    UsageRequestBody,
)
from world import BENIGN, EVERYTHING, INJECTION, SECRET, TOOLS, Ask, Connect, Server, Tenant


@pytest.fixture
def usage_id() -> str:
    return f"call-{uuid.uuid4().hex}"


# Detect


def test_detect_reports_findings_and_decides_nothing(ask: Ask, client: Highflame) -> None:
    response = ask(client, "detect.run", content=f"{SECRET} and ann@example.org", content_type="prompt")
    assert isinstance(response, DetectResponse)
    assert response.context["contains_secrets"] is True
    assert response.context["pii_types"] == ["email"]
    assert response.latency_ms >= 0
    assert "fast" in (response.tiers_evaluated or [])
    by_name = {detector.name: detector for detector in response.detectors or []}
    assert by_name["pii"].context["pii_count"] == 1
    assert by_name["secrets"].tier == "fast"


def test_detect_finds_nothing_in_harmless_text(ask: Ask, other: Highflame) -> None:
    response = ask(other, "detect.run", content=BENIGN, content_type="prompt")
    assert response.context["contains_secrets"] is False
    assert response.context["pii_detected"] is False


def test_detect_scores_an_injection(client: Highflame) -> None:
    context = client.detect.run(content=INJECTION, content_type="response").context
    assert 81 <= context["injection_confidence"] <= 100


def test_detect_takes_a_whole_request(ask: Ask, client: Highflame) -> None:
    tool = ToolContext(name="shell", is_builtin=True, arguments={"cmd": SECRET})
    request = DetectRequest(content="{}", content_type="tool_call", tool=tool, metadata={"none": None})
    response = ask(client, "detect.run", request)
    assert response.context["tool_name"] == "shell"
    assert response.context["contains_secrets"] is True


def test_detect_leaves_no_turn_in_a_session(client: Highflame, session_id: str) -> None:
    client.detect.run(content=INJECTION, content_type="prompt", session_id=session_id)
    response = client.guard.evaluate_tool_call("search", session_id=session_id)
    assert response.allowed
    assert response.session_delta is not None
    assert response.session_delta.turn_count == 1


def test_detect_is_not_bent_by_policies(server: Server, connect: Connect) -> None:
    tenant = server.tenant("forbid (principal, action, resource);")
    client = connect(server.url, api_key=tenant.key)
    assert client.guard.evaluate_prompt(BENIGN).denied
    assert client.detect.run(content=BENIGN, content_type="prompt").context["contains_secrets"] is False


# Detectors


def test_detectors_are_listed_and_counted(ask: Ask, client: Highflame) -> None:
    listed = ask(client, "detectors.list")
    assert listed.count == len(listed.detectors)
    names = [detector.name for detector in listed.detectors]
    assert len(set(names)) == len(names)
    assert {"pii", "secrets", "injection", "security", "tool_risk"} <= set(names)


def test_a_detector_says_what_it_may_emit(client: Highflame) -> None:
    for detector in client.detectors.list().detectors or []:
        assert detector.version
        assert detector.tier in {"fast", "standard", "slow"}
        assert detector.status in {"healthy", "degraded", "disabled"}
        assert detector.context_keys
        for spec in detector.context_keys:
            assert spec.type in {"long", "bool", "string", "set"}
            assert spec.description


def test_what_detectors_list_is_what_they_emit(client: Highflame) -> None:
    listed = {detector.name: detector for detector in client.detectors.list().detectors or []}
    for result in client.detect.run(content=SECRET, content_type="prompt").detectors or []:
        keys = {spec.key for spec in listed[result.name].context_keys or []}
        assert result.context.keys() <= keys, result.name


# Debug


def test_policies_are_listed_for_the_callers_tenant_only(ask: Ask, server: Server, connect: Connect) -> None:
    ours, theirs = server.tenant(), server.tenant()
    ours.put("ours", '@id("ours-one") forbid (principal, action, resource) when { context.request_id == "x" };')
    theirs.put("theirs", '@id("theirs-one") forbid (principal, action, resource) when { context.request_id == "x" };')
    listed = ask(connect(server.url, api_key=ours.key), "debug.policies")
    assert listed.has_policies
    assert listed.product == "guardrails"
    assert listed.policy_count == len(listed.policies)
    by_name = {policy.policy_name: policy for policy in listed.policies}
    assert by_name["ours"].rule_ids == ["ours-one"]
    assert by_name["ours"].mode == "enforce"
    assert "theirs" not in by_name
    for policy in listed.policies:
        assert policy.policy_id
        assert policy.account_id in {None, "", ours.account}


def test_another_product_has_no_policies_here(ask: Ask, client: Highflame) -> None:
    listed = ask(client, "debug.policies", product="sentry")
    assert listed.product == "sentry"
    assert not listed.has_policies
    assert not listed.policies


def test_every_rule_of_a_policy_is_named(client: Highflame) -> None:
    guarded = next(policy for policy in client.debug.policies().policies or [] if policy.policy_name == "guarded")
    assert set(guarded.rule_ids or []) == {"no-secrets", "no-secrets-out", "no-shell", "carried-injection"}


def test_policies_are_for_those_who_may_read_the_tenant(
    ask: Ask, server: Server, connect: Connect, acme: Tenant
) -> None:
    key = server.key(acme.account, acme.project, TOOLS)["key"]
    with pytest.raises(APIError) as caught:
        ask(connect(server.url, api_key=key), "debug.policies")
    assert caught.value.status == 403
    assert caught.value.detail


# Usage


def test_usage_is_recorded_once_per_id(ask: Ask, client: Highflame, usage_id: str) -> None:
    fields = {"model": "gpt-4o", "provider": "openai", "input_tokens": 900, "output_tokens": 120, "usage_id": usage_id}
    first = ask(client, "usage.report", **fields)
    assert first.recorded
    assert first.priced
    assert first.cost_micros > 0
    assert not ask(client, "usage.report", **fields).recorded
    assert not ask(client, "usage.report", **{**fields, "output_tokens": 7}).recorded


def test_usage_ids_of_two_tenants_do_not_meet(client: Highflame, other: Highflame, usage_id: str) -> None:
    assert client.usage.report(model="gpt-4o", input_tokens=1, usage_id=usage_id).recorded
    assert other.usage.report(model="gpt-4o", input_tokens=1, usage_id=usage_id).recorded


def test_usage_without_an_id_is_another_call_each_time(client: Highflame) -> None:
    assert client.usage.report(model="gpt-4o", input_tokens=1).recorded
    assert client.usage.report(model="gpt-4o", input_tokens=1).recorded


def test_usage_of_a_model_nobody_priced_costs_nothing(ask: Ask, client: Highflame) -> None:
    response = ask(client, "usage.report", model="no-such-model-anywhere", input_tokens=5)
    assert (response.priced, response.cost_micros) == (False, 0)
    assert response.recorded


def test_usage_takes_a_whole_request(ask: Ask, client: Highflame, usage_id: str, session_id: str) -> None:
    request = UsageRequestBody(
        model=ModelContext(model="claude-sonnet-4-5", cache_read_tokens=5, cache_write_1h_tokens=3),
        session_id=session_id,
        usage_id=usage_id,
    )
    assert ask(client, "usage.report", request).recorded
    assert not ask(client, "usage.report", request).recorded


@pytest.mark.parametrize("tokens", [-1, 1_000_000_001])
def test_usage_beyond_any_model_call_is_refused(client: Highflame, tokens: int) -> None:
    with pytest.raises(APIError) as caught:
        client.usage.report(model="gpt-4o", input_tokens=tokens)
    assert caught.value.status in {400, 422}


def test_a_key_with_every_scope_reaches_all_of_it(server: Server, connect: Connect, acme: Tenant) -> None:
    client = connect(server.url, api_key=server.key(acme.account, acme.project, EVERYTHING)["key"])
    assert client.guard.evaluate_prompt(BENIGN).allowed
    assert client.detect.run(content=BENIGN, content_type="prompt").detectors
    assert client.detectors.list().count
    assert client.debug.policies().policy_count
    assert client.usage.report(model="gpt-4o", input_tokens=1).recorded
