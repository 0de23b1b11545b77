"""Core is asked once a second, however often edge is probed."""

import asyncio

from edge.readiness import Readiness


class Probe:
    def __init__(self) -> None:
        self.now = 100.0
        self.serves = True
        self.asked = 0
        self.readiness = Readiness(self.ask, now=lambda: self.now)

    async def ask(self) -> bool:
        self.asked += 1
        await asyncio.sleep(0)
        return self.serves


async def test_remembers_the_answer_for_a_second() -> None:
    probe = Probe()
    assert await asyncio.gather(*(probe.readiness.is_ready() for _ in range(5))) == [True] * 5
    probe.serves = False
    probe.now += 0.99
    assert await probe.readiness.is_ready()
    assert probe.asked == 1
    probe.now += 0.01
    assert not await probe.readiness.is_ready()
    assert probe.asked == 2


async def test_is_not_ready_while_draining_and_asks_nobody() -> None:
    probe = Probe()
    probe.readiness.is_draining = True
    assert not await probe.readiness.is_ready()
    assert probe.asked == 0


async def test_an_answer_that_comes_after_the_signal_to_stop_does_not_count() -> None:
    probe = Probe()
    asking = asyncio.create_task(probe.readiness.is_ready())
    await asyncio.sleep(0)
    probe.readiness.is_draining = True
    assert not await asking
