"""Decorators that guard functions: what goes in, what comes out, and tool calls.

They raise `BlockedError` where the action may not proceed, and pass redacted text and arguments on where it may:

    shield = Shield(client.tenant("acme", "prod"))

    @shield.prompt
    def chat(question: str) -> str: ...

    @shield.tool
    async def shell(command: str) -> str: ...

Policies name tools. A tool is guarded under its function's name, so give `name=` wherever that could be another one:

- to what has no name of its own (a lambda, a `functools.partial`, an object that is called): it is refused without one;
- to what another decorator wraps;
- to code that is run through a minifier, since minifiers rename functions.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from ._tenantry import Guard, GuardResponse, ToolContext
from .errors import InvalidArgument

__all__ = ["Shield"]

P = ParamSpec("P")
R = TypeVar("R")
Plain = Callable[..., Any]
Fields = dict[str, Any]


class Guarded(Protocol):
    """A `Tenant`, or a `Tenantry` with a project of its own."""

    @property
    def guard(self) -> Guard: ...


class Shield:
    """Guards functions with the policies of one project. Works on sync and async functions alike."""

    def __init__(self, tenant: Guarded, *, mode: str | None = None, session_id: str | None = None) -> None:
        self._tenant = tenant
        self._mode = mode
        self._session_id = session_id

    @overload
    def prompt(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def prompt(
        self, /, *, arg: str | None = None, mode: str | None = None, session_id: str | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def prompt(
        self,
        function: Plain | None = None,
        /,
        *,
        arg: str | None = None,
        mode: str | None = None,
        session_id: str | None = None,
    ) -> Any:
        """Guards the first `str` parameter, or the one named by `arg`, before the function runs."""
        fields = {"content_type": "prompt", "action": "process_prompt", **self._options(mode, session_id)}
        return _decorator(lambda target: self._guard_text(target, arg, fields), function)

    @overload
    def tool(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def tool(
        self, /, *, name: str | None = None, mode: str | None = None, session_id: str | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def tool(
        self,
        function: Plain | None = None,
        /,
        *,
        name: str | None = None,
        mode: str | None = None,
        session_id: str | None = None,
    ) -> Any:
        """
        Guards the arguments before the function runs, as a call of the tool `name`, else of the one named after it.

        `InvalidArgument` (`tool_name_required`) for a function that has no name a policy could mean. Minifiers rename
        functions: name tools.
        """
        options = self._options(mode, session_id)
        return _decorator(lambda target: self._guard_call(target, _tool_name(name, target), options), function)

    @overload
    def response(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def response(
        self, /, *, mode: str | None = None, session_id: str | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def response(
        self, function: Plain | None = None, /, *, mode: str | None = None, session_id: str | None = None
    ) -> Any:
        """Guards the `str` the function returns, as a model's response."""
        fields = {"content_type": "response", "action": "process_response", **self._options(mode, session_id)}
        return _decorator(lambda target: self._guard_result(target, fields), function)

    modelresponse = response

    @overload
    def toolresponse(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def toolresponse(
        self, /, *, name: str | None = None, mode: str | None = None, session_id: str | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def toolresponse(
        self,
        function: Plain | None = None,
        /,
        *,
        name: str | None = None,
        mode: str | None = None,
        session_id: str | None = None,
    ) -> Any:
        """Guards the `str` the function returns, as the result of the tool `name`, else of the one named after it."""
        options = self._options(mode, session_id)

        def decorate(target: Plain) -> Plain:
            tool = ToolContext(_tool_name(name, target))
            return self._guard_result(
                target, {"content_type": "response", "action": "call_tool", "tool": tool, **options}
            )

        return _decorator(decorate, function)

    def _options(self, mode: str | None, session_id: str | None) -> Fields:
        return {"mode": mode or self._mode, "session_id": session_id or self._session_id}

    def _guard_text(self, target: Plain, arg: str | None, fields: Fields) -> Plain:
        name = arg or _first_text(target)

        def ask(call: inspect.BoundArguments) -> Fields:
            if name not in call.arguments:
                raise _unsupported(f"`{_name(target)}` has no parameter `{name}`")
            return {"content": _text(call.arguments[name]), **fields}

        def apply(call: inspect.BoundArguments, response: GuardResponse) -> None:
            call.arguments[name] = response.passed_on(call.arguments[name])

        return self._before(target, "evaluate", ask, apply)

    def _guard_call(self, target: Plain, name: str, options: Fields) -> Plain:
        receiver = _receiver(target)

        def arguments(call: inspect.BoundArguments) -> Fields:
            return {key: value for key, value in call.arguments.items() if key != receiver}

        def ask(call: inspect.BoundArguments) -> Fields:
            return {"name": name, "arguments": arguments(call), **options}

        def apply(call: inspect.BoundArguments, response: GuardResponse) -> None:
            redacted = response.redacted_arguments
            if response.decision == "modify" and redacted is not None:
                call.arguments.update(_merged(arguments(call), redacted))

        return self._before(target, "evaluate_tool_call", ask, apply)

    def _before(
        self,
        target: Plain,
        method: str,
        ask: Callable[[inspect.BoundArguments], Fields],
        apply: Callable[[inspect.BoundArguments, GuardResponse], None],
    ) -> Plain:
        signature = inspect.signature(target)

        def bound(args: tuple[Any, ...], kwargs: Fields) -> inspect.BoundArguments:
            call = signature.bind(*args, **kwargs)
            call.apply_defaults()
            return call

        if inspect.iscoroutinefunction(target):

            @functools.wraps(target)
            async def awaiting(*args: Any, **kwargs: Any) -> Any:
                call = bound(args, kwargs)
                apply(call, await self._aevaluate(method, ask(call)))
                return await target(*call.args, **call.kwargs)

            return awaiting

        @functools.wraps(target)
        def waiting(*args: Any, **kwargs: Any) -> Any:
            call = bound(args, kwargs)
            apply(call, self._evaluate(method, ask(call)))
            return target(*call.args, **call.kwargs)

        return waiting

    def _guard_result(self, target: Plain, fields: Fields) -> Plain:
        if inspect.iscoroutinefunction(target):

            @functools.wraps(target)
            async def awaiting(*args: Any, **kwargs: Any) -> Any:
                result = await target(*args, **kwargs)
                if result is None:
                    return None
                return (await self._aevaluate("evaluate", {"content": _text(result), **fields})).passed_on(result)

            return awaiting

        @functools.wraps(target)
        def waiting(*args: Any, **kwargs: Any) -> Any:
            result = target(*args, **kwargs)
            if result is None:
                return None
            return self._evaluate("evaluate", {"content": _text(result), **fields}).passed_on(result)

        return waiting

    def _evaluate(self, method: str, fields: Fields) -> GuardResponse:
        response: GuardResponse = getattr(self._tenant.guard, method)(**fields)
        response.raise_for_denied()
        return response

    async def _aevaluate(self, method: str, fields: Fields) -> GuardResponse:
        response: GuardResponse = await getattr(self._tenant.guard, f"a{method}")(**fields)
        response.raise_for_denied()
        return response


def _decorator(decorate: Callable[[Plain], Plain], function: Plain | None) -> Plain:
    """Serves both `@shield.prompt` and `@shield.prompt(...)`."""
    return decorate if function is None else decorate(function)


def _name(function: Plain) -> str:
    """What messages call a function."""
    return str(getattr(function, "__name__", type(function).__name__))


def _tool_name(given: str | None, function: Plain) -> str:
    """The name policies know a tool by. One that nobody chose would pass every rule that names the tool."""
    name = getattr(function, "__name__", None) if given is None else given
    # Python's own names for what has none stand in brackets: `<lambda>`.
    if isinstance(name, str) and name.strip() and not (given is None and name.startswith("<")):
        return name
    what = f"a `{type(function).__name__}`" if given is None else "what was given"
    raise InvalidArgument(
        f"{what} has no name that a policy could mean",
        code="tool_name_required",
        help="give the tool's name to the decorator",
    )


def _receiver(function: Plain) -> str | None:
    """The parameter that a method is called on, if it has one: a later one of that name is an argument like others."""
    first = next(iter(inspect.signature(function).parameters), None)
    return first if first in ("self", "cls") else None


def _first_text(function: Plain) -> str:
    for name, parameter in inspect.signature(function).parameters.items():
        if name != _receiver(function) and parameter.annotation in (str, "str", inspect.Parameter.empty):
            return name
    raise _unsupported(f"`{_name(function)}` has no str parameter to guard")


def _text(value: Any) -> str:
    # Anything else would be guarded as its repr and passed on unread: a stream's repr says nothing of its text.
    if not isinstance(value, str):
        raise _unsupported(f"a value of type `{type(value).__name__}` cannot be guarded as text")
    return value


def _unsupported(message: str) -> InvalidArgument:
    return InvalidArgument(message, code="shield_unsupported", help="guard a str")


def _merged(original: Any, redacted: Any) -> Any:
    """`redacted` in the types of `original`: plain data has no tuples, subclasses of str or enums."""
    if isinstance(original, dict):
        return {key: _merged(value, redacted.get(key, value)) for key, value in original.items()}
    if isinstance(original, (list, tuple)):
        items = [_merged(value, new) for value, new in zip(original, redacted, strict=True)]
        return tuple(items) if isinstance(original, tuple) else items
    if isinstance(original, str) and isinstance(redacted, str):
        # A subclass may call itself equal to anything.
        return original if str.__eq__(original, redacted) else redacted
    return original if original == redacted else redacted
