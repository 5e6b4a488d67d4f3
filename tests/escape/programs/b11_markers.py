# SPDX-License-Identifier: Apache-2.0
"""B11: leave a marker wherever one can write, and look for those of others.

argv: our marker's name.  The directories tried are all that mountinfo and a
walk of the root give, not only the usual ones.
"""
import os
import sys

marker = sys.argv[1]
places = {"/", "/dev", "/dev/shm", "/tmp", "/var/tmp", "/run", "/work",
          "/run/lock", "/proc", "/opt/runtime", "/usr/lib", "/etc", "/usr"}
with open("/proc/self/mountinfo") as lines:
    places |= {line.split()[4] for line in lines}

foreign, written = [], []
for place in sorted(places):
    try:
        names = os.listdir(place)
    except OSError:
        names = []
    foreign += [f"{place}/{name}" for name in names
                if name.startswith("promptcraft-marker-")]
for place in sorted(places):
    path = os.path.join(place, marker)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        written.append(place)
    except OSError:
        pass
print("attempt find-foreign",
      "done " + " ".join(foreign) if foreign else "blocked nothing-there")
print("attempt write done " + " ".join(written), flush=True)
