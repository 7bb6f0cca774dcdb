"""Guard calls: what they answer, and that every way to ask comes to the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from samples import BENIGN, CARD, EMAIL, INJECTION, NO_SHELL, SECRET
from tenantry import (
    FileContext,
    GuardRequest,
    InvalidArgument,
    McpContext,
    ModelContext,
    Principal,
    Tenant,
    ToolContext,
)


@pytest.mark.parametrize(
    ("text", "strict", "baseline"),
    [(BENIGN, "allow", "allow"), (SECRET, "deny", "allow"), (INJECTION, "deny", "allow"), (CARD, "allow", "allow")],
    ids=["benign", "secret", "injection", "card"],
)
def test_two_tenants_decide_differently_on_one_prompt(
    acme: Tenant, globex: Tenant, text: str, strict: str, baseline: str
) -> None:
    assert acme.guard.evaluate_prompt(text).decision == strict
    assert globex.guard.evaluate_prompt(text).decision == baseline


def test_a_policy_of_one_tenant_is_unknown_to_the_other(acme: Tenant, globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL)
    assert globex.guard.evaluate_tool_call("shell", {"command": "ls"}).denied
    assert "tools" not in [policy.name for policy in acme.policies.list()]


def test_a_denial_is_an_answer_with_the_policy_that_gave_it(globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL)
    response = globex.guard.evaluate_tool_call("shell", {"command": "ls"})
    assert (response.decision, response.allowed, response.denied, response.suspended) == ("deny", False, True, False)
    (policy,) = response.determining_policies
    assert (policy.rule_id, policy.policy_name, policy.effect, policy.category) == (
        "no-shell",
        "tools",
        "forbid",
        "tools",
    )


def test_signals_tell_what_was_found_worst_first(globex: Tenant) -> None:
    response = globex.guard.evaluate_prompt(f"{CARD}; {EMAIL}")
    assert [(signal.name, signal.severity) for signal in response.signals] == [
        ("credit card number", "high"),
        ("email address", "medium"),
    ]
    assert response.signals[0].score == 100
    assert response.signals[0].vulnerability_id.startswith("LLM")


def test_modify_redacts_the_text_and_lists_what_stood_there(globex: Tenant) -> None:
    response = globex.guard.evaluate_prompt(EMAIL, mode="modify")
    assert response.decision == "modify"
    assert response.allowed
    assert response.redacted_content == "write to [EMAIL] today"
    (entry,) = response.redaction_entries
    assert EMAIL.encode()[entry.start_pos : entry.end_pos].decode() == entry.original == "ada@example.com"
    assert (entry.type, entry.replacement) == ("email", "[EMAIL]")


def test_modify_redacts_tool_arguments_in_place(globex: Tenant) -> None:
    arguments = {"to": ["ada@example.com", 7], "body": {"text": "hello", "draft": None}}
    response = globex.guard.evaluate_tool_call("send", arguments, mode="modify")
    assert response.redacted_arguments == {"to": ["[EMAIL]", 7], "body": {"text": "hello", "draft": None}}


def test_a_request_its_fields_and_the_shorthand_are_one_question(acme: Tenant) -> None:
    answers = [
        acme.guard.evaluate(GuardRequest(SECRET)),
        acme.guard.evaluate(content=SECRET),
        acme.guard.evaluate(content=SECRET, content_type="prompt", action="process_prompt"),
        acme.guard.evaluate_prompt(SECRET),
    ]
    assert {answer.decision for answer in answers} == {"deny"}
    assert len({json.dumps([signal.to_dict() for signal in answer.signals]) for answer in answers}) == 1


def test_a_field_given_beside_a_request_replaces_the_requests(acme: Tenant) -> None:
    request = GuardRequest(SECRET, mode="enforce")
    assert acme.guard.evaluate(request, content=BENIGN).allowed
    assert request.content == SECRET


def test_neither_request_nor_content_is_refused(acme: Tenant) -> None:
    with pytest.raises(InvalidArgument) as caught:
        acme.guard.evaluate()
    assert caught.value.code == "request_invalid"


def test_responses_are_judged_as_responses(acme: Tenant) -> None:
    assert acme.guard.evaluate_prompt(CARD).allowed
    assert acme.guard.evaluate_response(CARD).denied
    assert acme.guard.evaluate(content=CARD, content_type="response", action="process_response").denied


def test_what_a_tool_gave_back_is_judged_as_that_tools(globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL)
    guard = globex.guard
    request = GuardRequest(
        BENIGN, content_type="response", action="call_tool", tool=ToolContext("shell", server_id="s")
    )
    whole = guard.evaluate(request)
    for response in (
        guard.evaluate_tool_response("shell", BENIGN, server_id="s"),
        asyncio.run(guard.aevaluate_tool_response("shell", BENIGN, server_id="s")),
    ):
        assert response.denied
        assert response.determining_policies == whole.determining_policies
    assert guard.evaluate_tool_response("search", BENIGN).allowed
    told: dict[str, Any] = {"is_builtin": True, "description": "d", "session_id": "s", "metadata": {"a": 1}}
    redacted = guard.evaluate_tool_response("search", EMAIL, mode="modify", explain=True, **told)
    assert redacted.passed_on(EMAIL) == "write to [EMAIL] today"
    assert redacted.session_delta is not None
    assert guard.evaluate_tool_response("shell", BENIGN, dryrun=True).denied


def test_files_are_judged_by_path_and_operation(acme: Tenant) -> None:
    response = acme.guard.evaluate_file(SECRET, "/home/ada/.env", "write", debug=True)
    assert response.denied
    assert response.debug_info is not None
    assert response.debug_info.action == "write_file"


def test_every_context_reaches_the_engine(globex: Tenant) -> None:
    response = globex.guard.evaluate(
        content="x",
        content_type="file",
        action="read_file",
        model=ModelContext(provider="openai", model="gpt", temperature=0.5, max_tokens=10),
        file=FileContext("/etc/hosts", size=12),
        mcp=McpContext("files", transport="stdio", capabilities=["read"]),
        tool=ToolContext("reader", is_builtin=True),
        contexts=["more text"],
        metadata={"team": "red"},
        session_id="s",
        explain=True,
    )
    assert response.allowed
    assert response.projected_context is not None
    assert response.projected_context["path"] == "/etc/hosts"


def test_the_debug_tier_names_the_principal_and_each_detector(globex: Tenant) -> None:
    plain = globex.guard.evaluate_prompt(BENIGN)
    assert (plain.debug_info, plain.detectors, plain.context) == (None, None, None)

    ada = globex.acting_as(Principal("ada", type="agent", roles=["admin"], scopes=["tools:read"]))
    response = ada.guard.evaluate_prompt(BENIGN, debug=True)
    assert response.debug_info is not None
    assert (response.debug_info.principal_type, response.debug_info.principal_id) == ("Agent", "ada")
    assert response.debug_info.tenant["account_id"] == "globex"
    assert response.detectors
    assert {detector.status for detector in response.detectors} <= {"ok", "not_run", "error"}


def test_a_handle_acting_for_somebody_leaves_the_first_handle_alone(globex: Tenant) -> None:
    globex.acting_as(Principal("ada"))
    response = globex.guard.evaluate_prompt(BENIGN, debug=True)
    assert response.debug_info is not None
    assert response.debug_info.principal_id == "process"


def test_sessions_count_their_turns_and_stay_in_their_project(acme: Tenant, globex: Tenant) -> None:
    turns = [globex.guard.evaluate_prompt(BENIGN, session_id="s").session_delta for _ in range(2)]
    other = acme.guard.evaluate_prompt(BENIGN, session_id="s").session_delta
    assert [delta.turn_count for delta in (*turns, other) if delta] == [1, 2, 1]


def test_a_dry_run_leaves_no_turn(globex: Tenant) -> None:
    globex.guard.evaluate_prompt(BENIGN, session_id="s", dryrun=True)
    delta = globex.guard.evaluate_prompt(BENIGN, session_id="s").session_delta
    assert delta is not None
    assert delta.turn_count == 1


def test_an_exhausted_limit_denies_and_says_which_and_when(globex: Tenant) -> None:
    globex.limits.set("burst", 1, "hour")
    assert globex.guard.evaluate_prompt(BENIGN).allowed
    response = globex.guard.evaluate_prompt(BENIGN)
    assert (response.decision, response.code, response.limit_id) == ("deny", "limit_exceeded", "burst")
    assert response.retry_after_ms is not None
    assert 0 < response.retry_after_ms <= 3_600_000


def test_monitor_under_the_floor_of_the_project(globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL)
    assert globex.guard.evaluate_tool_call("shell", mode="monitor").denied
    globex.settings.update(mode_floor="monitor")
    response = globex.guard.evaluate_tool_call("shell", mode="monitor")
    assert (response.decision, response.actual_decision, response.effective_mode) == ("allow", "deny", "monitor")


def test_detect_reports_and_leaves_no_audit_row(globex: Tenant) -> None:
    before = len(globex.audit.query())
    response = globex.guard.detect(CARD, content_type="response", tool=ToolContext("pay"))
    assert [signal.name for signal in response.signals] == ["credit card number"]
    assert response.detectors
    assert response.context
    assert len(globex.audit.query()) == before


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mode": "off"}, "mode_invalid"),
        ({"content_type": "poem"}, "content_type_invalid"),
        ({"action": "dance"}, "action_unknown"),
        ({"session_id": "s" * 1000}, "opaque_id_invalid"),
    ],
)
def test_a_field_outside_its_set_is_refused(globex: Tenant, fields: dict[str, str], code: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        globex.guard.evaluate(GuardRequest(BENIGN), **fields)  # type: ignore[arg-type]
    assert caught.value.code == code
