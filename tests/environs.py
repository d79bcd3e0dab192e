"""Raw environs and headers, as servers hand them over, for the tests of credentials and of their redaction."""

from __future__ import annotations

import base64
import hashlib
import re
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


def answered(challenge: str, name: str, secret: str, uri: str = "/mm7") -> str:
    """The Authorization that answers a challenge of Digest (RFC 7616, 3.4.1)."""
    found = dict(re.findall(r'(\w+)="?([^",]*)', challenge))

    def digest(text: str) -> str:
        return hashlib.new(found["algorithm"].replace("-", "").lower(), text.encode()).hexdigest()

    ha1, ha2 = digest(f"{name}:{found['realm']}:{secret}"), digest(f"POST:{uri}")
    proof = digest(f"{ha1}:{found['nonce']}:00000001:0a4f113b:auth:{ha2}")
    return (
        f'Digest username="{name}", realm="{found["realm"]}", nonce="{found["nonce"]}", uri="{uri}", qop=auth, '
        f'nc=00000001, cnonce="0a4f113b", response="{proof}", algorithm={found["algorithm"]}'
    )
