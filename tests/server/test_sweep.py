"""No route tells or does anything of another tenant. Owns the sweep over every route of the server's own description.

For each route tenant A asks for what is tenant B's, and for what never was: the two answers must be the same. Then B,
or the platform where only it may, does the same thing with B's own ids and succeeds: A's attempt has changed nothing,
and the request was a good one. A route that has no case here fails the test.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from process import Place, Server

GUARD = {"content": "hello", "content_type": "prompt", "action": "process_prompt"}
POLICY = 'forbid (principal, action == Action::"call_tool", resource) when { context.tool_name == "sweep" };'
EVERYTHING = [
    "tenant:manage",
    "tenant:read",
    "credentials:manage",
    "users:manage",
    "tools:read",
    "tools:write",
    "tools:execute",
]


def fresh(start: str) -> str:
    return f"{start}-{secrets.token_hex(5)}"


@dataclass
class Tenant:
    """A tenant, and a key that may do everything in it."""

    account: str
    project: str
    key: str
    key_id: str
    token: str


@dataclass
class World:
    """A server, its platform key, and two tenants that have nothing to do with each other."""

    server: Server
    a: Tenant = field(init=False)
    b: Tenant = field(init=False)

    def __post_init__(self) -> None:
        self.a, self.b = self.tenant(), self.tenant()

    @property
    def platform(self) -> str:
        return self.server.key

    def ask(self, key: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.server.ask(method, path, body, key, **headers)

    def must(self, key: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.server.done(method, path, body, key, **headers)

    def tenant(self) -> Tenant:
        account, project = fresh("acc"), fresh("proj")
        self.must(self.platform, "POST", "/v1/admin/accounts", {"id": account})
        self.must(self.platform, "POST", f"/v1/admin/accounts/{account}/projects", {"id": project})
        at = {"X_Account_ID": account, "X_Project_ID": project}
        made = self.must(self.platform, "POST", "/api-keys", {"name": "all", "scopes": EVERYTHING}, **at)
        token = self.must("", "POST", "/oauth2/token", {"grant_type": "api_key", "api_key": made["key"]})
        return Tenant(account, project, made["key"], made["id"], token["access_token"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Place(tmp_path_factory.mktemp("sweep")).serve() as server:
        yield World(server)


@dataclass
class Ask:
    """One request: where, with which body and headers, and the ids in it that are somebody's."""

    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()


Make = Callable[[World], Ask]


@dataclass
class Case:
    """What A asks of B, the same of nobody, and who succeeds with B's."""

    theirs: Make
    nobodys: Make
    by: str = "b"
    # Some routes answer the same to everybody and hold nothing of any tenant.
    open: bool = False


def at(account: str, project: str) -> dict[str, str]:
    return {"X_Account_ID": account, "X_Project_ID": project}


def given(body: Any, world: World) -> Any:
    """A body, or what makes one of the world."""
    return body(world) if callable(body) else body


def selected(path: str, body: Any = None) -> Case:
    """A route whose tenant is chosen by headers."""

    def theirs(world: World) -> Ask:
        return Ask(path, body, at(world.b.account, world.b.project), (world.b.account, world.b.project))

    def nobodys(_: World) -> Ask:
        account, project = fresh("none"), fresh("none")
        return Ask(path, body, at(account, project), (account, project))

    return Case(theirs, nobodys)


def below(rest: str = "", body: Any = None, by: str = "b", made: Callable[[World], str] | None = None) -> Case:
    """A route below a project, whose ids stand in the path; `made` makes what the last part names."""
    start = "/v1/admin/accounts/{}/projects/{}" + rest

    def theirs(world: World) -> Ask:
        last = made(world) if made else ""
        path = start.format(world.b.account, world.b.project, last)
        return Ask(path, given(body, world), {}, (world.b.account, world.b.project, last))

    def nobodys(world: World) -> Ask:
        ids = (fresh("none"), fresh("none"), fresh("none"))
        return Ask(start.format(*ids), given(body, world), {}, ids)

    return Case(theirs, nobodys, by)


def by_id(path: str, make: Callable[[World], str], body: Any = None, by: str = "b") -> Case:
    """A route with the id of one thing in its path, asked from A's own project."""

    def theirs(world: World) -> Ask:
        found = make(world)
        return Ask(path.format(found), body, {}, (found,))

    def nobodys(world: World) -> Ask:
        # Of the same form as a real one: the id of a key of A's own, changed.
        none = make(world)[::-1]
        return Ask(path.format(none), body, {}, (none,))

    return Case(theirs, nobodys, by)


