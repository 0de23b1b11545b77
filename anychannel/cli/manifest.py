"""Reads channels.yaml: what the operator wants, every fault of it with its line and path.

    channels:
      - channel_id: shop
        platform: telegram
        settings: {bot_token: "file:telegram.token", mode: webhook}
        inbox: {webhook_url: "https://…", inbox_channel_id: "7", token: "${INBOX_TOKEN}", id_type: phone}
        policy: {platform_rate: 20, expire_after: 24h}
        paused: false

Names are those of the proto. A field that is not named is left as it is; settings are the exception: the file names all of them.
`${NAME}` stands for a variable of the environment anywhere ($$ is a dollar); `file:PATH`, in settings and tokens, for the text of a file,
found from the manifest's folder.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from anychannel.channel import Channel, DeliveryPolicy, IdType, InboxBinding, ReplyMode, StatusShape
from anychannel.cli.values import parse_span

Member = TypeVar("Member", bound=StrEnum)
ReadFile = Callable[[str], str]
"""The text of a file named in the manifest; raises `ValueError` with what is wrong with it."""
Read = Callable[[str], Any]
"""The value that a text in the manifest spells; raises `ValueError` with what is wrong with it."""

_CHANNEL_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
_VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of the manifest."""

    line: int
    path: str
    text: str

    def __str__(self) -> str:
        """As compilers say it, behind the file's name."""
        return f"{self.line}: {self.path}: {self.text}" if self.path else f"{self.line}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A channel as the manifest wants it."""

    channel: Channel
    lines: Mapping[str, int]
    """The line of each field that the manifest names, by its path in Channel."""
    names_settings: bool
    """The manifest says what the settings are, if only that there are none."""
    line: int
    path: str

    def problem(self, field: str, text: str) -> Problem:
        """A fault of one field, or of the whole channel when `field` is empty."""
        return Problem(line=self.lines.get(field, self.line), path=f"{self.path}.{field}".rstrip("."), text=text)


def read_manifest(
    text: str, environ: Mapping[str, str], read_file: ReadFile
) -> tuple[tuple[Wanted, ...], tuple[Problem, ...]]:
    """The wanted channels, and everything that is wrong; the channels are only good when nothing is."""
    reader = _Reader(environ, read_file)
    wanted = tuple(reader.channels(text))
    return wanted, tuple(reader.problems)


