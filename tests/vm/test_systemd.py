# SPDX-License-Identifier: Apache-2.0
"""cgroup v2 under systemd: from a login shell, and as a service.

A login shell shares its cgroup with others, so the supervisor's jails go to
the top of the hierarchy; a service with Delegate=yes keeps them below itself.
Either way the limits hold, a kill -9 leaves nothing and systemd's own work on
the hierarchy does not hurt.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from promptcraft import (BUILD, CLI, SLOWNESS, Stack, is_standby,
                         make_directory, wait_for)

TOP = Path("/sys/fs/cgroup")
PROGRAMS = [
    ("python", "main.py", "print(6 * 7)"),
    ("javascript", "main.js", "console.log(6 * 7)"),
    ("c", "main.c", '#include <stdio.h>\n'
     'int main(void) { printf("%d\\n", 6 * 7); return 0; }\n'),
    ("shell", "main.sh", "echo $((6 * 7))"),
]
EAT_MEMORY = "kept = []\nwhile True: kept.append(bytearray(1 << 20))\n"
# Many processes, so that the kill of the whole job is seen.
SLEEP = ("import subprocess, time\n"
         "subprocess.Popen(['/usr/bin/sleep', '600'])\n"
         "print('started', flush=True)\ntime.sleep(600)\n")


def systemctl(*args, check=True):
    return subprocess.run(["systemctl", *args], check=check, text=True,
                          capture_output=True, timeout=400).stdout.strip()


def trees(directory=TOP):
    """Cgroups of supervisors in this directory."""
    return sorted(directory.glob("promptcraft-*"))


def jails_below(directory):
    return sum(len(pids) for pids in jails_by_slot(directory).values())


def jails_by_slot(directory):
    """{its cgroup: what runs in it for a job}; they come and go with jails."""
    found = {}
    for slot in directory.glob("promptcraft-*/slot-*"):
        with contextlib.suppress(OSError):
            pids = [pid for pid in
                    (slot / "cgroup.procs").read_text().split()
                    if not is_standby(pid)]
            if pids:
                found[slot] = pids
    return found


class Service:
    """The supervisor as a transient unit, as production runs it."""

    def __init__(self, *properties):
        self.name = f"pc-vm-{os.urandom(4).hex()}.service"
        self.dir = Path(make_directory())
        self.socket = self.dir / "supervisor.sock"
        words = ["systemd-run", "--quiet", f"--unit={self.name}",
                 "-p", "Type=notify", "-p", "KillMode=mixed",
                 "-p", "TimeoutStartSec=300"]
        for text in properties:
            words += ["-p", text]
        words += [f"{BUILD}/promptcraft-supervisor",
                  f"--socket={self.socket}",
                  f"--state-dir={self.dir}/state",
                  f"--policy-dir={BUILD}/policy",
                  f"--runtime-dir={BUILD}/runtimes",
                  f"--libexec-dir={BUILD}", "--slots=4"]
        subprocess.run(words, check=True, timeout=400)

    @property
    def pid(self):
        return int(systemctl("show", "-P", "MainPID", self.name))

    @property
    def cgroup(self):
        """The unit's own directory."""
        path = systemctl("show", "-P", "ControlGroup", self.name)
        return TOP / path.lstrip("/")

    def run(self, name, text, *options):
        """`jail run` of one program: (exit status, parsed --json)."""
        (self.dir / name).write_text(text)
        done = subprocess.run(
            [CLI, "jail", "run", "--socket", self.socket, "--json", *options,
             self.dir / name], text=True, capture_output=True, timeout=400)
        assert done.stdout, done.stderr + self.log()
        return done.returncode, json.loads(done.stdout)

    def log(self):
        return subprocess.run(["journalctl", "-u", self.name, "--no-pager",
                               "-n", "30"], text=True,
                              capture_output=True).stdout

    def stop(self):
        systemctl("stop", self.name)
        systemctl("reset-failed", self.name, check=False)
        shutil.rmtree(self.dir)


@pytest.fixture(scope="module")
def service():
    service = Service("Delegate=yes", "Restart=always", "RestartSec=0")
    yield service
    cgroup = service.cgroup
    service.stop()
    wait_for(cgroup.exists, lambda is_there: not is_there)


@pytest.fixture(scope="module")
def stack():
    stack = Stack.up()
    yield stack
    stack.down()
    assert not trees()


# ---- as a service -----------------------------------------------------------


@pytest.mark.parametrize("language, name, text", PROGRAMS)
def test_service_runs(service, language, name, text):
    status, data = service.run(name, text)
    assert (status, data["stdout"]) == (0, "42\n"), data


