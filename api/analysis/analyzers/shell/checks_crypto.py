# SPDX-License-Identifier: Apache-2.0
"""Ciphers, hashes and keys that are too weak, and secrets that can be guessed."""
import re

from checks_secrets import is_secret_name
from syntax import walk
from view import assignments

MAKES_SECRET = re.compile(r"(?i)token|passw|secret|session|salt|nonce|api_?key")


def weak_crypto(v):
    if v.name == "openssl":
        words = set(a.lstrip("-").lower() for a in v.args)
        bad = words & {"md5", "md4", "sha1", "des", "des-cbc", "des3",
                       "des-ecb", "rc4", "rc2", "bf", "des-ede3-cbc",
                       "aes-128-ecb", "aes-256-ecb", "dss1"}
        if v.args[:1] == ["passwd"] and words & {"1", "crypt", "apr1"}:
            bad = {"passwd " + "".join(words & {"1", "crypt", "apr1"})}
        if v.args[:1] and v.args[0] in ("genrsa", "dhparam", "gendsa") and \
                v.args[-1] in ("512", "768", "1024"):
            bad = {v.args[-1] + " bits"}
        if any(re.fullmatch(r"rsa:(?:512|768|1024)", a) for a in v.args):
            bad = {"rsa of 1024 bits"}
        if bad:
            v.report("weak-crypto", "openssl is told to use %s." %
                     sorted(bad)[0])
    elif v.name == "ssh-keygen":
        bits = v.after("-b")
        kind = v.after("-t")
        if (kind is not None and kind.text in ("dsa", "rsa1")) or (
                bits is not None and bits.text in ("512", "768", "1024") and
                (kind is None or kind.text == "rsa")):
            v.report("weak-crypto", "ssh-keygen makes a key that is too "
                     "weak.")
    elif v.name in ("md5sum", "sha1sum", "md5"):
        before = v.c.previous
        if before is not None and before.name in ("echo", "printf") and any(
                p.kind == "var" and is_secret_name(p.text)
                for w in before.words for p in w.parts):
            v.report("weak-crypto", "%s is no hash for a password." % v.name)


def weak_random(v):
    if v.name in ("echo", "printf") and MAKES_SECRET.search(
            v.c.function or "") and any(
                p.kind == "var" and p.text == "RANDOM" or
                p.kind == "arith" and "RANDOM" in p.text
                for w in v.words[1:] for p in w.parts):
        v.report("weak-random", "%s answers what can be guessed." %
                 v.c.function)
        return
    for name, value in assignments(v.c):
        if not is_secret_name(name):
            continue
        for p in value.parts:
            if p.kind == "var" and p.text == "RANDOM" or \
                    p.kind == "arith" and "RANDOM" in p.text or \
                    p.sub and any(
                        x.name == "date" or any(
                            q.kind == "var" and q.text == "RANDOM"
                            for w in x.words for q in w.parts)
                        for x in walk(p.sub)) and not any(
                            x.name in ("curl", "jq", "aws", "openssl")
                            or "/dev/urandom" in " ".join(
                                w.text for w in x.words)
                            for x in walk(p.sub)):
                v.report("weak-random", "%s is made of what can be guessed."
                         % name)
                return


CHECKS = (weak_crypto, weak_random)
