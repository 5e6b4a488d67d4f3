# SPDX-License-Identifier: Apache-2.0
"""What a script takes from the network and runs, whom it trusts there, what it
sends without TLS, and shells that it gives away."""
import re

from checks_secrets import is_secret_name, password_words
from flow import NETWORK
from syntax import walk
from view import INTERPRETERS, SHELLS, View, assignments

LOCAL_URL = re.compile(r"https?://(?:localhost|127\.|0\.0\.0\.0|\[::1\]|"
                       r"10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\."
                       r"|[^/:]*\.(?:local|internal|test|example)(?=[:/]|$)|"
                       r"\$)")


def is_download(view):
    return view.name in NETWORK and view.name not in ("nc", "ncat") and \
        not view.has("--version", "--help")


def code_from_network(v):
    if is_download(v):
        after, filters = v.c.next, False
        while after is not None:
            n = View(after, v.script)
            if n.name in INTERPRETERS and not any(
                    a in ("-c", "-e", "-m", "-n", "-ne", "-pe", "-r")
                    for a in n.args):
                v.report("code-from-network", "%s runs what %s downloads, "
                         "unseen and unchecked." % (n.name, v.name))
                return
            if n.name in INTERPRETERS - SHELLS and re.search(
                    r"\b(?:exec|eval)\b[ (].*(?i:stdin|read\b)", n.all):
                v.report("code-from-network", "The text for %s runs what %s "
                         "downloads." % (n.name, v.name))
                return
            filters = filters or n.name in ("gpg", "sha256sum")
            after = after.next
    if v.name in SHELLS | {"source", "."}:
        for w in v.words[1:] + [r[2] for r in v.c.redirects
                                if r[1] in ("<", "<<<")]:
            for p in w.parts:
                if p.sub and any(x.name in ("curl", "wget")
                                 for x in walk(p.sub)):
                    v.report("code-from-network",
                             "%s runs what is downloaded, unseen and "
                             "unchecked." % v.name)
                    return


def run_download(v):
    """A file that was downloaded and is then run."""
    if is_download(v):
        target = v.after("-o") or v.after("--output") or v.after("-O") or \
            v.after("--output-document")
        urls = [w for w in v.words[1:] if "://" in w.text]
        name = v.script.key(target) if target is not None else None
        if name is None and urls and (v.name == "wget" or v.short("O")):
            name = urls[0].text.rsplit("/", 1)[-1]
        for _, op, w in v.c.redirects:
            if op in (">", ">|"):
                name = v.script.key(w)
        if name and name not in ("-", "/dev/null"):
            v.script.downloads[name] = (v.c.line, urls[0].text if urls else "")
        for w in urls:
            text = v.flow.constant(w) or w.text
            if text.startswith("http://") and not LOCAL_URL.match(text):
                v.script.plain.append((v.c.line, v.c.column, name))
        return
    if v.name in ("sha256sum", "sha512sum", "gpg", "gpgv", "cosign",
                  "shasum", "minisign", "signify", "rpmkeys", "b2sum"):
        v.script.verifies = True
        return
    run = []
    if v.name in INTERPRETERS | {"source", "."} and v.words[1:]:
        run = [w for w in v.words[1:] if not w.text.startswith("-")][:1]
    elif v.name in ("dpkg", "rpm") and re.search(r" -i| -U| --install",
                                                 v.all):
        run = v.words[1:]
    elif v.name == "chmod" and re.search(r"\+x|7[0-7][0-7]", v.all):
        run = v.words[2:]
    elif v.words and "/" in v.words[0].text:
        run = v.words[:1]
    for w in run:
        key = v.script.key(w)
        key = key[2:] if key and key.startswith("./") else key
        if key in v.script.downloads:
            v.script.ran.append((v.c.line, v.c.column, key))


