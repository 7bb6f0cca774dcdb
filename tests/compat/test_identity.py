"""Who is calling, as the public client sees it: keys, tokens, `whoami`, `verify`, tenant headers, and revocation."""

from __future__ import annotations

import json
import time
import uuid
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from highflame import APIError, AuthenticationError, Highflame
from highflame.zeroid.errors import APIError as IdentityAPIError
from highflame.zeroid.errors import NotFoundError, ZeroIDError
from proxy import Proxy
from world import BENIGN, EVERYTHING, SECRET, TOOLS, Ask, Connect, Server, Tenant


def claims_of(token: str, part: int = 1) -> dict[str, Any]:
    text = token.split(".")[part]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return claims


def tampered(token: str) -> str:
    head, body, signature = token.split(".")
    return ".".join((head, body, signature[::-1]))


# whoami


def test_whoami_names_the_keys_tenant(server: Server, client: Highflame, acme: Tenant) -> None:
    me = client.whoami()
    assert (me["account_id"], me["project_id"]) == (acme.account, acme.project)
    assert me["issuer"] == server.issuer
    assert me["subject"]
    assert me["external_id"]
    assert me["principal_type"] == ""
    assert set(TOOLS) <= set(me["scopes"])


def test_whoami_of_the_administering_token_has_the_administering_scopes_alone(client: Highflame, acme: Tenant) -> None:
    me = client.whoami(admin=True)
    assert me["scopes"] == ("credentials:manage",)
    assert me["account_id"] == acme.account


def test_whoami_of_a_key_names_who_made_it(client: Highflame) -> None:
    assert client.whoami()["owner_user_id"]


def test_two_tenants_are_two_callers(client: Highflame, other: Highflame) -> None:
    assert client.whoami()["account_id"] != other.whoami()["account_id"]
    assert client.whoami()["subject"] != other.whoami()["subject"]


# Tokens


def test_a_key_is_exchanged_for_a_token_of_its_tenant(ask: Ask, client: Highflame, acme: Tenant) -> None:
    token = ask(client, "tokens.issue_api_key", acme.key)
    assert token.token_type.lower() == "bearer"
    assert token.expires_in >= 300
    assert (token.account_id, token.project_id) == (acme.account, acme.project)
    assert token.jti
    assert set(token.scope.split()) == set(EVERYTHING)


def test_a_scope_narrows_a_token(ask: Ask, client: Highflame, acme: Tenant) -> None:
    token = ask(client, "tokens.issue_api_key", acme.key, scope="tools:read nhi:manage")
    assert token.scope == "tools:read"
    assert claims_of(token.access_token)["scopes"] == ["tools:read"]


def test_a_narrowed_token_is_held_to_its_scope(
    server: Server, connect: Connect, client: Highflame, acme: Tenant
) -> None:
    token = client.tokens.issue_api_key(acme.key, scope="tools:read").access_token
    narrow = connect(server.url, access_token=token)
    assert narrow.guard.evaluate_prompt(BENIGN).allowed
    denied = narrow.guard.evaluate_tool_call("search")
    assert denied.denied
    assert denied.policy_reason == 'token missing required scope "tools:execute" for action "call_tool"'