def named_account(path: str, body: Any = None, make: Callable[[World], str] | None = None) -> Case:
    """A route of the platform about one account."""

    def theirs(world: World) -> Ask:
        account = make(world) if make else world.b.account
        return Ask(path.format(account), given(body, world), {}, (account,))

    def nobodys(world: World) -> Ask:
        none = fresh("none")
        return Ask(path.format(none), given(body, world), {}, (none,))

    return Case(theirs, nobodys, by="platform")


def platform(path: str, body: Callable[[World], Any] | None = None) -> Case:
    """A route of the platform that names nobody: A is refused, whatever is there."""

    def ask(world: World) -> Ask:
        return Ask(path, body(world) if body else None)

    return Case(ask, ask, by="platform")


def public(path: str) -> Case:
    return Case(lambda _: Ask(path), lambda _: Ask(path), open=True)


def key_of_b(world: World) -> str:
    made = world.must(world.b.key, "POST", "/api-keys", {"name": "one", "scopes": ["tools:read"]})
    return str(made["id"])


def policy_of_b(world: World) -> str:
    name = fresh("policy")
    path = f"/v1/admin/accounts/{world.b.account}/projects/{world.b.project}/policies/{name}"
    world.must(world.b.key, "PUT", path, {"text": POLICY})
    return name


def limit_of_b(world: World) -> str:
    name = fresh("limit")
    path = f"/v1/admin/accounts/{world.b.account}/projects/{world.b.project}/limits/{name}"
    world.must(world.b.key, "PUT", path, {"rate": 1000, "per_ms": 1000})
    return name


def new_account(world: World) -> str:
    account = fresh("acc")
    world.must(world.platform, "POST", "/v1/admin/accounts", {"id": account})
    return account


def grant_of_b(world: World) -> str:
    spec = {
        "from_account": world.b.account,
        "to_account": world.tenant().account,
        "to_project": "",
        "actions": ["process_prompt"],
        "expires_in_seconds": 60,
        "reason": "sweep",
    }
    projects = world.must(world.platform, "GET", f"/v1/admin/accounts/{spec['to_account']}/projects")["items"]
    spec["to_project"] = projects[0]["id"]
    return str(world.must(world.platform, "POST", "/v1/admin/grants", spec)["id"])


def token_case(path: str) -> Case:
    """A route about a token: B's living one, and one that B made and that is no token."""

    def theirs(world: World) -> Ask:
        issued = world.must("", "POST", "/oauth2/token", {"grant_type": "api_key", "api_key": world.b.key})
        return Ask(path, {"token": issued["access_token"]}, {}, (issued["access_token"],))

    def nobodys(world: World) -> Ask:
        none = "tnt_sk_" + secrets.token_hex(30)
        return Ask(path, {"token": none}, {}, (none,))

    return Case(theirs, nobodys)


def in_body(path: str, body: Callable[[str, str], Any], by: str) -> Case:
    """A route that names a tenant in its body."""

    def theirs(world: World) -> Ask:
        return Ask(path, body(world.b.account, world.b.project), {}, (world.b.account, world.b.project))

    def nobodys(_: World) -> Ask:
        account, project = fresh("none"), fresh("none")
        return Ask(path, body(account, project), {}, (account, project))

    return Case(theirs, nobodys, by)


ISSUER = "https://idp.sweep.example"


def issuer_entry(account: str) -> dict[str, Any]:
    return {
        "issuer": ISSUER,
        "audience": ["us"],
        "algorithms": ["HS256"],
        "secret": "a secret of thirty-two bytes, no more",
        "accounts": [account],
    }


def issuer_of_b(world: World) -> Ask:
    world.must(world.platform, "PUT", "/v1/admin/issuers", issuer_entry(world.b.account))
    return Ask(f"/v1/admin/issuers?issuer={ISSUER}")


def checked_issuer_of_b(world: World) -> Ask:
    issuer_of_b(world)
    return Ask("/v1/admin/issuers/check", {"issuer": ISSUER})


def keys_of_b(world: World) -> Ask:
    account, project = world.b.account, world.b.project
    return Ask(f"/v1/admin/keys?account_id={account}&project_id={project}", None, {}, (account, project))


