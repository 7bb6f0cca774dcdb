"""What the environment says, as a Python process sees it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from conftest import python
from tenantry import InvalidArgument, PermissionDenied, Tenantry

NEAREST = {
    "TENANTRY_REQUIRE_CREDENTIAL": "TENANTRY_REQUIRE_CREDENTIALS",
    "TENANTRY_DATADIR": "TENANTRY_DATA_DIR",
    "TENANTRY_ROOTKEY": "TENANTRY_ROOT_KEY",
    "TENANTRY_DEADLINE": "TENANTRY_DEADLINE_MS",
    "tenantry_dev": "TENANTRY_DEV",
}


@pytest.mark.parametrize(
    "word", ["1", "true", "True", "TRUE", "on", "On", "ON", "yes", "Yes", "YES", " true ", "\tyes\n"]
)
def test_a_word_for_yes_closes_the_door(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("TENANTRY_REQUIRE_CREDENTIALS", word)
    with Tenantry(in_memory=True) as client, pytest.raises(PermissionDenied, match="credentials_required"):
        client.tenant("acme", "prod")


@pytest.mark.parametrize("word", ["", "y", "Y", "enable", "ja", "2", "tru", "yes!", "true false"])
@pytest.mark.parametrize("name", ["TENANTRY_REQUIRE_CREDENTIALS", "TENANTRY_DEV"])
def test_any_other_word_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, word: str) -> None:
    monkeypatch.setenv(name, word)
    with pytest.raises(InvalidArgument, match=name) as caught:
        Tenantry(in_memory=True)
    assert caught.value.code == "config_invalid"


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1e3", "99999999999999999999", "", "250ms"])
@pytest.mark.parametrize("name", ["TENANTRY_DEADLINE_MS", "TENANTRY_WORKER_THREADS"])
def test_a_number_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidArgument, match=name) as caught:
        Tenantry(in_memory=True)
    assert caught.value.code == "config_invalid"


def test_unknown_variables_are_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NEAREST:
        monkeypatch.setenv(name, "hf_sk_private")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            Tenantry(in_memory=True).close()
    messages = [str(warning.message) for warning in told]
    assert len(messages) == len(NEAREST), messages
    for name, nearest in NEAREST.items():
        assert sum(f"{name} " in message and nearest in message for message in messages) == 1
    assert not any("private" in message for message in messages)
    assert all(warning.filename == __file__ for warning in told), "they point at whoever opened the client"


def test_a_process_hears_of_them_by_warnings_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TENANTRY_DEVV", "1")
    monkeypatch.setenv("TENANTRY_TEST_SOMETHING", "1")
    for options, warned in (("default", 1), ("ignore", 0)):
        monkeypatch.setenv("PYTHONWARNINGS", options)
        error = tmp_path / "stderr"
        code = "import os, sys\nos.dup2(os.open(sys.argv[1], os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)\n"
        code += "from tenantry import Tenantry\nfor _ in range(3): Tenantry(in_memory=True)"
        process = python(code, error)
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert error.read_text().count("TENANTRY_DEVV is not read") == warned, os.environ["PYTHONWARNINGS"]
