"""What is read at sight is what is read otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm7_wsgi import Limits
from mm7_wsgi.protocol import codecs
from mm7_wsgi.protocol.codecs import Enumerated, Reader, TextCodec, WrongForm
from mm7_wsgi.protocol.deviations import Deviations
from mm7_wsgi.protocol.soap import Node
from mm7_wsgi.protocol.values import DeliveryStatus

CODECS: dict[str, TextCodec[Any]] = {
    **{name: value for name, value in vars(codecs).items() if isinstance(value, TextCodec)},
    "Enumerated": Enumerated(DeliveryStatus, also={"Unrecognized": DeliveryStatus.UNRECOGNISED}),
}

#: What the codec has to take at sight, and what it must leave to a closer look.
SAMPLES = {
    "STRING": ([" a ", "x"], []),
    "TOKEN": ([" a ", "x"], []),
    "IDENTIFIER": ([" a "], [" "]),
    "BOOLEAN": (["true", "false", "1", "0"], ["TRUE", " true", "yes"]),
    "POSITIVE_INTEGER": (["1", "0012"], ["0", "-1", "+1", " 1", "1" * 19, "\u0661", "\u00b2", "1.0"]),
    "CODE": (["1000", "2999"], ["0", "x"]),
    "DATE_TIME": (
        ["2030-01-02T03:04:05Z", "2030-01-02T03:04:05-13:59"],
        ["2030-01-02T03:04:05", "2030-02-30T03:04:05Z", "2030-01-02T24:00:00Z", "2030-01-02T03:04:05+14:01", "P1D"],
    ),
    "DATE_OR_DURATION": (["2030-01-02T03:04:05Z", "P1D", "PT1.5S"], ["-P1D", "P", "P1DT", " P1D", "2030-01-02"]),
    "VERSION": (["6.8.0"], ["6.8", " 6.8.0"]),
    "Enumerated": (["Expired"], ["expired", "Unrecognized", " Expired", "Lost"]),
}


def test_every_codec_of_text_has_samples() -> None:
    assert SAMPLES.keys() == CODECS.keys()


def parsed(codec: TextCodec[Any], text: str) -> tuple[Any, list[str]]:
    """The value, the type of it, and the names of the deviations; or the error."""
    deviations = Deviations()
    reader = Reader(Limits(), deviations, Node("SubmitReq"))
    try:
        value = codec.parse(text, reader)
    except WrongForm as error:
        return str(error), []
    return (value, type(value)), [deviation.name for deviation in deviations]


@pytest.mark.parametrize("name", CODECS)
def test_what_a_codec_takes_at_sight(name: str) -> None:
    taken, left = SAMPLES[name]

    for text in taken:
        value = CODECS[name].at_sight(text)
        assert ((value, type(value)), []) == parsed(CODECS[name], text)
    assert [CODECS[name].at_sight(text) for text in left] == [None] * len(left)


TEXTS = st.sampled_from([text for samples in SAMPLES.values() for texts in samples for text in texts])
EDITED = st.builds(
    lambda text, place, inserted, kept: (
        text[: place % (len(text) + 1)] + inserted + text[place % (len(text) + 1) + kept :]
    ),
    TEXTS,
    st.integers(0, 30),
    st.text("0123456789+-:.TZPYMDHS \t\nxX\u0660\u00b2", max_size=3),
    st.integers(0, 3),
)


@pytest.mark.parametrize("name", CODECS)
@given(text=st.text(min_size=1) | TEXTS | EDITED.filter(bool))
def test_what_is_taken_at_sight_is_what_is_parsed_and_is_regular(name: str, text: str) -> None:
    value = CODECS[name].at_sight(text)

    if value is not None:
        assert ((value, type(value)), []) == parsed(CODECS[name], text)
