"""Streaming guard calls of the public client: the order of events, their payloads, and how a stream ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from highflame import APIConnectionError, DetectorResult, GuardRequest, GuardResponse, Highflame, StreamEvent
from proxy import Proxy
from world import BENIGN, INJECTION, SECRET, Ask, Connect, Server, Tenant, alone

STREAM = "/v1/shield/guard/stream"


def prompt(content: str, **fields: Any) -> GuardRequest:
    return GuardRequest(content=content, content_type="prompt", action="process_prompt", **fields)


def events(ask: Ask, client: Highflame, request: GuardRequest) -> list[StreamEvent]:
    if not ask.twin:
        return list(client.guard.stream(request))

    async def collected() -> list[StreamEvent]:
        return [event async for event in client.guard.astream(request)]

    found: list[StreamEvent] = alone(client, collected)
    return found


def decision(found: list[StreamEvent]) -> GuardResponse:
    """The one decision, which is the last event."""
    assert [event.type for event in found].count("decision") == 1
    assert found[-1].type == "decision"
    return GuardResponse.model_validate(found[-1].data)


def test_detector_results_come_first_and_one_decision_ends_it(ask: Ask, client: Highflame) -> None:
    found = events(ask, client, prompt(BENIGN))
    results = [DetectorResult.model_validate(event.data) for event in found if event.type == "detector_result"]
    assert results
    assert len(found) == len(results) + 1
    assert {"pii", "secrets", "injection"} <= {result.name for result in results}
    assert max(Counter(result.name for result in results).values()) == 1
    assert decision(found).allowed


def test_a_denial_travels_in_the_stream(ask: Ask, client: Highflame) -> None:
    found = events(ask, client, prompt(SECRET))
    answer = decision(found)
    assert answer.denied
    assert answer.policy_reason == "The content holds a secret."
    secrets = next(event.data for event in found if event.data.get("name") == "secrets")
    assert secrets["context"]["contains_secrets"] is True


def test_a_stream_decides_like_a_plain_call(client: Highflame) -> None:
    for content in (BENIGN, SECRET):
        streamed = decision(list(client.guard.stream(prompt(content))))
        plain = client.guard.evaluate(prompt(content))
        assert (streamed.decision, streamed.policy_reason) == (plain.decision, plain.policy_reason)


def test_modes_and_redaction_hold_in_streams(ask: Ask, client: Highflame) -> None:
    monitored = decision(events(ask, client, prompt(SECRET, mode="monitor")))
    assert (monitored.decision, monitored.actual_decision) == ("allow", "deny")
    modified = decision(events(ask, client, prompt(f"é {SECRET}", mode="modify")))
    assert modified.decision == "modify"
    assert [entry.type for entry in modified.redaction_entries or []] == ["aws_access_key"]
    assert modified.redacted_content == "é please test with [AWS_ACCESS_KEY]"


def test_a_streamed_turn_belongs_to_its_session(ask: Ask, client: Highflame, session_id: str) -> None:
    assert decision(events(ask, client, prompt(INJECTION, session_id=session_id))).allowed
    assert client.guard.evaluate_tool_call("search", session_id=session_id).denied


def test_a_tool_call_may_be_streamed(client: Highflame) -> None:
    request = GuardRequest.model_validate(
        {
            "content": "{}",
            "content_type": "tool_call",
            "action": "call_tool",
            "tool": {"name": "shell", "is_builtin": False},
        }
    )
    assert decision(list(client.guard.stream(request))).denied


def test_debug_fills_its_tier_in_a_stream(client: Highflame, acme: Tenant) -> None:
    answer = decision(list(client.guard.stream(prompt(BENIGN, debug=True))))
    assert answer.debug_info is not None
    assert answer.debug_info.tenant.account_id == acme.account


def test_what_stands_on_the_wire(connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    """Framing the client can read: event names, one object per event, no `type` at its top, a blank line at the end."""
    list(connect(proxy.url, api_key=acme.key).guard.stream(prompt(SECRET, mode="modify")))
    call = proxy.of(STREAM)[0]
    assert call.header("accept") == "text/event-stream"
    assert call.header("idempotency-key") is None
    kinds = [value for name, value in call.answer_headers if name.lower() == "content-type"]
    assert kinds[0].startswith("text/event-stream")
    text = call.answer.decode().replace("\r\n", "\n")
    assert text.endswith("\n\n")
    names = [line.removeprefix("event:").strip() for line in text.splitlines() if line.startswith("event:")]
    assert set(names) == {"detector_result", "decision"}
    assert names[-1] == "decision"
    assert names.count("decision") == 1


def test_a_reader_that_leaves_early_harms_nobody(client: Highflame) -> None:
    stream = client.guard.stream(prompt(BENIGN))
    assert next(iter(stream)).type == "detector_result"
    stream.close()  # type: ignore[attr-defined]
    assert client.guard.evaluate_prompt(BENIGN).allowed


def test_many_streams_at_once_end_well(client: Highflame) -> None:
    async def one(index: int) -> GuardResponse:
        content = SECRET if index % 2 else BENIGN
        return decision([event async for event in client.guard.astream(prompt(content))])

    async def all_of_them() -> list[GuardResponse]:
        return list(await asyncio.gather(*(one(index) for index in range(8))))

    answers = alone(client, all_of_them)
    assert [answer.denied for answer in answers] == [False, True] * 4


def test_a_stream_without_a_good_credential_fails(ask: Ask, server: Server, connect: Connect, acme: Tenant) -> None:
    head, body, signature = acme.token().split(".")
    forged = ".".join((head, body, signature[::-1]))
    with pytest.raises(APIConnectionError):
        events(ask, connect(server.url, access_token=forged), prompt(BENIGN))


def test_a_request_that_is_refused_streams_no_decision(ask: Ask, client: Highflame) -> None:
    request = GuardRequest(content=BENIGN, content_type="prompt", action="fly")
    try:
        found = events(ask, client, request)
    except APIConnectionError:
        return
    assert [event.type for event in found] == ["error"]


def test_a_stream_of_another_tenant_is_refused(server: Server, connect: Connect, acme: Tenant, globex: Tenant) -> None:
    client = connect(server.url, api_key=acme.key, account_id=globex.account, project_id=globex.project)
    with pytest.raises(APIConnectionError):
        list(client.guard.stream(prompt(BENIGN)))
