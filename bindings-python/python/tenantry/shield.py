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

import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, Callable
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from ._parameters import receiver, with_text
from ._tenantry import Guard, GuardResponse, ToolContext, _check_tool_name, _joined
from ._values import UnguardableError, merged, plain, rewritten, texts
from .errors import InvalidArgument

__all__ = ["Shield"]

P = ParamSpec("P")
R = TypeVar("R")
Plain = Callable[..., Any]
Fields = dict[str, Any]
Apply = Callable[[GuardResponse], None]


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
        """
        Guards the first `str` parameter, or the one named by `arg`, before the function runs.

        What stands before it and may be a str (`str | None`) is guarded with it. Where none is always a str, all that
        may hold text are: lists, dicts, dataclasses, Pydantic models. `InvalidArgument` (`shield_unsupported`), which
        names the parameter, for what cannot be read, and for what cannot be rewritten where a finding stands.
        """
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

        Arguments keep their types: str, numbers, UUIDs, dates, Decimal, Path, UTF-8 bytes, enums, and lists, tuples,
        sets, dicts, dataclasses and Pydantic models of them. `InvalidArgument` (`shield_unsupported`), which names the
        parameter, for anything else, and where a finding stands in what has no other text, such as a UUID.

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
        names = [arg] if arg is not None else with_text(target)
        if not names:
            raise _unsupported(f"`{_name(target)}` has no str parameter to guard")
        parameters = inspect.signature(target).parameters
        variadic = next((name for name, one in parameters.items() if one.kind is one.VAR_KEYWORD), None)
        unknown = [name for name in names if name not in parameters]
        if unknown and variadic is None:
            raise _unsupported(f"`{_name(target)}` has no parameter `{unknown[0]}`")

        def held(call: inspect.BoundArguments, name: str) -> Fields:
            # A keyword that has no parameter of its own stands among those of `**kwargs`.
            holder: Fields = call.arguments.get(str(variadic), {}) if name in unknown else call.arguments
            if name not in holder:
                raise _unsupported(f"`{_name(target)}` was called without `{name}`")
            return holder

        def ask(call: inspect.BoundArguments) -> tuple[Fields, Apply]:
            judged = {name: _plain(target, name, held(call, name)[name]) for name in names}
            content = texts(list(judged.values()))

            def apply(response: GuardResponse) -> None:
                if response.decision != "modify":
                    return
                for name, after in zip(
                    names, _rewritten(target, judged, response._passed_on_each(content)), strict=True
                ):
                    holder = held(call, name)
                    holder[name] = _merged(target, name, holder[name], judged[name], after)

            return {"content": content[0] if len(content) == 1 else _joined(content), **fields}, apply

        return self._before(target, "evaluate", ask)

    def _guard_call(self, target: Plain, name: str, options: Fields) -> Plain:
        called_on = receiver(target)

        def ask(call: inspect.BoundArguments) -> tuple[Fields, Apply]:
            judged = {key: _plain(target, key, value) for key, value in call.arguments.items() if key != called_on}

            def apply(response: GuardResponse) -> None:
                redacted = response.redacted_arguments
                if response.decision == "modify" and redacted is not None:
                    for key, before in judged.items():
                        call.arguments[key] = _merged(target, key, call.arguments[key], before, redacted.get(key))

            return {"name": name, "arguments": judged, **options}, apply

        return self._before(target, "evaluate_tool_call", ask)

    def _before(
        self, target: Plain, method: str, ask: Callable[[inspect.BoundArguments], tuple[Fields, Apply]]
    ) -> Plain:
        signature = inspect.signature(target)

        def bound(args: tuple[Any, ...], kwargs: Fields) -> inspect.BoundArguments:
            call = signature.bind(*args, **kwargs)
            call.apply_defaults()
            return call

        if _is_async(target, inspect.iscoroutinefunction):

            @functools.wraps(target)
            async def awaiting(*args: Any, **kwargs: Any) -> Any:
                call = bound(args, kwargs)
                question, apply = ask(call)
                apply(await self._aevaluate(method, question))
                return await target(*call.args, **call.kwargs)

            return awaiting

        if _is_async(target, inspect.isasyncgenfunction):

            @functools.wraps(target)
            async def streaming(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
                call = bound(args, kwargs)
                question, apply = ask(call)
                apply(await self._aevaluate(method, question))
                async with contextlib.aclosing(target(*call.args, **call.kwargs)) as stream:
                    step = stream.asend(None)
                    while True:
                        try:
                            item = await step
                        except StopAsyncIteration:
                            return
                        try:
                            sent = yield item
                        except GeneratorExit:
                            raise
                        except BaseException as error:
                            step = stream.athrow(error)
                        else:
                            step = stream.asend(sent)

            return streaming

        @functools.wraps(target)
        def waiting(*args: Any, **kwargs: Any) -> Any:
            call = bound(args, kwargs)
            question, apply = ask(call)
            apply(self._evaluate(method, question))
            return target(*call.args, **call.kwargs)

        return waiting

    def _guard_result(self, target: Plain, fields: Fields) -> Plain:
        if _is_async(target, inspect.iscoroutinefunction):

            @functools.wraps(target)
            async def awaiting(*args: Any, **kwargs: Any) -> Any:
                result = await target(*args, **kwargs)
                if result is None:
                    return None
                content = _text(target, result)
                return (await self._aevaluate("evaluate", {"content": content, **fields})).passed_on(content)

            return awaiting

        @functools.wraps(target)
        def waiting(*args: Any, **kwargs: Any) -> Any:
            result = target(*args, **kwargs)
            if result is None:
                return None
            content = _text(target, result)
            return self._evaluate("evaluate", {"content": content, **fields}).passed_on(content)

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
    """Serves both `@shield.prompt` and `@shield.prompt(...)`, above and below `staticmethod` and `classmethod`."""

    def decorated(target: Any) -> Any:
        if isinstance(target, (staticmethod, classmethod)):
            return type(target)(decorate(target.__func__))
        return decorate(target)

    return decorated if function is None else decorated(function)


def _is_async(function: Any, what: Callable[[Any], bool]) -> bool:
    # An object that is called is what its `__call__` is.
    return what(function) or (
        not inspect.isroutine(function) and what(inspect.getattr_static(type(function), "__call__", None))
    )


def _name(function: Plain) -> str:
    """What messages call a function."""
    return str(getattr(function, "__name__", type(function).__name__))


def _tool_name(given: str | None, function: Plain) -> str:
    """The name policies know a tool by. One that nobody chose would pass every rule that names the tool."""
    name = getattr(function, "__name__", None) if given is None else given
    # Python's own names for what has none stand in brackets: `<lambda>`.
    if isinstance(name, str) and not (given is None and name.startswith("<")):
        with contextlib.suppress(InvalidArgument):
            _check_tool_name(name)
            return name
    what = f"a `{type(function).__name__}`" if given is None else "what was given"
    raise InvalidArgument(
        f"{what} has no name that a policy could mean",
        code="tool_name_required",
        help="give the tool's name to the decorator",
    )


def _plain(function: Plain, name: str, value: Any) -> Any:
    try:
        return value if type(value) is str else plain(value)
    except UnguardableError as error:
        raise _refused(function, name, error) from None


def _merged(function: Plain, name: str, value: Any, before: Any, after: Any) -> Any:
    try:
        return merged(value, before, after)
    except UnguardableError as error:
        raise _refused(function, name, error) from None


def _rewritten(function: Plain, judged: Fields, passed: list[str]) -> list[Any]:
    try:
        written: list[Any] = rewritten(list(judged.values()), passed)
        return written
    except UnguardableError as error:
        raise _refused(function, "`, `".join(judged), error) from None


def _refused(function: Plain, name: str, error: UnguardableError) -> InvalidArgument:
    return _unsupported(f"parameter `{name}` of `{_name(function)}`: {error}", error.help)


def _text(function: Plain, value: Any) -> str:
    # Anything else would be guarded as its repr and passed on unread: a stream's repr says nothing of its text.
    if isinstance(value, str):
        return str.__str__(value)
    if inspect.iscoroutine(value):
        value.close()
    raise InvalidArgument(
        f"what `{_name(function)}` returned: a value of type `{type(value).__name__}` cannot be guarded as text",
        code="shield_unsupported",
        help="return a str, or None",
    )


def _unsupported(message: str, help: str = "guard a str") -> InvalidArgument:
    return InvalidArgument(message, code="shield_unsupported", help=help)
