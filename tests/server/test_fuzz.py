"""Whatever is sent, the server neither fails nor answers what it did not promise. Owns the run of schemathesis."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from process import Place, Server

REQUESTS = 5_000
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


def counted(server: Server) -> dict[str, int]:
    """Requests answered so far, by status class."""
    found: dict[str, int] = {}
    for line in server.ask("GET", "/metrics").text.splitlines():
        if match := re.match(r'tenantry_http_requests_total\{.*status="(\dxx)".*\} (\d+)', line):
            found[match[1]] = found.get(match[1], 0) + int(match[2])
    return found


def test_five_thousand_requests_find_no_failure_and_no_broken_promise(tmp_path: Path) -> None:
    with Place(tmp_path).serve() as server:
        before = sum(counted(server).values())
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{server.url}/openapi.json",
            "--url",
            server.url,
            "--header",
            f"X-API-Key: {server.key}",
            "--header",
            "X-Account-ID: fuzz",
            "--checks",
            ",".join(CHECKS),
            # A stream of events has no end of its own; `test_events.py` has its tests.
            "--exclude-operation-id",
            "events",
            "--phases",
            "examples,coverage,fuzzing",
            "--mode",
            "all",
            "--max-examples",
            "90",
            "--seed",
            "20261122",
            "--generation-database",
            "none",
            "--continue-on-failure",
            "--suppress-health-check",
            "all",
            "--no-color",
        ]
        server.done("POST", "/v1/admin/accounts", {"id": "fuzz"})
        server.done("POST", "/v1/admin/accounts/fuzz/projects", {"id": "default"})
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900)
        after = counted(server)
    if done.returncode != 0:
        pytest.fail(done.stdout[-8_000:] + done.stderr[-2_000:], pytrace=False)
    assert sum(after.values()) - before >= REQUESTS
    assert after.get("5xx", 0) == 0
