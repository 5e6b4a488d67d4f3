# SPDX-License-Identifier: Apache-2.0
"""Secrets in the script, on command lines and in logs."""
import re

from view import View, assignments

SECRET_NAME = re.compile(
    r"(?i)(?:^|_|\b)(?:\w*passw(?:or)?d|passwd|passphrase|pwd|pw|pass|secret|"
    r"\w*api_?key|\w*token|\w*secret(?:_?key)?|private_?key|access_?key|"
    r"credentials?|auth_?key|encryption_?key)(?:_\w*)?$")
NOT_SECRET = re.compile(
    r"(?i)(?:file|path|dir|url|name|prompt|length|len|min|max|policy|regex|"
    r"pattern|hash|id|type|expir\w*|ttl|count|env|var|field|set|old|opts?|"
    r"label|required|enabled|cmd|command|args?)$")
TOKEN = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abpr]-[0-9A-Za-z-]{10,}|"
    r"sk_live_[0-9a-zA-Z]{20,}|AIza[0-9A-Za-z_-]{35}|glpat-[\w-]{20}|"
    r"https://hooks\.slack\.com/services/T\w+/B\w+/\w{8,}|"
    r"SG\.[\w-]{22}\.[\w-]{43}|GOCSPX-[\w-]{20,}|npm_[A-Za-z0-9]{36}|"
    r"(?i:authorization: *basic) +[A-Za-z0-9+/]{8,}={0,2}|"
    r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |)PRIVATE KEY-----|"
    r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")
PLACEHOLDER = re.compile(
    r"(?i)^$|^[<\[{].*[>\]}]$|^(?:x+|\*+|\.+|changeme.*|change_me.*|todo|none|"
    r"null|true|false|yes|no|your[_-].*|example.*|dummy|placeholder|redacted|"
    r"\d|auto|default|prompt|ask|stdin|/.*|\./.*|%s|--?[a-z].*)$")
# The password in an address.
USERINFO = re.compile(r"(?:https?|s?ftps?|ssh|postgres(?:ql)?|mysql|amqp|redis|"
                      r"mongodb(?:\+srv)?)://[^/\s:@]*:([^/\s@]+)@")


def is_secret_name(name):
    return bool(SECRET_NAME.search(name)) and not NOT_SECRET.search(name)


def in_address(text):
    m = USERINFO.search(text)
    return m is not None and not PLACEHOLDER.match(m.group(1)) and \
        m.group(1).lower() not in ("pass", "password", "pw", "secret")


def hardcoded(v):
    for name, value in assignments(v.c):
        text = value.constant
        if text is not None and (TOKEN.search(text) or in_address(text) or (
                is_secret_name(name) and len(text) >= 4 and
                not PLACEHOLDER.match(text) and " " not in text.strip()
                and "/" not in text[:1] and not text.startswith("."))):
            v.report("hardcoded-secret", "%s is given its value in the "
                     "script." % name, value.line)
            return
    for w in list(v.words) + v.c.heredocs:
        for p in w.parts:
            if p.kind == "lit" and TOKEN.search(p.text):
                v.report("hardcoded-secret",
                         "A key or token stands in the script.", w.line)
                return
    found = password_words(v)
    if v.name in ("echo", "printf") and v.c.next is not None:
        n = View(v.c.next, v.script)
        if n.name in ("chpasswd", "passwd", "su") or (
                v.c.next.name == "sudo" and "-S" in v.c.next.arguments):
            text = v.words[-1].constant if len(v.words) > 1 else None
            if text:
                found.append((text.rsplit(":", 1)[-1], v.words[-1]))
    for text, w in found:
        if isinstance(text, str) and len(text) >= 3 and \
                not PLACEHOLDER.match(text) and w.constant is not None:
            v.report("hardcoded-secret", "The password for %s stands in the "
                     "script." % v.name, w.line)
            return


