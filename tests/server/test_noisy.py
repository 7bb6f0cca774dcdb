"""One tenant never makes another wait: a victim's open loop beside an account that does whatever it may.

The attacker has the heaviest policies that `put` takes, sends fifty times its limit, and puts policies without end. The
victim's 99th percentile is at most 25 ms with a release build (`make soak`, which takes longer over it) and 60 ms
with the one of `make test`, or three times what it is beside as many well-behaved callers; no call of it fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from process import EVERYTHING, GUARD, Place, Server, Tenant, head, prompt

SOAK = "TENANTRY_SOAK" in os.environ
SECONDS = 60.0 if SOAK else 5.0
# `make soak` holds a release build to 25 ms; the one of `make test` is optimised little, and shares its processors.
MOST_MILLIS, ROUNDS = (25.0, 1) if SOAK else (60.0, 3)
COUNT = 100_000 if SOAK else 10_000
RATE = 200
# Most time for puts of one kind before the attack.
SETUP_SECONDS = 2.0
LIMIT = 20
CALLERS = 20
MOST_MB = 64


def request(method: str, path: str, body: Any, key: str, *headers: str) -> str:
    text = json.dumps(body)
    return head(method, path, *headers, key=key, length=len(text)).decode() + text


def noise(server: Server, seconds: float, **asked: Any) -> subprocess.Popen[str]:
    """Load from a process of its own, which has begun when this returns."""
    command = [sys.executable, str(Path(__file__).with_name("noise.py"))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    json.dump({"port": server.port, "seconds": seconds, **asked}, process.stdin)
    process.stdin.close()
    return process


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    with process:
        assert process.stdout is not None
        out = process.stdout.read()
        assert process.wait(60) == 0
    return dict(json.loads(out))


def texts(size: int) -> Iterator[tuple[str, str]]:
    """Policies that cost much, of about `size` bytes: long patterns, many rules, long conditions, long sets."""
    call = 'action == Action::"call_tool", resource'
    yield "pattern", f'forbid (principal, {call}) when {{ context has path && context.path like "*{"a" * size}b" }};'
    stars = "*a" * (size // 2)
    yield "stars", f'forbid (principal, {call}) when {{ context has path && context.path like "{stars}b" }};'
    rule = 'forbid (principal == User::"nobody-{}", action, resource);'
    yield "rules", "\n".join(rule.format(number) for number in range(size // 60))
    # Not longer: that chains have an end is said, and shown, elsewhere.
    chain = " || ".join(f'context.content like "*{number}*x"' for number in range(min(size // 30, 100)))
    yield "chain", f'forbid (principal, action == Action::"process_prompt", resource) when {{ {chain} }};'
    names = ", ".join(f'"name-{number}"' for number in range(size // 15))
    yield "set", f"forbid (principal, {call}) when {{ [{names}].contains(context.tool_name) }};"


def heaviest(tenant: Tenant) -> dict[str, int]:
    """Puts of each kind as much as is taken, large texts first, smaller when refused. How many bytes that came to."""
    taken: dict[str, int] = {}
    for kind in ("pattern", "stars", "rules", "chain", "set"):
        size, number, end = 200_000, 0, time.monotonic() + SETUP_SECONDS
        while size >= 250 and number < 8 and time.monotonic() < end:
            text = dict(texts(size))[kind]
            put = tenant.server.ask("PUT", f"{tenant.path}/policies/{kind}-{number}", {"text": text}, tenant.key)
            if put.is_success:
                taken[kind] = taken.get(kind, 0) + len(text)
                number += 1
            else:
                size //= 4
    return taken


def p99(result: dict[str, Any]) -> float:
    millis = result["millis"]
    return float(millis[len(millis) * 99 // 100])


def beside(server: Server, victim: Tenant, callers: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What became of the victim's loop and of the callers beside it."""
    others = noise(server, SECONDS + 1, callers=callers)
    measured = {"request": request("POST", GUARD, prompt("hello, how are you?"), victim.key), "rate": RATE}
    return told(noise(server, SECONDS, measured=measured)), told(others)


