# Written by core/gen from the table of operations; do not edit.
"""Our own tokens."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .. import _wire
from .words import PrincipalKind


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class AccessToken(_wire.Record):
    """The answer of the token endpoint. Absent fields are left out: clients reject null."""

    access_token: str
    """The signed token."""
    token_type: str
    """`Bearer`."""
    expires_in: int
    """Seconds until it expires."""
    scope: str = ""
    """The scopes it has, separated by spaces."""
    jti: str
    """The token's id."""
    iat: int
    """When it was issued, seconds since 1970."""
    account_id: str = ""
    """The account it reaches."""
    project_id: str = ""
    """The project it reaches; absent when it reaches a whole account."""
    external_id: str
    """The principal's id."""
    user_id: str = ""
    """Who made the key it was exchanged for."""
    refresh_token: str = ""
    """Gets the next pair, once."""

    _SECRETS: ClassVar[tuple[str, ...]] = ("access_token", "refresh_token")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Introspection(_wire.Record):
    """What a token is worth now (RFC 7662): `active` alone when nothing."""

    active: bool
    """Whether it would be taken."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Everything else it says."""
    _MORE: ClassVar[str] = "claims"


class Tokens(_wire.Handle):
    """Our own tokens."""

    __slots__ = ()

    def exchange(
        self,
        grant_type: str,
        *,
        api_key: str | None = None,
        refresh_token: str | None = None,
        scope: str | None = None,
        account_id: str | None = None,
        project_id: str | None = None,
    ) -> AccessToken:
        """Exchanges an API key for an access token, or a refresh token for the next pair.

        Args:
            grant_type: `api_key` or `refresh_token`.
            api_key: The key, for `api_key`.
            refresh_token: The refresh token, for `refresh_token`.
            scope: The scopes wanted, separated by spaces; empty for all the credential has.
            account_id: May confirm the credential's account; `default` and empty say nothing.
            project_id: May confirm the credential's project; `default` and empty say nothing.
        """
        return self._call(
            "tokens.exchange",
            {
                "grant_type": grant_type,
                "api_key": api_key,
                "refresh_token": refresh_token,
                "scope": scope,
                "account_id": account_id,
                "project_id": project_id,
            },
            AccessToken._read,
        )

    def aexchange(
        self,
        grant_type: str,
        *,
        api_key: str | None = None,
        refresh_token: str | None = None,
        scope: str | None = None,
        account_id: str | None = None,
        project_id: str | None = None,
    ) -> Coroutine[Any, Any, AccessToken]:
        """As `exchange`, awaited."""
        return self._acall(
            "tokens.exchange",
            {
                "grant_type": grant_type,
                "api_key": api_key,
                "refresh_token": refresh_token,
                "scope": scope,
                "account_id": account_id,
                "project_id": project_id,
            },
            AccessToken._read,
        )

    def issue(
        self,
        subject: str,
        *,
        type: PrincipalKind | None = None,
        account_id: str | None = None,
        project_id: str | None = None,
        roles: Sequence[str] | None = None,
        scopes: Sequence[str] | None = None,
        refresh: bool | None = None,
    ) -> AccessToken:
        """Issues a token for somebody the app itself has authenticated.

        Args:
            subject: The principal's id.
            type: What it is to policies.
            account_id: The account.
            project_id: The project; empty for every project of the account.
            roles: Its roles, highest first.
            scopes: Its OAuth scopes; empty for those its roles mean.
            refresh: Whether a refresh token comes with it.
        """
        return self._call(
            "tokens.issue",
            {
                "subject": subject,
                "type": type,
                "account_id": account_id,
                "project_id": project_id,
                "roles": _wire.texts("roles", roles),
                "scopes": _wire.texts("scopes", scopes),
                "refresh": refresh,
            },
            AccessToken._read,
        )

    def aissue(
        self,
        subject: str,
        *,
        type: PrincipalKind | None = None,
        account_id: str | None = None,
        project_id: str | None = None,
        roles: Sequence[str] | None = None,
        scopes: Sequence[str] | None = None,
        refresh: bool | None = None,
    ) -> Coroutine[Any, Any, AccessToken]:
        """As `issue`, awaited."""
        return self._acall(
            "tokens.issue",
            {
                "subject": subject,
                "type": type,
                "account_id": account_id,
                "project_id": project_id,
                "roles": _wire.texts("roles", roles),
                "scopes": _wire.texts("scopes", scopes),
                "refresh": refresh,
            },
            AccessToken._read,
        )

    def introspect(self, token: str) -> Introspection:
        """Says what a token or key is worth now; to a caller only those it reaches are worth anything.

        Args:
            token: The token or key itself.
        """
        return self._call("tokens.introspect", {"token": token}, Introspection._read)

    def aintrospect(self, token: str) -> Coroutine[Any, Any, Introspection]:
        """As `introspect`, awaited."""
        return self._acall("tokens.introspect", {"token": token}, Introspection._read)

    def revoke(self, token: str) -> None:
        """Ends a token; a refresh token with everything it led to. One that is not known is answered the same.

        Args:
            token: The token or key itself.
        """
        return self._call("tokens.revoke", {"token": token}, _wire.nothing)

    def arevoke(self, token: str) -> Coroutine[Any, Any, None]:
        """As `revoke`, awaited."""
        return self._acall("tokens.revoke", {"token": token}, _wire.nothing)

    def jwks(self) -> dict[str, Any]:
        """Publishes our public keys as a JWK set."""
        return self._call("tokens.jwks", {}, _wire.as_is)

    def ajwks(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """As `jwks`, awaited."""
        return self._acall("tokens.jwks", {}, _wire.as_is)

    def rotate_signing_key(self) -> None:
        """Signs with a new key from now on; the one before stays published until its last token has ended."""
        return self._call("tokens.rotate_signing_key", {}, _wire.nothing)

    def arotate_signing_key(self) -> Coroutine[Any, Any, None]:
        """As `rotate_signing_key`, awaited."""
        return self._acall("tokens.rotate_signing_key", {}, _wire.nothing)
