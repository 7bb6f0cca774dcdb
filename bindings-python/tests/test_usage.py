"""What model calls cost, the detectors there are, and requests that are repeated under their key."""

from __future__ import annotations

import pytest

from samples import BENIGN
from tenantry import InvalidArgument, Tenant, Tenantry


def test_a_model_call_is_written_down_once(acme: Tenant, globex: Tenant) -> None:
    first = acme.usage.report("gpt-4o", input_tokens=1_000, output_tokens=100, provider="openai", usage_id="call-1")
    assert first.to_dict() == {"cost_micros": 3_500, "priced": True, "recorded": True}
    assert repr(first) == "UsageReceipt(cost_micros=3500, priced=True, recorded=True)"
    again = acme.usage.report(model="gpt-4o", input_tokens=1_000, output_tokens=100, usage_id="call-1", session_id="s")
    assert (again.cost_micros, again.recorded) == (3_500, False)
    assert globex.usage.report("gpt-4o", input_tokens=1_000, output_tokens=100, usage_id="call-1") == first


def test_without_an_id_each_report_is_a_call_of_its_own(acme: Tenant) -> None:
    cached = acme.usage.report(
        "claude-sonnet-4-5", cache_read_tokens=10, cache_write_tokens=20, cache_write_1h_tokens=30
    )
    assert cached.cost_micros == 3 + 75 + 180
    assert [acme.usage.report("a model of ours").recorded for _ in range(2)] == [True, True]


@pytest.mark.parametrize("fields", [{"model": ""}, {"model": "gpt-4o", "input_tokens": -1}])
def test_nonsense_is_refused(acme: Tenant, fields: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        acme.usage.report(**fields)  # type: ignore[arg-type]
    assert caught.value.code == "usage_invalid"


def test_the_clients_own_project_reports(client: Tenantry, acme: Tenant) -> None:
    with Tenantry(in_memory=True, account_id="acme", project_id="prod") as own:
        own.admin.accounts.create("acme")
        own.admin.projects.create("acme", "prod")
        assert own.usage.report("gpt-4o", usage_id="call-1").recorded
    assert acme.usage.report("gpt-4o", usage_id="call-1").recorded


def test_detectors_tell_the_keys_they_write(acme: Tenant) -> None:
    found = {detector.name: detector for detector in acme.guard.detectors()}
    assert {"secrets", "pii", "injection"} <= set(found)
    secrets = found["secrets"]
    assert (secrets.status, secrets.tier, secrets.category) == ("healthy", "fast", "secrets")
    assert secrets.version
    assert secrets.description
    assert (secrets.context_keys[0].type, secrets.context_keys[0].range) == ("bool", None)
    assert {key.range for key in found["tool_risk"].context_keys} == {None, "0-100"}


def test_a_repeated_request_is_answered_as_it_was(acme: Tenant, globex: Tenant) -> None:
    acme.limits.set("calls", 1, "day")
    first = acme.guard.evaluate(content=BENIGN, session_id="s", idempotency_key="k-1")
    assert acme.guard.evaluate(content=BENIGN, session_id="s", idempotency_key="k-1") == first
    assert acme.guard.evaluate(content=BENIGN, session_id="s", idempotency_key="k-2").code == "limit_exceeded"
    assert globex.guard.evaluate(content=BENIGN, idempotency_key="k-1").request_id != first.request_id
    for key, code in [("k-1", "idempotency_key_reused"), ("", "idempotency_key_invalid")]:
        with pytest.raises(InvalidArgument) as caught:
            acme.guard.evaluate(content="something else", idempotency_key=key)
        assert caught.value.code == code


@pytest.mark.asyncio
async def test_the_awaited_twins_answer_the_same(acme: Tenant) -> None:
    assert (await acme.usage.areport("gpt-4o", input_tokens=1, usage_id="call-1")).recorded
    assert not acme.usage.report("gpt-4o", input_tokens=1, usage_id="call-1").recorded
    assert await acme.guard.adetectors() == acme.guard.detectors()
    first = await acme.guard.aevaluate(content=BENIGN, idempotency_key="k-1")
    assert acme.guard.evaluate(content=BENIGN, idempotency_key="k-1") == first
