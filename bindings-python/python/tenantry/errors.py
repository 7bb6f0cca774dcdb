"""What can go wrong, as exceptions. One class per family, the same closed set in every language.

A denial is an answer and never one of these families; `raise_for_denied` and `Shield` turn it into `BlockedError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ._tenantry import GuardResponse

__all__ = [
    "BlockedError",
    "Cancelled",
    "Conflict",
    "Data",
    "Internal",
    "InvalidArgument",
    "NotFound",
    "PermissionDenied",
    "QuotaExceeded",
    "RateLimited",
    "TenantryError",
    "Timeout",
    "Unauthenticated",
    "Unavailable",
]


class TenantryError(Exception):
    """Anything Tenantry raises."""

    kind: ClassVar[str] = "TenantryError"
    """The family's name; equal to the class's."""
    code: str
    """Stable and machine-readable, e.g. `scope_id_invalid`."""
    message: str
    """One sentence, without the help line. Of a policy's text, the line it stands in follows, and a caret below it."""
    help: str | None
    """What to do about it, if known."""
    retry_after: float | None
    """Seconds until a retry may succeed."""
    policy: str | None
    """The policy whose text it is about."""
    line: int | None
    """The line of that text, from 1."""
    column: int | None
    """The column, in characters from 1."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        help: str | None = None,
        retry_after: float | None = None,
        policy: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.help = help
        self.retry_after = retry_after
        self.policy = policy
        self.line = line
        self.column = column

    def __init_subclass__(cls, **details: Any) -> None:
        super().__init_subclass__(**details)
        if "kind" not in cls.__dict__ and cls.__bases__ == (TenantryError,):
            cls.kind = cls.__name__

    def __str__(self) -> str:
        sentence, *excerpt = self.message.split("\n", 1)
        text = f"{sentence} ({self.code})" if self.code else sentence
        return "\n".join([f"{text}; {self.help}" if self.help else text, *excerpt])

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross processes (multiprocessing, pytest-xdist) by their positional arguments alone.
        return type(self), self.args, dict(self.__dict__)


class InvalidArgument(TenantryError):
    """The input is not acceptable; the same call can never succeed."""


class Unauthenticated(TenantryError):
    """No credential, or one that could not be verified."""


class PermissionDenied(TenantryError):
    """The credential is good but does not reach this far."""


class NotFound(TenantryError):
    """The object does not exist in this scope (or exists in another one: the answer is the same)."""


class Conflict(TenantryError):
    """The object exists already, or was changed meanwhile."""


class RateLimited(TenantryError):
    """A rate was exceeded. Only `limits.acquire` and admin calls raise it."""


class QuotaExceeded(TenantryError):
    """A cap on stored objects was reached."""


class Timeout(TenantryError):
    """The deadline passed."""


class Cancelled(TenantryError):
    """The caller gave up."""


class Unavailable(TenantryError):
    """Something needed for a decision is out of reach; retrying may help."""


class Data(TenantryError):
    """Stored data is not what it should be."""


class Internal(TenantryError):
    """A defect in Tenantry."""


class BlockedError(TenantryError):
    """A guard call did not let the action proceed: denied, or suspended until somebody approves."""

    response: GuardResponse
    """The whole answer."""

    def __init__(self, response: GuardResponse) -> None:
        message, code, retry_after = response._blocked() or ("blocked", response.decision, None)
        super().__init__(message, code=code, retry_after=retry_after)
        self.response = response

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.response,), dict(self.__dict__)
