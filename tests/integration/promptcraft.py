# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: a private stack and a client of its API.

    stack = Stack.up()             # tools/stack up in a new directory
    client = stack.client()        # as the admin
    other = stack.new_user("eve")  # another account, signed in
    client.post("/api/v3/jobs", {...}).data
    stack.down()                   # raises if anything was left behind

Each answer is held against the OpenAPI document (contract.py).  A proxy from
the environment is not used.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import contract

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PROMPTCRAFT_BUILD", REPO / "build" / "release"))
STACK_TOOL = REPO / "tools" / "stack"
CLI = BUILD / "promptcraft"
# By how much to stretch times that are an assertion: 1, and more only on an
# emulated processor (tests/vm).
SLOWNESS = float(os.environ.get("PROMPTCRAFT_SLOW_MACHINE", "1"))
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fewer(times, least):
    """How often to repeat what is only likelier to fail for it."""
    return max(least, round(times / SLOWNESS))


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        """The data object of an answer that must be a success."""
        assert self.status < 300, f"{self.status}: {self.body[:2000]!r}"
        return self.json()["data"]

    def __repr__(self):
        return f"<Response {self.status} {self.body[:500]!r}>"


def send(request, timeout):
    try:
        with HTTP.open(request, timeout=timeout) as reply:
            return Response(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, error.headers, error.read())


class Client:
    """One person's view of the API; keeps no connection."""

    def __init__(self, url, token=None):
        self.url, self.token = url, token

    def request(self, method, path, body=None, raw=None, headers=None,
                timeout=300):
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        all_headers = {"Content-Type": "application/json"}
        if self.token is not None:
            all_headers["Authorization"] = f"Bearer {self.token}"
        all_headers.update(headers or {})
        request = urllib.request.Request(self.url + path, data=data,
                                         method=method, headers=all_headers)
        reply = send(request, timeout)
        contract.look(method, path, reply.status, reply.headers, reply.body,
                      data)
        return reply

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def job(self, **body):
        """POST /api/v3/jobs; the data object."""
        return self.post("/api/v3/jobs", body).data

    def execute(self, goal="A small program with tests", context=None,
                options=None):
        """POST /api/v3/execute; the workflow's id."""
        body = {"goal": goal, "context": context or {}}
        if options is not None:
            body["options"] = options
        reply = self.post("/api/v3/execute", body)
        assert reply.status == 202, reply
        return reply.data["workflow_id"]

    def workflow(self, workflow_id):
        return self.get(f"/api/v3/execute/status/{workflow_id}").data

    def wait_workflow(self, workflow_id, until=None, seconds=120):
        """Poll until its status is one of `until` (default: it ended)."""
        ends = {"completed", "failed", "cancelled"}
        until = ends if until is None else {until} | ends
        return wait_for(lambda: self.workflow(workflow_id),
                        lambda data: data["status"] in until, seconds)


def wait_for(get, is_good, seconds=60, pause=0.05):
    """Call get() until is_good(value); the value, or an AssertionError."""
    deadline = time.monotonic() + seconds * SLOWNESS
    while True:
        value = get()
        if is_good(value):
            return value
        assert time.monotonic() < deadline, f"not in {seconds} s: {value!r}"
        time.sleep(pause)


def unmount(directory):
    """A process that is just being ended may still hold a file of it."""
    wait_for(lambda: subprocess.run(["umount", directory]).returncode,
             lambda code: code == 0, seconds=20)


def whole_lines(path):
    """Of a file that somebody writes to: without what has no end yet, since
    one read may see half of what another process's write() adds."""
    return path.read_text().rpartition("\n")[0].splitlines()


def is_standby(pid):
    """Is it in a jail that has no job, or is being built?  That is where
    nothing has been unpacked: the job's manifest is empty, or not there yet."""
    def has_program():
        try:
            os.readlink(f"/proc/{pid}/exe")  # a zombie has none
        except OSError:
            return False
        return True

    if not has_program():
        return False
    try:
        return Path(f"/proc/{pid}/root/run/job").stat().st_size == 0
    except FileNotFoundError:
        return has_program()  # or it has gone just now
    except OSError:
        return False


