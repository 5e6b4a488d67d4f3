# SPDX-License-Identifier: Apache-2.0
"""The machine's own guards: where programs are looked for, containers that are
the host's root, protection that is turned off."""
import re

from view import assignments, shown


def search_path(v):
    for name, value in assignments(v.c):
        if name == "PATH" or name == "LD_LIBRARY_PATH":
            text = value.text
            parts = text.split(":")
            relative = [p for p in parts if p in (".", "./", "bin") or
                        (name == "PATH" and re.match(
                            r"/(?:tmp|var/tmp|dev/shm)(?:/|$)", p))]
            if name == "PATH" and "" in parts and len(parts) > 1 and \
                    "${PATH}" in text and not value.text.endswith("\n"):
                relative.append("(empty)")
            if relative:
                v.report("unsafe-path", "%s has %s in it: whoever can write "
                         "there decides what runs." % (name, relative[0]))
        elif name == "LD_PRELOAD" and re.match(r"/tmp|\./", value.text):
            v.report("unsafe-path", "LD_PRELOAD loads code from a folder "
                     "that others can write.")


def containers(v):
    if v.name in ("docker", "podman") and v.args[:1] and \
            v.args[0] in ("run", "create", "exec"):
        bad = None
        if v.has("--privileged"):
            bad = "--privileged"
        for a in v.args:
            if "docker.sock" in a:
                bad = "the Docker socket"
            elif re.match(r"(?:--volume=|-v)?/:/", a):
                bad = "the host's root"
            elif a in ("--pid=host", "--cap-add=ALL",
                       "--cap-add=SYS_ADMIN"):
                bad = a
        if bad:
            v.report("privileged-container",
                     "With %s a container is the host's root." % bad)


def guards_off(v):
    text = v.all
    off = None
    if v.name == "setenforce" and v.args[:1] in (["0"], ["Permissive"]):
        off = "SELinux"
    elif v.name == "ufw" and "disable" in v.args:
        off = "the firewall"
    elif v.name in ("iptables", "ip6tables") and re.search(
            r"-P (?:INPUT|FORWARD) ACCEPT", text):
        off = "the firewall"
    elif v.name in ("systemctl", "service") and re.search(
            r"\b(?:stop|disable|mask)\b", text) and re.search(
                r"\b(?:firewalld|ufw|apparmor|auditd|iptables)\b", text):
        off = text.split()[-1].replace(".service", "")
    elif v.name == "sysctl" and re.search(r"randomize_va_space=0", text):
        off = "address randomisation"
    elif v.name == "echo" and v.args == ["0"] and any(
            "randomize_va_space" in w.text for _, _, w in v.c.redirects):
        off = "address randomisation"
    if off:
        v.report("protection-off", "The script turns off %s." % shown(off))
    for w in v.words[1:] + v.c.heredocs:
        m = re.search(r"NOPASSWD: *(ALL|\S*\*)", w.text)
        if m and v.name in ("echo", "printf", "tee", "cat"):
            v.report("sudo-without-password", "A rule for sudo allows %s "
                     "without a password." % shown(m.group(1)))
            return


CHECKS = (search_path, containers, guards_off)
