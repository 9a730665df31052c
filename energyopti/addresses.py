"""Whose address a request came from, where people are counted by it."""

from __future__ import annotations

import ipaddress


def counted_as(address: str) -> str:
    """An IPv4 address as it is, also one that a proxy writes as ::ffff:192.0.2.1; of IPv6 the /64 that one customer has. Empty: none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
