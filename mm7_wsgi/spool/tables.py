"""The tables, the same for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

#: What of the tables has to be as it is here. A database that says another number is not touched.
SCHEMA_VERSION: Final = 1

#: Octets of a body that are in one row: what a process has of a video at a time.
PIECE: Final = 512 * 1024

metadata = sa.MetaData()

#: One row: the version of all that follows.
schema = sa.Table(
    "mm7_schema",
    metadata,
    sa.Column("version", sa.Integer, nullable=False),
)

#: Requests that came, so that they are known when they come again.
transactions = sa.Table(
    "mm7_transactions",
    metadata,
    # Counts up, so that the oldest are found without an index of their own.
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    # A digest, because a TransactionID may be longer than what PostgreSQL puts into an index.
    sa.Column("key", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    # Who handles it still; NULL once it has been answered.
    sa.Column("owner", sa.LargeBinary(16)),
    # Seconds since 1970: when it is forgotten or, while somebody handles it, when that is not believed any more.
    sa.Column("expires", sa.Double, nullable=False),
    sa.Column("code", sa.Integer),
    sa.Column("message_id", sa.Text),
    sa.Column("answer", sa.LargeBinary),
)

#: Messages that were accepted and are not done.
messages = sa.Table(
    "mm7_messages",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    # Seconds since 1970: when it is handed out next. A lease is no more than that it is put off.
    sa.Column("due", sa.Double, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    # Who has it in hand.
    sa.Column("lease", sa.LargeBinary(16)),
    # Why it was put off, or given up.
    sa.Column("reason", sa.Text),
    sa.Column("key", sa.LargeBinary(32), nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("remote_addr", sa.Text),
    sa.Column("received", sa.Double, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("content_type", sa.LargeBinary, nullable=False),
    # NULL where it is in pieces. The last column, so that none lies behind it.
    sa.Column("body", sa.LargeBinary),
)
_is_waiting = messages.c.state == sa.literal_column("'waiting'")
sa.Index("mm7_messages_due", messages.c.due, messages.c.id, sqlite_where=_is_waiting, postgresql_where=_is_waiting)

#: The bodies that are larger than a piece.
pieces = sa.Table(
    "mm7_pieces",
    metadata,
    sa.Column("message", messages.c.id.type, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("octets", sa.LargeBinary, nullable=False),
)