def keys_of_nobody(_: World) -> Ask:
    account, project = fresh("none"), fresh("none")
    return Ask(f"/v1/admin/keys?account_id={account}&project_id={project}", None, {}, (account, project))


def key_below_account(rest: str, body: Any = None) -> Case:
    """A route about a key of an account, both named in the path."""
    path = "/v1/admin/accounts/{}/keys/{}" + rest

    def theirs(world: World) -> Ask:
        key = key_of_b(world)
        return Ask(path.format(world.b.account, key), body, {}, (world.b.account, key))

    def nobodys(world: World) -> Ask:
        account, none = fresh("none"), key_of_b(world)[::-1]
        return Ask(path.format(account, none), body, {}, (account, none))

    return Case(theirs, nobodys)


CASES: dict[str, Case] = {
    "shield_guard": selected("/v1/shield/guard", GUARD),
    "shield_guard_stream": selected("/v1/shield/guard/stream", GUARD),
    "shield_detect": selected("/v1/shield/detect", {"content": "hello", "content_type": "prompt"}),
    "usage": selected("/v1/shield/usage", {"usage_id": "u1", "model": {"model": "gpt-4o", "input_tokens": 1}}),
    "detectors": selected("/v1/shield/detectors"),
    "debug_policies": selected("/v1/shield/debug/policies"),
    "documented_guard": selected("/v1/guard", GUARD),
    "documented_guard_stream": selected("/v1/guard/stream", GUARD),
    "documented_detect": selected("/v1/detect", {"content": "hello", "content_type": "prompt"}),
    "documented_detectors": selected("/v1/detectors"),
    "documented_debug_policies": selected("/v1/debug/policies"),
    "documented_health": public("/v1/health"),
    "events": selected("/v1/events"),
    "whoami": selected("/v1/whoami"),
    "create_key": selected("/api-keys", {"name": "mine", "scopes": ["tools:read"]}),
    "list_keys": selected("/api-keys"),
    "get_key": by_id("/api-keys/{}", key_of_b),
    "revoke_key": by_id("/api-keys/{}/revoke", key_of_b),
    "rotate_key": by_id("/api-keys/{}/rotate", key_of_b),
    "introspect": token_case("/oauth2/token/introspect"),
    "revoke": token_case("/oauth2/token/revoke"),
    "admin_problems": platform("/v1/admin/problems"),
    "admin_verify": platform("/v1/admin/audit/verify"),
    "accounts_create": platform("/v1/admin/accounts", lambda _: {"id": fresh("acc")}),
    "accounts_list": platform("/v1/admin/accounts"),
    "accounts_ensure": named_account("/v1/admin/accounts/{}"),
    "accounts_get": named_account("/v1/admin/accounts/{}"),
    "accounts_suspend": named_account("/v1/admin/accounts/{}/suspend", make=new_account),
    "accounts_resume": named_account("/v1/admin/accounts/{}/resume"),
    "accounts_delete": named_account("/v1/admin/accounts/{}", make=new_account),
    "projects_create": named_account("/v1/admin/accounts/{}/projects", {"id": "sweep"}, new_account),
    "projects_list": named_account("/v1/admin/accounts/{}/projects"),
    "projects_ensure": below(by="platform"),
    "projects_get": below(by="platform"),
    "projects_suspend": Case(
        lambda world: (
            lambda other: Ask(
                f"/v1/admin/accounts/{other.account}/projects/{other.project}/suspend",
                None,
                {},
                (other.account, other.project),
            )
        )(world.tenant()),
        lambda world: (lambda a, p: Ask(f"/v1/admin/accounts/{a}/projects/{p}/suspend", None, {}, (a, p)))(
            fresh("none"), fresh("none")
        ),
        by="platform",
    ),
    "projects_resume": below("/resume", by="platform"),
    "projects_delete": Case(
        lambda world: (
            lambda other: Ask(
                f"/v1/admin/accounts/{other.account}/projects/{other.project}", None, {}, (other.account, other.project)
            )
        )(world.tenant()),
        lambda world: (lambda a, p: Ask(f"/v1/admin/accounts/{a}/projects/{p}", None, {}, (a, p)))(
            fresh("none"), fresh("none")
        ),
        by="platform",
    ),
    "issuers_put": in_body(
        "/v1/admin/issuers",
        lambda account, _: issuer_entry(account),
        by="platform",
    ),
    "issuers_check": Case(checked_issuer_of_b, checked_issuer_of_b, by="platform"),
    "issuers_list": platform("/v1/admin/issuers"),
    "issuers_remove": Case(issuer_of_b, issuer_of_b, by="platform"),
    "identity_settings": platform("/v1/admin/identity"),
    "change_identity_settings": platform("/v1/admin/identity", lambda _: {"max_keys": 100}),
    "tokens_rotate_signing_key": platform("/v1/admin/signing-keys/rotate"),
    "identity_verify": below("/identity/verify", lambda world: {"credential": world.b.key}),
    "identity_verify_account": named_account(
        "/v1/admin/accounts/{}/identity/verify", lambda world: {"credential": world.b.key}
    ),
    "identity_verify_platform": platform("/v1/admin/identity/verify", lambda world: {"credential": world.b.key}),
    "keys_create": below("/keys", {"name": "mine", "scopes": ["tools:read"]}),
    "keys_create_account": named_account("/v1/admin/accounts/{}/keys", {"name": "mine"}),
    "keys_create_platform": in_body(
        "/v1/admin/keys",
        lambda account, project: {
            "name": "mine",
            "account_id": account,
            "project_id": project,
            "scopes": ["tools:read"],
        },
        by="b",
    ),
    "keys_list": below("/keys"),
    "keys_list_account": named_account("/v1/admin/accounts/{}/keys"),
    "keys_list_platform": Case(keys_of_b, keys_of_nobody),
    "keys_get": below("/keys/{}", made=key_of_b),
    "keys_get_account": key_below_account(""),
    "keys_revoke": below("/keys/{}/revoke", made=key_of_b),
    "keys_revoke_account": key_below_account("/revoke"),
    "keys_rotate": below("/keys/{}/rotate", {}, made=key_of_b),
    "keys_rotate_account": key_below_account("/rotate", {}),
    "keys_rotate_platform": by_id("/v1/admin/keys/{}/rotate", key_of_b, {}),
    "keys_get_platform": by_id("/v1/admin/keys/{}", key_of_b),
    "keys_revoke_platform": by_id("/v1/admin/keys/{}/revoke", key_of_b),
    "tokens_issue": below("/tokens", {"subject": "ann", "scopes": ["tools:read"]}),
    "tokens_issue_account": named_account("/v1/admin/accounts/{}/tokens", {"subject": "ann", "scopes": ["tools:read"]}),
    "tokens_issue_platform": in_body(
        "/v1/admin/tokens",
        lambda account, project: {
            "subject": "ann",
            "account_id": account,
            "project_id": project,
            "scopes": ["tools:read"],
        },
        by="b",
    ),
    "grants_create": in_body(
        "/v1/admin/grants",
        lambda account, project: {
            "from_account": account,
            "to_account": account,
            "to_project": project,
            "actions": ["process_prompt"],
            "expires_in_seconds": 60,
            "reason": "sweep",
        },
        by="refused",
    ),
    "grants_list": platform("/v1/admin/grants"),
    "grants_revoke": by_id("/v1/admin/grants/{}", grant_of_b, by="platform"),
    "grants_uses": platform("/v1/admin/grants/uses"),
    "policies_list": below("/policies"),
    "policies_put": below("/policies/{}", {"text": POLICY}, made=lambda _: fresh("policy")),
    "policies_get": below("/policies/{}", made=policy_of_b),
    "policies_remove": below("/policies/{}", made=policy_of_b),
    "policies_attach_pack": below("/policies/packs/{}", made=lambda _: "strict"),
    "limits_list": below("/limits"),
    "limits_set": below("/limits/{}", {"rate": 1000, "per_ms": 1000}, made=lambda _: fresh("limit")),
    "limits_remove": below("/limits/{}", made=limit_of_b),
    "settings_get": below("/settings"),
    "settings_update": below("/settings", {"audit_class": "standard"}),
    "audit_query": below("/audit"),
    "audit_head": below("/audit/head"),
    "audit_verify": below("/audit/verify"),
    "oauth_token": in_body("/oauth2/token", lambda account, project: {}, by="token"),
    "shield_health": public("/v1/shield/health"),
    "jwks": public("/.well-known/jwks.json"),
    "authorization_server": public("/.well-known/oauth-authorization-server"),
    "protected_resource": public("/.well-known/oauth-protected-resource"),
    "health": public("/health"),
    "ready": public("/ready"),
    "metrics": public("/metrics"),
    "openapi": public("/openapi.json"),
}


