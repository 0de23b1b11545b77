"""The phone network's own rules: what its API takes, what its phones write, and how it says no."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field

from sandbox.requests import BadRequest, validate

MAX_TEXT_UNITS = 1000
MAX_CAPTION_UNITS = 500
MAX_PERSON_TEXT_UNITS = 10_000
MAX_BUTTONS = 3
MAX_BUTTON_LENGTH = 20
MAX_KEY_LENGTH = 200

_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")


def utf16_units(text: str) -> int:
    """The length the network counts: a character outside the basic plane is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_number(text: object) -> bool:
    """Whether this is a phone number in E.164 form."""
    return isinstance(text, str) and _NUMBER.fullmatch(text) is not None


def _at_most(units: int) -> AfterValidator:
    def check(text: str) -> str:
        if not 0 < utf16_units(text) <= units:
            raise ValueError(f"must be 1 to {units} UTF-16 units long, not {utf16_units(text)}")
        return text

    return AfterValidator(check)


def _check_url(url: str) -> str:
    AnyHttpUrl(url)  # kept as it was written: a signed link does not survive being tidied up
    return url


Url = Annotated[str, AfterValidator(_check_url)]
Filled = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Text(_Strict):
    """Plain text."""

    type: Literal["text"]
    text: Annotated[str, _at_most(MAX_TEXT_UNITS)]


class PersonText(_Strict):
    """What a person writes may be longer than what businesses may send."""

    type: Literal["text"]
    text: Annotated[str, _at_most(MAX_PERSON_TEXT_UNITS)]


class Media(_Strict):
    """A file behind a link."""

    type: Literal["media"]
    kind: Literal["image", "video", "audio", "file"]
    url: Url
    mime_type: Filled | None = None
    file_name: Filled | None = None
    caption: Annotated[str, _at_most(MAX_CAPTION_UNITS)] | None = None


class Location(_Strict):
    """A place, in degrees."""

    type: Literal["location"]
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    name: Filled | None = None
    address: Filled | None = None


class Buttons(_Strict):
    """A question with answers to tap."""

    type: Literal["buttons"]
    text: Annotated[str, _at_most(MAX_TEXT_UNITS)]
    buttons: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_BUTTON_LENGTH)]],
        Field(min_length=1, max_length=MAX_BUTTONS),
    ]


class Button(_Strict):
    """A person tapped a button of a message."""

    type: Literal["button"]
    text: Filled
    button_of: Filled


class PlatformMessage(_Strict):
    """The body of POST /platform/v1/messages, but for the message in it."""

    to: str
    idempotency_key: Annotated[str, Field(min_length=1, max_length=MAX_KEY_LENGTH)]
    message: dict[str, Any]


class Webhook(_Strict):
    """The body of PUT /platform/v1/webhook."""

    url: Url


Models = dict[str, type[BaseModel]]
BUSINESS_MESSAGES: Models = {"text": Text, "media": Media, "location": Location, "buttons": Buttons}
PERSON_MESSAGES: Models = {"text": PersonText, "media": Media, "location": Location, "button": Button}
ECHO_MESSAGES: Models = {"text": PersonText, "media": Media, "location": Location}


class PlatformError(Exception):
    """The network says no."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


def check_message(message: object, models: Models) -> dict[str, Any]:
    """The message as it is stored and posted: checked, and without fields that say nothing.

    Raises:
        BadRequest: Naming the first field that breaks a rule.
    """
    if not isinstance(message, dict):
        raise BadRequest("message", "must be an object")
    model = models.get(kind) if isinstance(kind := message.get("type"), str) else None
    if model is None:
        raise BadRequest("message.type", f"must be one of {', '.join(models)}")
    return validate(model, message, "message").model_dump(exclude_none=True)
