# SPDX-License-Identifier: Apache-2.0
"""SQLite in a file, where no file can be locked.

The profiles have no fcntl locks (docs/POLICIES.md, "Known limits"), without
which SQLite cannot open a database file.  It brings another way to lock, files
beside the database ("unix-dotfile", sqlite.org/vfs.html); this makes it the
default of the process, if the policy has no locks.  A connection that names a
VFS gets the one it names.
"""
import os
import sys


def import_own(*names):
    """The system's modules, not what lies beside the program; forgotten again."""
    before, path = set(sys.modules), sys.path[:]
    sys.path[:] = [p for p in path if p.startswith("/usr/")]
    try:
        return [__import__(name) for name in names]
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in names:
                del sys.modules[name]


def has_locks(fcntl):
    fd = os.memfd_create("lock")
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def use_lock_files():
    ctypes, fcntl = import_own("ctypes", "fcntl")
    if has_locks(fcntl):
        return
    try:
        sqlite = ctypes.CDLL("libsqlite3.so.0")  # the one _sqlite3 links
    except OSError:
        return  # then there is no _sqlite3 either, or it has its own
    sqlite.sqlite3_vfs_find.restype = ctypes.c_void_p
    vfs = sqlite.sqlite3_vfs_find(b"unix-dotfile")
    if vfs:
        sqlite.sqlite3_vfs_register(ctypes.c_void_p(vfs), 1)