def operations(world: World) -> dict[str, str]:
    """Every operation of the description and its method."""
    document = world.must("", "GET", "/openapi.json")
    return {
        operation["operationId"]: method.upper()
        for path in document["paths"].values()
        for method, operation in path.items()
    }


def masked(answer: httpx.Response, ids: tuple[str, ...]) -> tuple[int, str, str]:
    """An answer without what is different each time: its own id, and the ids that were asked for."""
    text = answer.text
    for found in sorted(filter(None, ids), key=len, reverse=True):
        text = text.replace(found, "<id>")
    text = re.sub(r'"request_id":"[^"]+"', '"request_id":"-"', text)
    return answer.status_code, answer.headers.get("content-type", ""), text


def test_every_route_has_a_case_and_every_case_a_route(world: World) -> None:
    assert sorted(operations(world)) == sorted(CASES)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.open])
def test_an_open_route_holds_nothing_of_any_tenant(world: World, name: str) -> None:
    method, ask = operations(world)[name], CASES[name].theirs(world)
    text = world.ask("", method, ask.path).text
    for tenant in (world.a, world.b):
        assert all(part not in text for part in (tenant.account, tenant.project, tenant.key, tenant.key_id))


CLOSED = [name for name, case in CASES.items() if not case.open and name != "oauth_token"]


