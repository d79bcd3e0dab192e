"""The values that elements and attributes of MM7 hold, and how each is written."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from functools import lru_cache
from typing import NamedTuple


class _Text(str, Enum):
    """An enumeration whose members are equal to, and print as, the schema's text."""

    def __str__(self) -> str:
        return str(self.value)


class AddressKind(_Text):
    """The element that an address stands in."""

    NUMBER = "Number"
    RFC2822 = "RFC2822Address"
    SHORT_CODE = "ShortCode"


class AddressCoding(_Text):
    """How an address is hidden from the other side (Rel-6)."""

    ENCRYPTED = "encrypted"
    OBFUSCATED = "obfuscated"


class Address(NamedTuple):
    """A sender or recipient.

    ``value`` is as the peer writes it, so a number may have ``+``, or ``/TYPE=PLMN`` behind it. A recipient with
    ``display_only`` is shown to the others and is not to be delivered to.
    """

    value: str
    kind: AddressKind = AddressKind.NUMBER
    display_only: bool = False
    address_coding: AddressCoding | str | None = None
    id: str | None = None

    def __str__(self) -> str:
        return self.value


class MessageClass(_Text):
    """What kind of message it is."""

    PERSONAL = "Personal"
    INFORMATIONAL = "Informational"
    ADVERTISEMENT = "Advertisement"
    AUTO = "Auto"


class Priority(_Text):
    """How urgent it is."""

    NORMAL = "Normal"
    HIGH = "High"
    LOW = "Low"


class ChargedParty(_Text):
    """Who pays."""

    SENDER = "Sender"
    RECIPIENT = "Recipient"
    BOTH = "Both"
    NEITHER = "Neither"
    THIRD_PARTY = "ThirdParty"


class ContentClass(_Text):
    """The content class of the message (Rel-6)."""

    TEXT = "text"
    IMAGE_BASIC = "image-basic"
    IMAGE_RICH = "image-rich"
    VIDEO_BASIC = "video-basic"
    VIDEO_RICH = "video-rich"
    MEGAPIXEL = "megapixel"
    CONTENT_BASIC = "content-basic"
    CONTENT_RICH = "content-rich"


class DeliveryStatus(_Text):
    """``MMStatus`` of a delivery report."""

    EXPIRED = "Expired"
    RETRIEVED = "Retrieved"
    REJECTED = "Rejected"
    INDETERMINATE = "Indeterminate"
    FORWARDED = "Forwarded"
    UNRECOGNISED = "Unrecognised"
    DEFERRED = "Deferred"
    DELIVERY_CONDITION_NOT_MET = "DeliveryConditionNotMet"


class ReadStatus(_Text):
    """``MMStatus`` of a read reply."""

    INDETERMINATE = "Indeterminate"
    READ = "Read"
    DELETED = "Deleted"


class MMStatusExtension(_Text):
    """Who rejected it (Rel-6)."""

    REJECTION_BY_MMS_RECIPIENT = "RejectionByMMSRecipient"
    REJECTION_BY_OTHER_RS = "RejectionByOtherRS"


def is_version(text: str) -> bool:
    """Whether ``text`` can be an MM7Version: those that peers make up are short, and it comes back in every answer."""
    return 0 < len(text) <= 32


# The newest of each schema, as far as its own enumeration is known (versionType).
_NEWEST_VERSIONS = {
    "REL-5-MM7-1-0": "5.3.0",
    "REL-5-MM7-1-1": "5.5.0",
    "REL-5-MM7-1-2": "5.6.0",
    "REL-5-MM7-1-3": "5.6.0",
    "REL-5-MM7-1-4": "5.8.0",
    "REL-5-MM7-1-5": "5.10.0",
    "REL-6-MM7-1-0": "6.3.0",
    "REL-6-MM7-1-1": "6.4.0",
    "REL-6-MM7-1-2": "6.5.0",
    "REL-6-MM7-1-3": "6.6.0",
    "REL-6-MM7-1-4": "6.8.0",
}
_RELEASE = re.compile(r"REL-[56]-MM7-1-[0-5](?![0-9])")


