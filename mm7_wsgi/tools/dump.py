"""What was found, for programs: values that JSON has."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import Enum
from typing import Any

from ..protocol.deviations import CATALOGUE, Deviation
from ..protocol.soap import Element
from ..protocol.values import Address, Duration
from .inspection import Inspection


def as_json(inspection: Inspection) -> dict[str, Any]:
    """One object for one file. Its keys stay the same from release to release, and there can be more.

    Those of ``fields`` are the fields of the message's class. Enumerations are their text, dates ISO 8601, durations
    ``xs:duration``, addresses and elements that the schema does not have objects.
    """
    names = [field.name for field in dataclasses.fields(inspection)]
    return {"fields" if name == "message" else name: _value(getattr(inspection, name)) for name in names}


def _value(value: Any) -> Any:
    if isinstance(value, Enum):  # of status codes too, their number
        return value.value
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Element):
        return {name: _value(getattr(value, name)) for name in ("name", "namespace", "attributes", "text", "children")}
    if isinstance(value, Address):
        return {name: _value(item) for name, item in value._asdict().items()}
    if isinstance(value, Deviation):
        irregularity = CATALOGUE[value.name]
        return {
            "name": value.name,
            "where": value.where,
            "summary": irregularity.summary,
            "clause": irregularity.clause,
        }
    if isinstance(value, (tuple, list)):
        return [_value(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {field.name: _value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
