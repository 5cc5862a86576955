"""The password of this machine's server: made once, its user's alone, and given to no other server."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from flows.service.login import fresh_password, log_in, password, password_file
from flows.service.server import prefect_server
from tasks.records.errors import BadInputError

KNOWN = "PREFECT_API_AUTH_STRING"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    for name in (KNOWN, "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_URL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path / "prefect"


def test_it_is_made_once_and_readable_for_its_user_alone(home: Path) -> None:
    made = password()
    assert made.startswith("polydub:")
    assert len(made) >= 32
    assert password() == made
    assert stat.S_IMODE(password_file().stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["polydub-password"]
    assert fresh_password() != made


def test_what_somebody_sets_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "admin:theirs")
    assert password() == "admin:theirs"
    assert not password_file().exists()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:4200/api", True),
        ("http://localhost:4200/api", True),
        ("https://polydub.example.org/api", False),
        ("http://127.0.0.1.evil.example/api", False),
        ("", False),
    ],
)
def test_only_this_machines_server_is_told(
    home: Path, address: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = password()
    monkeypatch.setenv("PREFECT_API_URL", address)
    log_in()
    assert os.environ.get(KNOWN) == (made if told else None)


def test_a_server_of_the_users_prefect_profile_is_found_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = password()
    profile = 'active = "mine"\n[profiles.mine]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"\n'
    (home / "profiles.toml").write_text(profile + f'{KNOWN} = "a:b"\n')
    log_in()
    assert KNOWN not in os.environ  # the profile has its own
    (home / "profiles.toml").write_text(profile)
    log_in()
    assert os.environ[KNOWN] == made
    monkeypatch.setenv(KNOWN, "a:c")
    log_in()
    assert os.environ[KNOWN] == "a:c"


@pytest.mark.prefect
def test_a_wrong_password_is_said_before_anything_runs(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    monkeypatch.setenv(KNOWN, "polydub:wrong")
    with pytest.raises(BadInputError, match="requires another password"), prefect_server():
        pass
