# Written by core/gen from the table of operations; do not edit.
"""Workspaces of an account."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import _wire
from .words import Status


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Project(_wire.Record):
    """A project as admin calls return it."""

    id: str
    """The external id, unique within the account."""
    account_id: str
    """The account it belongs to."""
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


class Projects(_wire.Handle):
    """Workspaces of an account."""

    __slots__ = ()

    def create(
        self,
        account: str,
        id: str,
        *,
        tier: str | None = None,
        plan: str | None = None,
        region: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Project:
        """Creates a project in an account, with the baseline permits, floor `enforce` and audit `standard`.

        Args:
            id: The external id, unique within the account.
            tier: The commercial tier, e.g. `free`.
            plan: The plan.
            region: Where the tenant's data lives.
            labels: Free labels.
        """
        return self._call(
            "projects.create",
            {"id": id, "tier": tier, "plan": plan, "region": region, "labels": _wire.texts("labels", labels)},
            Project._read,
            account,
        )

    def acreate(
        self,
        account: str,
        id: str,
        *,
        tier: str | None = None,
        plan: str | None = None,
        region: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Coroutine[Any, Any, Project]:
        """As `create`, awaited."""
        return self._acall(
            "projects.create",
            {"id": id, "tier": tier, "plan": plan, "region": region, "labels": _wire.texts("labels", labels)},
            Project._read,
            account,
        )

    def ensure(
        self,
        account: str,
        id: str,
        *,
        tier: str | None = None,
        plan: str | None = None,
        region: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Project:
        """Gives the project of this id, and creates it where there is none, as `accounts.ensure` does. The account has
        to exist.

        Args:
            tier: The commercial tier, e.g. `free`.
            plan: The plan.
            region: Where the tenant's data lives.
            labels: Free labels.
        """
        return self._call(
            "projects.ensure",
            {"tier": tier, "plan": plan, "region": region, "labels": _wire.texts("labels", labels)},
            Project._read,
            account,
            id,
        )

    def aensure(
        self,
        account: str,
        id: str,
        *,
        tier: str | None = None,
        plan: str | None = None,
        region: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Coroutine[Any, Any, Project]:
        """As `ensure`, awaited."""
        return self._acall(
            "projects.ensure",
            {"tier": tier, "plan": plan, "region": region, "labels": _wire.texts("labels", labels)},
            Project._read,
            account,
            id,
        )

    def get(self, account: str, id: str) -> Project:
        """Reads one project."""
        return self._call("projects.get", {}, Project._read, account, id)

    def aget(self, account: str, id: str) -> Coroutine[Any, Any, Project]:
        """As `get`, awaited."""
        return self._acall("projects.get", {}, Project._read, account, id)

    def list(self, account: str) -> _wire.Page[Project]:
        """Lists the projects of an account, by id."""
        return self._call("projects.list", {}, _wire.page(Project._read), account)

    def alist(self, account: str) -> Coroutine[Any, Any, _wire.Page[Project]]:
        """As `list`, awaited."""
        return self._acall("projects.list", {}, _wire.page(Project._read), account)

    def suspend(self, account: str, id: str) -> Project:
        """Suspends a project: every call in it is denied until it is resumed."""
        return self._call("projects.suspend", {}, Project._read, account, id)

    def asuspend(self, account: str, id: str) -> Coroutine[Any, Any, Project]:
        """As `suspend`, awaited."""
        return self._acall("projects.suspend", {}, Project._read, account, id)

    def resume(self, account: str, id: str) -> Project:
        """Ends a suspension."""
        return self._call("projects.resume", {}, Project._read, account, id)

    def aresume(self, account: str, id: str) -> Coroutine[Any, Any, Project]:
        """As `resume`, awaited."""
        return self._acall("projects.resume", {}, Project._read, account, id)

    def delete(self, account: str, id: str) -> None:
        """Deletes a project. The name may be used again, with nothing of the old one in it."""
        return self._call("projects.delete", {}, _wire.nothing, account, id)

    def adelete(self, account: str, id: str) -> Coroutine[Any, Any, None]:
        """As `delete`, awaited."""
        return self._acall("projects.delete", {}, _wire.nothing, account, id)