def test_the_literal_default_in_the_body_says_nothing(connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    token = connect(proxy.url, api_key=acme.key).tokens.issue_api_key(acme.key)
    sent = proxy.of("/oauth2/token")[0].sent
    assert (sent["account_id"], sent["project_id"]) == ("default", "default")
    assert token.account_id == acme.account


def test_a_token_does_not_outlive_its_key(server: Server, client: Highflame, acme: Tenant) -> None:
    made = server.admin(
        "POST",
        "/api-keys",
        {"name": "brief", "scopes": TOOLS, "prefix": "hf_sk", "expires_in_days": 1},
        X_Account_ID=acme.account,
        X_Project_ID=acme.project,
    )
    expires = datetime.fromisoformat(made["expires_at"].replace("Z", "+00:00"))
    assert timedelta(hours=23) < expires - datetime.now(timezone.utc) <= timedelta(days=1)
    token = client.tokens.issue_api_key(made["key"])
    assert time.time() + token.expires_in <= expires.timestamp() + 1


def test_the_token_endpoint_sends_no_null(server: Server, acme: Tenant) -> None:
    answer = server.http.post(server.token_url, json={"grant_type": "api_key", "api_key": acme.key})
    assert None not in answer.json().values()
    assert "no-store" in answer.headers.get("cache-control", "")


def test_a_client_takes_a_token_in_place_of_a_key(ask: Ask, server: Server, connect: Connect, acme: Tenant) -> None:
    client = connect(server.url, access_token=acme.token())
    assert ask(client, "guard.evaluate_prompt", BENIGN).allowed
    assert ask(client, "guard.evaluate_prompt", SECRET).denied
    info = ask(client, "guard.evaluate_prompt", BENIGN, debug=True).debug_info
    assert (info.tenant.account_id, info.tenant.project_id) == (acme.account, acme.project)


# verify


def test_verify_checks_a_token_by_the_published_keys(ask: Ask, server: Server, client: Highflame, acme: Tenant) -> None:
    token = acme.token()
    who = ask(client, "tokens.verify", token)
    assert (who.account_id, who.project_id) == (acme.account, acme.project)
    assert who.iss == server.issuer
    assert who.grant_type == "api_key"
    assert who.jti == claims_of(token)["jti"]
    assert who.iat <= time.time() < who.exp
    assert set(who.scopes) == set(EVERYTHING)
    who.require_scope("tools:read")
    assert not who.is_delegated()
    assert claims_of(token, 0)["alg"] in {"ES256", "RS256"}


def test_verify_checks_the_audience_when_asked(ask: Ask, server: Server, client: Highflame, acme: Tenant) -> None:
    token = acme.token()
    assert server.issuer in ask(client, "tokens.verify", token, audience=server.issuer).aud
    with pytest.raises(ZeroIDError) as caught:
        ask(client, "tokens.verify", token, audience="https://elsewhere.example")
    assert caught.value.code == "invalid_signature"


def test_verify_refuses_a_forged_token(ask: Ask, client: Highflame, acme: Tenant) -> None:
    with pytest.raises(ZeroIDError) as caught:
        ask(client, "tokens.verify", tampered(acme.token()))
    assert caught.value.code == "invalid_signature"


def test_verify_reads_a_bearer_header(ask: Ask, client: Highflame, acme: Tenant) -> None:
    who = ask(client, "tokens.verify_bearer", f"Bearer {acme.token()}")
    assert who.account_id == acme.account


def test_the_published_keys_are_for_signatures_and_public(server: Server) -> None:
    keys = server.http.get(f"{server.url}/.well-known/jwks.json").json()["keys"]
    assert keys
    for key in keys:
        assert key["kid"]
        assert key["alg"] in {"ES256", "RS256"}
        assert key.get("use", "sig") == "sig"
        assert "d" not in key


def test_the_metadata_names_the_issuer_and_where_to_go(server: Server) -> None:
    told = server.http.get(f"{server.url}/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == server.issuer
    assert told["token_endpoint"] == server.token_url
    assert told["jwks_uri"].endswith("/.well-known/jwks.json")
    assert isinstance(told["response_types_supported"], list)


# Keys


def test_a_key_is_made_shown_once_and_used(ask: Ask, server: Server, connect: Connect, client: Highflame) -> None:
    told = {"description": "of the tests", "environment": "test"}
    made = ask(client, "api_keys.create", name="app", scopes=["tools:read"], **told)
    assert made.name == "app"
    assert made.key.startswith(made.key_prefix)
    assert made.scopes == ["tools:read"]
    assert connect(server.url, api_key=made.key).guard.evaluate_prompt(BENIGN).allowed
    record = ask(client, "api_keys.get", made.id)
    assert (record.id, record.name, record.state) == (made.id, "app", "active")
    assert (record.description, record.environment) == ("of the tests", "test")
    assert made.key not in record.model_dump_json()


def test_a_key_may_be_made_with_nothing_but_a_name(
    ask: Ask, server: Server, connect: Connect, client: Highflame
) -> None:
    made = ask(client, "api_keys.create", name="plain")
    scopes = set(connect(server.url, api_key=made.key).whoami()["scopes"])
    assert scopes <= set(EVERYTHING)


def test_a_key_says_whose_it_is(client: Highflame, acme: Tenant) -> None:
    record = client.api_keys.get(acme.key_id)
    assert (record.account_id, record.project_id) == (acme.account, acme.project)
    assert record.created_at <= record.updated_at


def test_keys_are_listed_for_the_callers_tenant_only(ask: Ask, server: Server, connect: Connect) -> None:
    ours, theirs = server.tenant(), server.tenant()
    client = connect(server.url, api_key=ours.key)
    made = client.api_keys.create(name="second", scopes=["tools:read"])
    assert {key.id for key in ask(client, "api_keys.list", limit=100)} == {ours.key_id, made.id}
    assert theirs.key_id not in {key.id for key in ask(client, "api_keys.list")}


def test_keys_are_listed_in_pages(ask: Ask, server: Server, connect: Connect) -> None:
    tenant = server.tenant()
    client = connect(server.url, api_key=tenant.key)
    for name in "abc":
        client.api_keys.create(name=name, scopes=["tools:read"])
    pages = [[key.id for key in ask(client, "api_keys.list", limit=2, offset=offset)] for offset in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 0]
    assert len({*pages[0], *pages[1]}) == 4


def test_a_key_may_expire(ask: Ask, client: Highflame) -> None:
    made = ask(client, "api_keys.create", name="brief", scopes=["tools:read"], expires_in_days=2)
    assert made.expires_at is not None
    assert timedelta(days=1) < made.expires_at - datetime.now(timezone.utc) <= timedelta(days=2)


def test_a_key_is_no_wider_than_its_maker(server: Server, connect: Connect, acme: Tenant) -> None:
    key = server.key(acme.account, acme.project, ["tools:read", "credentials:manage"])["key"]
    client = connect(server.url, api_key=key)
    with pytest.raises(IdentityAPIError) as caught:
        client.api_keys.create(name="wider", scopes=["tenant:manage"])
    assert caught.value.status == 403


def test_keys_are_for_those_who_may_manage_them(ask: Ask, server: Server, connect: Connect, acme: Tenant) -> None:
    client = connect(server.url, api_key=server.key(acme.account, acme.project, TOOLS)["key"])
    with pytest.raises(IdentityAPIError) as caught:
        ask(client, "api_keys.create", name="more", scopes=["tools:read"])
    assert caught.value.status == 403


def test_the_key_of_another_tenant_is_not_there(ask: Ask, client: Highflame, globex: Tenant) -> None:
    for identifier in (globex.key_id, uuid.uuid4().hex):
        with pytest.raises(NotFoundError) as caught:
            ask(client, "api_keys.get", identifier)
        assert caught.value.request_id
        with pytest.raises(NotFoundError):
            ask(client, "api_keys.revoke", identifier)


# Revocation


def test_a_revoked_key_ends_at_once_with_its_tokens(ask: Ask, server: Server, connect: Connect) -> None:
    tenant = server.tenant()
    admin = connect(server.url, api_key=tenant.key)
    made = admin.api_keys.create(name="app", scopes=TOOLS)
    app = connect(server.url, api_key=made.key)
    fixed = connect(server.url, access_token=admin.tokens.issue_api_key(made.key).access_token)
    assert ask(app, "guard.evaluate_prompt", BENIGN).allowed
    assert ask(fixed, "guard.evaluate_prompt", BENIGN).allowed

    assert ask(admin, "api_keys.revoke", made.id, reason="left the company") is None

    for client in (app, fixed, connect(server.url, api_key=made.key)):
        with pytest.raises(AuthenticationError) as caught:
            ask(client, "guard.evaluate_prompt", BENIGN)
        assert caught.value.detail
    assert ask(admin, "api_keys.get", made.id).state == "revoked"
    assert ask(admin, "guard.evaluate_prompt", BENIGN).allowed


def test_a_key_is_revoked_without_a_reason_too(ask: Ask, client: Highflame) -> None:
    made = client.api_keys.create(name="short", scopes=["tools:read"])
    ask(client, "api_keys.revoke", made.id)
    with pytest.raises(ZeroIDError) as caught:
        ask(client, "tokens.issue_api_key", made.key)
    assert caught.value.code == "invalid_grant"


def test_verify_is_local_and_does_not_see_a_revocation(client: Highflame) -> None:
    """As the client documents it; what must see one asks the server."""
    made = client.api_keys.create(name="gone", scopes=["tools:read"])
    token = client.tokens.issue_api_key(made.key).access_token
    client.api_keys.revoke(made.id)
    assert client.tokens.verify(token).grant_type == "api_key"


def test_introspection_sees_a_revocation(ask: Ask, client: Highflame, acme: Tenant) -> None:
    made = client.api_keys.create(name="seen", scopes=["tools:read"])
    token = client.tokens.issue_api_key(made.key).access_token
    asked = {"client_id": acme.key_id, "client_secret": acme.key}
    before = ask(client, "tokens.session", token, **asked)
    assert before.active
    assert before.scopes == ("tools:read",)
    assert before.raw.account_id == acme.account
    client.api_keys.revoke(made.id)
    assert not ask(client, "tokens.session", token, **asked).active


def test_introspection_says_nothing_of_another_tenants_token(
    ask: Ask, client: Highflame, acme: Tenant, globex: Tenant
) -> None:
    asked = {"client_id": acme.key_id, "client_secret": acme.key}
    assert not ask(client, "tokens.introspect", globex.token(), **asked).active
    assert not ask(client, "tokens.introspect", "no.such.token", **asked).active


def test_a_token_can_be_revoked_alone(
    ask: Ask, server: Server, connect: Connect, client: Highflame, acme: Tenant
) -> None:
    token = acme.token()
    fixed = connect(server.url, access_token=token)
    assert fixed.guard.evaluate_prompt(BENIGN).allowed
    ask(client, "tokens.revoke", token, client_id=acme.key_id, client_secret=acme.key)
    with pytest.raises(AuthenticationError):
        ask(fixed, "guard.evaluate_prompt", BENIGN)
    assert client.guard.evaluate_prompt(BENIGN).allowed


def test_a_suspended_account_is_closed_to_its_own_keys(ask: Ask, server: Server, connect: Connect) -> None:
    tenant = server.tenant()
    client = connect(server.url, api_key=tenant.key)
    assert ask(client, "guard.evaluate_prompt", BENIGN).allowed
    server.admin("POST", f"/v1/admin/accounts/{tenant.account}/suspend")
    with pytest.raises(AuthenticationError):
        ask(client, "guard.evaluate_prompt", BENIGN)
    server.admin("POST", f"/v1/admin/accounts/{tenant.account}/resume")
    assert ask(client, "guard.evaluate_prompt", BENIGN).allowed


# Tenant headers


def test_the_literal_default_in_headers_says_nothing(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    client = connect(proxy.url, api_key=acme.key)
    assert acme.key_id in {key.id for key in ask(client, "api_keys.list", limit=100)}
    call = proxy.of("/api-keys")[0]
    assert (call.header("x-account-id"), call.header("x-project-id")) == ("default", "default")


def test_a_static_token_with_the_literal_default_acts_in_its_tenant(
    server: Server, connect: Connect, acme: Tenant
) -> None:
    client = connect(server.url, access_token=acme.token(), account_id="default", project_id="default")
    assert client.guard.evaluate_prompt(BENIGN, debug=True).debug_info is not None
    assert client.guard.evaluate_prompt(SECRET).denied


def test_the_tenants_own_name_confirms(ask: Ask, server: Server, connect: Connect, acme: Tenant) -> None:
    client = connect(server.url, access_token=acme.token(), account_id=acme.account, project_id=acme.project)
    assert ask(client, "guard.evaluate_prompt", SECRET).denied
    assert ask(client, "guard.evaluate_prompt", BENIGN).allowed


@pytest.mark.parametrize("credential", ["api_key", "access_token"])
def test_another_tenants_name_is_refused(
    ask: Ask, server: Server, connect: Connect, acme: Tenant, globex: Tenant, credential: str
) -> None:
    secret = acme.key if credential == "api_key" else acme.token()
    client = connect(server.url, **{credential: secret}, account_id=globex.account, project_id=globex.project)
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("guard.evaluate_prompt", (BENIGN,), {}),
        ("guard.evaluate_tool_call", ("search",), {}),
        ("detect.run", (), {"content": BENIGN, "content_type": "prompt"}),
        ("debug.policies", (), {}),
        ("usage.report", (), {"model": "gpt-4o", "input_tokens": 1}),
    ]
    for method, args, kwargs in calls:
        with pytest.raises(APIError) as caught:
            ask(client, method, *args, **kwargs)
        assert caught.value.status == 403, method
        assert globex.project not in caught.value.detail.split()


def test_another_project_and_a_tenant_that_never_was_are_refused_alike(
    server: Server, connect: Connect, acme: Tenant, globex: Tenant
) -> None:
    token = acme.token()
    details = set()
    for account, project in ((acme.account, "staging"), (globex.account, "prod"), (uuid.uuid4().hex, "prod")):
        client = connect(server.url, access_token=token, account_id=account, project_id=project)
        with pytest.raises(APIError) as caught:
            client.guard.evaluate_prompt(BENIGN)
        assert caught.value.status == 403
        details.add(caught.value.detail.replace(account, "A").replace(project, "P"))
    assert len(details) == 1


def test_another_tenants_name_is_refused_for_keys_too(
    ask: Ask, server: Server, connect: Connect, acme: Tenant, globex: Tenant
) -> None:
    client = connect(server.url, api_key=acme.key)
    with pytest.raises(IdentityAPIError) as caught:
        ask(client, "api_keys.list", account_id=globex.account, project_id=globex.project)
    assert caught.value.status == 403
    with pytest.raises(IdentityAPIError) as caught:
        ask(client, "api_keys.create", name="theirs", account_id=globex.account, project_id=globex.project)
    assert caught.value.status == 403


# The platform's key


def test_the_platform_key_acts_where_it_is_told(ask: Ask, server: Server, connect: Connect, acme: Tenant) -> None:
    client = connect(server.url, api_key=server.api_key, account_id=acme.account, project_id=acme.project)
    assert ask(client, "guard.evaluate_prompt", SECRET).denied
    info = ask(client, "guard.evaluate_prompt", BENIGN, debug=True).debug_info
    assert (info.tenant.account_id, info.tenant.project_id) == (acme.account, acme.project)


def test_the_platform_key_told_nothing_acts_in_the_dev_account(ask: Ask, server: Server, connect: Connect) -> None:
    info = ask(connect(server.url, api_key=server.api_key), "guard.evaluate_prompt", BENIGN, debug=True).debug_info
    assert (info.tenant.account_id, info.tenant.project_id) == ("dev", "default")


def test_dev_mode_makes_the_tenant_it_is_asked_for_and_says_so(server: Server, connect: Connect, proxy: Proxy) -> None:
    account = f"acc-{uuid.uuid4().hex[:12]}"
    client = connect(proxy.url, api_key=server.api_key, account_id=account, project_id="first")
    assert client.guard.evaluate_prompt(BENIGN).allowed
    assert "dev_mode" in proxy.of("/v1/shield/guard")[0].got["degraded"]
