"""Checks of what a provider says of itself."""

import re

import grpc

from anychannel.conformance._broken import answered_with, demand
from anychannel.conformance._subject import CALL_SECONDS, PROTOCOL_VERSION, Subject
from anychannel.conformance._verdict import Check
from anychannel.v1 import message_pb2, provider_pb2

_PLATFORM = re.compile(r"[a-z0-9-]{1,40}")
_SETTING_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SECRET_NAME = re.compile(r"(token|secret|password|passphrase|private_key|api_key|access_key)$")
_NO_SUCH_VERSION = 4_000_000_000
_MIN_HELP_CHARACTERS = 8
_REPORTABLE = {message_pb2.STATUS_DELIVERED, message_pb2.STATUS_READ}


async def names_itself(subject: Subject) -> None:
    """Describe names the platform, for machines and for people, and the provider's version."""
    said = subject.description
    demand(bool(_PLATFORM.fullmatch(said.platform)), f"platform is {said.platform!r}: 1 to 40 of a-z, 0-9 and -")
    demand(bool(said.display_name.strip()), "display_name is empty")
    demand(bool(said.version.strip()), "version is empty")


async def speaks_a_common_version(subject: Subject) -> None:
    """Describe lists the protocol version that core speaks."""
    demand(PROTOCOL_VERSION in subject.description.protocol_versions, f"protocol_versions lacks {PROTOCOL_VERSION}")


async def refuses_an_unknown_version(subject: Subject) -> None:
    """Describe answers FAILED_PRECONDITION to a core with which it has no version in common, or does not claim its versions."""
    request = provider_pb2.DescribeRequest(protocol_versions=[_NO_SUCH_VERSION])
    async with answered_with("Describe", grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.OK):
        answer = await subject.stub.Describe(request, timeout=CALL_SECONDS)
        demand(_NO_SUCH_VERSION not in answer.protocol_versions, "Describe claims any version it is asked for")


async def can_hear(subject: Subject) -> None:
    """A provider receives webhooks, or listens."""
    said = subject.description
    demand(said.receives_webhooks or said.listens, "neither receives_webhooks nor listens is declared")


async def capabilities_are_sane(subject: Subject) -> None:
    """Capabilities name a length of text, each kind of media once, and only reports that exist."""
    can = subject.description.capabilities
    demand(can.max_text_length > 0, "max_text_length is 0: nothing could be said")
    kinds = [limit.kind for limit in can.media]
    demand(0 not in kinds, "media names no kind")
    demand(len(kinds) == len(set(kinds)), "media names a kind twice")
    demand(set(can.reports) <= _REPORTABLE, "reports has other than STATUS_DELIVERED and STATUS_READ")
    demand(subject.description.limits.rate >= 0, "limits.rate is negative")


async def settings_are_explained(subject: Subject) -> None:
    """Every setting has a name, a label, and a help that says where its value is found."""
    names = [field.name for field in subject.description.setting_fields]
    demand(len(names) == len(set(names)), "two settings have the same name")
    for field in subject.description.setting_fields:
        demand(bool(_SETTING_NAME.fullmatch(field.name)), f"{field.name!r} is no name of lower case and underscores")
        demand(bool(field.label.strip()), f"{field.name} has no label")
        demand(len(field.help.strip()) >= _MIN_HELP_CHARACTERS, f"{field.name} has no help")


async def settings_agree_with_themselves(subject: Subject) -> None:
    """Patterns can be read, and defaults are of the form that their setting demands."""
    for field in subject.description.setting_fields:
        try:
            pattern = re.compile(field.pattern)
        except re.error:
            demand(kept=False, otherwise=f"{field.name}.pattern is no regular expression")
        value = field.default_value
        demand(
            not value or not field.choices or value in field.choices, f"{field.name}'s default is none of its choices"
        )
        demand(
            not value or not field.pattern or bool(pattern.fullmatch(value)),
            f"{field.name}'s default is not of its pattern",
        )


async def secrets_are_marked(subject: Subject) -> None:
    """Settings whose names say token, secret, password or key are marked secret; and no secret has a default."""
    for field in subject.description.setting_fields:
        demand(field.secret or not _SECRET_NAME.search(field.name), f"{field.name} is not marked secret")
        demand(not (field.secret and field.default_value), f"{field.name} is secret and has a default value")


CHECKS = tuple(
    map(
        Check.of,
        (
            names_itself,
            speaks_a_common_version,
            refuses_an_unknown_version,
            can_hear,
            capabilities_are_sane,
            settings_are_explained,
            settings_agree_with_themselves,
            secrets_are_marked,
        ),
    )
)
