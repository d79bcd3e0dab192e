"""Addresses and networks as hosts write them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

__all__ = ["IPNetwork", "network_of"]

IPNetwork: TypeAlias = IPv4Network | IPv6Network


def network_of(text: str) -> IPNetwork:
    """Raises ``ValueError``. Host bits may be set. An IPv4-mapped network is the IPv4 one, as addresses are."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network):
        # Of an address with host bits, only what the prefix covers is left: mapped is what is mapped as a whole.
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network
