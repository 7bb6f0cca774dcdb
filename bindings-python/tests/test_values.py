"""Values: plain data in and out, equality, reprs without content."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict
from typing import Any

import pytest

import tenantry
from samples import BENIGN, EMAIL, SECRET
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


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (0, 0),
        (-(2**63), -(2**63)),
        (2**64 - 1, 2**64 - 1),
        (1.5, 1.5),
        ("text", "text"),
        ("", ""),
        ([], []),
        ((1, (2, "x"), None), [1, [2, "x"], None]),
        ({"a": {"b": [None]}}, {"a": {"b": [None]}}),
        (OrderedDict(z=1, a=2), {"z": 1, "a": 2}),
        (Level.HIGH, 3),
        (Text("x"), "x"),
        ("\ud800", "\ufffd"),
        ("a\udfffb", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\x00", "\x00"),
    ],
    ids=repr,
)
def test_plain_data_survives_the_way_in_and_out(value: Any, kept: Any) -> None:
    metadata = GuardRequest("x", metadata={"key": value}).metadata
    assert metadata == {"key": kept}
    assert type(metadata["key"]) is type(kept)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "infinity"),
        (2**64, "64 bits"),
        (-(2**63) - 1, "64 bits"),
        ({1: "x"}, "key"),
        (object(), "`object`"),
        ({1, 2}, "`set`"),
        (b"bytes", "`bytes`"),
        ([float("nan")], "NaN"),
    ],
    ids=repr,
)
def test_data_json_cannot_hold_is_refused(value: Any, words: str) -> None:
    for make in (
        lambda: GuardRequest("x", metadata={"key": value}),
        lambda: ToolContext("t", arguments={"key": {"deep": value}}),
    ):
        with pytest.raises(InvalidArgument, match=words) as caught:
            make()
        assert caught.value.code == "request_invalid"


def nested(levels: int) -> Any:
    value: Any = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"down": value}
    return value


def test_sixty_four_levels_pass_and_one_more_is_refused(globex: Tenant) -> None:
    assert globex.guard.evaluate_prompt(BENIGN, metadata={"key": nested(63)}).allowed
    for levels in (64, 500):
        with pytest.raises(InvalidArgument) as caught:
            globex.guard.evaluate_prompt(BENIGN, metadata={"key": nested(levels)})
        assert caught.value.code == "request_too_deep"


def test_data_that_holds_itself_is_too_deep(globex: Tenant) -> None:
    loop: list[Any] = []
    loop += [loop, loop, {"again": loop}]
    with pytest.raises(InvalidArgument) as caught:
        globex.guard.evaluate_tool_call("t", {"loop": loop, "more": loop})
    assert caught.value.code == "request_too_deep"
    assert globex.audit.query(limit=10_000)[-1].body["code"] == "request_too_deep"


def test_small_data_that_is_endless_to_walk_is_refused(globex: Tenant) -> None:
    many: Any = "x"
    for _ in range(60):
        many = [many, many]
    with pytest.raises(InvalidArgument) as caught:
        globex.guard.evaluate_prompt(BENIGN, metadata={"many": many})
    assert caught.value.code == "content_too_large"


def test_keys_that_would_become_one_are_refused(globex: Tenant) -> None:
    with pytest.raises(InvalidArgument, match="surrogate"):
        globex.guard.evaluate_tool_call("t", {chr(0xD800): "4111 1111 1111 1111", chr(0xD801): "benign"})


def test_metadata_that_is_no_dict_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="`list`"):
        GuardRequest("x", metadata=[("a", 1)])  # type: ignore[arg-type]


def test_content_of_the_wrong_type_is_a_type_error(globex: Tenant) -> None:
    with pytest.raises(TypeError):
        globex.guard.evaluate_prompt(b"bytes")  # type: ignore[arg-type]


def test_lone_surrogates_in_content_are_scanned_and_answered(globex: Tenant) -> None:
    response = globex.guard.evaluate_prompt(f"\ud800 {EMAIL}", mode="modify")
    assert response.redacted_content == "\ufffd write to [EMAIL] today"


REQUESTS: list[tuple[Any, Any, dict[str, Any]]] = [
    (
        ToolContext("t", is_builtin=True, arguments={"a": 1}, description="d", server_id="s"),
        ToolContext("t"),
        {"name": "t", "is_builtin": True, "arguments": {"a": 1}, "description": "d", "server_id": "s"},
    ),
    (
        ModelContext(provider="p", model="m", temperature=0.5, max_tokens=1, cache_write_1h_tokens=2),
        ModelContext(),
        {"provider": "p", "model": "m", "temperature": 0.5, "max_tokens": 1, "cache_write_1h_tokens": 2},
    ),
    (
        FileContext("/a", "write", file_name="a", size=3, is_encrypted=False),
        FileContext("/a"),
        {"path": "/a", "operation": "write", "file_name": "a", "size": 3, "is_encrypted": False},
    ),
    (
        McpContext("m", server_url="u", transport="stdio", verified=True, capabilities=("a", "b")),
        McpContext("m"),
        {"server_name": "m", "server_url": "u", "transport": "stdio", "verified": True, "capabilities": ["a", "b"]},
    ),
    (
        Principal("ada", type="agent", roles=["admin"], scopes=["read"]),
        Principal("ada"),
        {"type": "agent", "id": "ada", "roles": ["admin"], "scopes": ["read"]},
    ),
    (
        GuardRequest("x", mode="modify", session_id="s", metadata={"a": None}, contexts=["c"], debug=False),
        GuardRequest("x"),
        {
            "content": "x",
            "content_type": "prompt",
            "action": "process_prompt",
            "mode": "modify",
            "session_id": "s",
            "contexts": ["c"],
            "debug": False,
            "metadata": {"a": None},
        },
    ),
]


@pytest.mark.parametrize(("value", "other", "fields"), REQUESTS, ids=lambda value: type(value).__name__)
def test_inputs_read_back_as_given_and_compare_by_value(value: Any, other: Any, fields: dict[str, Any]) -> None:
    assert value.to_dict() == fields
    for name, given in fields.items():
        assert getattr(value, name) == given
    assert value == type(value)(**fields)
    assert value != other
    assert value != fields
    with pytest.raises(AttributeError):
        value.name = "x"


def test_a_response_reads_the_same_as_attributes_dict_and_json(acme: Tenant) -> None:
    response = acme.guard.evaluate_prompt(f"{SECRET} {EMAIL}", debug=True, explain=True, session_id="s")
    plain = response.to_dict()
    assert json.loads(response.to_json()) == plain
    for name, value in plain.items():
        attribute = getattr(response, name)
        if isinstance(attribute, list):
            attribute = [item.to_dict() if hasattr(item, "to_dict") else item for item in attribute]
        elif hasattr(attribute, "to_dict"):
            attribute = attribute.to_dict()
        assert attribute == value, name


def test_every_wire_field_of_a_response_is_an_attribute(acme: Tenant) -> None:
    names = {name for name in dir(acme.guard.evaluate_prompt(BENIGN)) if not name.startswith("_")}
    assert names >= {
        "actual_decision",
        "agent_identity",
        "alerted",
        "code",
        "context",
        "context_conflict",
        "debug_info",
        "degraded",
        "detectors",
        "determining_policies",
        "effective_mode",
        "eval_errors",
        "eval_latency_ms",
        "latency_ms",
        "limit_id",
        "mode_overridden",
        "mode_reason",
        "policy_error",
        "policy_reason",
        "policy_version",
        "projected_context",
        "redacted_arguments",
        "redacted_content",
        "redaction_entries",
        "request_id",
        "retry_after_ms",
        "root_causes",
        "session_delta",
        "signals",
        "tiers_evaluated",
        "tiers_skipped",
        "timestamp",
    }


def test_responses_compare_by_value(globex: Tenant) -> None:
    first, second = (globex.guard.evaluate_prompt(BENIGN) for _ in range(2))
    same = first
    assert first == same
    assert first != second
    assert first.signals == second.signals
    assert globex.settings.get() == globex.settings.get()


def test_reprs_never_show_content(globex: Tenant) -> None:
    response = globex.guard.evaluate_prompt(EMAIL, mode="modify", debug=True)
    shown = [response, *response.signals, *response.redaction_entries, *(response.detectors or [])]
    shown += [GuardRequest(EMAIL, metadata={"mail": EMAIL}), ToolContext("t", arguments={"mail": EMAIL})]
    shown += globex.audit.query()
    for value in shown:
        assert repr(value).startswith(f"{type(value).__name__}(")
        assert "ada@example.com" not in repr(value)


def test_classes_live_in_the_package_they_are_imported_from() -> None:
    for name in tenantry.__all__:
        value = getattr(tenantry, name)
        assert value.__module__.startswith("tenantry")
        assert "_tenantry" not in value.__module__
        assert value.__doc__