def test_an_attacker_with_the_heaviest_policies_delays_nobody(place: Place) -> None:
    with place.serve() as server:
        victim, good = server.tenant(), server.tenant()
        evil = server.tenant(scopes=[*EVERYTHING, "tenant:manage"])
        for tenant in (good, evil):
            limit = {"rate": LIMIT if tenant is evil else 1_000, "per_ms": 1_000}
            server.done("PUT", f"{tenant.path}/limits/all", limit)
        taken = heaviest(evil)
        every = CALLERS / LIMIT
        hello = [request("POST", GUARD, prompt(), good.key)]
        calm, _ = beside(server, victim, [{"connections": CALLERS, "every": every, "requests": hello}])
        arguments = {"path": "a" * 30_000}
        heavy = {
            "content": json.dumps(arguments),
            "content_type": "tool_call",
            "action": "call_tool",
            "tool": {"name": "x", "is_builtin": False, "arguments": arguments},
        }
        calls = [request("POST", GUARD, heavy, evil.key), request("POST", GUARD, prompt("hello"), evil.key)]
        puts = [
            request(
                "PUT", f"{evil.path}/policies/tiny", {"text": f"forbid (principal, action, resource) {end};"}, evil.key
            )
            for end in ("", 'when { context.content like "x#NUMBER#*" }')
        ]
        puts += [
            request("PUT", f"{evil.path}/policies/{kind}-0", {"text": text}, evil.key) for kind, text in texts(20_000)
        ]
        attack = [
            {"connections": CALLERS - 4, "every": (CALLERS - 4) / (LIMIT * 50), "requests": calls},
            {"connections": 4, "requests": puts},
        ]
        bound = max(MOST_MILLIS, 3 * p99(calm))
        assert calm["statuses"] == {"200": RATE * SECONDS}
        # A machine of two processors that runs the callers, too, stalls at times of itself: what is ours shows always.
        waits = []
        for _ in range(ROUNDS):
            attacked, attackers = beside(server, victim, attack)
            waits.append(p99(attacked))
            print(f"taken {taken}; p99 calm {p99(calm):.1f} ms, attacked {waits[-1]:.1f} ms; attackers {attackers}")
            assert attacked["statuses"] == {"200": RATE * SECONDS}
            if waits[-1] <= bound:
                break
        assert min(waits) <= bound, f"{waits} ms, and at most {bound:.1f}"


def resident_mb(server: Server) -> int:
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") // (1 << 20)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_hostile_requests_over_http_leave_little_in_memory(server: Server) -> None:
    tenant = server.tenant()
    body, plain = prompt(), "x" * 100
    token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2V4YW1wbGUuY29tIn0.#NUMBER#"
    once = f"Idempotency-Key: {plain}-#NUMBER#"
    oversize = {**body, "action": "call_tool", "tool": {"name": "#NUMBER#" * 100, "is_builtin": False}}
    kinds = {
        "unknown keys": request("POST", GUARD, body, f"hf_sk_{plain}#NUMBER#"),
        "tokens": request("POST", GUARD, body, token),
        "unknown accounts": request("POST", GUARD, body, tenant.key, "X-Account-ID: account-#NUMBER#"),
        "unknown routes": head("GET", "/v1/unknown/#NUMBER#", key=tenant.key).decode(),
        "fresh keys of requests": request("POST", GUARD, body, tenant.key, once),
        "fresh sessions": request("POST", GUARD, {**body, "session_id": f"{plain}#NUMBER#"}, tenant.key),
        "oversize names": request("POST", GUARD, oversize, tenant.key),
    }
    grown = {}
    for kind, text in kinds.items():
        before = resident_mb(server)
        callers = [{"connections": 16, "requests": [text], "most": COUNT // 16}]
        statuses = told(noise(server, 600, callers=callers))["statuses"]
        grown[kind] = resident_mb(server) - before
        assert "0" not in statuses, (kind, statuses)
        assert not any(status.startswith("5") for status in statuses), (kind, statuses)
    print(grown)
    assert max(grown.values()) < MOST_MB, grown
