"""Shield: what decorated functions receive, return and raise."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from samples import BENIGN, CARD, EMAIL, NO_SHELL, SECRET
from tenantry import BlockedError, InvalidArgument, Shield, Tenant

REDACTED = "write to [EMAIL] today"


@pytest.fixture
def shield(acme: Tenant) -> Shield:
    return Shield(acme, mode="modify", session_id="s")


def test_a_prompt_that_may_pass_reaches_the_function(shield: Shield) -> None:
    @shield.prompt
    def chat(question: str, times: int = 1) -> str:
        return question * times

    assert chat(BENIGN, times=2) == BENIGN * 2


def test_a_redacted_prompt_reaches_the_function_redacted(shield: Shield) -> None:
    @shield.prompt
    def chat(question: str) -> str:
        return question

    assert chat(EMAIL) == REDACTED
    assert chat(question=EMAIL) == REDACTED


def test_a_denied_prompt_never_reaches_the_function(shield: Shield) -> None:
    calls: list[str] = []

    @shield.prompt
    def chat(question: str) -> None:
        calls.append(question)

    with pytest.raises(BlockedError) as caught:
        chat(SECRET)
    assert caught.value.response.denied
    assert calls == []


def test_the_first_str_parameter_is_guarded_unless_another_is_named(shield: Shield) -> None:
    @shield.prompt
    def first(count: int, text: str, more: str) -> tuple[str, str]:
        return text, more

    @shield.prompt(arg="more")
    def named(count: int, text: str, more: str) -> tuple[str, str]:
        return text, more

    assert first(1, EMAIL, EMAIL) == (REDACTED, EMAIL)
    assert named(1, EMAIL, EMAIL) == (EMAIL, REDACTED)


def test_a_default_is_guarded_too(shield: Shield) -> None:
    @shield.prompt
    def chat(question: str = SECRET) -> str:
        return question

    with pytest.raises(BlockedError):
        chat()


def test_methods_are_guarded_by_their_first_text(shield: Shield) -> None:
    class Bot:
        @shield.prompt
        def chat(self, question: str) -> str:
            return question

        @shield.tool(name="search")
        def search(self, query: str) -> str:
            return query

    assert Bot().chat(EMAIL) == REDACTED
    assert Bot().search(EMAIL) == REDACTED


def test_a_tool_call_is_judged_under_the_functions_name(acme: Tenant) -> None:
    @Shield(acme).tool
    def search(query: str) -> str:
        return query

    @Shield(acme).tool
    def drop_tables(query: str) -> str:
        return query

    @Shield(acme).tool(name="search")
    def renamed(query: str) -> str:
        return query

    assert search("cats") == "cats"
    assert renamed("cats") == "cats"
    with pytest.raises(BlockedError):
        drop_tables("cats")


def test_redacted_arguments_come_back_in_their_places_and_types(shield: Shield) -> None:
    @shield.tool
    def search(query: str, *rest: str, page: tuple[int, str] = (1, EMAIL), **options: Any) -> Any:
        return query, rest, page, options

    assert search(EMAIL, "a", EMAIL, filters={"by": [EMAIL, None, 2.5]}) == (
        REDACTED,
        ("a", REDACTED),
        (1, REDACTED),
        {"filters": {"by": [REDACTED, None, 2.5]}},
    )


def test_an_argument_that_is_no_plain_data_is_refused(shield: Shield) -> None:
    @shield.tool
    def search(query: object) -> None: ...

    with pytest.raises(InvalidArgument, match="`object`"):
        search(object())


def test_a_response_is_guarded_on_its_way_out(acme: Tenant, globex: Tenant) -> None:
    def answer(text: str) -> str:
        return text

    assert Shield(acme).response(answer)(BENIGN) == BENIGN
    with pytest.raises(BlockedError):
        Shield(acme).modelresponse(answer)(CARD)
    assert Shield(globex).response(mode="modify")(answer)(CARD) == "my card is [CREDIT_CARD]"


def test_a_tool_response_is_judged_with_the_tools_name(globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL)

    @Shield(globex, mode="modify").toolresponse
    def fetch(url: str) -> str:
        return url

    @Shield(globex).toolresponse(name="shell")
    def run(url: str) -> str:
        return url

    assert fetch(EMAIL) == REDACTED
    with pytest.raises(BlockedError):
        run(BENIGN)


@pytest.mark.parametrize("result", [7, {"a": EMAIL}, iter([EMAIL])], ids=["int", "dict", "stream"])
def test_a_result_that_is_no_text_is_refused_and_not_passed_on_unread(shield: Shield, result: object) -> None:
    with pytest.raises(InvalidArgument) as caught:
        shield.response(lambda: result)()
    assert caught.value.code == "shield_unsupported"


def test_no_result_needs_no_guard(shield: Shield) -> None:
    assert shield.response(lambda: None)() is None


def test_a_generator_function_is_refused_by_response_guards(shield: Shield) -> None:
    @shield.response
    def stream() -> Iterator[str]:
        yield SECRET

    with pytest.raises(InvalidArgument):
        stream()


@pytest.mark.parametrize(
    "decorate",
    [lambda shield, function: shield.prompt(function), lambda shield, function: shield.prompt(arg="x")(function)],
    ids=["first", "named"],
)
def test_a_function_without_text_to_guard_is_refused(
    shield: Shield, decorate: Callable[[Shield, Callable[[int], int]], Callable[[int], int]]
) -> None:
    def double(number: int) -> int:
        return 2 * number

    with pytest.raises(InvalidArgument):
        decorate(shield, double)(1)


def test_a_decorated_function_keeps_its_name_and_signature(shield: Shield) -> None:
    def chat(question: str, times: int = 1) -> str:
        """Chats."""
        return question * times

    for decorator in (shield.prompt, shield.tool, shield.response, shield.toolresponse, shield.modelresponse):
        decorated = decorator(chat)
        assert (decorated.__name__, decorated.__doc__) == ("chat", "Chats.")
        assert inspect.signature(decorated) == inspect.signature(chat)


def test_options_of_a_decorator_beat_those_of_the_shield(globex: Tenant) -> None:
    @Shield(globex, mode="enforce", session_id="a").prompt(mode="modify", session_id="b")
    def chat(question: str) -> str:
        return question

    assert chat(EMAIL) == REDACTED
    delta = globex.guard.evaluate_prompt(BENIGN, session_id="b").session_delta
    assert delta is not None
    assert delta.turn_count == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "decorator"),
    [("prompt", "prompt"), ("search", "tool"), ("response", "response"), ("search", "toolresponse")],
    ids=["prompt", "tool", "response", "toolresponse"],
)
async def test_async_functions_are_guarded_as_sync_ones(globex: Tenant, name: str, decorator: str) -> None:
    globex.policies.attach_pack("strict")
    decorate: Any = getattr(Shield(globex, mode="modify"), decorator)

    async def function(text: str) -> str:
        return text

    function.__name__ = name
    guarded: Callable[[str], Awaitable[str]] = decorate(function)
    assert inspect.iscoroutinefunction(guarded)
    assert await guarded(BENIGN) == BENIGN
    with pytest.raises(BlockedError):
        await guarded(SECRET)


@pytest.mark.asyncio
async def test_async_functions_receive_redacted_text_and_arguments(shield: Shield) -> None:
    @shield.prompt
    async def chat(question: str) -> str:
        return question

    @shield.tool
    async def search(query: str, limit: int = 5) -> tuple[str, int]:
        return query, limit

    assert await chat(EMAIL) == REDACTED
    assert await search(EMAIL) == (REDACTED, 5)


@pytest.mark.asyncio
async def test_an_async_result_of_none_passes_and_a_redacted_one_is_redacted(globex: Tenant) -> None:
    shield = Shield(globex, mode="modify")

    @shield.response
    async def silent() -> None:
        return None

    @shield.response
    async def loud() -> str:
        return EMAIL

    assert await silent() is None  # type: ignore[func-returns-value]
    assert await loud() == REDACTED


def test_only_the_first_parameter_is_a_receiver(acme: Tenant) -> None:
    acme.policies.put(
        "cards",
        '@redaction_strategy("replace") forbid (principal, action, resource) '
        "when { context has pii_detected && context.pii_detected };",
    )

    @Shield(acme).tool(name="search")
    def send(text: str, cls: str = "", self: str = "") -> list[str]:
        return [text, cls, self]

    card = "4111 1111 1111 1111"
    assert card not in "".join(send("hi", cls=card, self=card))


def test_a_text_that_calls_itself_equal_to_anything_is_redacted(acme: Tenant) -> None:
    acme.policies.put(
        "mails",
        '@redaction_strategy("replace") forbid (principal, action, resource) '
        "when { context has pii_detected && context.pii_detected };",
    )

    class Odd(str):
        __slots__ = ()

        def __eq__(self, _other: object) -> bool:
            return True

        __hash__ = str.__hash__

    @Shield(acme).tool(name="search")
    def send(text: str) -> str:
        return str.__str__(text)

    assert "ann@example.org" not in send(Odd("write to ann@example.org"))
