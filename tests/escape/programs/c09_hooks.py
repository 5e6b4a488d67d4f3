# SPDX-License-Identifier: Apache-2.0
"""The bundle of c09_early.py: one hook for each way to run early."""

PYTHON = """\
import os
def _look():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    posture = status["Seccomp"].strip() + " " + status["NoNewPrivs"].strip()
    log = os.environ.get("C09_LOG", "early.log")
    with open(log, "a") as file:
        file.write(os.environ.get("C09_WAY", "own") + " " + posture + "\\n")
_look()
"""
PTH = ("import os; s=dict(l.split(':',1) for l in open('/proc/self/status')); "
       "open(os.environ.get('C09_LOG','early.log'),'a').write("
       "os.environ.get('C09_WAY','own')+' '+s['Seccomp'].strip()+' '"
       "+s['NoNewPrivs'].strip()+'\\n')\n")
SHELL = r"""\
seccomp= nnp=
while read -r name value rest; do
    case $name in
    Seccomp:) seccomp=$value ;;
    NoNewPrivs:) nnp=$value ;;
    esac
done </proc/self/status
echo "$C09_WAY $seccomp $nnp" >>"$C09_LOG"
""".removeprefix("\\\n")
NODE = r"""
const fs = require("fs");
const status = fs.readFileSync("/proc/self/status", "utf8");
const field = (name) => new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)[1];
fs.appendFileSync(process.env.C09_LOG || "early.log",
  `${process.env.C09_WAY || "own"} ${field("Seccomp")} ` +
  `${field("NoNewPrivs")}\n`);
"""
# The constructor runs when it is loaded, before anybody calls into it.
LIBRARY = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int plugin_is_GPL_compatible;
int plugin_init(void *a, void *b) { (void)a; (void)b; return 0; }
unsigned la_version(unsigned v) { return v; }
static void __attribute__((constructor)) look(void)
{
	char line[256], seccomp[8] = "?", nnp[8] = "?";
	FILE *status = fopen("/proc/self/status", "r"), *log;
	const char *way = getenv("C09_WAY"), *path = getenv("C09_LOG");
	while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
		sscanf(line, "Seccomp: %7s", seccomp);
		sscanf(line, "NoNewPrivs: %7s", nnp);
	}
	log = fopen(path != NULL ? path : "early.log", "a");
	if (log != NULL)
		fprintf(log, "%s %s %s\n", way != NULL ? way : "unnamed", seccomp,
			nnp);
	if (log != NULL)
		fclose(log);
}
"""

FILES = {
    "sitecustomize.py": PYTHON,
    "userbase/lib/python3.11/site-packages/usercustomize.py": PYTHON,
    "userbase/lib/python3.11/site-packages/hook.pth": PTH,
    ".local/lib/python3.11/site-packages/usercustomize.py": PYTHON,
    ".local/lib/python3.11/site-packages/hook.pth": PTH,
    "startup.py": PYTHON,
    ".bashrc": SHELL,
    ".profile": SHELL,
    "bash_env": SHELL,
    "bash_function": SHELL,
    "sh_env": SHELL,
    ".npmrc": "node-options=--require ./node_hook.cjs\n",
    "package.json": '{"name": "x", "main": "node_hook.cjs"}\n',
    "node_hook.cjs": NODE,
    "node_modules/hook/index.js": NODE,
    "hook.c": LIBRARY,
    "empty.c": "int main(void) { return 0; }\n",
    "hook.specs": "*link_command:\n" "/bin/sh %s./sh_specs\n",
    "sh_specs": "C09_WAY=gcc_specs C09_LOG=${C09_LOG:-early.log}\n" + SHELL,
    "wrapper.sh": "#!/bin/sh\n" + SHELL + 'exec "$@"\n',
    ".gdbinit": "shell echo own 0 0 >>early.log\n",
    "ld.so.preload": "./hook.so\n",
}
