import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from anychannel._settings_help import describe
from core.first_start import SettingsRefused, complete, load_settings
from core.secrets import new_keys_text
from core.settings import Settings

KEYS = new_keys_text("k1")
SECRET = "s" * 32

Give = Callable[..., None]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("ANYCHANNEL_CORE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Give:
    def give(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"ANYCHANNEL_CORE_{name.upper()}", value)

    return give


def test_nothing_needs_to_be_set_for_development() -> None:
    settings = load_settings()
    assert settings.is_embedded
    assert settings.missing_secrets == ()


def test_secrets_made_at_first_start_are_kept_and_private(tmp_path: Path) -> None:
    first, second = load_settings(), load_settings()
    assert first == second
    folder = tmp_path / ".anychannel"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "admin.key": 0o600,
        "registration.token": 0o600,
        "encryption.keys": 0o600,
    }
    assert (folder / "admin.key").read_text().strip() == first.admin_key.get_secret_value()


def test_a_secret_that_is_given_is_not_made(given: Give, tmp_path: Path) -> None:
    given(admin_key=SECRET)
    assert load_settings().admin_key.get_secret_value() == SECRET
    assert not (tmp_path / ".anychannel" / "admin.key").exists()


def test_a_real_database_needs_every_secret_and_says_how_to_make_it(given: Give) -> None:
    given(database_url="postgresql://u:hunter2@db/x", admin_key=SECRET)
    with pytest.raises(SettingsRefused) as caught:
        load_settings()
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == [
        "ANYCHANNEL_CORE_REGISTRATION_TOKEN",
        "ANYCHANNEL_CORE_ENCRYPTION_KEYS",
    ]
    assert all("openssl rand" in line for line in lines)
    assert "hunter2" not in str(caught.value)


def test_secrets_come_from_files(given: Give, tmp_path: Path) -> None:
    (tmp_path / "admin").write_text(f"{SECRET}\n")
    (tmp_path / "url").write_text("postgresql://db/x\n")
    given(admin_key_file=str(tmp_path / "admin"), database_url_file=str(tmp_path / "url"))
    settings = Settings()
    assert settings.admin_key.get_secret_value() == SECRET
    assert settings.database_url.get_secret_value() == "postgresql://db/x"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param({"admin_key": SECRET, "admin_key_file": "/x"}, "both given", id="secret-and-file"),
        pytest.param({"admin_key_file": "/not/there"}, "ADMIN_KEY_FILE: /not/there cannot be read", id="no-file"),
        pytest.param({"admin_key": "hunter2"}, "ADMIN_KEY has fewer than 32 characters", id="short-secret"),
        pytest.param({"encryption_keys": "hunter2"}, "ENCRYPTION_KEYS: encryption key 1 is not", id="bad-keys"),
        pytest.param({"public_url": "ftp://x"}, "PUBLIC_URL: must be an http or https", id="public-url"),
        pytest.param({"providers": "telegram"}, "PROVIDERS: 'telegram' is not platform=host:port", id="provider"),
        pytest.param({"providers": "a=b:1,a=c:2"}, "PROVIDERS: platform a is given twice", id="provider-twice"),
        pytest.param({"lease": "0"}, "LEASE: must be more than 0", id="no-time"),
        pytest.param({"lease": "soon"}, "LEASE: ", id="not-a-number"),
        pytest.param({"lease": "nan"}, "LEASE: must be a number", id="nan"),
        pytest.param({"lease": "inf"}, "LEASE: must be a number", id="infinite"),
        pytest.param({"retry_first": "10", "retry_max": "1"}, "RETRY_MAX is less than", id="retry"),
        pytest.param({"listen": "nowhere"}, "LISTEN: ", id="listen"),
        pytest.param({"database_pool": "1"}, "DATABASE_POOL: ", id="pool"),
    ],
)
def test_what_is_wrong_is_named_and_never_shown(given: Give, values: dict[str, str], text: str) -> None:
    given(**values)
    with pytest.raises(SettingsRefused) as caught:
        load_settings()
    assert text in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_values_are_read_as_what_they_mean(given: Give) -> None:
    given(
        lease="2.5",
        providers="telegram=tg:50051, sms=127.0.0.1:1 ,",
        public_url="https://gw.example/a/",
        listen="[::]:0",
    )
    settings = Settings()
    assert settings.lease == timedelta(seconds=2.5)
    assert settings.providers == {"telegram": "tg:50051", "sms": "127.0.0.1:1"}
    assert settings.public_url == "https://gw.example/a"


def test_settings_never_show_a_secret() -> None:
    settings = complete(Settings(admin_key=SECRET, encryption_keys=KEYS, database_url="", registration_token=SECRET))  # type: ignore[arg-type]  # as the environment gives them
    assert SECRET not in repr(settings)
    assert KEYS not in repr(settings)


def test_help_names_every_setting_with_its_default_and_purpose() -> None:
    text = describe(Settings)
    for name, field in Settings.model_fields.items():
        assert f"ANYCHANNEL_CORE_{name.upper()}" in text
        assert field.description
    assert "ANYCHANNEL_CORE_LEASE=10\n" in text
    assert "ANYCHANNEL_CORE_DATABASE_URL\n" in text
