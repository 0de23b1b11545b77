"""Every record survives the way over the wire and back."""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

from google.protobuf.message import Message as ProtoMessage
from hypothesis import given
from hypothesis import strategies as st

from anychannel import wire
from anychannel.capabilities import Capabilities, Limits, MediaLimit, ProviderDescription, SettingField, TextUnit
from anychannel.content import (
    Attachment,
    ContactCard,
    Content,
    CustomPayload,
    Location,
    MediaKind,
    Note,
    QuickReplies,
    Template,
    Text,
)
from anychannel.events import Contact, EchoReceived, MessageReceived, ReportReceived
from anychannel.failures import Failure, FailureKind
from anychannel.message import (
    Attempt,
    Direction,
    Lane,
    Message,
    MessageStory,
    Origin,
    Part,
    PartRecord,
    Status,
    StatusRecord,
)
from anychannel.provider import (
    CheckResult,
    Heard,
    HttpReply,
    HttpRequest,
    Received,
    Sent,
)
from anychannel.v1 import event_pb2, gateway_pb2, message_pb2, provider_pb2


def _outcome_to_proto(known: tuple[int, Sent | Failure]) -> provider_pb2.DeliverResponse.Outcome:
    return wire.outcome_to_proto(*known)


CODECS: dict[type[ProtoMessage], tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    message_pb2.Content: (wire.content_from_proto, wire.content_to_proto),
    message_pb2.Failure: (wire.failure_from_proto, wire.failure_to_proto),
    message_pb2.Part: (wire.part_from_proto, wire.part_to_proto),
    gateway_pb2.GetMessageResponse: (wire.message_story_from_proto, wire.message_story_to_proto),
    event_pb2.ProviderEvent: (wire.event_from_proto, wire.event_to_proto),
    provider_pb2.DescribeResponse: (wire.description_from_proto, wire.description_to_proto),
    provider_pb2.DeliverResponse.Outcome: (wire.outcome_from_proto, _outcome_to_proto),
    provider_pb2.HttpRequest: (wire.http_request_from_proto, wire.http_request_to_proto),
    provider_pb2.ReceiveWebhooksResponse.Received: (wire.received_from_proto, wire.received_to_proto),
    provider_pb2.ListenResponse: (wire.heard_from_proto, wire.heard_to_proto),
    provider_pb2.CheckChannelResponse: (wire.check_result_from_proto, wire.check_result_to_proto),
}


