"""A relay in a process of its own, to be killed: send.py DATABASE BROKER QUEUE SECONDS."""

from __future__ import annotations

import sys

from mm7_wsgi.spool import Spool
from mm7_wsgi.spool.relay import Relay

database, broker, queue, seconds = sys.argv[1:]
Relay(Spool(database), broker, queue=queue, confirm_timeout=float(seconds), lease=2 * float(seconds), poll=0.02).run()