def mounts(pid, directory):
    """Mounts as the process sees them, without those of other tests, which
    come and go in places of their own."""
    lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    return sorted(line for line in lines
                  if not line.split()[4].startswith("/tmp/")
                  or str(directory) in line)


def run_stack(*args, check=True, prefix=(), **kwargs):
    done = subprocess.run([*prefix, str(STACK_TOOL), *map(str, args)],
                          capture_output=True, text=True,
                          timeout=180 * SLOWNESS, **kwargs)
    if check:
        assert done.returncode == 0, done.stderr
    return done


def run_cli(*args, check=True, **kwargs):
    done = subprocess.run([str(CLI), *map(str, args)], capture_output=True,
                          text=True, timeout=180, **kwargs)
    if check:
        assert done.returncode == 0, (done.returncode, done.stderr)
    return done


class Stack:
    """A running stack; `info` is the line that tools/stack printed."""

    def __init__(self, directory, info):
        self.dir, self.info = Path(directory), info
        self.url = info["url"]
        self.socket = info["supervisor_socket"]

    @classmethod
    def up(cls, *options, env=None, prefix=()):
        directory = make_directory()
        words = ["up", directory, "--build", BUILD, *options]
        for name, value in (env or {}).items():
            words += ["--env", f"{name}={value}"]
        try:
            done = run_stack(*words, prefix=prefix)
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        return cls(directory, json.loads(done.stdout))

    def down(self):
        """Both must still be there, and nothing may be left of them."""
        done = run_stack("down", self.dir, check=False)
        logs = self.logs()
        shutil.rmtree(self.dir, ignore_errors=True)
        assert (done.returncode, done.stderr) == (0, ""), logs[-4000:]

    def logs(self):
        text = ""
        for name in ("supervisor.log", "api.log", "redis.log"):
            with contextlib.suppress(FileNotFoundError):
                text += (self.dir / name).read_text(errors="replace")
        return text

    def client(self):
        return Client(self.url, self.info["token"])

    def anonymous(self):
        return Client(self.url)

    def store_env(self):
        """What tells the CLI where the state is."""
        redis = self.info.get("redis")
        if redis is None:
            return {}
        return {"PROMPTCRAFT_STORE": "redis", "REDIS_HOST": redis["socket"],
                "REDIS_PASSWORD": redis["password"]}

    def new_user(self, name, role="user"):
        password = secrets.token_urlsafe(18)
        run_cli("user", "add", name, "--role", role, "--state-dir",
                self.info["state_dir"], "--password-file", "-",
                input=password, env={**os.environ, **self.store_env()})
        reply = self.anonymous().post("/auth/token", {
            "username": name, "password": password})
        assert reply.status == 200, reply
        client = Client(self.url, reply.json()["access_token"])
        client.username, client.password = name, password
        return client

    def status(self):
        return json.loads(run_stack("status", self.dir).stdout)

    def pid(self, name):
        """As tools/stack keeps it: at once, for who has a moment to meet."""
        state = json.loads((self.dir / "stack.json").read_text())
        return state["processes"][name]["pid"]

    def kill(self, name):
        """SIGKILL to "supervisor", "api" or "redis"; then it answers nobody."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: is_over(pid), bool, pause=0.001)

    def restart(self, name):
        return json.loads(run_stack(f"restart-{name}", self.dir).stdout)


def is_over(pid):
    """Is it dead, with all its threads, whether reaped or not?"""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except (FileNotFoundError, ProcessLookupError):
        return True
    return text.rpartition(")")[2].split()[0] in "ZX" and threads <= 1


def make_directory():
    """A new directory that the API's own user can walk to."""
    directory = tempfile.mkdtemp(prefix="pc-test-", dir="/tmp")
    os.chmod(directory, 0o711)
    return directory


def problem(response, status, field=None, detail=None):
    """Assert that it is an RFC 9457 problem; returns it."""
    assert response.status == status, response
    kind = response.headers.get("Content-Type", "")
    assert kind.startswith("application/problem+json"), kind
    body = response.json()
    assert body["status"] == status
    assert isinstance(body["detail"], str) and body["detail"]
    if field is not None:
        assert body.get("field") == field, body
    if detail is not None:
        assert detail in body["detail"], body
    return body
