# SPDX-License-Identifier: Apache-2.0
"""Rows E01-E05: the network.  No policy has one outside of the jail;
permissive has a loopback of its own, standard Unix sockets among its own
processes."""

import contextlib
import socket
import subprocess
import threading

import pytest

import escape

# (family/type): AF_UNIX 1, AF_INET 2, AF_INET6 10; STREAM, DGRAM, SEQPACKET.
UNIX = {"1/1", "1/2", "1/5"}
SOCKETS = {"strict": set(), "standard": UNIX,
           "permissive": UNIX | {"2/1", "2/2", "10/1", "10/2"}}
OWN = {"strict": {"socketpair"},
       "standard": {"socketpair", "unix-path", "unix-abstract"},
       "permissive": {"socketpair", "unix-path", "unix-abstract", "tcp",
                      "tcp6"}}
TCP = {"tcp-" + name for name in """loopback loopback-other any loopback6
mapped metadata metadata6 linklocal6 private bridge internet
internet6""".split()}
OTHER = {"udp-loopback", "udp-dns", "udp-metadata", "udp-broadcast",
         "udp-multicast", "udp-multicast6", "dns", "dns-localhost",
         "interfaces"}


class Services:
    """On the host's loopback: TCP that accepts, UDP that answers."""

    def __init__(self):
        self.seen = []
        self.tcp = socket.create_server(("", 0), family=socket.AF_INET6,
                                        dualstack_ipv6=True) \
            if socket.has_dualstack_ipv6() else \
            socket.create_server(("0.0.0.0", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.tcp_port = self.tcp.getsockname()[1]
        self.udp_port = self.udp.getsockname()[1]
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self.accept, self.answer)]
        for thread in self.threads:
            thread.start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.tcp.accept()[0].close()
                self.seen.append("tcp")

    def answer(self):
        with contextlib.suppress(OSError):
            while True:
                _, peer = self.udp.recvfrom(100)
                if peer is None:
                    return  # closed
                self.seen.append("udp")
                self.udp.sendto(b"answer", peer)

    def argv(self, *more):
        return [self.tcp_port, self.udp_port, *more]

    def close(self):
        for sock in (self.tcp, self.udp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@pytest.fixture(scope="module")
def services():
    services = Services()
    yield services
    services.close()


# ---- E01: no network --------------------------------------------------------


def test_e01_families(jail, profile):
    run = jail(profile).run("e01_families.c")
    assert set(run.attempts["sockets"][1].split()) == SOCKETS[profile], run
    assert set(run.attempts["pairs"][1].split()) == UNIX, run
    # All that was tried was made or refused, nothing hung.
    assert run.attempts["tried"][1] == f"896 {len(SOCKETS[profile]) + 3}"


def test_e01_reach(jail, profile, services, host):
    services.seen.clear()
    with host.unchanged():
        run = jail(profile).run("e01_reach.py", argv=services.argv())
    assert run.blocked() == TCP | OTHER and not run.done(), run
    assert not services.seen


def test_e01_api_and_store_are_out_of_reach(world, profile, services):
    """The ports of the API and of Redis, as seen from a jail: as any other."""
    code = world.dir / "ports.py"
    code.write_text(
        "import errno, socket\n"
        "for port in (8000, 8080, 8443, 6379, 22, 5353):\n"
        "    try:\n"
        "        socket.create_connection(('127.0.0.1', port), 3)\n"
        "        print(f'attempt port-{port} done')\n"
        "    except OSError as e:\n"
        "        print(f'attempt port-{port} blocked',"
        " errno.errorcode.get(e.errno))\n")
    run = world.jail(profile).run(code)
    assert len(run.blocked()) == 6, run


def test_e01_what_a_policy_has_works(jail, profile):
    run = jail(profile).run("e01_own.py")
    assert run.done() == OWN[profile], run


def test_e01_interfaces_from_outside(world, profile):
    """lo is the only interface; down where the policy has no loopback."""
    from live import Live
    with Live(world.supervisor(), profile) as live:
        pid, _ = live.payload_pid()
        done = subprocess.run(
            ["/usr/bin/nsenter", "-t", str(pid), "-n", "/usr/bin/python3",
             "-c", NET_STATE], capture_output=True, text=True, timeout=60)
    names, flags, routes = done.stdout.split("|")
    assert names == "lo", done
    assert (int(flags) & 1 == 1) == (profile == "permissive"), done
    assert int(routes) == 0, done


NET_STATE = """
import fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names = ' '.join(n for _, n in socket.if_nameindex())
flags = struct.unpack('16sH', fcntl.ioctl(s, 0x8913, struct.pack(
    '16sH22x', b'lo', 0))[:18])[1]
routes = len(open('/proc/self/net/route').readlines()[1:])
print(names, flags, routes, sep='|')
"""


def test_e01_control_network_namespace(loose, services):
    """In the host's, with no layer else taken away: it answers."""
    services.seen.clear()
    run = loose("permissive", "netns").run("e01_reach.py",
                                           argv=services.argv("local"))
    assert run.done() == {"tcp-loopback", "tcp-loopback-other",
                          "tcp-loopback6", "udp-loopback"}, run
    escape.wait_for(lambda: {"tcp", "udp"} <= set(services.seen))


def test_e01_control_seccomp(plain, services):
    """The filters of the stricter two hold alone, without a namespace."""
    for name in ("strict", "standard"):
        run = plain("seccomp").run("e01_reach.py", profile=name,
                                   argv=services.argv("local"))
        assert not run.done() and len(run.blocked()) == 4, run
    run = plain("seccomp").run("e01_reach.py", profile="permissive",
                               argv=services.argv("local"))
    assert run.done() >= {"tcp-loopback", "udp-loopback"}, run


# ---- E02: an empty list -----------------------------------------------------

EMPTY = ["RestrictAddressFamilies=", "SystemCallFilter=",
         "BindReadOnlyPaths=", "DeviceAllow=", "TemporaryFileSystem="]


def variant(world, name, old, new):
    """strict with one line changed; what `policy check` says, and its file."""
    text = (escape.BUILD / "policy/profiles/strict.policy").read_text()
    assert old in text
    directory = world.dir / f"policy-{name}"
    for sub in ("profiles", "sets"):
        (directory / sub).mkdir(parents=True, exist_ok=True)
    for file in (escape.BUILD / "policy/sets").iterdir():
        (directory / "sets" / file.name).write_bytes(file.read_bytes())
    path = directory / "profiles" / f"{name}.policy"
    path.write_text(text.replace(old, new, 1))
    done = subprocess.run(
        [escape.BUILD / "promptcraft-policyc", "policy", "--sets",
         directory / "sets", path], capture_output=True, timeout=60)
    return done.returncode, done.stderr.decode(), directory


@pytest.mark.parametrize("line", EMPTY)
def test_e02_an_empty_list_is_an_error(world, line):
    """Not "all", not "none", not the parent's: the policy does not load."""
    old = "RestrictAddressFamilies=none\n" if "Families" in line else \
        "DeviceAllow=/dev/null /dev/zero /dev/full /dev/random " \
        "/dev/urandom\n" if "Device" in line else "LandlockMinABI=1\n"
    new = line + "\n" if old.split("=")[0] == line[:-1] else None
    if new is None:  # beside the full ones
        section = {"SystemCallFilter=": "LandlockMinABI=1\n",
                   "BindReadOnlyPaths=": "DeviceAllow=/dev/null",
                   "TemporaryFileSystem=": "DeviceAllow=/dev/null"}[line]
        old, new = section, f"{line}\n{section}"
    code, said, _ = variant(world, "empty", old, new)
    assert code != 0 and "empty.policy:" in said, (line, said)
    assert line[:-1] in said, said


def test_e02_none_is_none(world):
    """The word for it is `none`; then there is no socket, and loopback without
    families gives none either."""
    code, said, _ = variant(world, "none", "Loopback=no", "Loopback=no")
    assert code == 0, said
    run = world.jail("strict").run("e01_own.py")
    assert run.done() == {"socketpair"}, run


def test_e02_control_a_list_that_is_not_empty(world):
    """The same file with families in it gives just these."""
    code, said, directory = variant(
        world, "some", "RestrictAddressFamilies=none",
        "RestrictAddressFamilies=AF_UNIX\nSystemCallFilter=@sockets")
    # strict's own [Examples] say that there are none: the first to object.
    assert code != 0 and "socket(AF_UNIX, SOCK_STREAM)" in said, said
    path = directory / "profiles" / "some.policy"
    path.write_text("".join(
        line for line in path.read_text().splitlines(keepends=True)
        if line != "Deny=socket(AF_UNIX, SOCK_STREAM)\n"))
    supervisor = escape.Supervisor(world.dir / "some",
                                   policy_dir=directory).start()
    try:
        run = supervisor.run("some", "e01_own.py")
    finally:
        supervisor.stop()
    assert run.done() == OWN["standard"], run


# ---- E03, E05: allow-lists for the network ----------------------------------


def test_e03_not_applicable_no_policy_has_an_allow_list(jail, profile, capsys,
                                                        services):
    """Evading an allow-list takes one.  What such evasions need is refused."""
    with capsys.disabled():
        print(f"\nE03: not applicable to {profile}: no policy lets anything "
              "out, so there is no list to evade")
    run = jail(profile).run("e01_reach.py", argv=services.argv())
    assert {"tcp-mapped", "tcp-any", "tcp-internet", "udp-dns"} <= \
        run.blocked(), run


def test_e05_not_applicable_no_policy_resolves_names(jail, profile, capsys,
                                                     services):
    with capsys.disabled():
        print(f"\nE05: not applicable to {profile}: no policy has a resolver "
              "or an allowed host")
    run = jail(profile).run("e01_reach.py", argv=services.argv())
    assert {"dns", "udp-dns", "udp-multicast"} <= run.blocked(), run


def test_e03_control_allow_list(cannot_show):
    cannot_show("no policy has a network outside, so no allow-list")


def test_e05_control_resolver(cannot_show):
    cannot_show("no policy has a network outside, so no resolver")


# ---- E04: inherited sockets -------------------------------------------------


@pytest.mark.parametrize("program", ["e04_inherited.c", "e04_inherited.py",
                                     "e04_inherited.js", "e04_inherited.sh"])
def test_e04_no_socket_comes_along(jail, profile, program):
    run = jail(profile).run(program)
    assert {"send", "socket-fds"} <= run.blocked() and not run.done(), run


def test_e04_control_fd_table(world, tmp_path):
    """Passed on by plain: sent; with its fd table closed: not there."""
    tmp_path.chmod(0o755)
    escape.gcc(escape.PROGRAMS / "e04_inherited.c", "-o", tmp_path / "send")
    for layers, got in (("none", True), ("fds", False)):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            done = subprocess.run(
                [world.plain_binary, layers, tmp_path / "send"],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=60)
            run = escape.Run({"stdout": done.stdout})
            assert ("send" in run.done()) == got, run
            with contextlib.suppress(BlockingIOError):
                assert ours.recv(10) == b"leak" and got
