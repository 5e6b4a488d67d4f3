# SPDX-License-Identifier: Apache-2.0
"""Receivers of notifications for tests: HTTP(S) and SMTP servers on loopback.

    with HttpReceiver() as hooks:      # hooks.url("/any/path")
        hooks.behave("/any/path", [503, 503, 200])
        hooks.wait("/any/path", 3)     # the requests that came

A request to a path that was told nothing is answered 200.  verify() is what a
real receiver does with the signature (docs/API.md has the same lines).
"""

import hashlib
import hmac
import http.server
import json
import re
import socket
import ssl
import subprocess
import threading
import time

from promptcraft import wait_for

TOLERANCE_S = 300


class Refused(Exception):
    """Why a receiver does not believe a request."""


def verify(secret, headers, body, seen, now=None):
    """The signed JSON of a request, or Refused.  seen: ids had before."""
    match = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})",
                         headers.get("X-PromptCraft-Signature", ""))
    if not match:
        raise Refused("no signature")
    want = hmac.new(secret.encode(), match[1].encode() + b"." + body,
                    hashlib.sha256).hexdigest()
    if not hmac.compare_digest(want, match[2]):
        raise Refused("wrong signature")
    if abs((now or time.time()) - int(match[1])) > TOLERANCE_S:
        raise Refused("stale")
    event = json.loads(body)
    if event["delivery_id"] in seen:
        raise Refused("replayed")
    seen.add(event["delivery_id"])
    return event


class Request:
    def __init__(self, handler, body):
        self.path, self.headers, self.body = (handler.path, handler.headers,
                                              body)
        self.at = time.monotonic()

    @property
    def delivery(self):
        return self.headers["X-PromptCraft-Delivery"]

    def json(self):
        return json.loads(self.body)


class HttpReceiver:
    """One server; behaviour by path, as a list of answers (the last stays).

    An answer is a status, or a function that is called with the handler.
    """

    def __init__(self, host="127.0.0.1", certificate=None):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                outer.receive(self, self.rfile.read(length))

            def do_GET(self):
                outer.receive(self, b"")

            def log_message(self, *_args):
                pass

        self.requests, self.behaviour = [], {}
        self.lock = threading.Lock()
        self.release = threading.Event()
        self.server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.server.daemon_threads = True
        # A sender that is killed resets its connections; no news.
        self.server.handle_error = lambda *_: None
        self.scheme, self.host = "http", host
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
            self.scheme = "https"
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exc):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    def url(self, path="/", host=None):
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    def behave(self, path, answers):
        with self.lock:
            self.behaviour[path] = list(answers)

    def receive(self, handler, body):
        with self.lock:
            self.requests.append(Request(handler, body))
            answers = self.behaviour.get(handler.path, [200])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer(handler)
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    def got(self, path=None):
        with self.lock:
            return [r for r in self.requests if path in (None, r.path)]

    def wait(self, path, count=1, seconds=60):
        return wait_for(lambda: self.got(path), lambda r: len(r) >= count,
                        seconds)

    def hang(self, _handler):
        """Accepts the request and never answers."""
        self.release.wait(120)


def endless_body(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True


def endless_head(handler):
    handler.send_response(200)
    handler.flush_headers()
    try:
        while True:
            handler.wfile.write(b"X-Junk: " + b"y" * 1000 + b"\r\n")
    except OSError:
        handler.close_connection = True


def make_certificate(directory, name, host="127.0.0.1"):
    """A self-signed certificate with its key in one file; its path."""
    path = directory / f"{name}.pem"
    key = directory / f"{name}.key"
    kind = "IP" if host[0].isdigit() else "DNS"
    subprocess.run(
        ["/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-addext", f"subjectAltName={kind}:{host}", "-keyout",
         key, "-out", path], check=True, capture_output=True)
    with open(path, "a", encoding="ascii") as both:
        both.write(key.read_text())
    path.chmod(0o644)
    return path


class MailReceiver:
    """An SMTP server; .mails is what it took, .refuse what it answers to those
    that it was .asked to send to (which takes a login, if there is one)."""

    def __init__(self, host="127.0.0.1", certificate=None, user=None,
                 password=None, require_starttls=False):
        # Only what tests mail needs it.
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult, LoginPassword

        outer = self
        self.mails, self.logins, self.refuse = [], [], None
        self.asked = []

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address,
                                  options):
                outer.asked.append(address)
                if outer.refuse is not None:
                    return outer.refuse
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                outer.mails.append(
                    (envelope.mail_from, list(envelope.rcpt_tos),
                     envelope.content, session.ssl is not None))
                return "250 taken"

        def login(server, session, envelope, mechanism, data):
            outer.logins.append((mechanism, session.ssl is not None))
            good = (isinstance(data, LoginPassword)
                    and data.login == (user or "").encode()
                    and data.password == (password or "").encode())
            return AuthResult(success=good)

        options = {}
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            options.update(tls_context=context,
                           require_starttls=require_starttls)
        if user is not None:
            options.update(authenticator=login, auth_required=True,
                           auth_require_tls=True)
        class OwnSocket(Controller):
            def _create_server(self):
                return self.loop.create_server(self._factory_invoker,
                                               sock=outer.socket)

        # aiosmtpd wants to know the port before it connects to itself, and
        # nobody else is to get it meanwhile.
        self.socket = socket.create_server((host, 0))
        self.port = self.socket.getsockname()[1]
        self.host = host
        self.controller = OwnSocket(Handler(), hostname=host, port=self.port,
                                    ready_timeout=60, **options)

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_exc):
        self.controller.stop()

    def wait(self, count=1, seconds=60):
        return wait_for(lambda: list(self.mails), lambda m: len(m) >= count,
                        seconds)
