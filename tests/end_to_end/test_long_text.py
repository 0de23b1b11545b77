"""A text that is too long for one message on the phone."""

import pytest
import regex

from anychannel.testing import Answer, RecordedRequest, ScriptedPlatform
from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.shop import Json, Shop, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAMILY, FLAGS, MARKS = "👩‍👩‍👧‍👦", "🇩🇪🇫🇷🇿🇦", "e\u0301o\u0308\u0323"
PARAGRAPHS = "\n".join(
    f"{n}. {FAMILY * 3} {FLAGS}{FLAGS} {MARKS * 4} and some words, as people write." for n in range(90)
)
UNBROKEN = (FAMILY + FLAGS + MARKS) * 300
MAX_UNITS = 1000


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("text", [PARAGRAPHS[:5_000], UNBROKEN[:5_000]], ids=["paragraphs", "without a space"])
async def test_it_arrives_in_parts_that_are_the_text_again_and_tear_no_character(shop: Shop, text: str) -> None:
    bubble = await shop.send(text)

    await shop.reached(bubble["mId"], "delivered")
    parts = texts(await shop.shown(1))
    assert "".join(parts) == text
    assert len(parts) > 5
    assert max(map(units, parts)) <= MAX_UNITS
    ends = {match.end() for match in regex.finditer(r"\X", text)}
    assert {sum(map(len, parts[: count + 1])) for count in range(len(parts))} <= ends


async def test_after_a_failure_in_the_middle_it_goes_on_with_the_unsent_part(shops: OpenShop) -> None:
    text = UNBROKEN[:5_000]
    stumbles = 0

    def answer(request: RecordedRequest) -> Answer:
        nonlocal stumbles
        if request.json["idempotency_key"].endswith(".2") and not stumbles:
            stumbles += 1
            return Answer(status=503, json={"error": {"code": "network_down", "message": "Down."}})
        return Answer(json={"id": request.json["idempotency_key"]})

    async with ScriptedPlatform(answer) as phones, shops(api_base=phones.url) as shop:
        answered = await shop.post(shop.text(text))
        story = await shop.gateway.message(answered.json["mId"])
        await shop.settled()
        bodies = [request.json for request in phones.requests]
        story = await shop.gateway.message(answered.json["mId"])

    numbers = [int(body["idempotency_key"].rpartition(".")[2]) for body in bodies]
    assert numbers == [0, 1, 2, *range(2, len(story.parts))]
    assert story.message.status == "sent"
    said = {body["idempotency_key"]: _text(body) for body in bodies}
    assert "".join(said.values()) == text
    assert [attempt.subject for attempt in story.attempts if attempt.failure] == ["part 2"]


def _text(body: Json) -> str:
    text: str = body["message"]["text"]
    return text
