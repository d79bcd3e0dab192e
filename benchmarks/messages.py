"""The messages that are measured: made here, nobody's, and the same in every run."""

from __future__ import annotations

import base64
import quopri
import random
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

NAMESPACE: Final = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
USER: Final = "acme"
SECRET: Final = "s3cret"

# As long as peers write them: bytes.find is four times slower for a very short one.
_OUTER: Final = "----=_NextPart_000_0028_01DC7B2A.84698430"
_INNER: Final = "----=_StoryParts_74526_8432_2030-01021"


class Message(NamedTuple):
    """One request: what its row says of it, its Content-Type and its body."""

    title: str
    content_type: str
    body: bytes


class Picture(NamedTuple):
    """The large part of a message, as it is written."""

    content_type: str
    encoding: str
    octets: bytes


def _operation(to: Iterable[str]) -> str:
    recipients = "".join(f"          <Number>{number}</Number>\r\n" for number in to)
    return f"""\
    <SubmitReq xmlns="{NAMESPACE}">\r
      <MM7Version>6.8.0</MM7Version>\r
      <SenderIdentification>\r
        <VASPID>acme</VASPID>\r
        <VASID>news</VASID>\r
        <SenderAddress>\r
          <ShortCode>72550</ShortCode>\r
        </SenderAddress>\r
      </SenderIdentification>\r
      <Recipients>\r
        <To>\r
{recipients}\
        </To>\r
        <Cc>\r
          <RFC2822Address displayOnly="true">readers@news.example</RFC2822Address>\r
        </Cc>\r
      </Recipients>\r
      <ServiceCode>gold-sp33-im42</ServiceCode>\r
      <LinkedID>mms00016666</LinkedID>\r
      <MessageClass>Informational</MessageClass>\r
      <TimeStamp>2030-01-02T09:30:47-05:00</TimeStamp>\r
      <EarliestDeliveryTime>2030-01-02T09:30:47-05:00</EarliestDeliveryTime>\r
      <ExpiryDate>P90D</ExpiryDate>\r
      <DeliveryReport>true</DeliveryReport>\r
      <Priority>Normal</Priority>\r
      <Subject>News for today</Subject>\r
      <ChargedParty>Sender</ChargedParty>\r
      <DistributionIndicator>true</DistributionIndicator>\r
      <Content href="cid:story@news.example" allowAdaptations="true"/>\r
    </SubmitReq>\r
"""


def _envelope(operation: str) -> str:
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>\r
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/">\r
  <env:Header>\r
    <mm7:TransactionID xmlns:mm7="{NAMESPACE}" env:mustUnderstand="1">vas-20300102-0001</mm7:TransactionID>\r
  </env:Header>\r
  <env:Body>\r
{operation}\
  </env:Body>\r
</env:Envelope>\r
"""


_SMIL: Final = b"""\
<smil>\r
  <head>\r
    <layout>\r
      <root-layout width="320" height="480"/>\r
      <region id="Image" left="0" top="0" width="320" height="320" fit="meet"/>\r
      <region id="Text" left="0" top="320" width="320" height="160" fit="scroll"/>\r
    </layout>\r
  </head>\r
  <body>\r
    <par dur="8s">\r
      <img src="picture.jpg" region="Image"/>\r
      <text src="text.txt" region="Text"/>\r
    </par>\r
  </body>\r
