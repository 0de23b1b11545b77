"""What Slack's webhooks say. Payloads after https://docs.slack.dev/reference/events/message and the pages beside it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anychannel import Attachment, Contact, Content, HttpRequest, MediaKind, MessageReceived, Received, Text
from anychannel.testing import A_TIME
from providers.slack.fields import Fields
from providers.slack.inbound import read_webhook
from providers.slack.markup import escape, read_markup
from providers.slack.message import read_contents

WebhookMaker = Callable[..., HttpRequest]
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"

# https://docs.slack.dev/reference/events/message.im
MESSAGE: dict[str, Any] = {
    "type": "message",
    "channel": "D024BE91L",
    "user": "U2147483697",
    "text": "Hello hello can you hear me?",
    "ts": "1355517523.000005",
    "event_ts": "1355517523.000005",
    "channel_type": "im",
}
# https://docs.slack.dev/reference/events/message/file_share
FILE: dict[str, Any] = {
    "id": "F0RDC39U1",
    "name": "ghostrap.png",
    "title": "ghostrap.png",
    "mimetype": "image/png",
    "size": 196920,
    "mode": "hosted",
    "is_external": False,
    "url_private": "https://files.slack.com/files-pri/T061EG9R6-F0RDC39U1/ghostrap.png",
    "url_private_download": "https://files.slack.com/files-pri/T061EG9R6-F0RDC39U1/download/ghostrap.png",
}


def callback(event: object, **changes: object) -> dict[str, object]:
    """https://docs.slack.dev/apis/events-api/#events-JSON."""
    wrapper = {"token": "z26uFbvR1xHJEdHE1OQiO6t8", "team_id": "T061EG9RZ", "api_app_id": "A0FFV41KK"}
    return {**wrapper, "event": event, "type": "event_callback", "event_id": "Ev9UQ52YNA", "event_time": 1, **changes}


def only(received: Received) -> MessageReceived:
    (event,) = received.events
    assert isinstance(event, MessageReceived)
    return event


def test_the_address_is_verified(signed: WebhookMaker) -> None:
    """https://docs.slack.dev/reference/events/url_verification."""
    body = {
        "token": "Jhj5dZrVaK7ZwHHjRyZWjbDl",
        "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMm",
        "type": "url_verification",
    }

    received = read_webhook(signed(body), signing_secret=SECRET)

    assert (received.reply.status_code, received.reply.body) == (200, b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMm")
    assert dict(received.reply.headers)["content-type"] == "text/plain; charset=utf-8"
    assert received.events == ()


def test_without_a_signature_nobody_is_believed(signed: WebhookMaker) -> None:
    request = signed(callback(MESSAGE))

    for secret in ("", "another"):
        received = read_webhook(request, signing_secret=secret)
        assert (received.reply.status_code, received.events) == (401, ())


def test_an_old_request_is_refused(signed: WebhookMaker) -> None:
    old = signed(callback(MESSAGE), timestamp=int(A_TIME.timestamp()) - 301)

    assert read_webhook(old, signing_secret=SECRET).reply.status_code == 401


def test_a_direct_message(signed: WebhookMaker) -> None:
    event = only(read_webhook(signed(callback(MESSAGE)), signing_secret=SECRET))

    assert event.platform_event_id == "Ev9UQ52YNA"
    assert event.platform_message_id == "D024BE91L:1355517523.000005"
    assert event.event_time == datetime(2012, 12, 14, 20, 38, 43, 5, tzinfo=UTC)
    assert event.contact == Contact(address="D024BE91L")
    assert (event.content, event.notes) == (Text(text="Hello hello can you hear me?"), ())


def test_a_repeated_event_is_the_same_event_with_a_note(signed: WebhookMaker) -> None:
    """https://docs.slack.dev/apis/events-api/#retries."""
    retry = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}

    received = read_webhook(signed(callback(MESSAGE), headers=retry), signing_secret=SECRET)

    assert only(received).platform_event_id == "Ev9UQ52YNA"
    assert [(note.code, "http_timeout" in note.text) for note in received.notes] == [("repeated", True)]


