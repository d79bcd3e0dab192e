"""Dates, durations, addresses and enumerations."""

from __future__ import annotations

import runpy
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol.values import (
    Address,
    AddressKind,
    Duration,
    format_date_time,
    newest_version,
    parse_date_time,
    parse_loose_date_time,
)

TABLE = runpy.run_path(str(Path(__file__).with_name("schema_table.py")))

UTC = timezone.utc
BASE = TABLE["BASE"]


def zone(hours: int, minutes: int = 0) -> timezone:
    return timezone(timedelta(hours=hours, minutes=minutes))


DATES = st.datetimes(
    timezones=st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-05T10:20:30Z", datetime(2026, 5, 5, 10, 20, 30, tzinfo=UTC)),
        ("2026-05-05T10:20:30", datetime(2026, 5, 5, 10, 20, 30)),
        ("2026-05-05T10:20:30+00:00", datetime(2026, 5, 5, 10, 20, 30, tzinfo=UTC)),
        ("2026-05-05T10:20:30-00:00", datetime(2026, 5, 5, 10, 20, 30, tzinfo=UTC)),
        ("2026-05-05T10:20:30+05:30", datetime(2026, 5, 5, 10, 20, 30, tzinfo=zone(5, 30))),
        ("2026-05-05T10:20:30-03:30", datetime(2026, 5, 5, 10, 20, 30, tzinfo=zone(-3, -30))),
        ("2026-05-05T10:20:30+14:00", datetime(2026, 5, 5, 10, 20, 30, tzinfo=zone(14))),
        ("2026-05-05T10:20:30-14:00", datetime(2026, 5, 5, 10, 20, 30, tzinfo=zone(-14))),
        ("2014-04-14T16:15:23.414Z", datetime(2014, 4, 14, 16, 15, 23, 414000, tzinfo=UTC)),
        ("2014-04-14T16:15:23.4Z", datetime(2014, 4, 14, 16, 15, 23, 400000, tzinfo=UTC)),
        ("2014-04-14T16:15:23.000001", datetime(2014, 4, 14, 16, 15, 23, 1)),
        ("2014-04-14T16:15:23.9999999", datetime(2014, 4, 14, 16, 15, 23, 999999)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2026-12-31T24:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-02-28T24:00:00.000+09:00", datetime(2026, 3, 1, tzinfo=zone(9))),
        ("0001-01-01T00:00:00", datetime(1, 1, 1)),
        ("0001-01-01T00:00:00+14:00", datetime(1, 1, 1, tzinfo=zone(14))),
        ("9999-12-31T23:59:59.999999-14:00", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=zone(-14))),
    ],
)
def test_a_date_is_read_with_its_zone_and_its_fraction(text: str, moment: datetime) -> None:
    read = parse_date_time(text)

    assert read == moment
    assert read.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-05-05",
        "2026-05-05 10:20:30",
        "2026-05-05T10:20",
        "2026-05-05t10:20:30",
        "2026-05-05T10:20:30z",
        "2026-5-5T10:20:30",
        "26-05-05T10:20:30",
        "20260505102030",
        "Tue, 5 May 2026 10:20:30 +0900",
        "2026-00-05T10:20:30",
        "2026-13-05T10:20:30",
        "2026-05-00T10:20:30",
        "2026-05-32T10:20:30",
        "2026-02-29T10:20:30",
        "2026-05-05T25:00:00",
        "2026-05-05T24:00:01",
        "2026-05-05T24:01:00",
        "2026-05-05T24:00:00.001",
        "2026-05-05T10:60:30",
        "2026-05-05T10:20:60",
        "2026-05-05T10:20:30.",
        "2026-05-05T10:20:30+0900",
        "2026-05-05T10:20:30+09",
        "2026-05-05T10:20:30+14:01",
        "2026-05-05T10:20:30-15:00",
        "2026-05-05T10:20:30+10:60",
        "0000-01-01T00:00:00",
        "-0001-01-01T00:00:00",
        "12026-05-05T10:20:30",
        "9999-12-31T24:00:00",
        "2026-05-05T10:20:30Z\n",
        "\u0662\u0660\u0662\u0666-05-05T10:20:30",
        "2026-05-05T10:20:30." + "0" * 31,
        "P1D",
    ],
)
def test_what_is_no_date_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_date_time(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        # unpadded, and other separators
        ("2014-3-24T9:5:03Z", datetime(2014, 3, 24, 9, 5, 3, tzinfo=UTC)),
        ("2014-3-4T9:5:3.25+09:00", datetime(2014, 3, 4, 9, 5, 3, 250000, tzinfo=zone(9))),
        ("2014-03-24 09:05:03", datetime(2014, 3, 24, 9, 5, 3)),
        ("2014-03-24   09:05:03Z", datetime(2014, 3, 24, 9, 5, 3, tzinfo=UTC)),
        ("2014-03-24t09:05:03z", datetime(2014, 3, 24, 9, 5, 3, tzinfo=UTC)),
        ("2014-03-24 24:00:00Z", datetime(2014, 3, 25, tzinfo=UTC)),
        # no seconds
        ("2014-04-14T16:15Z", datetime(2014, 4, 14, 16, 15, tzinfo=UTC)),
        ("2014-04-14 16:15", datetime(2014, 4, 14, 16, 15)),
        ("2014-04-14T24:00", datetime(2014, 4, 15)),
        # zones
        ("2014-04-14T16:15:23+0800", datetime(2014, 4, 14, 16, 15, 23, tzinfo=zone(8))),
        ("2014-04-14T16:15:23-0330", datetime(2014, 4, 14, 16, 15, 23, tzinfo=zone(-3, -30))),
        ("2014-04-14T16:15:23+08", datetime(2014, 4, 14, 16, 15, 23, tzinfo=zone(8))),
        ("2014-04-14T16:15:23 +08:00", datetime(2014, 4, 14, 16, 15, 23, tzinfo=zone(8))),
        ("2014-04-14T16:15:23 UTC", datetime(2014, 4, 14, 16, 15, 23, tzinfo=UTC)),
        ("2014-04-14T16:15:23GMT", datetime(2014, 4, 14, 16, 15, 23, tzinfo=UTC)),
        ("2014-04-14 16:15 gmt", datetime(2014, 4, 14, 16, 15, tzinfo=UTC)),
        # digits alone
        ("20240703210241", datetime(2024, 7, 3, 21, 2, 41)),
        ("20240703210241.5", datetime(2024, 7, 3, 21, 2, 41, 500000)),
        ("20040119142959+08:00", datetime(2004, 1, 19, 14, 29, 59, tzinfo=zone(8))),
        ("20040119142959.414+0800", datetime(2004, 1, 19, 14, 29, 59, 414000, tzinfo=zone(8))),
        ("20040119T142959Z", datetime(2004, 1, 19, 14, 29, 59, tzinfo=UTC)),
        ("20040119t142959 GMT", datetime(2004, 1, 19, 14, 29, 59, tzinfo=UTC)),
        # as in mail
        ("Wed, 03 Jul 2024 21:02:41 +0900", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(9))),
        ("Wed,3 Jul 2024 21:02:41 +0900", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(9))),
        ("WED,  03  jul  2024\r\n 21:02:41 -0330", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(-3, -30))),
        ("03 Jul 2024 21:02:41 +0900", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(9))),
        ("3 Jan 2024 1:02 GMT", datetime(2024, 1, 3, 1, 2, tzinfo=UTC)),
        ("Tue, 31 Dec 2024 24:00:00 UT", datetime(2025, 1, 1, tzinfo=UTC)),
        ("Wed, 03 Jul 2024 21:02:41 -0000", datetime(2024, 7, 3, 21, 2, 41, tzinfo=UTC)),
        ("Wed, 03 Jul 2024 21:02:41", datetime(2024, 7, 3, 21, 2, 41)),
        ("Wed, 03 Jul 2024 21:02:41 +0900 (KST)", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(9))),
        ("\uc218, 03 7\uc6d4 2024 21:02:41 +0900", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(9))),
        ("\uc218\uc694\uc77c, 3 12\uc6d4 2024 21:02:41 +0900", datetime(2024, 12, 3, 21, 2, 41, tzinfo=zone(9))),
        ("\ufffd\ufffd, 03 7\uc6d4 2024 21:02:41 +0900", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(9))),
        ("\ufffd\ufffd, 03 7\ufffd\ufffd 2024 21:02:41 +0900", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(9))),
        ("\ufffd, 03 Jul 2024 21:02:41 +0900", datetime(2024, 7, 3, 21, 2, 41, tzinfo=zone(9))),
    ],
)
def test_a_date_is_read_as_clients_write_it_otherwise(text: str, moment: datetime) -> None:
    read = parse_loose_date_time(text)

    assert read == moment
    assert read.utcoffset() == moment.utcoffset()
    with pytest.raises(ValueError, match="no xs:dateTime"):
        parse_date_time(text)


