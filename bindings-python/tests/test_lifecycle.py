"""From opening to the end of the process, whichever way it comes: close, exit, fork, kill."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import made, python
from samples import BENIGN, SECRET
from tenantry import InvalidArgument, Tenant, Tenantry, Unavailable

# What a child process runs: it opens the folder and answers on request.
WORKER = """
import os, sys
from tenantry import Tenantry

client = Tenantry(sys.argv[1], deadline_ms=30_000)
globex = client.tenant("globex", "prod")
for number in range(int(sys.argv[2])):
    globex.guard.evaluate_prompt("question")
    print(number, flush=True)
"""

# One worker of several behind one door: the same requests reach all, as when a client repeats what took too long.
REPEATER = """
import sys
from tenantry import Tenantry

client = Tenantry(sys.argv[1], deadline_ms=30_000)
globex = client.tenant("globex", "prod")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    print(globex.guard.evaluate(content="question", idempotency_key=f"k{number}").request_id, flush=True)
"""


def decisions(tenant: Tenant) -> int:
    return sum(row.kind == "decision" for row in tenant.audit.query(limit=10_000))


def test_a_client_is_ready_when_made_and_closed_by_its_block(data_dir: Path) -> None:
    with Tenantry(data_dir) as client:
        assert not client.closed
        assert repr(client) == "Tenantry(open)"
        assert made(client, "globex").guard.evaluate_prompt(BENIGN).allowed
    assert client.closed
    assert repr(client) == "Tenantry(closed)"


@pytest.mark.asyncio
async def test_an_async_block_closes_too(data_dir: Path) -> None:
    async with Tenantry(data_dir) as client:
        assert not client.closed
    assert client.closed


def test_an_error_inside_a_block_comes_out_of_it(data_dir: Path) -> None:
    with pytest.raises(KeyError), Tenantry(data_dir):
        raise KeyError("mine")


def test_close_may_be_called_again(data_dir: Path) -> None:
    client = Tenantry(data_dir)
    client.close()
    client.close()
    asyncio.run(client.aclose())
    assert client.closed


AFTER_CLOSE: dict[str, Callable[[Tenantry, Tenant], object]] = {
    "tenant": lambda client, tenant: client.tenant("globex", "prod"),
    "admin": lambda client, tenant: client.admin.accounts.list(),
    "guard": lambda client, tenant: tenant.guard.evaluate_prompt(BENIGN),
    "policies": lambda client, tenant: tenant.policies.list(),
    "limits": lambda client, tenant: tenant.limits.list(),
    "settings": lambda client, tenant: tenant.settings.get(),
    "audit": lambda client, tenant: tenant.audit.query(),
    "awaited": lambda client, tenant: asyncio.run(tenant.guard.aevaluate_prompt(BENIGN)),
}


@pytest.mark.parametrize("use", AFTER_CLOSE.values(), ids=AFTER_CLOSE.keys())
def test_use_after_close_is_a_typed_error(
    client: Tenantry, globex: Tenant, use: Callable[[Tenantry, Tenant], object]
) -> None:
    client.close()
    with pytest.raises(InvalidArgument) as caught:
        use(client, globex)
    assert caught.value.code == "client_closed"


def test_a_client_of_a_project_has_its_rooms(data_dir: Path, globex: Tenant) -> None:
    with Tenantry(data_dir, account_id="globex", project_id="prod") as own:
        assert own.guard.evaluate_prompt(BENIGN).allowed
        assert [policy.name for policy in own.policies.list()] == [policy.name for policy in globex.policies.list()]
        assert own.limits.list() == []
        assert own.settings.get() == globex.settings.get()
        assert own.audit.query() == globex.audit.query()


@pytest.mark.parametrize("room", ["guard", "policies", "limits", "settings", "audit"])
def test_a_client_without_a_project_says_so(client: Tenantry, room: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        getattr(client, room)
    assert caught.value.code == "tenant_missing"


def test_two_clients_on_one_folder_share_what_they_keep(data_dir: Path, client: Tenantry, globex: Tenant) -> None:
    with Tenantry(data_dir) as second:
        other = second.tenant("globex", "prod")
        globex.limits.set("burst", 2, "hour")
        assert [globex.guard.evaluate_prompt(BENIGN).allowed, other.guard.evaluate_prompt(BENIGN).allowed] == [True] * 2
        assert other.guard.evaluate_prompt(BENIGN).denied
    assert decisions(globex) == 3


def test_memory_engines_share_nothing_and_write_nothing(tmp_path: Path) -> None:
    with Tenantry(in_memory=True) as first, Tenantry(in_memory=True) as second:
        made(first, "globex")
        assert second.admin.accounts.list() == []
    assert list(tmp_path.iterdir()) == []


def test_the_data_folder_comes_from_code_or_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TENANTRY_DATA_DIR", str(tmp_path / "environment"))
    Tenantry().close()
    Tenantry(str(tmp_path / "code")).close()
    assert {path.name for path in tmp_path.iterdir()} == {"code", "environment"}
    with pytest.raises(InvalidArgument):
        Tenantry(tmp_path, in_memory=True)


def test_dev_mode_makes_tenants_up_and_says_so(tmp_path: Path) -> None:
    with Tenantry(tmp_path / "dev", dev=True) as client:
        response = client.tenant("never-seen", "prod").guard.evaluate_prompt(BENIGN)
        assert "dev_mode" in response.degraded


def test_importing_starts_no_thread() -> None:
    worker = python("import threading, os, tenantry; print(len(os.listdir('/proc/self/task')))")
    assert worker.communicate(timeout=60)[0].strip() == "1"


def test_a_process_that_exits_without_closing_loses_no_row(data_dir: Path, client: Tenantry, globex: Tenant) -> None:
    client.close()
    worker = python(WORKER, data_dir, 50)
    worker.communicate(timeout=60)
    assert worker.returncode == 0
    with Tenantry(data_dir) as again:
        assert decisions(again.tenant("globex", "prod")) == 50
        assert again.tenant("globex", "prod").audit.verify().ok


def test_a_killed_process_loses_nothing_it_acknowledged(data_dir: Path, client: Tenantry, globex: Tenant) -> None:
    client.close()
    worker = python(WORKER, data_dir, 1_000_000)
    assert worker.stdout is not None
    acknowledged = 0
    for line in worker.stdout:
        acknowledged = int(line) + 1
        if acknowledged == 200:
            os.kill(worker.pid, signal.SIGKILL)
            break
    # What it had already printed when the signal came counts as acknowledged too.
    for line in worker.stdout:
        with contextlib.suppress(ValueError):
            acknowledged = int(line) + 1
    worker.communicate()
    with Tenantry(data_dir, deadline_ms=30_000) as again:
        tenant = again.tenant("globex", "prod")
        assert decisions(tenant) >= min(acknowledged, 10_000 - 10) >= 200
        assert tenant.audit.verify().ok


def in_child(work: Callable[[], str]) -> str:
    """What `work` returns in a forked child; an exception's name if it raised one."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = work()
        except BaseException as error:
            answer = f"{type(error).__name__} {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def test_a_forked_child_decides_at_once_and_the_parent_goes_on(globex: Tenant) -> None:
    assert globex.guard.evaluate_prompt(BENIGN).allowed

    def work() -> str:
        start = time.monotonic()
        decision = globex.guard.evaluate_prompt(BENIGN).decision
        return f"{decision} {time.monotonic() - start < 2}"

    assert in_child(work) == "allow True"
    assert in_child(work) == "allow True"
    assert globex.guard.evaluate_prompt(BENIGN).allowed
    assert decisions(globex) == 4
    assert globex.audit.verify().ok


