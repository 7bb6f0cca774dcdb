"""The stream of events: each row once, for whoever may read it, until its credential or its server ends."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from process import GUARD, Event, Place, Server, events, is_problem, prompt


def test_events_are_the_rows_each_once_over_two_connections(server: Server) -> None:
    tenant, other = server.tenant(), server.tenant()
    stop = threading.Event()

    def work() -> int:
        for _ in range(60):
            tenant.guard("hello")
            other.guard("hello")
        stop.set()
        return 60

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        seen: list[Event] = []
        with events(server, tenant.key, after=0) as stream:
            while len(seen) < 25:
                seen.append(next(stream))
        done.result()
        expected = tenant.rows(None)
        assert len(expected) > 60
        last = seen[-1].id
        assert last is not None
        with events(server, tenant.key, last=last) as stream:
            while len(seen) < len(expected):
                seen.append(next(stream))
    assert [event.id for event in seen] == [row["sequence"] for row in expected]
    assert [event.data for event in seen] == expected
    assert {event.name for event in seen} == {row["kind"] for row in expected}


def test_events_start_where_they_are_asked_to(server: Server) -> None:
    tenant = server.tenant()
    for _ in range(3):
        tenant.guard()
    newest = tenant.rows(None)[-1]["sequence"]
    with events(server, tenant.key, after=newest - 1) as stream:
        assert next(stream).id == newest
    # What the client saw last comes before what the address says.
    with events(server, tenant.key, last=newest - 1, after=0) as stream:
        assert next(stream).id == newest
    with events(server, tenant.key) as stream:
        tenant.guard()
        assert next(stream).id == newest + 1
    for odd in ({"Last-Event-ID": "x"}, {"Last-Event-ID": "-1"}):
        is_problem(server.ask("GET", "/v1/events", key=tenant.key, **odd), 400, "event_id_invalid")
    is_problem(server.ask("GET", "/v1/events?after=x", key=tenant.key), 400, "query_invalid")
    is_problem(server.ask("GET", "/v1/events?after=1&after=2", key=tenant.key), 400, "query_duplicate")


def test_a_tenant_sees_its_own_events_only(server: Server) -> None:
    ours, theirs = server.tenant(), server.tenant()
    with events(server, ours.key) as stream:
        for _ in range(5):
            theirs.guard("of theirs")
        mine = ours.guard("of ours")
        first = next(stream)
    assert first.data["request_id"] == mine["request_id"]
    for header, value in (("X-Account-ID", theirs.account), ("X-Project-ID", "other")):
        response = server.ask("GET", "/v1/events?after=0", key=ours.key, **{header: value})
        is_problem(response, 403, "outside_authority")


def test_events_need_the_right_to_read(server: Server) -> None:
    tenant = server.tenant(scopes=["tools:read"])
    response = server.ask("GET", "/v1/events", key=tenant.key)
    is_problem(response, 403, "scope_missing")


def test_a_token_in_the_address_opens_the_events_and_nothing_else(server: Server) -> None:
    tenant = server.tenant()
    for token in (tenant.key, tenant.token()):
        with events(server, token=token, after=0) as stream:
            assert next(stream).id == 1
        for method, path in [
            ("GET", "/v1/whoami"),
            ("POST", GUARD),
            ("GET", "/api-keys"),
            ("GET", "/v1/shield/detectors"),
        ]:
            response = server.ask(method, f"{path}?token={token}", prompt(), "")
            is_problem(response, 401, "credential_missing")
        assert server.ask("POST", f"/v1/events?token={token}", key="").status_code == 405


@pytest.mark.parametrize("by", ["key", "token"])
def test_a_credential_that_ends_ends_its_stream(server: Server, by: str) -> None:
    tenant = server.tenant()
    with events(server, tenant.key if by == "key" else tenant.token()) as stream:
        tenant.guard()
        assert next(stream).name == "decision"
        server.done("POST", f"/api-keys/{tenant.key_id}/revoke", X_Account_ID=tenant.account, X_Project_ID="prod")
        rest = list(stream)
    assert [event.name for event in rest][-1] == "error"
    assert [event.name for event in rest].count("error") == 1
    assert rest[-1].data["status"] == 401
    assert rest[-1].data["code"] in {"credential_revoked", "credential_unknown"}


def test_streams_end_with_the_server(place: Place) -> None:
    with place.serve() as server:
        tenant = server.tenant()
        with events(server, tenant.key, after=0) as stream:
            assert next(stream).id == 1
            server.terminate()
            for _ in stream:
                pass
        assert server.ended(10) == 0
