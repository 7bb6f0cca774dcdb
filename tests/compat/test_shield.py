"""The decorators of the public client: all four and the general one, on functions and on coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from highflame import BlockedError, Highflame, Mode, Shield
from proxy import Proxy
from world import BENIGN, INJECTION, SECRET, Connect, Server, Tenant, alone

GUARD = "/v1/shield/guard"

Decorated = Callable[..., str]


class Subject:
    """A function to guard, plain or a coroutine, that notes when it ran and hands back what it was given."""

    def __init__(self, client: Highflame, coroutine: bool) -> None:
        self.client, self.coroutine = client, coroutine
        self.ran: list[str] = []

    def decorated(self, decorate: Callable[[Any], Any]) -> Decorated:
        def plain(text: str) -> str:
            self.ran.append(text)
            return text

        async def coroutine(text: str) -> str:
            await asyncio.sleep(0)
            return plain(text)

        if not self.coroutine:
            return cast(Decorated, decorate(plain))
        guarded = decorate(coroutine)
        return lambda text: alone(self.client, lambda: guarded(text))


@pytest.fixture(params=[False, True], ids=["function", "coroutine"])
def subject(request: pytest.FixtureRequest, client: Highflame) -> Subject:
    return Subject(client, request.param)


@pytest.fixture
def shield(client: Highflame) -> Shield:
    return Shield(client)


def blocked(call: Decorated, text: str) -> BlockedError:
    with pytest.raises(BlockedError) as caught:
        call(text)
    assert caught.value.response.denied
    return caught.value


def rule(error: BlockedError) -> str:
    return (error.response.determining_policies or [])[0].rule_id


def test_prompt_guards_before_the_function_runs(subject: Subject, shield: Shield) -> None:
    ask = subject.decorated(shield.prompt)
    assert ask(BENIGN) == BENIGN
    error = blocked(ask, SECRET)
    assert "The content holds a secret." in str(error)
    assert rule(error) == "no-secrets"
    assert subject.ran == [BENIGN]


def test_tool_guards_the_arguments_before_the_function_runs(subject: Subject, shield: Shield) -> None:
    search = subject.decorated(shield.tool)
    assert search("opening hours") == "opening hours"
    assert rule(blocked(search, SECRET)) == "no-secrets"
    assert subject.ran == ["opening hours"]


def test_tool_guards_the_name_it_is_given(subject: Subject, shield: Shield) -> None:
    shell = subject.decorated(shield.tool(tool_name="shell"))
    assert rule(blocked(shell, "ls")) == "no-shell"
    assert subject.ran == []


def test_toolresponse_guards_what_the_tool_returned(subject: Subject, shield: Shield) -> None:
    search = subject.decorated(shield.toolresponse)
    assert search("sunny") == "sunny"
    assert rule(blocked(search, SECRET)) == "no-secrets"
    assert subject.ran == ["sunny", SECRET]


def test_modelresponse_guards_with_the_policies_for_responses(subject: Subject, shield: Shield) -> None:
    generate = subject.decorated(shield.modelresponse)
    assert generate("Paris") == "Paris"
    error = blocked(generate, SECRET)
    assert rule(error) == "no-secrets-out"
    assert "The answer holds a secret." in str(error)


def test_the_general_decorator_guards_any_action(subject: Subject, shield: Shield) -> None:
    write = subject.decorated(shield(content_type="file", action="write_file", content_arg="text"))
    assert write("notes") == "notes"
    assert rule(blocked(write, SECRET)) == "no-secrets"
    assert subject.ran == ["notes"]


@pytest.mark.parametrize("mode", ["monitor", "alert"])
def test_a_lax_mode_lets_the_function_run(subject: Subject, shield: Shield, mode: Mode) -> None:
    assert subject.decorated(shield.prompt(mode=mode))(SECRET) == SECRET
    assert subject.decorated(shield.tool(mode=mode))(SECRET) == SECRET
    assert subject.decorated(shield.toolresponse(mode=mode))(SECRET) == SECRET
    assert subject.decorated(shield.modelresponse(mode=mode))(SECRET) == SECRET


def test_modify_lets_the_function_run(subject: Subject, shield: Shield) -> None:
    assert subject.decorated(shield.prompt(mode="modify"))(SECRET) == SECRET


def test_decorators_share_a_session(subject: Subject, shield: Shield, session_id: str) -> None:
    ask = subject.decorated(shield.prompt(session_id=session_id))
    search = subject.decorated(shield.tool(session_id=session_id))
    assert search("hours") == "hours"
    assert ask(INJECTION) == INJECTION
    assert rule(blocked(search, "hours")) == "carried-injection"


def test_a_decorated_function_keeps_its_name_and_takes_keywords(shield: Shield) -> None:
    @shield.prompt(content_arg="second")
    def pair(first: str, second: str) -> str:
        return second

    assert pair.__name__ == "pair"
    assert pair(SECRET, second=BENIGN) == BENIGN
    with pytest.raises(BlockedError):
        pair(BENIGN, second=SECRET)


def test_decorators_of_two_tenants_do_not_meet(
    server: Server, connect: Connect, globex: Tenant, shield: Shield
) -> None:
    def leak(text: str) -> str:
        return text

    assert Shield(connect(server.url, api_key=globex.key)).modelresponse(leak)(SECRET) == SECRET
    with pytest.raises(BlockedError):
        shield.modelresponse(leak)(SECRET)


@pytest.mark.parametrize(
    ("decorator", "content_type", "action"),
    [
        ("prompt", "prompt", "process_prompt"),
        ("tool", "tool_call", "call_tool"),
        ("toolresponse", "response", "call_tool"),
        ("modelresponse", "response", "process_prompt"),
    ],
)
def test_what_a_decorator_sends_is_answered(
    connect: Connect, proxy: Proxy, acme: Tenant, decorator: str, content_type: str, action: str
) -> None:
    """The wire form of each, since the server's rules for responses rest on it."""

    def search(text: str) -> str:
        return text

    assert getattr(Shield(connect(proxy.url, api_key=acme.key)), decorator)(search)("hours") == "hours"
    call = proxy.of(GUARD)[0]
    assert (call.sent["content_type"], call.sent["action"], call.sent["mode"]) == (content_type, action, "enforce")
    assert (call.status, call.got["decision"]) == (200, "allow")
