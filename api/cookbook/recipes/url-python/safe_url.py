"""URLs that somebody else chose, checked before we connect to them.

    target = check_url(text)          # or UnsafeUrl
    connect to one of target.addresses (not to the name: it may resolve to
    something else the next time), with target.host for Host and TLS

Redirects are new URLs: check each, do not let the HTTP library follow them.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

SCHEMES = {"http": 80, "https": 443}
PORTS = frozenset({80, 443, 8080, 8443})
LENGTH_MAX = 2048
ADDRESSES_MAX = 32

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# NAT64 and 6to4 carry an IPv4 address that the connection ends at.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
# ::a.b.c.d, long abandoned, but understood here and there
_COMPATIBLE = ipaddress.ip_network("::/96")


class UnsafeUrl(ValueError):
    """We must not connect to this; the text says why."""


@dataclass(frozen=True)
class Target:
    scheme: str
    host: str
    port: int
    path: str         # with the query
    addresses: tuple  # of ipaddress objects, each public


def _embedded(address):
    """The IPv4 address that an IPv6 one stands for, or None."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def is_public(address):
    """Is it plainly an address of the public internet?"""
    if address.version == 6:
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address in _SITE_LOCAL or address.scope_id is not None:
            return False
    return (address.is_global and not address.is_multicast
            and not address.is_reserved and not address.is_unspecified
            and not address.is_loopback and not address.is_link_local)


def _literal_address(host):
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_name(host):
    """A plain DNS name in lower case, as every part of the way reads it."""
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(x) for x in labels):
        raise UnsafeUrl("the host is no plain name")
    if len(labels) < 2:
        raise UnsafeUrl("the host has no domain")
    # 127.1, 0x7f.1, 2130706433: numbers that libraries read as addresses
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        raise UnsafeUrl("the host is an odd spelling of an address")


def _split(text):
    if not isinstance(text, str) or not 1 <= len(text) <= LENGTH_MAX:
        raise UnsafeUrl(f"not a text of 1 to {LENGTH_MAX} characters")
    if not text.isascii() or not text.isprintable() or set(text) & set(' \\'):
        # Parsers do not agree on what such characters do.
        raise UnsafeUrl("a character that no URL has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UnsafeUrl("it cannot be parsed") from error
    return parts, port


def _resolve(host, port):
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [entry[4][0] for entry in found]


def _addresses(host, port, resolve):
    literal = _literal_address(host)
    if literal is not None:
        return (literal,)
    _check_name(host)
    try:
        texts = resolve(host, port)
        found = tuple(dict.fromkeys(map(ipaddress.ip_address, texts)))
    except (OSError, ValueError) as error:
        raise UnsafeUrl("the host does not resolve") from error
    if not 1 <= len(found) <= ADDRESSES_MAX:
        raise UnsafeUrl("the host has no address, or too many")
    return found


def check_url(text, ports=PORTS, resolve=_resolve):
    """Where to connect to; UnsafeUrl unless all of it is plainly public."""
    parts, port = _split(text)
    if parts.scheme not in SCHEMES:
        raise UnsafeUrl("the scheme is neither http nor https")
    if "@" in parts.netloc:
        raise UnsafeUrl("it has a user or a password")
    if parts.fragment or text.endswith("#"):
        raise UnsafeUrl("it has a fragment")
    host = (parts.hostname or "").lower()
    if not host:
        raise UnsafeUrl("it has no host")
    if port is None:
        port = SCHEMES[parts.scheme]
    if port not in ports:
        raise UnsafeUrl(f"port {port} is not allowed")
    addresses = _addresses(host, port, resolve)
    for address in addresses:
        if not is_public(address):
            raise UnsafeUrl("the host has an address that is not public")
    path = parts.path or "/"
    if parts.query:
        path += "?" + parts.query
    return Target(parts.scheme, host, port, path, addresses)