def test_a_forked_child_runs_a_loop_of_its_own(globex: Tenant) -> None:
    asyncio.run(globex.guard.aevaluate_prompt("x " * 40_000))
    assert in_child(lambda: asyncio.run(globex.guard.aevaluate_prompt("x " * 40_000)).decision) == "allow"
    assert asyncio.run(globex.guard.aevaluate_prompt("x " * 40_000)).allowed


def test_a_child_that_drops_its_client_leaves_the_parents_engine_alone(data_dir: Path) -> None:
    client = Tenantry(data_dir, deadline_ms=30_000)
    tenant = made(client, "globex")
    tenant.guard.evaluate_prompt(BENIGN)

    def work() -> str:
        nonlocal client, tenant
        del client, tenant
        gc.collect()
        return "dropped"

    assert in_child(work) == "dropped"
    assert tenant.guard.evaluate_prompt(BENIGN).allowed
    assert decisions(tenant) == 2
    assert tenant.audit.verify().ok
    client.close()


def test_a_call_under_way_across_a_fork_fails_in_the_child_and_ends_in_the_parent(globex: Tenant) -> None:
    async def main() -> str:
        await globex.limits.aset("line", 1, 0.2, key="custom", on_exceed="queue", max_wait=30)
        await globex.limits.aacquire("line")
        # Stepped by hand: in a child asyncio has no running loop that would take the next step.
        call = globex.limits.aacquire("line")
        waiter = call.send(None)

        def step() -> str:
            try:
                return f"still waiting: {call.send(None)}"
            except Unavailable as error:
                return error.code

        answer = in_child(step)
        await asyncio.wait_for(waiter, timeout=30)
        with pytest.raises(StopIteration):
            call.send(None)
        return answer

    assert asyncio.run(main()) == "forked"


