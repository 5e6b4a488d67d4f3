# SPDX-License-Identifier: Apache-2.0
"""What foreign text becomes in a command: shell code, a program of another
language, SQL, a page, a path, an option."""
import re

from flow import DECLARES, NETWORK
from syntax import walk
from view import CERTAIN, SAYS, SHELLS, TAKES_OPTIONS, View, shown

# Set by the shell or the login for the user who runs the script.
OWN_PLACES = {"HOME", "PWD", "OLDPWD", "BASH_SOURCE", "ZDOTDIR",
              "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME",
              "NVM_DIR", "ENV", "ROOT"}


def eval_input(v):
    if v.name != "eval":
        return
    for w in v.words[1:]:
        network = any(x.name in NETWORK for p in w.parts if p.sub
                      for x in walk(p.sub))
        if network:
            v.report("code-from-network",
                     "eval runs what a download answers as shell code.")
            return
        if v.tainted("eval-input", w, "eval runs text with %s in it as "
                     "shell code."):
            return
        for p in w.parts:
            if from_nowhere(v, p):
                v.report("eval-input", "eval runs text with $%s in it, which "
                         "nothing here sets: the environment does." % p.text,
                         w.line, severity="medium", confidence="low")
                return


def from_nowhere(v, part):
    """A variable that only the environment can set."""
    return part.kind == "var" and part.text.isidentifier() and \
        not part.op.startswith((":-", "-", ":=", "=", ":+", "+")) and \
        not v.script.reads_others and part.text not in OWN_PLACES and \
        part.text not in v.script.assigned | v.script.tested.keys() and \
        part.text not in v.flow.values


def reads_code(v):
    """A shell without a script: what it reads is what it runs."""
    return v.name in SHELLS and all(
        re.fullmatch(r"-[ex]*s?|/dev/stdin", a) for a in v.args)


def piped_code(v):
    """echo "$1" | sh, and sh <<< "$1": eval by another name."""
    words = []
    if v.name in ("echo", "printf") and v.c.next is not None and \
            reads_code(View(v.c.next, v.script)):
        words = v.words[1:]
    elif reads_code(v) or (v.name in ("source", ".") and
                           v.args[:1] == ["/dev/stdin"]):
        words = [r[2] for r in v.c.redirects if r[1] == "<<<"]
    for w in words:
        if v.tainted("eval-input", w, "A shell runs text with %s in it as "
                     "shell code."):
            return


def command_text(v):
    """Program text with foreign values in it: sh -c "... $1"."""
    if v.name in SHELLS | {"su", "runuser"}:
        for i, a in enumerate(v.args):
            if re.fullmatch(r"-[a-z]*c|--command", a) and \
                    i + 1 < len(v.args):
                v.tainted("command-injection", v.words[i + 2],
                          v.name + " -c runs text with %s in it as code.")
                return
    if v.name in ("python", "python3", "perl", "ruby", "php", "node", "lua"):
        for o in ("-c", "-e", "-r", "-ne", "-pe", "-pi", "-pie", "-le"):
            w = v.after(o)
            if w is not None and v.tainted(
                    "code-injection", w,
                    v.name + " runs a program with %s in its text."):
                return
    if v.name in ("ssh", "rsh") and v.c.words:
        plain = [w for w in v.words[1:]]
        rest = after_host(plain)
        for w in rest:
            if v.tainted("remote-command-injection", w, "The command that "
                         "ssh gives to the other side's shell has %s in it."):
                return


def after_host(words):
    """What follows ssh's host."""
    takes = set("bcDEeFIiJLlmOopQRSWw")
    i = 0
    while i < len(words):
        text = words[i].text
        if text.startswith("-") and len(text) > 1:
            i += 2 if len(text) == 2 and text[1] in takes else 1
        else:
            return words[i + 1:]
    return []


def program_text(v):
    """awk and sed programs made of values."""
    if v.name in ("awk", "gawk", "mawk"):
        program = first_plain(v, {"-F", "-v", "-f"})
        if program is not None and not v.has("-f"):
            v.tainted("code-injection", program,
                      "The awk program has %s in its text.")


def first_plain(v, with_value):
    skip = False
    for w in v.words[1:]:
        if skip:
            skip = False
        elif w.text in with_value:
            skip = True
        elif not w.text.startswith("-"):
            return w
    return None


