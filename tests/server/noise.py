"""Load on a server, in a process of its own: an open loop that is measured, and callers beside it.

Reads what to do from standard input as JSON, and prints what came of it. `test_noisy.py` says what is sent
and what must hold. `#NUMBER#` in a request is replaced by a number that is never used twice.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections import Counter, deque
from typing import Any

# Nobody waits longer for an answer, in seconds.
PATIENCE = 15.0


class Line(asyncio.Protocol):
    """One connection with one request on it at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.data = b""
        self.waiting: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        top, end, body = self.data.partition(b"\r\n\r\n")
        if not end:
            return
        lowered = top.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length:
            return
        self.data = body[length:]
        if self.waiting and not self.waiting.done():
            self.waiting.set_result(int(top.split(b" ", 2)[1]))

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        if self.waiting and not self.waiting.done():
            self.waiting.set_result(0)

    async def ask(self, request: bytes) -> int:
        """The status of the answer; 0 where none came."""
        if self.transport is None:
            return 0
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            return await asyncio.wait_for(self.waiting, PATIENCE)
        except asyncio.TimeoutError:
            if self.transport is not None:
                self.transport.abort()
            self.transport = None
            return 0


async def connected(port: int) -> Line:
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return line


async def open_loop(port: int, request: bytes, rate: float, seconds: float) -> dict[str, Any]:
    """Sends when it is time to, whatever became of the requests before; time counts from when it was time."""
    loop = asyncio.get_running_loop()
    idle: deque[Line] = deque()
    millis: list[float] = []
    statuses: Counter[int] = Counter()

    async def one(due: float) -> None:
        line = idle.pop() if idle else await connected(port)
        statuses[await line.ask(request)] += 1
        millis.append((loop.time() - due) * 1_000)
        if line.transport is not None:
            idle.append(line)

    for _ in range(8):
        idle.append(await connected(port))
    start = loop.time() + 0.05
    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        if (pause := due - loop.time()) > 0:
            await asyncio.sleep(pause)
        tasks.append(loop.create_task(one(due)))
    await asyncio.gather(*tasks)
    return {"millis": sorted(millis), "statuses": statuses}


async def caller(port: int, spec: dict[str, Any], numbers: itertools.count[int], end: float) -> Counter[int]:
    """Asks again and again, not faster than `every` seconds, until the time or what is to be sent is over."""
    loop = asyncio.get_running_loop()
    requests = itertools.cycle([text.encode() for text in spec["requests"]])
    statuses: Counter[int] = Counter()
    line = await connected(port)
    due = loop.time()
    for request in itertools.islice(requests, spec.get("most")):
        if loop.time() >= end:
            break
        if line.transport is None:
            line = await connected(port)
        if b"#NUMBER#" in request:
            request = request.replace(b"#NUMBER#", b"%08d" % next(numbers))
        statuses[await line.ask(request)] += 1
        due = max(due + spec.get("every", 0.0), loop.time() - 1)
        if (pause := due - loop.time()) > 0:
            await asyncio.sleep(pause)
    return statuses


async def main() -> None:
    asked = json.load(sys.stdin)
    port, seconds = asked["port"], asked["seconds"]
    if measured := asked.get("measured"):
        print(json.dumps(await open_loop(port, measured["request"].encode(), measured["rate"], seconds)))
        return
    end = asyncio.get_running_loop().time() + seconds
    numbers = itertools.count()
    callers = [caller(port, spec, numbers, end) for spec in asked["callers"] for _ in range(spec["connections"])]
    total: Counter[int] = Counter()
    for statuses in await asyncio.gather(*callers):
        total.update(statuses)
    print(json.dumps({"statuses": total}))


if __name__ == "__main__":
    asyncio.run(main())
