"""How a part becomes an SMS: a part in, the JSON of the request out, and what the answer says about it.

https://developers.clicksend.com/docs/messaging/sms#other/send-sms
"""

from typing import Any

from anychannel import ContentUnsupported, DeliveryFailed, Part, PlatformUnavailable, Text
from providers.clicksend import failures


def send_request(part: Part, sender: str) -> dict[str, object]:
    """The body of `POST /v3/sms/send`. `sender` is a number or a name; empty leaves the choice to the account.

    ClickSend knows no idempotency key, so a part tried again after a lost answer may arrive twice. Ours goes along as
    custom_string, which the account's history shows and every receipt repeats.
    """
    if not isinstance(part.content, Text):
        raise ContentUnsupported("An SMS is text only.")
    message = {
        "to": part.address,
        "body": part.content.text,
        "source": "anychannel",
        "custom_string": part.idempotency_key,
    }
    return {"messages": [message | {"from": sender} if sender else message]}


def read_message_id(answer: Any) -> str:
    """ClickSend's id of the message we sent. Raises DeliveryFailed when it was refused.

    The answer is 200 whatever became of the message; its own status tells, and only SUCCESS means it was taken.
    """
    match answer:
        case {"data": {"messages": [{"status": "SUCCESS", "message_id": str(message_id)}, *_]}} if message_id:
            return message_id
        case {"data": {"messages": [{"status": str(status)}, *_]}} if status != "SUCCESS":
            raise DeliveryFailed(failures.refusal(status))
        case {"response_code": str(code)} if code != "SUCCESS":
            raise DeliveryFailed(failures.refusal(code))
        case _:
            raise PlatformUnavailable("ClickSend's answer cannot be read.")
