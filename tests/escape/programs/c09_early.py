# SPDX-License-Identifier: Apache-2.0
"""C09: code that interpreters, shells and compilers run before the program.

The bundle (c09_hooks.py) has a hook for each way.  Every hook appends what the
kernel says of it, in its first statement, to early.log; here each way is
walked, and the log read.  A hook that ran without the filter has got through.
"""
import os
import subprocess

HERE = os.getcwd()
LOG = os.path.join(HERE, "early.log")
BASE = {"PATH": "/usr/bin:/bin", "HOME": HERE, "LANG": "C.UTF-8",
        "C09_LOG": LOG}

WAYS = {
    # name: (command, environment beside BASE)
    "sitecustomize": (["/usr/bin/python3", "-c", ""], {"PYTHONPATH": HERE}),
    "usercustomize": (["/usr/bin/python3", "-c", ""],
                      {"PYTHONUSERBASE": HERE + "/userbase"}),
    "pth": (["/usr/bin/python3", "-c", ""],
            {"PYTHONUSERBASE": HERE + "/userbase"}),
    "pythonstartup": (["/usr/bin/python3", "-i"],
                      {"PYTHONSTARTUP": HERE + "/startup.py"}),
    "bash_env": (["/bin/bash", "-c", ":"], {"BASH_ENV": HERE + "/bash_env"}),
    "bashrc": (["/bin/bash", "-i", "-c", ":"], {}),
    "bash_function": (["/bin/bash", "-c", "true_name"],
                      {"BASH_FUNC_true_name%%":
                       "() { . $HOME/bash_function; }"}),
    "sh_env": (["/bin/sh", "-i", "-c", ":"], {"ENV": HERE + "/sh_env"}),
    "node_options": (["/usr/bin/node", "-e", ""],
                     {"NODE_OPTIONS": f"--require {HERE}/node_hook.cjs"}),
    "node_modules": (["/usr/bin/node", "-e", "require('hook')"], {}),
    "ld_preload": (["/bin/true"], {"LD_PRELOAD": HERE + "/hook.so"}),
    "ld_audit": (["/bin/true"], {"LD_AUDIT": HERE + "/hook.so"}),
    "gcc_plugin": (["/usr/bin/gcc", "-fplugin=./hook.so", "-c", "empty.c"],
                   {}),
    "gcc_specs": (["/usr/bin/gcc", "-specs=./hook.specs", "empty.c"],
                  {}),
    "gcc_wrapper": (["/usr/bin/gcc", "-wrapper", HERE + "/wrapper.sh", "-c",
                     "empty.c"], {}),
}


def build():
    """What must be compiled here, and marked as a program."""
    subprocess.run(["/usr/bin/gcc", "-shared", "-fPIC", "-o", "hook.so",
                    "hook.c"], check=True, env=BASE)
    os.chmod("wrapper.sh", 0o755)


def main():
    build()
    for way, (command, environment) in WAYS.items():
        subprocess.run(command, env={**BASE, **environment, "C09_WAY": way},
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
    # What the job's own interpreter had run when it came to this line.
    seen = {}
    with open(LOG) as log:
        for line in log:
            way, posture = line.rstrip("\n").split(" ", 1)
            if seen.get(way, "2 1") == "2 1":
                seen[way] = posture
    # An LD_AUDIT library has no environment yet to read its name from.
    if seen.get("unnamed", "2 1") == "2 1":
        seen.pop("unnamed", None)
    for way in ["own", *WAYS, *(seen.keys() - WAYS.keys() - {"own"})]:
        if way not in seen:
            print("attempt", way, "blocked", "never_ran")
        elif seen[way] == "2 1":
            print("attempt", way, "blocked", "filtered")
        else:
            print("attempt", way, "done", "seccomp_nnp:", seen[way])


main()
