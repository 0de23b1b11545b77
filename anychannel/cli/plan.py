"""Decides what `apply` has to do: the difference between what a manifest wants and what there is.

Secrets are write-only, so that nobody can compare them: one that has a value is sent only when asked to (`update_secrets`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from anychannel.capabilities import SettingField
from anychannel.channel import Channel
from anychannel.cli.manifest import Problem, Wanted
from anychannel.cli.output import MASK, number, span

SettingFields = Mapping[str, Mapping[str, SettingField] | None]
"""What each platform's provider declares, by setting; None when the provider never described itself."""

_PLAIN = (
    "display_name",
    "paused",
    "inbox.webhook_url",
    "inbox.inbox_channel_id",
    "inbox.id_type",
    "inbox.status_shape",
    "inbox.reply",
    "inbox.reply_timeout",
    "policy.platform_rate",
    "policy.inbox_rate",
    "policy.expire_after",
)
_TOKENS = ("inbox.token", "inbox.previous_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that becomes another, as text to show."""

    path: str
    before: str = ""
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A channel to add."""

    channel: Channel
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Fields of a channel to change."""

    channel: Channel
    changes: tuple[Change, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The paths for the update."""
        return tuple(change.path for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A channel to remove."""

    channel_id: str


Step = Creation | Update | Deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done, or why it cannot be."""

    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]
    secrets_kept: int
    """Secrets that have a value already and are not sent: whether they differ is not known."""


def make_plan(
    wanted: Iterable[Wanted],
    existing: Mapping[str, Channel],
    setting_fields: SettingFields,
    *,
    prune: bool,
    update_secrets: bool,
) -> Plan:
    """Compare. `existing` and `setting_fields` are what the gateway answers."""
    steps: list[Step] = []
    problems: list[Problem] = []
    secrets_kept = 0
    names = set()
    for each in wanted:
        channel = each.channel
        names.add(channel.channel_id)
        present = existing.get(channel.channel_id)
        fields = setting_fields.get(channel.platform)
        faults = [*_faults(each, present, fields, is_known_platform=channel.platform in setting_fields)]
        problems += faults
        if faults:
            continue
        if present is None:
            steps.append(Creation(channel=channel, changes=tuple(_of_new(each, fields))))
            continue
        changes = [*_of_plain(each, present), *_of_settings(each, present, fields)]
        secrets = [*_secrets(each, present, fields)]
        if update_secrets:
            changes += [Change(path=path, after=f"{MASK} (sent; whether it differs is not known)") for path in secrets]
        else:
            secrets_kept += len(secrets)
        if changes:
            steps.append(Update(channel=channel, changes=tuple(changes)))
    if prune:
        steps += [Deletion(channel_id=channel_id) for channel_id in sorted(existing.keys() - names)]
    return Plan(steps=tuple(steps), problems=tuple(problems), secrets_kept=secrets_kept)


def plan_text(plan: Plan) -> str:
    """The plan for people, secrets masked."""
    lines: list[str] = []
    for step in plan.steps:
        match step:
            case Creation(channel=channel, changes=changes):
                lines.append(f"+ {channel.channel_id} ({channel.platform})")
                lines += [f"    {change.path}: {change.after}" for change in changes]
            case Update(channel=channel, changes=changes):
                lines.append(f"~ {channel.channel_id}")
                lines += [
                    f"    {change.path}: {' -> '.join(filter(None, (change.before, change.after)))}"
                    for change in changes
                ]
            case Deletion(channel_id=channel_id):
                lines.append(f"- {channel_id}, with everything stored for it")
    return "\n".join(lines)


def _faults(
    wanted: Wanted, present: Channel | None, fields: Mapping[str, SettingField] | None, *, is_known_platform: bool
) -> Iterator[Problem]:
    platform = wanted.channel.platform
    if present is None:
        if not is_known_platform:
            yield wanted.problem("platform", f"no provider of {platform} is registered")
        for path in ("inbox.webhook_url", "inbox.inbox_channel_id", "inbox.token"):
            if path not in wanted.lines:
                yield wanted.problem("", f"{path} is missing")
    elif present.platform != platform:
        yield wanted.problem("platform", f"a channel's platform never changes; it is {present.platform}")
    if fields is not None:
        yield from _faults_of_settings(wanted, fields)
        if present is None or wanted.names_settings:
            yield from _missing_settings(wanted, present, fields)


def _faults_of_settings(wanted: Wanted, fields: Mapping[str, SettingField]) -> Iterator[Problem]:
    for name, value in wanted.channel.settings.items():
        field = fields.get(name)
        if field is None:
            yield wanted.problem(f"settings.{name}", f"{wanted.channel.platform} has no such setting")
        elif field.choices and not field.secret and value not in field.choices:
            yield wanted.problem(f"settings.{name}", f"must be one of {', '.join(field.choices)}")


def _missing_settings(wanted: Wanted, present: Channel | None, fields: Mapping[str, SettingField]) -> Iterator[Problem]:
    already_set = present.secrets_set if present else ()
    for name, field in fields.items():
        has_value = name in wanted.channel.settings or name in already_set or field.default_value
        if field.required and not has_value:
            yield wanted.problem("", f"settings.{name} is missing")


def _of_new(wanted: Wanted, fields: Mapping[str, SettingField] | None) -> Iterator[Change]:
    for path in _PLAIN:
        if path in wanted.lines:
            yield Change(path=path, after=_shown(_field(wanted.channel, path)))
    for name, value in wanted.channel.settings.items():
        yield Change(path=f"settings.{name}", after=MASK if _is_secret(name, None, fields) else value)
    for path in _TOKENS:
        if path in wanted.lines:
            yield Change(path=path, after=MASK)


def _of_plain(wanted: Wanted, present: Channel) -> Iterator[Change]:
    for path in _PLAIN:
        before, after = _field(present, path), _field(wanted.channel, path)
        if path in wanted.lines and before != after:
            yield Change(path=path, before=_shown(before), after=_shown(after))


def _of_settings(wanted: Wanted, present: Channel, fields: Mapping[str, SettingField] | None) -> Iterator[Change]:
    settings = wanted.channel.settings
    for name, value in settings.items():
        if _is_secret(name, present, fields):
            if name not in present.secrets_set:
                yield Change(path=f"settings.{name}", after=f"{MASK} (it was not set)")
        elif present.settings.get(name, _default(name, fields)) != value:
            yield Change(path=f"settings.{name}", before=_shown(present.settings.get(name, "")), after=value)
    if wanted.names_settings:
        for name, value in present.settings.items():
            # A gateway may answer with defaults filled in; those are not there to be removed.
            if name not in settings and value != _default(name, fields):
                yield Change(path=f"settings.{name}", before=value, after="(removed)")


def _secrets(wanted: Wanted, present: Channel, fields: Mapping[str, SettingField] | None) -> Iterator[str]:
    for name in wanted.channel.settings:
        if name in present.secrets_set and _is_secret(name, present, fields):
            yield f"settings.{name}"
    for path in _TOKENS:
        if path in wanted.lines:
            yield path


def _is_secret(name: str, present: Channel | None, fields: Mapping[str, SettingField] | None) -> bool:
    if fields is not None and name in fields:
        return fields[name].secret
    # Nobody says what it is: what the gateway has shown before is no secret, everything else may be one.
    return present is None or name not in present.settings


def _default(name: str, fields: Mapping[str, SettingField] | None) -> str | None:
    field = fields.get(name) if fields else None
    return field.default_value if field and field.default_value else None


def _field(channel: Channel, path: str) -> object:
    value: object = channel
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _shown(value: object) -> str:
    match value:
        case None | "":
            return "(unset)"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number(value) if value else "(unset)"
        case timedelta():
            return span(value)
        case _:
            return str(value)
