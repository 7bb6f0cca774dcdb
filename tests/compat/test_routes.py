"""Two tables: which route each method of the public client reaches, and which fields its answers cannot do without.

Every row goes through the recording proxy. A row of the second table shows that the answer is good as it is, and that
the client refuses it with one field bent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import highflame
import pytest
from highflame import APIConnectionError, GuardRequest, Highflame, ZeroIDClient, zeroid
from proxy import REMOVED, Proxy
from world import BENIGN, SECRET, Ask, Connect, Tenant, alone

TOKEN = "POST /oauth2/token"
PROMPT = {"content": BENIGN, "content_type": "prompt", "action": "process_prompt"}
LEAK = {"content": f"{SECRET}, ann@example.org", "content_type": "prompt", "action": "process_prompt"}


@dataclass(frozen=True)
class Method:
    """One call of the client. `{key_id}`, `{key}` and `{token}` stand for the tenant's own."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    # The routes besides the exchange of the key for a token.
    routes: tuple[str, ...] = ()

    def filled(self, tenant: Tenant) -> tuple[list[Any], dict[str, Any]]:
        def fill(value: Any) -> Any:
            if value == "{token}":
                return tenant.token()
            return value.format(key_id=tenant.key_id, key=tenant.key) if isinstance(value, str) else value

        return [fill(arg) for arg in self.args], {name: fill(value) for name, value in self.kwargs.items()}


