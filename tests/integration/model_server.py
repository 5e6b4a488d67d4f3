# SPDX-License-Identifier: Apache-2.0
"""A server that speaks OpenAI's chat completions and answers by a script.

    with ModelServer() as server:
        server.script("add", good(CODE, TESTS))
        ... PROMPTCRAFT_MODEL_URL=server.url

A goal with "[add]" in it gets that script's answers, one a call, the last one
again and again.  An answer is a text, or a dict: text, status, headers, body,
finish, refusal, usage, type (of the content), hold (an Event: answer when it is
set; until then the call is in flight), seconds (how long it takes to answer),
and of a stream: pieces (characters in one), cut (end after so many pieces
without a word), error (say so after so many), linger (an Event: the connection
stays open after the end until it is set).  Who asks for a stream gets one.

A call with the Idempotency-Key of one that has been answered is answered the
same and costs nothing, unless ModelServer(charges_twice=True); questions for a
plan are calls like others.  Loopback only; it ends with its `with`.
"""

import json
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


NO_PLAN = {"text": '{"steps": ["Write the program."]}', "usage": (0, 0)}


def fenced(name, text, language="python"):
    return f"```{language} {name}\n{text.rstrip()}\n```\n"


def good(code, tests=None):
    answer = "Here is the program.\n\n" + fenced("solution.py", code)
    if tests is not None:
        answer += "\nAnd its tests:\n\n" + fenced("test_solution.py", tests)
    return answer + "\nTell me if it should do more.\n"


class Call:
    """One request as it came."""

    def __init__(self, path, headers, body):
        self.path, self.headers = path, dict(headers)
        self.raw = body
        self.body = json.loads(body)
        self.id = self.headers.get("Idempotency-Key")
        self.system = self.body["messages"][0]["content"]
        self.user = self.body["messages"][1]["content"]
        self.is_plan = self.system.startswith("You break a goal down")
        self.begun = time.monotonic()
        self.is_answered = False  # all of it was written
        self.is_paid = False

    def block(self, name):
        """The text of one block of data, None if there is none."""
        marker = re.search(r"BEGIN ([0-9a-f]{32}) ", self.user)[1]
        found = re.search(rf"BEGIN {marker} {name}\n(.*?)END {marker}\n",
                          self.user, re.DOTALL)
        return found[1] if found else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *args):
        pass

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        call = Call(self.path, self.headers, self.rfile.read(length))
        answer = self.server.owner.take(call)
        if "hold" in answer:
            answer["hold"].wait(60)
        try:
            self.answer(call, answer)
            self.wfile.flush()
            call.is_answered = True
            self.server.owner.answered(call, answer)
        except OSError:
            self.close_connection = True  # who asked has gone

    def head(self, answer, kind, length=None):
        self.send_response(answer.get("status", 200))
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.get("type", kind))
        if length is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def answer(self, call, answer):
        is_stream = (call.body.get("stream") and "body" not in answer
                     and answer.get("status", 200) == 200)
        if is_stream:
            self.stream(answer)
            return
        body = answer.get("body")
        if body is None:
            body = json.dumps(completion(answer))
        data = body.encode() if isinstance(body, str) else body
        time.sleep(answer.get("seconds", 0))
        self.head(answer, "application/json", len(data))
        self.wfile.write(data)

    def stream(self, answer):
        self.head(answer, "text/event-stream")
        chunks = list(chunks_of(answer))
        for number, chunk in enumerate(chunks):
            if number == answer.get("cut"):
                return
            if number == answer.get("error"):
                chunk = {"error": {"message": "the server is overloaded"}}
            self.event(json.dumps(chunk))
            time.sleep(answer.get("seconds", 0) / len(chunks))
        self.event("[DONE]")
        if "linger" in answer:
            answer["linger"].wait(60)

    def event(self, text):
        self.wfile.write(f"data: {text}\n\n".encode())
        self.wfile.flush()


def usage_of(answer):
    usage = answer.get("usage", (1000, 200))
    return usage and {"prompt_tokens": usage[0], "completion_tokens": usage[1]}


def completion(answer):
    if answer.get("status", 200) != 200:
        return {"error": {"code": answer.get("code"), "message": "x"}}
    message = {"role": "assistant", "content": answer.get("text")}
    if "refusal" in answer:
        message["refusal"] = answer["refusal"]
    reply = {"object": "chat.completion", "choices": [
        {"index": 0, "message": message,
         "finish_reason": answer.get("finish", "stop")}]}
    if usage_of(answer) is not None:
        reply["usage"] = usage_of(answer)
    return reply


def chunks_of(answer):
    """As a stream has them: role, pieces, reason, usage."""
    size = answer.get("pieces", 16)
    text = answer.get("text") or ""

    def chunk(delta, reason=None):
        return {"object": "chat.completion.chunk", "choices": [
            {"index": 0, "delta": delta, "finish_reason": reason}]}

    yield chunk({"role": "assistant", "content": ""})
    for i in range(0, len(text), size):
        yield chunk({"content": text[i:i + size]})
    if "refusal" in answer:
        yield chunk({"refusal": answer["refusal"]})
    yield chunk({}, answer.get("finish", "stop"))
    if usage_of(answer) is not None:
        yield {"object": "chat.completion.chunk", "choices": [],
               "usage": usage_of(answer)}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # who is killed resets its connections


class ModelServer:
    def __init__(self, certificate=None, charges_twice=False):
        self.lock = threading.Lock()
        self.scripts, self.calls, self.replies = {}, [], {}
        self.plans, self.plan_calls = {}, []
        self.charges_twice = charges_twice
        self.http = Server(("127.0.0.1", 0), Handler)
        self.http.owner = self
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(
                self.http.socket, server_side=True,
                do_handshake_on_connect=False)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.http.server_port}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def script(self, name, *answers):
        with self.lock:
            self.scripts[name] = list(answers)

    def script_plan(self, name, *answers):
        """Of what is asked before the program; by default a plan of one step
        that costs nothing and is not among the calls of of()."""
        with self.lock:
            self.plans[name] = list(answers)

    def plans_of(self, name):
        with self.lock:
            return [call for call in self.plan_calls if call.name == name]

    def name_of(self, call):
        for found in re.finditer(r"\[([a-z0-9-]+)\]", call.user):
            if found[1] in self.scripts:
                return found[1]
        raise KeyError("no script for this goal")

    def take(self, call):
        with self.lock:
            call.name = self.name_of(call)
            (self.plan_calls if call.is_plan else self.calls).append(call)
            if call.id in self.replies:
                call.is_paid = self.charges_twice
                return {name: value for name, value
                        in self.replies[call.id].items()
                        if name not in ("hold", "seconds", "cut")}
            answer = self.next_answer(call)
            # What a call costs, it costs from here on.
            if answer.get("status", 200) == 200:
                call.is_paid = True
                self.replies[call.id] = answer
        return answer

    def next_answer(self, call):
        answers = (self.plans.get(call.name, [NO_PLAN]) if call.is_plan
                   else self.scripts[call.name])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return {"text": answer} if isinstance(answer, str) else dict(answer)

    def answered(self, call, answer):
        """For tests that want to know."""

    def of(self, name):
        with self.lock:
            return [call for call in self.calls if call.name == name]

    def all_of(self, name):
        """With those for its plan, in the order in which they came."""
        return sorted(self.plans_of(name) + self.of(name),
                      key=lambda call: call.begun)
