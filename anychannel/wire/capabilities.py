"""What a provider declares ↔ protobuf."""

from anychannel.capabilities import Capabilities, Limits, MediaLimit, ProviderDescription, SettingField
from anychannel.message import Status
from anychannel.v1 import channel_pb2, provider_pb2
from anychannel.wire.enums import (
    media_kind_from_proto,
    media_kind_to_proto,
    status_from_proto,
    status_to_proto,
    text_unit_from_proto,
    text_unit_to_proto,
)

# What 0 means on the wire, where the records spell it out.
_DEFAULT_MAX_BUTTON_LENGTH = 20
_DEFAULT_MAX_IN_FLIGHT = 50


def capabilities_to_proto(capabilities: Capabilities) -> channel_pb2.Capabilities:
    """What a platform can express."""
    return channel_pb2.Capabilities(
        max_text_length=capabilities.max_text_length,
        text_unit=text_unit_to_proto(capabilities.text_unit),
        media=[_media_limit_to_proto(limit) for limit in capabilities.media],
        max_caption_length=capabilities.max_caption_length,
        locations=capabilities.locations,
        max_buttons=capabilities.max_buttons,
        max_button_length=capabilities.max_button_length,
        contact_cards=capabilities.contact_cards,
        templates=capabilities.templates,
        custom_payloads=capabilities.custom_payloads,
        reports=[status_to_proto(status) for status in Status if status in capabilities.reports],
        echoes=capabilities.echoes,
    )


def capabilities_from_proto(proto: channel_pb2.Capabilities) -> Capabilities:
    """What a platform can express; statuses unknown here are left out of the reports."""
    reports = [status_from_proto(number) for number in proto.reports]
    return Capabilities(
        max_text_length=proto.max_text_length,
        text_unit=text_unit_from_proto(proto.text_unit),
        media=tuple(_media_limit_from_proto(limit) for limit in proto.media),
        max_caption_length=proto.max_caption_length,
        locations=proto.locations,
        max_buttons=proto.max_buttons,
        max_button_length=proto.max_button_length or _DEFAULT_MAX_BUTTON_LENGTH,
        contact_cards=proto.contact_cards,
        templates=proto.templates,
        custom_payloads=proto.custom_payloads,
        reports=frozenset(status for status in reports if status is not None),
        echoes=proto.echoes,
    )


def limits_to_proto(limits: Limits) -> channel_pb2.Limits:
    """How fast a platform may be called."""
    return channel_pb2.Limits(max_in_flight=limits.max_in_flight, rate=limits.rate)


def limits_from_proto(proto: channel_pb2.Limits) -> Limits:
    """How fast a platform may be called."""
    return Limits(max_in_flight=proto.max_in_flight or _DEFAULT_MAX_IN_FLIGHT, rate=proto.rate)


def setting_field_to_proto(field: SettingField) -> channel_pb2.SettingField:
    """One setting of a channel."""
    return channel_pb2.SettingField(
        name=field.name,
        label=field.label,
        help=field.help,
        secret=field.secret,
        required=field.required,
        default_value=field.default_value,
        pattern=field.pattern,
        choices=field.choices,
    )


def setting_field_from_proto(proto: channel_pb2.SettingField) -> SettingField:
    """One setting of a channel."""
    return SettingField(
        name=proto.name,
        label=proto.label,
        help=proto.help,
        secret=proto.secret,
        required=proto.required,
        default_value=proto.default_value,
        pattern=proto.pattern,
        choices=tuple(proto.choices),
    )


def description_to_proto(description: ProviderDescription) -> provider_pb2.DescribeResponse:
    """Who a provider is and what it can do."""
    return provider_pb2.DescribeResponse(
        protocol_versions=description.protocol_versions,
        platform=description.platform,
        display_name=description.display_name,
        version=description.version,
        capabilities=capabilities_to_proto(description.capabilities),
        limits=limits_to_proto(description.limits),
        setting_fields=[setting_field_to_proto(field) for field in description.setting_fields],
        receives_webhooks=description.receives_webhooks,
        listens=description.listens,
        checks_channels=description.checks_channels,
        fetches_media=description.fetches_media,
    )


def description_from_proto(proto: provider_pb2.DescribeResponse) -> ProviderDescription:
    """Who a provider is and what it can do."""
    return ProviderDescription(
        protocol_versions=tuple(proto.protocol_versions),
        platform=proto.platform,
        display_name=proto.display_name,
        version=proto.version,
        capabilities=capabilities_from_proto(proto.capabilities),
        limits=limits_from_proto(proto.limits),
        setting_fields=tuple(setting_field_from_proto(field) for field in proto.setting_fields),
        receives_webhooks=proto.receives_webhooks,
        listens=proto.listens,
        checks_channels=proto.checks_channels,
        fetches_media=proto.fetches_media,
    )


def _media_limit_to_proto(limit: MediaLimit) -> channel_pb2.MediaLimit:
    return channel_pb2.MediaLimit(
        kind=media_kind_to_proto(limit.kind), max_bytes=limit.max_bytes, mime_types=limit.mime_types
    )


def _media_limit_from_proto(proto: channel_pb2.MediaLimit) -> MediaLimit:
    return MediaLimit(
        kind=media_kind_from_proto(proto.kind), max_bytes=proto.max_bytes, mime_types=tuple(proto.mime_types)
    )
