# SPDX-License-Identifier: Apache-2.0
"""What did an archive leave outside of the working directory?"""
import os

found = []
for top in ("/tmp", "/dev/shm", "/run", "/opt", "/"):
    for name in sorted(os.listdir(top) if os.access(top, os.R_OK) else []):
        if "escaped" in name:
            found.append(os.path.join(top, name))
print(f"attempt slip done {' '.join(found)}" if found else
      "attempt slip blocked nothing-there")
bad = [os.path.join(d, n) for d, _, names in os.walk("/work") for n in names
       if os.lstat(os.path.join(d, n)).st_mode & 0o7022
       or os.path.islink(os.path.join(d, n))]
print(f"attempt modes done {bad}" if bad else "attempt modes blocked plain")
