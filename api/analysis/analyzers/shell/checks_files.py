# SPDX-License-Identifier: Apache-2.0
"""Files: names in /tmp that others can foresee, modes that let others in, and
what is removed by mistake."""
import re

from view import SAYS, shown

# What no script removes by right.
ROOTS = re.compile(r"/+\**|/(?:bin|boot|etc|home|lib|lib64|opt|root|sbin|srv|"
                   r"usr|var)/?\**")
TEMP = re.compile(r"^/(?:tmp|var/tmp|dev/shm)/[^/]")


def temp_file(v):
    if v.name == "mktemp" and v.short("u"):
        v.report("temp-file", "mktemp -u only makes up a name: the file can "
                 "be there by the time it is written.")
        return
    targets = [(w, "a redirection") for _, op, w in v.c.redirects
               if op in (">", ">>", "&>", "&>>", ">|", "<>")]
    if v.name in ("touch", "tee", "truncate", "mkfifo"):
        targets += [(w, v.name) for w in v.words[1:]]
    elif v.name in ("cp", "mv", "install", "ln") and len(v.words) > 2 and \
            not v.has("-t"):
        targets.append((v.words[-1], v.name))
    elif v.name in ("curl", "wget", "gcc", "cc", "openssl", "sort"):
        targets += [(w, v.name) for w in (
            v.after("-o"), v.after("-O"), v.after("--output"),
            v.after("-out")) if w is not None]
    elif v.name == "dd":
        targets += [(w, v.name) for w in v.words[1:]
                    if w.text.startswith("of=")]
    for w, how in targets:
        text = v.script.expand(w)
        if text.startswith("of="):
            text = text[3:]
        if not TEMP.match(text) or text.endswith("/") or \
                text.startswith("/tmp/.X11"):
            continue
        if "${RANDOM}" in text and text.count("RANDOM") > 2 or \
                "$(...)" in text or "XXX" in text or \
                v.script.in_made_directory(text):
            continue
        if "${" in text and "${$}" not in text and "${RANDOM}" not in text \
                and not re.search(r"/tmp/[^$]{3,}", text):
            continue
        v.report("temp-file", "%s writes to %s, a name that others can "
                 "foresee." % (how.capitalize(), shown(text)), w.line)
        return


def wide_mode(v):
    mode = None
    if v.name == "chmod":
        plain = [a for a in v.args if not re.match(r"-[A-Za-z-]", a) or
                 re.match(r"-[rwxX]+$", a)]
        mode = plain[0] if plain else None
        rest = " ".join(plain[1:])
        if mode and re.fullmatch(r"[0-7]?[0-7]?[4-7][4-7]|[ag]?o?\+r", mode) \
                and re.search(r"id_(?:rsa|dsa|ecdsa|ed25519)(?![\w.])|"
                              r"\.key\b|private[\w-]*\.pem|/etc/shadow|"
                              r"authorized_keys|\.pgpass|\.netrc|credentials"
                              r"(?:\.\w+)?$", rest) and \
                ".pub" not in rest:
            v.report("permissive-mode",
                     "A private key becomes readable for others.")
            return
    elif v.name in ("install", "mkdir", "mkfifo"):
        w = v.after("-m") or v.after("--mode")
        mode = w.text if w is not None else None
        for a in v.args:
            m = re.fullmatch(r"(?:-m|--mode=)(\S+)", a)
            mode = m.group(1) if m else mode
    elif v.name == "umask" and v.args:
        if re.fullmatch(r"0*[0-7]?[01]|0+", v.args[0]) and \
                v.args[0].lstrip("0") in ("", "1", "11", "10"):
            v.report("permissive-mode",
                     "umask %s makes new files writable for everybody."
                     % v.args[0])
        return
    if mode is None:
        return
    octal = re.fullmatch(r"([0-7]?)([0-7])([0-7])([0-7])", mode)
    wide = octal and int(octal.group(4)) & 2 and \
        not int(octal.group(1) or 0) & 1
    if wide or re.fullmatch(r"(?:[ug]*[ao][ugoa]*)[+=][rxX]*w[rwxX]*", mode):
        if "/tmp" in v.args[-1:] or v.args[-1:] == ["/dev/null"]:
            return
        v.report("permissive-mode", "Mode %s lets everybody write." % mode)
    elif octal and int(octal.group(1) or 0) & 4 or \
            re.fullmatch(r"[ugao]*\+[rwx]*s", mode):
        v.report("setuid-file", "Mode %s runs the file with its owner's "
                 "rights, whoever starts it." % mode)


def remove(v):
    """rm -rf "$dir/..." with a variable that may be empty or foreign."""
    if v.name != "rm" or not (v.short("r") or v.short("R") or
                              v.has("--recursive")):
        return
    for w in v.words[1:]:
        if w.text.startswith("-"):
            continue
        first = w.parts[0] if w.parts else None
        if w.constant is not None and ROOTS.fullmatch(w.constant):
            v.report("unsafe-remove", "rm -r removes the system's own "
                     "files.", w.line)
            return
        if first is None or first.kind != "var":
            continue
        if first.op.startswith(":?") or first.op.startswith("?") or \
                first.op.startswith(":-"):
            continue
        value = v.flow.part(first)
        rest = "".join(p.text for p in w.parts[1:] if p.kind == "lit")
        name = first.text
        if value in ("argument", "input", "request") and \
                name not in v.script.tested:
            v.report("unsafe-remove", "rm -r removes what %s names." %
                     SAYS[value], w.line, confidence="medium")
        elif rest.startswith("/") and name.isidentifier() and \
                name not in v.flow.constants and not v.script.nounset and \
                name not in v.script.tested and value is None and \
                re.fullmatch(r"/[.\w*-]*\*?|/(?:bin|etc|lib|usr|var|home|"
                             r"opt|srv|boot)(?:/.*)?", rest) and \
                name not in ("HOME", "PWD", "TMPDIR", "OLDPWD") and \
                not v.script.set_somewhere(name):
            v.report("unsafe-remove", "If $%s is empty or not set, rm -r "
                     "begins at /." % name, w.line, confidence="medium")


CHECKS = (temp_file, wide_mode, remove)
