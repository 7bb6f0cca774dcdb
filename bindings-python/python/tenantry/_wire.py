"""How the generated handles and records speak with the library: plain data to and from values.

They use it as `_wire.…`: their own parameters and fields have names such as `since` and `fields`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from ._tenantry import _completed, _period
from .errors import InvalidArgument

if TYPE_CHECKING:
    from typing_extensions import Self, SupportsIndex

T = TypeVar("T")

Period: TypeAlias = timedelta | str | float
"""A time span: a `timedelta`, text such as `minute` or `15m`, or seconds."""
Since: TypeAlias = int | str | datetime | timedelta
"""Where a query starts: after a sequence, at a time, or so long ago."""

UNSAID: Any = None
"""What a field holds that nothing was said of, until the core completes it."""


_SHOWN = 200
"""How much of a field is shown, in characters."""


class Calls:
    """What can be done in one place, by the client or tenant whose handle it is."""

    __slots__ = ()

    _native: Any

    def _call(self, operation: str, given: dict[str, Any], read: Callable[[Any], T], *levels: str) -> T:
        return read(self._native._operate(operation, levels, said(given)))

    def _acall(
        self, operation: str, given: dict[str, Any], read: Callable[[Any], T], *levels: str
    ) -> Coroutine[Any, Any, T]:
        name = f"{type(self).__name__}.a{operation.partition('.')[2]}"
        call: Coroutine[Any, Any, T] = self._native._aoperate(name, operation, levels, said(given), read)
        return call


class Handle(Calls):
    """A handle that can do what the table says, and no more."""

    __slots__ = ("_native",)

    def __init__(self, native: Any) -> None:
        self._native = native


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Record:
    """Plain data with names. What is absent is empty, or `None`.

    What a newer core says beside the names is kept for `to_dict`.
    """

    _more: dict[str, Any] = dataclasses.field(default_factory=dict)

    _MORE: ClassVar[str] = "_more"
    """The field of what has none."""
    _PARTS: ClassVar[dict[str, Callable[[Any], Any]]] = {}
    """How fields are read that hold more than plain data."""
    _SECRETS: ClassVar[tuple[str, ...]] = ()
    """Fields that are nobody's to see."""

    @classmethod
    def _read(cls, told: dict[str, Any]) -> Self:
        return cls(**cls._values(told))

    @classmethod
    def _values(cls, told: dict[str, Any]) -> dict[str, Any]:
        """The fields of a record that was told."""
        names, parts = _fields(cls), cls._PARTS
        values: dict[str, Any] = {}
        more: dict[str, Any] = {}
        for name, value in told.items():
            # What is said although it is empty is told again.
            if name not in names or (names[name] and not value and value is not None):
                more[name] = value
            elif value is not None:
                values[name] = parts[name](value) if name in parts else value
        return {**values, cls._MORE: more}

    def to_dict(self) -> dict[str, Any]:
        """As plain data under the wire's names; absent fields are left out."""
        more: dict[str, Any] = getattr(self, self._MORE)
        return {name: plain(value) for name, value in self._told()} | more

    def _told(self) -> list[tuple[str, Any]]:
        told = ((name, getattr(self, name), is_optional) for name, is_optional in _fields(type(self)).items())
        return [(name, value) for name, value, is_optional in told if value is not None and (value or not is_optional)]

    def __repr__(self) -> str:
        # Free data may hold anything, and long texts are to be read elsewhere.
        told = [
            (name, repr(value)) for name, value in self._told() if name not in self._SECRETS and not _is_free(value)
        ]
        shown = [f"{name}={text if len(text) <= _SHOWN else text[: _SHOWN - 3] + '...'}" for name, text in told]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # By the public name: where a class is written is nothing to keep in a file.
        return restored, (type(self).__name__, self.to_dict())


_OPTIONAL: dict[type[Record], dict[str, bool]] = {}


