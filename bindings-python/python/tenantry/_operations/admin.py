# Written by core/gen from the table of operations; do not edit.
"""The installation as a whole."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from .. import _wire
from .audit import VerifyReport

if TYPE_CHECKING:
    from .accounts import Accounts
    from .grants import Grants
    from .projects import Projects


class Admin(_wire.Handle):
    """The installation as a whole."""

    __slots__ = ()

    @property
    def accounts(self) -> Accounts:
        """Customer organisations."""
        from .accounts import Accounts

        return Accounts(self._native)

    @property
    def projects(self) -> Projects:
        """Workspaces of an account."""
        from .projects import Projects

        return Projects(self._native)

    @property
    def grants(self) -> Grants:
        """Cross-tenant grants."""
        from .grants import Grants

        return Grants(self._native)

    def problems(self) -> _wire.Page[str]:
        """Finds what was changed in the data folder, or put there, by somebody else: rows of the catalog that are not
        ours, and files among the journals. Empty when all is as it should be.
        """
        return self._call("admin.problems", {}, _wire.page(_wire.as_is))

    def aproblems(self) -> Coroutine[Any, Any, _wire.Page[str]]:
        """As `problems`, awaited."""
        return self._acall("admin.problems", {}, _wire.page(_wire.as_is))

    def verify(self) -> VerifyReport:
        """Checks the chain of what is done on the platform itself, as `audit.verify` does a project's."""
        return self._call("admin.verify", {}, VerifyReport._read)

    def averify(self) -> Coroutine[Any, Any, VerifyReport]:
        """As `verify`, awaited."""
        return self._acall("admin.verify", {}, VerifyReport._read)
