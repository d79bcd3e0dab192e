"""A way to a server that can be closed, cut and stopped up, as a network and a machine that hangs do it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any


class Proxy:
    """Forwards what comes to :attr:`port` of this machine to ``place``, a host and a port."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._place = place
        self._flows = {True: threading.Event(), False: threading.Event()}
        self._changed = threading.Condition()
        self._held: set[bool] = set()
        self._unheard: bytes | None = None
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._listener: socket.socket | None = None
        #: Connections that came so far.
        self.count = 0
        self.port = 0
        #: For who is told by a URL where to connect to.
        self.url = ""
        self.thaw()
        self.listen()

    def listen(self) -> None:
        """Take connections."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept, listener)

    def refuse(self) -> None:
        """Take no connections any more."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def cut(self) -> None:
        """End the connections that there are."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def freeze(self, *, only_answers: bool = False) -> None:
        """Forward nothing, or nothing of what the server says. Connections stay, and new ones come."""
        self._flows[False].clear()
        if not only_answers:
            self._flows[True].clear()

    def hold(self, marker: bytes) -> None:
        """Forward nothing more of a connection from where this is in what the client says."""
        self._flows[True].clear()
        self._unheard = marker

    def thaw(self) -> None:
        """Forward again, and what was held first."""
        self._unheard = None
        for each in self._flows.values():
            each.set()
        with self._changed:
            self._held.clear()

    def wait_until_held(self, *, answers: bool) -> None:
        """Until something came that is not forwarded now."""
        with self._changed:
            assert self._changed.wait_for(lambda: (not answers) in self._held, timeout=30)

    def say(self, octets: bytes) -> None:
        """Say this to the clients, as if the server did."""
        for client in self._sockets[::2]:
            with contextlib.suppress(OSError):  # it was cut
                client.sendall(octets)

    def close(self) -> None:
        """End all of it."""
        self.refuse()
        self.thaw()
        self.cut()
        for thread in self._threads:
            thread.join(30)
        for each in self._sockets:
            each.close()

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.count += 1
            try:
                server = socket.create_connection(self._place)
            except OSError:
                client.close()
                continue
            self._sockets += (client, server)
            for pair in ((client, server, True), (server, client, False)):
                self._start(self._forward, *pair)

    def _forward(self, source: socket.socket, target: socket.socket, is_request: bool) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                heard = is_request and self._unheard is not None and self._unheard not in octets
                if not heard and not self._flows[is_request].is_set():
                    with self._changed:
                        self._held.add(is_request)
                        self._changed.notify_all()
                    self._flows[is_request].wait()
                target.sendall(octets)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
