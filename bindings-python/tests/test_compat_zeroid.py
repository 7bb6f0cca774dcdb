"""The public client's ZeroID names, answered by the embedded engine for one tenant and nothing else."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import made
from tenantry import Tenantry
from tenantry.compat.highflame import zeroid
from tenantry.compat.highflame.zeroid import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    ZeroIDClient,
    ZeroIDError,
)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, data_dir: Path, client: Tenantry) -> None:
    monkeypatch.setenv("TENANTRY_DATA_DIR", str(data_dir))
    made(client, "acme")
    made(client, "globex")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was sent")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def acme_id() -> Iterator[ZeroIDClient]:
    with ZeroIDClient("https://auth.example", account_id="acme", project_id="prod", timeout=30.0) as client:
        yield client


@pytest.fixture
def globex_id() -> Iterator[ZeroIDClient]:
    with ZeroIDClient("https://auth.example", account_id="globex", project_id="prod", timeout=30.0) as client:
        yield client


def test_a_key_lives_and_dies(acme_id: ZeroIDClient) -> None:
    keys = acme_id.api_keys
    key = keys.create(name="app", description="the app", scopes=["tools:read", "order:read"], expires_in_days=2)
    assert (key.name, key.scopes) == ("app", ["tools:read", "order:read"])
    assert key.expires_at is not None
    assert keys.get(key.id) == keys.list()[0] == key.record
    assert (keys.get(key.id).account_id, keys.get(key.id).project_id) == ("acme", "prod")
    second = keys.create(name="second")
    assert [known.id for known in keys.list(limit=1, offset=1)] == [second.id]
    keys.revoke(key.id, reason="leaked")
    assert keys.get(key.id).state == "revoked"
    for wrong in ({"limit": 0}, {"offset": -1}):
        with pytest.raises(InvalidRequestError):
            keys.list(**wrong)
    with pytest.raises(InvalidRequestError):
        keys.create(name="x", expires_in_days=0)


def test_a_token_lives_and_dies(acme_id: ZeroIDClient) -> None:
    key = acme_id.api_keys.create(name="app", scopes=["tools:read", "tools:write"])
    tokens = acme_id.tokens
    token = tokens.issue_api_key(key.key, scope="tools:read")
    assert (token.account_id, token.project_id, token.scope) == ("acme", "prod", "tools:read")
    seen = tokens.introspect(token.access_token, client_id="app", client_secret="secret")
    assert (seen.active, seen.jti, seen.account_id, seen.scope) == (True, token.jti, "acme", "tools:read")
    assert seen.exp - seen.iat == token.expires_in
    who = tokens.verify(token.access_token)
    assert (who.external_id, who.jti, who.scopes, who.grant_type) == (key.id, token.jti, ("tools:read",), "api_key")
    who.require_scope("tools:read")
    with pytest.raises(ZeroIDError) as lacking:
        who.require_scope("tools:write")
    assert lacking.value.code == "insufficient_scope"
    assert tokens.verify(token.access_token, audience=list(who.aud)) == who
    with pytest.raises(AuthenticationError):
        tokens.verify(token.access_token, audience="somebody else")
    tokens.revoke(token.access_token)
    assert tokens.introspect(token.access_token) == zeroid.TokenIntrospection(active=False)
    for text in ("", token.access_token, "nonsense"):
        with pytest.raises(AuthenticationError):
            tokens.verify(text)


def test_a_refresh_token_gets_the_next_pair_once(client: Tenantry, acme_id: ZeroIDClient) -> None:
    first = client.identity.tokens.issue(
        "ann", account_id="acme", project_id="prod", scopes=["tools:read"], refresh=True
    )
    second = acme_id.tokens.issue_refresh_token(first.refresh_token)
    third = acme_id.tokens.refresh(second.refresh_token, scope="tools:read")
    acme_id.tokens.revoke(third.refresh_token)
    assert not acme_id.tokens.introspect(third.access_token).active
    with pytest.raises(AuthenticationError):
        acme_id.tokens.issue_refresh_token(third.refresh_token)


def test_a_client_neither_sees_nor_makes_anything_of_another(
    client: Tenantry, acme_id: ZeroIDClient, globex_id: ZeroIDClient
) -> None:
    key = globex_id.api_keys.create(name="app", scopes=["tools:read"])
    token = globex_id.tokens.issue_api_key(key.key)
    issued = client.identity.tokens.issue("ann", account_id="globex", project_id="prod", roles=["user"], refresh=True)
    assert acme_id.api_keys.list() == []
    for call in (acme_id.api_keys.get, acme_id.api_keys.revoke):
        with pytest.raises(NotFoundError) as missing:
            call(key.id)
        assert missing.value.code == "key_not_found"
    assert not acme_id.tokens.introspect(token.access_token).active
    for refused in (acme_id.tokens.verify, acme_id.tokens.issue_api_key, acme_id.tokens.issue_refresh_token):
        text = {"verify": token.access_token, "issue_api_key": key.key}.get(refused.__name__, issued.refresh_token)
        with pytest.raises(ZeroIDError) as outside:
            refused(text)
        assert outside.value.code == "outside_authority", refused
    acme_id.tokens.revoke(token.access_token)
    acme_id.tokens.revoke(issued.refresh_token)
    assert globex_id.tokens.introspect(token.access_token).active
    assert globex_id.tokens.issue_refresh_token(issued.refresh_token).account_id == "globex"
    assert globex_id.api_keys.get(key.id).state == "active"


def test_a_key_of_a_whole_account_gets_no_token_from_a_projects_client(client: Tenantry, acme_id: ZeroIDClient) -> None:
    wide = client.identity.keys.create("wide", account_id="acme", scopes=["tools:read"])
    with pytest.raises(ZeroIDError) as refused:
        acme_id.tokens.issue_api_key(wide.key)
    assert refused.value.code == "outside_authority"
    assert wide.id not in [key.id for key in acme_id.api_keys.list()]
    with ZeroIDClient(api_key=wide.key, account_id="acme", project_id="prod") as bound, pytest.raises(ZeroIDError):
        bound.api_keys.get(wide.id)


def test_with_a_key_it_acts_as_that_credential(client: Tenantry) -> None:
    scopes = ["tools:read", "credentials:manage"]
    admin = client.identity.keys.create("admin", account_id="acme", project_id="prod", scopes=scopes)
    with ZeroIDClient(api_key=admin.key) as bound:
        assert (bound.account_id, bound.project_id) == ("default", "default")
        made = bound.api_keys.create(name="app", scopes=["tools:read"])
        assert (made.account_id, made.created_by) == ("acme", admin.id)
        assert bound.tokens.issue_api_key(made.key).project_id == "prod"
        with pytest.raises(ZeroIDError) as wider:
            bound.api_keys.create(name="wide", scopes=["tools:execute"])
        assert wider.value.code == "scope_missing"
        client.identity.keys.revoke(admin.id)
        with pytest.raises(AuthenticationError):
            bound.api_keys.list()
    with ZeroIDClient(api_key=made.key, account_id="globex", project_id="prod") as elsewhere:
        with pytest.raises(ZeroIDError) as outside:
            elsewhere.api_keys.list()
        assert outside.value.code == "outside_authority"


def test_a_key_nobody_made_and_an_empty_one_are_refused() -> None:
    client = ZeroIDClient(api_key="zid_sk_nothing", account_id="acme", project_id="prod")
    with client, pytest.raises(AuthenticationError):
        client.api_keys.list()
    with pytest.raises(InvalidRequestError):
        ZeroIDClient(api_key="", account_id="acme", project_id="prod")


def test_a_client_that_names_no_tenant_judges_tokens_and_has_no_keys(
    client: Tenantry, monkeypatch: pytest.MonkeyPatch, globex_id: ZeroIDClient
) -> None:
    token = globex_id.tokens.issue_api_key(globex_id.api_keys.create(name="app").key)
    with ZeroIDClient() as nobody:
        assert nobody.tokens.introspect(token.access_token).account_id == "globex"
        with pytest.raises(InvalidRequestError) as missing:
            nobody.api_keys.list()
        assert missing.value.code == "tenant_missing"
    monkeypatch.setenv("TENANTRY_ACCOUNT_ID", "globex")
    monkeypatch.setenv("TENANTRY_PROJECT_ID", "prod")
    with ZeroIDClient(account_id=None) as configured:
        assert [key.name for key in configured.api_keys.list()] == ["app"]


def test_a_tenant_nobody_created_is_refused_outside_dev_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with ZeroIDClient(account_id="initech", project_id="prod") as client, pytest.raises(NotFoundError):
        client.api_keys.list()
    monkeypatch.setenv("TENANTRY_DEV", "1")
    monkeypatch.setenv("TENANTRY_DATA_DIR", str(tmp_path / "dev"))
    with ZeroIDClient(account_id="initech", project_id="prod") as client:
        assert client.api_keys.list() == []
        assert client.tokens.issue_api_key(client.api_keys.create(name="app").key).account_id == "initech"


def test_health_keys_and_repr(acme_id: ZeroIDClient) -> None:
    health = acme_id.health(timeout=1.0)
    assert (health.status, health.service, health.timestamp.utcoffset()) == ("ok", "tenantry", timedelta(0))
    assert health.uptime_ms >= 0
    assert [key["kty"] for key in acme_id.jwks().keys] == ["EC"]
    assert (acme_id.base_url, acme_id.account_id, acme_id.project_id) == ("https://auth.example", "acme", "prod")
    assert repr(acme_id) == "ZeroIDClient(base_url='https://auth.example', account_id='acme', project_id='prod')"
    acme_id.close()
    with pytest.raises(ZeroIDError):
        acme_id.health()


@pytest.mark.asyncio
async def test_every_method_has_an_awaited_twin_that_answers_the_same(client: Tenantry) -> None:
    for room in (zeroid.APIKeysResource, zeroid.TokensResource, ZeroIDClient):
        names = [name for name, value in vars(room).items() if not name.startswith("_") and callable(value)]
        for name in [name for name in names if f"a{name}" in names]:
            assert inspect.signature(getattr(room, name)) == inspect.signature(getattr(room, f"a{name}"))
            assert inspect.iscoroutinefunction(getattr(room, f"a{name}"))
    async with ZeroIDClient("https://auth.example", account_id="acme", project_id="prod", timeout=30.0) as acme:
        key = await acme.api_keys.acreate(name="app", scopes=["tools:read"])
        assert await acme.api_keys.aget(key.id) == (await acme.api_keys.alist())[0]
        token = await acme.tokens.aissue_api_key(key.key)
        assert (await acme.tokens.averify(token.access_token)) == acme.tokens.verify(token.access_token)
        assert (await acme.tokens.aintrospect(token.access_token)).active
        await acme.tokens.arevoke(token.access_token)
        await acme.api_keys.arevoke(key.id)
        issued = client.identity.tokens.issue("ann", account_id="acme", project_id="prod", roles=["user"], refresh=True)
        assert (await acme.tokens.aissue_refresh_token(issued.refresh_token)).refresh_token
        assert await acme.ajwks() == acme.jwks()
        assert (await acme.ahealth()).status == "ok"


def test_what_later_brings_is_not_there(acme_id: ZeroIDClient) -> None:
    for name in ("agents", "identities", "credential_policies", "oauth_clients", "signals"):
        assert not hasattr(acme_id, name)
    with pytest.raises(TypeError):
        ZeroIDClient(private_key_pem="...", wimse_uri="...")  # type: ignore[call-arg]


def test_every_name_of_the_module_exists() -> None:
    for name in zeroid.__all__:
        assert getattr(zeroid, name)
