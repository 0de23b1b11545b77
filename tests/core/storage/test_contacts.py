import asyncio
from datetime import timedelta

import pytest

from anychannel.events import Contact
from core.storage.accept import accept
from core.storage.contacts import addresses_of, merged
from core.storage.database import Pool
from core.storage.encoding import contact_of
from tests.core.storage.engine import INBOX, NOW, accept_one, claims_at, inbound, outbound

ADA = Contact(address="+49", first_name="Ada", last_name="Example", phone="+49", picture_url="https://a.example/a.png")


@pytest.mark.parametrize(
    ("known", "said", "expected"),
    [
        pytest.param(None, ADA, ADA, id="nothing was known"),
        pytest.param(ADA, Contact(address="+49"), ADA, id="nothing was said"),
        pytest.param(
            Contact(address="+49", email="a@example.org"),
            Contact(address="+49", language="de", country_code="DE"),
            Contact(address="+49", email="a@example.org", language="de", country_code="DE"),
            id="both know something",
        ),
        pytest.param(
            Contact(address="+49", first_name="Ada", last_name="Example"),
            Contact(address="+49", first_name="Grace"),
            Contact(address="+49", first_name="Grace"),
            id="another first name is another name",
        ),
        pytest.param(
            Contact(address="+49", first_name="Ada"),
            Contact(address="+49", last_name="Lovelace"),
            Contact(address="+49", first_name="Ada", last_name="Lovelace"),
            id="a last name is added",
        ),
    ],
)
def test_what_is_not_said_erases_nothing(known: Contact | None, said: Contact, expected: Contact) -> None:
    assert merged(known, said) == expected


async def kept(pool: Pool) -> Contact:
    return contact_of(await pool.fetchval("SELECT profile FROM contacts"))


async def test_a_contact_is_merged_over_messages_of_one_batch_and_of_later_ones(shop: Pool) -> None:
    await accept(
        shop,
        [
            inbound(contact=Contact(address="+49", first_name="Ada")),
            inbound(contact=Contact(address="+49", phone="+49")),
        ],
    )
    await accept_one(shop, inbound(contact=Contact(address="+49", language="de")))
    await accept_one(shop, outbound())

    assert await kept(shop) == Contact(address="+49", first_name="Ada", phone="+49", language="de")


async def test_what_two_transactions_say_at_once_is_both_kept(shop: Pool) -> None:
    said = [
        Contact(address="+49", first_name="Ada"),
        Contact(address="+49", email="a@x.y"),
        Contact(address="+49", language="de"),
    ]
    await asyncio.gather(*(accept_one(shop, inbound(contact=contact)) for contact in said))

    assert await kept(shop) == Contact(address="+49", first_name="Ada", email="a@x.y", language="de")


async def test_the_last_inbound_time_never_goes_back(shop: Pool) -> None:
    later = NOW + timedelta(minutes=1)
    contact = Contact(address="+49")
    await accept(shop, [inbound(contact=contact, event_time=later), inbound(contact=contact, event_time=NOW)])
    await accept_one(shop, inbound(contact=contact, event_time=NOW))

    assert await shop.fetchval("SELECT last_inbound_time FROM contacts") == later


async def test_a_number_written_with_and_without_its_plus_is_one_contact(shop: Pool) -> None:
    await accept_one(shop, outbound("+49", contact_id="+49"))
    await accept_one(shop, inbound("49", contact_id="+49", contact=Contact(address="49", first_name="Ada")))

    assert await shop.fetchval("SELECT count(*) FROM contacts") == 1
    (told,) = await claims_at(shop, hints=[INBOX])
    assert told.contact is not None
    assert told.contact.first_name == "Ada"


async def test_a_contact_id_leads_back_to_its_address(shop: Pool) -> None:
    await accept_one(shop, outbound("49151", contact_id="+49151"))

    asked = [("shop", "+49151"), ("shop", "+1"), ("other", "+49151")]
    assert await addresses_of(shop, asked) == {("shop", "+49151"): "49151"}
