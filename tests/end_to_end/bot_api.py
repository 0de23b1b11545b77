"""Telegram's Bot API as far as the stories need it, and a shop behind a bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anychannel.channel import IdType
from anychannel.testing import Answer, RecordedRequest
from tests.end_to_end.opening import open_shop
from tests.end_to_end.product import Product
from tests.end_to_end.shop import Json, Shop

TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"  # https://core.telegram.org/bots/api#authorizing-your-bot
SECRET = "secret-token-SECRET-of-the-channel"
SENDER: Json = {
    "last_name": "Test Lastname",
    "type": "private",
    "id": 1111111,
    "first_name": "Test Firstname",
    "username": "Testusername",
    "language_code": "de",
}


def update(update_id: int = 10_000, *, message: Json) -> Json:
    """An update with a message of the sample's sender."""
    chat = {name: value for name, value in SENDER.items() if name != "language_code"}
    common = {"date": 1441645532, "chat": chat, "message_id": update_id, "from": SENDER}
    return {"update_id": update_id, "message": {**common, **message}}


class BotApi:
    """Takes every send; has the updates it is given, until they are confirmed; its files hold their own names."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[tuple[str, Any]] = []
        """Sends tried, each with its parameters."""
        self.times: list[float] = []
        """When they came, in seconds."""
        self.refusals: list[Answer] = []
        """What the next sends are answered."""
        self.refused = asyncio.Event()
        self.file_refusal: Answer | None = None
        """What every getFile is answered."""
        self.offsets: list[int] = []
        """Of every getUpdates."""
        self._updates: list[Json] = []
        self._news = asyncio.Event()

    def happen(self, *updates: Json) -> None:
        """People write."""
        self._updates.extend(updates)
        self._news.set()
        self._news = asyncio.Event()

    def bytes_of(self, fields: Json) -> bytes:
        """The bytes of the media in a message."""
        (media,) = fields.values()
        return self._file(media[-1]["file_id"] if isinstance(media, list) else media["file_id"])

    def answer(self, request: RecordedRequest) -> Answer:
        """https://core.telegram.org/bots/api#making-requests."""
        api, _, method = request.path.rpartition("/")
        if request.path.startswith(f"/file/bot{TOKEN}/"):
            return Answer(body=self._file(request.path.removeprefix(f"/file/bot{TOKEN}/")))
        if api != f"/bot{TOKEN}":
            return Answer(status=404, json={"ok": False, "error_code": 404, "description": "Not Found"})
        match method:
            case "getUpdates":
                return self._get_updates(request.json["offset"])
            case "getFile":
                return self.file_refusal or self._get_file(request.json["file_id"])
            case "answerCallbackQuery":
                return _done(result=True)
            case _:
                return self._send(method, request.json)

    def _get_file(self, file_id: str) -> Answer:
        return _done({"file_id": file_id, "file_size": len(self._file(file_id)), "file_path": file_id})

    def _send(self, method: str, parameters: Json) -> Answer:
        self.calls.append((method, parameters))
        self.times.append(asyncio.get_running_loop().time())
        if self.refusals:
            self.refused.set()
            return self.refusals.pop(0)
        chat = {"id": parameters["chat_id"], "type": "private"}
        return _done({"message_id": len(self.calls), "date": 1441645532, "chat": chat})

    def _get_updates(self, offset: int) -> Answer:
        self.offsets.append(offset)
        self._updates = [it for it in self._updates if it["update_id"] >= offset]
        return _done(list(self._updates)) if self._updates else _done([], wait_for=self._news)

    def _file(self, file_id: str) -> bytes:
        return f"bytes of {file_id}".encode() * 1000


def _done(result: object, *, wait_for: asyncio.Event | None = None) -> Answer:
    return Answer(json={"ok": True, "result": result}, wait_for=wait_for)


@asynccontextmanager
async def telegram_shop(
    product: Product, bot_api: BotApi, *, mode: str = "webhook", platform: str = "telegram"
) -> AsyncIterator[Shop]:
    """A channel of a bot; its inbox has ids of its own."""
    settings = {"bot_token": TOKEN, "secret_token": SECRET, "mode": mode, "api_base": bot_api.url}
    async with open_shop(
        product,
        platform=platform,
        settings=settings,
        sandbox={"id_type": "custom"},
        inbox={"id_type": IdType.CUSTOM},
    ) as shop:
        yield shop
