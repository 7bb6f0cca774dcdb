"""Guard calls of the public client: decisions, modes, redaction, tool calls, sessions, tiers, and odd texts."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Any

import pytest
from highflame import (
    APIError,
    FileContext,
    GuardRequest,
    GuardResponse,
    Highflame,
    MCPContext,
    Mode,
    ModelContext,
    ToolContext,
)
from proxy import Proxy
from world import BENIGN, GUARDED, INJECTION, SECRET, Ask, Connect, Server, Tenant

GUARD = "/v1/shield/guard"

SOFT = """
@id("soft") @redaction_strategy("{strategy}")
forbid (principal, action in [Action::"process_prompt", Action::"process_response", Action::"call_tool"], resource)
when {{ context has pii_detected && context.pii_detected }};
"""


def rules(response: GuardResponse) -> list[str]:
    return [policy.rule_id for policy in response.determining_policies or []]


def rewritten(content: str, response: GuardResponse) -> str:
    """What the redaction entries, taken as byte offsets, make of the content."""
    text, out, at = content.encode(), b"", 0
    for entry in response.redaction_entries or []:
        assert text[entry.start_pos : entry.end_pos].decode() == entry.original
        out += text[at : entry.start_pos] + entry.replacement.encode()
        at = entry.end_pos
    return (out + text[at:]).decode()


# Decisions


def test_a_harmless_prompt_is_allowed(ask: Ask, client: Highflame) -> None:
    response = ask(client, "guard.evaluate_prompt", BENIGN)
    assert response.decision == "allow"
    assert response.allowed
    assert not response.denied
    assert not response.suspended
    assert response.signals == []
    assert response.request_id
    assert response.latency_ms >= 0
    assert datetime.fromisoformat(response.timestamp.replace("Z", "+00:00")).tzinfo is not None


def test_a_secret_is_denied_with_a_reason_and_its_policy(ask: Ask, client: Highflame) -> None:
    response = ask(client, "guard.evaluate_prompt", SECRET)
    assert response.denied
    assert not response.allowed
    assert response.policy_reason == "The content holds a secret."
    policy = (response.determining_policies or [])[0]
    assert (policy.rule_id, policy.effect, policy.mode) == ("no-secrets", "forbid", "enforce")
    assert (policy.severity, policy.category, policy.tags) == ("critical", "secrets", ["secrets", "block"])
    assert policy.annotations == {"owner": "security team"}
    assert policy.policy_id
    signals = response.signals or []
    assert any(signal.context_key.startswith("secret") for signal in signals)
    assert all(0 <= signal.score <= 100 for signal in signals)


def test_each_call_has_its_own_request_id(client: Highflame) -> None:
    assert client.guard.evaluate_prompt(BENIGN).request_id != client.guard.evaluate_prompt(BENIGN).request_id


def test_signals_come_most_severe_first(other: Highflame) -> None:
    content = "from 192.168.10.25: ann@example.org, AKIA1234EXAMPLE, 4111 1111 1111 1111"
    signals = other.guard.evaluate_prompt(content).signals or []
    assert [signal.severity for signal in signals] == ["critical", "high", "medium", "low"]


def test_the_strict_pack_denies_what_it_promises_to(server: Server, connect: Connect) -> None:
    tenant = server.tenant()
    tenant.attach("strict")
    client = connect(server.url, api_key=tenant.key)
    assert rules(client.guard.evaluate_prompt(SECRET)) == ["strict.no-secrets"]
    assert rules(client.guard.evaluate_prompt(INJECTION)) == ["strict.no-injection"]
    assert client.guard.evaluate_tool_call("frobnicate").denied
    assert client.guard.evaluate_tool_call("search", {"query": "opening hours"}).allowed
    assert client.guard.evaluate_prompt(BENIGN).allowed


def test_a_policy_that_only_monitors_is_reported_and_does_not_deny(server: Server, connect: Connect) -> None:
    tenant = server.tenant()
    text = '@id("watch") forbid (principal, action == Action::"process_prompt", resource);'
    tenant.put("watch", text, mode="monitor")
    response = connect(server.url, api_key=tenant.key).guard.evaluate_prompt(BENIGN)
    assert response.allowed
    assert ("watch", "monitor") in [(policy.rule_id, policy.mode) for policy in response.determining_policies or []]


def test_a_policy_of_one_tenant_does_not_judge_another(ask: Ask, client: Highflame, other: Highflame) -> None:
    assert ask(client, "guard.evaluate_prompt", SECRET).denied
    assert ask(other, "guard.evaluate_prompt", SECRET).allowed


# Modes


def test_no_mode_and_enforce_are_the_same(ask: Ask, client: Highflame) -> None:
    for response in (
        ask(client, "guard.evaluate_prompt", SECRET),
        ask(client, "guard.evaluate_prompt", SECRET, mode="enforce"),
    ):
        assert response.denied
        assert response.actual_decision is None
        assert not response.mode_overridden
        assert not response.alerted


def test_monitor_allows_and_says_what_it_would_have_denied(ask: Ask, client: Highflame) -> None:
    response = ask(client, "guard.evaluate_prompt", SECRET, mode="monitor")
    assert response.allowed
    assert response.actual_decision == "deny"
    assert response.mode_overridden
    assert response.mode_reason
    assert not response.alerted


def test_alert_allows_and_alerts(ask: Ask, client: Highflame) -> None:
    response = ask(client, "guard.evaluate_prompt", SECRET, mode="alert")
    assert response.allowed
    assert response.actual_decision == "deny"
    assert response.alerted


def test_alert_is_silent_when_nothing_fired(client: Highflame) -> None:
    response = client.guard.evaluate_prompt(BENIGN, mode="alert")
    assert response.decision == "allow"
    assert not response.alerted
    assert response.actual_decision is None


def test_modify_redacts_and_proceeds(ask: Ask, client: Highflame) -> None:
    response = ask(client, "guard.evaluate_prompt", SECRET, mode="modify")
    assert response.decision == "modify"
    assert response.allowed
    assert response.redacted_content == "please test with [AWS_ACCESS_KEY]"
    assert response.actual_decision == "deny"


@pytest.mark.parametrize("mode", ["monitor", "alert"])
def test_modes_hold_for_tool_calls_too(client: Highflame, mode: Mode) -> None:
    response = client.guard.evaluate_tool_call("shell", {"cmd": "ls"}, mode=mode)
    assert (response.decision, response.actual_decision) == ("allow", "deny")


@pytest.mark.parametrize("mode", ["monitor", "alert", "modify"])
def test_no_mode_weakens_a_denial_below_the_projects_floor(server: Server, connect: Connect, mode: Mode) -> None:
    tenant = server.tenant(GUARDED)
    tenant.admin("PATCH", "/settings", {"mode_floor": "enforce"})
    client = connect(server.url, api_key=tenant.key)
    response = client.guard.evaluate_prompt(SECRET, mode=mode)
    assert response.denied
    assert response.mode_overridden
    assert response.mode_reason


@pytest.mark.parametrize("mode", [None, "monitor"])
def test_a_limit_without_room_denies_in_every_mode(server: Server, connect: Connect, mode: Mode | None) -> None:
    tenant = server.tenant()
    tenant.allow_one_an_hour()
    client = connect(server.url, api_key=tenant.key)
    assert client.guard.evaluate_prompt(BENIGN, mode=mode).allowed
    denied = client.guard.evaluate_prompt(BENIGN, mode=mode)
    assert denied.denied
    assert denied.policy_reason


# Redaction


def test_modify_on_personal_data_gives_byte_offsets(ask: Ask, other: Highflame) -> None:
    content = "日本語 🎉 é: ann@example.org, SSN 123-45-6789."
    response = ask(
        other, "guard.evaluate", content=content, content_type="prompt", action="process_prompt", mode="modify"
    )
    assert response.decision == "modify"
    assert response.redacted_content == "日本語 🎉 é: [EMAIL], SSN [SSN]."
    assert [entry.type for entry in response.redaction_entries] == ["email", "ssn"]
    assert response.redaction_entries[0].start_pos == len("日本語 🎉 é: ".encode())
    assert rewritten(content, response) == response.redacted_content


def test_modify_with_nothing_to_redact_allows_and_shows_that_it_ran(other: Highflame) -> None:
    response = other.guard.evaluate_prompt(BENIGN, mode="modify")
    assert response.decision == "allow"
    assert response.redacted_content == BENIGN
    assert not response.redaction_entries


def test_without_redaction_there_is_no_redacted_content(other: Highflame) -> None:
    response = other.guard.evaluate_prompt("write to ann@example.org")
    assert response.decision == "allow"
    assert response.redacted_content is None
    assert not response.redaction_entries


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("redact", "card [REDACTED]"),
        ("replace", "card [CREDIT_CARD]"),
        ("mask", "card **** **** **** 1111"),
        ("anonymize", "card [CREDIT_CARD_1]"),
    ],
)
def test_a_policy_redacts_by_its_strategy(server: Server, connect: Connect, strategy: str, expected: str) -> None:
    content = "card 4111 1111 1111 1111"
    tenant = server.tenant(SOFT.format(strategy=strategy))
    response = connect(server.url, api_key=tenant.key).guard.evaluate_prompt(content)
    assert response.decision == "modify"
    assert response.redacted_content == expected
    assert rules(response) == ["soft"]
    assert rewritten(content, response) == expected


def test_redacted_tool_arguments_are_still_json(server: Server, connect: Connect) -> None:
    client = connect(server.url, api_key=server.tenant(SOFT.format(strategy="replace")).key)
    response = client.guard.evaluate_tool_call("search", {"to": "ann@example.org", "n": 7, "none": None})
    assert response.decision == "modify"
    assert json.loads(response.redacted_content or "") == {"to": "[EMAIL]", "n": 7, "none": None}


# Tool calls


@pytest.mark.parametrize("arguments", [None, {}, {"cmd": "rm -rf /"}])
def test_a_tool_call_without_a_session_gets_a_decision(
    ask: Ask, client: Highflame, other: Highflame, arguments: dict[str, str] | None
) -> None:
    denied = ask(client, "guard.evaluate_tool_call", "shell", arguments)
    assert denied.denied
    assert rules(denied) == ["no-shell"]
    assert denied.policy_reason == "No shell here."
    allowed = ask(other, "guard.evaluate_tool_call", "shell", arguments)
    assert allowed.allowed
    assert denied.eval_errors is None
    assert allowed.eval_errors is None


def test_arguments_the_client_cut_from_the_content_are_inspected(
    ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant
) -> None:
    client = connect(proxy.url, api_key=acme.key)
    arguments = {"text": "lorem ipsum " * 2000, "zzz": SECRET}
    response = ask(client, "guard.evaluate_tool_call", "search", arguments)
    sent = proxy.of(GUARD)[0].sent
    assert "AKIA" not in sent["content"]
    assert sent["tool"]["arguments"]["zzz"] == SECRET
    assert response.denied
    assert rules(response) == ["no-secrets"]


def test_long_harmless_arguments_are_allowed(client: Highflame) -> None:
    assert client.guard.evaluate_tool_call("search", {"text": "lorem ipsum " * 2000}).allowed


@pytest.mark.parametrize(
    "arguments",
    [{"a": {"b": [{"c": SECRET}]}}, {"list": [None, 1, True, SECRET]}, {SECRET: "as a key"}],
    ids=["nested", "listed", "key"],
)
def test_a_secret_anywhere_in_the_arguments_is_found(client: Highflame, arguments: dict[str, object]) -> None:
    assert client.guard.evaluate_tool_call("search", arguments).denied


def test_a_tool_result_is_judged_as_a_tool_call(client: Highflame) -> None:
    def result(content: str) -> GuardResponse:
        tool = ToolContext(name="search", is_builtin=False)
        return client.guard.evaluate(content=content, content_type="response", action="call_tool", tool=tool)

    assert rules(result(SECRET)) == ["no-secrets"]
    assert result("sunny").allowed


def test_a_tool_may_carry_all_its_fields(client: Highflame) -> None:
    tool = ToolContext(
        name="search", is_builtin=True, arguments={"q": None}, description="finds things", server_id="files"
    )
    assert client.guard.evaluate(content="{}", content_type="tool_call", action="call_tool", tool=tool).allowed


# Responses, files, servers


@pytest.mark.parametrize("action", ["process_prompt", "process_response"])
def test_a_response_is_judged_by_the_policies_for_responses(ask: Ask, client: Highflame, action: str) -> None:
    response = ask(client, "guard.evaluate", content=SECRET, content_type="response", action=action)
    assert rules(response) == ["no-secrets-out"]
    assert response.policy_reason == "The answer holds a secret."


def test_the_audit_keeps_the_action_that_was_sent(server: Server, connect: Connect) -> None:
    tenant = server.tenant()
    response = connect(server.url, api_key=tenant.key).guard.evaluate(
        content=BENIGN, content_type="response", action="process_prompt"
    )
    rows = tenant.admin("GET", "/audit")["items"]
    row = next(row for row in rows if row["request_id"] == response.request_id)
    assert (row["body"]["action"], row["body"]["content_type"]) == ("process_prompt", "response")
    assert BENIGN not in json.dumps(rows)


@pytest.mark.parametrize(("action", "operation"), [("write_file", "write"), ("read_file", "read")])
def test_files_are_judged(client: Highflame, action: str, operation: str) -> None:
    file = FileContext(path="/tmp/notes.txt", operation=operation, file_name="notes.txt", size=12, is_encrypted=False)

    def judged(content: str) -> GuardResponse:
        return client.guard.evaluate(content=content, content_type="file", action=action, file=file)

    assert judged("notes").allowed
    assert rules(judged(SECRET)) == ["no-secrets"]


def test_a_server_is_judged_by_its_name(server: Server, connect: Connect) -> None:
    text = """
    @id("servers") permit (principal, action == Action::"connect_server", resource)
    when { context.mcp_server == "files" };
    """
    client = connect(server.url, api_key=server.tenant(text).key)

    def judged(name: str) -> GuardResponse:
        mcp = MCPContext(server_name=name, transport="stdio", verified=True, capabilities=["read"])
        return client.guard.evaluate(content=name, content_type="prompt", action="connect_server", mcp=mcp)

    assert rules(judged("files")) == ["servers"]
    assert judged("unknown").denied


def test_pasted_text_is_a_prompt(client: Highflame) -> None:
    assert client.guard.evaluate(content=BENIGN, content_type="clipboard", action="process_prompt").allowed
    assert client.guard.evaluate(content=SECRET, content_type="clipboard", action="process_prompt").denied


# Sessions


def test_an_injection_is_remembered_in_its_session_and_tenant_only(
    ask: Ask, server: Server, client: Highflame, connect: Connect, session_id: str
) -> None:
    neighbour = connect(server.url, api_key=server.tenant(_carried()).key)
    assert ask(client, "guard.evaluate_tool_call", "search", session_id=session_id).allowed
    assert ask(client, "guard.evaluate_prompt", INJECTION, session_id=session_id).allowed
    denied = ask(client, "guard.evaluate_tool_call", "search", session_id=session_id)
    assert denied.denied
    assert rules(denied) == ["carried-injection"]
    assert ask(client, "guard.evaluate_tool_call", "search", session_id=f"{session_id}-2").allowed
    assert ask(neighbour, "guard.evaluate_tool_call", "search", session_id=session_id).allowed
    assert ask(client, "guard.evaluate_tool_call", "search").allowed


def _carried() -> str:
    return """
    @id("carried-injection") forbid (principal, action == Action::"call_tool", resource)
    when { context has session_injection_detected && context.session_injection_detected };
    """


def test_turns_of_a_session_are_counted(ask: Ask, client: Highflame, session_id: str) -> None:
    turns = [ask(client, "guard.evaluate_prompt", BENIGN, session_id=session_id) for _ in range(3)]
    assert [turn.session_delta.turn_count for turn in turns] == [1, 2, 3]


@pytest.mark.parametrize("given", ["", None])
def test_an_empty_session_is_no_session(client: Highflame, given: str | None) -> None:
    request = GuardRequest(content=BENIGN, content_type="prompt", action="process_prompt", session_id=given)
    for _ in range(2):
        response = client.guard.evaluate(request)
        assert response.session_delta is None or response.session_delta.turn_count <= 1


def test_a_dry_run_is_not_remembered(client: Highflame, session_id: str) -> None:
    for _ in range(2):
        dry = client.guard.evaluate(
            content=SECRET, content_type="prompt", action="process_prompt", session_id=session_id, dryrun=True
        )
        assert dry.denied
    turn = client.guard.evaluate_prompt(BENIGN, session_id=session_id)
    assert turn.session_delta is not None
    assert turn.session_delta.turn_count == 1


# Tiers and detectors


def test_debug_fills_its_tier(ask: Ask, client: Highflame, acme: Tenant) -> None:
    response = ask(client, "guard.evaluate_prompt", SECRET, debug=True)
    assert {"pii", "secrets", "injection"} <= {detector.name for detector in response.detectors}
    assert response.context["contains_secrets"] is True
    assert response.projected_context["secrets_detected"] is True
    info = response.debug_info
    assert (info.action, info.namespace, info.product) == ("process_prompt", "Guardrails", "guardrails")
    assert (info.tenant.account_id, info.tenant.project_id) == (acme.account, acme.project)
    assert info.loaded_policy_count > 0
    assert info.principal_type
    assert info.principal_id


def test_without_flags_the_tiers_are_empty(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    response = ask(connect(proxy.url, api_key=acme.key), "guard.evaluate_prompt", BENIGN)
    assert not response.detectors
    assert response.context == {}
    assert response.projected_context == {}
    assert response.debug_info is None
    assert not {"context", "projected_context", "debug_info"} & proxy.of(GUARD)[0].got.keys()


def test_explain_shows_what_policies_read_and_why_it_was_stopped(client: Highflame) -> None:
    response = client.guard.evaluate(content=SECRET, content_type="prompt", action="process_prompt", explain=True)
    assert response.projected_context["secrets_detected"] is True
    assert "fast" in (response.tiers_evaluated or [])
    assert "secrets" in {cause.detector for cause in response.root_causes or []}
    assert response.eval_latency_ms is not None
    assert response.context == {}


def test_asking_for_tiers_does_not_change_the_decision(client: Highflame) -> None:
    for content in (BENIGN, SECRET):
        plain = client.guard.evaluate_prompt(content)
        assert client.guard.evaluate_prompt(content, debug=True).decision == plain.decision
        assert client.guard.evaluate_prompt(content, debug=False).decision == plain.decision


def test_a_caller_cannot_leave_out_a_detector_that_policies_read(client: Highflame) -> None:
    fields: dict[str, Any] = {"content": SECRET, "content_type": "prompt", "action": "process_prompt"}
    assert client.guard.evaluate(**fields, detectors=["injection"]).denied
    assert client.guard.evaluate(**fields, optimize=True).denied
    assert client.guard.evaluate(**fields, early_exit=True).denied


# Scopes


@pytest.mark.parametrize(
    ("scope", "action", "content_type"),
    [
        ("tools:read", "process_prompt", "prompt"),
        ("tools:read", "read_file", "file"),
        ("tools:write", "write_file", "file"),
        ("tools:execute", "call_tool", "tool_call"),
    ],
)
def test_a_key_with_scopes_needs_the_one_of_the_action(
    server: Server, connect: Connect, scope: str, action: str, content_type: str
) -> None:
    tenant = server.tenant()

    def judged(scopes: list[str]) -> GuardResponse:
        key = server.key(tenant.account, tenant.project, scopes)["key"]
        return connect(server.url, api_key=key).guard.evaluate(
            content=BENIGN,
            content_type=content_type,
            action=action,
            file=FileContext(path="/a", operation=action.partition("_")[0]) if content_type == "file" else None,
            tool=ToolContext(name="search", is_builtin=False) if content_type == "tool_call" else None,
        )

    assert judged([scope]).allowed
    denied = judged(sorted({"tools:read", "tools:write", "tools:execute"} - {scope}))
    assert denied.denied
    assert denied.policy_reason == f'token missing required scope "{scope}" for action "{action}"'


# Texts and fields that are hard to read


def test_metadata_takes_every_json_value(client: Highflame) -> None:
    metadata = {"none": None, "deep": {"list": [None, 1, 2.5, "é", {"x": None}]}, "empty": {}, "yes": True}
    assert client.guard.evaluate(
        content=BENIGN, content_type="prompt", action="process_prompt", metadata=metadata
    ).allowed


def test_a_lone_surrogate_is_repaired_and_what_follows_is_inspected(ask: Ask, client: Highflame) -> None:
    assert ask(client, "guard.evaluate_prompt", "a \ud800 b").allowed
    assert ask(client, "guard.evaluate_prompt", f"\udfff {SECRET}").denied


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_a_number_that_is_none_is_refused(ask: Ask, client: Highflame, value: float) -> None:
    fields = {"content": BENIGN, "content_type": "prompt", "action": "process_prompt", "metadata": {"x": value}}
    with pytest.raises(APIError) as caught:
        ask(client, "guard.evaluate", **fields)
    assert caught.value.status == 400


def test_an_unknown_action_is_refused(ask: Ask, client: Highflame) -> None:
    with pytest.raises(APIError) as caught:
        ask(client, "guard.evaluate", content=BENIGN, content_type="prompt", action="fly")
    assert caught.value.status in {400, 422}
    assert "action" in caught.value.detail


def test_content_beyond_the_cap_is_refused(client: Highflame) -> None:
    with pytest.raises(APIError) as caught:
        client.guard.evaluate_prompt("x" * (11 * 1024 * 1024))
    assert caught.value.status == 413


def test_a_model_and_contexts_may_be_named(client: Highflame) -> None:
    model = ModelContext(provider="openai", model="gpt-4o", temperature=0.5, max_tokens=100, input_tokens=12)
    response = client.guard.evaluate(
        content=BENIGN, content_type="prompt", action="process_prompt", model=model, contexts=["Paris is in France."]
    )
    assert response.allowed


def test_the_answer_sends_no_null_where_the_client_refuses_it(connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    client = connect(proxy.url, api_key=acme.key)
    client.guard.evaluate_prompt(SECRET, debug=True)
    client.guard.evaluate_prompt(BENIGN)
    client.guard.evaluate_prompt(SECRET, mode="modify")
    for call in proxy.of(GUARD):
        assert not re.search(rb":\s*null", call.answer.replace(b'"actual":null', b"")), call.answer
        assert isinstance(call.got["signals"], list)
