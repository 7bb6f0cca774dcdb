"""A method and its awaited twin out of one text: the steps both consist of, told to whoever takes them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One operation of the engine, not yet made: `name` of `room`, or its awaited twin."""

    room: Any
    name: str
    args: tuple[Any, ...]
    more: dict[str, Any]


def ask(room: Any, name: str, *args: Any, **more: Any) -> Generator[Call, Any, Any]:
    return (yield Call(room, name, args, more))


def twins(steps: Callable[P, Generator[Call, Any, T]]) -> tuple[Callable[P, T], Callable[P, Coroutine[Any, Any, T]]]:
    """A method and its awaited twin, both from the steps they consist of."""

    @functools.wraps(steps)
    def now(*args: P.args, **more: P.kwargs) -> T:
        running, answer = steps(*args, **more), None
        try:
            while True:
                call = running.send(answer)
                answer = getattr(call.room, call.name)(*call.args, **call.more)
        except StopIteration as end:
            result: T = end.value
            return result

    @functools.wraps(steps)
    async def later(*args: P.args, **more: P.kwargs) -> T:
        running, answer = steps(*args, **more), None
        try:
            while True:
                call = running.send(answer)
                answer = await getattr(call.room, f"a{call.name}")(*call.args, **call.more)
        except StopIteration as end:
            result: T = end.value
            return result

    given = inspect.signature(steps)
    # What is left of `Generator[Call, Any, T]`, for those who ask a method what it gives.
    gives = str(given.return_annotation).removeprefix("Generator[Call, Any, ").removesuffix("]")
    for twin, prefix in ((now, ""), (later, "a")):
        twin.__annotations__ = {**steps.__annotations__, "return": gives}
        twin.__dict__["__signature__"] = given.replace(return_annotation=gives)
        twin.__name__ = prefix + steps.__name__.lstrip("_")
        twin.__qualname__ = steps.__qualname__.replace(steps.__name__, twin.__name__)
    later.__doc__ = f"As `{now.__name__}`, awaited."
    return now, later
