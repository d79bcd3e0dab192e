"""Accepted means on the disk: the endpoint stores messages, and a worker takes them from there.

Run both from the folder above, each in a terminal, and send it a message from a third:

    gunicorn --chdir examples --workers 2 durable:application
    python examples/durable.py

    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret

Send it once more: the answer is the same to the last octet, and the worker gets nothing, since it had this one already.
It is stored where the environment variable MM7_SPOOL says, sqlite:////var/lib/mm7/mm7.db for instance, or for several
machines postgresql://user@host/name. Without it, that is the file mm7.db beside this one.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from mm7_wsgi import MM7Endpoint, MM7Request
from mm7_wsgi.spool import DatabaseUnavailable, Delivery, LeaseLost, Spool

spool = Spool(os.environ.get("MM7_SPOOL") or Path(__file__).with_name("mm7.db"))
application = MM7Endpoint(spool, accounts={"acme": "s3cret"})


def work(stop: threading.Event) -> None:
    """Take messages until ``stop`` is set. Any number of workers can do that, on any number of machines."""
    for delivery in spool.deliveries(lease=60, poll=0.5, stop=stop):
        with suppress(DatabaseUnavailable, LeaseLost):  # then nothing was written down, and it is handed out again
            settle(delivery)


def settle(delivery: Delivery) -> None:
    """Pass one message on, and say what became of it. Raises what a worker goes on behind."""
    try:
        forward(delivery.request, delivery)
    except DatabaseUnavailable:
        raise
    except OSError as error:  # it is not the message's fault
        delivery.retry(reason=str(error))
    except Exception as error:
        delivery.fail(f"{type(error).__name__}: {error}")
    else:
        delivery.done()


def forward(request: MM7Request, delivery: Delivery) -> None:
    """What your service does with a message. It may be called twice for one, with the same ``delivery.key``."""
    print(f"{delivery.operation} of account {request.account.name}, transaction {request.transaction_id}")
    print(f"  MessageID         {request.message_id}")
    print(f"  subject           {getattr(request.message, 'subject', None)}")
    for part in request.leaves():
        print(f"  {part.content_type:18}{len(part.data)} octets")
    print(flush=True)


if __name__ == "__main__":
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    work(ended)
