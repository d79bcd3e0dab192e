"""The values that elements and attributes of MM7 hold, and how each is written."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
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


_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,30}))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DURATION = re.compile(
    r"(-)?P(?=[0-9T])(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:\.([0-9]{1,30}))?S)?)?"
)


def parse_date_time(text: str) -> datetime:
    """Read an ``xs:dateTime``; without a zone it is naive. Digits beyond the microsecond are dropped.

    Raises ``ValueError``.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("it is no xs:dateTime")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, zone = match[7], match[8]
    midnight = hour == 24 and minute == second == 0 and not (fraction or "").strip("0")  # the end of that day
    moment = datetime(
        year, month, day, 0 if midnight else hour, minute, second, int((fraction or "0")[:6].ljust(6, "0"))
    )
    if midnight:
        moment = _shifted(moment, timedelta(days=1))
    if zone is None:
        return moment
    if zone == "Z":
        return moment.replace(tzinfo=timezone.utc)
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours * 60 + minutes > 14 * 60 or minutes > 59:
        raise ValueError("its time zone is none")
    offset = timedelta(hours=hours, minutes=minutes)
    return moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        raise ValueError("it is beyond the year 9999") from None


def format_date_time(moment: datetime) -> str:
    """Write an ``xs:dateTime``, with ``Z`` for UTC."""
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if moment.tzinfo is not None and text.endswith("+00:00") else text


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
        if min(self.months, self.delta.total_seconds()) < 0 < max(self.months, self.delta.total_seconds()):
            raise ValueError(f"a duration is not {self.months} months and {self.delta} at once")

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read an ``xs:duration``; digits beyond the microsecond are dropped. Raises ``ValueError``."""
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError("it is no xs:duration")
        years, months, days, hours, minutes, seconds = (int(group or 0) for group in match.groups()[1:7])
        microseconds = int((match[8] or "0")[:6].ljust(6, "0"))
        try:
            sign = -1 if match[1] else 1
            delta = sign * timedelta(days, seconds, microseconds, minutes=minutes, hours=hours)
        except OverflowError:
            raise ValueError("it is longer than a timedelta can be") from None
        return cls(sign * (12 * years + months), delta)

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
