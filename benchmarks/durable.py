"""What benchmarks/durability.py serves: an endpoint that stores what it accepts where MM7_SPOOL says."""

from __future__ import annotations

import os

from mm7_wsgi import MM7Endpoint
from mm7_wsgi.spool import Spool

spool = Spool(os.environ["MM7_SPOOL"])
application = MM7Endpoint(spool, accounts={"acme": "s3cret"})
