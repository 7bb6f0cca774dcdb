"""The page of the public client, run with nothing but its import lines changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from samples import BENIGN, EMAIL
from tenantry.compat import highflame
from tenantry.compat.highflame import BlockedError, GuardRequest, Highflame, Shield

PAGE = Path(__file__).parent / "data" / "highflame-multi-tenancy.md"
BLOCKS = [
    re.sub(r"^from highflame\b", "from tenantry.compat.highflame", block, flags=re.MULTILINE)
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
]
NAMES = ["scoping", "client_per_tenant", "sessions", "zeroid", "headers", "metadata"]


@pytest.fixture(autouse=True)
def dev_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TENANTRY_DEV", "1")
    monkeypatch.setenv("TENANTRY_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def client() -> Iterator[Highflame]:
    with Highflame(api_key="hf_sk_...", account_id="acc_tenant_a", project_id="proj_prod") as client:
        yield client


def test_the_page_has_the_blocks_this_suite_knows() -> None:
    assert len(BLOCKS) == len(NAMES)


@pytest.mark.parametrize("block", BLOCKS, ids=NAMES)
def test_a_block_of_the_page_runs(client: Highflame, block: str) -> None:
    # What the page leaves to the reader or did in an earlier block.
    names: dict[str, Any] = {
        "Tenant": object,
        "client": client,
        "Highflame": Highflame,
        "GuardRequest": GuardRequest,
        "user_input": BENIGN,
        "tenant": SimpleNamespace(id="acc_tenant_a", tier="enterprise", account_id="acc_a", project_id="proj_prod"),
        "user": SimpleNamespace(id="u1", role="admin"),
        "conversation": SimpleNamespace(id="c1"),
    }
    exec(compile(block, PAGE.name, "exec"), names)
    if "handle_request" in names:
        names["handle_request"](names["tenant"], BENIGN)
        clients = [names["get_client_for_tenant"]("acc_a", "proj_prod") for _ in range(2)]
        assert clients[0] is clients[1]
        assert isinstance(clients[0], Highflame)
    elif "get_zeroid_client" in names:
        # What the page says of it: the tokens carry the tenant they were issued for.
        with names["get_zeroid_client"]("acc_a", "proj_prod") as zeroid:
            token = zeroid.tokens.issue_api_key(zeroid.api_keys.create(name="app").key)
            assert (token.account_id, token.project_id) == ("acc_a", "proj_prod")
            claims = zeroid.tokens.introspect(token.access_token).claims
            assert (claims["account_id"], claims["project_id"]) == ("acc_a", "proj_prod")
    elif "resp" in names:
        assert names["resp"].allowed
        assert not names["resp"].denied
    else:
        assert isinstance(names["client"], Highflame)


def test_a_client_acts_in_the_project_it_names_and_no_other(client: Highflame) -> None:
    response = client.guard.evaluate(
        content=BENIGN, content_type="prompt", action="process_prompt", debug=True, session_id=""
    )
    assert response.debug_info is not None
    assert response.debug_info.tenant["account_id"] == "acc_tenant_a"
    with pytest.raises(highflame.HighflameError):
        client.tenant("acc_tenant_b", "proj_prod")


def test_what_shapes_http_there_is_taken_here() -> None:
    with Highflame("hf_sk_...", max_retries=0, token_url="https://example.test", timeout=30.0) as client:
        assert client.guard.evaluate_prompt(BENIGN).allowed


def test_a_client_without_a_key_is_refused() -> None:
    with pytest.raises(highflame.InvalidRequestError):
        Highflame()


def test_a_key_nobody_issued_is_refused_outside_dev_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENANTRY_DEV")
    with pytest.raises(highflame.AuthenticationError):
        Highflame(api_key="hf_sk_...")


@pytest.mark.asyncio
async def test_the_async_variants_answer(client: Highflame) -> None:
    assert (await client.guard.aevaluate_prompt(BENIGN)).allowed
    assert (await client.guard.aevaluate_tool_call("search", {"query": "x"})).allowed


def test_the_decorators_take_the_public_clients_keywords(client: Highflame) -> None:
    client.settings.update(mode_floor="enforce")
    client.policies.attach_pack("strict")
    shield = Shield(client)

    @shield.prompt(mode="modify", content_arg="second", session_id="s", optimize=True)
    def prompt(first: str, second: str) -> str:
        return second

    @shield.tool(tool_name="search", mode="modify")
    def tool(query: str) -> str:
        return query

    @shield.toolresponse(tool_name="search", mode="modify")
    def toolresponse(query: str) -> str:
        return query

    @shield.modelresponse
    def modelresponse(text: str) -> str:
        return text

    @shield(content_type="file", action="write_file", content_arg="content", mode="modify")
    def write(path: str, content: str) -> str:
        return content

    assert prompt(EMAIL, EMAIL) == "write to [EMAIL] today"
    assert tool(EMAIL) == "write to [EMAIL] today"
    assert toolresponse(BENIGN) == BENIGN
    assert write("/tmp/x", EMAIL) == "write to [EMAIL] today"
    with pytest.raises(BlockedError) as caught:
        modelresponse(EMAIL)
    assert caught.value.response.denied


def test_a_model_calls_cost_is_told_as_there(client: Highflame) -> None:
    told = client.usage.report(
        model="claude-sonnet-4-5", provider="anthropic", input_tokens=1_200, output_tokens=340, usage_id="call-1"
    )
    assert (told.cost_micros, told.priced, told.recorded) == (8_700, True, True)
    model = highflame.ModelContext(
        model="claude-sonnet-4-5", provider="anthropic", input_tokens=1_200, output_tokens=340
    )
    again = client.usage.report(highflame.UsageRequestBody(model=model, usage_id="call-1"), timeout=1.0)
    assert (again.cost_micros, again.recorded) == (8_700, False)
    assert client.usage.report(highflame.UsageRequestBody(model=model, usage_id="")).recorded
    with pytest.raises(highflame.InvalidRequestError):
        client.usage.report()
    with pytest.raises(TypeError):
        client.usage.report(highflame.UsageRequestBody(model=model, usage_id="call-1"), model="gpt-4o")


@pytest.mark.asyncio
async def test_the_detectors_are_listed_as_there(client: Highflame) -> None:
    listed = client.detectors.list()
    assert listed.count == len(listed.detectors) > 0
    assert isinstance(listed.detectors[0], highflame.DetectorInfo)
    assert await client.detectors.alist(timeout=1.0) == listed
    assert (await client.usage.areport(model="gpt-4o", input_tokens=1)).priced


def test_every_name_of_the_module_exists() -> None:
    for name in highflame.__all__:
        assert getattr(highflame, name)
