"""Async twins: the same answers as the sync methods, and good manners on an event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from samples import BENIGN, CARD, EMAIL, NO_SHELL, SECRET
from tenantry import (
    Accounts,
    Audit,
    Grants,
    Guard,
    GuardRequest,
    Identities,
    InvalidArgument,
    Issuers,
    Keys,
    Limits,
    NotFound,
    Policies,
    Projects,
    RateLimited,
    Tenant,
    Tenantry,
    TenantSettings,
    Tokens,
)

LARGE = "word " * 20_000


ROOMS = [Accounts, Projects, Guard, Policies, Limits, TenantSettings, Audit, Identities, Issuers, Keys, Tokens, Grants]


@pytest.mark.parametrize("room", ROOMS)
def test_every_operation_has_an_awaited_twin_with_the_same_signature(room: type) -> None:
    names = [name for name, value in vars(room).items() if not name.startswith("_") and callable(value)]
    sync = [name for name in names if f"a{name}" in names]
    assert len(names) == 2 * len(sync)
    for name in sync:
        signature, twin = (inspect.signature(getattr(room, each)) for each in (name, f"a{name}"))
        assert signature.parameters == twin.parameters


CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "evaluate": ((GuardRequest(SECRET),), {"session_id": "s"}),
    "evaluate_prompt": ((EMAIL,), {"mode": "modify"}),
    "evaluate_response": ((CARD,), {}),
    "evaluate_tool_call": (("search", {"query": "x"}), {"metadata": {"a": 1}}),
    "evaluate_file": ((SECRET, "/tmp/x", "write"), {}),
    "detect": ((CARD,), {"content_type": "response"}),
}
VOLATILE = ("request_id", "timestamp", "latency_ms", "session_delta", "detectors")


@pytest.mark.asyncio
@pytest.mark.parametrize("name", CALLS)
async def test_a_twin_answers_what_the_sync_method_answers(acme: Tenant, name: str) -> None:
    args, kwargs = CALLS[name]
    sync = getattr(acme.guard, name)(*args, **kwargs).to_dict()
    awaited = (await getattr(acme.guard, f"a{name}")(*args, **kwargs)).to_dict()
    for field in VOLATILE:
        assert (field in sync) == (field in awaited)
        sync.pop(field, None), awaited.pop(field, None)
    assert awaited == sync


@pytest.mark.asyncio
async def test_a_tenants_life_runs_on_twins_alone(client: Tenantry) -> None:
    admin = client.admin
    assert (await admin.accounts.acreate("acme", tier="gold")).tier == "gold"
    assert (await admin.projects.acreate("acme", "prod")).id == "prod"
    assert await admin.accounts.alist() == [await admin.accounts.aget("acme")]
    assert await admin.projects.alist("acme") == [await admin.projects.aget("acme", "prod")]
    acme = await client.atenant("acme", "prod")

    assert (await acme.policies.aput("tools", NO_SHELL)).policy_count == 1
    assert (await acme.policies.aattach_pack("strict")).name == "strict"
    assert {policy.name for policy in await acme.policies.alist()} >= {"tools", "strict"}
    assert await acme.policies.aremove("tools") is None  # type: ignore[func-returns-value]

    await acme.limits.aset("own", 1, "hour", key="custom")
    await acme.limits.aacquire("own", "k")
    with pytest.raises(RateLimited):
        await acme.limits.aacquire("own", "k")
    assert [limit.id for limit in await acme.limits.alist()] == ["own"]
    await acme.limits.aremove("own")

    assert (await acme.settings.aupdate(audit_class="required")) == await acme.settings.aget()
    assert (await acme.guard.aevaluate_prompt(BENIGN)).allowed
    head = await acme.audit.ahead()
    assert (await acme.audit.averify(anchor=head)).ok
    assert (await acme.audit.aquery())[-1].sequence == head.sequence

    assert (await admin.projects.asuspend("acme", "prod")).status == "suspended"
    assert (await admin.projects.aresume("acme", "prod")).status == "active"
    assert (await admin.accounts.asuspend("acme")).status == "suspended"
    assert (await admin.accounts.aresume("acme")).status == "active"
    await admin.projects.adelete("acme", "prod")
    await admin.accounts.adelete("acme")
    assert await admin.accounts.alist() == []


@pytest.mark.asyncio
async def test_a_core_error_is_raised_where_it_is_awaited(client: Tenantry) -> None:
    call = client.atenant("nobody", "prod")
    with pytest.raises(NotFound):
        await call


@pytest.mark.asyncio
async def test_a_bad_argument_is_refused_at_the_call(acme: Tenant) -> None:
    with pytest.raises(InvalidArgument):
        acme.guard.aevaluate_prompt(BENIGN, mode="off").close()


def test_a_warm_call_needs_no_event_loop(acme: Tenant) -> None:
    acme.guard.evaluate_prompt(BENIGN)
    call = acme.guard.aevaluate_prompt(BENIGN)
    with pytest.raises(StopIteration) as ended:
        call.send(None)
    assert ended.value.value.allowed


def test_asyncio_run_takes_a_call_itself(acme: Tenant) -> None:
    assert asyncio.run(acme.guard.aevaluate_prompt(BENIGN)).allowed
    assert asyncio.run(acme.guard.aevaluate_prompt(LARGE)).allowed


@pytest.mark.asyncio
async def test_calls_are_coroutines_to_asyncio(acme: Tenant) -> None:
    call = acme.guard.aevaluate_prompt(BENIGN)
    assert asyncio.iscoroutine(call)
    assert isinstance(call, Coroutine)
    tasks = [asyncio.create_task(call), asyncio.create_task(acme.guard.aevaluate_prompt(LARGE))]
    answers = await asyncio.gather(*tasks, acme.guard.aevaluate_prompt(SECRET))
    assert [answer.decision for answer in answers] == ["allow", "allow", "deny"]
    assert (await asyncio.wait_for(acme.guard.aevaluate_prompt(LARGE), timeout=30)).allowed


@pytest.mark.asyncio
async def test_a_call_is_awaited_once(acme: Tenant) -> None:
    call = acme.guard.aevaluate_prompt(BENIGN)
    await call
    with pytest.raises(RuntimeError, match="already awaited"):
        await call


@pytest.mark.asyncio
async def test_nothing_happens_before_a_call_is_awaited(globex: Tenant) -> None:
    before = len(globex.audit.query())
    globex.guard.aevaluate_prompt(BENIGN).close()
    assert len(globex.audit.query()) == before


@pytest.mark.asyncio
async def test_long_content_never_runs_on_the_event_loops_thread(acme: Tenant) -> None:
    # A spawned call must give the loop a turn before it ends; one polled in place would not.
    acme.guard.evaluate_prompt(BENIGN)
    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "loop")
    await acme.guard.aevaluate_prompt(BENIGN)
    assert turns == []
    await acme.guard.aevaluate_prompt(LARGE)
    assert turns == ["loop"]


async def queueing(tenant: Tenant) -> asyncio.Task[None]:
    """A task that waits in line for a limit that is used up."""
    await tenant.limits.aset("line", 1, "hour", key="custom", on_exceed="queue", max_wait="1h")
    await tenant.limits.aacquire("line")
    task = asyncio.create_task(tenant.limits.aacquire("line"))
    await asyncio.sleep(0)
    assert not task.done()
    return task


@pytest.mark.asyncio
async def test_a_cancelled_task_leaves_its_place_in_line(globex: Tenant) -> None:
    task = await queueing(globex)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # Nobody is ahead any more: with a quicker limit the next in line is served, and not after an hour.
    await globex.limits.aset("line", 1, 0.05, key="custom", on_exceed="queue", max_wait=30)
    await asyncio.wait_for(globex.limits.aacquire("line"), timeout=30)


@pytest.mark.asyncio
async def test_a_timeout_of_asyncios_own_ends_a_wait(globex: Tenant) -> None:
    (await queueing(globex)).cancel()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(globex.limits.aacquire("line"), timeout=0.01)


def test_a_loop_closed_under_a_call_is_let_go(globex: Tenant) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(globex.limits.aset("line", 1, 0.2, key="custom", on_exceed="queue", max_wait=5))
    loop.run_until_complete(globex.limits.aacquire("line"))
    call = globex.limits.aacquire("line")

    async def start() -> None:
        call.send(None)

    loop.run_until_complete(start())
    loop.close()
    # The answer arrives at a closed loop, on the core's thread; the process must live on and keep answering.
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            asyncio.run(globex.limits.aacquire("line"))
            break
        except RateLimited:
            continue
    call.close()
    assert globex.guard.evaluate_prompt(BENIGN).allowed


def test_calls_run_on_the_loop_of_each_thread(acme: Tenant) -> None:
    answers: list[str] = []

    def work() -> None:
        answers.append(asyncio.run(acme.guard.aevaluate_prompt(LARGE)).decision)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["allow"] * 4


@pytest.mark.asyncio
async def test_many_calls_at_once_are_all_answered(acme: Tenant) -> None:
    texts = [BENIGN, SECRET, LARGE, LARGE + SECRET] * 10
    answers = await asyncio.gather(*[acme.guard.aevaluate_prompt(text) for text in texts])
    assert [answer.decision for answer in answers] == ["allow", "deny", "allow", "deny"] * 10
