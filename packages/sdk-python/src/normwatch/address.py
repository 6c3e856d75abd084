"""Addresses of a server: `http://host:4280/base`, `https://…`, or `unix:/path` for a Unix socket."""

from __future__ import annotations

import http.client
import re
import socket
from urllib.parse import urlsplit

UNIX = "unix:"
FORWARDED = "http://localhost:4280"
"""Where the pages of a server on a Unix socket are reached after `ssh -L 4280:/path`."""


def is_address(url: object) -> bool:
    """Whether this is the address of a server, without a user name, password, query or fragment."""
    if isinstance(url, str) and url.startswith(UNIX):
        return re.fullmatch(r"unix:/[^\x00-\x1f]+", url) is not None
    try:
        parts = urlsplit(url)  # type: ignore[call-overload]
        is_bare = not (parts.username or parts.password or parts.query or parts.fragment)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and is_bare
    except (ValueError, TypeError, AttributeError):  # an invalid port, or not a string
        return False


def is_loopback(url: str) -> bool:
    """Whether the address can only be reached from this machine."""
    name = urlsplit(url).hostname or ""
    return url.startswith(UNIX) or name in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", name) is not None


def page_of(url: str, run: str) -> str:
    """The address of a run's page in a browser."""
    return f"{FORWARDED if url.startswith(UNIX) else url}/runs/{run}"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except BaseException:
            self.close()
            raise


def connection_to(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not open yet, and the path to put before the path of each request."""
    if url.startswith(UNIX):
        return UnixConnection(url[len(UNIX) :], timeout), ""
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    # the port is explicit, because the last group of an IPv6 address would be read as a port otherwise
    connection = connect(parts.hostname or "", parts.port or connect.default_port, timeout=timeout)
    return connection, parts.path