def _fields(kind: type[Record]) -> dict[str, bool]:
    """The fields that have names on the wire, and whether what is empty there is absent."""
    if kind not in _OPTIONAL:
        named = (field for field in dataclasses.fields(kind) if field.name not in ("_more", kind._MORE))
        _OPTIONAL[kind] = {
            field.name: field.default_factory is not dataclasses.MISSING
            or field.default not in (dataclasses.MISSING, UNSAID)
            for field in named
        }
    return _OPTIONAL[kind]


def _is_free(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_is_free, value)))


class Page(list[T]):
    """One page of a list, which it is itself."""

    __slots__ = ("next",)

    next: str | None
    """Where the next page goes on; `None` on the last one."""

    def __init__(self, items: Iterable[T] = (), next: str | None = None) -> None:
        super().__init__(items)
        self.next = next

    @property
    def items(self) -> list[T]:
        """What is on it."""
        return list(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data under the wire's names."""
        return {"items": plain(list(self))} | ({} if self.next is None else {"next": self.next})

    def __repr__(self) -> str:
        return f"Page({super().__repr__()}, next={self.next!r})"

    def __reduce_ex__(self, _protocol: SupportsIndex) -> tuple[Any, ...]:
        return Page, (list(self), self.next)


def restored(name: str, told: dict[str, Any]) -> Any:
    """A record as it was pickled."""
    import tenantry

    try:
        return getattr(tenantry, name)._read(told)
    except (AttributeError, TypeError) as error:
        message = "this is not what such a value is pickled as"
        raise InvalidArgument(message, code="request_invalid") from error


def complete(record: Record) -> None:
    """Fills in what was left out of a record that an app makes: the core's defaults."""
    for name, value in record._values(_completed(type(record).__name__, record.to_dict())).items():
        # It is frozen, and nobody else has it yet.
        object.__setattr__(record, name, value)


def page(read: Callable[[Any], T]) -> Callable[[Any], Page[T]]:
    """What reads a page of which `read` reads each item."""
    return lambda told: Page(map(read, told["items"]), told.get("next"))


def each(read: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """What reads a list of which `read` reads each item."""
    return lambda told: [read(item) for item in told]


def as_is(told: Any) -> Any:
    """Plain data."""
    return told


def nothing(_told: Any) -> None:
    """No answer."""


def said(given: dict[str, Any]) -> dict[str, Any]:
    """Without what is not said."""
    return {name: value for name, value in given.items() if value is not None}


def plain(value: Any) -> Any:
    """Records as plain data, wherever they stand."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return value.to_dict() if hasattr(value, "to_dict") else value


def texts(name: str, given: Iterable[str] | None) -> list[str] | None:
    """Several texts. One text is none: it would be its letters."""
    if given is None:
        return None
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise _misfit(name, given, "a list of texts")
    return list(given)


def fields(name: str, given: Record | Mapping[str, Any] | None) -> Any:
    """A record or a mapping, as plain data."""
    if given is not None and not isinstance(given, (Record, Mapping)):
        raise _misfit(name, given, "a mapping")
    return plain(given)


def period(name: str, given: Period | None) -> int | None:
    """A time span in milliseconds."""
    if given is None:
        return None
    if isinstance(given, timedelta):
        given = given.total_seconds()
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise _misfit(name, given, "a `timedelta`, text such as `15m`, or seconds")
    return _period(given)


def _misfit(name: str, given: object, expected: str) -> InvalidArgument:
    message = f"`{name}` is {expected}, not a `{type(given).__name__}`"
    return InvalidArgument(message, code="request_invalid")


def since(given: Since | None) -> int | str | None:
    """Where a query starts, as the core reads it."""
    if isinstance(given, timedelta):
        return f"{given // timedelta(microseconds=1)}us"
    if not isinstance(given, datetime):
        return given
    if given.tzinfo is None:
        help = "give one with `tzinfo`, e.g. `datetime.now(timezone.utc)`"
        raise InvalidArgument("`since` is a time without a time zone", code="since_invalid", help=help)
    return given.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def printed(given: Any) -> Any:
    """The line of a printed head, or the line itself."""
    return str(given) if isinstance(given, Record) else given