@pytest.mark.parametrize(
    ("changes", "address", "notes"),
    [
        pytest.param({}, "D024BE91L", [], id="direct"),
        pytest.param({"thread_ts": "1355517500.000001"}, "D024BE91L", ["thread_left"], id="thread of a direct message"),
        pytest.param({"channel": "C2147483705"}, "C2147483705", ["author"], id="channel"),
        pytest.param({"channel": "G024BE91L"}, "G024BE91L", ["author"], id="private channel"),
        pytest.param(
            {"channel": "C2147483705", "thread_ts": "1355517500.000001"},
            "C2147483705:1355517500.000001",
            ["author"],
            id="thread",
        ),
        pytest.param(
            {"channel": "C2147483705", "thread_ts": "1355517500.000001", "subtype": "thread_broadcast"},
            "C2147483705:1355517500.000001",
            ["author"],
            id="thread, also to the channel",
        ),
        pytest.param({"channel": "C2147483705", "thread_ts": "x"}, "C2147483705", ["author"], id="broken thread"),
    ],
)
def test_where_the_answer_goes(signed: WebhookMaker, changes: dict[str, Any], address: str, notes: list[str]) -> None:
    event = only(read_webhook(signed(callback({**MESSAGE, **changes})), signing_secret=SECRET))

    assert (event.contact.address, [note.code for note in event.notes]) == (address, notes)


@pytest.mark.parametrize(
    ("changes", "contents"),
    [
        pytest.param({"text": "Grüße 👋\nzwei"}, [Text(text="Grüße 👋\nzwei")], id="not ASCII"),
        pytest.param({"text": "x" * 40_000}, [Text(text="x" * 40_000)], id="longest"),
        pytest.param({"subtype": "me_message", "text": "waves"}, [Text(text="waves")], id="me"),
        pytest.param(
            {"subtype": "file_share", "text": "We got one!", "files": [FILE]},
            [
                Attachment(
                    kind=MediaKind.IMAGE,
                    media_id="F0RDC39U1",
                    mime_type="image/png",
                    file_name="ghostrap.png",
                    caption="We got one!",
                    size_bytes=196920,
                )
            ],
            id="image",
        ),
        pytest.param(
            {"text": "two", "files": [{"id": "F1", "mimetype": "audio/mp4"}, {"id": "F2", "mimetype": "application/pdf"}]},
            [
                Attachment(kind=MediaKind.AUDIO, media_id="F1", mime_type="audio/mp4", caption="two"),
                Attachment(kind=MediaKind.FILE, media_id="F2", mime_type="application/pdf"),
            ],
            id="two files",
        ),
        pytest.param(
            {"text": "see", "files": [{**FILE, "mode": "external", "url_private": "https://docs.example/1"}]},
            [Text(text="see\nghostrap.png\nhttps://docs.example/1")],
            id="file that lies elsewhere",
        ),
        pytest.param({"text": "gone", "files": [{"id": "F1", "mode": "tombstone"}]}, [Text(text="gone")], id="deleted file"),
        pytest.param({"text": "x", "files": [{"id": "../auth.test"}]}, [Text(text="x")], id="file of a wrong id"),
        pytest.param(
            {"text": "", "attachments": [{"is_share": True, "text": "shared &amp; seen"}]},
            [Text(text="shared & seen")],
            id="shared message",
        ),
    ],
)  # fmt: skip
def test_what_a_message_says(signed: WebhookMaker, changes: dict[str, Any], contents: list[Content]) -> None:
    received = read_webhook(signed(callback({**MESSAGE, **changes})), signing_secret=SECRET)

    assert [event.content for event in received.events if isinstance(event, MessageReceived)] == contents


