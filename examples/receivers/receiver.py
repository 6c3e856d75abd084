"""Prints the messages that Normwatch sends. Python 3.9 or newer, standard library only:

    NORMWATCH_WEBHOOK_SECRET=whsec_... PORT=8090 python receiver.py
"""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 5 * 60
MAX_BODY_BYTES = 4 * 1024 * 1024
REMEMBERED = 10_000

secret = os.environ["NORMWATCH_WEBHOOK_SECRET"]
seen: dict[str, None] = {}


def verified(headers, body: bytes, now: float) -> bool:
    """Whether signature and time of the message are valid (Standard Webhooks). `body` must be the bytes as received."""
    message_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    if not message_id or not timestamp or not timestamp.isdigit():
        return False
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    signatures = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(f"v1,{expected}".encode(), signature.encode()) for signature in signatures)


def events_of(message: dict) -> list[dict]:
    """The events of a message, which holds one event or a group of events."""
    if message["type"] == "finding.group":
        return message["data"]["events"]
    return [{"type": message["type"], **message["data"]}]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > MAX_BODY_BYTES:
            return self.answer(413)
        body = self.rfile.read(length)
        if not verified(self.headers, body, time.time()):
            return self.answer(401)
        message_id = self.headers["webhook-id"]
        if message_id not in seen:
            for event in events_of(json.loads(body)):
                finding, run = event["finding"], event["run"]
                where = f"{run['project']}/{run['name']} {run['url']}"
                print(event["type"], finding["severity"], finding["kind"], "in", where, flush=True)
            seen[message_id] = None
            if len(seen) > REMEMBERED:
                del seen[next(iter(seen))]
        self.answer(204)

    def answer(self, status: int):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8090"))), Receiver)
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()
