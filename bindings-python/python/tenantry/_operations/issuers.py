# Written by core/gen from the table of operations; do not edit.
"""Whose tokens are taken."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .. import _wire
from .words import Algorithm


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class IssuerReceipt(_wire.Record):
    """What came of putting an issuer. The entry holds whatever this says; tokens are taken as soon as a key for them is
    there.
    """

    issuer: str
    """The issuer."""
    keys: list[str]
    """The keys that verify its tokens, each by its `kid` or its place in the set."""
    skipped: list[str] = field(default_factory=list)
    """The keys that do not, each with the reason."""
    unreachable: str = ""
    """Why its keys could not be fetched; absent where they were, or where they were given."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class IssuerSpec(_wire.Record):
    """An identity provider whose tokens are taken, and for which accounts."""

    issuer: str
    """The exact `iss` of its tokens."""
    audience: list[str]
    """Tokens must name one of these in `aud`. Never empty."""
    audience_claim: str = ""
    """Which claim names the audience in tokens that have no `aud`, e.g. `client_id` for access tokens of Cognito;
    written as the paths of `claims` are. Empty: a token without `aud` is refused.
    """
    algorithms: list[Algorithm] = field(default_factory=list)
    """The algorithms taken, and no others: `RS256` where none is said. Never empty; `HS256` stands alone."""
    jwks_url: str = ""
    """Where its public keys are published. One of `jwks_url`, `jwks`, `secret` and `secret_base64` is given."""
    jwks: dict[str, Any] = field(default_factory=dict)
    """Its public keys, as a JWK set (RFC 7517)."""
    secret: str = ""
    """The shared secret for `HS256`, at least 32 bytes. Kept sealed; never shown again."""
    secret_base64: str = ""
    """The same, of bytes that are no text: in base64 or base64url, with padding or without."""
    private_network: bool = False
    """Allows `jwks_url` to name a private or loopback address, and plain HTTP."""
    leeway_seconds: int = 0
    """How far its clock may be off, in seconds: 0 to 300."""
    accounts: list[str]
    """The accounts it may speak for; `["*"]` for every account. Never empty."""
    project: str = ""
    """Every valid token is this project of the one account in `accounts`: single-tenant mode."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Where its tokens say what."""
    principal_prefix: str = ""
    """What the id of each of its principals starts with, before the token's subject, e.g. `okta:`. Of the issuers of
    one account one may do without, so that no two name the same principal. At most 64 printable ASCII characters.
    """

    _SECRETS: ClassVar[tuple[str, ...]] = ("secret", "secret_base64")


