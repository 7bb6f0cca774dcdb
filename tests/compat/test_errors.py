"""Refusals and outages as the public client reports them: problems, retries, idempotency keys, and odd requests."""

from __future__ import annotations

import asyncio
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from highflame import APIError, AuthenticationError, GuardRequest, GuardResponse, Highflame, ModelContext
from highflame.zeroid.errors import APIError as IdentityAPIError
from highflame.zeroid.errors import AuthenticationError as IdentityAuthenticationError
from highflame.zeroid.errors import ValidationError, ZeroIDError
from proxy import Proxy
from world import BENIGN, SECRET, Ask, Connect, Server, Tenant, alone

GUARD = "/v1/shield/guard"
USAGE = "/v1/shield/usage"


def forged(token: str) -> str:
    head, body, signature = token.split(".")
    return ".".join((head, body, signature[::-1]))


def problem(response: Any) -> dict[str, Any]:
    """A problem the client can read: an object with texts for `title` and `detail` (RFC 9457)."""
    assert response.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = response.json()
    assert isinstance(body["title"], str)
    assert isinstance(body["detail"], str)
    assert body["title"]
    assert body["detail"]
    assert body["status"] == response.status_code
    return body


# Credentials


@pytest.mark.parametrize("key", ["hf_sk_wrong", "zid_sk_wrong", "hfa_wrong"])
def test_a_key_nobody_issued_is_an_authentication_error(ask: Ask, server: Server, connect: Connect, key: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        ask(connect(server.url, api_key=key), "guard.evaluate_prompt", BENIGN)
    assert caught.value.detail


def test_a_key_with_one_letter_changed_is_an_authentication_error(
    ask: Ask, server: Server, connect: Connect, acme: Tenant
) -> None:
    key = acme.key[:-1] + ("a" if acme.key[-1] != "a" else "b")
    with pytest.raises(AuthenticationError):
        ask(connect(server.url, api_key=key), "guard.evaluate_prompt", BENIGN)


def test_a_forged_token_is_an_authentication_error(ask: Ask, server: Server, connect: Connect, acme: Tenant) -> None:
    client = connect(server.url, access_token=forged(acme.token()))
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("guard.evaluate_prompt", (BENIGN,)),
        ("detectors.list", ()),
        ("debug.policies", ()),
    ]
    for method, args in calls:
        with pytest.raises(AuthenticationError) as caught:
            ask(client, method, *args)
        assert caught.value.detail, method


def test_a_token_nobody_signed_is_an_authentication_error(
    ask: Ask, server: Server, connect: Connect, acme: Tenant
) -> None:
    body = acme.token().split(".")[1]
    head = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    with pytest.raises(AuthenticationError):
        ask(connect(server.url, access_token=f"{head}.{body}."), "guard.evaluate_prompt", BENIGN)


def test_the_identity_client_is_told_in_oauths_words(ask: Ask, client: Highflame) -> None:
    with pytest.raises(ZeroIDError) as caught:
        ask(client, "tokens.issue_api_key", "hf_sk_wrong")
    assert caught.value.code == "invalid_grant"
    assert caught.value.status == 400
    with pytest.raises(ZeroIDError) as caught:
        ask(client, "tokens.issue_refresh_token", "no-such-token")
    assert caught.value.code == "invalid_grant"
    with pytest.raises(ZeroIDError) as caught:
        ask(client, "tokens.issue_authorization_code", "code", redirect_uri="x", client_id="x", code_verifier="x")
    assert caught.value.code == "unsupported_grant_type"


def test_a_bearer_that_is_not_taken_fails_the_identity_client(
    ask: Ask, server: Server, connect: Connect, acme: Tenant
) -> None:
    client = connect(server.url, api_key=acme.key, default_headers={"Authorization": f"Bearer {forged(acme.token())}"})
    with pytest.raises(IdentityAuthenticationError):
        ask(client, "api_keys.list")


