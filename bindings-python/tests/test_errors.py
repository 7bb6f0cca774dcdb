"""Errors: one closed set, each reachable, each with its class, code and attributes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

import tenantry
from conftest import made
from samples import BENIGN, SECRET
from tenantry import BlockedError, Tenant, Tenantry, TenantryError, _tenantry, errors

KINDS = [
    "InvalidArgument",
    "Unauthenticated",
    "PermissionDenied",
    "NotFound",
    "Conflict",
    "RateLimited",
    "QuotaExceeded",
    "Timeout",
    "Cancelled",
    "Unavailable",
    "Data",
    "Internal",
]


def twice(client: Tenantry, folder: Path) -> object:
    client.admin.accounts.create("acme")
    return client.admin.accounts.create("ACME")


def exhausted(client: Tenantry, folder: Path) -> None:
    tenant = made(client, "globex")
    tenant.limits.set("own", 1, "hour", key="custom")
    tenant.limits.acquire("own", cost=1)
    tenant.limits.acquire("own", cost=1)


def beyond_the_cap(client: Tenantry, folder: Path) -> None:
    tenant = made(client, "globex")
    for number in range(200):
        tenant.limits.set(f"limit-{number}", 1, "hour")


def too_late(client: Tenantry, folder: Path) -> object:
    made(client, "globex")
    with Tenantry(folder / "data", deadline_ms=0) as hasty:
        return hasty.tenant("globex", "prod").guard.evaluate_prompt(BENIGN)


def with_another_root_key(client: Tenantry, folder: Path) -> object:
    Tenantry(folder / "other").close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENANTRY_ROOT_KEY", "6b" * 32)
        return Tenantry(folder / "other")


def reaching_too_far(client: Tenantry, folder: Path) -> object:
    with Tenantry(folder / "dev", dev=True, api_key="k", account_id="acme", project_id="prod") as narrow:
        return narrow.tenant("globex", "prod")


def broken_inside(client: Tenantry, _: Path) -> object:
    tenant = made(client, "globex")
    _tenantry._panic_next()  # type: ignore[attr-defined]
    return tenant.guard.evaluate_prompt(BENIGN)


REACHED: list[tuple[str, str, Callable[[Tenantry, Path], object]]] = [
    ("InvalidArgument", "scope_id_invalid", lambda client, _: client.tenant("no spaces", "prod")),
    ("Unauthenticated", "credential_unknown", lambda client, folder: Tenantry(folder / "x", api_key="hf_sk_unknown")),
    ("PermissionDenied", "outside_authority", reaching_too_far),
    ("NotFound", "scope_not_found", lambda client, _: client.tenant("nobody", "prod")),
    ("Conflict", "scope_exists", twice),
    ("RateLimited", "limit_exceeded", exhausted),
    ("QuotaExceeded", "limit_too_many", beyond_the_cap),
    ("Timeout", "deadline_exceeded", too_late),
    (
        "Unavailable",
        "remote_unsupported",
        lambda client, folder: Tenantry(folder / "x", base_url="https://example.test"),
    ),
    ("Data", "root_key_mismatch", with_another_root_key),
    ("Internal", "internal", broken_inside),
]


@pytest.mark.parametrize(("kind", "code", "reach"), REACHED, ids=[kind for kind, _, _ in REACHED])
def test_every_family_reaches_python_as_its_class(
    client: Tenantry, tmp_path: Path, kind: str, code: str, reach: Callable[[Tenantry, Path], object]
) -> None:
    with pytest.raises(TenantryError) as caught:
        reach(client, tmp_path)
    error = caught.value
    assert type(error) is getattr(tenantry, kind)
    assert (error.kind, error.code) == (kind, code)
    assert error.message
    assert error.message in str(error)
    assert f"({code})" in str(error)
    assert error.help is None or error.help in str(error)
    assert (error.retry_after is not None) == (kind == "RateLimited")


def test_the_set_is_closed_and_flat() -> None:
    families = [name for name, value in vars(errors).items() if getattr(value, "__bases__", None) == (TenantryError,)]
    assert sorted(families) == sorted([*KINDS, "BlockedError"])
    assert all(getattr(errors, kind).kind == kind for kind in KINDS)
    assert all(issubclass(getattr(tenantry, kind), Exception) for kind in KINDS)


def test_a_denial_is_not_an_outage(acme: Tenant) -> None:
    response = acme.guard.evaluate_prompt(SECRET)
    with pytest.raises(BlockedError) as caught:
        response.raise_for_denied()
    assert caught.value.response is response
    assert not isinstance(caught.value, tuple(getattr(tenantry, kind) for kind in KINDS))
    assert response.policy_reason is not None
    assert response.policy_reason in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_allowed_call_raises_nothing(acme: Tenant) -> None:
    acme.guard.evaluate_prompt(BENIGN).raise_for_denied()


def test_a_blocked_call_beyond_a_limit_says_when_to_retry(globex: Tenant) -> None:
    globex.limits.set("burst", 1, "hour")
    globex.guard.evaluate_prompt(BENIGN)
    with pytest.raises(BlockedError) as caught:
        globex.guard.evaluate_prompt(BENIGN).raise_for_denied()
    assert caught.value.code == "limit_exceeded"
    assert caught.value.retry_after is not None


def test_an_error_crosses_processes_whole(client: Tenantry) -> None:
    with pytest.raises(tenantry.NotFound) as caught:
        client.tenant("nobody", "prod")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), copy.code, copy.help, str(copy)) == (
        tenantry.NotFound,
        caught.value.code,
        caught.value.help,
        str(caught.value),
    )


@pytest.mark.parametrize("number", [-1, 2**40])
def test_a_number_out_of_range_is_an_invalid_argument(globex: Tenant, number: int) -> None:
    with pytest.raises(tenantry.InvalidArgument) as caught:
        globex.limits.set("own", number, "hour")
    assert caught.value.code == "request_invalid"


@pytest.mark.parametrize("name", ["key", "on_exceed", "layer"])
def test_a_name_outside_its_set_is_an_invalid_argument(globex: Tenant, name: str) -> None:
    with pytest.raises(tenantry.InvalidArgument):
        globex.limits.set("own", 1, "hour", **{name: "nonsense"})  # type: ignore[arg-type]


@pytest.mark.parametrize("per", ["soon", -1.0, float("nan"), float("inf")])
def test_a_period_that_means_nothing_is_refused(globex: Tenant, per: str | float) -> None:
    with pytest.raises(tenantry.InvalidArgument) as caught:
        globex.limits.set("own", 1, per)
    assert caught.value.code == "period_invalid"