@pytest.mark.parametrize("month", range(1, 13))
def test_a_month_is_read_by_its_name_and_by_its_number_in_korean(month: int) -> None:
    moment = datetime(2024, month, 1, tzinfo=UTC)

    assert parse_loose_date_time(f"{moment:%d %b %Y} 00:00:00 GMT") == moment
    assert parse_loose_date_time(f"01 {month}\uc6d4 2024 00:00:00 GMT") == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2014-04-14",  # a day is no moment
        "20140414",
        "14 Apr 2014",
        "2014-04-14T16",
        "03/04/2024 10:20:30",  # two readings
        "03-04-2024 10:20:30",
        "2024/03/04 10:20:30",
        "24-03-04T10:20:30",
        "240304102030",
        "202403041020",
        "20240304102030123",
        "Wed, 03 Jul 24 21:02:41 +0900",
        "03 7 2024 21:02:41 +0900",
        "03 7th 2024 21:02:41 +0900",
        "2024-13-01 10:20:30",  # no such moment
        "2024-02-30 10:20:30",
        "2024-02-03 25:20:30",
        "2024-02-03 24:00:01",
        "2024-02-03 10:60",
        "0000-01-01 10:20:30",
        "9999-12-31 24:00:00",
        "20240230102030",
        "32 Jul 2024 21:02:41 +0900",
        "03 13\uc6d4 2024 21:02:41 +0900",
        "03 0\uc6d4 2024 21:02:41 +0900",
        "2014-04-14T16:15:23+1401",  # no such zone
        "2014-04-14T16:15:23+9",
        "2014-04-14T16:15:23+080",
        "2014-04-14T16:15:23 KST",
        "03 Jul 2024 21:02:41 EST",
        "03 Jul 2024 21:02:41 +1060",
        "Wed 03 Jul 2024 21:02:41 +0900",
        "Wed, 03 Jul 2024 21:02:41 +0900 (KST",
        "2014-04-14T16:15.5",
        "2014-04-14T16:15:23.",
        "2014-04-14T16:15:23." + "0" * 31,
        "\u0662\u0660\u0661\u0664-04-14 16:15:23",
        "03\u2003Jul 2024 21:02:41 +0900",
        "P1D",
    ],
)
def test_what_is_no_date_in_any_other_form_or_has_two_readings_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_loose_date_time(text)


