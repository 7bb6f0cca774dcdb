"""A call that waits lets signals through: handlers run, and what one raises ends the call, which leaves nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# What a child process runs: it makes a call that waits, and is sent a signal meanwhile. Where files are held, another
# process holds them.
CHILD = r"""
import json, os, signal, subprocess, sys, threading, time
from pathlib import Path
from tenantry import Tenantry

folder, name, how, where = sys.argv[1:]
client = Tenantry(folder, deadline_ms=30_000)
client.admin.accounts.create("acme"); client.admin.projects.create("acme", "prod")
acme = client.tenant("acme", "prod")
acme.limits.set("few", 3, "hour")
acme.limits.set("line", 1, 2, on_exceed="queue", max_wait=20, key="scope")
acme.limits.set("mine", 1, 2, on_exceed="queue", max_wait=20, key="custom")
held = []

HOLDER = (
    "import sqlite3, sys\n"
    "held = [sqlite3.connect(path, isolation_level=None) for path in sys.argv[1:]]\n"
    "for one in held: one.execute('PRAGMA busy_timeout = 20000'); one.execute('BEGIN IMMEDIATE')\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()\n"
)

def hold():
    command = [sys.executable, "-c", HOLDER, *map(str, Path(folder).rglob("*.db"))]
    # In a group of its own: the signal is for this process alone.
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert holder.stdout.readline()
    held.append(holder)

def in_line():
    acme.guard.evaluate_prompt("one")
    return lambda: acme.guard.evaluate_prompt("two")

def in_own_line():
    acme.limits.acquire("mine")
    return lambda: acme.limits.acquire("mine")

def required():
    acme.settings.update(audit_class="required")
    acme.limits.remove("line")
    hold()
    return lambda: acme.guard.evaluate_prompt("three")

def once():
    acme.limits.remove("line")
    hold()
    return lambda: acme.guard.evaluate(content="four", idempotency_key="k")

def admin():
    hold()
    return lambda: client.admin.accounts.create("globex")

def policies():
    hold()
    return lambda: acme.policies.put("p", "permit (principal, action, resource);")

def own_room():
    client.admin.projects.create("acme", "own")
    hold()
    return lambda: acme.limits.set("other", 5, "minute")

def opening():
    code = "import sys, tenantry; tenantry.Tenantry(sys.argv[1]).close()"
    subprocess.run([sys.executable, "-c", code, folder + "/other"], check=True)
    hold()
    return lambda: Tenantry(folder + "/other")

class Mine(Exception): pass
ran = []

def handler(number, frame):
    ran.append(time.monotonic())
    if how == "raise": raise Mine()

kind = {"interrupt": signal.SIGINT, "terminate": signal.SIGTERM}.get(how, signal.SIGUSR1)
if how == "exit":
    signal.signal(kind, lambda *_: (ran.append(time.monotonic()), sys.exit(3)))
elif how == "terminate":
    signal.signal(kind, lambda *_: (ran.append(time.monotonic()), sys.exit(4)))
elif how == "interrupt":
    # As Python starts; whoever runs in the background inherits that it is ignored.
    signal.signal(kind, signal.default_int_handler)
else:
    signal.signal(kind, handler)

call = globals()[name]()
outcome = {}
begun = time.monotonic()
sender = threading.Timer(0.3, os.kill, (os.getpid(), kind))
sender.start()

def release():
    for holder in held:
        if holder.poll() is None: holder.communicate()
releaser = threading.Timer(2, release)
if held: releaser.start()

def waits():
    try:
        outcome["answer"] = str(type(call()).__name__)
    except BaseException as error:
        outcome["raised"] = type(error).__name__
    outcome["ended"] = time.monotonic() - begun

if where == "thread":
    # The main thread is free, so the handler runs there; the call goes on.
    worker = threading.Thread(target=waits); worker.start(); worker.join()
else:
    waits()
outcome["ran"] = ran[0] - begun if ran else None
if "raised" in outcome: releaser.cancel(); release()
elif held: releaser.join()
if name == "in_line" and where == "main" and how != "note":
    # Nobody stands in line for the call that ended, nor counts it.
    again = time.monotonic()
    outcome["after"] = [acme.guard.evaluate_prompt("next").decision for _ in range(2)]
    outcome["took"] = time.monotonic() - begun
client.close()
print(json.dumps(outcome))
"""

WAITS = ["in_line", "in_own_line", "required", "once", "admin", "policies", "own_room", "opening"]


def run(folder: Path, name: str, how: str, where: str = "main") -> dict[str, Any]:
    command = [sys.executable, "-c", CHILD, str(folder), name, how, where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


@pytest.mark.parametrize(
    ("how", "raised"),
    [("interrupt", "KeyboardInterrupt"), ("raise", "Mine"), ("exit", "SystemExit"), ("terminate", "SystemExit")],
)
@pytest.mark.parametrize("name", WAITS)
def test_what_a_handler_raises_ends_a_call_that_waits(data_dir: Path, name: str, how: str, raised: str) -> None:
    outcome = run(data_dir, name, how)
    assert outcome.get("raised") == raised
    assert outcome["ended"] < 1.3
    if name == "in_line":
        assert outcome["after"] == ["allow", "allow"]
        assert outcome["took"] < 5.5


@pytest.mark.parametrize("name", WAITS)
def test_a_handler_that_returns_runs_at_once_and_the_call_goes_on(data_dir: Path, name: str) -> None:
    outcome = run(data_dir, name, "note")
    assert outcome["ran"] < 1.3
    assert "raised" not in outcome
    assert outcome["ended"] > 1.5


@pytest.mark.parametrize("name", ["in_line", "in_own_line"])
def test_a_call_on_another_thread_is_not_interrupted(data_dir: Path, name: str) -> None:
    outcome = run(data_dir, name, "note", "thread")
    assert "raised" not in outcome
    assert outcome["ran"] < 1.3
