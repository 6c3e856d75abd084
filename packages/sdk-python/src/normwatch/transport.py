"""A small HTTP client: one kept-alive connection, gzip for large bodies, limits on time and answer size."""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401 - imported now, because a fork during a later import would break the child
import gzip
import http.client
import json
import socket
import ssl
import time
from typing import Any
from urllib.parse import quote

from .address import connection_to
from .error_reply import read_error_code
from .retry import Reply, read_retry_after

CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 10.0
"""Seconds to connect, and seconds for the whole answer."""
GZIP_FROM = 16 * 1024
MAX_REPLY_BYTES = 16 * 1024 * 1024
"""More than any answer of the server, the largest of which is a run with its config."""


class Transport:
    """Requests to one server, from one thread. Never raises: a failure is a `Reply` without a status."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self._connection, path = connection_to(url, CONNECT_TIMEOUT)
        self._prefix = quote(path, safe="/%:@!$&'()*+,;=~")
        self._is_aborted = False
        self._headers = {"accept": "application/json", "user-agent": "normwatch-python"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self.last_body: dict[str, Any] = {}
        self.last_date: str | None = None

    def request(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Sends one request. Puts the answer's JSON object into `last_body` and its `date` header into `last_date`."""
        headers = dict(self._headers)
        if body is not None:
            headers["content-type"] = "application/json"
            if len(body) >= GZIP_FROM:
                body = gzip.compress(body, compresslevel=1)
                headers["content-encoding"] = "gzip"
        was_open = self._connection.sock is not None
        reply = self._try(method, path, body, headers)
        if reply.status is None and was_open and not self._is_aborted:
            # the server may have closed an idle connection; every request here is safe to repeat
            reply = self._try(method, path, body, headers)
        return reply

    def _try(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        self.last_body = {}
        try:
            if self._is_aborted:
                raise OSError("given up")
            if self._connection.sock is None:
                self._connection.connect()
                assert self._connection.sock is not None
                self._connection.sock.settimeout(ANSWER_TIMEOUT)
            self._connection.request(method, self._prefix + path, body, headers)
            response = self._connection.getresponse()
            raw = self._read(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            return Reply(None, message=f"{type(error).__name__}: {error}{_hint(error)}")
        return self._understand(response, raw)

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        until = time.monotonic() + ANSWER_TIMEOUT
        raw = bytearray()
        while chunk := response.read1(65536):
            raw += chunk
            if len(raw) > MAX_REPLY_BYTES or time.monotonic() > until:
                raise http.client.HTTPException("the answer is too long or too slow")
        if response.length:
            raise http.client.IncompleteRead(bytes(raw), response.length)
        response.close()  # read1 does not notice the last chunk; closing the response keeps the connection open
        return bytes(raw)

    def _understand(self, response: http.client.HTTPResponse, raw: bytes) -> Reply:
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        self.last_date = response.headers.get("date")
        readable = isinstance(body, dict)
        self.last_body = body if isinstance(body, dict) else {}
        error = self.last_body.get("error")
        error = error if isinstance(error, dict) else {}
        return Reply(
            response.status,
            readable,
            code=read_error_code(body),
            message=str(error.get("message") or _redirect(response) or response.reason)[:1000],
            retry_after=read_retry_after(response.headers.get("retry-after"), time.time()),
        )

    def abort(self) -> None:
        """Called from another thread: ends a request that waits for its answer. Later requests fail at once."""
        self._is_aborted = True
        sock = self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._connection.close()


def _redirect(response: http.client.HTTPResponse) -> str | None:
    """Redirects are not followed: a token must not be sent to another address."""
    location = response.headers.get("location") if 300 <= response.status < 400 else None
    return location and f"redirects to {location}: use the address of the server itself"


def _hint(error: Exception) -> str:
    """Advice for an untrusted certificate, which is common for a server inside a company."""
    is_untrusted = isinstance(error, ssl.SSLCertVerificationError)
    return " (for a private certificate authority, set SSL_CERT_FILE to its file)" if is_untrusted else ""
