"""Accounts, projects, policies, limits, settings and the audit trail."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from conftest import made
from samples import BENIGN, NO_SHELL
from tenantry import (
    Account,
    AuditHead,
    AuditRecord,
    Conflict,
    InvalidArgument,
    NotFound,
    Project,
    RateLimited,
    Settings,
    Tenant,
    Tenantry,
)


def test_an_account_is_created_found_listed_and_deleted(client: Tenantry) -> None:
    accounts = client.admin.accounts
    created = accounts.create("acme", tier="gold", plan="yearly", region="eu", labels=("a", "b"))
    assert isinstance(created, Account)
    assert (created.tier, created.plan, created.region, created.labels) == ("gold", "yearly", "eu", ["a", "b"])
    assert accounts.get("acme") == created
    assert accounts.list() == [created]
    assert accounts.delete("acme") is None  # type: ignore[func-returns-value]
    assert accounts.list() == []


def test_a_project_lives_in_its_account(client: Tenantry) -> None:
    client.admin.accounts.create("acme")
    projects = client.admin.projects
    created = projects.create("acme", "prod", tier="gold")
    assert isinstance(created, Project)
    assert (created.account_id, created.id, created.status) == ("acme", "prod", "active")
    assert projects.get("acme", "prod") == created
    assert projects.list("acme") == [created]
    projects.delete("acme", "prod")
    with pytest.raises(NotFound):
        projects.get("acme", "prod")


def test_ensure_creates_once_and_gives_the_same_again(client: Tenantry) -> None:
    accounts, projects = client.admin.accounts, client.admin.projects
    made = accounts.ensure("acme", tier="gold", labels=["a", "b"])
    assert isinstance(made, Account)
    project = projects.ensure("acme", "prod", region="eu")
    assert isinstance(project, Project)
    assert accounts.ensure("acme") == accounts.ensure("acme", tier="gold", labels=["b", "a"]) == made
    assert projects.ensure("acme", "prod") == projects.ensure("acme", "prod", region="eu") == project
    for differ in ({"tier": "free"}, {"plan": "yearly"}, {"region": "us"}, {"labels": ["a"]}):
        with pytest.raises(Conflict) as refused:
            accounts.ensure("acme", **differ)
        assert refused.value.code == "facts_differ"
        assert f"leave the {next(iter(differ))} out" in str(refused.value.help)
    with pytest.raises(Conflict, match="has the region `eu`, not `us`"):
        projects.ensure("acme", "prod", region="us")
    with pytest.raises(Conflict):
        accounts.create("acme")
    with pytest.raises(NotFound):
        projects.ensure("nobody", "prod")
    rows = client.tenant("acme", "prod").audit.query()
    assert [(row.kind, row.body["by"]) for row in rows] == [("project.create", "process")]


def test_many_that_ensure_at_once_all_succeed(client: Tenantry) -> None:
    async def one() -> tuple[str, str]:
        account = await client.admin.accounts.aensure("acme", tier="gold")
        return account.uid, (await client.admin.projects.aensure("acme", "prod")).uid

    async def all_at_once() -> set[tuple[str, str]]:
        return set(await asyncio.gather(*(one() for _ in range(20))))

    assert len(asyncio.run(all_at_once())) == 1


ENSURE = """
import sys, tenantry
with tenantry.Tenantry(sys.argv[1]) as client:
    print(client.admin.accounts.ensure("acme", tier="gold").uid, client.admin.projects.ensure("acme", "prod").uid)
