"""What the public client keeps in resources of their own: the spend of model calls, and the list of detectors."""

from __future__ import annotations

import builtins
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import Detector, InvalidArgument, ModelContext
from ... import UsageReceipt as UsageResponseBody
from ._twins import Call, ask, twins

if TYPE_CHECKING:
    from ... import Guard, Usage


@dataclass(frozen=True, kw_only=True)
class UsageRequestBody:
    """One model call. An empty `usage_id` gets a fresh one."""

    model: ModelContext
    usage_id: str = ""
    session_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListDetectorsResponse:
    """The detectors there are."""

    count: int
    detectors: builtins.list[Detector]


TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")


class UsageResource:
    """The spend of model calls."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def _report(
        self,
        request: UsageRequestBody | None = None,
        *,
        model: str | None = None,
        provider: str | None = None,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        cache_write_1h_tokens: int = 0,
        usage_id: str | None = None,
        session_id: str | None = None,
        timeout: float | None = None,
    ) -> Generator[Call, Any, UsageResponseBody]:
        """Writes down what one model call cost: a whole request, or its fields. `timeout` is the client's."""
        counts = (input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens)
        names = {"model": model, "provider": provider, "usage_id": usage_id, "session_id": session_id}
        return (yield from ask(self._usage, "report", **_fields(request, names, counts)))  # type: ignore[no-any-return]

    report, areport = twins(_report)


class DetectorsResource:
    """The detectors there are."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def _list(self, *, timeout: float | None = None) -> Generator[Call, Any, ListDetectorsResponse]:
        """The detectors, and the keys policies can read of them. `timeout` is the client's."""
        found: builtins.list[Detector] = yield from ask(self._guard, "detectors")
        return ListDetectorsResponse(count=len(found), detectors=found)

    # Last: from here on `list` names the method.
    list, alist = twins(_list)


def _fields(request: UsageRequestBody | None, names: dict[str, str | None], counts: tuple[int, ...]) -> dict[str, Any]:
    """What our own `report` takes, of either form."""
    if request is None:
        if not names["model"]:
            raise InvalidArgument("model is required", code="usage_invalid")
        return {**names, **dict(zip(TOKENS, counts, strict=True))}
    if any(counts) or any(name is not None for name in names.values()):
        raise TypeError("give a whole UsageRequestBody or fields, and not both")
    tokens = {name: getattr(request.model, name) or 0 for name in TOKENS}
    named = {"model": request.model.model or "", "provider": request.model.provider}
    return {**named, "usage_id": request.usage_id, "session_id": request.session_id, **tokens}
