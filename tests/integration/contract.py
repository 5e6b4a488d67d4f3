# SPDX-License-Identifier: Apache-2.0
"""Is what the API answers what its OpenAPI document says?

Every answer that a test's Client gets is held against the document
(api/http/openapi): the status, the media type, the headers, and the body by
its JSON Schema, in which a field that the document does not have is a fault.
What a request sent is held against it, too, if the server took it.

A fault fails the request that shows it, and the session: a thread of a test
may have swallowed the first.  What was seen is kept in PROMPTCRAFT_BUILD, over
several sessions; tools/openapi/coverage.py tells what never was.
"""

import copy
import json
import os
import re
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tools" / "openapi"))

from compose import compose  # noqa: E402
from strict import close, inline  # noqa: E402

SEEN = Path(os.environ.get("PROMPTCRAFT_BUILD",
                           REPO / "build" / "release")) / "openapi-seen"
PROBLEM = "application/problem+json"
# Those that mean something, so that none may come undocumented.
HEADERS = ("X-Request-Id", "Cache-Control", "RateLimit-Limit",
           "RateLimit-Remaining", "RateLimit-Reset", "Retry-After",
           "Idempotency-Replayed", "WWW-Authenticate", "ETag",
           "Content-Security-Policy", "Content-Disposition", "Deprecation",
           "Link")
# What a path that is in no document may be answered, whatever the method.
ELSEWHERE = {204, 400, 404, 405, 413, 503}
FAULTS_SHOWN = 20


class Undocumented(AssertionError):
    pass


def without_examples(node):
    if isinstance(node, list):
        return [without_examples(item) for item in node]
    if isinstance(node, dict):
        is_media = "schema" in node
        return {key: without_examples(value) for key, value in node.items()
                if not (is_media and key == "examples")}
    return node


class Contract:
    def __init__(self, document):
        document = without_examples(document)
        self.schemas = document["components"]["schemas"]
        self.document = document
        self.operations = []
        for path, item in document["paths"].items():
            pattern = re.compile(
                re.escape(path).replace(r"\{id\}", "[A-Za-z0-9_-]{1,64}"))
            for method, op in inline(item, document).items():
                self.operations.append((method.upper(), pattern, op))
        self.validators = {}
        self.lock = threading.Lock()
        self.seen, self.faults, self.answers = set(), [], 0
        self.problem = close(inline(self.schemas["Problem"], document))

    def find(self, method, path):
        for wanted, pattern, op in self.operations:
            if wanted == method and pattern.fullmatch(path):
                return op
        return None

    def check_json(self, schema, value, what):
        """The faults of a value; the schema is one of ours, kept alive."""
        key = id(schema)
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(schema)
        faults = []
        for error in self.validators[key].iter_errors(value):
            error = deepest(error)
            at = ".".join(str(p) for p in error.absolute_path)
            faults.append(f"{what}{at and ' at ' + at}: {error.message[:300]}")
        return faults

    def closed(self, media):
        """The schema of a media type as an answer must be."""
        if "x-closed" not in media:
            media["x-closed"] = close(copy.deepcopy(media["schema"]))
        return media["x-closed"]

    # ---- one answer ------------------------------------------------------

    def check_headers(self, documented, headers):
        faults = []
        for name in HEADERS:
            value = headers.get(name)
            said = documented.get(name)
            if value is None:
                if said is not None and said.get("required"):
                    faults.append(f"the header {name} is missing")
                continue
            if said is None:
                faults.append(f"the header {name} is not documented")
                continue
            if said["schema"]["type"] == "integer":
                value = int(value)
            faults += self.check_json(said["schema"], value, f"header {name}")
        return faults

    def check_body(self, answer, kind, body):
        content = answer.get("content", {})
        if kind is None or (not body and not content):
            return [] if not content else ["the body is missing"]
        media = content.get(kind)
        if media is None:
            return [f"Content-Type {kind} is not documented"]
        if not kind.startswith(("application/json", PROBLEM)):
            return []
        return self.check_json(self.closed(media), json.loads(body), "body")

    def check_request(self, op, request_body):
        media = op.get("requestBody", {}).get("content", {}).get(
            "application/json")
        if media is None or not request_body:
            return []
        return self.check_json(media["schema"], json.loads(request_body),
                               "the request, which was taken,")

    def check_elsewhere(self, status, kind, body):
        if status not in ELSEWHERE:
            return [f"{status} where no operation is documented"]
        if kind != PROBLEM or not body:
            return []
        return self.check_json(self.problem, json.loads(body), "body")

    def check(self, method, uri, status, headers, body=None,
              request_body=None):
        """The faults of one answer.  body None: it was not read."""
        path = urlsplit(uri).path
        op = self.find("GET" if method == "HEAD" else method, path)
        if "%00" in uri:  # the address of nothing
            op = None
        kind = headers.get("Content-Type")
        if op is None:
            return self.check_elsewhere(status, kind, body)
        answer = op["responses"].get(str(status))
        if answer is None:
            return [f"status {status} is not documented"]
        with self.lock:
            self.seen.add((op["operationId"], status))
            self.answers += 1
        faults = self.check_headers(answer.get("headers", {}), headers)
        if body is not None and method != "HEAD":
            faults += self.check_body(answer, kind, body)
        if status < 300:
            faults += self.check_request(op, request_body)
        return faults

    def check_event(self, name, data):
        schema = {"snapshot": "WorkflowSnapshot",
                  "closed": "StreamClosed"}.get(name, "WorkflowEvent")
        media = self.validators.setdefault(schema, {
            "schema": inline(self.schemas[schema], self.document)})
        return self.check_json(self.closed(media), data, f"event {name}")

    def tell(self, what, faults):
        if not faults:
            return
        text = what + "".join(f"\n  {fault}" for fault in faults)
        with self.lock:
            self.faults.append(text)
        raise Undocumented(text)