@pytest.mark.parametrize("piece", ["1", " ", "-", "\ufffd", "a", "(", ", 1", "1 Jul ", "2014-04-14T16:15:23."])
def test_a_text_that_is_too_long_for_a_date_is_refused_at_once(piece: str) -> None:
    for start in ("", "Wed, 03 Jul 2024 21:02:41 +0900 ", "2014-04-14 16:15:23"):
        with pytest.raises(ValueError, match="too long"):  # to look through it would take hours
            parse_loose_date_time(start + piece * 1_000_000)
        with pytest.raises(ValueError, match=r"."):
            parse_loose_date_time((start + piece * 100)[:100])


@given(DATES)
@settings(deadline=None)
def test_a_date_in_other_clothes_is_the_same_date(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    offset = f"{whole:%z}"
    for text in (
        f"{whole.isoformat(sep=' ')}",
        f"{whole.year:04}-{whole.month}-{whole.day}T{whole.hour}:{whole.minute}:{whole.second}{offset}",
        f"{whole.year:04}{whole:%m%d%H%M%S}{offset}",
        f"{whole:%a, %d %b} {whole.year:04} {whole:%H:%M:%S} {offset}".rstrip(),
    ):
        again = parse_loose_date_time(text)
        assert again == whole
        assert again.utcoffset() == whole.utcoffset()


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 5, 5, 10, 20, 30, tzinfo=UTC), "2026-05-05T10:20:30Z"),
        (datetime(2026, 5, 5, 10, 20, 30), "2026-05-05T10:20:30"),
        (datetime(2026, 5, 5, tzinfo=zone(9)), "2026-05-05T00:00:00+09:00"),
        (datetime(2026, 5, 5, 0, 0, 0, 500000, tzinfo=UTC), "2026-05-05T00:00:00.500000Z"),
        (datetime(1, 2, 3), "0001-02-03T00:00:00"),
    ],
)
def test_a_date_is_written_as_the_schema_has_it(moment: datetime, text: str) -> None:
    assert format_date_time(moment) == text


