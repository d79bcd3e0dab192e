"""Serves an application with a server whose own command line cannot be handed a socket that listens already.

python serve.py waitress 7 module:application    7 is the number of the socket
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from typing import Any

THREADS = 4


def waitress(listener: socket.socket, application: Any) -> None:
    from waitress import serve

    serve(application, sockets=[listener], threads=THREADS)


def cheroot(listener: socket.socket, application: Any) -> None:
    from cheroot.wsgi import Server

    # It takes its socket as systemd hands it over.
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    Server(("127.0.0.1", 0), application, numthreads=THREADS, timeout=60).start()


def wsgiref(listener: socket.socket, application: Any) -> None:
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    server = WSGIServer(listener.getsockname(), WSGIRequestHandler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()
    server.setup_environ()
    server.set_app(application)
    server.serve_forever()


def werkzeug(listener: socket.socket, application: Any) -> None:
    from werkzeug.serving import make_server

    make_server("127.0.0.1", 0, application, threaded=True, fd=listener.fileno()).serve_forever()


if __name__ == "__main__":
    name, number, place = sys.argv[1:]
    # Where systemd would have it, before anything else is opened there.
    os.dup2(int(number), 3)
    module, _, attribute = place.partition(":")
    # What is beside this file is not what the server is to find by these names.
    sys.path[0] = os.getcwd()
    application = getattr(importlib.import_module(module), attribute)
    servers = {"waitress": waitress, "cheroot": cheroot, "wsgiref": wsgiref, "werkzeug": werkzeug}
    servers[name](socket.socket(fileno=3), application)
