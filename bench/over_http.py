"""What a guard call costs over HTTP: our server on one core beside a bare axum echo, both under wrk on the other core;
and the public client beside a minimal loop. Rounds alternate, so that noise of the machine meets both alike. Rates say
little where cores are shared, so each round also tells what a request cost in time of the processor, with all that is
done for it in the background.

Needs a release build and wrk; `make bench-http` has the first and asks for the second.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
ROUNDS = 5
SECONDS = 4
CONNECTIONS = 32
POLICIES = 20
BODY = json.dumps(
    {
        "content": "Please summarise the attached quarterly report for the board, in five sentences.",
        "content_type": "prompt",
        "action": "process_prompt",
    }
)


def pinned(core: int) -> list[str]:
    return ["taskset", "-c", str(core)] if shutil.which("taskset") else []


def worked(process: int) -> float:
    """Seconds of a processor that a process has had, in user space and in the kernel."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(process: int, url: str, headers: dict[str, str]) -> dict[str, float]:
    """One run: requests per second, latencies in milliseconds, and microseconds of a processor per request."""
    before = worked(process)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f"wrk.method = 'POST'\nwrk.body = [==[{BODY}]==]\nwrk.headers['Content-Type'] = 'application/json'\n"
        )
        for name, text in headers.items():
            script.write(f"wrk.headers['{name}'] = '{text}'\n")
        script.flush()
        command = [*pinned(1), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", script.name, url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text:
        sys.exit(text)
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    found = {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])}  # type: ignore[index]
    answered = int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]
    found["cost"] = (worked(process) - before) / answered * 1_000_000
    for part in ("50", "99"):
        value, unit = re.search(rf"{part}%\s+([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
        found[f"p{part}"] = float(value) * units[unit]
    return found


class Server:
    """Ours, serving a folder of its own on core 0, with one project of twenty policies and a key for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("TENANTRY_")}
        self.environment |= {
            "TENANTRY_ROOT_KEY": secrets.token_hex(32),
            "TENANTRY_DATA_DIR": str(folder),
            # One core is what it gets, so one thread is what it needs.
            "TENANTRY_WORKER_THREADS": "1",
            "TENANTRY_DEADLINE_MS": "30000",
        }
        self.run("accounts", "create", "acme")
        self.run("projects", "create", "acme", "prod")
        for number in range(POLICIES):
            policy = folder / "policy.cedar"
            policy.write_text(
                f'@id("rule-{number}")\nforbid (principal, action == Action::"process_prompt", resource)\n'
                f"when {{ context has injection_score && context.injection_score > {50 + number} }};\n"
            )
            self.run("policies", "put", "acme", "prod", f"rule-{number}", str(policy))
        made = self.run(
            "keys", "create", "--account", "acme", "--project", "prod", "--scope", "tools:read", "--prefix", "hf_sk"
        )
        self.key = json.loads(made)["key"]
        command = [*pinned(0), RELEASE / "tenantry", "serve", "--json", "--listen", "127.0.0.1:0"]
        command += ["--issuer", "http://127.0.0.1:1"]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["http"]

    def run(self, *arguments: str) -> str:
        command = [RELEASE / "tenantry", *arguments, "--json"]
        return subprocess.run(command, check=True, env=self.environment, capture_output=True, text=True).stdout

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def public_client(url: str, key: str, times: int) -> float:
    """Calls per second of the unmodified public client, one after the other."""
    from highflame import Highflame

    client = Highflame(api_key=key, base_url=url, token_url=f"{url}/oauth2/token", identity_base_url=url)
    prompt = json.loads(BODY)["content"]
    client.guard.evaluate_prompt(prompt)
    start = time.perf_counter()
    for _ in range(times):
        client.guard.evaluate_prompt(prompt)
    rate = times / (time.perf_counter() - start)
    client.close()
    return rate


def main() -> None:
    if not shutil.which("wrk"):
        sys.exit("wrk is missing. On Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        echo = subprocess.Popen([*pinned(0), RELEASE / "echo"], stdout=subprocess.PIPE, text=True)
        assert echo.stdout is not None
        echo_url = echo.stdout.readline().strip()
        guard = f"{server.url}/v1/shield/guard"
        as_key = {"Authorization": f"Bearer {server.key}"}
        ours, bare = [], []
        try:
            for round_number in range(ROUNDS + 1):
                own = wrk(server.process.pid, guard, as_key)
                other = wrk(echo.pid, echo_url + "/", {})
                # The first round warms.
                if round_number:
                    ours.append(own)
                    bare.append(other)
            calls, loop = [], []
            caller = [
                RELEASE / "caller",
                server.url.removeprefix("http://"),
                server.key,
                "/v1/shield/guard",
                BODY,
                "3000",
            ]
            for _ in range(ROUNDS):
                calls.append(public_client(server.url, server.key, 400))
                loop.append(float(subprocess.run(caller, check=True, capture_output=True, text=True).stdout))
        finally:
            echo.terminate()
            server.stop()

    def middle(found: list[dict[str, float]], what: str) -> float:
        return statistics.median(one[what] for one in found)

    load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc/loadavg").exists() else "?"
    print(f"one core for the server, one for wrk, {CONNECTIONS} connections, {POLICIES} policies; load {load}")
    for name, found in (("guard", ours), ("bare axum echo", bare)):
        rate, p50, p99, cost = (middle(found, what) for what in ("rate", "p50", "p99", "cost"))
        print(f"{name:<16} {rate:>9,.0f}/s   p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {cost:5.1f} us of a processor")
    print(f"guard over echo: {middle(bare, 'cost') / middle(ours, 'cost'):.2f} by processor time (aim 0.50)", end=", ")
    print(f"{middle(ours, 'rate') / middle(bare, 'rate'):.2f} by rate")
    print(f"public client    {statistics.median(calls):>9,.0f}/s   one after the other")
    print(f"minimal loop     {statistics.median(loop):>9,.0f}/s   one after the other")


if __name__ == "__main__":
    main()
