# SPDX-License-Identifier: Apache-2.0
"""A jail that does what a test says, line by line (live.py): each line of
stdin is JSON text of Python code, each answer {"value"} or {"error"}."""
import errno
import json
import sys

scope = {}
for line in sys.stdin:
    source = json.loads(line)
    try:
        try:
            code = compile(source, "told", "eval")
        except SyntaxError:
            code = compile(source, "told", "exec")
        answer = {"value": eval(code, scope)}
    except OSError as error:
        answer = {"error": errno.errorcode[error.errno]}
    except BaseException as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer, default=repr), flush=True)