@pytest.mark.parametrize("credential", ["key", "token"])
@pytest.mark.parametrize("name", CLOSED)
def test_what_is_anothers_answers_as_what_never_was(world: World, name: str, credential: str) -> None:
    method, case = operations(world)[name], CASES[name]
    own = world.a.key if credential == "key" else world.a.token
    theirs, nobodys = case.theirs(world), case.nobodys(world)
    first = world.ask(own, method, theirs.path, theirs.body, **theirs.headers)
    second = world.ask(own, method, nobodys.path, nobodys.body, **nobodys.headers)
    assert masked(first, theirs.ids) == masked(second, nobodys.ids)
    if name not in ("introspect", "revoke"):
        assert first.status_code in (403, 404), first.text
    if case.by == "refused":
        return
    able = world.platform if case.by == "platform" else world.b.key
    if name == "introspect":
        assert first.json() == {"active": False}
        assert world.must(able, method, theirs.path, theirs.body)["active"] is True
    elif name == "revoke":
        assert world.must(able, "POST", "/oauth2/token/introspect", theirs.body)["active"] is True, "A revoked it"
        world.must(able, method, theirs.path, theirs.body)
        assert world.must(able, "POST", "/oauth2/token/introspect", theirs.body)["active"] is False
    elif name == "events":
        headers = {"Authorization": f"Bearer {able}"}
        with world.server.http.stream("GET", world.server.url + theirs.path, headers=headers) as stream:
            assert stream.status_code == 200
    else:
        control = world.ask(able, method, theirs.path, theirs.body, **theirs.headers)
        assert control.is_success, f"{method} {theirs.path}: {control.status_code} {control.text}"


def test_a_token_is_of_the_keys_own_tenant_whatever_the_body_names(world: World) -> None:
    def exchange(**more: str) -> httpx.Response:
        body = {"grant_type": "api_key", "api_key": world.a.key, **more}
        return world.ask("", "POST", "/oauth2/token", body)

    theirs = exchange(account_id=world.b.account, project_id=world.b.project)
    none = exchange(account_id=fresh("none"), project_id=fresh("none"))
    assert masked(theirs, (world.b.account, world.b.project)) == masked(none, ())
    assert theirs.status_code in (400, 403)
    own = exchange(account_id="default", project_id="default")
    assert own.status_code == 200
    assert own.json()["account_id"] == world.a.account


def test_the_platform_refuses_a_grant_to_oneself_and_makes_one_to_another(world: World) -> None:
    other = world.tenant()
    spec = {
        "from_account": world.b.account,
        "to_account": other.account,
        "to_project": other.project,
        "actions": ["process_prompt"],
        "expires_in_seconds": 60,
        "reason": "sweep",
    }
    assert world.ask(world.b.key, "POST", "/v1/admin/grants", spec).status_code == 403
    assert json.loads(world.ask(world.platform, "POST", "/v1/admin/grants", spec).text)["to_account"] == other.account
