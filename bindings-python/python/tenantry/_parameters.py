"""Which parameters of a function hold text, as far as their annotations tell."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import inspect
import pathlib
import re
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["receiver", "with_text"]

# What a parameter may hold: a str and nothing else; a str or something else; data that text may stand in.
_TEXT, _MAYBE, _DATA = "text", "maybe", "data"

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

# Typed as what they hold, and what they hold can be read.
_HOLDERS = (
    collections.abc.Mapping,
    collections.abc.Set,
    collections.abc.Sequence,
    collections.abc.Iterable,
    collections.abc.Collection,
)


def with_text(function: Callable[..., Any]) -> list[str]:
    """
    The parameters to guard: the first that is always a str, and those before it that may be one.

    Where none is always a str, all that may hold text: a str or None, a list, a dict, a dataclass, a model.
    """
    names = _Names(function)
    before: list[str] = []
    held: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        kind = None if name == receiver(function) else _kind(parameter.annotation, names)
        if kind is None:
            continue
        if kind == _TEXT and parameter.kind not in _VARIADIC:
            return [*before, name]
        held.append(name)
        if kind != _DATA:
            before.append(name)
    return held


def receiver(function: Callable[..., Any]) -> str | None:
    """The parameter that a method is called on, if it has one: a later one of that name is an argument like others."""
    first = next(iter(inspect.signature(function).parameters), None)
    return first if first in ("self", "cls") else None


class _Names:
    """What the names in a function's annotations mean, where these are text."""

    def __init__(self, function: Any) -> None:
        while True:
            if isinstance(function, functools.partial):
                function = function.func
            elif isinstance(function, (types.MethodType, staticmethod, classmethod)):
                function = function.__func__
            elif hasattr(function, "__wrapped__"):
                function = function.__wrapped__
            else:
                break
        if not inspect.isroutine(function):
            function = getattr(function, "__init__") if isinstance(function, type) else type(function).__call__  # noqa: B009
        self._globals: dict[str, Any] = getattr(function, "__globals__", {})
        code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
        self._locals: dict[str, Any] = {}
        for name, cell in zip(code.co_freevars if code else (), cells or (), strict=False):
            # One that is not filled yet has no meaning yet.
            if cell != types.CellType():
                self._locals[name] = cell.cell_contents

    def resolved(self, text: str) -> Any:
        """What an annotation in text means; the text itself where that cannot be told here."""
        try:
            return eval(text, self._globals, self._locals)
        except Exception:
            return text


def _kind(annotation: Any, names: _Names) -> str | None:
    if annotation is inspect.Parameter.empty:
        return _TEXT
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        meant = names.resolved(annotation)
        if isinstance(meant, str):
            # Known to type checkers alone, such as what is imported for them only.
            return _MAYBE if re.search(r"\bstr\b", meant) else _DATA
        return _kind(meant, names)
    if annotation is None or annotation is type(None):
        return None
    if annotation in (Any, object, typing.Tuple, typing.List, typing.Dict):  # noqa: UP006
        return _DATA
    if isinstance(annotation, (typing.ParamSpecArgs, typing.ParamSpecKwargs)):
        return _DATA
    if isinstance(annotation, typing.NewType):
        return _kind(annotation.__supertype__, names)
    if isinstance(annotation, TypeVar):
        bound = [annotation.__bound__] if annotation.__bound__ is not None else []
        return _any_of([*bound, *annotation.__constraints__], names) if bound or annotation.__constraints__ else _DATA
    if hasattr(annotation, "__value__"):
        return _kind(annotation.__value__, names)
    if getattr(annotation, "_name", None) == "LiteralString":
        return _TEXT
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None:
        return _kind_of_class(annotation)
    if origin is typing.Annotated:
        return _kind(arguments[0], names)
    if getattr(origin, "_name", None) == "Unpack":
        return _DATA
    if origin in (typing.Union, types.UnionType):
        return _any_of(arguments, names)
    if origin is typing.Literal:
        return _any_of([type(one) for one in arguments], names)
    if hasattr(origin, "__value__"):
        return _kind(origin.__value__, names)
    if isinstance(origin, type) and issubclass(origin, _HOLDERS) and not issubclass(origin, collections.abc.Iterator):
        return _DATA if any(one is not ... and _kind(one, names) for one in arguments) else None
    return _kind_of_class(origin)


def _any_of(annotations: Any, names: _Names) -> str | None:
    kinds = [_kind(one, names) for one in annotations]
    if all(kind == _TEXT for kind in kinds):
        return _TEXT
    if any(kind in (_TEXT, _MAYBE) for kind in kinds):
        return _MAYBE
    return _DATA if _DATA in kinds else None


def _kind_of_class(annotation: Any) -> str | None:
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, str):
        return _TEXT
    holds = (*_HOLDERS, bytes, bytearray, memoryview, pathlib.PurePath)
    structured = ("model_fields", "__fields_set__", "get_secret_value", "unicode_string", "__attrs_attrs__")
    if issubclass(annotation, holds) or dataclasses.is_dataclass(annotation) or typing.is_typeddict(annotation):
        return _DATA
    return _DATA if any(hasattr(annotation, name) for name in structured) else None