@given(DATES)
@settings(deadline=None)
def test_a_date_written_reads_back_equal(moment: datetime) -> None:
    again = parse_date_time(format_date_time(moment))

    assert again == moment
    assert again.utcoffset() == moment.utcoffset()


def days(count: float = 0, **more: float) -> timedelta:
    return timedelta(count, **more)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P90D", Duration(0, days(90))),
        ("P1Y2M", Duration(14)),
        ("P1Y2M3DT4H5M6.5S", Duration(14, days(3, hours=4, minutes=5, seconds=6.5))),
        ("PT1.5S", Duration(0, days(seconds=1.5))),
        ("PT0.0000019S", Duration(0, days(microseconds=1))),
        ("-P1D", Duration(0, days(-1))),
        ("-P1M", Duration(-1)),
        ("-P1Y1DT1S", Duration(-12, -days(1, seconds=1))),
        ("PT36H", Duration(0, days(1.5))),
        ("PT90M", Duration(0, days(minutes=90))),
        ("P13M", Duration(13)),
        ("P0D", Duration()),
        ("PT0S", Duration()),
        ("-P0D", Duration()),
        ("P999999999D", Duration(0, days(999999999))),
        ("-P999999999D", Duration(0, days(-999999999))),
    ],
)
def test_a_duration_is_read_as_months_and_a_timedelta(text: str, duration: Duration) -> None:
    assert Duration.parse(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "-P",
        "P1",
        "1D",
        "P1DT",
        "P1H",
        "PT1D",
        "P1S",
        "P1M1Y",
        "PT1M1H",
        "P-1D",
        "+P1D",
        "--P1D",
        "P1.5D",
        "PT1.S",
        "PT.5S",
        "P1W",
        "p1d",
        " P1D",
        "P1D\n",
        "P\u0661D",
        "P1000000000D",
        "2026-05-05T10:20:30",
    ],
)
def test_what_is_no_duration_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="it is no xs:duration"):
        Duration.parse(text)


def test_a_duration_of_more_years_than_can_be_written_is_a_value_error() -> None:
    assert str(Duration.parse("P999999999Y11M")) == "P999999999Y11M"
    for text in ("P999999999Y12M", "-P999999999Y999999999M"):
        with pytest.raises(ValueError, match="more years than nine digits"):
            Duration.parse(text)


@pytest.mark.parametrize("text", ["P999999999DT24H", "-P999999999DT24H", "-P999999999DT1S"])
def test_a_duration_that_no_timedelta_holds_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="longer than a timedelta"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (Duration(0, days(90)), "P90D"),
        (Duration(14), "P1Y2M"),
        (Duration(14, days(3, hours=4, minutes=5, seconds=6.5)), "P1Y2M3DT4H5M6.5S"),
        (Duration(0, days(seconds=1.5)), "PT1.5S"),
        (Duration(0, days(microseconds=1)), "PT0.000001S"),
        (Duration(0, days(hours=1)), "PT1H"),
        (Duration(0, days(-1)), "-P1D"),
        (Duration(0, -days(seconds=1)), "-PT1S"),
        (Duration(-13), "-P1Y1M"),
        (Duration(), "PT0S"),
    ],
)
def test_a_duration_is_written_as_the_schema_has_it(duration: Duration, text: str) -> None:
    assert str(duration) == text


def signed(sign: int, months: int, delta: timedelta) -> Duration:
    return Duration(sign * months, sign * delta)


DURATIONS = st.builds(
    signed, st.sampled_from((1, -1)), st.integers(0, 10**9), st.timedeltas(timedelta(), timedelta(days=999999999))
)