def test_each_file_is_a_message_with_an_id_of_its_own(signed: WebhookMaker) -> None:
    received = read_webhook(signed(callback({**MESSAGE, "files": [FILE, FILE]})), signing_secret=SECRET)

    assert [event.platform_event_id for event in received.events] == ["Ev9UQ52YNA", "Ev9UQ52YNA:1"]
    assert [event.platform_message_id for event in received.events] == [
        "D024BE91L:1355517523.000005",
        "D024BE91L:1355517523.000005:1",
    ]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        pytest.param({**MESSAGE, "bot_id": "B1"}, "bot_ignored", id="own message"),
        pytest.param({**MESSAGE, "subtype": "bot_message"}, "bot_ignored", id="bot of old"),
        pytest.param({**MESSAGE, "subtype": "message_changed"}, "subtype_ignored", id="edited"),
        pytest.param({**MESSAGE, "subtype": "message_deleted"}, "subtype_ignored", id="deleted"),
        pytest.param({**MESSAGE, "subtype": "channel_join"}, "subtype_ignored", id="joined"),
        pytest.param({**MESSAGE, "subtype": "something_new"}, "subtype_ignored", id="unknown subtype"),
        pytest.param({**MESSAGE, "channel": "U1"}, "not_understood", id="no conversation"),
        pytest.param({**MESSAGE, "user": None}, "not_understood", id="no author"),
        pytest.param({**MESSAGE, "ts": 1}, "not_understood", id="time is a number"),
        pytest.param({**MESSAGE, "text": ""}, "content_not_understood", id="empty"),
        pytest.param({**MESSAGE, "type": "app_mention"}, "mention_ignored", id="mention"),
        pytest.param({"type": "reaction_added"}, "event_ignored", id="reaction"),
        pytest.param({"type": "app_uninstalled"}, "app_removed", id="uninstalled"),
        pytest.param({"type": "tokens_revoked"}, "app_removed", id="revoked"),
        pytest.param(None, "event_ignored", id="no event"),
    ],
)
def test_what_is_ignored_is_noted_and_acknowledged(signed: WebhookMaker, event: object, code: str) -> None:
    received = read_webhook(signed(callback(event)), signing_secret=SECRET)

    assert (received.reply.status_code, received.events) == (200, ())
    assert [note.code for note in received.notes] == [code]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"{", 400, "not_understood", id="broken"),
        pytest.param(b"[]", 400, "not_understood", id="list"),
        pytest.param(b"\xff", 400, "not_understood", id="no UTF-8"),
        pytest.param(b"[" * 100_000, 400, "not_understood", id="deep"),
        pytest.param(b"{}", 200, "event_ignored", id="empty"),
        pytest.param(b'{"type":"view_submission"}', 200, "event_ignored", id="unknown"),
        pytest.param(b'{"type":"app_rate_limited"}', 200, "events_withheld", id="withheld"),
    ],
)
def test_other_bodies(signed: WebhookMaker, body: bytes, status: int, code: str) -> None:
    received = read_webhook(signed(body), signing_secret=SECRET)

    assert (received.reply.status_code, received.events) == (status, ())
    assert [note.code for note in received.notes] == [code]


# https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
TAP: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U01AZ88AQQ4", "username": "ada", "name": "ada", "team_id": "T01B5M3VC1X"},
    "container": {"type": "message", "message_ts": "1600857119.015400", "channel_id": "D01ACC2E8S3"},
    "trigger_id": "1388105719492.1379717998065.9bc163894734c1f415a2c504e81dec91",
    "channel": {"id": "D01ACC2E8S3", "name": "directmessage"},
    "message": {"bot_id": "B01AQ1SN737", "type": "message", "ts": "1600857119.015400"},
    "actions": [
        {
            "type": "button",
            "action_id": "quick_reply:1",
            "block_id": "=qXel",
            "text": {"type": "plain_text", "text": "No &amp; never"},
            "value": "No & never",
            "action_ts": "1600857125.017900",
        }
    ],
}


def test_a_tap_is_a_text(signed: WebhookMaker) -> None:
    received = read_webhook(signed(TAP, is_form=True), signing_secret=SECRET)
    event = only(received)

    assert (received.reply.status_code, received.reply.body) == (200, b"")
    assert event.content == Text(text="No & never")
    assert event.contact == Contact(address="D01ACC2E8S3", first_name="ada")
    assert event.event_time == datetime(2020, 9, 23, 10, 32, 5, 17900, tzinfo=UTC)
    assert "1600857125.017900" in event.platform_event_id


