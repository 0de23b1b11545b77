import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from anychannel._batcher import Batcher, Overloaded, Unanswered


class Work:
    """A hop that can be held up, and remembers what went out together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.open = 0
        self.three_are_open = asyncio.Event()
        self.most_open = 0

    async def __call__(self, items: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
        self.batches.append(list(items))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        if self.open == 3:
            self.three_are_open.set()
        try:
            await self.go_on.wait()
            for index, item in enumerate(items):
                yield index, item * 10
        finally:
            self.open -= 1


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_item_alone_goes_out_at_once() -> None:
    work = Work()
    assert await Batcher(work)(1) == 10
    assert work.batches == [[1]]


async def test_what_comes_in_the_same_turn_goes_out_together_in_order() -> None:
    work = Work()
    batcher = Batcher(work)
    assert await asyncio.gather(*map(batcher, range(5))) == [0, 10, 20, 30, 40]
    assert work.batches == [[0, 1, 2, 3, 4]]


async def test_what_comes_while_calls_are_open_gathers() -> None:
    work = Work()
    work.go_on.clear()
    batcher = Batcher(work, max_in_flight=1, max_calls=1)
    first = asyncio.create_task(batcher(0))
    await settle()
    rest = [asyncio.create_task(batcher(n)) for n in range(1, 8)]
    await settle()
    assert work.batches == [[0]]
    assert batcher.waiting == 7

    work.go_on.set()

    assert await asyncio.gather(first, *rest) == [n * 10 for n in range(8)]
    assert work.batches == [[0], [1, 2, 3, 4, 5, 6, 7]]


async def test_no_batch_is_larger_than_allowed() -> None:
    work = Work()
    await asyncio.gather(*map(Batcher(work, max_batch=3), range(8)))
    assert [len(batch) for batch in work.batches] == [3, 3, 2]


async def test_never_more_calls_are_open_than_allowed() -> None:
    work = Work()
    work.go_on.clear()
    batcher = Batcher(work, max_batch=1, max_in_flight=2, max_calls=3, linger=0)
    tasks = [asyncio.create_task(batcher(n)) for n in range(10)]
    async with asyncio.timeout(5):
        await work.three_are_open.wait()
    await settle()
    assert work.most_open == 3

    work.go_on.set()

    assert await asyncio.gather(*tasks) == [n * 10 for n in range(10)]
    assert work.most_open == 3


async def test_a_few_slow_calls_hold_up_nobody() -> None:
    hung = asyncio.Event()

    async def hangs_on_zero(items: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
        if 0 in items:
            await hung.wait()
        for index, item in enumerate(items):
            yield index, item

    batcher = Batcher(hangs_on_zero, max_in_flight=1, max_calls=2, linger=0.001)
    slow = asyncio.create_task(batcher(0))
    await settle()
    async with asyncio.timeout(5):
        assert await batcher(1) == 1
    hung.set()
    assert await slow == 0


async def test_a_result_is_known_before_the_call_ends() -> None:
    last = asyncio.Event()

    async def one_by_one(items: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
        for index in reversed(range(len(items))):
            yield index, items[index]
        await last.wait()

    async with asyncio.timeout(5):
        assert await asyncio.gather(*map(Batcher(one_by_one), range(3))) == [0, 1, 2]
    last.set()


async def test_a_call_that_breaks_fails_those_without_a_result() -> None:
    async def breaks(items: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
        yield 0, items[0]
        raise ZeroDivisionError

    results = await asyncio.gather(*map(Batcher(breaks), range(3)), return_exceptions=True)
    assert results[0] == 0
    assert [type(result) for result in results[1:]] == [ZeroDivisionError, ZeroDivisionError]


async def test_an_item_left_out_is_unanswered() -> None:
    async def answers_the_second(items: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
        yield 1, items[1]

    first, second = await asyncio.gather(*map(Batcher(answers_the_second), range(2)), return_exceptions=True)
    assert isinstance(first, Unanswered)
    assert second == 1


async def test_a_caller_that_gave_up_is_left_out_and_harms_nobody() -> None:
    work = Work()
    work.go_on.clear()
    batcher = Batcher(work, max_in_flight=1, max_calls=1)
    first = asyncio.create_task(batcher(0))
    await settle()
    second, third = asyncio.create_task(batcher(1)), asyncio.create_task(batcher(2))
    await settle()
    first.cancel()
    second.cancel()
    await settle()

    work.go_on.set()

    assert await third == 20
    assert work.batches == [[0], [2]]


async def test_too_many_that_wait_are_refused() -> None:
    work = Work()
    work.go_on.clear()
    batcher = Batcher(work, max_in_flight=1, max_calls=1, max_waiting=2)
    tasks = [asyncio.create_task(batcher(0))]
    await settle()
    tasks += [asyncio.create_task(batcher(n)) for n in (1, 2)]
    await settle()
    with pytest.raises(Overloaded):
        await batcher(3)

    work.go_on.set()

    assert await asyncio.gather(*tasks) == [0, 10, 20]
    assert await batcher(4) == 40


async def test_closing_waits_for_what_was_handed_over() -> None:
    work = Work()
    work.go_on.clear()
    batcher = Batcher(work, max_in_flight=1, max_calls=1)
    tasks = [asyncio.create_task(batcher(n)) for n in range(3)]
    await settle()
    closing = asyncio.create_task(batcher.aclose())
    await settle()
    assert not closing.done()

    work.go_on.set()
    await closing

    assert [task.done() for task in tasks] == [True] * 3


@pytest.mark.parametrize("error", [ValueError("no"), Overloaded("full")])
async def test_after_a_broken_call_the_next_one_works(error: Exception) -> None:
    calls = 0

    async def breaks_once(items: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise error
        for index, item in enumerate(items):
            yield index, item

    batcher = Batcher(breaks_once)
    with pytest.raises(type(error)):
        await batcher(1)
    assert await batcher(2) == 2


def test_a_batcher_needs_no_running_loop_to_be_made() -> None:
    make: Callable[[], Batcher[int, int]] = lambda: Batcher(Work())  # noqa: E731  # made where no loop runs
    assert make().waiting == 0
