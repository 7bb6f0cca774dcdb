"""A call that is never awaited says so, as Python's own coroutines do; one that is used in any way does not."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from samples import BENIGN
from tenantry import Tenant, Tenantry

FORGOTTEN: dict[str, Callable[[Tenantry, Tenant], object]] = {
    "Guard.aevaluate": lambda client, tenant: tenant.guard.aevaluate(content=BENIGN),
    "Guard.aevaluate_prompt": lambda client, tenant: tenant.guard.aevaluate_prompt(BENIGN),
    "Guard.aevaluate_response": lambda client, tenant: tenant.guard.aevaluate_response(BENIGN),
    "Guard.aevaluate_tool_call": lambda client, tenant: tenant.guard.aevaluate_tool_call("search", {}),
    "Guard.aevaluate_tool_response": lambda client, tenant: tenant.guard.aevaluate_tool_response("search", ""),
    "Guard.aevaluate_file": lambda client, tenant: tenant.guard.aevaluate_file("", "/a"),
    "Guard.adetect": lambda client, tenant: tenant.guard.adetect(BENIGN),
    "Tenant.arequire_scopes": lambda client, tenant: tenant.arequire_scopes("tools:read"),
    "Tenantry.atenant": lambda client, tenant: client.atenant("globex", "prod"),
    "Tenantry.aauthenticate": lambda client, tenant: client.aauthenticate("token"),
    "Tenantry.aclose": lambda client, tenant: client.aclose(),
    "Tenantry.__aenter__": lambda client, tenant: client.__aenter__(),
    "Limits.aacquire": lambda client, tenant: tenant.limits.aacquire("a"),
    "Policies.aput": lambda client, tenant: tenant.policies.aput("p", ""),
    "TenantSettings.aupdate": lambda client, tenant: tenant.settings.aupdate(),
    "Audit.averify": lambda client, tenant: tenant.audit.averify(),
    "Usage.areport": lambda client, tenant: tenant.usage.areport(model="m"),
    "Accounts.acreate": lambda client, tenant: client.admin.accounts.acreate("a"),
    "Keys.acreate": lambda client, tenant: client.identity.keys.acreate("a"),
    "Tokens.aintrospect": lambda client, tenant: client.identity.tokens.aintrospect("a"),
}


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """What is warned of in the block."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told: list[str] = []
        yield told
        gc.collect()
        told += [f"{one.category.__name__}: {one.message}" for one in caught]


@pytest.mark.parametrize("name", list(FORGOTTEN))
def test_a_call_that_is_never_awaited_is_named(client: Tenantry, globex: Tenant, name: str) -> None:
    with heard() as told:
        FORGOTTEN[name](client, globex)
    assert told == [f"RuntimeWarning: coroutine '{name}' was never awaited"]


def test_the_warning_points_at_the_line_that_forgot(globex: Tenant) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        globex.guard.aevaluate_prompt(BENIGN)  # type: ignore[unused-coroutine]
        line = sys._getframe().f_lineno - 1
    assert [(one.filename, one.lineno) for one in caught] == [(__file__, line)]


def test_a_call_has_the_name_of_its_method(globex: Tenant) -> None:
    call: Any = globex.guard.aevaluate_prompt(BENIGN)
    assert (call.__name__, call.__qualname__) == ("aevaluate_prompt", "Guard.aevaluate_prompt")
    assert repr(call) == "<coroutine Guard.aevaluate_prompt>"
    call.close()


def test_where_warnings_are_errors_the_warning_is_told_as_unraisable(
    globex: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        globex.guard.aevaluate_prompt(BENIGN)  # type: ignore[unused-coroutine]
    assert [type(one.exc_value) for one in told] == [RuntimeWarning]


def test_an_exception_on_its_way_goes_on(globex: Tenant) -> None:
    def fails() -> None:
        _forgotten = globex.guard.aevaluate_prompt(BENIGN)
        raise KeyError("mine")

    with heard() as told, pytest.raises(KeyError, match="mine"):
        fails()
    del fails
    assert len(told) <= 1


def own_loop() -> contextlib.AbstractContextManager[Any]:
    return contextlib.closing(asyncio.new_event_loop())


def other_loop() -> contextlib.AbstractContextManager[Any]:
    return contextlib.closing(pytest.importorskip("uvloop").new_event_loop())


LOOPS = pytest.mark.parametrize("loop", [own_loop, other_loop], ids=["asyncio", "uvloop"])


def waits(tenant: Tenant) -> Any:
    """A call that has no answer at once."""
    tenant.limits.set("line", 1, 5, on_exceed="queue", max_wait=20)
    tenant.guard.evaluate_prompt(BENIGN)
    return tenant.guard.aevaluate_prompt(BENIGN)


async def awaited(tenant: Tenant) -> None:
    assert (await tenant.guard.aevaluate_prompt(BENIGN)).allowed


async def in_a_task(tenant: Tenant) -> None:
    assert (await asyncio.create_task(tenant.guard.aevaluate_prompt(BENIGN))).allowed


async def gathered(tenant: Tenant) -> None:
    answers = await asyncio.gather(*(tenant.guard.aevaluate_prompt(BENIGN) for _ in range(3)))
    assert all(answer.allowed for answer in answers)


async def cancelled_before_it_began(tenant: Tenant) -> None:
    task = asyncio.create_task(tenant.guard.aevaluate_prompt(BENIGN))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def cancelled_while_it_waits(tenant: Tenant) -> None:
    task = asyncio.create_task(waits(tenant))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def timed_out(tenant: Tenant) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(waits(tenant), 0.05)


async def closed(tenant: Tenant) -> None:
    tenant.guard.aevaluate_prompt(BENIGN).close()


async def thrown_into(tenant: Tenant) -> None:
    with pytest.raises(KeyError):
        tenant.guard.aevaluate_prompt(BENIGN).throw(KeyError("mine"))


async def failed(tenant: Tenant) -> None:
    with pytest.raises(Exception, match="nobody"):
        await tenant.limits.aacquire("nobody")


async def refused(tenant: Tenant) -> None:
    with pytest.raises(Exception, match="mode"):
        await tenant.guard.aevaluate_prompt(BENIGN, mode="off")


USED = [
    awaited,
    in_a_task,
    gathered,
    cancelled_before_it_began,
    cancelled_while_it_waits,
    timed_out,
    closed,
    thrown_into,
    failed,
    refused,
]


@LOOPS
@pytest.mark.parametrize("use", USED)
def test_a_call_that_is_used_is_quiet(globex: Tenant, loop: Callable[[], Any], use: Callable[[Tenant], Any]) -> None:
    with heard() as told, loop() as running:
        running.run_until_complete(use(globex))
    assert told == []


@LOOPS
def test_a_call_that_is_forgotten_on_a_loop_is_named(globex: Tenant, loop: Callable[[], Any]) -> None:
    async def forgets() -> None:
        globex.guard.aevaluate_prompt(BENIGN)  # type: ignore[unused-coroutine]

    with heard() as told, loop() as running:
        running.run_until_complete(forgets())
    assert told == ["RuntimeWarning: coroutine 'Guard.aevaluate_prompt' was never awaited"]


def test_a_call_that_is_forgotten_on_another_thread_is_named(globex: Tenant) -> None:
    with heard() as told:
        worker = threading.Thread(target=lambda: globex.guard.aevaluate_prompt(BENIGN) and None)
        worker.start()
        worker.join()
    assert told == ["RuntimeWarning: coroutine 'Guard.aevaluate_prompt' was never awaited"]