class _Reader:
    """Collects the faults while it reads."""

    def __init__(self, environ: Mapping[str, str], read_file: ReadFile) -> None:
        self.problems: list[Problem] = []
        self._environ = environ
        self._read_file = read_file

    def channels(self, text: str) -> Iterator[Wanted]:
        try:
            root = yaml.compose(text, yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            # YAML's own text may quote what stands there, a secret for instance.
            said = re.split(r"['\"]", error.problem or error.context or "")[0].strip()
            self._fault(mark.line + 1 if mark else 1, "", f"not YAML: {said}")
            return
        except yaml.YAMLError:
            self._fault(1, "", "not YAML: it holds a character that YAML does not allow")
            return
        top = dict(self._fields(root, "", {"channels"})) if root else {}
        if not isinstance(channels := top.get("channels"), yaml.SequenceNode):
            self._fault(1, "", "`channels:` must be a list of channels")
            return
        seen: dict[str, int] = {}
        for index, node in enumerate(channels.value):
            wanted = self._channel(node, f"channels[{index}]")
            channel_id = wanted.channel.channel_id
            if channel_id in seen:
                self._fault(wanted.line, wanted.path, f"{channel_id} is in line {seen[channel_id]} already")
            elif channel_id:
                seen[channel_id] = wanted.line
                yield wanted

    def _channel(self, node: yaml.Node, path: str) -> Wanted:
        nested = {"settings": self._settings, "inbox": self._inbox, "policy": self._policy}
        plain: dict[str, Read] = {"channel_id": _channel_id, "platform": str, "display_name": str, "paused": _boolean}
        values: dict[str, Any] = {"channel_id": ""}
        lines: dict[str, int] = {}
        names = set()
        for name, child in self._fields(node, path, {*plain, *nested}):
            names.add(name)
            if name in nested:
                values[name] = nested[name](child, f"{path}.{name}", lines)
            else:
                values |= self._value(child, f"{path}.{name}", plain[name], name, lines)
        for name in ("channel_id", "platform"):
            if name not in names and isinstance(node, yaml.MappingNode):
                self._fault(node.start_mark.line + 1, path, f"{name} is missing")
        return Wanted(
            channel=Channel(**values),
            lines=lines,
            names_settings="settings" in names,
            line=node.start_mark.line + 1,
            path=path,
        )

    def _settings(self, node: yaml.Node, path: str, lines: dict[str, int]) -> Mapping[str, str]:
        values: dict[str, str] = {}
        for name, child in self._fields(node, path, None):
            values |= self._value(child, f"{path}.{name}", self._referenced, name, lines, under="settings.")
        return values

    def _inbox(self, node: yaml.Node, path: str, lines: dict[str, int]) -> InboxBinding:
        readers: dict[str, Read] = {
            "webhook_url": str,
            "inbox_channel_id": str,
            "token": self._referenced,
            "previous_token": self._referenced,
            "id_type": _member(IdType),
            "status_shape": _member(StatusShape),
            "reply": _member(ReplyMode),
            "reply_timeout": parse_span,
        }
        return replace(InboxBinding(), **self._record(node, path, readers, "inbox.", lines))

    def _policy(self, node: yaml.Node, path: str, lines: dict[str, int]) -> DeliveryPolicy:
        readers: dict[str, Read] = {"platform_rate": _rate, "inbox_rate": _rate, "expire_after": parse_span}
        return replace(DeliveryPolicy(), **self._record(node, path, readers, "policy.", lines))

    def _record(
        self, node: yaml.Node, path: str, readers: Mapping[str, Read], under: str, lines: dict[str, int]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, child in self._fields(node, path, set(readers)):
            values |= self._value(child, f"{path}.{name}", readers[name], name, lines, under=under)
        return values

    def _fields(self, node: yaml.Node, path: str, known: set[str] | None) -> Iterator[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._fault(node.start_mark.line + 1, path, "must be a mapping of names to values")
            return
        seen = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._fault(line, path, "a name must be a plain word")
            elif known is not None and key.value not in known:
                self._fault(line, f"{path}.{key.value}".lstrip("."), f"unknown; known are {', '.join(sorted(known))}")
            elif key.value in seen:
                self._fault(line, f"{path}.{key.value}".lstrip("."), "is there twice")
            else:
                seen.add(key.value)
                yield key.value, value

    def _value(
        self, node: yaml.Node, path: str, read: Read, name: str, lines: dict[str, int], *, under: str = ""
    ) -> dict[str, Any]:
        line = node.start_mark.line + 1
        lines[f"{under}{name}"] = line
        if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
            self._fault(line, path, "must be one value")
            return {}
        try:
            # The text as it is written: 007 and +15551234567 are no numbers here.
            return {name: read(self._expanded(node.value))}
        except ValueError as wrong:
            self._fault(line, path, str(wrong))
            return {}

    def _expanded(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            if match[1] is None:
                return "$"
            if not self._environ.get(match[1]):
                raise ValueError(f"the environment has no {match[1]}")
            return self._environ[match[1]]

        return _VARIABLE.sub(value, text)

    def _referenced(self, text: str) -> str:
        if not text:
            raise ValueError("is empty; leave it out")
        return self._read_file(text.removeprefix("file:").strip()) if text.startswith("file:") else text

    def _fault(self, line: int, path: str, text: str) -> None:
        self.problems.append(Problem(line=line, path=path, text=text))


def _channel_id(text: str) -> str:
    if not _CHANNEL_ID.fullmatch(text):
        raise ValueError("must be 1 to 40 characters of a-z, 0-9 and -, beginning with a letter")
    return text


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return text.lower() == "true"


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    # 0 would be the default, and read back as that: a second apply would find it changed again.
    if not 0 < rate < float("inf"):
        raise ValueError("must be a number a second, more than 0")
    return rate


def _member(members: type[Member]) -> Callable[[str], Member]:
    def read(text: str) -> Member:
        try:
            return members(text)
        except ValueError:
            raise ValueError(f"{text!r} is none of {', '.join(members)}") from None

    return read
