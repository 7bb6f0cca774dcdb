"""The names of the public client's `highflame.zeroid`, answered by the embedded engine.

Change `from highflame.zeroid import ...` to `from tenantry.compat.highflame.zeroid import ...`; the rest of the code
stays. Nothing is sent: `base_url` is remembered, as the place where a server would be asked.

Here are API keys, the tokens exchanged for them, and their verification. Agents and identities, credential policies,
OAuth clients, delegation, assertions by private key and risk signals are not; neither are per-call tenants, since
another tenant is another client. Times are RFC 3339 text in UTC.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ... import AccessToken, PermissionDenied, Tenant, Tenantry
from ... import ApiKey as APIKey
from ... import Conflict as ConflictError
from ... import Identities as _Identities
from ... import Identity as _Identity
from ... import Internal as InvalidResponseError
from ... import InvalidArgument as InvalidRequestError
from ... import InvalidArgument as ValidationError
from ... import NewApiKey as APIKeyCreated
from ... import NotFound as NotFoundError
from ... import RateLimited as RateLimitError
from ... import TenantryError as APIError
from ... import TenantryError as ZeroIDError
from ... import Unauthenticated as AuthenticationError
from ... import Unavailable as NetworkError
from ._twins import Call, ask, twins

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "APIError",
    "APIKey",
    "APIKeyCreated",
    "AccessToken",
    "AuthenticationError",
    "ConflictError",
    "HealthResponse",
    "InvalidRequestError",
    "InvalidResponseError",
    "JWKSResponse",
    "NetworkError",
    "NotFoundError",
    "RateLimitError",
    "TokenIntrospection",
    "ValidationError",
    "ZeroIDClient",
    "ZeroIDError",
    "ZeroIDIdentity",
]

DEFAULT = "default"
"""What the public client sends for an account or project it was not told: it says nothing."""


@dataclass(frozen=True, kw_only=True)
class _Claims:
    """What a token says; `""` and 0 for what it does not."""

    sub: str = ""
    iss: str = ""
    aud: tuple[str, ...] = ()
    iat: int = 0
    exp: int = 0
    jti: str = ""
    account_id: str = ""
    project_id: str = ""
    external_id: str = ""
    user_id: str = ""
    name: str = ""
    identity_type: str = ""
    sub_type: str = ""
    trust_level: str = ""
    status: str = ""
    grant_type: str = ""
    act: dict[str, Any] | None = None
    claims: dict[str, Any] = field(default_factory=dict, repr=False)
    """All of them, by the names they have in the token."""


def _read(claims: dict[str, Any]) -> dict[str, Any]:
    """The fields of `_Claims`; a claim of another type than it should have says nothing."""
    kinds = {part.name: type(part.default) for part in fields(_Claims) if isinstance(part.default, str | int)}
    read = {name: claims[name] for name, kind in kinds.items() if isinstance(claims.get(name), kind)}
    audience, act = claims.get("aud"), claims.get("act")
    audiences = audience if isinstance(audience, list) else [audience]
    read["aud"] = tuple(name for name in audiences if isinstance(name, str))
    read["act"] = act if isinstance(act, dict) else None
    return read | {"claims": claims}


@dataclass(frozen=True, kw_only=True)
class TokenIntrospection(_Claims):
    """What a token is worth now: nothing, unless `active`."""

    active: bool
    scope: str = ""


@dataclass(frozen=True, kw_only=True)
class ZeroIDIdentity(_Claims):
    """Who a verified token is."""

    scopes: tuple[str, ...] = ()

    def has_scope(self, scope: str) -> bool:
        """Whether the token has this scope."""
        return scope in self.scopes

    def require_scope(self, scope: str) -> None:
        """Raises `ZeroIDError` with code `insufficient_scope` unless the token has this scope."""
        if not self.has_scope(scope):
            raise PermissionDenied(f"the token lacks the scope `{scope}`", code="insufficient_scope")


@dataclass(frozen=True)
class HealthResponse:
    """That the engine answers."""

    status: str
    service: str
    timestamp: datetime
    uptime_ms: int


@dataclass(frozen=True)
class JWKSResponse:
    """The public keys of our own tokens."""

    keys: list[dict[str, Any]]


class _Reach:
    """The tenant a client is bound to, and as whom it acts there."""

    def __init__(self, client: Tenantry, api_key: str | None, account: str, project: str) -> None:
        self.client, self.account, self.project = client, account, project
        self._api_key = api_key
        self._named: Tenant | None = None

    def named(self) -> Generator[Call, Any, Tenant]:
        """The tenant as the given credential, or as this process; its rooms reach nothing else either way."""
        if self._named is None:
            if self._api_key is not None:
                told = [("x-api-key", self._api_key), ("x-account-id", self.account), ("x-project-id", self.project)]
                asked = ask(self.client, "authenticate", told)
            elif self.account == DEFAULT:
                asked = ask(self.client, "_own")
            else:
                asked = ask(self.client, "tenant", self.account, self.project)
            tenant: Tenant = yield from asked
            self._named = tenant
        return self._named

    @property
    def is_open(self) -> bool:
        """Whether nothing names a tenant: then the process judges tokens of every one."""
        return self._api_key is None and self.account == DEFAULT

    def identity(self) -> Generator[Call, Any, _Identities]:
        """What judges tokens."""
        return self.client.identity if self.is_open else (yield from self.named()).identity


class APIKeysResource:
    """API keys of the client's tenant."""

    def __init__(self, reach: _Reach) -> None:
        self._reach = reach

    def _create(
        self,
        *,
        name: str,
        description: str = "",
        scopes: list[str] | None = None,
        environment: str = "",
        expires_in_days: int | None = None,
        metadata: Any | None = None,
        timeout: float | None = None,
    ) -> Generator[Call, Any, APIKeyCreated]:
        """Makes a key; `.key` is shown this once. `metadata` is not kept."""
        tenant = yield from self._reach.named()
        seconds = 0 if expires_in_days is None else expires_in_days * 86_400
        if expires_in_days is not None and seconds <= 0:
            raise InvalidRequestError("expires_in_days is 1 or more", code="request_invalid")
        told = {"description": description, "environment": environment}
        made = yield from ask(tenant.identity.keys, "create", name, scopes=scopes, expires_in_seconds=seconds, **told)
        return made  # type: ignore[no-any-return]

    def _list(
        self, *, limit: int = 20, offset: int = 0, timeout: float | None = None
    ) -> Generator[Call, Any, list[APIKey]]:
        """The keys of the client's tenant, oldest first: `limit` of them after the first `offset`."""
        if limit < 1 or offset < 0:
            raise InvalidRequestError("limit is 1 or more and offset 0 or more", code="request_invalid")
        tenant = yield from self._reach.named()
        keys: list[APIKey] = yield from ask(tenant.identity.keys, "list")
        return keys[offset : offset + limit]

    def _get(self, id: str, *, timeout: float | None = None) -> Generator[Call, Any, APIKey]:
        """One key. `NotFoundError` when the client's tenant has none of this id."""
        tenant = yield from self._reach.named()
        return (yield from ask(tenant.identity.keys, "get", id))  # type: ignore[no-any-return]

    def _revoke(self, id: str, *, reason: str = "", timeout: float | None = None) -> Generator[Call, Any, None]:
        """Ends a key and everything that was exchanged for it, at once. `reason` is not kept."""
        tenant = yield from self._reach.named()
        yield from ask(tenant.identity.keys, "revoke", id)

    create, acreate = twins(_create)
    get, aget = twins(_get)
    revoke, arevoke = twins(_revoke)
    # Last: from here on `list` names the method.
    list, alist = twins(_list)


