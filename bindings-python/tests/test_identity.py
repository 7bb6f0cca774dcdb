"""Callers and credentials: who may enter, where, until when, and what is never shown."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

import pytest

from conftest import made
from samples import BENIGN
from tenantry import (
    AccessToken,
    ApiKey,
    AutoProvision,
    Grant,
    Identity,
    IdentitySettings,
    Introspection,
    InvalidArgument,
    IssuerSpec,
    NewApiKey,
    NotFound,
    PermissionDenied,
    Principal,
    Tenant,
    Tenantry,
    TenantryError,
    Unauthenticated,
    Unavailable,
)

ISSUER = "https://idp.example"
SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture(autouse=True)
def customers(client: Tenantry) -> None:
    made(client, "acme")
    made(client, "globex")


@pytest.fixture
def key(client: Tenantry) -> NewApiKey:
    return client.identity.keys.create("app", account_id="acme", project_id="prod", scopes=["tools:read"])


def code(call: Callable[[], object]) -> str:
    with pytest.raises(TenantryError) as caught:
        call()
    return caught.value.code


def signed(claims: Mapping[str, Any], secret: str = SECRET) -> str:
    """A token as an identity provider with a shared secret signs it."""
    base = {"iss": ISSUER, "aud": "tenantry", "sub": "ann", "exp": int(time.time()) + 3_600, "account_id": "acme"}
    parts = [{"alg": "HS256", "typ": "JWT"}, base | dict(claims)]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    tag = hmac.new(secret.encode(), b".".join(texts), hashlib.sha256).digest()
    return b".".join([*texts, base64.urlsafe_b64encode(tag).rstrip(b"=")]).decode()


def trust(client: Tenantry, **more: Any) -> None:
    entry = {"audience": ["tenantry"], "accounts": ["acme"], "algorithms": ["HS256"], "secret": SECRET, **more}
    client.identity.issuers.put(ISSUER, **entry)


class Pairs:
    """As werkzeug's headers: no mapping, iterates over pairs, and a name may come twice."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = pairs

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)


