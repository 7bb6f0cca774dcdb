"""How a server ends, what outlives it, and what the command line changes while it runs. Owns signals and restarts."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import time
import uuid
from contextlib import ExitStack, suppress

import pytest
from process import (
    GUARD,
    ISSUER,
    BrokenOffError,
    Place,
    Server,
    answer,
    connected,
    eventually,
    guard_bytes,
    head,
    is_problem,
    prompt,
    started,
)

# The end


def test_a_signal_is_heard_from_the_moment_the_server_says_it_is_ready(place: Place) -> None:
    codes = []
    for _ in range(10):
        with started(place, "serve", "--json", "--listen", "127.0.0.1:0", "--issuer", ISSUER) as process:
            assert process.stdout is not None
            process.stdout.read(1)
            process.terminate()
            codes.append(process.wait(20))
    assert codes == [0] * 10


def refuses(port: int) -> bool:
    """Whether a new connection is refused."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


def test_what_is_under_way_is_answered_when_the_server_ends(place: Place) -> None:
    with place.serve() as server, ExitStack() as stack:
        tenant = server.tenant()
        top, body = guard_bytes(tenant, "a word or two. " * 13_700)
        idle = stack.enter_context(connected(server))
        socks = [stack.enter_context(connected(server, 60)) for _ in range(40)]
        idle.sendall(head("GET", "/ready"))
        assert answer(idle).status == 200
        for sock in socks:
            sock.sendall(top + body)
        assert eventually(lambda: re.search(r"requests_waiting [1-9]", server.ask("GET", "/metrics").text), pause=0)
        server.terminate()
        assert eventually(lambda: refuses(server.port), 5)
        # A connection from before is told so, or closed.
        told = None
        with suppress(OSError, BrokenOffError):
            idle.sendall(head("GET", "/ready"))
            told = answer(idle)
        if told:
            is_problem(told, 503, "draining")
        answers = [answer(sock) for sock in socks]
        assert server.ended() == 0
    for got in answers:
        # What was not yet read when the signal came is told to come again.
        if got.status != 200:
            is_problem(got, 503, "draining")
    decided = [got.status for got in answers].count(200)
    with place.serve(key=server.key) as again:
        assert len(tenant.rows(of=again)) == decided >= 2


def test_a_body_that_is_half_sent_when_the_server_ends_is_answered(place: Place) -> None:
    with place.serve() as server:
        tenant = server.tenant()
        top, body = guard_bytes(tenant)
        idle = connected(server)
        with connected(server) as sock, idle:
            idle.sendall(head("GET", "/ready"))
            assert answer(idle).status == 200
            sock.sendall(top.replace(b"Host:", b"Expect: 100-continue\r\nHost:") + body[:10])
            # Told to go on, so the server is waiting for the rest.
            assert answer(sock).status == 100
            server.terminate()
            assert eventually(lambda: refuses(server.port), 5)
            # A connection from before is told, or closed.
            told = None
            with suppress(OSError, BrokenOffError):
                idle.sendall(head("GET", "/ready"))
                told = answer(idle)
            assert told is None or told.status == 503
            sock.sendall(body[10:])
            assert answer(sock).status == 200
        assert server.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(place: Place, number: signal.Signals) -> None:
    with place.serve() as server:
        server.ask("GET", "/health")
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.ended() == 0
        assert time.monotonic() - began < 4


def test_dev_ends_with_its_standard_input_and_leaves_nothing(place: Place) -> None:
    with place.dev(TMPDIR=str(place.folder)) as server:
        assert server.ask("POST", GUARD, prompt(), X_Account_ID="acme").status_code == 200
        assert [path for path in place.folder.iterdir() if path.is_dir()]
        server.let_go()
        assert server.ended() == 0
    assert not [path for path in place.folder.iterdir() if path.is_dir()]


def test_dev_ends_at_a_signal_and_leaves_nothing(place: Place) -> None:
    with place.dev(TMPDIR=str(place.folder)) as server:
        assert server.stop() == 0
    assert not [path for path in place.folder.iterdir() if path.is_dir()]


# Peers that stall


def open_connections(server: Server) -> int:
    found = re.search(r"connections (\d+)$", server.ask("GET", "/metrics").text, re.MULTILINE)
    assert found
    return int(found[1])


def test_a_peer_that_stalls_is_let_go_whatever_it_leaves_undone(place: Place) -> None:
    """Half a minute each for headers, for a body, and to take what it is sent."""
    with place.serve() as server, ExitStack() as stack:
        tenant = server.tenant()
        top, body = guard_bytes(tenant)
        connections = {name: stack.enter_context(connected(server, 60)) for name in ("headers", "body", "answers")}
        connections["headers"].sendall(top[:20])
        connections["body"].sendall(top + body[:10])
        # More answers than all buffers on the way hold, and none of them is read.
        connections["answers"].setblocking(False)
        with suppress(BlockingIOError):
            for _ in range(2_000):
                connections["answers"].send(head("GET", "/openapi.json"))
        # Slow, and no reason to let it go.
        steady = stack.enter_context(connected(server, 60))
        steady.sendall(head("GET", "/openapi.json") * 200)

        def left() -> int:
            steady.recv(50_000)
            return open_connections(server)

        # The three, the slow one, and the one that asks.
        assert eventually(lambda: left() == 5, pause=0.5)
        assert eventually(lambda: left() == 2, 60, 0.5)
        for _ in range(30):
            assert left() == 2
            time.sleep(0.5)
        assert answer(connections["body"]).status == 408