def test_a_tap_in_a_thread_is_of_that_thread(signed: WebhookMaker) -> None:
    container = {"type": "message", "message_ts": "1600857119.015400", "channel_id": "C01ACC2E8S3"}
    message = {"ts": "1600857119.015400", "thread_ts": "1600857000.000100"}

    event = only(
        read_webhook(signed({**TAP, "container": container, "message": message}, is_form=True), signing_secret=SECRET)
    )

    assert event.contact == Contact(address="C01ACC2E8S3:1600857000.000100")
    assert [note.code for note in event.notes] == ["author"]


def test_taps_at_other_times_are_other_events(signed: WebhookMaker) -> None:
    again = {**TAP, "actions": [{**TAP["actions"][0], "action_ts": "1600857126.000000"}]}
    first, repeated, second = (
        only(read_webhook(signed(tap, is_form=True), signing_secret=SECRET)) for tap in (TAP, TAP, again)
    )

    assert first.platform_event_id == repeated.platform_event_id != second.platform_event_id


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"actions": []}, "action_ignored", id="no action"),
        pytest.param(
            {"actions": [{"type": "static_select", "value": "x", "action_ts": "1.0"}]}, "action_ignored", id="menu"
        ),
        pytest.param({"container": {"type": "view"}, "channel": None}, "not_understood", id="in a modal"),
        pytest.param({"user": None}, "not_understood", id="nobody"),
    ],
)
def test_another_action_is_ignored(signed: WebhookMaker, changes: dict[str, Any], code: str) -> None:
    received = read_webhook(signed({**TAP, **changes}, is_form=True), signing_secret=SECRET)

    assert (received.reply.status_code, received.events) == (200, ())
    assert [note.code for note in received.notes] == [code]


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=%7B", b"payload=\xff", b"&".join([b"a=1"] * 100)])
def test_a_form_that_is_none_is_refused(signed: WebhookMaker, body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    assert read_webhook(signed(body, headers=form), signing_secret=SECRET).reply.status_code == 400


# https://docs.slack.dev/messaging/formatting-message-text
@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt;", "&lt;"),
        ("<https://example.com>", "https://example.com"),
        ("<https://example.com/?a=1&amp;b=2>", "https://example.com/?a=1&b=2"),
        ("<http://example.com|example.com>", "http://example.com"),
        ("<https://example.com|our page>", "our page (https://example.com)"),
        ("<mailto:a@example.com|a@example.com>", "a@example.com"),
        ("<tel:+4930123|+4930123>", "+4930123"),
        ("hi <@U012AB3CD> and <@U1|ada>", "hi @U012AB3CD and @ada"),
        ("in <#C123ABC456|general>", "in #general"),
        ("<!here> <!subteam^SAZ94GDB8|@admins>", "@here @admins"),
        ("<!date^1392734382^{date}|18 February 2014>", "18 February 2014"),
        ("*bold* _it_ 1 < 2", "*bold* _it_ 1 < 2"),
    ],
)
def test_markup_is_spelled_out(markup: str, text: str) -> None:
    assert read_markup(markup) == text


@given(st.text(max_size=100))
def test_what_is_escaped_reads_as_it_was(text: str) -> None:
    assert read_markup(escape(text)) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_message_makes_it_raise(data: st.DataObject) -> None:
    names = [*MESSAGE, "subtype", "files", "attachments", "thread_ts"]
    broken = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=4))

    read_contents(Fields({**MESSAGE, **broken}))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_webhook_makes_it_raise(signed: WebhookMaker, data: st.DataObject) -> None:
    is_form = data.draw(st.booleans())
    base: dict[str, Any] = TAP if is_form else callback(MESSAGE)
    broken = data.draw(st.dictionaries(st.sampled_from([*base]), JSON, max_size=3))
    inner = data.draw(st.dictionaries(st.sampled_from([*MESSAGE, "subtype", "files"]), JSON, max_size=3))
    whole = {**base, **({} if is_form else {"event": {**MESSAGE, **inner}}), **broken}

    received = read_webhook(signed(whole, is_form=is_form), signing_secret=SECRET)

    assert received.reply.status_code == 200
    assert all(event.event_time.tzinfo is not None for event in received.events)
