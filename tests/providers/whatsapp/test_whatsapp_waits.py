"""How long to wait: https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.whatsapp.waits import asked_wait

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
USAGE = "x-business-use-case-usage"


def usage(*minutes: object) -> str:
    limits = [{"type": "whatsapp", "call_count": 100, "estimated_time_to_regain_access": each} for each in minutes]
    return json.dumps({"102290129340398": limits})


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({}, None, id="not said"),
        pytest.param({"retry-after": "34"}, timedelta(seconds=34), id="seconds"),
        pytest.param({"retry-after": "Fri, 02 Jan 2026 03:05:05 GMT"}, timedelta(minutes=1), id="date"),
        pytest.param({"retry-after": "Fri, 02 Jan 2026 03:05:05"}, timedelta(minutes=1), id="date without zone"),
        pytest.param({"retry-after": "Fri, 02 Jan 2026 03:00:00 GMT"}, None, id="date that has passed"),
        pytest.param({"retry-after": "0"}, None, id="at once"),
        pytest.param({"retry-after": "soon"}, None, id="no time"),
        pytest.param({"retry-after": "9" * 30}, None, id="beyond all dates"),
        pytest.param({"retry-after": "9" * 12}, timedelta(days=366), id="longer than a year"),
        pytest.param({USAGE: usage(7)}, timedelta(minutes=7), id="minutes to regain access"),
        pytest.param({USAGE: usage(0, 15, 3)}, timedelta(minutes=15), id="the longest of several limits"),
        pytest.param({USAGE: usage(0)}, None, id="within the limits"),
        pytest.param({USAGE: usage("soon", None, -5)}, None, id="minutes that are none"),
        pytest.param({USAGE: usage(10**14)}, None, id="minutes beyond all dates"),
        pytest.param({USAGE: "{"}, None, id="broken"),
        pytest.param({USAGE: '{"1": 5}'}, None, id="another shape"),
        pytest.param({"retry-after": "34", USAGE: usage(7)}, timedelta(minutes=7), id="both: the longer"),
    ],
)
def test_the_headers_say_how_long_to_wait(headers: dict[str, str], wait: timedelta | None) -> None:
    assert asked_wait(headers, NOW) == wait


@given(st.dictionaries(st.sampled_from(["retry-after", USAGE]), st.text(max_size=30)))
def test_no_header_makes_it_raise(headers: dict[str, str]) -> None:
    wait = asked_wait(headers, NOW)

    assert wait is None or wait > timedelta()
