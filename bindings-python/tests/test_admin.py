"""Accounts, projects, policies, limits, settings and the audit trail."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import made
from samples import BENIGN, NO_SHELL
from tenantry import Account, AuditHead, InvalidArgument, NotFound, Project, RateLimited, Settings, Tenant, Tenantry


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
    globex.policies.remove("tools", "account")
    assert staging.guard.evaluate_tool_call("shell").allowed


def test_bad_cedar_text_is_refused_and_the_old_stays(globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL)
    with pytest.raises(InvalidArgument):
        globex.policies.put("tools", "permit (everything")
    assert globex.guard.evaluate_tool_call("shell").denied


@pytest.mark.parametrize(
    ("per", "per_ms"),
    [("second", 1_000), ("minute", 60_000), ("15m", 900_000), (2, 2_000), (0.5, 500)],
)
def test_a_period_is_text_or_seconds(globex: Tenant, per: str | float, per_ms: int) -> None:
    globex.limits.set("own", 5, per, "custom", "queue", max_wait=1.5)
    (limit,) = globex.limits.list()
    assert (limit.id, limit.rate, limit.per_ms, limit.max_wait_ms) == ("own", 5, per_ms, 1_500)
    assert (limit.key, limit.on_exceed, limit.layer, limit.shared) == ("custom", "queue", "project", False)


def test_acquire_takes_from_a_limit_by_key(globex: Tenant) -> None:
    globex.limits.set("exports", 3, "hour", "custom")
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
    assert globex.audit.query(since="7d") == rows
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
        report = globex.audit.verify(anchor)
        assert report.ok, report.problems
        assert report.rows == head.sequence + 1


def test_the_head_of_one_tenant_does_not_anchor_another(client: Tenantry, globex: Tenant) -> None:
    other = made(client, "initech")
    with pytest.raises(InvalidArgument) as caught:
        other.audit.verify(globex.audit.head())
    assert caught.value.code == "anchor_foreign"


def test_text_that_is_no_head_is_refused(globex: Tenant) -> None:
    with pytest.raises(InvalidArgument) as caught:
        globex.audit.verify("not a head")
    assert caught.value.code == "anchor_invalid"
