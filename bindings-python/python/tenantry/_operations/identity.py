# Written by core/gen from the table of operations; do not edit.
"""Who callers are."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .. import _wire
from .._tenantry import Principal
from .limits import LimitSpec
from .words import CredentialKind

if TYPE_CHECKING:
    from .issuers import Issuers
    from .keys import Keys
    from .tokens import Tokens


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class AutoProvision(_wire.Record):
    """What happens when a verified credential names an account nobody created."""

    enabled: bool = field(default=_wire.UNSAID, kw_only=False)
    """Whether it is created."""
    max_accounts: int = _wire.UNSAID
    """Most accounts made up this way."""
    per_minute: int = _wire.UNSAID
    """Most accounts made up this way in one minute."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Facts of what is created."""
    policies: list[dict[str, Any]] = field(default_factory=list)
    """Policies every new project starts with, beside the baseline."""
    limits: list[LimitSpec] = field(default_factory=list)
    """Limits every new project starts with."""

    _PARTS: ClassVar[dict[str, Callable[[Any], Any]]] = {"limits": _wire.each(LimitSpec._read)}

    def __post_init__(self) -> None:
        _wire.complete(self)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Identity(_wire.Record):
    """Who a verified credential is, and what it reaches."""

    principal: Principal
    """Who acts."""
    credential: CredentialKind
    """What the credential was."""
    credential_id: str = ""
    """Its id: the key's id, or the token's `jti`; absent when it has none."""
    issuer: str = ""
    """The token's issuer."""
    account_id: str = ""
    """The account it reaches; absent for the whole platform."""
    project_ids: list[str] = field(default_factory=list)
    """The projects it reaches; absent for all of the account."""
    scopes: list[str]
    """What it may do, roles counted in."""
    expires_at: str | None = None
    """When it ends, RFC 3339 in UTC; absent for never."""

    _PARTS: ClassVar[dict[str, Callable[[Any], Any]]] = {"principal": Principal._read}


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class WhoAmI(_wire.Record):
    """Who asks."""

    principal: Principal | None = None
    """Who acts."""
    credential: CredentialKind | None = None
    """What the credential was."""
    credential_id: str = ""
    """Its id: the key's id, or the token's `jti`; absent when it has none."""
    issuer: str = ""
    """The token's issuer."""
    account_id: str = ""
    """The account it reaches; absent for the whole platform."""
    project_ids: list[str] = field(default_factory=list)
    """The projects it reaches; absent for all of the account."""
    scopes: list[str] = field(default_factory=list)
    """What it may do, roles counted in."""
    expires_at: str | None = None
    """When it ends, RFC 3339 in UTC; absent for never."""

    _PARTS: ClassVar[dict[str, Callable[[Any], Any]]] = {"principal": Principal._read}


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class IdentitySettings(_wire.Record):
    """What the platform decides about identity."""

    issuer: str = _wire.UNSAID
    """The `iss` of our own tokens; empty for one made from the installation's key id."""
    trust_domain: str = _wire.UNSAID
    """The trust domain of agents' SPIFFE ids in our own tokens."""
    key_prefix: str = _wire.UNSAID
    """What new API keys start with, e.g. `tnt_sk`, or `hf_sk` for Highflame's clients."""
    access_token_seconds: int = _wire.UNSAID
    """Lifetime of our access tokens, in seconds."""
    refresh_token_seconds: int = _wire.UNSAID
    """Lifetime of our refresh tokens, in seconds."""
    max_keys: int = _wire.UNSAID
    """Most living API keys per project."""
    roles: dict[str, list[str]] = _wire.UNSAID
    """Which scopes a role means, for credentials that carry roles and no scopes."""
    auto_provision: AutoProvision = _wire.UNSAID
    """What happens to accounts nobody has seen."""

    _PARTS: ClassVar[dict[str, Callable[[Any], Any]]] = {"auto_provision": AutoProvision._read}

    def __post_init__(self) -> None:
        _wire.complete(self)


class Identities(_wire.Handle):
    """Who callers are."""

    __slots__ = ()

    @property
    def issuers(self) -> Issuers:
        """Whose tokens are taken."""
        from .issuers import Issuers

        return Issuers(self._native)

    @property
    def keys(self) -> Keys:
        """API keys."""
        from .keys import Keys

        return Keys(self._native)

    @property
    def tokens(self) -> Tokens:
        """Our own tokens."""
        from .tokens import Tokens

        return Tokens(self._native)

    def verify(self, credential: str) -> Identity:
        """Says who a token or key is, and what it reaches.

        Args:
            credential: The token or key.
        """
        return self._call("identity.verify", {"credential": credential}, Identity._read)

    def averify(self, credential: str) -> Coroutine[Any, Any, Identity]:
        """As `verify`, awaited."""
        return self._acall("identity.verify", {"credential": credential}, Identity._read)

    def whoami(self) -> WhoAmI:
        """Says who asks, and what it reaches; nobody when it is the process itself."""
        return self._call("identity.whoami", {}, WhoAmI._read)

    def awhoami(self) -> Coroutine[Any, Any, WhoAmI]:
        """As `whoami`, awaited."""
        return self._acall("identity.whoami", {}, WhoAmI._read)

    def settings(self) -> IdentitySettings:
        """Reads the platform's settings of identity."""
        return self._call("identity.settings", {}, IdentitySettings._read)

    def asettings(self) -> Coroutine[Any, Any, IdentitySettings]:
        """As `settings`, awaited."""
        return self._acall("identity.settings", {}, IdentitySettings._read)

    def put_settings(self, settings: IdentitySettings | Mapping[str, Any]) -> IdentitySettings:
        """Replaces the platform's settings of identity.

        Args:
            settings: `IdentitySettings`, or the same as plain data. What is left out has its default.
        """
        return self._call("identity.put_settings", _wire.fields("settings", settings), IdentitySettings._read)

    def aput_settings(self, settings: IdentitySettings | Mapping[str, Any]) -> Coroutine[Any, Any, IdentitySettings]:
        """As `put_settings`, awaited."""
        return self._acall("identity.put_settings", _wire.fields("settings", settings), IdentitySettings._read)