def test_two_authorization_headers_are_refused(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    client = connect(proxy.url, api_key=acme.key, default_headers={"authorization": f"Bearer {acme.token()}"})
    with pytest.raises(APIError) as caught:
        ask(client, "guard.evaluate_prompt", BENIGN)
    assert len(proxy.of(GUARD)[0].all_of("authorization")) == 2
    assert caught.value.status == 400
    assert caught.value.detail


# Requests


def test_a_path_that_is_not_there_is_a_404(ask: Ask, server: Server, connect: Connect, acme: Tenant) -> None:
    client = connect(server.url, api_key=acme.key, base_url=f"{server.url}/nowhere")
    with pytest.raises(APIError) as caught:
        ask(client, "guard.evaluate_prompt", BENIGN)
    assert caught.value.status == 404
    assert caught.value.title
    assert caught.value.detail


@pytest.mark.parametrize("path", [f"{GUARD}/", "/v1/shield/detectors/", "/api-keys/", "/health/", "/v1"])
def test_nothing_redirects(server: Server, acme: Tenant, path: str) -> None:
    for method in ("GET", "POST"):
        answer = server.http.request(method, server.url + path, headers={"Authorization": f"Bearer {acme.key}"})
        assert not 300 <= answer.status_code < 400
        assert answer.status_code < 500


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"content": 7, "content_type": "prompt", "action": "process_prompt"}',
        b'{"content_type": "prompt", "action": "process_prompt"}',
        b'{"content": "x", "content_type": "poem", "action": "process_prompt"}',
        b'{"content": "x", "content_type": "prompt", "action": "process_prompt", "mode": "asleep"}',
        b'{"content": "\xff", "content_type": "prompt", "action": "process_prompt"}',
        b'{"content": "x", "content": "y", "content_type": "prompt", "action": "process_prompt"}',
    ],
    ids=["empty", "cut", "list", "string", "number", "missing", "content-type", "mode", "not-utf8", "twice"],
)
def test_a_body_that_is_no_guard_request_is_refused_with_a_problem(server: Server, acme: Tenant, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {acme.key}", "Content-Type": "application/json"}
    answer = server.http.post(server.url + GUARD, content=body, headers=headers)
    assert answer.status_code in {400, 422}
    problem(answer)


def test_metadata_nested_too_deep_is_refused(ask: Ask, client: Highflame) -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    with pytest.raises(APIError) as caught:
        ask(
            client,
            "guard.evaluate",
            content=BENIGN,
            content_type="prompt",
            action="process_prompt",
            metadata={"d": deep},
        )
    assert caught.value.status in {400, 422}


def test_a_method_a_route_does_not_have_is_refused(server: Server, acme: Tenant) -> None:
    headers = {"Authorization": f"Bearer {acme.key}"}
    assert problem(server.http.get(server.url + GUARD, headers=headers))["status"] == 405
    assert problem(server.http.delete(f"{server.url}/v1/shield/detectors", headers=headers))["status"] == 405


def test_a_key_without_a_name_is_a_validation_error(ask: Ask, client: Highflame) -> None:
    with pytest.raises(ValidationError) as caught:
        ask(client, "api_keys.create", name="", scopes=["tools:read"])
    assert caught.value.detail


def test_a_scope_that_is_none_is_refused(ask: Ask, client: Highflame) -> None:
    with pytest.raises(IdentityAPIError) as caught:
        ask(client, "api_keys.create", name="odd", scopes=["no spaces please"])
    assert caught.value.status in {403, 422}


def test_oauth_errors_keep_their_form(server: Server) -> None:
    answer = server.http.post(server.token_url, json={"grant_type": "password"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_grant_type"
    answer = server.http.post(server.token_url, json={})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    answer = server.http.post(server.token_url, content=b"<xml/>", headers={"Content-Type": "text/xml"})
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_the_token_endpoint_reads_forms_too(server: Server, acme: Tenant) -> None:
    answer = server.http.post(server.token_url, data={"grant_type": "api_key", "api_key": acme.key, "unknown": "x"})
    assert answer.status_code == 200
    assert answer.json()["account_id"] == acme.account


# Outages and retries


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_retry_after_an_outage_is_decided_once(
    ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant, session_id: str, when: Any
) -> None:
    client = connect(proxy.url, api_key=acme.key)
    proxy.unavailable(GUARD, when)
    model = ModelContext(model="gpt-4o", input_tokens=100, output_tokens=10)
    response = ask(client, "guard.evaluate_prompt", BENIGN, session_id=session_id, model=model)
    assert response.allowed
    first, second = proxy.of(GUARD)
    assert (first.status, second.status) == (503, 200)
    assert first.header("idempotency-key") == second.header("idempotency-key")
    assert first.sent == second.sent
    if when == "after":
        assert proxy.hidden[0].got["request_id"] == response.request_id
    assert response.session_delta.turn_count == 1
    assert ask(client, "guard.evaluate_prompt", BENIGN, session_id=session_id).session_delta.turn_count == 2


@pytest.mark.usefixtures("no_waiting")
def test_a_retry_takes_room_of_a_limit_once(ask: Ask, server: Server, connect: Connect, proxy: Proxy) -> None:
    tenant = server.tenant()
    tenant.allow_one_an_hour()
    client = connect(proxy.url, api_key=tenant.key)
    proxy.unavailable(GUARD, "after")
    assert ask(client, "guard.evaluate_prompt", BENIGN).allowed
    assert ask(client, "guard.evaluate_prompt", BENIGN).denied


@pytest.mark.usefixtures("no_waiting")
def test_a_denial_that_got_lost_is_the_same_denial(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    proxy.unavailable(GUARD, "after", times=2)
    response = ask(connect(proxy.url, api_key=acme.key), "guard.evaluate_prompt", SECRET)
    assert response.denied
    assert response.policy_reason == "The content holds a secret."
    assert {call.got["request_id"] for call in proxy.hidden} == {response.request_id}


@pytest.mark.usefixtures("no_waiting")
def test_usage_that_was_reported_twice_is_counted_once(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    client, usage_id = connect(proxy.url, api_key=acme.key), uuid.uuid4().hex
    proxy.unavailable(USAGE, "after")
    ask(client, "usage.report", model="gpt-4o", input_tokens=5, usage_id=usage_id)
    assert proxy.hidden[0].got["recorded"] is True
    assert not ask(client, "usage.report", model="gpt-4o", input_tokens=5, usage_id=usage_id).recorded


@pytest.mark.usefixtures("no_waiting")
def test_an_outage_that_lasts_is_an_error_and_never_a_decision(
    ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant
) -> None:
    proxy.unavailable(GUARD, "before", times=3)
    with pytest.raises(APIError) as caught:
        ask(connect(proxy.url, api_key=acme.key), "guard.evaluate_prompt", BENIGN)
    assert caught.value.status == 503
    assert len(proxy.of(GUARD)) == 3


@pytest.mark.usefixtures("no_waiting")
def test_the_identity_client_retries_too(ask: Ask, connect: Connect, proxy: Proxy, acme: Tenant) -> None:
    proxy.unavailable("/api-keys", "before")
    assert ask(connect(proxy.url, api_key=acme.key), "api_keys.list", limit=100)
    first, second = proxy.of("/api-keys")
    assert first.header("x-idempotency-key") is None
    assert second.header("x-idempotency-key")


# Idempotency


@pytest.fixture
def pinned(server: Server, connect: Connect) -> Callable[[Tenant, str], Highflame]:
    """A client whose every call carries the same idempotency key."""
    return lambda tenant, key: connect(server.url, api_key=tenant.key, default_headers={"Idempotency-Key": key})


def test_the_same_key_and_request_get_the_same_answer(
    ask: Ask, pinned: Callable[[Tenant, str], Highflame], acme: Tenant, session_id: str
) -> None:
    client = pinned(acme, uuid.uuid4().hex)
    answers = [ask(client, "guard.evaluate_prompt", BENIGN, session_id=session_id) for _ in range(2)]
    assert answers[0].request_id == answers[1].request_id
    assert answers[0].timestamp == answers[1].timestamp
    assert answers[1].session_delta.turn_count == 1


def test_of_many_at_once_with_the_same_key_one_decides(
    pinned: Callable[[Tenant, str], Highflame], acme: Tenant, client: Highflame, session_id: str
) -> None:
    same = pinned(acme, uuid.uuid4().hex)

    async def all_of_them() -> list[GuardResponse]:
        calls = (same.guard.aevaluate_prompt(BENIGN, session_id=session_id) for _ in range(8))
        return list(await asyncio.gather(*calls))

    answers = alone(same, all_of_them)
    assert len({answer.request_id for answer in answers}) == 1
    turn = client.guard.evaluate_prompt(BENIGN, session_id=session_id)
    assert turn.session_delta is not None
    assert turn.session_delta.turn_count == 2


def test_the_same_key_with_another_request_is_refused(
    ask: Ask, pinned: Callable[[Tenant, str], Highflame], acme: Tenant
) -> None:
    client = pinned(acme, uuid.uuid4().hex)
    assert ask(client, "guard.evaluate_prompt", BENIGN).allowed
    with pytest.raises(APIError) as caught:
        ask(client, "guard.evaluate_prompt", SECRET)
    assert caught.value.status == 422
    assert caught.value.detail


def test_the_same_key_of_two_tenants_does_not_meet(
    pinned: Callable[[Tenant, str], Highflame], acme: Tenant, globex: Tenant
) -> None:
    key = uuid.uuid4().hex
    ours = pinned(acme, key).guard.evaluate_prompt(SECRET)
    theirs = pinned(globex, key).guard.evaluate_prompt(SECRET)
    assert ours.denied
    assert theirs.allowed
    assert ours.request_id != theirs.request_id


def test_a_key_without_a_good_credential_replays_nothing(
    server: Server, connect: Connect, pinned: Callable[[Tenant, str], Highflame], acme: Tenant
) -> None:
    key = uuid.uuid4().hex
    assert pinned(acme, key).guard.evaluate_prompt(BENIGN).allowed
    bad = connect(server.url, access_token=forged(acme.token()), default_headers={"Idempotency-Key": key})
    with pytest.raises(AuthenticationError):
        bad.guard.evaluate_prompt(BENIGN)


def test_a_request_that_was_refused_is_not_kept(pinned: Callable[[Tenant, str], Highflame], acme: Tenant) -> None:
    client = pinned(acme, uuid.uuid4().hex)
    with pytest.raises(APIError) as caught:
        client.guard.evaluate(GuardRequest(content=BENIGN, content_type="prompt", action="fly"))
    assert caught.value.status in {400, 422}
    with pytest.raises(APIError) as again:
        client.guard.evaluate(GuardRequest(content=BENIGN, content_type="prompt", action="fly"))
    assert again.value.detail == caught.value.detail
