"""Writes the messages beside it: each is a NAME.headers and a NAME.body.

    python examples/messages/make.py            writes them
    python examples/messages/make.py --check    says whether what is there is what it would write

    curl -H @NAME.headers --data-binary @NAME.body http://127.0.0.1:8000/mm7/acme=s3cret

The bodies are as they travel: CRLF at the end of each line, and pictures as octets. The headers are one to a line, and
end in LF: curl from 8.13 on takes the CR of a CRLF for a part of the value. Content-Length is left out, curl adds it.

Nobody is meant: the hosts end in .example, and the telephone numbers are of the range that is kept free for fiction.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import sys
from pathlib import Path
from typing import NamedTuple

import pictures

NAMESPACE = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"


class Message(NamedTuple):
    """A request as curl wants it: the lines of the HTTP header, and the body."""

    headers: str
    body: bytes


def submit() -> Message:
    """A SubmitReq with most of what it can hold, a text and a GIF in base64: the example of TS 23.140, in our words."""
    outer, inner = "NextPart_000_0028_01DC7B2A.84698430", "StoryParts-74526-8432-2030-01021"
    operation = f"""\
    <SubmitReq xmlns="{NAMESPACE}">
      <MM7Version>6.8.0</MM7Version>
      <SenderIdentification>
        <VASPID>acme</VASPID>
        <VASID>news</VASID>
        <SenderAddress>
          <ShortCode>72550</ShortCode>
        </SenderAddress>
      </SenderIdentification>
      <Recipients>
        <To>
          <Number>+12025550101</Number>
          <RFC2822Address displayOnly="true">readers@news.example</RFC2822Address>
        </To>
        <Cc>
          <Number>+12025550102</Number>
        </Cc>
        <Bcc>
          <RFC2822Address>archive@news.example</RFC2822Address>
          <ShortCode>72551</ShortCode>
        </Bcc>
      </Recipients>
      <ServiceCode>news-daily</ServiceCode>
      <LinkedID>mms-20300101-0007</LinkedID>
      <MessageClass>Informational</MessageClass>
      <TimeStamp>2030-01-02T09:30:47-05:00</TimeStamp>
      <EarliestDeliveryTime>2030-01-02T10:00:00-05:00</EarliestDeliveryTime>
      <ExpiryDate>P90D</ExpiryDate>
      <DeliveryReport>true</DeliveryReport>
      <Priority>Normal</Priority>
      <Subject>News for today</Subject>
      <ChargedParty>Sender</ChargedParty>
      <DistributionIndicator>true</DistributionIndicator>
      <Content href="cid:saturn-20300102@news.example" allowAdaptations="true"/>
    </SubmitReq>
"""
    text = "Science news: the rings of Saturn are wide open this month.\nThe newest picture is below.\n"
    return Message(
        multipart_header(outer, start="<mm7-submit-0001@news.example>"),
        multipart(
            outer,
            part(
                """\
                Content-Type: text/xml; charset="utf-8"
                Content-ID: <mm7-submit-0001@news.example>
                """,
                envelope("vas-20300102-0001", operation),
            ),
            part(
                f"""\
                Content-Type: multipart/mixed; boundary="{inner}"
                Content-ID: <saturn-20300102@news.example>
                """,
                multipart(
                    inner,
                    part('Content-Type: text/plain; charset="us-ascii"', crlf(text)),
                    part(
                        """\
                        Content-Type: image/gif; name="saturn.gif"
                        Content-ID: <saturn.gif>
                        Content-Transfer-Encoding: base64
                        """,
                        in_base64(pictures.gif(pictures.draw(pictures.saturn, 17))),
                    ),
                ),
            ),
        ),
    )


def smil() -> Message:
    """A SubmitReq of two slides: SMIL, a text as it is and one quoted-printable, a PNG as it is, a JPEG in base64."""
    outer, inner = "----=_Part_114_1408652511.1893594647123", "----=_Part_113_0209714358.1893594647120"
    operation = f"""\
    <SubmitReq xmlns="{NAMESPACE}">
      <MM7Version>6.8.0</MM7Version>
      <SenderIdentification>
        <VASPID>acme</VASPID>
        <VASID>sky</VASID>
      </SenderIdentification>
      <Recipients>
        <To>
          <Number>+12025550101</Number>
        </To>
      </Recipients>
      <MessageClass>Personal</MessageClass>
      <TimeStamp>2030-01-02T14:30:47Z</TimeStamp>
      <ExpiryDate>2030-01-09T14:30:47Z</ExpiryDate>
      <DeliveryReport>true</DeliveryReport>
      <ReadReply>true</ReadReply>
      <Priority>High</Priority>
      <Subject>Soirée with Saturn</Subject>
      <ContentClass>image-basic</ContentClass>
      <Content href="cid:slides@sky.example" allowAdaptations="false"/>
    </SubmitReq>
