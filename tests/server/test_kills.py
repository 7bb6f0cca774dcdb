"""What was acknowledged is kept, once, whenever the server is killed. Owns seventy kills under load."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from process import Place, free_port

THREADS = 4
SCOPES = ["tools:read", "tenant:read"]


@pytest.mark.parametrize(("kind", "kills"), [("keyed", 50), ("bare", 20)])
def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, kind: str, kills: int) -> None:
    port = free_port()
    script = Path(__file__).with_name("client.py")
    chance = random.Random(50)
    place = Place(tmp_path)
    platform = place.platform_key()
    listen = ("--listen", f"127.0.0.1:{port}")
    with place.serve(*listen, key=platform) as server:
        tenant = server.tenant(scopes=SCOPES)
        token = tenant.token()
        if kind == "bare":
            # Without a key it is the project that asks for a synced row.
            server.done("PATCH", f"{tenant.path}/settings", {"audit_class": "required"})
    command = [sys.executable, str(script), str(port), token, str(THREADS), kind]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(kills):
        with place.serve(*listen, key=platform) as server:
            time.sleep(chance.uniform(0.02, 0.25))
            server.kill()
    with place.serve(*listen, key=platform) as server:
        out, err = client.communicate(timeout=60)
        acknowledged = dict(line.split() for line in out.splitlines())
        assert not err
        assert "lost" not in acknowledged.values()
        # The load was real: the server answered between the kills, not after them alone.
        assert len(acknowledged) > kills * THREADS
        rows: list[dict[str, Any]] = []
        while True:
            after = rows[-1]["sequence"] if rows else 0
            # The token of before the first kill: the keys that signed it are still there.
            page = server.done("GET", f"{tenant.path}/audit?since={after}&limit=10000", None, token)["items"]
            if not page:
                break
            rows += page
    decisions = Counter(row["request_id"] for row in rows if row["kind"] == "decision")
    # A call without a key may have been decided for a client that never heard of it.
    heard = {request for request in decisions if kind == "keyed" or request in acknowledged.values()}
    heard_of = Counter({request: count for request, count in decisions.items() if request in heard})
    assert heard_of == Counter(acknowledged.values()), "each call that was acknowledged stands in the ledger once"
    assert set(decisions.values()) == {1}
    assert place.told("audit", "verify", tenant.account, tenant.project)["ok"]