class TokensResource:
    """Tokens of the client's tenant. Those of any other are worth nothing here."""

    def __init__(self, reach: _Reach) -> None:
        self._reach = reach

    def _exchange(self, grant_type: str, **given: str) -> Generator[Call, Any, AccessToken]:
        tokens = self._reach.client.identity.tokens
        if self._reach.is_open:
            return (yield from ask(tokens, "exchange", grant_type, **given))  # type: ignore[no-any-return]
        tenant = yield from self._reach.named()
        named = {"account_id": tenant.account_id, "project_id": tenant.project_id}
        token: AccessToken = yield from ask(tokens, "exchange", grant_type, **given, **named)
        # A key of a whole account confirms each of its projects, and its token opens them all.
        if (token.account_id, token.project_id) != (tenant.account_id, tenant.project_id):
            raise PermissionDenied("the credential is not one of this client's tenant alone", code="outside_authority")
        return token

    def _issue_api_key(
        self, api_key: str, *, scope: str = "", timeout: float | None = None
    ) -> Generator[Call, Any, AccessToken]:
        """A token for an API key; `scope` narrows it."""
        return (yield from self._exchange("api_key", api_key=api_key, scope=scope))

    def _issue_refresh_token(
        self, refresh_token: str, *, scope: str = "", timeout: float | None = None
    ) -> Generator[Call, Any, AccessToken]:
        """The next pair for a refresh token, which works once."""
        return (yield from self._exchange("refresh_token", refresh_token=refresh_token, scope=scope))

    def _introspect(
        self, token: str, *, client_id: str = "", client_secret: str = "", timeout: float | None = None
    ) -> Generator[Call, Any, TokenIntrospection]:
        """What a token is worth now. No OAuth client is needed: this client asks as itself."""
        identity = yield from self._reach.identity()
        seen = yield from ask(identity.tokens, "introspect", token)
        return TokenIntrospection(active=seen.active, scope=seen.claims.get("scope", ""), **_read(seen.claims))

    def _revoke(
        self, token: str, *, client_id: str = "", client_secret: str = "", timeout: float | None = None
    ) -> Generator[Call, Any, None]:
        """Ends a token, or a refresh token with everything it led to. One that is not known is answered the same."""
        identity = yield from self._reach.identity()
        yield from ask(identity.tokens, "revoke", token)

    def _verify(self, token: str, audience: str | list[str] | None = None) -> Generator[Call, Any, ZeroIDIdentity]:
        """Who a token is; `ZeroIDError` when it is not taken. Unlike there, a revoked one is not."""
        if not token:
            raise AuthenticationError("no token is given", code="missing_token")
        identity = yield from self._reach.identity()
        who: _Identity = yield from ask(identity, "verify", token)
        seen = yield from ask(identity.tokens, "introspect", token)
        read = _read(seen.claims)
        wanted = [audience] if isinstance(audience, str) else audience
        if not seen.active or (wanted is not None and not set(wanted) & set(read["aud"])):
            raise AuthenticationError("the token is not for this audience, or has ended", code="invalid_signature")
        return ZeroIDIdentity(scopes=tuple(who.scopes), **read)

    issue_api_key, aissue_api_key = twins(_issue_api_key)
    issue_refresh_token, aissue_refresh_token = twins(_issue_refresh_token)
    refresh, arefresh = issue_refresh_token, aissue_refresh_token
    introspect, aintrospect = twins(_introspect)
    revoke, arevoke = twins(_revoke)
    verify, averify = twins(_verify)


