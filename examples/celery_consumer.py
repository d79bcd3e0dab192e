"""Messages that a relay has put into RabbitMQ, taken from there by a worker of Celery, each once.

Run them from the folder above, each in a terminal, beside those of durable.py:

    gunicorn --chdir examples --workers 2 durable:application
    python -m mm7_wsgi spool relay --database examples/mm7.db amqp://guest:guest@127.0.0.1//
    celery --workdir examples --app celery_consumer worker --pool solo

A relay sends a message again when it cannot know whether the broker has it, and the broker does when it cannot know
whether the worker has. So the key of a message is written into a table where it can stand once, in the same transaction
as what the work on it writes; and only when that is on the disk, the broker is told to forget the message.

The environment variables MM7_BROKER and MM7_QUEUE say where messages come from, MM7_INBOX in which file of SQLite they
are kept. Without them, these are the broker above, mm7, and the file inbox.db beside this one.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from celery import Celery, bootsteps
from kombu.entity import Queue
from kombu.message import Message
from kombu.messaging import Consumer

from mm7_wsgi import MM7Request
from mm7_wsgi.spool.relayed import read_message

QUEUE = os.environ.get("MM7_QUEUE") or "mm7"
INBOX = os.environ.get("MM7_INBOX") or Path(__file__).with_name("inbox.db")
# Seconds until a message that could not be worked on is tried again.
PAUSE = 1.0

app = Celery("mm7", broker=os.environ.get("MM7_BROKER") or "amqp://guest:guest@127.0.0.1//")
# The worker makes a queue for tasks too, and an exchange for events; this example has neither.
app.conf.update(
    task_default_queue=f"{QUEUE}.tasks", event_exchange=f"{QUEUE}.events", worker_enable_remote_control=False
)


class Inbox(bootsteps.ConsumerStep):  # type: ignore[misc]
    """Consumes the queue of messages on a channel of its own.

    How many messages are sent ahead is said for the consumer, since a quorum queue knows no limit for a whole channel.
    """

    def start(self, c: Any) -> None:
        """Begin, and begin again after a loss of the connection."""
        self._timer = c.timer
        super().start(c)

    def get_consumers(self, channel: Any) -> list[Consumer]:
        """What Celery starts, and starts again after a loss of the connection."""
        queue = Queue(QUEUE, routing_key=QUEUE, durable=True, queue_arguments={"x-queue-type": "quorum"})
        return [Consumer(channel, [queue], on_message=self.on_message, accept=None, prefetch_count=1)]

    def on_message(self, message: Message) -> None:
        """Work on one message, and then have the broker forget it."""
        if message.channel.connection is None:  # lost since it was put off, and on the new one it comes again
            return
        try:
            with closing(open_inbox()) as inbox:
                work(inbox, message)
        except (OSError, sqlite3.OperationalError) as error:  # it is not the message's fault
            print(f"put off: {error}", flush=True)
            # Not given back: what was given back 20 times, RabbitMQ 4 throws away. It comes again if this worker ends.
            self._timer.call_after(PAUSE, self.on_message, (message,))
        else:
            message.ack()


app.steps["consumer"].add(Inbox)


def open_inbox() -> sqlite3.Connection:
    """The database in which all that this worker knows is kept."""
    inbox = sqlite3.connect(INBOX)
    inbox.execute("PRAGMA synchronous = FULL")
    inbox.execute("CREATE TABLE IF NOT EXISTS seen (key TEXT NOT NULL UNIQUE, reason TEXT, body BLOB)")
    inbox.execute("CREATE TABLE IF NOT EXISTS inbox (account TEXT, subject TEXT, parts INTEGER)")
    return inbox


def work(inbox: sqlite3.Connection, message: Message) -> None:
    """Keep one message, unless it is there already. One that cannot be worked on is kept for somebody to look at."""
    key = message.headers.get("key") or f"none, but {uuid4()}"  # not from a relay, and nothing to drop it by
    with inbox:  # one transaction
        try:
            inbox.execute("INSERT INTO seen (key) VALUES (?)", [key])
        except sqlite3.IntegrityError:
            print(f"dropped, since it was here before: {key}", flush=True)
            return
        inbox.execute("SAVEPOINT work")
        try:
            with closing(read_message(message.body, message.content_type, message.headers)) as stored:
                forward(inbox, stored.request)
        except (OSError, sqlite3.OperationalError):
            raise
        except Exception as error:
            inbox.execute("ROLLBACK TO work")
            inbox.execute("UPDATE seen SET reason = ?, body = ? WHERE key = ?", [repr(error), message.body, key])
            print(f"laid aside: {error}", flush=True)


def forward(inbox: sqlite3.Connection, request: MM7Request) -> None:
    """What your service does with a message: what it writes here, it writes once."""
    subject = getattr(request.message, "subject", None)
    values = [request.account.name, subject, len(list(request.leaves()))]
    inbox.execute("INSERT INTO inbox VALUES (?, ?, ?)", values)
    print(f"{request.message.element_name} of account {request.account.name}, subject {subject}", flush=True)