def tls_off(v):
    off = None
    if v.name == "curl" and (v.has("--insecure") or v.short("k")) and \
            not any(re.match(r"-[A-Za-z]*[oHdXuFT]k", a) for a in v.args):
        off = "curl -k"
    elif v.name == "wget" and v.has("--no-check-certificate"):
        off = "wget --no-check-certificate"
    elif v.name == "git" and re.search(
            r"http\.sslverify[= ](?:false|0)", v.all, re.I):
        off = "http.sslVerify=false"
    elif v.name in ("npm", "yarn") and re.search(r"strict-ssl[= ]false",
                                                 v.all):
        off = "strict-ssl false"
    elif v.name in ("pip", "pip3") and v.has("--trusted-host"):
        off = "--trusted-host"
    elif v.name == "http" and re.search(r"--verify[= ](?:no|false)", v.all):
        off = "--verify=no"
    elif v.name in ("aws",) and v.has("--no-verify-ssl"):
        off = "--no-verify-ssl"
    elif v.name in ("kubectl", "helm") and re.search(
            r"--insecure-skip-tls-verify(?:=true)?(?: |$)", v.all):
        off = "--insecure-skip-tls-verify"
    for name, value in assignments(v.c):
        if (name, value.text) in (("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
                                  ("PYTHONHTTPSVERIFY", "0"),
                                  ("GIT_SSL_NO_VERIFY", "1"),
                                  ("GIT_SSL_NO_VERIFY", "true")):
            off = "%s=%s" % (name, value.text)
    if off:
        v.report("tls-off", "%s: whoever answers is taken for the right one."
                 % off)


def ssh_host_key(v):
    if v.name in ("ssh", "scp", "sftp", "rsync", "git", "autossh", "sshpass",
                  "export", "ssh-copy-id") or v.c.assigns:
        texts = v.args + [w.text for _, w in v.c.assigns]
        for a in texts:
            if re.search(r"(?i)StrictHostKeyChecking[= ](?:\"?no|off)", a):
                v.report("ssh-host-key",
                         "ssh takes any host key: anybody can be the host.")
                return


def packages(v):
    bad = None
    if v.name in ("apt", "apt-get", "aptitude"):
        bad = next((a for a in v.args if a in (
            "--allow-unauthenticated", "--force-yes",
            "--allow-insecure-repositories") or
            "AllowUnauthenticated=true" in a), None)
    elif v.name in ("yum", "dnf", "zypper"):
        bad = next((a for a in v.args if a in (
            "--nogpgcheck", "--no-gpg-checks")), None)
    elif v.name == "apk" and v.has("--allow-untrusted"):
        bad = "--allow-untrusted"
    elif v.name == "rpm" and v.has("--nosignature", "--nodigest"):
        bad = "--nosignature"
    elif v.name in ("echo", "printf", "tee", "cat"):
        for w in v.words[1:] + v.c.heredocs:
            if re.search(r"deb(?:-src)? \[[^\]]*trusted=yes", w.text):
                bad = "trusted=yes"
    if bad:
        v.report("unverified-package",
                 "%s: packages are installed without their signature." % bad)


def backdoor(v):
    words = " ".join(w.text for w in v.c.words)
    reads = [w.text for _, _, w in v.c.redirects]
    if v.name in SHELLS and any("/dev/tcp/" in r or "/dev/udp/" in r
                                for r in reads):
        v.report("reverse-shell", "A shell takes its commands from the "
                 "network.")
    elif v.name in ("nc", "ncat", "netcat", "nc.traditional") and (
            re.search(r" -[a-z]*[ec] *(?:\S*/)?(?:ba|da|z|k)?sh\b", words) or
            re.search(r"--(?:sh-)?exec", words)):
        v.report("reverse-shell", "%s gives a shell to the network." % v.name)
    elif v.name == "socat" and re.search(
            r"(?i)(?:exec|system):\S*sh\b", words) and \
            re.search(r"(?i)tcp|udp|openssl", words):
        v.report("reverse-shell", "socat gives a shell to the network.")
    elif v.name in ("python", "python3", "perl", "ruby", "php") and \
            re.search(r"(?i)socket", words) and re.search(
                r"/bin/(?:ba)?sh|pty\.spawn|dup2", words):
        v.report("reverse-shell", "A program text connects a shell with the "
                 "network.")
    elif v.name in SHELLS and v.c.next is not None and \
            v.c.next.name in ("nc", "ncat", "netcat", "telnet"):
        v.report("reverse-shell", "A shell's output goes to the network.")
    elif v.name in ("base64", "xxd", "openssl", "rev", "gzip") and re.search(
            r" -d| -D| --decode| -r", words):
        n = v.c.next
        n = View(n, v.script) if n is not None else None
        if n is not None and n.name in INTERPRETERS and not n.has("-c"):
            v.report("hidden-code", "%s runs text that is hidden by %s."
                     % (n.name, v.name))
    elif v.name == "eval" and any(
            x.name == "base64" for w in v.words[1:] for p in w.parts
            if p.sub for x in walk(p.sub)):
        v.report("hidden-code", "eval runs text that is hidden by base64.")


def clear_text(v):
    if v.name in ("telnet", "rsh", "rlogin", "rexec", "ftp", "tftp") and \
            v.args:
        v.report("clear-text", "%s sends everything readable, passwords "
                 "too." % v.name)
    elif re.match(r"snmp(?:get|set|walk|bulk)", v.name) and re.search(
            r"-v *(?:1|2c)\b", v.all):
        v.report("clear-text", "SNMP before version 3 sends its password "
                 "readable.")
    elif v.name in ("curl", "wget"):
        sends = [w for w in v.words[1:] if re.match(r"(?:http|ftp)://",
                                                    w.text)]
        if sends and not LOCAL_URL.match(sends[0].text) and (
                password_words(v) or any(
                    p.kind == "var" and is_secret_name(p.text)
                    for w in v.words[1:] for p in w.parts) or re.match(
                        r"\w+://[^/]*:[^/]*@",
                                              sends[0].text)):
            v.report("clear-text", "%s sends a password without TLS."
                     % v.name)


CHECKS = (code_from_network, run_download, tls_off, ssh_host_key, packages,
          backdoor, clear_text)
