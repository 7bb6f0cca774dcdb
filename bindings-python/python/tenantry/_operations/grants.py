# Written by core/gen from the table of operations; do not edit.
"""Cross-tenant grants."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from .. import _wire
from .audit import AuditRecord
from .words import AuditOrder


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Grant(_wire.Record):
    """A cross-tenant grant as admin calls return it."""

    id: str
    """Names it."""
    from_account: str
    """The account whose principals may act."""
    from_project: str = ""
    """Its project; absent for all of them."""
    to_account: str
    """The account they may act in."""
    to_project: str
    """The project they may act in."""
    actions: list[str]
    """What it covers."""
    reason: str
    """Why."""
    created_at: str
    """RFC 3339 in UTC."""
    until: str
    """RFC 3339 in UTC."""


class Grants(_wire.Handle):
    """Cross-tenant grants."""

    __slots__ = ()

    def create(
        self,
        *,
        from_account: str,
        to_account: str,
        to_project: str,
        actions: Sequence[str],
        expires_in_seconds: int,
        reason: str,
        from_project: str | None = None,
    ) -> Grant:
        """Lets principals of one account act in a project of another, for named actions and a time.

        Args:
            from_account: The account whose principals may act.
            to_account: The account they may act in.
            to_project: The project they may act in.
            actions: Actions of guard calls (`process_prompt`) and rights (`tenant:read`) it covers. Never empty.
            expires_in_seconds: How long it holds, in seconds; at most 366 days.
            reason: Why, for the audit of both.
            from_project: Its project; empty for all of them.
        """
        return self._call(
            "grants.create",
            {
                "from_account": from_account,
                "to_account": to_account,
                "to_project": to_project,
                "actions": _wire.texts("actions", actions),
                "expires_in_seconds": expires_in_seconds,
                "reason": reason,
                "from_project": from_project,
            },
            Grant._read,
        )

    def acreate(
        self,
        *,
        from_account: str,
        to_account: str,
        to_project: str,
        actions: Sequence[str],
        expires_in_seconds: int,
        reason: str,
        from_project: str | None = None,
    ) -> Coroutine[Any, Any, Grant]:
        """As `create`, awaited."""
        return self._acall(
            "grants.create",
            {
                "from_account": from_account,
                "to_account": to_account,
                "to_project": to_project,
                "actions": _wire.texts("actions", actions),
                "expires_in_seconds": expires_in_seconds,
                "reason": reason,
                "from_project": from_project,
            },
            Grant._read,
        )

    def list(self) -> _wire.Page[Grant]:
        """Lists grants that have not ended, by id."""
        return self._call("grants.list", {}, _wire.page(Grant._read))

    def alist(self) -> Coroutine[Any, Any, _wire.Page[Grant]]:
        """As `list`, awaited."""
        return self._acall("grants.list", {}, _wire.page(Grant._read))

    def revoke(self, id: str) -> None:
        """Ends a grant at once.

        Args:
            id: Names it.
        """
        return self._call("grants.revoke", {"id": id}, _wire.nothing)

    def arevoke(self, id: str) -> Coroutine[Any, Any, None]:
        """As `revoke`, awaited."""
        return self._acall("grants.revoke", {"id": id}, _wire.nothing)

    def uses(
        self,
        *,
        since: _wire.Since | None = None,
        before: int | None = None,
        order: AuditOrder | None = None,
        limit: int | None = None,
    ) -> _wire.Page[AuditRecord]:
        """Reads what crossed between tenants: a stream of its own, read as `audit.query` reads a project's.

        Args:
            since: A sequence to start after, a time (RFC 3339), or how long ago (`7d`). No row before it is read,
                whatever the order.
            before: Before this row: where the next page of the newest goes on.
            order: Which row comes first; the oldest where nothing is said.
            limit: How many at most, up to 10,000; 100 where nothing is said.
        """
        return self._call(
            "grants.uses",
            {"since": _wire.since(since), "before": before, "order": order, "limit": limit},
            _wire.page(AuditRecord._read),
        )

    def auses(
        self,
        *,
        since: _wire.Since | None = None,
        before: int | None = None,
        order: AuditOrder | None = None,
        limit: int | None = None,
    ) -> Coroutine[Any, Any, _wire.Page[AuditRecord]]:
        """As `uses`, awaited."""
        return self._acall(
            "grants.uses",
            {"since": _wire.since(since), "before": before, "order": order, "limit": limit},
            _wire.page(AuditRecord._read),
        )
