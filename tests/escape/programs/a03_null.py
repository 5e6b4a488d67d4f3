# SPDX-License-Identifier: Apache-2.0
"""Are the jail's devices the devices?  What lies there otherwise leaks."""
import os
import stat

NUMBERS = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8),
           "urandom": (1, 9)}
for name, number in NUMBERS.items():
    path = f"/dev/{name}"
    st = os.lstat(path)
    is_right = stat.S_ISCHR(st.st_mode) and \
        (os.major(st.st_rdev), os.minor(st.st_rdev)) == number
    print(f"attempt {name} blocked is-the-device" if is_right else
          f"attempt {name} done {oct(st.st_mode)}")
text = open("/dev/null", "rb").read(64)
print(f"attempt read_null done {text!r}" if text else
      "attempt read_null blocked empty")
