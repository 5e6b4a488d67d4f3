#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""own_mounts.py SCRIPT CMD...: run the shell script and then CMD in a mount
namespace of their own, so that what the script does to the machine's files is
seen by CMD alone."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent /
                       "integration"))

from limited import own_mounts  # noqa: E402

own_mounts()
subprocess.run(["/bin/sh", "-eu", "-c", sys.argv[1]], check=True)
os.execvp(sys.argv[2], sys.argv[2:])
