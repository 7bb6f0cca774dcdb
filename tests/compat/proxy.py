"""A recording HTTP proxy between the public client and the server. Owns what went over the wire, and how to bend it.

It forwards every request to one upstream, byte for byte but for hop-by-hop headers, and keeps a record of each. Told
to, it answers 503 in the server's place, before or after the server saw the request, or rewrites the next answer of a
path.
"""

from __future__ import annotations

import copy
import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

# Not forwarded: they speak of one connection (RFC 9110, section 7.6.1), or would keep answers from being rewritten.
_OURS = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "host", "content-length", "accept-encoding"}
# Stands for a field that is left out.
REMOVED: Any = object()


def edited(document: Any, pointer: str, value: Any = REMOVED) -> Any:
    """A copy of a JSON document in which the field at `pointer` (`signals/0/score`) is `value`, or gone."""
    copied = copy.deepcopy(document)
    *parents, last = (int(part) if part.isdigit() else part for part in pointer.split("/"))
    place = copied
    for part in parents:
        place = place[part]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return copied


@dataclass(frozen=True)
class Call:
    """One request as the client sent it, and what the client got."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    answer: bytes
    answer_headers: tuple[tuple[str, str], ...]

    @property
    def route(self) -> str:
        return f"{self.method} {self.target}"

    @property
    def sent(self) -> Any:
        return json.loads(self.body)

    @property
    def got(self) -> Any:
        return json.loads(self.answer)

    def all_of(self, name: str) -> list[str]:
        """Every value of a request header."""
        return [value for given, value in self.headers if given.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        values = self.all_of(name)
        return values[0] if values else None


@dataclass
class _Plan:
    """What is to happen to the next answers of one path."""

    path: str
    rewrite: Callable[[bytes], bytes] | None = None
    outage: Literal["before", "after"] | None = None
    times: int = 1


@dataclass
class Proxy:
    """A running proxy. `url` takes the place of the server's."""

    upstream: str
    calls: list[Call] = field(default_factory=list)
    # What the server said where the client got a 503 in its place.
    hidden: list[Call] = field(default_factory=list)
    _plans: list[_Plan] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Proxy:
        address = urlsplit(self.upstream)
        assert address.hostname is not None
        proxy, host, port = self, address.hostname, address.port

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                proxy._answer(self, host, port, body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: the record is in `calls`."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def unavailable(self, path: str, when: Literal["before", "after"], times: int = 1) -> None:
        """Answers 503 to the next `times` requests of a path; `after` means that the server has seen them."""
        self._plans.append(_Plan(path, outage=when, times=times))

    def rewrite(self, path: str, rewrite: Callable[[bytes], bytes]) -> None:
        """Rewrites the body of the next answer of a path."""
        self._plans.append(_Plan(path, rewrite=rewrite))

    def change(self, path: str, pointer: str, value: Any = REMOVED) -> None:
        """Sets, or leaves out, one field of the next JSON answer of a path."""
        self.rewrite(path, lambda body: json.dumps(edited(json.loads(body), pointer, value)).encode())

    def of(self, path: str) -> list[Call]:
        """The calls of one path, the query apart."""
        return [call for call in self.calls if urlsplit(call.target).path == path]

    @property
    def routes(self) -> list[str]:
        """Method and target of every call, in order."""
        return [call.route for call in self.calls]

    def _take(self, path: str) -> _Plan | None:
        with self._lock:
            plan = next((plan for plan in self._plans if plan.path == path), None)
            if plan is not None:
                plan.times -= 1
                if plan.times == 0:
                    self._plans.remove(plan)
            return plan

    def _answer(self, handler: BaseHTTPRequestHandler, host: str, port: int | None, body: bytes) -> None:
        headers = tuple(handler.headers.items())
        plan = self._take(urlsplit(handler.path).path)

        def call(status: int, answer: bytes, answer_headers: tuple[tuple[str, str], ...]) -> Call:
            return Call(handler.command, handler.path, headers, body, status, answer, answer_headers)

        made = None
        if plan is None or plan.outage != "before":
            made = call(*_forward(host, port, handler.command, handler.path, headers, body))
        if plan is not None and plan.outage is not None:
            if made is not None:
                self.hidden.append(made)
            problem = b'{"title":"Service Unavailable","detail":"forced by the proxy","status":503}'
            made = call(503, problem, (("content-type", "application/problem+json"),))
        assert made is not None
        if plan is not None and plan.rewrite is not None:
            made = call(made.status, plan.rewrite(made.answer), made.answer_headers)
        self.calls.append(made)
        head = [f"HTTP/1.1 {made.status} {http.client.responses.get(made.status, 'Other')}"]
        head += [f"{name}: {value}" for name, value in made.answer_headers if name.lower() not in _OURS]
        head += [f"content-length: {len(made.answer)}", "", ""]
        handler.wfile.write("\r\n".join(head).encode("latin-1") + made.answer)


def _forward(
    host: str, port: int | None, method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes
) -> tuple[int, bytes, tuple[tuple[str, str], ...]]:
    connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in _OURS:
                connection.putheader(name, value)
        if body or method in {"POST", "PUT", "PATCH"}:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read(), tuple(response.getheaders())
    finally:
        connection.close()
