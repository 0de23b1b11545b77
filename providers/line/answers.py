"""Reads what LINE answers to a call."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from anychannel import DeliveryFailed, Note, PlatformUnavailable, Sent
from providers.line.failures import read_failure
from providers.line.fields import Fields

_REPEATED: Final = Note(code="already_accepted", text="LINE had taken this at an earlier attempt and sent it once.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of LINE's, whatever it says."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def read_push(answer: Answer, notes: tuple[Note, ...]) -> Sent:
    """What became of a push. Raises DeliveryFailed.

    https://developers.line.biz/en/reference/messaging-api/#retry-api-request-response: 409 with the id of the request that
    LINE took before, and what that one sent.
    """
    first_request = answer.headers.get("x-line-accepted-request-id", "")
    is_repeated = answer.status == HTTPStatus.CONFLICT and bool(first_request)
    if answer.status != HTTPStatus.OK and not is_repeated:
        raise DeliveryFailed(read_failure(status=answer.status, headers=answer.headers, body=answer.body))
    fields = Fields.parse(answer.body) or Fields(None)
    sent = next((message.text("id") for message in fields.objects("sentMessages") if message.text("id")), "")
    if is_repeated:
        return Sent(platform_message_id=(sent or f"request:{first_request}")[:200], notes=(*notes, _REPEATED))
    if not sent:
        # Another attempt sends nothing twice: it is answered 409, with the id.
        raise PlatformUnavailable("LINE's answer could not be read.")
    return Sent(platform_message_id=sent, notes=notes)


def read_object(answer: Answer) -> Fields:
    """The object that a call was answered with. Raises DeliveryFailed."""
    fields = Fields.parse(answer.body)
    if answer.status != HTTPStatus.OK or fields is None:
        raise DeliveryFailed(read_failure(status=answer.status, headers=answer.headers, body=answer.body))
    return fields