UINT32 = st.integers(0, 2**32 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
TIMES = st.datetimes(timezones=st.just(UTC))
SPANS = st.timedeltas(min_value=timedelta(days=-3650), max_value=timedelta(days=3650))
FINITE = st.floats(allow_nan=False)


def _tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(of, max_size=3).map(tuple)


NOTES = _tuples(st.builds(Note, code=TEXTS, text=TEXTS))
CONTENTS: st.SearchStrategy[Content] = st.one_of(
    st.builds(Text, text=TEXTS),
    st.builds(
        Attachment,
        kind=st.sampled_from(MediaKind),
        url=TEXTS,
        media_id=TEXTS,
        mime_type=TEXTS,
        file_name=TEXTS,
        caption=TEXTS,
        size_bytes=st.integers(0, 2**64 - 1),
    ),
    st.builds(Location, latitude=FINITE, longitude=FINITE, name=TEXTS, address=TEXTS),
    st.builds(QuickReplies, text=TEXTS, replies=_tuples(TEXTS)),
    st.builds(ContactCard, name=TEXTS, phone_numbers=_tuples(TEXTS)),
    st.builds(Template, name=TEXTS, language=TEXTS, parameters=_tuples(TEXTS)),
    st.builds(CustomPayload, json=TEXTS),
)
FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    text=TEXTS,
    platform_code=TEXTS,
    retry_after=st.none() | SPANS,
)
CONTACTS = st.builds(
    Contact,
    address=TEXTS,
    first_name=TEXTS,
    last_name=TEXTS,
    phone=TEXTS,
    email=TEXTS,
    language=TEXTS,
    country_code=TEXTS,
    picture_url=TEXTS,
)
EVENTS = st.one_of(
    *(
        st.builds(
            kind,
            platform_event_id=TEXTS,
            event_time=TIMES,
            contact=CONTACTS,
            platform_message_id=TEXTS,
            content=CONTENTS,
            notes=NOTES,
        )
        for kind in (MessageReceived, EchoReceived)
    ),
    st.builds(
        ReportReceived,
        platform_event_id=TEXTS,
        event_time=TIMES,
        platform_message_id=TEXTS,
        status=st.sampled_from(Status),
        failure=st.none() | FAILURES,
    ),
)
HEADERS = _tuples(st.tuples(TEXTS, TEXTS))
REPLIES = st.builds(HttpReply, status_code=st.integers(200, 599), headers=HEADERS, body=st.binary(max_size=20))
REQUESTS = st.builds(
    HttpRequest,
    method=TEXTS,
    url=TEXTS,
    path=TEXTS,
    query=TEXTS,
    headers=HEADERS,
    body=st.binary(max_size=20),
    receive_time=TIMES,
)
MESSAGES = st.builds(
    Message,
    message_id=TEXTS,
    channel_id=TEXTS,
    direction=st.sampled_from(Direction),
    origin=st.sampled_from(Origin),
    address=TEXTS,
    contact_id=TEXTS,
    content=CONTENTS,
    status=st.none() | st.sampled_from(Status),
    failure=st.none() | FAILURES,
    notes=NOTES,
    create_time=TIMES,
    event_time=TIMES,
    expire_time=st.none() | TIMES,
    request_id=TEXTS,
)
STORIES = st.builds(
    MessageStory,
    message=MESSAGES,
    parts=_tuples(
        st.builds(
            PartRecord,
            index=UINT32,
            content=CONTENTS,
            status=st.sampled_from(Status),
            platform_message_id=TEXTS,
            failure=st.none() | FAILURES,
        )
    ),
    attempts=_tuples(
        st.builds(
            Attempt,
            number=UINT32,
            lane=st.sampled_from(Lane),
            subject=TEXTS,
            start_time=TIMES,
            end_time=st.none() | TIMES,
            failure=st.none() | FAILURES,
            retry_time=st.none() | TIMES,
        )
    ),
    statuses=_tuples(
        st.builds(StatusRecord, status=st.sampled_from(Status), event_time=TIMES, failure=st.none() | FAILURES)
    ),
)
CAPABILITIES = st.builds(
    Capabilities,
    max_text_length=UINT32,
    text_unit=st.sampled_from(TextUnit),
    media=_tuples(
        st.builds(
            MediaLimit, kind=st.sampled_from(MediaKind), max_bytes=st.integers(0, 2**64 - 1), mime_types=_tuples(TEXTS)
        )
    ),
    max_caption_length=UINT32,
    locations=st.booleans(),
    max_buttons=UINT32,
    max_button_length=st.integers(1, 2**32 - 1),
    contact_cards=st.booleans(),
    templates=st.booleans(),
    custom_payloads=st.booleans(),
    reports=st.frozensets(st.sampled_from(Status)),
    echoes=st.booleans(),
)
DESCRIPTIONS = st.builds(
    ProviderDescription,
    protocol_versions=_tuples(UINT32),
    platform=TEXTS,
    display_name=TEXTS,
    version=TEXTS,
    capabilities=CAPABILITIES,
    limits=st.builds(Limits, max_in_flight=st.integers(1, 2**32 - 1), rate=FINITE),
    setting_fields=_tuples(
        st.builds(
            SettingField,
            name=TEXTS,
            label=TEXTS,
            help=TEXTS,
            secret=st.booleans(),
            required=st.booleans(),
            default_value=TEXTS,
            pattern=TEXTS,
            choices=_tuples(TEXTS),
        )
    ),
    receives_webhooks=st.booleans(),
    listens=st.booleans(),
    checks_channels=st.booleans(),
    fetches_media=st.booleans(),
)


@given(
    st.one_of(
        st.tuples(st.just(message_pb2.Content), CONTENTS),
        st.tuples(st.just(message_pb2.Failure), FAILURES),
        st.tuples(
            st.just(message_pb2.Part),
            st.builds(
                Part,
                idempotency_key=TEXTS,
                address=TEXTS,
                content=CONTENTS,
                message_id=TEXTS,
                index=UINT32,
                count=UINT32,
            ),
        ),
        st.tuples(st.just(event_pb2.ProviderEvent), EVENTS),
        st.tuples(st.just(gateway_pb2.GetMessageResponse), STORIES),
        st.tuples(st.just(provider_pb2.DescribeResponse), DESCRIPTIONS),
        st.tuples(st.just(provider_pb2.HttpRequest), REQUESTS),
        st.tuples(
            st.just(provider_pb2.ReceiveWebhooksResponse.Received),
            st.builds(Received, events=_tuples(EVENTS), reply=REPLIES, notes=NOTES),
        ),
        st.tuples(
            st.just(provider_pb2.ListenResponse), st.builds(Heard, events=_tuples(EVENTS), cursor=TEXTS, notes=NOTES)
        ),
        st.tuples(
            st.just(provider_pb2.DeliverResponse.Outcome),
            st.tuples(UINT32, FAILURES | st.builds(Sent, platform_message_id=TEXTS, notes=NOTES)),
        ),
        st.tuples(
            st.just(provider_pb2.CheckChannelResponse),
            st.builds(CheckResult, problems=NOTES, details=st.dictionaries(TEXTS, TEXTS, max_size=3)),
        ),
    )
)
def test_a_record_survives_the_way_there_and_back(case: tuple[type[ProtoMessage], Any]) -> None:
    kind, record = case
    read, write = CODECS[kind]

    sent_over = kind.FromString(write(record).SerializeToString())

    assert read(sent_over) == record