def test_eight_threads_share_a_handle_and_lose_no_call(acme: Tenant) -> None:
    counts: list[tuple[int, int]] = []

    def work() -> None:
        answers = [acme.guard.evaluate_prompt(SECRET if number % 4 == 0 else BENIGN) for number in range(200)]
        counts.append((sum(answer.allowed for answer in answers), sum(answer.denied for answer in answers)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [(150, 50)] * 8
    assert decisions(acme) == 8 * 200


def test_threads_never_pass_a_limit_together(globex: Tenant) -> None:
    globex.limits.set("burst", 100, "hour")
    allowed: list[int] = []

    def work() -> None:
        allowed.append(sum(globex.guard.evaluate_prompt(BENIGN).allowed for _ in range(50)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 100


def test_a_waiting_call_lets_other_threads_run(globex: Tenant) -> None:
    globex.limits.set("line", 1, 0.3, key="custom", on_exceed="queue", max_wait=30)
    globex.limits.acquire("line")
    waiting = threading.Thread(target=globex.limits.acquire, args=("line",))
    waiting.start()
    turns = 0
    while waiting.is_alive():
        turns += 1
    waiting.join()
    assert turns > 10


def test_of_several_processes_one_decides_a_repeated_request(data_dir: Path) -> None:
    with Tenantry(data_dir) as client:
        globex = made(client, "globex")
        workers = [python(REPEATER, data_dir, 60) for _ in range(3)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        told = [worker.communicate(timeout=60)[0].split() for worker in workers]
        assert [len(ids) for ids in told] == [60, 60, 60]
        assert told[0] == told[1] == told[2]
        rows = [row.request_id for row in globex.audit.query(limit=10_000) if row.kind == "decision"]
        assert sorted(rows) == sorted(told[0])
        assert globex.audit.verify().ok


def test_an_interpreter_that_ends_while_answers_come_ends_well() -> None:
    code = (
        "import asyncio\n"
        "from tenantry import Tenantry\n"
        "client = Tenantry(in_memory=True)\n"
        "client.admin.accounts.create('acme')\n"
        "client.admin.projects.create('acme', 'prod')\n"
        "acme = client.tenant('acme', 'prod')\n"
        "async def main():\n"
        "    calls = [asyncio.ensure_future(acme.guard.aevaluate_prompt('x' * 200_000)) for _ in range(8)]\n"
        "    await asyncio.wait(calls, timeout=0.001)\n"
        "    for call in calls: call.cancel()\n"
        "asyncio.run(main())\n"
    )
    for _ in range(5):
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
        assert ended.returncode == 0, ended.stderr.decode()