GUARD = ("POST /v1/shield/guard",)
AUTHENTICATED = {"client_id": "{key_id}", "client_secret": "{key}"}
METHODS = [
    Method("guard.evaluate", kwargs=PROMPT, routes=GUARD),
    Method("guard.evaluate_prompt", (BENIGN,), routes=GUARD),
    Method("guard.evaluate_tool_call", ("search", {"q": "x"}), routes=GUARD),
    Method("detect.run", kwargs={"content": BENIGN, "content_type": "prompt"}, routes=("POST /v1/shield/detect",)),
    Method("usage.report", kwargs={"model": "gpt-4o", "input_tokens": 1}, routes=("POST /v1/shield/usage",)),
    Method("detectors.list", routes=("GET /v1/shield/detectors",)),
    Method("debug.policies", routes=("GET /v1/shield/debug/policies?product=guardrails",)),
    Method("api_keys.create", kwargs={"name": "made", "scopes": ["tools:read"]}, routes=("POST /api-keys",)),
    Method("api_keys.get", ("{key_id}",), routes=("GET /api-keys/{key_id}",)),
    Method("api_keys.list", routes=("GET /api-keys?page=1&limit=20",)),
    Method("tokens.issue_api_key", ("{key}",)),
    Method("tokens.verify", ("{token}",), routes=("GET /.well-known/jwks.json",)),
    Method("tokens.introspect", ("{token}",), AUTHENTICATED, routes=("POST /oauth2/token/introspect",)),
    Method("tokens.session", ("{token}",), AUTHENTICATED, routes=("POST /oauth2/token/introspect",)),
    Method("tokens.revoke", ("{token}",), AUTHENTICATED, routes=("POST /oauth2/token/revoke",)),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_reaches_its_own_route(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant, method: Method) -> None:
    args, kwargs = method.filled(acme)
    ask(connect(proxy.url, api_key=acme.key), method.name, *args, **kwargs)
    expected = tuple(route.format(key_id=acme.key_id) for route in method.routes)
    assert tuple(route for route in proxy.routes if route != TOKEN) == expected
    assert (expected or (TOKEN,))[-1] == proxy.routes[-1]
    assert all(200 <= call.status < 300 for call in proxy.calls)


def test_revoking_a_key_reaches_its_own_route(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    client = connect(proxy.url, api_key=acme.key)
    made = client.api_keys.create(name="short", scopes=["tools:read"])
    ask(client, "api_keys.revoke", made.id)
    assert proxy.routes[-1] == f"POST /api-keys/{made.id}/revoke"
    assert proxy.calls[-1].body == b""
    assert 200 <= proxy.calls[-1].status < 300


def test_streaming_reaches_its_own_route(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    collect(ask, connect(proxy.url, api_key=acme.key))
    assert proxy.routes == [TOKEN, "POST /v1/shield/guard/stream"]


@pytest.mark.parametrize(
    ("method", "route"), [("health", "GET /health"), ("jwks", "GET /.well-known/jwks.json")], ids=["health", "jwks"]
)
def test_a_method_of_the_identity_client_reaches_its_own_route(ask: Ask, proxy: Proxy, method: str, route: str) -> None:
    client = ZeroIDClient(base_url=proxy.url)
    try:
        ask(client, method)
    finally:
        client.close()
    assert proxy.routes == [route]
    assert proxy.calls[0].status == 200


def test_one_client_gets_a_token_for_each_of_its_purposes(connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    client = connect(proxy.url, api_key=acme.key)
    client.guard.evaluate_prompt(BENIGN)
    client.whoami(admin=True)
    client.whoami()
    assert proxy.routes == [TOKEN, *GUARD, TOKEN, TOKEN]
    tokens = [call for call in proxy.calls if call.route == TOKEN]
    assert [call.sent.get("scope") for call in tokens] == [None, "nhi:manage credentials:manage", None]
    assert len({call.got["access_token"] for call in tokens}) == 3


def test_a_token_is_used_again(connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    client = connect(proxy.url, api_key=acme.key)
    for _ in range(3):
        client.guard.evaluate_prompt(BENIGN)
    assert proxy.routes == [TOKEN, *GUARD * 3]
    guard = proxy.calls[-1]
    assert (guard.header("x-account-id"), guard.header("x-project-id")) == (acme.account, acme.project)
    assert guard.header("user-agent") == "highflame-python/0.10.0"


def collect(ask: Ask, client: Highflame) -> list[Any]:
    request = GuardRequest.model_validate(PROMPT)
    if not ask.twin:
        return list(client.guard.stream(request))

    async def collected() -> list[Any]:
        return [event async for event in client.guard.astream(request)]

    found: list[Any] = alone(client, collected)
    return found


# One wrong field


@dataclass(frozen=True)
class Break:
    """A field of an answer, and what to make of it. Without a value it is left out."""

    model: str
    method: Method
    path: str
    pointer: str
    value: Any = REMOVED

    def __str__(self) -> str:
        what = "gone" if self.value is REMOVED else repr(self.value)
        return f"{self.model}.{self.pointer.replace('/', '.')}={what}"


def guard(pointer: str, value: Any = REMOVED, **kwargs: Any) -> Break:
    return Break(
        "GuardResponse", Method("guard.evaluate", kwargs={**PROMPT, **kwargs}), "/v1/shield/guard", pointer, value
    )


def of(model: str, name: str, path: str, /, *pointers: str, **kwargs: Any) -> list[Break]:
    return [Break(model, Method(name, kwargs=kwargs), path, pointer) for pointer in pointers]


DENIED = {**LEAK, "debug": True}
REDACTED = {**LEAK, "mode": "modify"}
SHIELD = [
    guard("decision"),
    guard("decision", "maybe"),
    guard("latency_ms"),
    guard("latency_ms", 1.5),
    guard("request_id"),
    guard("timestamp"),
    guard("timestamp", 1_700_000_000),
    guard("signals"),
    guard("context", None),
    guard("projected_context", None),
    guard("signals/0/score", "high", **LEAK),
    guard("signals/0/context_key", **LEAK),
    guard("signals/0/vulnerability_id", **LEAK),
    guard("determining_policies/0/rule_id", **LEAK),
    guard("determining_policies/0/annotations", None, **LEAK),
    guard("redaction_entries/0/start_pos", **REDACTED),
    guard("redaction_entries/0/original", None, **REDACTED),
    guard("redaction_entries/0/type", **REDACTED),
    guard("detectors/0/tier", **DENIED),
    guard("detectors/0/context", **DENIED),
    guard("debug_info/tenant/application_id", **DENIED),
    guard("debug_info/loaded_policy_count", **DENIED),
    guard("debug_info/entities", 7, **DENIED),
    guard("root_causes/0/summary", **DENIED),
    guard("session_delta/turn_count", session_id="routes"),
    Break("TokenResponse", Method("guard.evaluate", kwargs=PROMPT), "/oauth2/token", "access_token"),
    Break("TokenResponse", Method("guard.evaluate", kwargs=PROMPT), "/oauth2/token", "expires_in"),
    *of(
        "DetectResponse",
        "detect.run",
        "/v1/shield/detect",
        *("context", "latency_ms", "detectors", "tiers_evaluated", "detectors/0/name", "detectors/0/status"),
        content=BENIGN,
        content_type="prompt",
    ),
    *of(
        "UsageResponse",
        "usage.report",
        "/v1/shield/usage",
        *("cost_micros", "priced", "recorded"),
        model="gpt-4o",
        input_tokens=1,
    ),
    *of(
        "ListDetectorsResponse",
        "detectors.list",
        "/v1/shield/detectors",
        *("count", "detectors", "detectors/0/version", "detectors/0/context_keys", "detectors/0/context_keys/0/type"),
    ),
    *of(
        "DebugPoliciesResponse",
        "debug.policies",
        "/v1/shield/debug/policies",
        *("has_policies", "policy_count", "product", "policies", "policies/0/policy_id", "policies/0/rule_ids"),
    ),
]
INTROSPECT = Method("tokens.introspect", ("{token}",), AUTHENTICATED)
IDENTITY = [
    Break("AccessToken", Method("tokens.issue_api_key", ("{key}",)), "/oauth2/token", "access_token"),
    Break("AccessToken", Method("tokens.issue_api_key", ("{key}",)), "/oauth2/token", "token_type"),
    Break("AccessToken", Method("tokens.issue_api_key", ("{key}",)), "/oauth2/token", "account_id", None),
    *of(
        "APIKeyCreated",
        "api_keys.create",
        "/api-keys",
        "id",
        "key",
        "key_prefix",
        "created_at",
        name="x",
        scopes=["tools:read"],
    ),
    *of("APIKey", "api_keys.list", "/api-keys", "keys/0/state", "keys/0/updated_at", "keys/0/account_id"),
    Break("APIKey", Method("api_keys.get", ("{key_id}",)), "/api-keys/{key_id}", "state"),
    Break("APIKey", Method("api_keys.get", ("{key_id}",)), "/api-keys/{key_id}", "created_at", "yesterday"),
    Break("TokenIntrospection", INTROSPECT, "/oauth2/token/introspect", "active"),
    Break("TokenIntrospection", INTROSPECT, "/oauth2/token/introspect", "aud", "one"),
]


def broken(ask: Ask, client: Highflame, proxy: Proxy, tenant: Tenant, row: Break, error: type[Exception]) -> None:
    args, kwargs = row.method.filled(tenant)
    path = row.path.format(key_id=tenant.key_id)
    if row.path != "/oauth2/token":
        ask(client, row.method.name, *args, **kwargs)
    proxy.change(path, row.pointer, row.value)
    with pytest.raises(error):
        ask(client, row.method.name, *args, **kwargs)
    assert 200 <= proxy.of(path)[-1].status < 300
    # The field was all that was wrong.
    ask(client, row.method.name, *args, **kwargs)


@pytest.mark.parametrize("row", SHIELD, ids=str)
def test_one_wrong_field_fails_the_client(connect: Connect, proxy: Proxy, acme: Tenant, row: Break) -> None:
    broken(Ask(), connect(proxy.url, api_key=acme.key), proxy, acme, row, highflame.InvalidResponseError)


@pytest.mark.parametrize("row", IDENTITY, ids=str)
def test_one_wrong_field_fails_the_identity_client(connect: Connect, proxy: Proxy, acme: Tenant, row: Break) -> None:
    broken(Ask(), connect(proxy.url, api_key=acme.key), proxy, acme, row, zeroid.InvalidResponseError)


@pytest.mark.parametrize(
    ("method", "path", "pointer"),
    [
        ("health", "/health", "status"),
        ("health", "/health", "service"),
        ("health", "/health", "timestamp"),
        ("health", "/health", "uptime_ms"),
        ("jwks", "/.well-known/jwks.json", "keys"),
    ],
)
def test_one_wrong_field_fails_health_and_keys(ask: Ask, proxy: Proxy, method: str, path: str, pointer: str) -> None:
    client = ZeroIDClient(base_url=proxy.url)
    try:
        ask(client, method)
        proxy.change(path, pointer)
        with pytest.raises(zeroid.InvalidResponseError):
            ask(client, method)
    finally:
        client.close()


@pytest.mark.parametrize(("name", "bent"), [("decision", "done"), ("detector_result", "detection")])
def test_one_wrong_event_name_fails_a_stream(
    ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant, name: str, bent: str
) -> None:
    client = connect(proxy.url, api_key=acme.key)
    assert collect(ask, client)
    proxy.rewrite(
        "/v1/shield/guard/stream", lambda body: body.replace(f"event: {name}".encode(), f"event: {bent}".encode())
    )
    with pytest.raises(APIConnectionError):
        collect(ask, client)


def test_keys_for_another_use_fail_verification(connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    proxy.change("/.well-known/jwks.json", "keys/0/use", "JWT-SVID")
    with pytest.raises(zeroid.ZeroIDError):
        connect(proxy.url, api_key=acme.key).tokens.verify(acme.token())
    assert connect(proxy.url, api_key=acme.key).tokens.verify(acme.token()).account_id == acme.account
