from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from anychannel.provider import ChannelSettings
from core.channels import ChannelConfig
from core.inboxes.binding import IdType, InboxBinding, ReplyMode, StatusShape
from core.secrets import Keyring
from core.storage.channels import (
    ChannelExists,
    ChannelNotFound,
    DeliveriesWait,
    change_channel,
    delete_channel,
    get_channel,
    insert_channel,
    list_channels,
)
from core.storage.database import Pool

ConfigOf = Callable[..., ChannelConfig]


async def test_a_channel_comes_back_as_it_was_kept(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> None:
    config = config_of(
        "shop",
        inbox=InboxBinding(
            webhook_url="https://inbox.example/x/",
            inbox_channel_id="9",
            id_type=IdType.PHONE,
            status_shape=StatusShape.FLAT,
        ),
        inbox_previous_token="before",
        reply=ReplyMode.OUTCOME,
        reply_timeout=timedelta(seconds=2.5),
        platform_rate=0.5,
        inbox_rate=7,
        expire_after=timedelta(minutes=3),
        paused=True,
    )

    stored = await insert_channel(pool, keyring, config)

    assert stored == replace(
        config, revision=stored.revision, create_time=stored.create_time, update_time=stored.update_time
    )
    assert stored.revision > 0
    assert await get_channel(pool, keyring, "shop") == stored
    rates = await pool.fetch("SELECT lane, rate FROM lanes WHERE channel_id = 'shop' ORDER BY lane")
    assert [tuple(row) for row in rates] == [(1, 0.5), (2, 7)]


async def test_secrets_are_not_readable_in_the_database(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> None:
    await insert_channel(pool, keyring, config_of("shop", inbox_previous_token="before-token"))

    row = bytes(await pool.fetchval("SELECT convert_to(c::text || encode(sealed, 'escape'), 'UTF8') FROM channels c"))

    assert b"eu" in row
    for secret in (b"bot-secret", b"inbox-token-shop", b"before-token", b"webhook-token-shop"):
        assert secret not in row


async def test_an_id_is_taken_once(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> None:
    await insert_channel(pool, keyring, config_of("shop"))
    with pytest.raises(ChannelExists):
        await insert_channel(pool, keyring, config_of("shop"))


async def test_a_change_is_kept_with_another_revision_and_a_new_pace(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    before = await insert_channel(pool, keyring, config_of("shop"))
    await pool.execute("UPDATE lanes SET slot_time = now() + interval '1 hour' WHERE lane = 1")

    after = await change_channel(
        pool,
        keyring,
        "shop",
        lambda config: replace(config, settings=ChannelSettings({"bot_token": "new"}), platform_rate=50.0),
    )

    assert after.settings["bot_token"] == "new"
    assert after.revision > before.revision
    lanes = await pool.fetch("SELECT rate, slot_time <= now() + interval '1 second' AS soon FROM lanes WHERE lane = 1")
    assert [tuple(lane) for lane in lanes] == [(50.0, True)]


@pytest.mark.parametrize(
    ("probes", "are_open"),
    [
        pytest.param(3, [True, True], id="down-looks-now"),
        pytest.param(0, [False, False], id="asked-to-wait-waits"),
    ],
)
async def test_mending_a_channel_wakes_a_lane_that_probes(
    pool: Pool, keyring: Keyring, config_of: ConfigOf, probes: int, are_open: list[bool]
) -> None:
    await insert_channel(pool, keyring, config_of("shop"))
    await pool.execute(f"UPDATE lanes SET probes = {probes}, paused_until = now() + interval '1 hour'")

    await change_channel(pool, keyring, "shop", lambda config: replace(config, display_name="Mended"))

    lanes = await pool.fetch("SELECT paused_until <= now() AND wake_time <= now() AS is_open FROM lanes")
    assert [lane["is_open"] for lane in lanes] == are_open


async def test_a_refused_change_changes_nothing(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> None:
    before = await insert_channel(pool, keyring, config_of("shop"))

    def refuse(_: object) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await change_channel(pool, keyring, "shop", refuse)  # type: ignore[arg-type]  # it raises
    assert await get_channel(pool, keyring, "shop") == before


async def test_channels_come_in_pages_by_id(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> None:
    for channel_id in ("c", "a", "d", "b"):
        await insert_channel(pool, keyring, config_of(channel_id))

    async def ids(**page: object) -> list[str]:
        configs = await list_channels(pool, keyring, **page)  # type: ignore[arg-type]  # a table of pages
        return [config.channel_id for config in configs]

    assert await ids(after="", limit=3) == ["a", "b", "c"]
    assert await ids(after="c", limit=3) == ["d"]
    assert await ids(after="", limit=3, only=["b", "d", "gone"]) == ["b", "d"]


async def test_a_channel_with_waiting_deliveries_goes_only_by_force(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    await insert_channel(pool, keyring, config_of("shop"))
    await pool.execute(
        "INSERT INTO deliveries (channel_id, lane, priority, address, message_id, kind, expire_time) "
        "VALUES ('shop', 1, 0, '+49', 'msg_1', 0, now())"
    )

    with pytest.raises(DeliveriesWait):
        await delete_channel(pool, "shop", force=False)
    await delete_channel(pool, "shop", force=True)

    with pytest.raises(ChannelNotFound):
        await delete_channel(pool, "shop", force=True)
    assert await pool.fetchval("SELECT count(*) FROM deliveries") == 0


async def test_a_channel_whose_key_is_gone_is_shown_without_its_secrets(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    await insert_channel(pool, keyring, config_of("shop"))

    config = await get_channel(pool, Keyring({"k2": bytes(32)}), "shop")

    assert "put that key back" in config.problem
    assert dict(config.settings) == {"region": "eu"}
    assert not config.accepts_inbox_token("")
    assert not config.accepts_webhook_token("")