class Multi(Mapping[str, str]):
    """As Starlette's headers: a mapping whose `items` has every line and whose lookup has the first."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = pairs

    def __getitem__(self, name: str) -> str:
        return dict(reversed(self.pairs))[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def items(self) -> Any:
        return list(self.pairs)


def message(*pairs: tuple[str, str]) -> Message:
    headers = Message()
    for name, value in pairs:
        headers[name] = value
    return headers


SHAPES: dict[str, Callable[..., Any]] = {
    "pairs": lambda *pairs: list(pairs),
    "generator": lambda *pairs: (list(pair) for pair in pairs),
    "asgi": lambda *pairs: [(name.lower().encode(), value.encode()) for name, value in pairs],
    "multi": Multi,
    "werkzeug": Pairs,
    "wsgiref": lambda *pairs: Headers(list(pairs)),
    "http.client": message,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_headers_are_read_in_every_shape_and_what_is_said_twice_is_refused(
    client: Tenantry, key: NewApiKey, shape: str
) -> None:
    headers = SHAPES[shape]
    tenant = client.authenticate(headers(("X-API-Key", key.key), ("X-Project-ID", "prod"), ("accept", "*/*")))
    assert (tenant.account_id, tenant.project_id) == ("acme", "prod")
    twice = headers(("X-API-Key", key.key), ("x-account-id", "acme"), ("X-Account-ID", "globex"))
    assert code(lambda: client.authenticate(twice)) == "header_duplicate"


def test_a_mapping_may_hold_lists_bytes_and_a_bare_token_needs_no_headers(client: Tenantry, key: NewApiKey) -> None:
    for credential in (
        key.key,
        {"authorization": f"Bearer {key.key}"},
        {b"x-api-key": key.key.encode()},
        {"x-api-key": [key.key], "x-other": ()},
        {"x-api-key": (key.key.encode(),), "x-name": "J\u00fcrgen".encode("latin-1")},
    ):
        assert client.authenticate(credential).project_id == "prod"
    assert code(lambda: client.authenticate({"x-api-key": [key.key, key.key]})) == "header_duplicate"
    assert code(lambda: client.authenticate({"x-api-key": key.key, "x-tenant-id": "globex"})) == "outside_authority"


@pytest.mark.parametrize(
    "credential",
    [None, 7, object(), ["ab"], [("x-api-key",)], [("a", "b", "c")], {"x-api-key": None}, {7: "x"}],
    ids=repr,
)
def test_what_is_neither_a_credential_nor_headers_is_refused(client: Tenantry, credential: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        client.authenticate(credential)
    assert caught.value.code == "request_invalid"


def test_headers_without_end_are_refused(client: Tenantry) -> None:
    def endless() -> Iterator[tuple[str, str]]:
        while True:
            yield "x", "y"

    assert code(lambda: client.authenticate(endless())) == "headers_too_many"


def test_what_reading_headers_raises_is_raised(client: Tenantry) -> None:
    def broken() -> Iterator[tuple[str, str]]:
        raise OSError("gone")
        yield "", ""

    with pytest.raises(OSError, match="gone"):
        client.authenticate(broken())


def test_no_credential_is_refused_and_not_taken_for_anybody(client: Tenantry) -> None:
    nobodies: list[Any] = [{}, [], {"x-tenant-id": "acme"}, {"authorization": "Basic abc"}, ""]
    for nobody in nobodies:
        with pytest.raises(Unauthenticated):
            client.authenticate(nobody)


def test_a_stream_may_carry_its_token_in_the_query(client: Tenantry, key: NewApiKey) -> None:
    target = f"/api/v1/stream/sse?api_key={key.key}"
    assert client.authenticate({}, method="GET", target=target).project_id == "prod"
    with pytest.raises(Unauthenticated):
        client.authenticate({}, method="POST", target=target)


def test_a_caller_is_who_its_credential_says(client: Tenantry, key: NewApiKey) -> None:
    tenant = client.authenticate(key.key)
    caller = tenant.caller
    assert isinstance(caller, Identity)
    assert (caller.credential, caller.credential_id, caller.account_id) == ("api_key", key.id, "acme")
    assert (caller.project_ids, caller.scopes, caller.expires_at) == (["prod"], ["tools:read"], None)
    assert caller.principal == Principal(key.id, scopes=["tools:read"])
    assert caller == client.identity.verify(key.key)
    assert caller.to_dict()["credential_id"] == key.id
    assert client.tenant("acme", "prod").caller is None


def test_a_handle_ends_with_its_credential(client: Tenantry, key: NewApiKey) -> None:
    tenant = client.authenticate(key.key)
    token = client.identity.tokens.exchange("api_key", api_key=key.key)
    by_token = client.authenticate(token.access_token)
    assert tenant.guard.evaluate_prompt(BENIGN).allowed
    assert by_token.guard.evaluate_prompt(BENIGN).allowed
    assert client.identity.keys.revoke(key.id).state == "revoked"
    assert code(lambda: tenant.guard.evaluate_prompt(BENIGN)) == "credential_revoked"
    assert code(lambda: by_token.guard.evaluate_prompt(BENIGN)) == "credential_revoked"
    assert code(lambda: client.authenticate(key.key)) == "credential_unknown"
    assert client.identity.tokens.introspect(token.access_token) == client.identity.tokens.introspect("nothing")


def test_scopes_are_required_of_the_caller(client: Tenantry, key: NewApiKey) -> None:
    tenant = client.authenticate(key.key)
    tenant.require_scopes()
    tenant.require_scopes("tools:read")
    with pytest.raises(PermissionDenied) as caught:
        tenant.require_scopes("tools:read", "tenant:read")
    assert caught.value.code == "scope_missing"
    assert code(lambda: tenant.policies.list()) == "scope_missing"
    assert tenant.guard.evaluate_tool_call("search").code == "insufficient_scope"
    with pytest.raises(PermissionDenied):
        client.tenant("acme", "prod").require_scopes("tools:read")


def test_a_key_is_shown_once_listed_rotated_and_revoked(client: Tenantry, key: NewApiKey) -> None:
    keys = client.identity.keys
    assert key.key.startswith(key.key_prefix)
    assert (key.name, key.state, key.type, key.scopes) == ("app", "active", "user", ["tools:read"])
    (listed,) = keys.list(account_id="acme", project_id="prod")
    assert keys.get(listed.id) == listed
    assert isinstance(listed, ApiKey)
    assert (listed.id, listed.created_by, listed.account_id, listed.project_id) == (key.id, "process", "acme", "prod")
    assert "key" not in listed.to_dict()
    assert key.to_dict() == {"key": key.key, **key.record.to_dict()}
    assert keys.list(account_id="globex", project_id="prod") == []

    heir = keys.rotate(key.id, overlap_seconds=30)
    assert client.authenticate(key.key).project_id == "prod"
    assert client.authenticate(heir.key).project_id == "prod"
    assert keys.list(account_id="acme", project_id="prod")[0].replaced_by == heir.id
    assert keys.revoke(heir.id).state == "revoked"
    with pytest.raises(NotFound):
        keys.revoke("nothing")
    with pytest.raises(NotFound):
        keys.get("nothing")


def test_a_key_of_another_system_is_imported_by_its_hash(client: Tenantry) -> None:
    text = "sk_" + "0123456789abcdef" * 3
    digest = hashlib.sha256(text.encode()).hexdigest()
    imported = client.identity.keys.create("old", account_id="acme", project_id="prod", import_sha256=digest)
    assert imported.key == ""
    assert client.authenticate({"x-api-key": text}).account_id == "acme"


def test_nothing_a_caller_makes_is_wider_than_itself(client: Tenantry) -> None:
    scopes = ["tools:read", "credentials:manage"]
    admin = client.identity.keys.create("admin", account_id="acme", project_id="prod", scopes=scopes)
    keys = client.authenticate(admin.key).identity.keys
    assert code(lambda: keys.create("x", scopes=["tools:execute"])) == "scope_missing"
    assert keys.create("x").scopes == ["tools:read"]
    assert code(lambda: keys.create("x", account_id="globex", project_id="prod", scopes=scopes)) == "outside_authority"
    made = keys.create("x", scopes=["tools:read"])
    assert (made.account_id, made.project_id) == ("acme", "prod")
    foreign = client.identity.keys.create("y", account_id="globex", project_id="prod")
    assert code(lambda: keys.revoke(foreign.id)) == code(lambda: keys.revoke("nothing"))
    with pytest.raises(PermissionDenied):
        client.authenticate(admin.key).identity.issuers.list()


def test_a_token_is_exchanged_introspected_and_revoked(client: Tenantry, key: NewApiKey) -> None:
    tokens = client.identity.tokens
    token = tokens.exchange("api_key", api_key=key.key)
    assert isinstance(token, AccessToken)
    assert (token.token_type, token.scope, token.account_id, token.project_id) == (
        "Bearer",
        "tools:read",
        "acme",
        "prod",
    )
    assert 0 < token.expires_in <= 3_600
    assert (token.external_id, token.refresh_token) == (key.id, "")
    assert "refresh_token" not in token.to_dict()
    seen = tokens.introspect(token.access_token)
    assert isinstance(seen, Introspection)
    assert (seen.active, seen.claims["jti"], seen.claims["account_id"]) == (True, token.jti, "acme")
    assert seen.to_dict() == {"active": True, **seen.claims}
    caller = client.authenticate({"authorization": f"Bearer {token.access_token}"}).caller
    assert caller is not None
    assert (caller.credential, caller.credential_id) == ("token", token.jti)
    tokens.revoke(token.access_token)
    assert tokens.introspect(token.access_token).to_dict() == {"active": False}
    assert code(lambda: tokens.exchange("api_key", api_key="tnt_sk_nothing")) == "grant_invalid"
    assert code(lambda: tokens.exchange("password")) == "grant_type_unsupported"


def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(client: Tenantry) -> None:
    tokens = client.identity.tokens
    first = tokens.issue("ann", account_id="acme", project_id="prod", roles=["admin"], refresh=True)
    second = tokens.exchange("refresh_token", refresh_token=first.refresh_token)
    held = client.authenticate(second.access_token)
    held.require_scopes("users:manage")
    reuse = lambda: tokens.exchange("refresh_token", refresh_token=first.refresh_token)  # noqa: E731
    assert code(reuse) == "refresh_token_reused"
    assert code(lambda: held.guard.evaluate_prompt(BENIGN)) == "credential_revoked"


def test_signing_keys_are_published_and_rotate(client: Tenantry, key: NewApiKey) -> None:
    tokens = client.identity.tokens
    old = tokens.exchange("api_key", api_key=key.key)
    assert [len(tokens.jwks()["keys"]), tokens.rotate_signing_key(), len(tokens.jwks()["keys"])] == [1, None, 2]  # type: ignore[func-returns-value]
    assert client.authenticate(old.access_token).project_id == "prod"


def test_an_issuers_tokens_are_taken_for_its_accounts_until_it_is_removed(client: Tenantry) -> None:
    trust(client, leeway_seconds=30, claims={"project": "/app/project"})

    def enter(**claims: Any) -> Tenant:
        return client.authenticate(signed(claims))

    tenant = enter(app={"project": "prod"})
    caller = tenant.caller
    assert caller is not None
    assert (caller.credential, caller.issuer, caller.principal.id) == ("jwt", ISSUER, "ann")
    assert (tenant.account_id, tenant.project_id) == ("acme", "prod")
    assert code(lambda: enter(account_id="globex")) == "issuer_not_for_account"
    assert code(lambda: enter(exp=int(time.time()) - 60)) == "token_expired"
    with pytest.raises(Unauthenticated):
        client.authenticate(signed({}, "another secret of thirty-two bytes"))
    (entry,) = client.identity.issuers.list()
    assert isinstance(entry, IssuerSpec)
    assert (entry.issuer, entry.algorithms, entry.secret, entry.leeway_seconds) == (ISSUER, ["HS256"], "", 30)
    assert entry.claims == {
        "account": "account_id",
        "project": "/app/project",
        "roles": "role",
        "scopes": "",
    }
    client.identity.issuers.remove(ISSUER)
    assert code(lambda: tenant.guard.evaluate_prompt(BENIGN)) == "issuer_unknown"
    assert client.identity.issuers.list() == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"audience": []}, "issuer_invalid"),
        ({"accounts": []}, "issuer_invalid"),
        ({"algorithms": ["none"]}, "request_invalid"),
        ({"algorithms": None}, "issuer_invalid"),
        ({"secret": "short"}, "secret_too_short"),
        ({"claims": {"acount": "org"}}, "request_invalid"),
        ({"leeway_seconds": -1}, "request_invalid"),
    ],
    ids=str,
)
def test_an_issuer_that_means_too_much_is_refused(client: Tenantry, change: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        trust(client, **change)
    assert caught.value.code == expected
    assert SECRET not in str(caught.value)


def test_settings_are_values_or_plain_data(client: Tenantry) -> None:
    identity = client.identity
    assert identity.settings() == IdentitySettings()
    provision = AutoProvision(True, max_accounts=5, facts={"tier": "free"})
    wanted = IdentitySettings(key_prefix="hf_sk", roles={"reader": ["tools:read"]}, auto_provision=provision)
    assert identity.put_settings(wanted) == wanted == identity.settings()
    assert (wanted.auto_provision.enabled, wanted.auto_provision.facts) == (True, {"tier": "free"})
    assert client.identity.keys.create("x", account_id="acme", project_id="prod").key.startswith("hf_sk")
    assert identity.put_settings(wanted.to_dict()) == wanted
    assert identity.put_settings({"max_keys": 7}) == IdentitySettings(max_keys=7)
    wrongs: list[dict[str, Any]] = [{"max_key": 7}, {"max_keys": "many"}, {"auto_provision": {"on": True}}]
    for wrong in wrongs:
        with pytest.raises(InvalidArgument) as caught:
            identity.put_settings(wrong)
        assert caught.value.code == "request_invalid"
    assert identity.settings() == IdentitySettings(max_keys=7)


def test_unseen_accounts_are_made_up_where_that_was_opened(client: Tenantry) -> None:
    trust(client, accounts=["*"])

    def enter() -> Tenant:
        return client.authenticate(signed({"account_id": "initech"}))

    assert code(enter) == "tenant_unknown"
    policy = {"name": "house", "text": "permit(principal, action, resource);", "mode": "enforce", "layer": "project"}
    client.identity.put_settings(IdentitySettings(auto_provision=AutoProvision(True, policies=[policy])))
    tenant = enter()
    assert (tenant.account_id, tenant.project_id) == ("initech", "default")
    assert "house" in {policy.name for policy in client.tenant("initech", "default").policies.list()}


def test_a_grant_crosses_for_what_it_names_until_it_is_revoked(client: Tenantry, key: NewApiKey) -> None:
    headers = {"x-api-key": key.key, "x-account-id": "globex", "x-project-id": "prod"}
    assert code(lambda: client.authenticate(headers)) == "outside_authority"
    grants = client.admin.grants
    grant = grants.create(
        from_account="acme",
        to_account="globex",
        to_project="prod",
        actions=["process_prompt"],
        expires_in_seconds=3_600,
        reason="shared support desk",
    )
    assert isinstance(grant, Grant)
    assert (grant.from_account, grant.from_project, grant.reason) == ("acme", "", "shared support desk")
    assert grants.list() == [grant]
    tenant = client.authenticate(headers)
    assert tenant.account_id == "globex"
    assert tenant.guard.evaluate_prompt(BENIGN).allowed
    assert code(lambda: tenant.guard.evaluate_tool_call("search")) == "grant_insufficient"
    kinds = [row.kind for row in grants.uses()]
    assert kinds == ["grant.create", "cross_tenant"], "what was refused was no use"
    assert grants.uses(since=1, limit=1)[0].kind == "cross_tenant"
    grants.revoke(grant.id)
    assert code(lambda: tenant.guard.evaluate_prompt(BENIGN)) == "grant_ended"
    assert grants.list() == []


def test_a_client_may_be_told_to_take_verified_callers_only(data_dir: Path, client: Tenantry, key: NewApiKey) -> None:
    with Tenantry(data_dir, deadline_ms=30_000, require_credentials=True) as closed:
        assert code(lambda: closed.tenant("acme", "prod")) == "credentials_required"
        assert closed.authenticate(key.key).guard.evaluate_prompt(BENIGN).allowed


def test_secrets_are_in_no_repr_and_no_error(client: Tenantry, key: NewApiKey) -> None:
    tokens = client.identity.tokens
    issued = tokens.issue("ann", account_id="acme", project_id="prod", roles=["admin"], refresh=True)
    trust(client)
    secrets = [key.key, issued.access_token, issued.refresh_token, SECRET]
    shown = [key, issued, *client.identity.issuers.list(), client.authenticate(key.key), client.identity.settings()]
    shown += [client.authenticate(key.key).caller, tokens.introspect(issued.access_token), client]
    for value in shown:
        for text in (repr(value), str(value), f"{value}"):
            assert not any(secret in text for secret in secrets)
    assert key.to_dict()["key"] == key.key
    assert issued.to_dict()["access_token"] == issued.access_token
    with pytest.raises(TenantryError) as caught:
        client.authenticate([("x-api-key", key.key), ("authorization", f"Bearer {issued.access_token}")])
    assert not any(secret in str(caught.value) for secret in secrets)
    with pytest.raises(TenantryError) as caught:
        client.authenticate([(key.key, None)])
    assert key.key not in str(caught.value)


@pytest.mark.asyncio
async def test_the_life_of_a_credential_runs_on_twins_alone(client: Tenantry) -> None:
    identity, grants = client.identity, client.admin.grants
    await identity.issuers.aput(
        ISSUER, audience=["tenantry"], accounts=["acme"], algorithms=["HS256"], secret=SECRET, claims={}
    )
    assert [entry.issuer for entry in await identity.issuers.alist()] == [ISSUER]
    assert (await client.aauthenticate(signed({"project_id": "prod"}))).project_id == "prod"
    await identity.issuers.aremove(ISSUER)
    assert await identity.aput_settings(await identity.asettings()) == IdentitySettings()

    made = await identity.keys.acreate("app", account_id="acme", project_id="prod", scopes=["tools:read"])
    tenant = await client.aauthenticate([(b"x-api-key", made.key.encode())], peer="203.0.113.9")
    assert isinstance(tenant, Tenant)
    await tenant.arequire_scopes("tools:read")
    assert tenant.caller == await identity.averify(made.key)
    heir = await identity.keys.arotate(made.id, overlap_seconds=30)
    assert [known.id for known in await identity.keys.alist(account_id="acme", project_id="prod")] == [made.id, heir.id]

    token = await identity.tokens.aexchange("api_key", api_key=made.key)
    assert (await identity.tokens.aintrospect(token.access_token)).active
    await identity.tokens.arevoke(token.access_token)
    issued = await identity.tokens.aissue("ann", account_id="acme", project_id="prod", scopes=["tools:read"])
    await identity.tokens.arotate_signing_key()
    assert len((await identity.tokens.ajwks())["keys"]) == 2
    assert (await client.aauthenticate(issued.access_token)).account_id == "acme"
    assert (await identity.keys.arevoke(made.id)).state == "revoked"
    with pytest.raises(Unauthenticated):
        await tenant.guard.aevaluate_prompt(BENIGN)

    grant = await grants.acreate(
        from_account="acme",
        to_account="globex",
        to_project="prod",
        actions=["tenant:read"],
        expires_in_seconds=60,
        reason="an audit",
    )
    assert await grants.alist() == [grant]
    await grants.arevoke(grant.id)
    assert [row.kind for row in await grants.auses()] == ["grant.create", "grant.revoke"]


# What is pasted, what is published


def test_a_credential_is_taken_as_bytes_and_as_it_is_pasted(client: Tenantry) -> None:
    trust(client)
    token = signed({})
    for given in (
        token,
        token.encode(),
        f"Bearer {token}",
        f"bearer {token}".encode(),
        f" {token}\n",
        [("X-API-Key", token)],
    ):
        assert client.authenticate(given, method="GET").account_id == "acme"
    for beginning in ("Basic", "Token", "Authorization:"):
        with pytest.raises(Unauthenticated, match=beginning.strip(":")) as refused:
            client.authenticate(f"{beginning} {token}")
        assert token not in str(refused.value)
    for odd in (b"\xff\x00", b""):
        with pytest.raises(TenantryError):
            client.authenticate(odd)


def test_who_puts_an_issuer_is_told_of_its_keys(client: Tenantry) -> None:
    small = {"kty": "RSA", "kid": "old", "n": "AQAB", "e": "AQAB"}
    with pytest.raises(InvalidArgument, match="key `old`: its modulus `n` has 17 bits"):
        client.identity.issuers.put(ISSUER, audience=["a"], accounts=["acme"], jwks={"keys": [small]})
    receipt = client.identity.issuers.put(
        ISSUER, audience=["a"], accounts=["acme"], jwks_url="http://127.0.0.1:1/keys", private_network=True
    )
    assert (receipt.issuer, receipt.keys, receipt.skipped) == (ISSUER, [], [])
    assert "the connection was refused" in receipt.unreachable
    assert client.identity.issuers.check(ISSUER) == receipt
    header = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": "a"}).encode()).rstrip(b"=").decode()
    with pytest.raises(Unavailable, match="the connection was refused") as refused:
        client.authenticate(f"{header}.{signed({}).split('.')[1]}.AAAA")
    assert "127.0.0.1" not in str(refused.value)


def test_a_secret_of_bytes_and_an_audience_elsewhere(client: Tenantry) -> None:
    secret = base64.b64encode(SECRET.encode()).decode()
    receipt = client.identity.issuers.put(
        ISSUER,
        audience=["tenantry"],
        accounts=["acme"],
        algorithms=["HS256"],
        secret_base64=secret,
        audience_claim="client_id",
    )
    assert receipt.keys == ["the secret"]
    assert client.authenticate(signed({"client_id": "other"})).account_id == "acme"
    (entry,) = client.identity.issuers.list()
    assert entry.audience_claim == "client_id"
    assert secret not in repr(entry)
    assert secret not in str(entry.to_dict())
