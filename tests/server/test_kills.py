"""What was acknowledged is kept, once, whenever the server is killed. Owns fifty kills under load."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from process import Place, free_port

KILLS = 50
THREADS = 4
SCOPES = ["tools:read", "tenant:read"]


def test_fifty_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    port = free_port()
    script = Path(__file__).with_name("client.py")
    chance = random.Random(50)
    place = Place(tmp_path)
    platform = place.platform_key()
    listen = ("--listen", f"127.0.0.1:{port}")
    with place.serve(*listen, key=platform) as server:
        tenant = server.tenant(scopes=SCOPES)
        token = tenant.token()
    command = [sys.executable, str(script), str(port), token, str(THREADS)]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(KILLS):
        with place.serve(*listen, key=platform) as server:
            time.sleep(chance.uniform(0.02, 0.25))
            server.kill()
    with place.serve(*listen, key=platform) as server:
        out, err = client.communicate(timeout=60)
        acknowledged = dict(line.split() for line in out.splitlines())
        assert not err
        assert "lost" not in acknowledged.values()
        # The load was real: the server answered between the kills, not after them alone.
        assert len(acknowledged) > KILLS * THREADS
        rows: list[dict[str, Any]] = []
        while True:
            after = rows[-1]["sequence"] if rows else 0
            # The token of before the first kill: the keys that signed it are still there.
            page = server.done("GET", f"{tenant.path}/audit?after={after}&limit=10000", None, token)["records"]
            if not page:
                break
            rows += page
    decisions = Counter(row["request_id"] for row in rows if row["kind"] == "decision")
    assert decisions == Counter(acknowledged.values()), "each call that was acknowledged stands in the ledger once"
    assert place.told("audit", "verify", tenant.account, tenant.project)["ok"]
