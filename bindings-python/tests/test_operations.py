"""What is written from the table of operations: imported late, strict with callers, patient with a newer core."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import subprocess
import sys
import typing
from typing import Any

import pytest

import tenantry
from samples import BENIGN, NO_SHELL
from tenantry import Account, IdentitySettings, Introspection, InvalidArgument, NotFound, Page, Tenant, Tenantry
from tenantry import _operations as operations
from tenantry import _tenantry as native

LOADED = """
import sys, tenantry
names = lambda: sorted(name for name in sys.modules if name.startswith(("tenantry._operations.", "tenantry._wire")))
before = names()
with tenantry.Tenantry(in_memory=True) as client:
    client.admin.accounts.list()
print(before, "tenantry._operations.accounts" in names(), "tenantry._operations.tokens" in names())
"""


def test_a_noun_is_imported_at_first_touch() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True False"


def test_files_of_another_table_are_refused() -> None:
    native._check_table(operations.HASH)
    with pytest.raises(ImportError, match="different versions"):
        native._check_table("0" * 16)


def test_every_name_is_where_the_index_says_and_documented() -> None:
    for name in operations.__all__:
        one = getattr(tenantry, name)
        assert one.__module__ == f"tenantry._operations.{operations.MODULES[name]}"
        assert one.__doc__
        assert typing.get_type_hints(one) or not hasattr(one, "to_dict")
        for method, value in vars(one).items():
            assert method.startswith("_") or not inspect.isfunction(value) or value.__doc__, f"{name}.{method}"
    assert set(operations.__all__) <= set(dir(tenantry))
    with pytest.raises(AttributeError, match="Nothing"):
        tenantry.Nothing  # type: ignore[attr-defined] # noqa: B018


def test_what_a_newer_core_says_is_kept(client: Tenantry) -> None:
    told = client.admin.accounts.create("acme", labels=["a"]).to_dict() | {"shade": {"deep": [1]}}
    account = Account._read(told)
    assert account.to_dict() == told
    for same in (pickle.loads(pickle.dumps(account)), copy.deepcopy(account)):
        assert (same, same.to_dict()) == (account, told)
    assert account != client.admin.accounts.get("acme")
    seen = Introspection._read({"active": True, "jti": "x", "act": {"sub": "y"}})
    assert seen.claims == {"jti": "x", "act": {"sub": "y"}}
    assert seen.to_dict() == {"active": True, **seen.claims}


def test_what_is_no_record_of_its_name_is_refused(client: Tenantry) -> None:
    restored, (name, told) = client.admin.accounts.create("acme").__reduce__()
    assert restored(name, told).id == "acme"
    for odd in ((name, {"id": "acme"}), ("Nothing", told), ("Tenantry", told)):
        with pytest.raises(InvalidArgument):
            restored(*odd)


def test_records_never_change(client: Tenantry) -> None:
    account = client.admin.accounts.create("acme")
    with pytest.raises(AttributeError):
        account.tier = "gold"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        account.shade = "red"  # type: ignore[attr-defined]


def test_a_page_is_a_list_that_says_where_it_goes_on(client: Tenantry) -> None:
    made = [client.admin.accounts.create(name) for name in ("acme", "globex")]
    page = client.admin.accounts.list()
    assert isinstance(page, Page)
    assert (page, page.items, list(page), page[0], page[-1:], len(page), page.next) == (
        made,
        made,
        made,
        made[0],
        made[1:],
        2,
        None,
    )
    further = Page(page, "there")
    for same in (pickle.loads(pickle.dumps(further)), copy.copy(further), copy.deepcopy(further)):
        assert (type(same), same, same.next) == (Page, made, "there")
    assert further.to_dict() == {"items": [account.to_dict() for account in made], "next": "there"}
    assert repr(further).endswith("next='there')")


@pytest.mark.parametrize("given", ["tools:read", b"x", 7, {"tools:read": 1}])
def test_one_text_is_not_several(client: Tenantry, globex: Tenant, given: Any) -> None:
    with pytest.raises(InvalidArgument, match="`scopes` is a list of texts") as refused:
        client.identity.keys.create("app", account_id="globex", project_id="prod", scopes=given)
    assert refused.value.code == "request_invalid"
    assert client.identity.keys.list(account_id="globex", project_id="prod") == []


@pytest.mark.parametrize(
    ("field", "given"),
    [("mode_floor", "strict"), ("mode_floor", 7), ("session_ttl_seconds", "1"), ("redaction_originals", "yes")],
)
def test_what_does_not_fit_is_refused_by_the_name_of_its_field(globex: Tenant, field: str, given: Any) -> None:
    before = globex.settings.get()
    with pytest.raises(InvalidArgument, match=f"`{field}`") as refused:
        globex.settings.update(**{field: given})
    assert refused.value.code == ("mode_invalid" if given == "strict" else "request_invalid")
    with pytest.raises(TypeError, match="mode_flor"):
        globex.settings.update(mode_flor="monitor")  # type: ignore[call-arg]
    assert globex.settings.get() == before


def test_a_span_and_a_record_are_what_they_are_said_to_be(client: Tenantry, globex: Tenant) -> None:
    odds: list[Any] = [True, b"1s", ["1s"]]
    for odd in odds:
        with pytest.raises(InvalidArgument, match="`per` is a `timedelta`"):
            globex.limits.set("own", 1, odd)
    with pytest.raises(InvalidArgument, match="`settings` is a mapping"):
        client.identity.put_settings(7)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="name of the account"):
        client.admin.accounts.get(7)  # type: ignore[arg-type]
    assert globex.limits.list() == []


def test_made_records_are_completed_by_the_core() -> None:
    assert IdentitySettings(max_keys=3).to_dict() == IdentitySettings().to_dict() | {"max_keys": 3}
    odds: list[dict[str, Any]] = [{"max_keys": "many"}, {"max_keys": -1}, {"roles": {"reader": "tools:read"}}]
    for odd in odds:
        with pytest.raises(InvalidArgument, match=f"`{next(iter(odd))}"):
            IdentitySettings(**odd)


def test_the_installation_is_checked(client: Tenantry, globex: Tenant) -> None:
    assert client.admin.problems() == []
    assert client.admin.verify().ok
    assert client.identity.whoami().to_dict() == {}
    globex.policies.put("tools", NO_SHELL, mode="monitor")
    assert globex.policies.get("tools").mode == "monitor"
    with pytest.raises(NotFound):
        globex.policies.get("tools", layer="account")


def test_a_caller_is_told_who_it_is(client: Tenantry, globex: Tenant) -> None:
    key = client.identity.keys.create("app", account_id="globex", project_id="prod")
    tenant = client.authenticate(key.key)
    assert tenant.guard.evaluate_prompt(BENIGN).allowed
    who = tenant.identity.whoami()
    assert tenant.caller is not None
    assert who.to_dict() == tenant.caller.to_dict()
    assert who.principal == tenant.caller.principal


def test_secrets_are_told_to_who_asks_and_shown_to_nobody(client: Tenantry, globex: Tenant) -> None:
    key = client.identity.keys.create("app", account_id="globex", project_id="prod")
    token = client.identity.tokens.exchange("api_key", api_key=key.key)
    for value, secret in ((key, key.key), (token, token.access_token)):
        assert secret in json.dumps(value.to_dict())
        assert secret not in f"{value} {value!r}"
    assert key.id in repr(key)


def test_free_data_and_long_texts_are_not_shown(client: Tenantry, globex: Tenant) -> None:
    globex.policies.put("tools", NO_SHELL + "// a remark\n" * 100, mode="monitor")
    (policy,) = [policy for policy in globex.policies.list() if policy.name == "tools"]
    assert len(repr(policy)) < 600
    assert "body" not in repr(globex.audit.query()[0])
    assert "roles" not in repr(client.identity.settings())
    key = client.identity.keys.create("app", account_id="globex", project_id="prod")
    token = client.identity.tokens.exchange("api_key", api_key=key.key)
    assert repr(client.identity.tokens.introspect(token.access_token)) == "Introspection(active=True)"
