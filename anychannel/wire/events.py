"""Contacts and facts from a platform ↔ protobuf."""

from datetime import datetime
from typing import assert_never

from anychannel.events import Contact, EchoReceived, MessageReceived, ProviderEvent, ReportReceived
from anychannel.v1 import event_pb2
from anychannel.wire.content import content_from_proto, content_to_proto, notes_from_proto, notes_to_proto
from anychannel.wire.enums import status_from_proto, status_to_proto
from anychannel.wire.failures import failure_from_proto, optional_failure_to_proto
from anychannel.wire.times import time_from_proto, time_to_proto


def contact_to_proto(contact: Contact) -> event_pb2.Contact:
    """A person as a platform describes them."""
    return event_pb2.Contact(
        address=contact.address,
        first_name=contact.first_name,
        last_name=contact.last_name,
        phone=contact.phone,
        email=contact.email,
        language=contact.language,
        country_code=contact.country_code,
        picture_url=contact.picture_url,
    )


def contact_from_proto(proto: event_pb2.Contact) -> Contact:
    """A person as a platform describes them."""
    return Contact(
        address=proto.address,
        first_name=proto.first_name,
        last_name=proto.last_name,
        phone=proto.phone,
        email=proto.email,
        language=proto.language,
        country_code=proto.country_code,
        picture_url=proto.picture_url,
    )


def event_to_proto(event: ProviderEvent) -> event_pb2.ProviderEvent:
    """One fact. Raises `ValueError` or `TypeError` when a value does not fit its field: a time without a zone."""
    match event:
        case MessageReceived():
            return event_pb2.ProviderEvent(
                platform_event_id=event.platform_event_id,
                event_time=time_to_proto(event.event_time),
                message=_received_message_to_proto(event),
            )
        case EchoReceived():
            return event_pb2.ProviderEvent(
                platform_event_id=event.platform_event_id,
                event_time=time_to_proto(event.event_time),
                echo=_received_message_to_proto(event),
            )
        case ReportReceived():
            return event_pb2.ProviderEvent(
                platform_event_id=event.platform_event_id,
                event_time=time_to_proto(event.event_time),
                report=event_pb2.Report(
                    platform_message_id=event.platform_message_id,
                    status=status_to_proto(event.status),
                    failure=optional_failure_to_proto(event.failure),
                ),
            )
        case _:
            assert_never(event)


def event_from_proto(proto: event_pb2.ProviderEvent) -> ProviderEvent | None:
    """One fact; None for a kind of fact, or a reported status, that this version does not know: it is to be skipped.

    Raises `ValueError` naming the field when the content is unset or unknown, or the time is unset.
    """
    kind = proto.WhichOneof("kind")
    if kind is None:
        return None
    if not proto.HasField("event_time"):
        raise ValueError("event_time: not set")
    event_time = time_from_proto(proto.event_time)
    if kind == "report":
        return _report_from_proto(proto, event_time=event_time)
    received = proto.message if kind == "message" else proto.echo
    record = MessageReceived if kind == "message" else EchoReceived
    return record(
        platform_event_id=proto.platform_event_id,
        event_time=event_time,
        contact=contact_from_proto(received.contact),
        platform_message_id=received.platform_message_id,
        content=content_from_proto(received.content),
        notes=notes_from_proto(received.notes),
    )


def _received_message_to_proto(event: MessageReceived | EchoReceived) -> event_pb2.ReceivedMessage:
    return event_pb2.ReceivedMessage(
        contact=contact_to_proto(event.contact),
        platform_message_id=event.platform_message_id,
        content=content_to_proto(event.content),
        notes=notes_to_proto(event.notes),
    )


def _report_from_proto(proto: event_pb2.ProviderEvent, *, event_time: datetime) -> ReportReceived | None:
    report = proto.report
    status = status_from_proto(report.status)
    if status is None:
        return None
    return ReportReceived(
        platform_event_id=proto.platform_event_id,
        event_time=event_time,
        platform_message_id=report.platform_message_id,
        status=status,
        failure=failure_from_proto(report.failure) if report.HasField("failure") else None,
    )