def newest_version(namespace: str | None) -> str:
    """Return the newest MM7Version of a namespace of MM7: what answers a request that does not say its own.

    For a namespace that is none of 3GPP's it is that of the last schema, 6.8.0.
    """
    release = _RELEASE.search(namespace or "")
    return _NEWEST_VERSIONS.get(release[0] if release else "", "6.8.0")


_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,30}))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
# What most are: datetime itself reads them, and reads nothing else into them.
_PLAIN_DATE_TIME = re.compile(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
)
# As clients write a date otherwise. Each has one reading only: the year has four digits, and the month stands behind it
# or has a name.
_LONGEST_DATE = 100
_ZONE = r"(?: {0,3}(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?"
_LOOSE_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:T| {1,3})([0-9]{1,2}):([0-9]{1,2})"
    r"(?::([0-9]{1,2})(?:\.([0-9]{1,30}))?)?" + _ZONE,
    re.ASCII | re.IGNORECASE,
)
_COMPACT_DATE_TIME = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})T?([0-9]{2})([0-9]{2})([0-9]{2})(?:\.([0-9]{1,30}))?" + _ZONE,
    re.ASCII | re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# RFC 5322, 3.3. The name of the day says nothing that the date does not, so it can be in any language, or damaged. In
# Korean a month is its number and the word for month, which may be damaged as well.
_MAIL_DATE = re.compile(
    r"(?:[^0-9\s,]{1,12},\s{0,3})?([0-9]{1,2})\s{1,3}"
    rf"(?:({'|'.join(_MONTHS)})|([0-9]{{1,2}})(?:\uc6d4|\ufffd{{1,3}}))\s{{1,3}}([0-9]{{4}})"
    r"\s{1,3}([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
    r"(?:\s{1,3}(Z|UTC?|GMT|[+-][0-9]{4}))?(?:\s{1,3}\([^()]{0,40}\))?",
    re.ASCII | re.IGNORECASE,
)
_DURATION = re.compile(
    r"(-)?P(?=[0-9T])(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:\.([0-9]{1,30}))?S)?)?"
)
_MONTHS_MOST = 12 * 10**9


