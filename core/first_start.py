"""Reads the settings and completes them.

On the embedded database, secrets that were not given are made once and kept in the data folder.
"""

import os
import secrets
from pathlib import Path

from pydantic import SecretStr, ValidationError

from core.identifiers import new_secret
from core.secrets import Keyring, KeysRefused, new_keys_text
from core.settings import PREFIX, Settings

_FILES = {"admin_key": "admin.key", "registration_token": "registration.token", "encryption_keys": "encryption.keys"}
_HOW = {
    "admin_key": "openssl rand -hex 32",
    "registration_token": "openssl rand -hex 32",
    "encryption_keys": 'echo "k1:$(openssl rand -base64 32)"',
}


class SettingsRefused(Exception):
    """A setting is missing or wrong; the message names each one."""


def load_settings() -> Settings:
    """The settings of this process, with every secret there. Raises `SettingsRefused`."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise SettingsRefused(
            "\n".join(_problem(details["loc"], details["msg"]) for details in error.errors())
        ) from None
    return complete(settings)


def complete(settings: Settings) -> Settings:
    """The settings with every secret there. Raises `SettingsRefused`, also when the encryption keys are malformed."""
    missing = settings.missing_secrets
    if missing and not settings.is_embedded:
        raise SettingsRefused(
            "\n".join(
                f"{PREFIX}{name.upper()} (or {PREFIX}{name.upper()}_FILE) is missing; make one with: {_HOW[name]}"
                for name in missing
            )
        )
    made = {name: SecretStr(_kept(settings.data_folder / _FILES[name], _new(name))) for name in missing}
    settings = settings.model_copy(update=made)
    try:
        Keyring.from_text(settings.encryption_keys.get_secret_value())
    except KeysRefused as error:
        raise SettingsRefused(f"{PREFIX}ENCRYPTION_KEYS: {error}") from None
    return settings


def _new(name: str) -> str:
    match name:
        case "admin_key":
            return new_secret("key")
        case "registration_token":
            return new_secret("reg")
        case _:
            return new_keys_text(f"k{secrets.token_hex(3)}")


def _kept(path: Path, fresh: str) -> str:
    """What the file holds; `fresh`, put there now, when there is none. Of several processes at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(fresh + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return path.read_text(encoding="utf-8").strip()
        return fresh
    finally:
        draft.unlink()


def _problem(location: tuple[int | str, ...], text: str) -> str:
    text = text.removeprefix("Value error, ")
    return f"{PREFIX}{str(location[0]).upper()}: {text}" if location else text
