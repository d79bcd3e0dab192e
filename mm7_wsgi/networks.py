"""Addresses and networks as hosts write them."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

__all__ = ["IPNetwork", "has_wildcard", "network_of"]

IPNetwork: TypeAlias = IPv4Network | IPv6Network

# Octets, then wildcards. How many of both there are is looked at apart, and how large an octet is, by ip_network.
_WILDCARDS = re.compile(r"((?:[0-9]+\.){1,3})\*(?:\.\*)*")


def network_of(text: str) -> IPNetwork:
    """An address (``192.0.2.7``), a network (``2001:db8::/32``), or ``192.0.2.*``, where each ``*`` is any octet.

    Bits of a host may be set. The wildcards stand at the end, and all but the first can be left out: ``10.*.*.*`` is
    ``10.*``. An IPv4-mapped network is the IPv4 one, as addresses are. Raises ``ValueError`` that shows
    the text.
    """
    network = ip_network(_without_wildcards(text) if "*" in text else text, strict=False)
    if isinstance(network, IPv6Network):
        # Of an address with host bits, only what the prefix covers is left: mapped is what is mapped as a whole.
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


def has_wildcard(text: str) -> bool:
    """Whether ``text`` can only be meant as an IPv4 address with wildcards, be they at their place or not."""
    return "*" in text and "." in text and not text.strip("0123456789.*")


def _without_wildcards(text: str) -> str:
    found = _WILDCARDS.fullmatch(text)
    if found is None or text.count(".") > 3:
        raise ValueError(f"{text!r}: a * stands for an octet at the end of an IPv4 address, as in 192.0.2.* or 10.*")
    octets = found[1].count(".")
    return f"{found[1]}{'.'.join('0' * (4 - octets))}/{8 * octets}"