def password_words(v):
    """(text of the password, its word) on this command line."""
    found = []

    def option(*names):
        for n in names:
            w = v.after(n)
            if w is not None:
                found.append((w.text, w))

    def joined(pattern):
        for w in v.words[1:]:
            m = re.match(pattern, w.text)
            if m and m.group(1):
                found.append((m.group(1), w))

    for w in v.words[1:]:
        m = USERINFO.search(w.text) if v.name not in ("echo", "printf",
                                                      "grep") else None
        if m:
            found.append((m.group(1), w))
    if v.name in ("mysql", "mysqldump", "mysqladmin", "mariadb"):
        joined(r"-p(.+)")
        joined(r"--password=(.+)")
    elif v.name == "curl":
        for n in ("-u", "--user", "--proxy-user"):
            w = v.after(n)
            if w is not None and ":" in w.text and \
                    not w.text.endswith(":"):
                found.append((w.text.split(":", 1)[1], w))
        for w in v.words[1:]:
            m = re.match(r"(?i)(?:-H)?authorization: *(?:bearer|basic) +(.+)",
                         w.text)
            if m:
                found.append((m.group(1), w))
    elif v.name == "sshpass":
        option("-p")
        joined(r"-p(.+)")
    elif v.name in ("wget", "svn", "docker", "podman", "az", "helm", "npm"):
        option("--password", "-p") if v.name in ("docker", "podman") and \
            "login" in v.args else option("--password")
        joined(r"--(?:http-|ftp-|proxy-)?password=(.+)")
    elif v.name == "openssl":
        joined(r"pass:(.+)")
        option("-k", "-K") if "enc" in v.args else None
    elif v.name in ("ldapsearch", "ldapmodify", "ldapadd"):
        option("-w")
    elif v.name == "redis-cli":
        option("-a", "--pass")
    elif v.name in ("zip", "7z", "unzip"):
        option("-P")
        joined(r"-p(.+)") if v.name == "7z" else None
    elif v.name == "htpasswd" and v.short("b"):
        found.append((v.args[-1], v.words[-1]))
    elif v.name in ("smbclient", "mount.cifs", "mount"):
        joined(r".*password=([^,]+)")
    elif v.name == "useradd":
        option("-p")
    elif v.name in ("expect", "mongo", "mongosh", "mongodump"):
        option("-p", "--password")
    return found


def secret_argument(v):
    for text, w in password_words(v):
        if w.constant is None and "$" in text and v.name != "useradd":
            v.report("secret-on-command-line", "Everybody on the machine can "
                     "read the arguments of %s, a secret among them." %
                     v.name, w.line)
            return


def sudo_password(v):
    if v.c.name == "sudo" and "-S" in v.c.arguments and \
            v.c.previous is not None and \
            v.c.previous.name in ("echo", "printf"):
        v.report("sudo-password", "The password for sudo goes through a "
                 "pipe from %s." % v.c.previous.name)


def secret_output(v):
    """Secrets into log files; set -x in their neighbourhood."""
    if v.name in ("echo", "printf", "logger"):
        names = [p.text for w in v.words[1:] for p in w.parts
                 if p.kind == "var" and is_secret_name(p.text)
                 and not p.op.startswith(":+")]
        logs = v.name == "logger" or any(
            op in (">>", "&>>", ">") and re.search(r"(?i)log", w.text)
            for _, op, w in v.c.redirects)
        tee = v.c.next is not None and v.c.next.name in ("tee", "logger")
        if names and (logs or tee):
            v.report("secret-in-log", "$%s goes into a log." % names[0])
        elif names and not v.c.redirects and v.c.next is None and \
                not v.script.in_substitution and not v.c.function:
            v.report("secret-in-log", "$%s goes to the terminal, or to the "
                     "log of what runs this." % names[0], severity="low",
                     confidence="low")
    if v.name == "set" and any(re.fullmatch(r"-[a-z]*x[a-z]*", a)
                               for a in v.args) or \
            v.name == "set" and "xtrace" in v.args and "-o" in v.args:
        v.script.trace = v.c.line
    elif v.name == "set" and any(re.fullmatch(r"\+[a-z]*x[a-z]*", a)
                                 for a in v.args):
        v.script.trace = None
    elif v.script.trace:
        names = [p.text for w in v.c.words for p in w.parts
                 if p.kind == "var" and is_secret_name(p.text)]
        names += [n for n, w in v.c.assigns if is_secret_name(n)]
        if names and not v.script.trace_told:
            v.script.trace_told = True
            v.report("trace-secrets", "set -x (line %d) prints $%s." %
                     (v.script.trace, names[0]))


CHECKS = (hardcoded, secret_argument, sudo_password, secret_output)