def deepest(error):
    """Of alternatives that all fail, the one that came furthest."""
    while error.context:
        error = max(error.context, key=lambda e: (len(e.absolute_path),
                                                  e.validator != "const"))
    return error


CONTRACT = Contract(compose(REPO / "api" / "http" / "openapi"))


def look(method, uri, status, headers, body=None, request_body=None):
    """Hold one answer against the document."""
    CONTRACT.tell(f"{method} {uri}: {status}", CONTRACT.check(
        method, uri, status, headers, body, request_body))


def read(reply, method, uri):
    """The body of an http.client's reply, when it was held against it."""
    body = reply.read()
    look(method, uri, reply.status, reply.headers, body)
    return body


def look_at_event(name, data):
    CONTRACT.tell(f"event {name}: {data!r}", CONTRACT.check_event(name, data))


# ---- in pytest ---------------------------------------------------------------


def keep_seen():
    """Only ever longer: sessions may run side by side."""
    before = set()
    if SEEN.exists():
        before = set(SEEN.read_text("utf-8").splitlines())
    now = {f"{name} {status}" for name, status in CONTRACT.seen}
    if now - before and SEEN.parent.is_dir():
        with open(SEEN, "a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in sorted(now - before)))


class Report:
    """At the end of a session; a fault makes it fail."""

    def pytest_sessionfinish(self, session):
        keep_seen()
        if CONTRACT.faults and session.exitstatus == 0:
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter):
        pairs = sum(len(op["responses"]) for _, _, op in CONTRACT.operations)
        terminalreporter.write_line(
            f"openapi: {CONTRACT.answers} answers, {len(CONTRACT.faults)} of "
            f"them not as the document says; {len(CONTRACT.seen)} of {pairs} "
            "statuses seen")
        for fault in CONTRACT.faults[:FAULTS_SHOWN]:
            terminalreporter.write_line(fault)


def pytest_configure(config):
    """For a conftest to import."""
    config.pluginmanager.register(Report(), "openapi-report")