"""
    presentation = """\
<smil>
  <head>
    <layout>
      <root-layout width="176" height="208"/>
      <region id="Image" left="0" top="0" width="176" height="144" fit="meet"/>
      <region id="Text" left="0" top="144" width="176" height="64"/>
    </layout>
  </head>
  <body>
    <par dur="8s">
      <img src="cid:saturn.png" region="Image"/>
      <text src="cid:saturn.txt" region="Text"/>
    </par>
    <par dur="8s">
      <img src="cid:moon.jpg" region="Image"/>
      <text src="cid:moon.txt" region="Text"/>
    </par>
  </body>
</smil>
"""
    saturn_text = "Saturn, 22:40, high in the south, 12° up: look for the ring.\n"
    moon_text = (
        "Für Frühaufsteher: ein schmaler Mond über den Hügeln.\n"
        "Au lever du jour à l'est, un fin croissant de lune. Świt, wąski sierp księżyca. = 6:15\n"
    )
    return Message(
        multipart_header(outer, start="<envelope-0002@sky.example>"),
        multipart(
            outer,
            part(
                """\
                Content-Type: text/xml; charset="utf-8"
                Content-ID: <envelope-0002@sky.example>
                """,
                envelope("vas-20300102-0002", operation),
            ),
            part(
                f"""\
                Content-Type: multipart/related; type="application/smil"; start="<slides.smil>"; boundary="{inner}"
                Content-ID: <slides@sky.example>
                """,
                multipart(
                    inner,
                    part(
                        """\
                        Content-Type: application/smil; charset="utf-8"
                        Content-ID: <slides.smil>
                        """,
                        crlf(presentation),
                    ),
                    part(
                        """\
                        Content-Type: image/png
                        Content-ID: <saturn.png>
                        Content-Location: saturn.png
                        Content-Transfer-Encoding: binary
                        """,
                        pictures.png(pictures.draw(pictures.saturn, 17)),
                    ),
                    part(
                        """\
                        Content-Type: text/plain; charset="utf-8"
                        Content-ID: <saturn.txt>
                        Content-Location: saturn.txt
                        Content-Transfer-Encoding: 8bit
                        """,
                        crlf(saturn_text),
                    ),
                    part(
                        """\
                        Content-Type: image/jpeg
                        Content-ID: <moon.jpg>
                        Content-Location: moon.jpg
                        Content-Transfer-Encoding: base64
                        """,
                        in_base64(pictures.jpeg(pictures.draw(pictures.moon, 1))),
                    ),
                    part(
                        """\
                        Content-Type: text/plain; charset="utf-8"
                        Content-ID: <moon.txt>
                        Content-Location: moon.txt
                        Content-Transfer-Encoding: quoted-printable
                        """,
                        binascii.b2a_qp(crlf(moon_text)),
                    ),
                ),
            ),
        ),
    )


def deliver() -> Message:
    """A DeliverReq: an MMSC brings a VASP a photograph, which is by itself the content, in no transfer encoding."""
    boundary = "mm7_boundary_5f2d8c1e7a9b4036_20300102"
    operation = f"""\
    <mm7:DeliverReq xmlns:mm7="{NAMESPACE}">
      <mm7:MM7Version>6.8.0</mm7:MM7Version>
      <mm7:MMSRelayServerID>mmsc.operator.example</mm7:MMSRelayServerID>
      <mm7:LinkedID>mms-20300101-0007</mm7:LinkedID>
      <mm7:Sender>
        <mm7:Number>+12025550101</mm7:Number>
      </mm7:Sender>
      <mm7:Recipients>
        <mm7:To>
          <mm7:ShortCode>72550</mm7:ShortCode>
        </mm7:To>
      </mm7:Recipients>
      <mm7:TimeStamp>2030-01-02T18:05:12-05:00</mm7:TimeStamp>
      <mm7:Priority>Normal</mm7:Priority>
      <mm7:Subject>The moon from our balcony</mm7:Subject>
      <mm7:Content href="cid:photo-0003@mmsc.operator.example"/>
    </mm7:DeliverReq>