def shell_per_file(v):
    """find -exec sh -c '... {}' and xargs -I{} sh -c '... {}'."""
    if v.name not in ("find", "xargs", "parallel"):
        return
    for i, a in enumerate(v.args[:-2]):
        name = a.rsplit("/", 1)[-1]
        if name in SHELLS and re.fullmatch(r"-[a-z]*c", v.args[i + 1]):
            mark = "{}"
            for option in v.args[:i]:
                m = re.fullmatch(r"-I(.+)", option)
                mark = m.group(1) if m else mark
            flag = v.after("-I")
            mark = flag.text if flag is not None else mark
            if mark and mark in v.args[i + 2]:
                v.report("file-name-as-code", "%s puts each name into the "
                         "text that %s -c runs." % (v.name, name))


def run_input(v):
    """A sourced file that a foreign value names."""
    if v.name in ("source", ".") and len(v.words) > 1:
        w = v.words[1]
        value = v.flow.word(w)
        if value is not None and value != "parameter":
            v.tainted("source-input", w,
                      "The file that is sourced is named by %s.")
        elif value is None and w.parts and from_nowhere(v, w.parts[0]):
            v.report("source-input", "$%s names the file that is sourced, "
                     "and nothing here sets it: the environment does." %
                     w.parts[0].text, w.line, severity="medium",
                     confidence="low")


def sql(v):
    flags = {"mysql": ("-e", "--execute"), "mariadb": ("-e", "--execute"),
             "psql": ("-c", "--command"), "sqlcmd": ("-Q", "-q"),
             "sqlite3": (), "clickhouse-client": ("-q", "--query")}
    if v.name not in flags:
        return
    texts = [v.after(o) for o in flags[v.name]]
    if v.name == "sqlite3":
        plain = [w for w in v.words[1:] if not w.text.startswith("-")]
        texts += plain[1:]
    for w in v.words[1:]:
        if any(w.text.startswith(o + "=") or (
                o.startswith("-") and not o.startswith("--") and
                w.text.startswith(o) and len(w.text) > 2)
               for o in flags[v.name]):
            texts.append(w)
    texts += v.c.heredocs + [r[2] for r in v.c.redirects if r[1] == "<<<"]
    before = v.c.previous
    if before is not None and before.name in ("echo", "printf"):
        texts += before.words[1:]
    elif before is not None and before.name == "cat":
        texts += before.heredocs
    for w in texts:
        if w is not None and v.tainted("sql-injection", w, "The SQL that " +
                                       v.name + " runs has %s in its text."):
            return


def cgi(v):
    """A page with what the request said; files that the request names."""
    if v.name in ("echo", "printf", "cat") and not any(
            r[1] in (">", ">>") for r in v.c.redirects) and v.c.next is None:
        for w in v.words[1:] + v.c.heredocs:
            if v.name == "cat" and w not in v.c.heredocs:
                continue
            if v.flow.word(w) == "request" and v.script.is_cgi and \
                    not v.script.in_substitution:
                v.report("cgi-output", "The page shows a web request's text "
                         "as it came.", confidence="medium")
                return
    if v.name in ("cat", "rm", "cp", "mv", "head", "tail", "less", "tar",
                  "zcat", "sed", "grep"):
        plain = [w for w in v.words[1:] if not w.text.startswith("-")]
        if v.name in ("sed", "grep"):
            plain = plain[1:]
        for w in plain + [r[2] for r in v.c.redirects if r[1] in "<>>"]:
            if v.flow.word(w) == "request":
                v.report("path-traversal", "%s takes a path that a web "
                         "request names." % v.name)
                return


def option_injection(v):
    """rm, tar, ... with an unquoted foreign word: options come along."""
    if v.name in ("[", "[[", "test", "echo", "printf", "case", "for", "exit",
                  "return", "shift", "set", "cd", "export", "local", "kill",
                  "sleep", "seq", "expr", "") or v.name in DECLARES:
        return
    for w in v.words[1:]:
        for p in w.parts:
            if p.kind == "var" and not p.quoted and p.text not in "#?$!":
                value = v.flow.part(p)
                if value == "argument" and (
                        p.text in v.script.tested or
                        v.name not in TAKES_OPTIONS):
                    continue
                if value == "parameter" and v.name == "rm" and (
                        v.short("r") or v.short("R")) and \
                        p.text not in v.script.tested and not p.op:
                    v.report("unquoted-input", "%s without quotes is split "
                             "and expanded before rm sees it: %s." % (
                                 "$" + p.text, SAYS[value]), w.line,
                             confidence="low")
                    return
                if value in ("argument", "input", "request"):
                    v.report("unquoted-input", "%s without quotes is split "
                             "and expanded before %s sees it: %s." % (
                                 "$" + p.text, shown(v.name), SAYS[value]),
                             w.line, confidence=CERTAIN[value])
                    return


CHECKS = (eval_input, piped_code, command_text, program_text, shell_per_file,
          run_input, sql, cgi, option_injection)
