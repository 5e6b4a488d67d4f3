# SPDX-License-Identifier: Apache-2.0
"""Code and commands that run by another's hand: kept by trap, started by find
or xargs, given to a shell within a container, hidden in arithmetic."""
import re

from view import CERTAIN, SAYS, SHELLS, TAKES_OPTIONS, View

# A shell of these looks into $((x)) and runs a[$(command)].
HAS_ARRAYS = re.compile(r"#!.*\b(?:bash|ksh\w*|zsh)\b")
# Names in an arithmetic expression, with $ and without.
BARE = re.compile(r"(?<![\w$\"'.])([A-Za-z_]\w*)(?![\w(])|"
                  r"\$\{?([A-Za-z_]\w*|[1-9])")
LOOKS_UP = {"grep", "egrep", "fgrep", "sort", "man", "date", "mail", "sendmail",
            "ps", "convert", "ffmpeg", "file", "head", "tail"}
STARTS = {"xargs", "parallel", "watch", "nohup", "setsid"}


def trap_code(v):
    """trap "$1" EXIT: eval at a later time."""
    at = 2 if v.args[:1] == ["--"] else 1
    if v.name == "trap" and len(v.words) > at + 1:
        v.tainted("eval-input", v.words[at], "trap keeps text with %s in it, "
                  "to run it as shell code.")


def whole_name(v):
    """A command that is nothing but a foreign value."""
    if not v.words or len(v.words[0].parts) != 1 or \
            v.words[0].parts[0].kind != "var":
        return
    p = v.words[0].parts[0]
    value = v.flow.part(p)
    if value in ("input", "request"):
        v.report("command-injection", "The command that runs is %s." %
                 SAYS[value], confidence=CERTAIN[value])
    elif value is not None and not p.quoted and p.text not in "@*" and \
            not p.op and not v.was_compared(p.text) and \
            not v.flow.leads.get(p.text):
        default = {"severity": "low"} if p.text in v.flow.defaults else {}
        v.report("command-injection", "%s is split into a command and its "
                 "arguments: %s." % ("$" + p.text, SAYS[value]),
                 **{"severity": "medium", "confidence": "low",
                    **v.weight(value, [p]), **default})


def started(v):
    """find -exec $command, xargs $command."""
    first = None
    if v.name == "find":
        first = next((i for i, a in enumerate(v.args)
                      if a in ("-exec", "-execdir", "-ok")), None)
    elif v.name in STARTS:
        first = -1
        while first + 1 < len(v.args) and v.args[first + 1][:1] == "-":
            first += 1
    if first is None or first + 1 >= len(v.args):
        return
    w = v.words[first + 2]
    if w.parts and w.parts[0].kind == "var" and w.parts[0].text not in "@*":
        v.tainted("command-injection", w, v.name + " runs a command that is "
                  "%s.")


def shell_within(v):
    """docker exec NAME sh -c "... $1": a shell that another program starts."""
    if v.name in SHELLS or v.name in ("echo", "printf", "su", "runuser", "trap",
                                      "eval"):
        return
    for i, a in enumerate(v.args[:-2]):
        if a.rsplit("/", 1)[-1] in SHELLS and \
                re.fullmatch(r"-[a-z]*c", v.args[i + 1]):
            v.tainted("command-injection", v.words[i + 3], "The shell that " +
                      v.name + " starts runs text with %s in it as code.")
            return


def split_by_xargs(v):
    """echo "$1" | xargs rm: words and options at the caller's will."""
    if v.name not in ("echo", "printf") or v.c.next is None:
        return
    n = View(v.c.next, v.script)
    rest = [a for a in n.args if not a.startswith("-")]
    if n.name != "xargs" or n.has("-0", "--null") or not rest or \
            rest[0] not in TAKES_OPTIONS or "--" in n.args or any(
                a.startswith(("-d", "-I", "--delim")) for a in n.args):
        return
    for w in v.words[1:]:
        value = v.flow.word(w)
        if value is not None:
            v.report("unquoted-input", "xargs splits %s into arguments and "
                     "options of %s." % (SAYS[value], rest[0]), w.line,
                     confidence=CERTAIN[value])
            return


def arithmetic(v):
    """$((x)) evaluates what is in x, and commands in a[$(...)] of it."""
    if not HAS_ARRAYS.match(v.script.text):
        return
    bodies = [p for w in v.c.words + [w for _, w in v.c.assigns]
              for p in w.parts if p.kind == "arith"]
    for p in bodies:
        for m in BARE.finditer(p.text):
            name = m.group(1) or m.group(2)
            value = v.flow.variable(name)
            if value in ("argument", "input", "request") and \
                    not v.was_compared(name):
                v.report("code-injection", "$((...)) evaluates %s, and the "
                         "commands in the index of an array there: it is %s."
                         % ("$" + name, SAYS[value]), confidence="low",
                         **({} if value == "request" else
                            {"severity": "low"}))
                return


def sed_program(v):
    """sed "s/x/$1/": GNU sed's e runs commands, w writes files."""
    if v.name != "sed" or v.has("-f", "--file"):
        return
    scripts = [w for w in (v.after("-e"), v.after("--expression"))
               if w is not None]
    if not scripts:
        scripts = [w for w in v.words[1:]
                   if not w.text.startswith("-")][:1]
    for w in scripts:
        value = v.flow.word(w)
        if value in ("argument", "input", "request"):
            low = {"severity": "low"} if value == "argument" else {}
            v.report("code-injection", "The sed program has %s in its text."
                     % SAYS[value], w.line, confidence="low", **low)
            return


def option_of_request(v):
    """grep "$QUERY": the client writes -f/etc/shadow."""
    if v.name not in TAKES_OPTIONS | LOOKS_UP or "--" in v.args:
        return
    before = ""
    for w in v.words[1:]:
        if w.parts and w.parts[0].kind == "var" and \
                v.flow.part(w.parts[0]) == "request" and \
                not re.fullmatch(r"-[eDdoH]|--\w+", before):
            v.report("option-injection", "%s takes $%s for an option if a web "
                     "request lets it begin with -." % (
                         v.name, w.parts[0].text), w.line)
            return
        before = w.text


CHECKS = (trap_code, whole_name, started, shell_within, split_by_xargs,
          arithmetic, sed_program, option_of_request)