# A data folder that outlives its server


def test_tokens_and_answers_outlive_a_restart(place: Place) -> None:
    with place.serve() as server:
        tenant = server.tenant()
        token = tenant.token()
        keys = server.done("GET", "/.well-known/jwks.json", key="")
        first = tenant.guard("hello", Idempotency_Key="once")
        assert tenant.guard("hello", Idempotency_Key="once")["request_id"] == first["request_id"]
        assert server.stop() == 0
    # Without --issuer: it is kept.
    with place.serve(key=server.key) as again:
        assert again.told["issuer"] == ISSUER
        assert again.done("GET", "/.well-known/jwks.json", key="") == keys
        assert again.done("GET", "/v1/whoami", key=token)["account_id"] == tenant.account
        replayed = again.done("POST", GUARD, prompt("hello"), token, Idempotency_Key="once")
        assert replayed["request_id"] == first["request_id"]
        reused = again.ask("POST", GUARD, prompt("other"), token, Idempotency_Key="once")
        is_problem(reused, 422, "idempotency_key_reused")
        assert len(tenant.rows(of=again)) == 1
        verified = again.done("POST", f"{tenant.path}/audit/verify")
        assert verified["ok"]
        assert base64.b64decode(token.split(".")[1] + "==")


def test_the_issuer_is_kept_in_the_folder(place: Place) -> None:
    with place.serve("--issuer", "https://guard.example.com") as server:
        server.stop()
    ended = place.run("doctor", "--json")
    found = {finding["check"]: finding for finding in json.loads(ended.out)}
    assert found["issuer"] == {"check": "issuer", "ok": True, "detail": "https://guard.example.com"}


# The command line beside a server


def test_a_policy_put_by_the_command_line_is_in_force_within_a_second(server: Server) -> None:
    tenant = server.tenant()
    assert tenant.guard("hello")["decision"] == "allow"
    text = '@id("no-hello") forbid (principal, action == Action::"process_prompt", resource);'
    server.place.told("policies", "put", tenant.account, tenant.project, "closed", "-", given=text)
    assert eventually(lambda: tenant.guard("hello")["decision"] == "deny", 1)
    server.place.told("policies", "revoke", tenant.account, tenant.project, "closed")
    assert eventually(lambda: tenant.guard("hello")["decision"] == "allow", 1)


def test_a_key_revoked_by_the_command_line_is_refused_within_a_second(server: Server) -> None:
    tenant = server.tenant()
    token = tenant.token()
    assert tenant.guard()["decision"] == "allow"
    server.place.told("keys", "revoke", tenant.key_id)

    def refused() -> bool:
        asked = [server.ask("POST", GUARD, prompt(), credential) for credential in (tenant.key, token)]
        return {response.status_code for response in asked} == {401}

    assert eventually(refused, 1)


def test_a_key_of_a_whole_account_ends_itself_by_its_id_and_no_other_accounts(server: Server) -> None:
    tenant, other = server.tenant(), server.tenant()
    scope = ["--scope", "credentials:manage"]
    made = server.place.told("keys", "create", "--account", tenant.account, *scope)
    path = f"/v1/admin/keys/{made['id']}"
    assert server.ask("GET", f"/api-keys/{made['id']}", key=made["key"]).status_code == 404, "it is not of one project"
    assert "project_id" not in server.done("GET", path, key=made["key"])
    assert server.done("GET", f"/v1/admin/keys/{tenant.key_id}", key=made["key"])["id"] == tenant.key_id
    for asked in (server.ask("GET", path, key=other.key), server.ask("POST", f"{path}/revoke", {}, other.key)):
        is_problem(asked, 404, "key_not_found")
    assert server.done("POST", f"{path}/revoke", key=made["key"])["state"] == "revoked"
    assert server.ask("GET", path, key=made["key"]).status_code == 401


def test_a_tenant_made_by_the_command_line_is_served(server: Server) -> None:
    account = f"acc-{uuid.uuid4().hex[:12]}"
    server.place.told("accounts", "create", account)
    server.place.told("projects", "create", account, "prod")
    key = server.place.told("keys", "create", "--account", account, "--project", "prod")["key"]

    def served() -> bool:
        return server.ask("POST", GUARD, prompt(), key).status_code == 200

    assert eventually(served, 1)
