# Written by core/gen from the table of operations; do not edit.
"""Rate limits of this project and the layers above."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from .. import _tenantry, _wire
from .words import Layer, LimitKey, OnExceed


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class LimitSpec(_wire.Record):
    """A rate limit."""

    id: str
    """The id, unique within the layer."""
    rate: int
    """Calls allowed in each period; also the largest burst."""
    per_ms: int
    """The period in milliseconds."""
    key: LimitKey
    """What is counted."""
    action: str = ""
    """The action whose calls alone are counted, e.g. `process_prompt`; all when empty."""
    on_exceed: OnExceed
    """What happens beyond the rate."""
    max_wait_ms: int
    """The longest wait in line, in milliseconds."""
    layer: Layer
    """Where it is attached."""
    shared: bool = False
    """Count across processes that share the data folder (slower: takes a store transaction)."""


class Limits(_tenantry.Limits, _wire.Calls):
    """Rate limits of this project and the layers above."""

    __slots__ = ()

    def set(
        self,
        id: str,
        rate: int,
        per: _wire.Period,
        *,
        key: LimitKey | None = None,
        action: str | None = None,
        on_exceed: OnExceed | None = None,
        max_wait: _wire.Period | None = None,
        layer: Layer | None = None,
        shared: bool | None = None,
    ) -> None:
        """Sets a rate limit, replacing the one with the same id on the same layer.

        Args:
            id: The id, unique within the layer.
            rate: Calls allowed in each period; also the largest burst.
            per: The period. A `timedelta`, text such as `minute` or `15m`, or seconds.
            key: What is counted.
            action: The action whose calls alone are counted, e.g. `process_prompt`; all when empty.
            on_exceed: What happens beyond the rate.
            max_wait: The longest wait in line. A `timedelta`, text such as `minute` or `15m`, or seconds.
            layer: Where it is attached.
            shared: Count across processes that share the data folder (slower: takes a store transaction).
        """
        return self._call(
            "limits.set",
            {
                "id": id,
                "rate": rate,
                "per_ms": _wire.period("per", per),
                "key": key,
                "action": action,
                "on_exceed": on_exceed,
                "max_wait_ms": _wire.period("max_wait", max_wait),
                "layer": layer,
                "shared": shared,
            },
            _wire.nothing,
        )

    def aset(
        self,
        id: str,
        rate: int,
        per: _wire.Period,
        *,
        key: LimitKey | None = None,
        action: str | None = None,
        on_exceed: OnExceed | None = None,
        max_wait: _wire.Period | None = None,
        layer: Layer | None = None,
        shared: bool | None = None,
    ) -> Coroutine[Any, Any, None]:
        """As `set`, awaited."""
        return self._acall(
            "limits.set",
            {
                "id": id,
                "rate": rate,
                "per_ms": _wire.period("per", per),
                "key": key,
                "action": action,
                "on_exceed": on_exceed,
                "max_wait_ms": _wire.period("max_wait", max_wait),
                "layer": layer,
                "shared": shared,
            },
            _wire.nothing,
        )

    def remove(self, id: str, *, layer: Layer | None = None) -> None:
        """Removes a rate limit.

        Args:
            id: Its id.
            layer: Where it is attached; absent for the project.
        """
        return self._call("limits.remove", {"id": id, "layer": layer}, _wire.nothing)

    def aremove(self, id: str, *, layer: Layer | None = None) -> Coroutine[Any, Any, None]:
        """As `remove`, awaited."""
        return self._acall("limits.remove", {"id": id, "layer": layer}, _wire.nothing)

    def list(self) -> _wire.Page[LimitSpec]:
        """Lists the limits in force here, all layers."""
        return self._call("limits.list", {}, _wire.page(LimitSpec._read))

    def alist(self) -> Coroutine[Any, Any, _wire.Page[LimitSpec]]:
        """As `list`, awaited."""
        return self._acall("limits.list", {}, _wire.page(LimitSpec._read))