class Issuers(_wire.Handle):
    """Whose tokens are taken."""

    __slots__ = ()

    def put(
        self,
        issuer: str,
        *,
        audience: Sequence[str],
        accounts: Sequence[str],
        audience_claim: str | None = None,
        algorithms: Sequence[Algorithm] | None = None,
        jwks_url: str | None = None,
        jwks: Mapping[str, Any] | None = None,
        secret: str | None = None,
        secret_base64: str | None = None,
        private_network: bool | None = None,
        leeway_seconds: int | None = None,
        project: str | None = None,
        claims: Mapping[str, Any] | None = None,
        principal_prefix: str | None = None,
    ) -> IssuerReceipt:
        """Takes an issuer's tokens from now on, replacing what was said of it before. Published keys are fetched at
        once; the receipt says which keys there are, which are not used and why, and why none could be fetched. An
        entry that could never take a token is refused (`issuer_invalid`); keys that cannot be fetched now are no
        error.

        Args:
            issuer: The exact `iss` of its tokens.
            audience: Tokens must name one of these in `aud`. Never empty.
            accounts: The accounts it may speak for; `["*"]` for every account. Never empty.
            audience_claim: Which claim names the audience in tokens that have no `aud`, e.g. `client_id` for access
                tokens of Cognito; written as
        the paths of `claims` are. Empty: a token without `aud` is refused.
            algorithms: The algorithms taken, and no others: `RS256` where none is said. Never empty; `HS256` stands
                alone.
            jwks_url: Where its public keys are published. One of `jwks_url`, `jwks`, `secret` and `secret_base64` is
                given.
            jwks: Its public keys, as a JWK set (RFC 7517).
            secret: The shared secret for `HS256`, at least 32 bytes. Kept sealed; never shown again.
            secret_base64: The same, of bytes that are no text: in base64 or base64url, with padding or without.
            private_network: Allows `jwks_url` to name a private or loopback address, and plain HTTP.
            leeway_seconds: How far its clock may be off, in seconds: 0 to 300.
            project: Every valid token is this project of the one account in `accounts`: single-tenant mode.
            claims: Where its tokens say what.
            principal_prefix: What the id of each of its principals starts with, before the token's subject, e.g.
                `okta:`. Of the issuers of one
        account one may do without, so that no two name the same principal. At most 64 printable ASCII characters.
        """
        return self._call(
            "issuers.put",
            {
                "issuer": issuer,
                "audience": _wire.texts("audience", audience),
                "accounts": _wire.texts("accounts", accounts),
                "audience_claim": audience_claim,
                "algorithms": _wire.texts("algorithms", algorithms),
                "jwks_url": jwks_url,
                "jwks": _wire.fields("jwks", jwks),
                "secret": secret,
                "secret_base64": secret_base64,
                "private_network": private_network,
                "leeway_seconds": leeway_seconds,
                "project": project,
                "claims": _wire.fields("claims", claims),
                "principal_prefix": principal_prefix,
            },
            IssuerReceipt._read,
        )

    def aput(
        self,
        issuer: str,
        *,
        audience: Sequence[str],
        accounts: Sequence[str],
        audience_claim: str | None = None,
        algorithms: Sequence[Algorithm] | None = None,
        jwks_url: str | None = None,
        jwks: Mapping[str, Any] | None = None,
        secret: str | None = None,
        secret_base64: str | None = None,
        private_network: bool | None = None,
        leeway_seconds: int | None = None,
        project: str | None = None,
        claims: Mapping[str, Any] | None = None,
        principal_prefix: str | None = None,
    ) -> Coroutine[Any, Any, IssuerReceipt]:
        """As `put`, awaited."""
        return self._acall(
            "issuers.put",
            {
                "issuer": issuer,
                "audience": _wire.texts("audience", audience),
                "accounts": _wire.texts("accounts", accounts),
                "audience_claim": audience_claim,
                "algorithms": _wire.texts("algorithms", algorithms),
                "jwks_url": jwks_url,
                "jwks": _wire.fields("jwks", jwks),
                "secret": secret,
                "secret_base64": secret_base64,
                "private_network": private_network,
                "leeway_seconds": leeway_seconds,
                "project": project,
                "claims": _wire.fields("claims", claims),
                "principal_prefix": principal_prefix,
            },
            IssuerReceipt._read,
        )

    def check(self, issuer: str) -> IssuerReceipt:
        """Looks at the keys of an issuer as they are now; published ones are fetched.

        Args:
            issuer: The exact `iss` of its tokens.
        """
        return self._call("issuers.check", {"issuer": issuer}, IssuerReceipt._read)

    def acheck(self, issuer: str) -> Coroutine[Any, Any, IssuerReceipt]:
        """As `check`, awaited."""
        return self._acall("issuers.check", {"issuer": issuer}, IssuerReceipt._read)

    def remove(self, issuer: str) -> None:
        """Takes none of an issuer's tokens any more, also none that were taken before.

        Args:
            issuer: The exact `iss` of its tokens.
        """
        return self._call("issuers.remove", {"issuer": issuer}, _wire.nothing)

    def aremove(self, issuer: str) -> Coroutine[Any, Any, None]:
        """As `remove`, awaited."""
        return self._acall("issuers.remove", {"issuer": issuer}, _wire.nothing)

    def list(self) -> _wire.Page[IssuerSpec]:
        """Lists all issuers by name, without their secrets."""
        return self._call("issuers.list", {}, _wire.page(IssuerSpec._read))

    def alist(self) -> Coroutine[Any, Any, _wire.Page[IssuerSpec]]:
        """As `list`, awaited."""
        return self._acall("issuers.list", {}, _wire.page(IssuerSpec._read))
