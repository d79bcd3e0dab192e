"""Whether the process that has claimed a request is still there, as far as this one can tell.

A process is named by its pid, by when it began, and by where that pid means something: the machine since it was booted,
the container and its clock. So neither a pid that was given out again nor another container is taken for it.
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
from typing import Final

__all__ = ["identify", "is_gone"]

# The place, the pid, and the start in ticks since the machine was booted.
_LAYOUT: Final = struct.Struct(">16sIQ")
#: Bytes of a token that may stand before the name of a process.
TOKEN: Final = 16

# By pid: some servers fork without a word to Python.
_names: dict[int, bytes] = {}


def identify() -> bytes:
    """Return the 28 bytes that name this process; none where that is not known: anywhere but on Linux with its /proc.

    A child that was forked has a name of its own.
    """
    pid = os.getpid()
    name = _names.get(pid)
    if name is None:
        name = _names[pid] = _identify(pid)
    return name


def is_gone(owner: bytes) -> bool:
    """Return whether the process has ended that is named in ``owner``, after a token of 16 bytes.

    Return False where that cannot be known: for a process of another machine or another container, or one that had no
    name.
    """
    name, here = owner[TOKEN:], identify()
    if not here or len(name) != _LAYOUT.size or name == here:
        return False
    place, pid, start = _LAYOUT.unpack(name)
    if place != _LAYOUT.unpack(here)[0]:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # another user's, whose files in /proc may be hidden
        pass
    try:
        found = _Status(pid)
    except OSError:  # hidden, or it has ended just now
        return False
    return found.start != start or found.has_ended


class _Status:
    """A process as /proc/PID/stat has it (proc(5)). Raises ``OSError`` where there is none."""

    def __init__(self, pid: int | str) -> None:
        with open(f"/proc/{pid}/stat", "rb") as file:
            before, _, after = file.read().rpartition(b")")  # its name may hold anything
        fields = after.split()
        self.pid = int(before.split()[0])
        #: Whether it only waits for its parent to ask. Where its first thread has ended alone, it has others.
        self.has_ended = fields[0] in (b"Z", b"X") and int(fields[17]) <= 1
        self.start = int(fields[19])


def _identify(pid: int) -> bytes:
    if sys.platform != "linux":
        return b""
    try:
        status = _Status("self")
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            boot = file.read()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return b""
    if status.pid != pid:  # the /proc of another container
        return b""
    # The name of the machine too, since two that go on from one snapshot have one boot.
    place = (boot, namespace, _clock(), os.uname().nodename)
    return _LAYOUT.pack(hashlib.sha256(ascii(place).encode()).digest()[:16], pid, status.start)


def _clock() -> str:
    """Return the namespace of time, by whose clock the start of a process is shown; none before Linux 5.6."""
    try:
        return os.readlink("/proc/self/ns/time")
    except OSError:
        return ""


if hasattr(os, "register_at_fork"):  # pragma: no branch - where there is none, nothing forks
    os.register_at_fork(after_in_child=_names.clear)