class ZeroIDClient:
    """A client of one tenant, and of nothing else: the one `account_id` and `project_id` name.

    `default`, or nothing, leaves a name open: then it is the tenant of the given key, or of this process's
    configuration, and without a key tokens are judged for every tenant. With `api_key` it acts as that credential,
    verified at the first use; without one as this process, which may do anything in that tenant. `timeout`: seconds.
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        account_id: str | None = DEFAULT,
        project_id: str | None = DEFAULT,
        api_key: str | None = None,
        timeout: float | None = None,
        max_retries: int = 0,
        default_headers: dict[str, str] | None = None,
    ) -> None:
        if api_key == "":
            # An unset variable must not turn a credential's client into the process's own.
            raise InvalidRequestError("api_key is empty", code="config_invalid")
        account, project = (DEFAULT if name is None else name for name in (account_id, project_id))
        # `max_retries` only shapes HTTP there.
        self._client = Tenantry(
            account_id=None if account == DEFAULT else account,
            project_id=None if project == DEFAULT else project,
            deadline_ms=None if timeout is None else round(timeout * 1000),
            default_headers=default_headers,
        )
        self._started = time.monotonic()
        self.base_url = base_url
        self._reach = _Reach(self._client, api_key, account, project)
        self.api_keys = APIKeysResource(self._reach)
        self.tokens = TokensResource(self._reach)

    @property
    def account_id(self) -> str:
        """The account, or `default`."""
        return self._reach.account

    @property
    def project_id(self) -> str:
        """The project, or `default`."""
        return self._reach.project

    def _jwks(self, *, timeout: float | None = None) -> Generator[Call, Any, JWKSResponse]:
        """The public keys that verify our tokens."""
        published = yield from ask(self._client.identity.tokens, "jwks")
        return JWKSResponse(published["keys"])

    def _health(self, *, timeout: float | None = None) -> Generator[Call, Any, HealthResponse]:
        """That the engine answers; `NetworkError` when what it needs is out of reach."""
        yield from self._jwks()
        uptime = round((time.monotonic() - self._started) * 1000)
        return HealthResponse("ok", "tenantry", datetime.now(timezone.utc), uptime)

    def _close(self) -> Generator[Call, Any, None]:
        """Writes down everything pending and refuses further calls."""
        yield from ask(self._client, "close")

    jwks, ajwks = twins(_jwks)
    health, ahealth = twins(_health)
    close, aclose = twins(_close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return (
            f"ZeroIDClient(base_url={self.base_url!r}, account_id={self.account_id!r}, project_id={self.project_id!r})"
        )
