"""Functions as people annotate them, where annotations are text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, Optional, TypeVar, Union

from pydantic import BaseModel

if TYPE_CHECKING:
    from nowhere import Unknown  # type: ignore[import-not-found]

Question = NewType("Question", str)
Told = Annotated[str, "what is told"]
T = TypeVar("T", bound=str)
AnyText = TypeVar("AnyText", bytes, str)


class Message(BaseModel):
    role: str = "user"
    content: str


class Chat(BaseModel):
    messages: list[Message]
    model: str = "m"
    note: str | None = None


@dataclass
class Ask:
    question: str
    times: int = 1


def plain(question: str) -> Any:
    return question


def annotated(question: Annotated[str, "a question", 5]) -> Any:
    return question


def annotated_alias(question: Told) -> Any:
    return question


def annotated_optional(question: Annotated[Optional[str], "q"] = None) -> Any:  # noqa: UP045
    return question


def optional(question: Optional[str]) -> Any:  # noqa: UP045
    return question


def or_none(question: str | None = None) -> Any:
    return question


def union(question: Union[int, str]) -> Any:  # noqa: UP007
    return question


def new_type(question: Question) -> Any:
    return question


def bound(question: T) -> T:
    return question


def constrained(question: AnyText) -> AnyText:
    return question


def literal(number: int, question: Literal["a", "b"]) -> Any:
    return question


def unannotated(question) -> Any:  # type: ignore[no-untyped-def]
    return question


def anything(question: Any) -> Any:
    return question


def keyword_only(*, times: int = 1, question: str) -> Any:
    return question


def unknown_to_run_time(other: Unknown | str) -> Any:
    return other


def after_a_number(times: int, question: Annotated[str, "q"]) -> Any:
    return question


class Bot:
    def method(self, question: Told) -> Any:
        return question


def default(question: Told = "deploy with AKIAIOSFODNN7EXAMPLE please") -> Any:
    return question


def texts(questions: list[str]) -> Any:
    return questions


def some_texts(questions: Sequence[str] | None = None) -> Any:
    return questions


def pairs(questions: dict[str, str]) -> Any:
    return questions


def variadic(*questions: str) -> Any:
    return questions


def keywords(**questions: str) -> Any:
    return questions


def everything(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def everything_untyped(*args, **kwargs) -> Any:  # type: ignore[no-untyped-def]
    return args, kwargs


def model(chat: Chat) -> Any:
    return chat


def dataclass_(ask: Ask) -> Any:
    return ask


def messages(messages: list[Message], model: int = 1) -> Any:
    return messages


async def later(question: Told) -> Any:
    return question


def stream(question: Told) -> Iterator[str]:
    yield question


async def astream(question: Told) -> AsyncIterator[str]:
    yield question


def nothing_to_guard(number: int, flag: bool = False) -> Any:
    return number


def held(messages: list[Message], name: str) -> Any:
    return messages, name


def may_be_first(system: str | None, question: str) -> Any:
    return system, question


def either(question: str | None = None, questions: list[str] | None = None) -> Any:
    return question, questions
