# Written by core/gen from the table of operations; do not edit.
"""API keys."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import _wire
from .words import KeyState, PrincipalKind


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ApiKey(_wire.Record):
    """An API key as admin calls return it: everything but the key."""

    id: str
    """Names it; not secret."""
    name: str
    """What people call it."""
    key_prefix: str
    """How it starts, for finding it in a configuration."""
    account_id: str = ""
    """The account it reaches; absent for a platform key."""
    project_id: str = ""
    """The project it reaches; absent when it reaches a whole account."""
    state: KeyState
    """Whether it is taken."""
    scopes: list[str]
    """Its OAuth scopes."""
    type: PrincipalKind
    """What its holder is to policies."""
    subject: str
    """The principal's id."""
    created_by: str
    """Who made it."""
    created_at: str
    """RFC 3339 in UTC."""
    expires_at: str | None = None
    """RFC 3339 in UTC."""
    last_used_at: str | None = None
    """RFC 3339 in UTC; written within a second of use."""
    replaced_by: str | None = None
    """The key that took its place."""
    description: str = ""
    """What it is for, for people."""
    environment: str = ""
    """What the app calls the place it is used in."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class NewApiKey(_wire.Record):
    """A key that was just made. The only time the key itself is shown."""

    key: str
    """The key. Empty for an imported one."""
    id: str
    """Names it; not secret."""
    name: str
    """What people call it."""
    key_prefix: str
    """How it starts, for finding it in a configuration."""
    account_id: str = ""
    """The account it reaches; absent for a platform key."""
    project_id: str = ""
    """The project it reaches; absent when it reaches a whole account."""
    state: KeyState
    """Whether it is taken."""
    scopes: list[str]
    """Its OAuth scopes."""
    type: PrincipalKind
    """What its holder is to policies."""
    subject: str
    """The principal's id."""
    created_by: str
    """Who made it."""
    created_at: str
    """RFC 3339 in UTC."""
    expires_at: str | None = None
    """RFC 3339 in UTC."""
    last_used_at: str | None = None
    """RFC 3339 in UTC; written within a second of use."""
    replaced_by: str | None = None
    """The key that took its place."""
    description: str = ""
    """What it is for, for people."""
    environment: str = ""
    """What the app calls the place it is used in."""

    _SECRETS: ClassVar[tuple[str, ...]] = ("key",)

    @property
    def record(self) -> ApiKey:
        """Everything else about it."""
        return ApiKey._read({name: value for name, value in self.to_dict().items() if name != "key"})


class Keys(_wire.Handle):
    """API keys."""

    __slots__ = ()

    def create(
        self,
        name: str,
        *,
        account_id: str | None = None,
        project_id: str | None = None,
        scopes: Sequence[str] | None = None,
        type: PrincipalKind | None = None,
        subject: str | None = None,
        expires_in_seconds: int | None = None,
        prefix: str | None = None,
        import_sha256: str | None = None,
        description: str | None = None,
        environment: str | None = None,
    ) -> NewApiKey:
        """Makes a key, no wider than its maker, or imports one by its hash. The key is shown this once.

        Args:
            name: What people call it.
            account_id: The account it reaches; empty for the caller's own.
            project_id: The project it reaches; empty for the caller's own, or for a whole account where the caller
                reaches one.
            scopes: Its OAuth scopes, no wider than its owner's. Empty: guard calls only.
            type: What its holder is to policies.
            subject: The principal's id; empty for the key's own id. Naming one needs `users:manage`.
            expires_in_seconds: How long it lives, in seconds; 0 for ever.
            prefix: What the key starts with; empty for the platform's setting.
            import_sha256: SHA-256 of a key another system made, hexadecimal: the key itself is then never known
                here.
            description: What it is for, for people; at most 1,024 bytes.
            environment: What the app calls the place it is used in, e.g. `live` or `test`; at most 64 bytes.
        """
        return self._call(
            "keys.create",
            {
                "name": name,
                "account_id": account_id,
                "project_id": project_id,
                "scopes": _wire.texts("scopes", scopes),
                "type": type,
                "subject": subject,
                "expires_in_seconds": expires_in_seconds,
                "prefix": prefix,
                "import_sha256": import_sha256,
                "description": description,
                "environment": environment,
            },
            NewApiKey._read,
        )

    def acreate(
        self,
        name: str,
        *,
        account_id: str | None = None,
        project_id: str | None = None,
        scopes: Sequence[str] | None = None,
        type: PrincipalKind | None = None,
        subject: str | None = None,
        expires_in_seconds: int | None = None,
        prefix: str | None = None,
        import_sha256: str | None = None,
        description: str | None = None,
        environment: str | None = None,
    ) -> Coroutine[Any, Any, NewApiKey]:
        """As `create`, awaited."""
        return self._acall(
            "keys.create",
            {
                "name": name,
                "account_id": account_id,
                "project_id": project_id,
                "scopes": _wire.texts("scopes", scopes),
                "type": type,
                "subject": subject,
                "expires_in_seconds": expires_in_seconds,
                "prefix": prefix,
                "import_sha256": import_sha256,
                "description": description,
                "environment": environment,
            },
            NewApiKey._read,
        )

    def list(self, *, account_id: str | None = None, project_id: str | None = None) -> _wire.Page[ApiKey]:
        """Lists the keys of a project, an account, or with both empty of the caller's own project or the platform;
        oldest first.

        Args:
            account_id: Those of this account; absent for the caller's own place.
            project_id: Those of this project of it.
        """
        return self._call("keys.list", {"account_id": account_id, "project_id": project_id}, _wire.page(ApiKey._read))

    def alist(
        self,
        *,
        account_id: str | None = None,
        project_id: str | None = None,
    ) -> Coroutine[Any, Any, _wire.Page[ApiKey]]:
        """As `list`, awaited."""
        return self._acall("keys.list", {"account_id": account_id, "project_id": project_id}, _wire.page(ApiKey._read))

    def get(self, id: str) -> ApiKey:
        """Reads one key, without its secret.

        Args:
            id: Names it; not secret.
        """
        return self._call("keys.get", {"id": id}, ApiKey._read)

    def aget(self, id: str) -> Coroutine[Any, Any, ApiKey]:
        """As `get`, awaited."""
        return self._acall("keys.get", {"id": id}, ApiKey._read)

    def revoke(self, id: str) -> ApiKey:
        """Ends a key and everything that was exchanged for it, at once.

        Args:
            id: Names it; not secret.
        """
        return self._call("keys.revoke", {"id": id}, ApiKey._read)

    def arevoke(self, id: str) -> Coroutine[Any, Any, ApiKey]:
        """As `revoke`, awaited."""
        return self._acall("keys.revoke", {"id": id}, ApiKey._read)

    def rotate(self, id: str, *, overlap_seconds: int | None = None) -> NewApiKey:
        """Makes a key to take another's place; the old one is taken for `overlap_seconds` more.

        Args:
            id: Names the key; not secret.
            overlap_seconds: How long the old key is taken beside the new one, in seconds; absent for not at all.
        """
        return self._call("keys.rotate", {"id": id, "overlap_seconds": overlap_seconds}, NewApiKey._read)

    def arotate(self, id: str, *, overlap_seconds: int | None = None) -> Coroutine[Any, Any, NewApiKey]:
        """As `rotate`, awaited."""
        return self._acall("keys.rotate", {"id": id, "overlap_seconds": overlap_seconds}, NewApiKey._read)
