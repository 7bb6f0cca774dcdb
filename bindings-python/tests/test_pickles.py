"""Values cross processes and are copied, whole: they are equal on the other side, and errors carry theirs."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tenantry
from samples import BENIGN, EMAIL, NO_SHELL, SECRET
from tenantry import (
    AutoProvision,
    BlockedError,
    FileContext,
    GuardRequest,
    IdentitySettings,
    McpContext,
    ModelContext,
    NotFound,
    Page,
    Principal,
    Shield,
    Tenant,
    Tenantry,
    ToolContext,
)

# What holds a door to the engine, and is nobody's to send away.
HANDLES = {
    "Accounts", "Admin", "Audit", "Grants", "Guard", "Identities", "Issuers", "Keys", "Limits", "Policies", "Projects",
    "Tenant", "TenantSettings", "Tenantry", "Tokens", "Usage",
}  # fmt: skip


def gathered(client: Tenantry, acme: Tenant, globex: Tenant) -> list[Any]:
    """A value of every kind, each with as much in it as can be."""
    globex.policies.put("tools", NO_SHELL, mode="alert")
    globex.limits.set("burst", 1_000, "minute", key="tool", on_exceed="queue", max_wait=1.5)
    told: dict[str, Any] = {
        "explain": True,
        "debug": True,
        "session_id": "s",
        "metadata": {"a": [1, 2.5, None, {"b": "é"}]},
    }
    request = GuardRequest(
        EMAIL,
        mode="modify",
        tool=ToolContext(
            "search", arguments={"q": [EMAIL, 1, 2**63, -1.5, True, None]}, description="d", server_id="s"
        ),
        model=ModelContext(provider="p", model="m", temperature=0.1, max_tokens=2**40),
        file=FileContext("/a", "write", size=5, is_encrypted=False),
        mcp=McpContext("server", server_url="https://x.example", verified=True, capabilities=["a"]),
        contexts=["c"],
        detectors=["pii"],
        dryrun=True,
        early_exit=False,
        optimize=False,
    )
    key = client.identity.keys.create("app", account_id="acme", project_id="prod", scopes=["tools:read"], type="agent")
    token = client.identity.tokens.exchange(grant_type="api_key", api_key=key.key)
    receipt = client.identity.issuers.put(
        issuer="https://idp.example",
        audience=["app"],
        algorithms=["HS256"],
        secret="s" * 40,
        accounts=["acme"],
        claims={"roles": "/r"},
    )
    grants = client.admin.grants
    grants.create(
        from_account="acme",
        to_account="globex",
        to_project="prod",
        actions=["process_prompt"],
        expires_in_seconds=60,
        reason="r",
    )
    authenticated = client.authenticate(key.key)
    caller = authenticated.caller
    responses = [
        authenticated.guard.evaluate_prompt(BENIGN, **told),
        globex.guard.evaluate_prompt(EMAIL, mode="modify", **told),
        globex.guard.evaluate_tool_call("shell", {"q": EMAIL}, mode="modify", **told),
        acme.guard.evaluate_prompt(SECRET, **told),
        acme.guard.evaluate_prompt(BENIGN),
    ]
    planned = acme.guard.evaluate(GuardRequest(BENIGN, optimize=True)).optimization
    assert planned is not None
    values: list[Any] = [
        *responses,
        receipt,
        planned,
        *planned.required_detectors,
        *planned.skipped_detectors,
        request,
        request.tool,
        request.model,
        request.file,
        request.mcp,
        globex.guard.detect(EMAIL),
        *globex.guard.detectors(),
        *globex.guard.detectors()[0].context_keys,
        globex.usage.report(model="gpt-4o", input_tokens=10, usage_id="u"),
        *globex.policies.list(),
        globex.policies.put("more", NO_SHELL),
        *globex.limits.list(),
        globex.settings.get(),
        globex.settings.update(audit_class="required", session_ttl_seconds=60),
        *globex.audit.query(),
        globex.audit.head(),
        globex.audit.verify(),
        *client.admin.accounts.list(),
        *client.admin.projects.list("acme"),
        key,
        key.record,
        token,
        client.identity.tokens.introspect(token.access_token),
        *client.identity.issuers.list(),
        *grants.list(),
        caller,
        Principal("ann", "agent", ["owner"], ["tools:read"]),
        client.identity.settings(),
        client.identity.whoami(),
        IdentitySettings(roles={"a": ["b"]}, auto_provision=AutoProvision(True, facts={"tier": "t"}, max_accounts=5)),
        AutoProvision(True, policies=[{"name": "p", "text": NO_SHELL}]),
    ]
    for response in responses:
        parts: list[Any] = [response.session_delta, response.agent_identity, response.debug_info, response.detectors]
        parts += [response.signals, response.determining_policies, response.redaction_entries, response.root_causes]
        for part in parts:
            values.extend(part if isinstance(part, list) else [part])
        if response.debug_info is not None:
            values.extend(response.debug_info.entities)
    return [value for value in values if value is not None]


def test_every_value_is_pickled_and_copied_whole(client: Tenantry, acme: Tenant, globex: Tenant) -> None:
    seen = set()
    for value in gathered(client, acme, globex):
        seen.add(type(value).__name__)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            back = pickle.loads(pickle.dumps(value, protocol))
            assert type(back) is type(value)
            assert back == value, value
            assert back.to_dict() == value.to_dict()
            assert repr(back) == repr(value)
        for copied in (copy.copy(value), copy.deepcopy(value), copy.deepcopy([{"held": value}])[0]["held"]):
            assert copied == value
    classes = {
        name
        for name, one in ((name, getattr(tenantry, name)) for name in tenantry.__all__)
        if inspect.isclass(one) and not issubclass(one, Exception) and one not in (Page, Shield)
    }
    # One more kind of value, and it has to be among them.
    assert classes - HANDLES - seen == set()


def test_handles_stay_where_they_are(client: Tenantry, globex: Tenant) -> None:
    for handle in (client, client.admin, client.identity, globex, globex.guard, globex.limits, globex.audit):
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(handle)


def test_what_was_not_pickled_here_is_no_value() -> None:
    restored, (kind, text) = Principal("ann").__reduce__()
    assert restored(kind, text) == Principal("ann")
    for bad in ("", "{}", "[]", '{"id": 5}', text[:-1]):
        with pytest.raises(tenantry.InvalidArgument):
            restored(kind, bad)


def test_a_blocked_error_keeps_its_response_and_all_else(acme: Tenant) -> None:
    with pytest.raises(BlockedError) as caught:
        acme.guard.evaluate_prompt(SECRET).raise_for_denied()
    error = caught.value
    error.code = "mine"
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(back) is BlockedError
        assert back.response == error.response
        assert back.response.signals == error.response.signals
        assert (str(back), back.args, back.__dict__) == (str(error), error.args, error.__dict__)


# What child processes run.


def judged(folder: str, text: str) -> Any:
    with Tenantry(folder, deadline_ms=30_000) as client:
        response = client.tenant("acme", "prod").guard.evaluate_prompt(text, explain=True)
        response.raise_for_denied()
        return response


def failed(folder: str) -> None:
    with Tenantry(folder, deadline_ms=30_000) as client:
        client.tenant("nobody", "prod")


def returned(value: Any) -> Any:
    return value


@pytest.mark.parametrize("way", ["spawn", "forkserver"])
def test_answers_and_errors_cross_processes(data_dir: Path, client: Tenantry, acme: Tenant, way: str) -> None:
    here = acme.guard.evaluate_prompt(SECRET, explain=True)
    client.close()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(way)) as pool:
        assert pool.submit(judged, str(data_dir), BENIGN).result(60).allowed
        with pytest.raises(BlockedError) as blocked:
            pool.submit(judged, str(data_dir), SECRET).result(60)
        assert blocked.value.response.denied
        assert blocked.value.response.signals == here.signals
        with pytest.raises(NotFound) as missing:
            pool.submit(failed, str(data_dir)).result(60)
        assert missing.value.code == "scope_not_found"
        assert pool.submit(returned, here).result(60) == here