def parse_date_time(text: str) -> datetime:
    """Read an ``xs:dateTime``; without a zone it is naive. Digits beyond the microsecond are dropped.

    Raises ``ValueError``.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("it is no xs:dateTime")
    return _moment(*match.groups())


def plain_date_time(text: str) -> datetime | None:
    """Read an ``xs:dateTime`` with a zone and whole seconds, as most are; None for any other, and for what is none."""
    if not _PLAIN_DATE_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def parse_loose_date_time(text: str) -> datetime:
    """Read a date that is written otherwise, as clients are known to do it.

    ``2014-3-24 9:05Z``, ``20040119142959``, ``Wed, 03 Jul 2024 21:02:41 +0900``: what has one reading only. The zone is
    as for :func:`parse_date_time`. Raises ``ValueError``.
    """
    if len(text) > _LONGEST_DATE:
        raise ValueError("it is too long for a date")
    if match := _LOOSE_DATE_TIME.fullmatch(text) or _COMPACT_DATE_TIME.fullmatch(text):
        return _moment(*match.groups())
    if match := _MAIL_DATE.fullmatch(text):
        day, name, month, year, hour, minute, second, zone = match.groups()
        month = month or _MONTHS.index(name.lower()) + 1
        return _moment(year, month, day, hour, minute, second, None, zone)
    raise ValueError("it is no date")


def _moment(
    year: str,
    month: str | int,
    day: str,
    hour: str,
    minute: str,
    second: str | None,
    fraction: str | None,
    zone: str | None,
) -> datetime:
    """The moment whose digits those are; raises ``ValueError`` where there is none such."""
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    microseconds = int(fraction[:6].ljust(6, "0")) if fraction else 0
    midnight = hours == 24 and minutes == seconds == 0 and not (fraction and fraction.strip("0"))  # the end of that day
    moment = datetime(int(year), int(month), int(day), 0 if midnight else hours, minutes, seconds, microseconds)
    if midnight:
        moment = _shifted(moment, timedelta(days=1))
    return moment if zone is None else moment.replace(tzinfo=_zone(zone))


def _zone(text: str) -> timezone:
    """``Z`` and its other names, ``+09:00``, ``+0900`` or ``+09``."""
    if text[0] not in "+-":
        return timezone.utc
    hours, minutes = int(text[1:3]), int(text[3:].removeprefix(":") or 0)
    if hours * 60 + minutes > 14 * 60 or minutes > 59:
        raise ValueError("its time zone is none")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        raise ValueError("it is beyond the year 9999") from None


def format_date_time(moment: datetime) -> str:
    """Write an ``xs:dateTime``, with ``Z`` for UTC."""
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if moment.tzinfo is not None and text.endswith("+00:00") else text


_ZERO = timedelta()


@dataclass(frozen=True, slots=True)
class Duration:
    """A time that is relative to the arrival of the message (``xs:duration``).

    Years and months have no fixed length, so they are counted apart from the rest: ``P1Y2M3DT4H`` is
    ``Duration(14, timedelta(days=3, hours=4))``. Both are negative, or neither is
    (``ValueError``).
    """

    months: int = 0
    delta: timedelta = timedelta()

    def __post_init__(self) -> None:
        if (self.months < 0 and self.delta > _ZERO) or (self.months > 0 and self.delta < _ZERO):
            raise ValueError(f"a duration is not {self.months} months and {self.delta} at once")

    @classmethod
    @lru_cache(maxsize=256)  # few are in use, and all are short
    def parse(cls, text: str) -> Duration:
        """Read an ``xs:duration``; digits beyond the microsecond are dropped. Raises ``ValueError``."""
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError("it is no xs:duration")
        years, months, days, hours, minutes, seconds, fraction = match.groups("0")[1:]
        microseconds = int(fraction[:6].ljust(6, "0"))
        try:
            delta = timedelta(int(days), int(seconds), microseconds, 0, int(minutes), int(hours))
            delta = -delta if match[1] else delta
        except OverflowError:
            raise ValueError("it is longer than a timedelta can be") from None
        whole = 12 * int(years) + int(months)
        if whole >= _MONTHS_MOST:  # it would be written with more digits than are read
            raise ValueError("it has more years than nine digits can say")
        return cls(-whole if match[1] else whole, delta)

    def after(self, moment: datetime) -> datetime:
        """The moment that is this much after ``moment``.

        Months first; a day that its month does not have becomes the month's last (XML Schema part 2, appendix E).
        Raises ``OverflowError`` beyond the years that a datetime can hold.
        """
        month = moment.year * 12 + moment.month - 1 + self.months
        year, month = divmod(month, 12)
        if not 1 <= year <= 9999:
            raise OverflowError(f"{self} after {moment} is out of range")
        day = min(moment.day, monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day) + self.delta

    def __str__(self) -> str:
        """The ``xs:duration``."""
        sign = "-" if self.months < 0 or self.delta < timedelta() else ""
        years, months = divmod(abs(self.months), 12)
        delta = abs(self.delta)
        minutes, seconds = divmod(delta.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        date = _counted((years, "Y"), (months, "M"), (delta.days, "D"))
        time = _counted((hours, "H"), (minutes, "M"))
        if seconds or delta.microseconds:
            fraction = f".{delta.microseconds:06}".rstrip("0") if delta.microseconds else ""
            time += f"{seconds}{fraction}S"
        if not date and not time:
            return "PT0S"
        return f"{sign}P{date}{'T' if time else ''}{time}"


def _counted(*units: tuple[int, str]) -> str:
    return "".join(f"{count}{unit}" for count, unit in units if count)
