"""Forks while files are open: SQLite must not be carried through one, and nobody may lose what was acknowledged."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import tenantry
from tenantry import Tenantry

FORBID = "forbid (principal, action, resource);"


def in_child(work: Callable[[], str], fork: Callable[[], int] = os.fork) -> Callable[[], str]:
    """Starts `work` in a forked child; what is returned waits for its answer."""
    reading, writing = os.pipe()
    pid = fork()
    if pid == 0:
        os.close(reading)
        try:
            answer = work()
        except tenantry.TenantryError as error:
            answer = error.code
        except BaseException as error:
            answer = repr(error)
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)

    def wait() -> str:
        with os.fdopen(reading) as pipe:
            answer = pipe.read()
        os.waitpid(pid, 0)
        return answer

    return wait


def test_a_child_keeps_its_writes_when_the_parent_closes_and_others_write(tmp_path: Path) -> None:
    client = Tenantry(tmp_path)
    client.admin.accounts.create("acme")
    client.admin.projects.create("acme", "prod")
    acme = client.tenant("acme", "prod")
    assert acme.guard.evaluate_prompt("hi").allowed
    go_reading, go_writing = os.pipe()

    def child() -> str:
        assert acme.guard.evaluate_prompt("hi").allowed
        os.read(go_reading, 1)
        acme.policies.put("closed", FORBID)
        denied = acme.guard.evaluate_prompt("hi").denied
        return f"{denied} {acme.audit.verify().ok}"

    answer = in_child(child)
    client.close()
    other = (
        f"import tenantry; c = tenantry.Tenantry({str(tmp_path)!r}); t = c.tenant('acme', 'prod')\n"
        "for n in range(30): t.guard.evaluate_prompt(str(n))\n"
        "c.close()"
    )
    subprocess.run([sys.executable, "-c", other], check=True)
    os.write(go_writing, b"!")
    assert answer() == "True True"
    with Tenantry(tmp_path) as again:
        acme = again.tenant("acme", "prod")
        # The handles above keep the parent's engine, which learns within 100 ms what another process changed.
        late = time.monotonic() + 5
        while not acme.guard.evaluate_prompt("hi", dryrun=True).denied:
            assert time.monotonic() < late
            time.sleep(0.01)
        assert acme.guard.evaluate_prompt("hi").denied
        assert acme.audit.verify().ok
        rows = acme.audit.query(limit=1000)
        decisions = [row for row in rows if row.kind == "decision" and not row.body.get("dry_run")]
        assert len(decisions) == 1 + 1 + 30 + 1 + 1


def test_parent_and_children_write_one_whole_chain(tmp_path: Path) -> None:
    with Tenantry(tmp_path) as client:
        client.admin.accounts.create("acme")
        client.admin.projects.create("acme", "prod")
        acme = client.tenant("acme", "prod")
        acme.guard.evaluate_prompt("hi")

        def child() -> str:
            for number in range(50):
                acme.guard.evaluate_prompt(str(number))
            return "done"

        answers = [in_child(child) for _ in range(3)]
        for number in range(50):
            acme.guard.evaluate_prompt(str(number))
        assert [answer() for answer in answers] == ["done"] * 3
        assert acme.audit.verify().ok
        assert sum(row.kind == "decision" for row in acme.audit.query(limit=1000)) == 201


def test_a_fork_that_skipped_the_hooks_is_refused_in_the_child(tmp_path: Path) -> None:
    with Tenantry(tmp_path) as client:
        client.admin.accounts.create("acme")
        client.admin.projects.create("acme", "prod")
        acme = client.tenant("acme", "prod")
        bare = ctypes.CDLL(None).fork
        assert in_child(lambda: acme.guard.evaluate_prompt("hi").decision, fork=bare)() == "forked"
        assert acme.guard.evaluate_prompt("hi").allowed