@given(DURATIONS)
@settings(deadline=None)
def test_a_duration_written_reads_back_equal(duration: Duration) -> None:
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize(
    ("start", "text", "end"),
    [
        (datetime(2026, 1, 31), "P1M", datetime(2026, 2, 28)),
        (datetime(2024, 1, 31), "P1M", datetime(2024, 2, 29)),
        (datetime(2026, 1, 30, 12, 30), "P1M", datetime(2026, 2, 28, 12, 30)),
        (datetime(2026, 3, 31), "P1M", datetime(2026, 4, 30)),
        (datetime(2026, 3, 31), "P2M", datetime(2026, 5, 31)),
        (datetime(2024, 2, 29), "P1Y", datetime(2025, 2, 28)),
        (datetime(2024, 2, 29), "P4Y", datetime(2028, 2, 29)),
        (datetime(2026, 12, 15), "P1M", datetime(2027, 1, 15)),
        (datetime(2026, 11, 15), "P1M", datetime(2026, 12, 15)),
        (datetime(2026, 1, 15), "-P1M", datetime(2025, 12, 15)),
        (datetime(2026, 3, 31), "-P1M", datetime(2026, 2, 28)),
        (datetime(2026, 1, 31), "P1M1D", datetime(2026, 3, 1)),  # months first
        (datetime(2026, 5, 5, 23, 59, 59), "PT1S", datetime(2026, 5, 6)),
        (datetime(2026, 5, 5, tzinfo=zone(9)), "P90D", datetime(2026, 8, 3, tzinfo=zone(9))),
        (datetime(2026, 5, 5, 1, 2, 3, 4), "P0D", datetime(2026, 5, 5, 1, 2, 3, 4)),
        (datetime(1, 2, 28), "-P1M", datetime(1, 1, 28)),
        (datetime(9998, 12, 31), "P1Y", datetime(9999, 12, 31)),
    ],
)
def test_a_duration_after_a_moment_counts_months_first_and_stays_within_the_month(
    start: datetime, text: str, end: datetime
) -> None:
    moment = Duration.parse(text).after(start)

    assert moment == end
    assert moment.tzinfo == start.tzinfo


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (datetime(9999, 12, 1), "P1M"),
        (datetime(1, 1, 1), "-P1M"),
        (datetime(9999, 12, 31), "P1D"),
        (datetime(1, 1, 1), "-PT1S"),
        (datetime(2026, 5, 5), "P999999999Y"),
        (datetime(2026, 5, 5), "-P999999999Y"),
        (datetime(2026, 5, 5), "P999999999D"),
    ],
)
def test_a_moment_out_of_range_is_an_overflow_error(start: datetime, text: str) -> None:
    with pytest.raises(OverflowError):
        Duration.parse(text).after(start)


@pytest.mark.parametrize("enumeration", TABLE["ENUMERATIONS"], ids=lambda enumeration: enumeration.__name__)
def test_an_enumeration_has_the_values_of_the_schema_which_print_and_compare_as_text(enumeration: type[Enum]) -> None:
    texts = TABLE["ENUMERATIONS"][enumeration]

    assert sorted(str(member) for member in enumeration) == sorted(texts)
    assert all(enumeration(text) == text and f"{enumeration(text)}" == text for text in texts)


def test_an_address_is_a_number_to_be_delivered_to_unless_it_says_otherwise() -> None:
    address = Address("+491511")

    assert address == ("+491511", AddressKind.NUMBER, False, None, None)
    assert str(address) == "+491511"


@pytest.mark.parametrize(("months", "delta"), [(-1, timedelta(1)), (1, timedelta(-1)), (1, timedelta(microseconds=-1))])
def test_a_duration_has_one_sign(months: int, delta: timedelta) -> None:
    with pytest.raises(ValueError, match="at once"):
        Duration(months, delta)


# -- versions


@pytest.mark.parametrize(
    ("namespace", "version"),
    [
        (f"{BASE}REL-5-MM7-1-0", "5.3.0"),
        (f"{BASE}REL-5-MM7-1-1", "5.5.0"),
        (f"{BASE}REL-5-MM7-1-2", "5.6.0"),
        (f"{BASE}REL-5-MM7-1-3", "5.6.0"),
        (f"{BASE}REL-5-MM7-1-4", "5.8.0"),
        (f"{BASE}REL-5-MM7-1-5", "5.10.0"),
        (f"{BASE}REL-6-MM7-1-0", "6.3.0"),
        (f"{BASE}REL-6-MM7-1-1", "6.4.0"),
        (f"{BASE}REL-6-MM7-1-2", "6.5.0"),
        (f"{BASE}REL-6-MM7-1-3", "6.6.0"),
        (f"{BASE}REL-6-MM7-1-4", "6.8.0"),
        (f"{BASE}REL-5-MM7-1-1-ericsson.xsd", "5.5.0"),
        (f"{BASE}REL-6-MM7-1-4.xsd", "6.8.0"),
        (f"{BASE}REL-6-MM7-6-7", "6.8.0"),
        (f"{BASE}REL-5-MM7-1-12", "6.8.0"),
        ("urn:mm7", "6.8.0"),
        (None, "6.8.0"),
    ],
)
def test_each_namespace_has_its_newest_version(namespace: str | None, version: str) -> None:
    assert newest_version(namespace) == version
