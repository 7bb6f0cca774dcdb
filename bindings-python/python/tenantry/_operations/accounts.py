# Written by core/gen from the table of operations; do not edit.
"""Customer organisations."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import _wire
from .words import Status


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Account(_wire.Record):
    """An account as admin calls return it."""

    id: str
    """The external id."""
    uid: str
    """The internal, never reused id."""
    status: Status
    """Whether calls are decided."""
    created_at: str
    """Creation time, RFC 3339 in UTC."""
    tier: str = ""
    """The commercial tier, e.g. `free`."""
    plan: str = ""
    """The plan."""
    region: str = ""
    """Where the tenant's data lives."""
    labels: list[str] = field(default_factory=list)
    """Free labels."""


class Accounts(_wire.Handle):
    """Customer organisations."""

    __slots__ = ()

    def create(
        self,
        id: str,
        *,
        tier: str | None = None,
        plan: str | None = None,
        region: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Account:
        """Creates an account. `Conflict` when an id that differs at most in case exists.

        Args:
            id: The external id.
            tier: The commercial tier, e.g. `free`.
            plan: The plan.
            region: Where the tenant's data lives.
            labels: Free labels.
        """
        return self._call(
            "accounts.create",
            {"id": id, "tier": tier, "plan": plan, "region": region, "labels": _wire.texts("labels", labels)},
            Account._read,
        )

    def acreate(
        self,
        id: str,
        *,
        tier: str | None = None,
        plan: str | None = None,
        region: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Coroutine[Any, Any, Account]:
        """As `create`, awaited."""
        return self._acall(
            "accounts.create",
            {"id": id, "tier": tier, "plan": plan, "region": region, "labels": _wire.texts("labels", labels)},
            Account._read,
        )

    def ensure(
        self,
        id: str,
        *,
        tier: str | None = None,
        plan: str | None = None,
        region: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Account:
        """Gives the account of this id, and creates it where there is none. What exists stays as it is, a suspension
        included; `Conflict` (`facts_differ`) when a fact that is given differs from what it has.

        Args:
            tier: The commercial tier, e.g. `free`.
            plan: The plan.
            region: Where the tenant's data lives.
            labels: Free labels.
        """
        return self._call(
            "accounts.ensure",
            {"tier": tier, "plan": plan, "region": region, "labels": _wire.texts("labels", labels)},
            Account._read,
            id,
        )

    def aensure(
        self,
        id: str,
        *,
        tier: str | None = None,
        plan: str | None = None,
        region: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Coroutine[Any, Any, Account]:
        """As `ensure`, awaited."""
        return self._acall(
            "accounts.ensure",
            {"tier": tier, "plan": plan, "region": region, "labels": _wire.texts("labels", labels)},
            Account._read,
            id,
        )

    def get(self, id: str) -> Account:
        """Reads one account."""
        return self._call("accounts.get", {}, Account._read, id)

    def aget(self, id: str) -> Coroutine[Any, Any, Account]:
        """As `get`, awaited."""
        return self._acall("accounts.get", {}, Account._read, id)

    def list(self) -> _wire.Page[Account]:
        """Lists all accounts, by id."""
        return self._call("accounts.list", {}, _wire.page(Account._read))

    def alist(self) -> Coroutine[Any, Any, _wire.Page[Account]]:
        """As `list`, awaited."""
        return self._acall("accounts.list", {}, _wire.page(Account._read))

    def suspend(self, id: str) -> Account:
        """Suspends an account: every call in it is denied until it is resumed."""
        return self._call("accounts.suspend", {}, Account._read, id)

    def asuspend(self, id: str) -> Coroutine[Any, Any, Account]:
        """As `suspend`, awaited."""
        return self._acall("accounts.suspend", {}, Account._read, id)

    def resume(self, id: str) -> Account:
        """Ends a suspension."""
        return self._call("accounts.resume", {}, Account._read, id)

    def aresume(self, id: str) -> Coroutine[Any, Any, Account]:
        """As `resume`, awaited."""
        return self._acall("accounts.resume", {}, Account._read, id)

    def delete(self, id: str) -> None:
        """Deletes an account and its projects. The name may be used again, with nothing of the old one in it."""
        return self._call("accounts.delete", {}, _wire.nothing, id)

    def adelete(self, id: str) -> Coroutine[Any, Any, None]:
        """As `delete`, awaited."""
        return self._acall("accounts.delete", {}, _wire.nothing, id)