"""


def test_processes_that_ensure_at_once_all_succeed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENSURE, str(tmp_path / "data")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) for _ in range(4)]
    told = {process.communicate(timeout=60)[0] for process in running}
    assert [process.returncode for process in running] == [0] * 4
    assert len(told) == 1


def test_a_limit_of_an_action_counts_its_calls_alone(globex: Tenant) -> None:
    globex.limits.set("prompts", 1, "day", action="process_prompt")
    assert [limit.action for limit in globex.limits.list()] == ["process_prompt"]
    for _ in range(3):
        assert globex.guard.evaluate_tool_call("search", {}).allowed
    assert [globex.guard.evaluate_prompt(BENIGN).code for _ in range(2)] == [None, "limit_exceeded"]
    for odd in ("prompts", "Process_Prompt", " process_prompt", "process_prompt,call_tool"):
        with pytest.raises(InvalidArgument) as refused:
            globex.limits.set("odd", 1, "day", action=odd)
        assert refused.value.code == "limit_invalid"
    with pytest.raises(InvalidArgument, match="`action`"):
        globex.limits.set("odd", 1, "day", action=["process_prompt"])  # type: ignore[arg-type]
    globex.limits.set("prompts", 1, "day", action="")
    assert [limit.action for limit in globex.limits.list()] == [""]


def test_the_newest_rows_first(globex: Tenant) -> None:
    for _ in range(4):
        globex.guard.evaluate_prompt(BENIGN)
    oldest = [row.sequence for row in globex.audit.query()]

    def told(**given: object) -> list[int]:
        return [row.sequence for row in globex.audit.query(**given)]  # type: ignore[arg-type]

    assert told(order="newest") == oldest[::-1]
    assert told(order="newest", limit=2) == oldest[:-3:-1]
    assert told(order="newest", limit=2, before=oldest[-2]) == oldest[-3:-5:-1]
    assert told(order="newest", since=oldest[1]) == oldest[:1:-1]
    assert told(order="oldest", before=oldest[2]) == oldest[:2]
    assert told(order="newest", before=None, since="1h") == oldest[::-1]
    assert [row.sequence for row in asyncio.run(_newest(globex))] == oldest[:-2:-1]
    for odd in ({"order": "latest"}, {"order": ""}, {"before": -1}):
        with pytest.raises(InvalidArgument):
            globex.audit.query(**odd)


async def _newest(tenant: Tenant) -> list[AuditRecord]:
    return await tenant.audit.aquery(order="newest", limit=1)


def test_a_recreated_account_is_another_one(client: Tenantry) -> None:
    first = client.admin.accounts.create("acme")
    client.admin.accounts.delete("acme")
    assert client.admin.accounts.create("acme").uid != first.uid


@pytest.mark.parametrize("level", ["account", "project"])
def test_a_suspended_scope_denies_until_it_is_resumed(client: Tenantry, globex: Tenant, level: str) -> None:
    room = client.admin.accounts if level == "account" else client.admin.projects
    names = ("globex",) if level == "account" else ("globex", "prod")
    assert room.suspend(*names).status == "suspended"
    response = globex.guard.evaluate_prompt(BENIGN)
    assert (response.decision, response.code) == ("deny", "suspended")
    assert room.resume(*names).status == "active"
    assert globex.guard.evaluate_prompt(BENIGN).allowed


def test_a_handle_names_its_project(client: Tenantry, globex: Tenant) -> None:
    assert (globex.account_id, globex.project_id) == ("globex", "prod")
    assert repr(globex) == "Tenant('globex', 'prod')"


def test_put_says_what_it_did_and_list_shows_it(globex: Tenant) -> None:
    receipt = globex.policies.put("tools", NO_SHELL, mode="monitor")
    assert (receipt.name, receipt.policy_count) == ("tools", 1)
    (policy,) = [policy for policy in globex.policies.list() if policy.name == "tools"]
    assert (policy.layer, policy.mode, policy.ceiling, policy.rule_ids) == ("project", "monitor", False, ["no-shell"])
    assert policy.text.strip() == NO_SHELL.strip()


def test_a_removed_policy_no_longer_decides(globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL)
    assert globex.guard.evaluate_tool_call("shell").denied
    globex.policies.remove("tools")
    assert globex.guard.evaluate_tool_call("shell").allowed


def test_a_forbid_from_the_account_layer_reaches_every_project(client: Tenantry, globex: Tenant) -> None:
    client.admin.projects.create("globex", "staging")
    staging = client.tenant("globex", "staging")
    globex.policies.put("tools", NO_SHELL, layer="account")
    assert staging.guard.evaluate_tool_call("shell").denied
    globex.policies.remove("tools", layer="account")
    assert staging.guard.evaluate_tool_call("shell").allowed


def test_bad_cedar_text_is_refused_and_the_old_stays(globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL)
    with pytest.raises(InvalidArgument):
        globex.policies.put("tools", "permit (everything")
    assert globex.guard.evaluate_tool_call("shell").denied


@pytest.mark.parametrize(
    ("per", "per_ms"),
    [
        ("second", 1_000),
        ("minute", 60_000),
        ("15m", 900_000),
        (2, 2_000),
        (0.5, 500),
        (timedelta(minutes=2), 120_000),
    ],
)
def test_a_period_is_text_or_seconds(globex: Tenant, per: str | float | timedelta, per_ms: int) -> None:
    globex.limits.set("own", 5, per, key="custom", on_exceed="queue", max_wait=1.5)
    (limit,) = globex.limits.list()
    assert (limit.id, limit.rate, limit.per_ms, limit.max_wait_ms) == ("own", 5, per_ms, 1_500)
    assert (limit.key, limit.on_exceed, limit.layer, limit.shared) == ("custom", "queue", "project", False)


def test_acquire_takes_from_a_limit_by_key(globex: Tenant) -> None:
    globex.limits.set("exports", 3, "hour", key="custom")
    globex.limits.acquire("exports", "ada", cost=3)
    globex.limits.acquire("exports", "bob")
    with pytest.raises(RateLimited) as caught:
        globex.limits.acquire("exports", "ada")
    assert caught.value.code == "limit_exceeded"
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 3600


def test_a_removed_limit_no_longer_counts(globex: Tenant) -> None:
    globex.limits.set("burst", 1, "hour")
    globex.limits.remove("burst")
    assert globex.limits.list() == []
    assert all(globex.guard.evaluate_prompt(BENIGN).allowed for _ in range(3))


def test_settings_change_field_by_field(globex: Tenant) -> None:
    assert isinstance(globex.settings.get(), Settings)
    updated = globex.settings.update(audit_class="required", redaction_originals=False)
    assert (updated.audit_class, updated.redaction_originals, updated.mode_floor) == ("required", False, "enforce")
    assert globex.settings.update(session_ttl_seconds=60).audit_class == "required"
    assert globex.settings.get().session_ttl_seconds == 60
    (entry,) = globex.guard.evaluate_prompt("mail ada@example.com", mode="modify").redaction_entries
    assert entry.original == ""


def test_every_call_leaves_a_row_without_its_text(globex: Tenant) -> None:
    response = globex.guard.evaluate_prompt("a very particular sentence")
    row = globex.audit.query(limit=1_000)[-1]
    assert (row.kind, row.request_id, row.decision) == ("decision", response.request_id, "allow")
    assert "particular" not in str(row.to_dict())


def test_a_query_starts_where_it_is_told(globex: Tenant) -> None:
    for _ in range(3):
        globex.guard.evaluate_prompt(BENIGN)
    rows = globex.audit.query()
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert globex.audit.query(since=rows[1].sequence) == rows[2:]
    now = datetime.now(timezone.utc)
    for whole in ("7d", timedelta(days=7), now - timedelta(hours=1), (now - timedelta(hours=1)).astimezone()):
        assert globex.audit.query(since=whole) == rows
    assert globex.audit.query(since=now + timedelta(hours=1)) == []
    with pytest.raises(InvalidArgument, match="without a time zone"):
        globex.audit.query(since=datetime(2026, 1, 1))
    assert globex.audit.query(since="2100-01-01T00:00:00Z") == []
    assert globex.audit.query(limit=2) == rows[:2]


def test_a_printed_head_anchors_a_later_verify(globex: Tenant, tmp_path: Path) -> None:
    globex.guard.evaluate_prompt(BENIGN)
    head = globex.audit.head()
    assert isinstance(head, AuditHead)
    note = tmp_path / "head.txt"
    note.write_text(f"{head}\n")

    globex.guard.evaluate_prompt(BENIGN)
    for anchor in (head, note.read_text(), None):
        report = globex.audit.verify(anchor=anchor)
        assert report.ok, report.problems
        assert report.rows == head.sequence + 1


def test_the_head_of_one_tenant_does_not_anchor_another(client: Tenantry, globex: Tenant) -> None:
    other = made(client, "initech")
    with pytest.raises(InvalidArgument) as caught:
        other.audit.verify(anchor=globex.audit.head())
    assert caught.value.code == "anchor_foreign"


def test_text_that_is_no_head_is_refused(globex: Tenant) -> None:
    with pytest.raises(InvalidArgument) as caught:
        globex.audit.verify(anchor="not a head")
    assert caught.value.code == "anchor_invalid"
