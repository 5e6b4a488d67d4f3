# SPDX-License-Identifier: Apache-2.0
"""Leave what a careless cleanup would follow: links to everything, deep and
odd names, directories without permissions."""
import os

for number, target in enumerate(("/", "/usr/bin", "/opt/runtime", "..",
                                 "/proc/self/root", "/dev", "/tmp")):
    os.symlink(target, f"link{number}")
    os.symlink(target, f"/tmp/link{number}")
for name in ("-rf", "a b", "new\nline", "\xff", "*", ".. ", "x" * 255):
    os.makedirs(os.path.join("odd", name, name))
os.chdir("odd")
for _ in range(600):
    os.mkdir("deep")
    os.chdir("deep")
os.chmod("/work/odd", 0)
os.chmod("/work", 0)
print("ready")
