# Written by core/gen from the table of operations; do not edit.
"""Policies of this project and the layers above."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from .. import _wire
from .words import Layer, Mode


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class PolicyReceipt(_wire.Record):
    """What `policies.put` did and what it noticed."""

    name: str
    """The name it was put under."""
    policy_count: int
    """Policies the text holds."""
    retired_baseline: list[str] = field(default_factory=list)
    """Baseline permits it retired, by action."""
    metadata_keys: dict[str, str] = field(default_factory=dict)
    """Metadata keys it reads, with the type inferred for each."""
    warnings: list[str] = field(default_factory=list)
    """What a reviewer should look at; none of it refuses the policy."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class PolicySummary(_wire.Record):
    """A policy in force, as `policies.list` returns it."""

    name: str
    """The name it was put under."""
    layer: Layer
    """Where it is attached."""
    mode: Mode
    """Its mode."""
    ceiling: bool
    """Whether its layer is a ceiling."""
    rule_ids: list[str]
    """The `@id` of each policy in the text, or its generated id."""
    retired: bool = False
    """Whether a project permit retires it now (baseline permits only)."""
    text: str
    """The Cedar text."""


class Policies(_wire.Handle):
    """Policies of this project and the layers above."""

    __slots__ = ()

    def put(
        self,
        name: str,
        text: str,
        *,
        mode: Mode | None = None,
        layer: Layer | None = None,
        ceiling: bool | None = None,
    ) -> PolicyReceipt:
        """Attaches Cedar text under a name, replacing what was there. Bad text is refused and the old stays.

        Args:
            name: The name, unique within the layer.
            text: Cedar text: one or more policies.
            mode: Whether it decides (`enforce`) or only reports (`monitor`, `alert`).
            layer: Where it is attached.
            ceiling: Whether its layer bounds every layer below.
        """
        return self._call(
            "policies.put",
            {"name": name, "text": text, "mode": mode, "layer": layer, "ceiling": ceiling},
            PolicyReceipt._read,
        )

    def aput(
        self,
        name: str,
        text: str,
        *,
        mode: Mode | None = None,
        layer: Layer | None = None,
        ceiling: bool | None = None,
    ) -> Coroutine[Any, Any, PolicyReceipt]:
        """As `put`, awaited."""
        return self._acall(
            "policies.put",
            {"name": name, "text": text, "mode": mode, "layer": layer, "ceiling": ceiling},
            PolicyReceipt._read,
        )

    def attach_pack(self, name: str) -> PolicyReceipt:
        """Attaches a pack of our own: `baseline` or `strict`.

        Args:
            name: `baseline` or `strict`.
        """
        return self._call("policies.attach_pack", {"pack": name}, PolicyReceipt._read)

    def aattach_pack(self, name: str) -> Coroutine[Any, Any, PolicyReceipt]:
        """As `attach_pack`, awaited."""
        return self._acall("policies.attach_pack", {"pack": name}, PolicyReceipt._read)

    def remove(self, name: str, *, layer: Layer | None = None) -> None:
        """Detaches a policy.

        Args:
            name: Its name.
            layer: Where it is attached; absent for the project.
        """
        return self._call("policies.remove", {"name": name, "layer": layer}, _wire.nothing)

    def aremove(self, name: str, *, layer: Layer | None = None) -> Coroutine[Any, Any, None]:
        """As `remove`, awaited."""
        return self._acall("policies.remove", {"name": name, "layer": layer}, _wire.nothing)

    def get(self, name: str, *, layer: Layer | None = None) -> PolicySummary:
        """Reads one policy in force, from the given layer.

        Args:
            name: Its name.
            layer: Where it is attached; absent for the project.
        """
        return self._call("policies.get", {"name": name, "layer": layer}, PolicySummary._read)

    def aget(self, name: str, *, layer: Layer | None = None) -> Coroutine[Any, Any, PolicySummary]:
        """As `get`, awaited."""
        return self._acall("policies.get", {"name": name, "layer": layer}, PolicySummary._read)

    def list(self) -> _wire.Page[PolicySummary]:
        """Lists the policies in force here, all layers."""
        return self._call("policies.list", {}, _wire.page(PolicySummary._read))

    def alist(self) -> Coroutine[Any, Any, _wire.Page[PolicySummary]]:
        """As `list`, awaited."""
        return self._acall("policies.list", {}, _wire.page(PolicySummary._read))
