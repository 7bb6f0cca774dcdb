"""Shield: what functions take is judged and comes back in its type; what cannot be read is refused by name."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import pathlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple, TypedDict

import attrs
import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, HttpUrl, PrivateAttr, RootModel, SecretStr
from pydantic import v1 as former

import shapes
from samples import BENIGN, EMAIL, SECRET
from tenantry import BlockedError, InvalidArgument, Shield, Tenant

REDACTED = "write to [EMAIL] today"


@pytest.fixture
def shield(acme: Tenant) -> Shield:
    return Shield(acme, mode="modify")


def filled(text: str) -> dict[str, Callable[[Callable[..., Any]], Any]]:
    """How each function of `shapes` is called with a text."""
    message = shapes.Message(content=text)
    positional = (
        "plain annotated annotated_alias annotated_optional optional or_none union new_type bound constrained "
        "unannotated anything unknown_to_run_time"
    )
    calls: dict[str, Callable[[Callable[..., Any]], Any]] = {
        name: lambda function: function(text) for name in positional.split()
    }
    return {
        **calls,
        "literal": lambda function: function(1, text),
        "keyword_only": lambda function: function(question=text, times=2),
        "after_a_number": lambda function: function(1, text),
        "texts": lambda function: function([BENIGN, text]),
        "some_texts": lambda function: function((BENIGN, text)),
        "pairs": lambda function: function({"a": BENIGN, "b": text}),
        "variadic": lambda function: function(BENIGN, text),
        "keywords": lambda function: function(a=BENIGN, b=text),
        "everything": lambda function: function(BENIGN, question=text),
        "everything_untyped": lambda function: function(BENIGN, question=text),
        "model": lambda function: function(shapes.Chat(messages=[message, message], note=BENIGN)),
        "dataclass_": lambda function: function(shapes.Ask(text)),
        "messages": lambda function: function([message]),
        "later": lambda function: asyncio.run(function(text)),
        "stream": lambda function: list(function(text)),
        "astream": lambda function: asyncio.run(collected(function(text))),
        "may_be_first": lambda function: function(text, BENIGN),
    }


async def collected(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


@pytest.mark.parametrize("name", list(filled("")))
def test_a_prompt_is_judged_wherever_it_stands(shield: Shield, acme: Tenant, name: str) -> None:
    function = getattr(shapes, name)
    ran: list[Any] = []

    @functools.wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        ran.append((args, kwargs))
        return function(*args, **kwargs)

    # Functions that are awaited or iterated over are wrapped as they are.
    target = function if name in ("later", "stream", "astream") else noted
    with pytest.raises(BlockedError):
        filled(SECRET)[name](Shield(acme).prompt(target))
    assert ran == []
    assert EMAIL not in repr(filled(EMAIL)[name](shield.prompt(target)))
    assert "[EMAIL]" in repr(filled(EMAIL)[name](shield.prompt(target)))
    # What has no finding is the same as it was.
    assert filled(BENIGN)[name](shield.prompt(target)) == filled(BENIGN)[name](function)


def test_methods_defaults_and_class_methods_are_judged(shield: Shield) -> None:
    class Bot(shapes.Bot):
        method = shield.prompt(shapes.Bot.method)

        @shield.prompt
        @classmethod
        def above(cls, question: str) -> tuple[type, str]:
            return cls, question

        @classmethod
        @shield.prompt
        def below(cls, question: str) -> tuple[type, str]:
            return cls, question

        @shield.prompt
        @staticmethod
        def static(question: str) -> str:
            return question

    assert Bot().method(EMAIL) == REDACTED
    assert Bot.above(EMAIL) == Bot().below(EMAIL) == (Bot, REDACTED)
    assert Bot.static(EMAIL) == Bot().static(EMAIL) == REDACTED
    with pytest.raises(BlockedError):
        shield.prompt(shapes.default)()


def test_none_is_judged_as_nothing_and_passed_on(shield: Shield, acme: Tenant) -> None:
    before = len(acme.audit.query(limit=10_000))
    assert shield.prompt(shapes.or_none)() is None
    assert shield.prompt(shapes.optional)(None) is None
    assert shield.prompt(shapes.some_texts)(None) is None
    assert shield.prompt(shapes.variadic)() == ()
    # Policies, limits and the trail see these calls as well.
    assert len(acme.audit.query(limit=10_000)) == before + 4


def test_the_first_str_is_judged_and_what_may_be_one_before_it(shield: Shield) -> None:
    assert shield.prompt(shapes.may_be_first)(EMAIL, EMAIL) == (REDACTED, REDACTED)
    assert shield.prompt(shapes.may_be_first)(None, EMAIL) == (None, REDACTED)
    assert shield.prompt(shapes.either)(None, [EMAIL]) == (None, [REDACTED])
    assert shield.prompt(shapes.either)(EMAIL, None) == (REDACTED, None)
    message = shapes.Message(content=EMAIL)
    assert shield.prompt(shapes.held)([message], EMAIL) == ([message], REDACTED)
    assert shield.prompt(arg="messages")(shapes.held)([message], EMAIL)[0][0].content == REDACTED
    assert shield.prompt(arg="question")(shapes.everything)(question=EMAIL) == ((), {"question": REDACTED})


def test_what_is_found_across_two_texts_is_rewritten_in_both(shield: Shield) -> None:
    split = ["my card is 4111 1111", "1111 1111 thanks"]
    passed = shield.prompt(shapes.texts)(split)
    assert passed == split or "1111 1111" not in " ".join(passed)


def test_one_call_is_made_whatever_number_of_texts_there_are(acme: Tenant, shield: Shield) -> None:
    acme.limits.set("two", 2, "hour")
    guarded = shield.prompt(shapes.texts)
    assert guarded([BENIGN] * 50) == [BENIGN] * 50
    assert guarded([EMAIL] * 50) == [REDACTED] * 50
    with pytest.raises(BlockedError, match="limit"):
        guarded([BENIGN])


def no_text(number: int, flag: bool = True) -> None: ...
def no_text_at_all() -> None: ...
def no_text_in_it(numbers: list[int], when: datetime.datetime, key: uuid.UUID) -> None: ...
def called_back(callback: Callable[[str], str]) -> None: ...


@pytest.mark.parametrize("function", [no_text, no_text_at_all, no_text_in_it, called_back, shapes.nothing_to_guard])
def test_a_function_without_text_is_refused_when_it_is_decorated(shield: Shield, function: Callable[..., Any]) -> None:
    with pytest.raises(InvalidArgument, match=function.__name__) as caught:
        shield.prompt(function)
    assert caught.value.code == "shield_unsupported"


@pytest.mark.parametrize("arg", ["nothing", "", "self"])
def test_a_parameter_that_does_not_exist_is_refused_when_it_is_decorated(shield: Shield, arg: str) -> None:
    with pytest.raises(InvalidArgument, match="shield_unsupported"):
        shield.prompt(arg=arg)(shapes.plain)


class Opaque:
    """What nobody can read."""

    def __init__(self) -> None:
        self.text = SECRET


UNREADABLE: dict[str, Callable[[], Any]] = {
    "object": object,
    "instance": Opaque,
    "namespace": lambda: SimpleNamespace(text=SECRET),
    "iterator": lambda: iter([SECRET]),
    "generator": lambda: (text for text in [SECRET]),
    "function": lambda: lambda: SECRET,
    "class": lambda: Opaque,
    "bytes that are no text": lambda: b"\xff\xfe",
    "bytes of UTF-16": lambda: SECRET.encode("utf-16-le"),
    "module": lambda: contextlib,
    "keys": lambda: {"a": 1}.keys(),
    "user dict": lambda: collections.UserDict(a=SECRET),
    "range": lambda: range(5),
    "key of a dict": lambda: {(1, 2): "a"},
    "two keys": lambda: {1: "a", "1": "b"},
    "exception": lambda: ValueError(SECRET),
}


@pytest.mark.parametrize("what", list(UNREADABLE))
@pytest.mark.parametrize(
    "wrapped", [lambda value: value, lambda value: [value], lambda value: {"a": (value,)}], ids=["bare", "list", "deep"]
)
def test_what_cannot_be_read_is_refused_by_the_name_of_its_parameter(
    shield: Shield, what: str, wrapped: Callable[[Any], Any]
) -> None:
    ran = []

    def search(query: str, filters: Any = None) -> None:
        ran.append(query)

    def ask(question: Any) -> None:
        ran.append(question)

    value = wrapped(UNREADABLE[what]())
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: shield.tool(search)("a", filters=value), "filters"),
        (lambda: shield.tool(search)("a", value), "filters"),
        (lambda: shield.prompt(ask)(value), "question"),
        (lambda: shield.prompt(arg="filters")(search)("a", value), "filters"),
    ]
    for call, parameter in calls:
        with pytest.raises(InvalidArgument, match=f"`{parameter}`") as caught:
            call()
        assert caught.value.code == "shield_unsupported"
        assert SECRET not in str(caught.value)
    assert ran == []


class Colour(enum.Enum):
    RED = "red"


class Card(enum.Enum):
    A = "4111 1111 1111 1111"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    A = "a"


class Point(NamedTuple):
    name: str
    x: int = 0


class Titled(TypedDict):
    title: str


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")
    text: str
    inner: list[dict[str, str]] = []
    _own: int = PrivateAttr(default=5)


class Listed(RootModel[list[str]]):
    pass


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    text: str
    path: pathlib.Path = pathlib.Path("/a")


@dataclasses.dataclass
class Derived:
    text: str
    length: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.length = len(self.text)


@attrs.frozen
class Attrs:
    text: str


class Named(str):
    __slots__ = ()


class Rows(list[str]):
    pass


TYPED: dict[str, Callable[[str], Any]] = {
    "str": lambda text: text,
    "subclass of str": Named,
    "bytes": str.encode,
    "bytearray": lambda text: bytearray(text.encode()),
    "memoryview": lambda text: memoryview(text.encode()),
    "path": lambda text: pathlib.PurePosixPath(text),
    "list": lambda text: [text, 1],
    "subclass of list": lambda text: Rows([text]),
    "tuple": lambda text: (text, None),
    "named tuple": lambda text: Point(text, 5),
    "set": lambda text: {text},
    "frozenset": lambda text: frozenset([text, 1]),
    "deque": lambda text: collections.deque([text], maxlen=3),
    "dict": lambda text: {"a": {"b": text}},
    "keys of every kind": lambda text: {1: text, None: 1, 2.5: 2, Colour.RED: 3, uuid.UUID(int=5): 4},
    "typed dict": lambda text: Titled(title=text),
    "ordered dict": lambda text: collections.OrderedDict(b=text, a=text),
    "default dict": lambda text: collections.defaultdict(list, a=[text]),
    "dataclass": shapes.Ask,
    "frozen dataclass with slots": Slotted,
    "dataclass with a derived field": Derived,
    "attrs": Attrs,
    "model": lambda text: shapes.Message(content=text),
    "model of models": lambda text: shapes.Chat(messages=[shapes.Message(content=text)]),
    "frozen model with more fields": lambda text: Frozen(text=text, inner=[{"title": text}], more=text),  # type: ignore[call-arg]
    "root model": lambda text: Listed([text, text]),
    "secret": SecretStr,
}


@pytest.mark.parametrize("what", list(TYPED))
def test_what_is_rewritten_comes_back_in_its_type(shield: Shield, acme: Tenant, what: str) -> None:
    @shield.tool(name="search")
    def search(value: Any) -> Any:
        return value

    @shield.prompt
    def ask(value: Any) -> Any:
        return value

    make = TYPED[what]
    for function in (search, ask):
        passed = function(make(EMAIL))
        expected = make(REDACTED)
        if isinstance(passed, Derived):
            expected.length = len(EMAIL)
        assert passed == expected
        if what != "subclass of str":
            assert type(passed) is type(expected)
        assert function(make(BENIGN)) == make(BENIGN)
    with pytest.raises(BlockedError):
        Shield(acme).tool(name="search")(lambda value: value)(make(SECRET))
    with pytest.raises(BlockedError):
        Shield(acme).prompt(lambda value: value)(make(SECRET))


def test_what_has_no_finding_is_the_same_object(shield: Shield) -> None:
    @shield.tool(name="search")
    def search(*values: Any, text: str) -> Any:
        return values

    values = [make(BENIGN) for make in TYPED.values()]
    for passed, given in zip(search(*values, text=EMAIL), values, strict=True):
        assert passed is given


def test_a_derived_dict_keeps_what_it_has_besides(shield: Shield) -> None:
    @shield.tool(name="search")
    def search(value: Any) -> Any:
        return value

    made = search(collections.defaultdict(list, a=[EMAIL]))
    assert made["new"] == []
    assert list(search(collections.OrderedDict(b=EMAIL, a="x"))) == ["b", "a"]
    assert search(collections.deque([EMAIL], maxlen=3)).maxlen == 3
    frozen = Frozen(text=EMAIL)
    assert (search(frozen)._own, search(frozen).model_fields_set) == (5, {"text"})
    assert frozen.text == EMAIL


TOLD: dict[str, Any] = {
    "uuid": uuid.UUID("12345678-1234-4234-8234-123456789abc"),
    "datetime": datetime.datetime(2026, 11, 29, 9, 38, tzinfo=datetime.timezone.utc),
    "date": datetime.date(2026, 11, 29),
    "time": datetime.time(9, 38),
    "timedelta": datetime.timedelta(hours=5),
    "decimal": decimal.Decimal("1.50"),
    "fraction": fractions.Fraction(1, 3),
    "complex": 1 + 2j,
    "network": ipaddress.ip_network("192.0.2.0/24"),
    "enum": Colour.RED,
    "int enum": Level.HIGH,
    "str enum": Word.A,
    "big": 2**70,
    "float": 1.5,
    "infinity": float("inf"),
    "none": None,
    "bool": True,
    "path": pathlib.Path("/srv/a"),
    "url": HttpUrl("https://example.org/a"),
}


@pytest.mark.parametrize("what", list(TOLD))
def test_values_that_their_text_tells_are_judged_and_stay_themselves(shield: Shield, what: str) -> None:
    @shield.tool
    def search(value: Any, *, key: Any = None, **more: Any) -> Any:
        return value, key, more

    value = TOLD[what]
    passed = search(value, key=[value], more={"a": value}, text=EMAIL)
    assert passed == (value, [value], {"more": {"a": value}, "text": REDACTED})
    assert type(passed[0]) is type(value)


FIXED: dict[str, Any] = {
    "decimal": decimal.Decimal(4111111111111111),
    "int": 4111111111111111,
    "enum": Card.A,
    "address": ipaddress.ip_address("192.0.2.1"),
    "in a list": [ipaddress.ip_address("192.0.2.1")],
}


@pytest.mark.parametrize("what", list(FIXED))
def test_what_cannot_be_rewritten_where_it_stands_is_not_passed_on(shield: Shield, what: str) -> None:
    def search(number: Any) -> Any:
        return number

    for guarded in (shield.tool(search), shield.prompt(search), shield.prompt(lambda number: number)):
        with pytest.raises((InvalidArgument, BlockedError)) as caught:
            guarded(FIXED[what])
        if isinstance(caught.value, InvalidArgument):
            assert caught.value.code == "shield_unsupported"
            assert "`number`" in str(caught.value)


def test_a_secret_is_judged_and_not_its_mask(acme: Tenant) -> None:
    class Login(BaseModel):
        password: SecretStr

    with pytest.raises(BlockedError):
        Shield(acme).tool(name="search")(lambda login: login)(Login(password=SecretStr(SECRET)))


def test_models_of_the_former_pydantic_are_judged_as_well(shield: Shield) -> None:
    class Former(former.BaseModel):
        text: str
        password: former.SecretStr
        more: list[str] = []

    given = Former(text=EMAIL, password=former.SecretStr(EMAIL), more=[EMAIL, BENIGN])

    def ask(question: Former) -> Former:
        return question

    for passed in (shield.prompt(ask)(given), shield.tool(name="search")(ask)(given)):
        assert type(passed) is Former
        assert (passed.text, passed.more, passed.password.get_secret_value()) == (
            REDACTED,
            [REDACTED, BENIGN],
            REDACTED,
        )
    assert given.text == EMAIL


def test_what_was_added_to_a_dataclass_is_judged_as_well(acme: Tenant) -> None:
    ask = shapes.Ask(BENIGN)
    ask.more = SECRET  # type: ignore[attr-defined]
    with pytest.raises(BlockedError):
        Shield(acme).tool(name="search")(lambda ask: ask)(ask)


def test_a_finding_in_the_name_of_a_field_is_not_passed_on(shield: Shield, acme: Tenant) -> None:
    for decorate in (shield.prompt, shield.tool(name="search")):
        guarded: Callable[[Any], Any] = decorate(lambda value: value)
        with pytest.raises((InvalidArgument, BlockedError)):
            guarded({EMAIL: 1})
    with pytest.raises(BlockedError):
        Shield(acme).prompt(lambda value: value)({SECRET: 1})


def test_what_holds_itself_or_is_endless_ends(shield: Shield) -> None:
    circle: list[Any] = []
    circle.append(circle)
    wide: Any = ["a"]
    for _ in range(60):
        wide = [wide, wide]
    for value in (circle, wide):
        with pytest.raises(InvalidArgument):
            shield.tool(name="search")(lambda value: value)(value)


@pytest.mark.asyncio
async def test_async_generators_and_objects_that_are_called_are_judged_without_blocking(shield: Shield) -> None:
    class Called:
        async def __call__(self, question: Annotated[str, "q"]) -> str:
            return question

    closed = []

    @shield.prompt
    async def chat(question: str) -> AsyncIterator[str]:
        try:
            while True:
                try:
                    question = (yield question) or question
                except KeyError:
                    question = "caught"
        finally:
            closed.append(True)

    assert await shield.prompt(Called())(EMAIL) == REDACTED
    stream: Any = chat(EMAIL)
    assert await stream.asend(None) == REDACTED
    assert await stream.asend("more") == "more"
    assert await stream.athrow(KeyError()) == "caught"
    await stream.aclose()
    assert closed == [True]
    with pytest.raises(BlockedError):
        await anext(chat(SECRET))


def test_a_generator_is_judged_before_it_begins(shield: Shield) -> None:
    @shield.tool(name="search")
    def rows(query: str) -> Iterator[str]:
        yield query

    assert list(rows(EMAIL)) == [REDACTED]
    with pytest.raises(BlockedError):
        rows(SECRET)


def test_types_that_are_known_in_a_function_alone_are_read(shield: Shield) -> None:
    class Local(BaseModel):
        text: str

    @shield.prompt
    def ask(local: Local) -> Any:
        return local

    @shield.prompt
    def ask_text(count: int, local: Annotated[str, Local]) -> Any:
        return local

    assert ask(Local(text=EMAIL)).text == REDACTED
    assert ask_text(1, EMAIL) == REDACTED
    assert pydantic.VERSION.startswith("2.")
