# Written by core/gen from the table of operations; do not edit.
"""Guard calls, and what inspects their content."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import _tenantry, _wire


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class DetectorKey(_wire.Record):
    """A key policies read, and which detector writes it."""

    key: str
    """The name policies use."""
    type: str
    """`bool`, `long`, `string` or `set`."""
    description: str
    """One sentence."""
    range: str | None = None
    """The least and the greatest value, where there are such."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Detector(_wire.Record):
    """A detector as callers see it."""

    name: str
    """Its name."""
    status: str
    """`healthy`, `degraded` or `disabled`."""
    tier: str
    """`fast`, `standard` or `slow`."""
    version: str
    """The version of this engine: a detector changes with it alone."""
    category: str
    """The family its signals belong to."""
    description: str
    """One sentence."""
    context_keys: list[DetectorKey]
    """The keys it writes."""

    _PARTS: ClassVar[dict[str, Callable[[Any], Any]]] = {"context_keys": _wire.each(DetectorKey._read)}


class Guard(_tenantry.Guard, _wire.Calls):
    """Guard calls, and what inspects their content."""

    __slots__ = ()

    def detectors(self) -> _wire.Page[Detector]:
        """Lists the detectors there are, and the keys policies can read of them."""
        return self._call("detectors.detectors", {}, _wire.page(Detector._read))

    def adetectors(self) -> Coroutine[Any, Any, _wire.Page[Detector]]:
        """As `detectors`, awaited."""
        return self._acall("detectors.detectors", {}, _wire.page(Detector._read))
