# Written by core/gen from the table of operations; do not edit.
"""The audit trail of this project."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from .. import _wire
from .words import AuditOrder


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class AuditRecord(_wire.Record):
    """One row of a scope's chain."""

    sequence: int
    """Position in the chain, from 1, without gaps."""
    at: str
    """When it happened, RFC 3339 in UTC."""
    kind: str
    """`decision`, `error`, or an admin event such as `policy.put`."""
    request_id: str
    """The call's id, or the admin operation's."""
    decision: str | None = None
    """The decision, for guard calls."""
    body: dict[str, Any]
    """The rest. Content is a keyed hash, never text."""
    hash: str
    """This row's hash, hexadecimal."""
    previous: str
    """The hash of the row before, hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class AuditHead(_wire.Record):
    """A head, and the line that is kept of it."""

    scope: str
    """The scope's internal id."""
    sequence: int
    """The last row's sequence; 0 for an empty chain."""
    hash: str
    """The last row's hash, hexadecimal."""
    at: int
    """When it was signed, microseconds since 1970."""
    key_id: str
    """Which key signed."""
    signature: str
    """Ed25519 signature, base64url."""
    text: str
    """The same as one line, for keeping elsewhere."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class VerifyReport(_wire.Record):
    """What `audit.verify` found."""

    ok: bool
    """Whether the chain is whole as far as it can be checked."""
    rows: int
    """Rows checked."""
    head_sequence: int
    """The sequence covered by the newest signed head; later rows are chained but not yet covered."""
    problems: list[str] = field(default_factory=list)
    """Everything that is wrong, in order."""


class Audit(_wire.Handle):
    """The audit trail of this project."""

    __slots__ = ()

    def query(
        self,
        *,
        since: _wire.Since | None = None,
        before: int | None = None,
        order: AuditOrder | None = None,
        limit: int | None = None,
    ) -> _wire.Page[AuditRecord]:
        """Reads rows of this project's chain, oldest first unless asked otherwise. A page has at most `limit` rows (up
        to 10,000) and 8 MiB of text.

        Args:
            since: A sequence to start after, a time (RFC 3339), or how long ago (`7d`). No row before it is read,
                whatever the order.
            before: Before this row: where the next page of the newest goes on.
            order: Which row comes first; the oldest where nothing is said.
            limit: How many at most, up to 10,000; 100 where nothing is said.
        """
        return self._call(
            "audit.query",
            {"since": _wire.since(since), "before": before, "order": order, "limit": limit},
            _wire.page(AuditRecord._read),
        )

    def aquery(
        self,
        *,
        since: _wire.Since | None = None,
        before: int | None = None,
        order: AuditOrder | None = None,
        limit: int | None = None,
    ) -> Coroutine[Any, Any, _wire.Page[AuditRecord]]:
        """As `query`, awaited."""
        return self._acall(
            "audit.query",
            {"since": _wire.since(since), "before": before, "order": order, "limit": limit},
            _wire.page(AuditRecord._read),
        )

    def verify(self, *, anchor: AuditHead | str | None = None) -> VerifyReport:
        """Recomputes the chain and compares it with the signed heads and, if given, an outside anchor.

        Args:
            anchor: A head printed earlier, as text (`tnh1.…`).
        """
        return self._call("audit.verify", {"anchor": _wire.printed(anchor)}, VerifyReport._read)

    def averify(self, *, anchor: AuditHead | str | None = None) -> Coroutine[Any, Any, VerifyReport]:
        """As `verify`, awaited."""
        return self._acall("audit.verify", {"anchor": _wire.printed(anchor)}, VerifyReport._read)

    def head(self) -> AuditHead:
        """Signs a fresh head: print it, keep it elsewhere, and give it to `verify` later."""
        return self._call("audit.head", {}, AuditHead._read)

    def ahead(self) -> Coroutine[Any, Any, AuditHead]:
        """As `head`, awaited."""
        return self._acall("audit.head", {}, AuditHead._read)
