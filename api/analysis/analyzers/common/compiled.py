# SPDX-License-Identifier: Apache-2.0
"""Imports an analyzer's other modules from the .pyc beside each .py.

Python itself looks for them in __pycache__ only, and would compile thousands
of lines at each start.  A .pyc that is not of its source as it stands there
(PEP 552's hash) is not used.  Python compiles this file each time: it is short
and imports nothing that has to be loaded.
"""
import marshal
import posix
import sys
from importlib.machinery import ModuleSpec

import _imp
from _frozen_importlib_external import MAGIC_NUMBER

HEAD = MAGIC_NUMBER + b"\3\0\0\0"
KEY = int.from_bytes(MAGIC_NUMBER, "little")


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


class Finder:
    def __init__(self, folder):
        self.folder = folder
        self.names = {name[:-4] for name in posix.listdir(folder)
                      if name.endswith(".pyc")}

    def find_spec(self, name, _path=None, _target=None):
        return ModuleSpec(name, self) if name in self.names else None

    def create_module(self, _spec):
        return None

    def exec_module(self, module):
        path = self.folder + module.__name__ + ".py"
        text, compiled = read_file(path), read_file(path + "c")
        if compiled[:16] == HEAD + _imp.source_hash(KEY, text):
            code = marshal.loads(compiled[16:])
        else:
            code = compile(text, path, "exec", dont_inherit=True)
        exec(code, module.__dict__)


def use(folder):
    """folder ends in a slash."""
    sys.meta_path.insert(0, Finder(folder))
