"""Durable acceptance (the extra ``spool``): nothing accepted is lost, and nothing is accepted twice.

::

    from mm7_wsgi.spool import Spool, TransactionLog

    MM7Endpoint(handler, accounts=…, transactions=TransactionLog("sqlite:///mm7.db"))  # for any handler

    spool = Spool("sqlite:///mm7.db")                                                  # accepted means on the disk
    application = MM7Middleware(application, spool, accounts=…)

    for delivery in spool.claim(limit=10, lease=60):                                   # a worker
        forward(delivery.request)
        delivery.done()                                                                # or .retry(), .fail("why")
"""

from .database import DatabaseUnavailable, SchemaError
from .delivery import Delivery, LeaseLost
from .spool import Spool
from .store import Stored
from .stored import StoredMessage
from .transactions import TransactionLog

__all__ = [
    "DatabaseUnavailable",
    "Delivery",
    "LeaseLost",
    "SchemaError",
    "Spool",
    "Stored",
    "StoredMessage",
    "TransactionLog",
]