</smil>\r
"""
_SENTENCE: Final = "The lock keeper opens the upper gate at seven, and the barges go down one by one."


def _text(octets: int) -> bytes:
    """Lines of text, of about that many octets."""
    line = (_SENTENCE + "\r\n").encode()
    return line * max(1, octets // len(line))


def _part(boundary: str, headers: Mapping[str, str], octets: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"--{boundary}\r\n{lines}\r\n".encode() + octets + b"\r\n"


def _submit(
    title: str, *, picture: Picture | None = None, text: int = 900, to: Iterable[str] = ("+12025550101",)
) -> Message:
    """A SubmitReq whose content is SMIL, a text and, where there is one, a picture."""
    story = _part(_INNER, {"Content-Type": 'application/smil; charset="utf-8"', "Content-ID": "<smil>"}, _SMIL)
    story += _part(
        _INNER,
        {"Content-Type": 'text/plain; charset="utf-8"; name="text.txt"', "Content-ID": "<text.txt>"},
        _text(text),
    )
    if picture is not None:
        story += _part(
            _INNER,
            {
                "Content-Type": f'{picture.content_type}; name="picture.jpg"',
                "Content-Transfer-Encoding": picture.encoding,
                "Content-ID": "<picture.jpg>",
                "Content-Location": "picture.jpg",
            },
            picture.octets,
        )
    body = _part(
        _OUTER,
        {"Content-Type": 'text/xml; charset="utf-8"', "Content-ID": "<soap@news.example>"},
        _envelope(_operation(to)).encode(),
    )
    body += _part(
        _OUTER,
        {
            "Content-Type": f'multipart/related; start="<smil>"; type="application/smil"; boundary="{_INNER}"',
            "Content-ID": "<story@news.example>",
        },
        story + f"--{_INNER}--\r\n".encode(),
    )
    body += f"--{_OUTER}--\r\n".encode()
    return Message(title, f'multipart/related; boundary="{_OUTER}"; type="text/xml"; start="<soap@news.example>"', body)


def _cancel() -> Message:
    operation = f"""\
    <CancelReq xmlns="{NAMESPACE}">\r
      <MM7Version>6.8.0</MM7Version>\r
      <SenderIdentification>\r
        <VASPID>acme</VASPID>\r
        <VASID>news</VASID>\r
      </SenderIdentification>\r
      <MessageID>mms00016666</MessageID>\r
    </CancelReq>\r
"""
    return Message("CancelReq", 'text/xml; charset="utf-8"', _envelope(operation).encode())


def _octets(count: int) -> bytes:
    return random.Random(7).randbytes(count)


def _base64(count: int) -> Picture:
    """A picture in base64 of about that many octets, in lines of 76."""
    lines = base64.encodebytes(_octets(count // 78 * 57)).replace(b"\n", b"\r\n")
    return Picture("image/jpeg", "base64", lines)


def _binary(count: int) -> Picture:
    return Picture("image/jpeg", "binary", _octets(count))


def _quoted_printable(count: int) -> Picture:
    """A text with an escape in every few words."""
    lines = (_SENTENCE.replace("upper", "größere") + "\n").encode() * (count // 100)
    return Picture(
        'text/plain; charset="utf-8"', "quoted-printable", quopri.encodestring(lines).replace(b"\n", b"\r\n")
    )


def _numbers(count: int) -> list[str]:
    return [f"+1202{5550000 + number}" for number in range(count)]


#: How each message is made, by its letter.
MESSAGES: Final[Mapping[str, Callable[[], Message]]] = MappingProxyType(
    {
        "a": lambda: _submit("5 KB, text and SMIL", text=2400),
        "b": lambda: _submit("100 KB base64", picture=_base64(97_000)),
        "c": lambda: _submit("300 KB binary", picture=_binary(300_000)),
        "d": lambda: _submit("5 MB base64", picture=_base64(5_000_000)),
        "e": lambda: _submit("50 MB binary", picture=_binary(50_000_000)),
        "q": lambda: _submit("100 KB quoted-printable", picture=_quoted_printable(97_000)),
        "f1": lambda: _submit("1,000 recipients", to=_numbers(1_000)),
        "f10": lambda: _submit("10,000 recipients", to=_numbers(9_999)),
        "x": _cancel,
    }
)

#: The same, with the large ones so small that a test can have them; they are still too large to stay in memory.
SMALLER: Final[Mapping[str, Callable[[], Message]]] = MappingProxyType(
    {
        **MESSAGES,
        "d": lambda: _submit("1.5 MB base64", picture=_base64(1_500_000)),
        "e": lambda: _submit("3 MB binary", picture=_binary(3_000_000)),
    }
)
