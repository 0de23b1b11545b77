"""Settings made up for a channel that does not exist."""

import pytest

from anychannel.conformance._placeholders import placeholders
from anychannel.v1.channel_pb2 import SettingField


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        r"\S+",
        "[!-~]+",
        "[0-9]+",
        "[0-9]{5,20}:[A-Za-z0-9_-]{30,50}",
        "AC[0-9a-f]{32}",
        r"\+[1-9][0-9]{1,14}",
        r"https?://\S+",
    ],
)
def test_a_required_setting_has_its_form(pattern: str) -> None:
    field = SettingField(name="x", pattern=pattern, required=True)

    assert placeholders([field]).missing == ()
    assert placeholders([field]).settings["x"]


@pytest.mark.parametrize(
    ("field", "settings", "missing"),
    [
        pytest.param(SettingField(name="x"), {}, (), id="optional ones are left out"),
        pytest.param(SettingField(name="x", default_value="1", required=True), {"x": "1"}, (), id="default"),
        pytest.param(SettingField(name="x", choices=["a", "b"]), {"x": "a"}, (), id="choices"),
        pytest.param(SettingField(name="x", pattern="no such", required=True), {}, ("x",), id="no such form"),
        pytest.param(SettingField(name="x", pattern="no such", secret=True), {}, (), id="no such form, but optional"),
        pytest.param(SettingField(name="x", pattern="(", required=True), {}, ("x",), id="no pattern at all"),
    ],
)
def test_made_up(field: SettingField, settings: dict[str, str], missing: tuple[str, ...]) -> None:
    assert placeholders([field]) == (settings, missing)


def test_secrets_are_long_enough_to_be_looked_for() -> None:
    assert len(placeholders([SettingField(name="x", secret=True)]).settings["x"]) >= 8
