"""Test a handler the way that peers will call it: through its whole application, with whole messages.

::

    from mm7_wsgi.testing import MM7Client, irregular

    client = MM7Client(application, "acme", "s3cret")
    assert client.submit(to="+12025550101", parts=[("image/jpeg", picture)]).accepted
    assert client.send(irregular("line-ends")).accepted

pytest finds the fixture ``mm7_client``, which is :class:`MM7Client`, by itself.
"""

from .client import Answer, MM7Client
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
    "Answer",
    "MM7Client",
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
