"""What guarded functions are called with, as the plain data that is judged, and back in the types it came in.

Nothing is passed on unread: what has no form that could be judged raises `UnguardableError`.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import ipaddress
import math
import numbers
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Any

from .errors import InvalidArgument

__all__ = ["UnguardableError", "merged", "plain", "rewritten", "texts"]

# Deeper is not read; the core refuses what nests less deep than this already, and audits that.
_LEVELS = 80
# Most values one call may hold: a value that is reached twice counts twice.
_VALUES = 1_000_000

# What its text says all of.
_TOLD = (
    uuid.UUID,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    fractions.Fraction,
    complex,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    zoneinfo.ZoneInfo,
)


class UnguardableError(Exception):
    """A value that cannot be judged; says which."""

    help = (
        "guard str, numbers, None, UUIDs, dates and times, Decimal, Path, bytes that are UTF-8, enums; lists, tuples, "
        "sets, dicts, dataclasses and Pydantic models of them"
    )


class FixedError(UnguardableError):
    """A value that cannot be rewritten where something was found in it."""

    help = "give it as a str, which can be rewritten"


@dataclasses.dataclass(frozen=True)
class _Leaf:
    """One value: what is judged in its place, and how it is made of another text, where it can be."""

    judged: str | int | float | bool | None
    made: Callable[[str], Any] | None = None


@dataclasses.dataclass(frozen=True)
class _Items:
    """A collection, and how it is made of other items."""

    items: list[Any]
    made: Callable[[list[Any]], Any]


@dataclasses.dataclass(frozen=True)
class _Fields:
    """Named values, and how what has them is made with some of them changed."""

    fields: dict[str, Any]
    made: Callable[[dict[str, Any]], Any]


def plain(value: Any) -> Any:
    """`value` as what can be judged: None, bool, int, float, str, lists, and dicts with str keys."""
    if type(value) in (str, bool, type(None)):
        return value
    left = [_VALUES]

    def read(value: Any, levels: int) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise InvalidArgument(f"arguments hold more than {_VALUES} values", code="content_too_large")
        if type(value) is str:
            return value
        if levels == 0:
            return None
        opened = _opened(value)
        if isinstance(opened, _Leaf):
            return opened.judged
        if isinstance(opened, _Items):
            return [read(item, levels - 1) for item in opened.items]
        return {name: read(field, levels - 1) for name, field in opened.fields.items()}

    return read(value, _LEVELS)


def merged(value: Any, before: Any, after: Any) -> Any:
    """`value`, which was judged as `before`, with what was rewritten in `after`; the same object where nothing was."""
    if type(before) is type(after) and before == after:
        return value
    opened = _opened(value)
    if isinstance(opened, _Leaf) and isinstance(after, str) and opened.made is not None:
        return _made(opened.made, after, value)
    if isinstance(opened, _Items) and isinstance(after, list) and len(before) == len(after) == len(opened.items):
        items = [merged(item, old, new) for item, old, new in zip(opened.items, before, after, strict=True)]
        return _made(opened.made, items, value)
    if (
        isinstance(opened, _Fields)
        and isinstance(after, dict)
        and before.keys() == after.keys() == opened.fields.keys()
    ):
        fields = {name: merged(field, before[name], after[name]) for name, field in opened.fields.items()}
        changes = {name: field for name, field in fields.items() if field is not opened.fields[name]}
        return _made(opened.made, changes, value)
    raise FixedError(f"what was found in a value of type `{_type_name(value)}` cannot be rewritten there")


def texts(judged: Any) -> list[str]:
    """Every text in what `plain` gave, numbers included; the names of fields come last."""
    if type(judged) is list and all(type(item) is str for item in judged):
        return list(judged)
    names: list[str] = []

    def read(judged: Any) -> Iterator[str]:
        if isinstance(judged, str):
            yield judged
        elif isinstance(judged, list):
            for item in judged:
                yield from read(item)
        elif isinstance(judged, dict):
            names.extend(judged)
            for field in judged.values():
                yield from read(field)
        elif judged is not None and not isinstance(judged, bool):
            yield str(judged)

    return [*read(judged), *names]


def rewritten(judged: Any, passed: list[str]) -> Any:
    """What `plain` gave, with each of its `texts` as it was `passed` on."""
    given, left = texts(judged), iter(passed)
    if given == passed:
        return judged

    def write(judged: Any) -> Any:
        if isinstance(judged, list):
            return [write(item) for item in judged]
        if isinstance(judged, dict):
            return {name: write(field) for name, field in judged.items()}
        if judged is None or isinstance(judged, bool):
            return judged
        text = next(left)
        if not isinstance(judged, str) and text == str(judged):
            return judged
        return text

    written = write(judged)
    if list(left) != given[len(given) - _names(judged) :]:
        raise FixedError("what was found in the name of a field cannot be rewritten there")
    return written


def _names(judged: Any) -> int:
    if isinstance(judged, list):
        return sum(map(_names, judged))
    return len(judged) + sum(map(_names, judged.values())) if isinstance(judged, dict) else 0


def _opened(value: Any) -> _Leaf | _Items | _Fields:
    if isinstance(value, str):
        # As a plain str: a subclass may call itself equal to anything, or show another text.
        return _Leaf(str.__str__(value), str)
    if value is None or isinstance(value, bool):
        return _Leaf(value)
    if isinstance(value, enum.Enum):
        inner = _opened(value.value)
        # Its values are the program's own, so there is none with another text.
        return _Leaf(inner.judged) if isinstance(inner, _Leaf) else dataclasses.replace(inner, made=_never)
    if isinstance(value, (int, float, numbers.Real)) and not isinstance(value, _TOLD):
        return _Leaf(_number(value))
    if isinstance(value, _TOLD):
        return _Leaf(str(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _Leaf(_decoded(value), lambda text: type(value)(text.encode()))
    if isinstance(value, pathlib.PurePath):
        return _Leaf(str(value), type(value))
    if isinstance(value, dict):
        return _entries(value)
    items = _items(value)
    return items if items is not None else _structure(value)


def _items(value: Any) -> _Items | None:
    if isinstance(value, tuple):
        # `tuple.__new__` serves named tuples and other subclasses, whatever they are called with.
        return _Items(list(value), lambda items: tuple.__new__(type(value), items))
    if isinstance(value, (list, collections.deque)):

        def again(items: list[Any]) -> Any:
            copied = copy.copy(value)
            copied.clear()
            copied.extend(items)
            return copied

        return _Items(list(value), again)
    if isinstance(value, (set, frozenset)):
        return _Items(list(value), type(value))
    return None


def _entries(value: dict[Any, Any]) -> _Fields:
    keys: dict[str, Any] = {}
    for key in value:
        opened = _opened(key)
        if not isinstance(opened, _Leaf):
            raise UnguardableError(f"a dict has a key of type `{_type_name(key)}`, which cannot be guarded")
        name = opened.judged if isinstance(opened.judged, str) else str(opened.judged)
        if name in keys:
            raise UnguardableError("a dict has two keys that are the same as text")
        keys[name] = key

    def again(changes: dict[str, Any]) -> Any:
        copied = copy.copy(value)
        for name, field in changes.items():
            copied[keys[name]] = field
        return copied

    return _Fields({name: value[key] for name, key in keys.items()}, again)


def _structure(value: Any) -> _Leaf | _Items | _Fields:
    kind = type(value)
    if hasattr(kind, "model_copy") and hasattr(kind, "model_fields"):
        fields = {**vars(value), **(getattr(value, "__pydantic_extra__", None) or {})}
        return _Fields(fields, lambda changes: value.model_copy(update=changes))
    if hasattr(kind, "__fields__") and hasattr(kind, "__fields_set__") and hasattr(kind, "copy"):
        return _Fields(dict(vars(value)), lambda changes: value.copy(update=changes))
    if hasattr(kind, "get_secret_value"):
        secret = _opened(value.get_secret_value())
        if isinstance(secret, _Leaf):
            return dataclasses.replace(secret, made=kind)
    if kind.__module__.split(".")[0] in ("pydantic", "pydantic_core") and hasattr(kind, "unicode_string"):
        return _Leaf(str(value), kind)
    if dataclasses.is_dataclass(kind):
        return _attributes(value, [field.name for field in dataclasses.fields(kind)])
    if hasattr(kind, "__attrs_attrs__"):
        return _attributes(value, [field.name for field in kind.__attrs_attrs__])
    raise UnguardableError(f"a value of type `{_type_name(value)}` cannot be guarded")


def _attributes(value: Any, declared: list[str]) -> _Fields:
    # What was added to it besides is passed on as well, and so it is read.
    names = dict.fromkeys([*declared, *getattr(value, "__dict__", ())])
    fields = {name: getattr(value, name) for name in names if hasattr(value, name)}

    def again(changes: dict[str, Any]) -> Any:
        copied = copy.copy(value)
        for name, field in changes.items():
            # Also where it is frozen: nobody else has the copy yet.
            object.__setattr__(copied, name, field)
        return copied

    return _Fields(fields, again)


def _number(value: Any) -> int | float | str:
    if isinstance(value, (int, numbers.Integral)):
        number = int(value)
        # The wire's integers have 64 bits.
        return number if -(2**63) <= number < 2**64 else str(number)
    real = float(value)
    return real if math.isfinite(real) else str(real)


def _decoded(value: bytes | bytearray | memoryview) -> str:
    try:
        text = bytes(value).decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnguardableError(f"a value of type `{_type_name(value)}` that is no UTF-8 text cannot be guarded")
    return text


def _made(make: Callable[[Any], Any], of: Any, value: Any) -> Any:
    try:
        return make(of)
    except UnguardableError:
        raise
    except Exception as error:
        message = f"what was found in a value of type `{_type_name(value)}` cannot be rewritten there"
        raise FixedError(message) from error


def _never(_changes: Any) -> Any:
    raise FixedError("what was found in the value of an enum cannot be rewritten there")


def _type_name(value: Any) -> str:
    return type(value).__name__
