from anychannel.message import Lane
from core.lanes.pauses import Pauses
from core.lanes.records import LaneKey

SHOP, OTHER = LaneKey("shop", Lane.PLATFORM), LaneKey("other", Lane.PLATFORM)


def test_what_was_claimed_before_the_pause_is_held_back_and_what_comes_later_is_not() -> None:
    pauses = Pauses()
    pauses.begin(SHOP)
    assert pauses.came_after(SHOP, 5.0)
    assert pauses.came_after(SHOP, 6.0)  # claimed before the database knew, for all we know

    pauses.store(SHOP, 6.5)

    assert pauses.came_after(SHOP, 6.0)
    assert not pauses.came_after(SHOP, 7.0)


def test_a_pause_is_of_one_lane() -> None:
    pauses = Pauses()
    pauses.begin(SHOP)
    assert not pauses.came_after(OTHER, 5.0)
    assert not pauses.came_after(LaneKey("shop", Lane.INBOX), 5.0)


def test_a_pause_is_forgotten_when_nothing_of_the_lane_is_under_way() -> None:
    pauses = Pauses()
    pauses.begin(SHOP)
    pauses.forget(SHOP)
    pauses.forget(SHOP)
    assert not pauses.came_after(SHOP, 5.0)
