"""Addresses and networks as hosts write them."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from mm7_wsgi.networks import has_wildcard, network_of


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.9/24", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:192.0.2.7/95", "::fffe:0:0/95"),
        ("::/96", "::/96"),
        ("::/0", "::/0"),
        ("192.0.2.*", "192.0.2.0/24"),
        ("192.0.*.*", "192.0.0.0/16"),
        ("192.0.*", "192.0.0.0/16"),
        ("10.*.*.*", "10.0.0.0/8"),
        ("10.*.*", "10.0.0.0/8"),
        ("10.*", "10.0.0.0/8"),
        ("255.255.255.*", "255.255.255.0/24"),
    ],
)
def test_a_network_is_read(text: str, network: str) -> None:
    """Bits of a host may be set, and what is mapped from IPv4 is IPv4, as addresses are."""
    assert network_of(text) == ip_network(network)


@pytest.mark.parametrize("text", ["", "acme", "192.0.2.256", "192.0.2", "010.0.0.1", "192.0.2.7/33", "192.0.2.7:80"])
def test_what_is_no_network_is_an_error_that_shows_it(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 network") as refusal:
        network_of(text)
    assert repr(text) in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        *["*", "*.*.*.*", "*.0.2.7", "192.*.2.7", "192.0.*.7", "192.*.2.*", "192.0.2.7*", "192.0.2.*7", "192.0.2.**"],
        *[
            "192.0.2.7.*",
            "192.0.2.*.*",
            "10.*.*.*.*",
            "192.0.2.*/24",
            "192.0.2*",
            "192..*",
            ".*",
            "10.*.",
            "2001:db8::*",
        ],
        *["192.0.2.*\n", " 192.0.2.*", "acme.*", "1\u0663.*"],
    ],
)
def test_a_wildcard_stands_for_octets_at_the_end(text: str) -> None:
    with pytest.raises(ValueError, match=r"a \* stands for an octet at the end of an IPv4 address") as refusal:
        network_of(text)
    assert repr(text) in str(refusal.value)


@pytest.mark.parametrize("text", ["256.*", "192.0.300.*", "010.*", "1234.*.*.*"])
def test_an_octet_before_a_wildcard_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 network"):
        network_of(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.0.2.*", True),
        ("192.*.2.7", True),
        ("*.*", True),
        ("192.0.2.7", False),
        ("192.0.2.0/24", False),
        ("*", False),
        ("7*", False),
        ("acme.*", False),
        ("2001:db8::*", False),
    ],
)
def test_what_can_only_be_meant_as_an_address(text: str, meant: bool) -> None:
    assert has_wildcard(text) is meant
