"""What the public client keeps in resources of their own: the spend of model calls, and the list of detectors."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import Detector, InvalidArgument, ModelContext
from ... import UsageReceipt as UsageResponseBody

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

    def report(
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
    ) -> UsageResponseBody:
        """Writes down what one model call cost: a whole request, or its fields. `timeout` is the client's."""
        counts = (input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens)
        names = {"model": model, "provider": provider, "usage_id": usage_id, "session_id": session_id}
        return self._usage.report(**_fields(request, names, counts))

    async def areport(
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
    ) -> UsageResponseBody:
        """As `report`, awaited."""
        counts = (input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens)
        names = {"model": model, "provider": provider, "usage_id": usage_id, "session_id": session_id}
        return await self._usage.areport(**_fields(request, names, counts))


class DetectorsResource:
    """The detectors there are."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def list(self, *, timeout: float | None = None) -> ListDetectorsResponse:
        """The detectors, and the keys policies can read of them. `timeout` is the client's."""
        return _listed(self._guard.detectors())

    async def alist(self, *, timeout: float | None = None) -> ListDetectorsResponse:
        """As `list`, awaited."""
        return _listed(await self._guard.adetectors())


def _listed(found: builtins.list[Detector]) -> ListDetectorsResponse:
    return ListDetectorsResponse(count=len(found), detectors=found)


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
