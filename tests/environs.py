"""Raw environs and headers, as servers hand them over, for the tests of credentials and of their redaction."""

from __future__ import annotations

import base64
from typing import Any


def environ_of(path_info: str, script_name: str = "", **more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "REMOTE_ADDR": "192.0.2.7",
    } | more


def basic(userpass: str | bytes, scheme: str = "Basic ") -> str:
    octets = userpass.encode() if isinstance(userpass, str) else userpass
    return scheme + base64.b64encode(octets).decode()
