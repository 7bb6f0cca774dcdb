"""A tool has a name that policies can mean: what has none is refused until it is given one."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from samples import NO_SHELL
from tenantry import BlockedError, InvalidArgument, Shield, Tenant, Tenantry
from tenantry.compat import highflame


def shell(command: str = "") -> str:
    return command


async def ashell(command: str = "") -> str:
    return command


def named(name: object) -> Callable[..., Any]:
    def function(command: str = "") -> str:
        return command

    function.__name__ = name  # type: ignore[assignment]
    return function


class Called:
    """An object that is called."""

    def __call__(self, command: str = "") -> str:
        return command


class Names(Called):
    """An object whose name is no text."""

    __name__ = 5


class Handles:
    handler = lambda self, command="": command  # noqa: E731


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


assigned = lambda command="": command  # noqa: E731
NAMELESS: dict[str, Callable[..., Any]] = {
    "lambda": lambda command="": command,
    "lambda in a variable": assigned,
    "lambda in a class": Handles().handler,
    "lambda, wrapped": wrapped(assigned),
    "lambda, cached": functools.lru_cache(assigned),
    "partial": functools.partial(shell, "ls"),
    "partial of a partial": functools.partial(functools.partial(shell), "ls"),
    "partial of a coroutine": functools.partial(ashell, "ls"),
    "partial of a lambda": functools.partial(assigned, "ls"),
    "partial of a method": functools.partial(Called().__call__, "ls"),
    "object that is called": Called(),
    "object with a number for a name": Names(),
    "item getter": operator.itemgetter("command"),
    "attribute getter": operator.attrgetter("command"),
    "mock": MagicMock(),
    "empty name": named(""),
    "blank name": named("  \t"),
    "name in brackets": named("<function>"),
}
NAMED: dict[str, Callable[..., Any]] = {
    "function": shell,
    "coroutine": ashell,
    "method": Called().__call__,
    "wrapped": wrapped(shell),
    "partial with its function's name": functools.update_wrapper(functools.partial(shell), shell),
    "cached": functools.lru_cache(shell),
    "with a name of its own": named("shell"),
    "builtin": len,
}


@pytest.fixture
def shields(
    data_dir: Path, client: Tenantry, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[tuple[Any, str]]]:
    acme.policies.put("tools", NO_SHELL)
    monkeypatch.setenv("TENANTRY_DATA_DIR", str(data_dir))
    scopes = ["tools:read", "tools:write", "tools:execute"]
    key = client.identity.keys.create("app", account_id="acme", project_id="prod", scopes=scopes).key
    with highflame.Highflame(key, timeout=30.0) as theirs:
        yield [(Shield(acme), "name"), (highflame.Shield(theirs), "tool_name")]


@pytest.mark.parametrize("decorator", ["tool", "toolresponse"])
@pytest.mark.parametrize("what", list(NAMELESS))
def test_what_has_no_name_is_refused_until_it_is_given_one(
    shields: list[tuple[Any, str]], decorator: str, what: str
) -> None:
    for shield, keyword in shields:
        decorate = getattr(shield, decorator)
        for attempt in (decorate, decorate(), decorate(**{keyword: None})):
            with pytest.raises(InvalidArgument) as caught:
                attempt(NAMELESS[what])
            assert caught.value.code == "tool_name_required"
            assert "name" in str(caught.value.help)
        for empty in ("", " "):
            with pytest.raises(InvalidArgument, match="tool_name_required"):
                decorate(**{keyword: empty})(NAMELESS[what])
        # Of these nobody can tell which arguments they take.
        if what not in ("mock", "object with a number for a name", "item getter", "attribute getter"):
            assert callable(decorate(**{keyword: "shell"})(NAMELESS[what]))


@pytest.mark.parametrize("what", list(NAMED))
def test_what_has_a_name_is_taken(shields: list[tuple[Any, str]], what: str) -> None:
    for shield, _ in shields:
        for decorator in (shield.tool, shield.toolresponse, shield.tool(), shield.toolresponse()):
            assert callable(decorator(NAMED[what]))


def test_the_name_that_is_given_is_judged(shields: list[tuple[Any, str]]) -> None:
    for shield, keyword in shields:
        for target in (functools.partial(shell), assigned, Called(), shell):
            with pytest.raises(BlockedError):
                shield.tool(**{keyword: "shell"})(target)("ls")
        with pytest.raises(BlockedError):
            shield.tool(shell)("ls")
