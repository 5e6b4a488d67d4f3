# SPDX-License-Identifier: Apache-2.0
"""Modes, names and commands that others can turn to their own use.
PLAIN, CALLS and METHODS are rows for checks.py, which says what is in them.
"""
import re

from values import CLEAN, is_true


def chmod(flow, node, path, args, keywords):
    mode = keywords.get("mode") or (args[1] if len(args) > 1 else None)
    if mode is None or not isinstance(mode.const, int) or \
            isinstance(mode.const, bool):
        return
    if mode.const & 0o002 and not mode.const & 0o1000:
        flow.report.add("loose-permissions", node, f"Mode {mode.const:#o}: "
                        "every user of the machine may change it.",
                        confidence="high")
    elif mode.const & 0o020 and mode.const & 0o001 and path != "os.mkdir":
        flow.report.add("loose-permissions", node, f"Mode {mode.const:#o}: a "
                        "whole group may change it.", "low", "medium")


def chmod_method(flow, node, path, base, args, keywords):
    if "pathlib." in base.type:
        chmod(flow, node, path, [CLEAN] + args, keywords)


def umask(flow, node, path, args, keywords):
    if args and isinstance(args[0].const, int) and args[0].const == 0:
        flow.report.add("loose-permissions", node, "umask 0: new files may be "
                        "changed by every user.", confidence="high")


def opened(flow, node, path, args, keywords):
    name, mode = (args + [None, None])[:2]
    mode = keywords.get("mode") or mode
    if name is None or not name.is_const or not isinstance(name.const, str):
        return
    if re.match(r"/(var/)?tmp/[^{}]+|/dev/shm/.+", name.const) and \
            mode is not None and isinstance(mode.const, str) and \
            mode.const[:1] in ("w", "a") and not flow.frame.is_test:
        flow.report.add("temp-file-race", node, "A fixed name in a folder "
                        "that all may write to: somebody else can put a link "
                        "there first.", "medium", "medium")


def shell_constant(flow, node, path, args, keywords):
    """A wildcard in a command: a file named like an option becomes one."""
    value = args[0] if args else None
    if value is None or not isinstance(value.const, str):
        return
    if path.startswith("subprocess.") and not is_true(keywords.get("shell")):
        return
    if re.search(r"\b(chown|chmod|tar|rsync)\b[^|;&]* \*(\s|$)", value.const):
        flow.report.add("wildcard-command", node, "A file whose name begins "
                        "with - is taken for an option.",
                        confidence="medium")


PLAIN = [
    ("temp-file-race", "tempfile.mktemp os.tempnam os.tmpnam",
     "Between choosing the name and opening it, somebody else can put a file "
     "or link there."),
]
CALLS = {
    "os.chmod": chmod, "os.fchmod": chmod, "os.lchmod": chmod,
    "os.mkdir": chmod, "os.makedirs": chmod, "os.umask": umask,
    "open": opened, "io.open": opened, "codecs.open": opened,
    "os.system": shell_constant, "os.popen": shell_constant,
    "subprocess.call": shell_constant, "subprocess.run": shell_constant,
    "subprocess.Popen": shell_constant,
}
METHODS = {"chmod": chmod_method}
