"""Test a handler the way that peers will call it: with whole messages, by the rules and otherwise."""

from .irregular import irregular, irregularities
from .message import (
    Message,
    PartLike,
    build,
    cancel,
    deliver,
    delivery_report,
    extended_cancel,
    extended_replace,
    read_reply,
    replace,
    submit,
)

__all__ = [
    "Message",
    "PartLike",
    "build",
    "cancel",
    "deliver",
    "delivery_report",
    "extended_cancel",
    "extended_replace",
    "irregular",
    "irregularities",
    "read_reply",
    "replace",
    "submit",
]