def test_service_keeps_its_jails_below_itself(service):
    assert len(trees(service.cgroup)) == 1 and not trees()
    text = Path(f"/proc/{service.pid}/cgroup").read_text()
    assert text == f"0::/{service.cgroup.relative_to(TOP)}/supervisor\n"


def runs_out_of_memory(service):
    """A job does; systemd (OOMPolicy=) must not take it for the service."""
    pid = service.pid
    status, data = service.run("eat.py", EAT_MEMORY, "--memory", "64")
    assert status == 137, data
    assert (data["outcome"], data["reason"]) == ("killed", "memory")
    assert 32 << 20 < data["usage"]["memory_peak_bytes"] <= 65 << 20
    systemctl("daemon-reload")
    assert service.run("pid.py", "print('there')")[0] == 0
    assert service.pid == pid


def test_service_memory_limit(service):
    runs_out_of_memory(service)
    # A fresh cgroup a job: the next one knows nothing of it.
    status, data = service.run("after.py", "print('well')")
    assert (status, data["stdout"]) == (0, "well\n")
    assert data["usage"]["memory_peak_bytes"] < 60 << 20


def test_service_counts_cpu(service):
    burn = "import time\nend = time.process_time() + 0.5\n" \
        "while time.process_time() < end: pass\n"
    status, data = service.run("burn.py", burn)
    assert status == 0
    assert data["usage"]["cpu_ms"] >= 500


def test_service_killed_comes_back(service):
    (service.dir / "sleep.py").write_text(SLEEP)
    client = subprocess.Popen([CLI, "jail", "run", "--socket", service.socket,
                               service.dir / "sleep.py"],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    assert client.stdout.readline() == "started\n"
    assert jails_below(service.cgroup) >= 3
    before = service.pid
    os.kill(before, signal.SIGKILL)
    assert client.wait(timeout=60 * SLOWNESS) == 125
    wait_for(lambda: service.pid, lambda pid: pid not in (0, before), 60)
    wait_for(lambda: systemctl("is-active", service.name, check=False),
             lambda text: text == "active", 60)
    wait_for(lambda: jails_below(service.cgroup), lambda n: n == 0, 10)
    assert service.run("again.py", "print('again')")[1]["stdout"] == "again\n"


@pytest.mark.parametrize("properties", [[], ["CPUWeight=50"]])
def test_service_without_delegation_uses_the_top(properties):
    """With CPUWeight it has all controllers; they are systemd's still."""
    service = Service(*properties)
    try:
        status, data = service.run("hello.py", "print('hello')")
        assert (status, data["stdout"]) == (0, "hello\n"), data
        assert len(trees()) == 1 and not trees(service.cgroup)
        runs_out_of_memory(service)
    finally:
        service.stop()
    assert not trees()


# ---- from a login shell -----------------------------------------------------


def test_stack_uses_the_top(stack):
    assert len(trees()) == 1
    pid = stack.info["pids"]["supervisor"]
    own = Path(f"/proc/{pid}/cgroup").read_text()
    # It stays in the session that it was started from.
    assert own == Path("/proc/self/cgroup").read_text()


def test_stack_survives_systemds_work(stack):
    """systemd rewrites cgroup.subtree_control at the top as units come."""
    result = {}
    code = "import time\ntime.sleep(45)\nprint('done')\n"
    thread = threading.Thread(target=lambda: result.update(
        stack.client().job(language="python", code=code,
                           limits={"timeout_seconds": 120})))
    thread.start()
    wait_for(lambda: jails_below(TOP), lambda n: n >= 2, 30)
    systemctl("daemon-reload")
    for _ in range(2):
        subprocess.run(["systemd-run", "--quiet", "--wait", "-p",
                        "CPUWeight=50", "/bin/true"], check=True, timeout=400)
    # Not those of a jail that is being built.
    limits = [(slot / "cpu.max").read_text() for slot in jails_by_slot(TOP)]
    assert limits and not any(text.startswith("max") for text in limits)
    thread.join()
    assert (result["outcome"], result["stdout"]) == ("completed", "done\n")
    data = stack.client().job(language="python", code=EAT_MEMORY,
                              limits={"memory_mb": 64})
    assert (data["outcome"], data["reason"]) == ("killed", "memory")


def test_stack_in_a_scope():
    """`systemd-run --scope` and `sudo` from a service give such a place."""
    stack = Stack.up(prefix=("systemd-run", "--quiet", "--scope"))
    try:
        data = stack.client().job(language="shell", code="echo scope")
        assert data["stdout"] == "scope\n"
    finally:
        stack.down()
