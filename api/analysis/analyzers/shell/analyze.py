# SPDX-License-Identifier: Apache-2.0
"""Looks for weaknesses in a shell script without running it.

    analyze.py FILE

prints the object of common/answer.py.  The script is hostile: what cannot be
read whole is not analysed, never clean.

  syntax.py          commands, words and parts
  shellparse.py      the text to these
  flow.py            where the values of variables come from
  view.py            a command as the checks see it
  checks_code.py     foreign text that becomes code, SQL, a path, an option
  checks_network.py  downloads that run, trust, TLS, shells given away
  checks_files.py    temporary names, modes, removal
  checks_secrets.py  secrets in the text, in arguments, in logs
  checks_system.py   the machine's guards
  checks_crypto.py   ciphers, hashes, keys, random numbers
  indirect.py        what runs by another's hand: trap, find, xargs
  script.py          the whole script

Python compiles this file at each start and finds the others compiled.
"""
import sys

# Only this folder: the working directory holds the source.
FOLDER = __file__[: -len("analyze.py")]
sys.path.insert(0, FOLDER)

import compiled  # noqa: E402

compiled.use(FOLDER)

import answer  # noqa: E402
import script  # noqa: E402

sys.stdout.write(answer.of_text(sys.argv[1], script.VERSION, script.look))
