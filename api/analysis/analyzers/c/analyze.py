# SPDX-License-Identifier: Apache-2.0
"""Looks for weaknesses in a C source that compilers do not look for.

    analyze.py FILE

prints the object of common/answer.py.  No preprocessor, no includes: what is
read is the text.

  ctokens.py  the text to tokens and functions
  cstate.py   what is known of variables
  cflow.py    statements and expressions
  cguards.py  what conditions say of them
  csinks.py   what must not be done with what is known
  cnumbers.py sums and divisions that go wrong
  csilence.py what keeps GCC from telling
  unit.py     the whole source

Python compiles this file at each start and finds the others compiled.
"""
import sys

# Only this folder: the working directory holds the source.
FOLDER = __file__[: -len("analyze.py")]
sys.path.insert(0, FOLDER)

import compiled  # noqa: E402

compiled.use(FOLDER)

import answer  # noqa: E402
import unit  # noqa: E402

sys.stdout.write(answer.of_text(sys.argv[1], unit.VERSION, unit.look))