"""
    return Message(
        multipart_header(boundary, start="<envelope-0003@mmsc.operator.example>"),
        multipart(
            boundary,
            part(
                """\
                Content-Type: text/xml; charset="utf-8"
                Content-ID: <envelope-0003@mmsc.operator.example>
                """,
                envelope("mmsc-20300102-0003", operation),
            ),
            part(
                """\
                Content-Type: image/jpeg
                Content-ID: <photo-0003@mmsc.operator.example>
                Content-Disposition: attachment; filename="moon.jpg"
                """,
                pictures.jpeg(pictures.draw(pictures.moon, 1)),
            ),
        ),
    )


def delivery_report() -> Message:
    """A DeliveryReportReq: an MMSC tells a VASP that a recipient has fetched the message. There is no content."""
    operation = f"""\
    <mm7:DeliveryReportReq xmlns:mm7="{NAMESPACE}">
      <mm7:MM7Version>6.8.0</mm7:MM7Version>
      <mm7:MMSRelayServerID>mmsc.operator.example</mm7:MMSRelayServerID>
      <mm7:MessageID>mms-20300102-0001</mm7:MessageID>
      <mm7:Recipient>
        <mm7:Number>+12025550101</mm7:Number>
      </mm7:Recipient>
      <mm7:Sender>
        <mm7:ShortCode>72550</mm7:ShortCode>
      </mm7:Sender>
      <mm7:Date>2030-01-02T10:02:31-05:00</mm7:Date>
      <mm7:MMStatus>Retrieved</mm7:MMStatus>
      <mm7:StatusText>Fetched by the handset</mm7:StatusText>
    </mm7:DeliveryReportReq>
"""
    return Message(XML_HEADER, envelope("mmsc-20300102-0004", operation))


def cancel() -> Message:
    """A CancelReq: a VASP takes back what it submitted. There is no content."""
    operation = f"""\
    <CancelReq xmlns="{NAMESPACE}">
      <MM7Version>6.8.0</MM7Version>
      <SenderIdentification>
        <VASPID>acme</VASPID>
        <VASID>news</VASID>
      </SenderIdentification>
      <MessageID>mms-20300102-0001</MessageID>
    </CancelReq>
"""
    return Message(XML_HEADER, envelope("vas-20300102-0005", operation))


XML_HEADER = 'Content-Type: text/xml; charset="utf-8"\nSOAPAction: ""\n'


def multipart_header(boundary: str, *, start: str) -> str:
    """The HTTP header of a message with content."""
    return (
        f'Content-Type: multipart/related; boundary="{boundary}"; type="text/xml"; start="{start}"\n'  #
        'SOAPAction: ""\n'
    )


def multipart(boundary: str, *parts: bytes) -> bytes:
    """The parts between their delimiter lines."""
    delimiter = b"--" + boundary.encode()
    if any(delimiter in each for each in parts):
        raise ValueError(f"the boundary {boundary} is in a part")
    return b"".join(delimiter + b"\r\n" + each + b"\r\n" for each in parts) + delimiter + b"--\r\n"


def part(headers: str, content: bytes) -> bytes:
    """The headers, indented or not, an empty line, and the content."""
    lines = [line.strip() for line in headers.strip().splitlines()]
    return crlf("\n".join(lines)) + b"\r\n\r\n" + content


def envelope(transaction_id: str, operation: str) -> bytes:
    """The SOAP envelope around an operation."""
    return crlf(f"""\
<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/">
  <env:Header>
    <mm7:TransactionID xmlns:mm7="{NAMESPACE}" env:mustUnderstand="1">{transaction_id}</mm7:TransactionID>
  </env:Header>
  <env:Body>
{operation}\
  </env:Body>
</env:Envelope>
""")


def in_base64(data: bytes) -> bytes:
    """The data in lines of 76 characters."""
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def crlf(text: str) -> bytes:
    """The text in UTF-8, with the line ends that MIME wants."""
    return text.replace("\n", "\r\n").encode()


MESSAGES = {
    "submit": submit,
    "smil": smil,
    "deliver": deliver,
    "delivery-report": delivery_report,
    "cancel": cancel,
}


def files() -> dict[Path, bytes]:
    """What belongs into the files, by path."""
    folder = Path(__file__).parent
    made: dict[Path, bytes] = {}
    for name, message in MESSAGES.items():
        headers, body = message()
        made[folder / f"{name}.headers"] = headers.encode()
        made[folder / f"{name}.body"] = body
    return made


def main() -> int:
    """Writes the files, or checks them."""
    parser = argparse.ArgumentParser(description="Writes the example messages.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a file is not as it would be written"
    )
    check = parser.parse_args().check
    status = 0
    for path, data in files().items():
        if not check:
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            print(f"{path} is not what make.py writes", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
