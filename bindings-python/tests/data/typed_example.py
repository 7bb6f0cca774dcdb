"""Checked by mypy --strict: every kind of call, and the types it gives back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from typing_extensions import assert_type

from tenantry import (
    AccessToken,
    Account,
    ApiKey,
    AuditHead,
    AuditRecord,
    BlockedError,
    Detector,
    Grant,
    GuardRequest,
    GuardResponse,
    Identity,
    IdentitySettings,
    NewApiKey,
    Page,
    Principal,
    Shield,
    Signal,
    Tenant,
    Tenantry,
    ToolContext,
    UsageReceipt,
    VerifyReport,
)
from tenantry.compat.highflame import Highflame, ListDetectorsResponse, UsageResponseBody
from tenantry.compat.highflame.zeroid import TokenIntrospection, ZeroIDClient


def sync(folder: Path) -> None:
    with Tenantry(folder, default_headers={"x-team": "red"}) as client:
        assert_type(client, Tenantry)
        assert_type(client.admin.accounts.create("acme", labels=["a"]), Account)
        assert_type(client.admin.accounts.list(), Page[Account])
        acme = client.tenant("acme", "prod")
        assert_type(acme, Tenant)
        response = acme.guard.evaluate(GuardRequest("x", tool=ToolContext("t", arguments={"a": [1, None]})))
        assert_type(response, GuardResponse)
        assert_type(response.allowed, bool)
        assert_type(response.redacted_content, str | None)
        assert_type(response.signals, list[Signal])
        assert_type(acme.guard.evaluate(content="x", idempotency_key="k"), GuardResponse)
        assert_type(acme.guard.detectors(), Page[Detector])
        assert_type(acme.usage.report("gpt-4o", input_tokens=5), UsageReceipt)
        acme.limits.set("own", 5, "minute", max_wait=0.5, action="process_prompt")
        assert_type(acme.audit.query(since=3), Page[AuditRecord])
        assert_type(acme.audit.query(order="newest", before=9), Page[AuditRecord])
        assert_type(acme.audit.head(), AuditHead)
        assert_type(acme.audit.verify(anchor=str(acme.audit.head())), VerifyReport)
        acme.acting_as(Principal("ada", type="agent", roles=("admin",)))


def credentials(folder: Path, scope: dict[str, list[tuple[bytes, bytes]]], headers: dict[str, str]) -> None:
    with Tenantry(folder, require_credentials=True) as client:
        for presented in (scope["headers"], headers, headers.items(), "token"):
            assert_type(client.authenticate(presented, peer="127.0.0.1"), Tenant)
        acme = client.authenticate(headers, method="GET", target="/api/v1/stream/sse")
        assert_type(acme.caller, Identity | None)
        acme.require_scopes("tools:read", "tools:write")
        assert_type(acme.identity.keys.create("x", type="agent", scopes=("tools:read",)), NewApiKey)
        assert_type(client.identity.keys.list(account_id="acme"), Page[ApiKey])
        assert_type(client.identity.keys.get("x"), ApiKey)
        assert_type(client.identity.tokens.exchange("api_key", api_key="x"), AccessToken)
        assert_type(client.identity.put_settings({"max_keys": 3}), IdentitySettings)
        assert_type(client.admin.grants.list(), Page[Grant])


async def awaited(folder: Path) -> None:
    async with Tenantry(folder) as client:
        assert_type(client, Tenantry)
        acme = await client.atenant("acme", "prod")
        assert_type(acme, Tenant)
        task = asyncio.create_task(acme.guard.aevaluate_prompt("x"))
        assert_type(await task, GuardResponse)
        assert_type(await client.aauthenticate("x"), Tenant)
        assert_type(await acme.usage.areport("gpt-4o"), UsageReceipt)
        assert_type(await acme.guard.adetectors(), Page[Detector])
        assert_type(await client.identity.keys.aget("x"), ApiKey)
        await acme.arequire_scopes("tools:read")
        assert_type(await client.admin.accounts.alist(), Page[Account])


def decorated(acme: Tenant) -> None:
    @Shield(acme).prompt
    def chat(question: str, times: int = 1) -> str:
        return question * times

    @Shield(acme).tool(name="search")
    async def search(query: str) -> list[str]:
        return [query]

    assert_type(chat("x", times=2), str)

    async def run() -> None:
        assert_type(await search("x"), list[str])

    asyncio.run(run())


def compatible() -> None:
    with Highflame(api_key="hf_sk_...", account_id="a", project_id="p") as client:
        assert_type(client, Highflame)
        assert_type(client.usage.report(model="gpt-4o"), UsageResponseBody)
        assert_type(client.detectors.list(), ListDetectorsResponse)
        try:
            client.guard.evaluate_prompt("x").raise_for_denied()
        except BlockedError as error:
            assert_type(error.response, GuardResponse)
            assert_type(error.retry_after, float | None)
    with ZeroIDClient("https://auth.example", account_id="a", project_id="p") as zeroid:
        assert_type(zeroid, ZeroIDClient)
        assert_type(zeroid.api_keys.create(name="x"), NewApiKey)
        assert_type(zeroid.api_keys.list(limit=3), list[ApiKey])
        assert_type(zeroid.tokens.issue_api_key("x"), AccessToken)
        assert_type(zeroid.tokens.introspect("x"), TokenIntrospection)
