# SPDX-License-Identifier: Apache-2.0
"""Hashes, ciphers, keys, signatures, and numbers that must not be guessed.
PLAIN, CALLS and METHODS are rows for checks.py, which says what is in them.
"""
import ast
import re

from values import BIT, held, is_false

SECRET_NAME = re.compile(
    r"(^|_)(token|secret|passw(or)?d|passwd|pwd|pass|key|salt|nonce|otp|pin|"
    r"session|sess|sid|cookie|csrf|captcha|auth|iv|credential|api_?key|"
    r"verification|reset|activation|invite|voucher|code|seed_phrase|"
    r"rememberme|remember_?me)(s|_?id|_?value|_?code|_?hex)?($|_)", re.I)
NO_SECRET = re.compile(r"key_?(error|word|board|frame|up|down|s$)|sort_key|"
                       r"primary_key|status_code|error_code|exit_code|"
                       r"country_code|zip_code|postal_code|color|keycode|"
                       r"passes|passed|bypass|source_code|lang", re.I)
QUICK_HASH = re.compile(r"etag|cache|checksum|fingerprint|dedup|bucket|shard|"
                        r"colou?r|gravatar|avatar|file_?hash|md5sum|content_?"
                        r"(md5|hash)", re.I)
WEAK_HASHES = {"md5", "md4", "md2", "sha1", "sha", "sha-1", "ripemd160"}


def weak_hash(flow, node, path, args, keywords):
    if is_false(keywords.get("usedforsecurity")):
        return
    name = path.rsplit(".", 1)[-1]
    if name == "new":
        value = args[0] if args else keywords.get("name")
        name = value.const if value is not None and value.is_const else ""
    if not isinstance(name, str) or name.lower() not in WEAK_HASHES:
        return
    function = flow.frame.function
    words = " ".join([function.node.name if function else "", flow.target])
    is_quick = QUICK_HASH.search(words)
    flow.report.add("weak-hash", node, f"{name.upper()}: others can make a "
                    "second text with the same hash, and try billions of "
                    "passwords a second.", "low" if is_quick else None,
                    "low" if is_quick else "high")


def quick_password_hash(flow, node, path):
    names = [getattr(n, "id", "") or getattr(n, "attr", "")
             for arg in node.args for n in ast.walk(arg)]
    if any(re.search(r"passw(or)?d|passwd|passphrase", n, re.I)
           for n in names):
        flow.report.add("weak-password-hash", node, f"{path}() of a password: "
                        "billions of guesses can be tried each second.",
                        confidence="medium")


def weak_hmac(flow, node, path, args, keywords):
    value = args[2] if len(args) > 2 else keywords.get("digestmod")
    if value is None:
        return
    name = value.const if value.is_const else value.type.rsplit(".", 1)[-1]
    if isinstance(name, str) and name.lower() in ("md5", "md4"):
        flow.report.add("weak-hash", node, f"{name.upper()} is too weak for a "
                        "keyed hash of today.", "low", "medium")


def aes_mode(flow, node, path, args, keywords):
    value = args[1] if len(args) > 1 else keywords.get("mode")
    if value is not None and value.type.endswith(".MODE_ECB"):
        flow.report.add("weak-cipher-mode", node, "ECB shows which blocks of "
                        "a message are equal.", confidence="high")
    iv = args[2] if len(args) > 2 else keywords.get("iv") or \
        keywords.get("nonce")
    if iv is not None and iv.is_const and isinstance(iv.const, (bytes, str)):
        flow.report.add("fixed-iv", node, "The same start value each time: "
                        "equal messages become equal ciphertexts.",
                        confidence="high")
    fixed_key(flow, node, args[0] if args else keywords.get("key"))


def fixed_key(flow, node, value):
    if value is not None and value.is_const and \
            isinstance(value.const, (bytes, str)) and len(value.const) > 3 \
            and not flow.frame.is_test:
        flow.report.add("hardcoded-secret", node, "The key stands in the "
                        "source: whoever reads that can decrypt or sign.",
                        confidence="high")


def fixed_mode(flow, node, path, args, keywords):
    value = args[0] if args else None
    if value is not None and value.is_const and \
            isinstance(value.const, (bytes, str)):
        flow.report.add("fixed-iv", node, "The same start value each time: "
                        "equal messages become equal ciphertexts.",
                        confidence="high")


def key_size(flow, node, path, args, keywords):
    names = ("key_size", "bits", "modulus_length")
    value = next((keywords[n] for n in names if n in keywords), None)
    if value is None:
        where = 1 if "cryptography" in path and ".rsa" in path else 0
        value = args[where] if len(args) > where else None
    if value is None or not isinstance(value.const, int):
        return
    if 0 < value.const < 2048:
        flow.report.add("weak-key-size", node, f"A key of {value.const} bits "
                        "can be broken.", confidence="high")


def curve(flow, node, path, args, keywords):
    size = re.search(r"(?:SECP|SECT)(\d+)", path)
    if size and int(size[1]) < 224:
        flow.report.add("weak-key-size", node, f"A curve of {size[1]} bits "
                        "can be broken.", confidence="high")


def kdf(flow, node, path, args, keywords):
    salt = keywords.get("salt") or (args[2] if len(args) > 2 and
                                    path == "hashlib.pbkdf2_hmac" else None)
    if salt is not None and salt.is_const and \
            isinstance(salt.const, (bytes, str)):
        flow.report.add("fixed-salt", node, "One salt for all: equal passwords "
                        "have equal hashes, and one table fits all.",
                        confidence="high")
    rounds = keywords.get("iterations") or (
        args[3] if len(args) > 3 and path == "hashlib.pbkdf2_hmac" else None)
    if rounds is not None and isinstance(rounds.const, int) and \
            0 < rounds.const < 10_000:
        flow.report.add("weak-password-hash", node, f"{rounds.const} rounds "
                        "are tried in no time.", confidence="high")


def jwt_decode(flow, node, path, args, keywords):
    options = keywords.get("options")
    is_off = is_false(keywords.get("verify")) or (
        options is not None and isinstance(options.items, dict) and
        is_false(options.items.get("verify_signature")))
    algorithms = keywords.get("algorithms")
    if algorithms is not None and isinstance(algorithms.items, list):
        is_off |= any(str(v.const).lower() == "none"
                      for v in algorithms.items if v.is_const and
                      v.const is not None)
    if is_off:
        flow.report.add("jwt-unverified", node, "The signature is not checked: "
                        "anybody can write such a token.", confidence="high")
    if path == "jwt.decode":
        fixed_key(flow, node, args[1] if len(args) > 1
                  else keywords.get("key"))


def jwt_encode(flow, node, path, args, keywords):
    value = keywords.get("algorithm") or (args[2] if len(args) > 2 else None)
    if value is not None and value.is_const and \
            str(value.const).lower() == "none":
        flow.report.add("jwt-unverified", node, "A token without a signature: "
                        "anybody can write one.", confidence="high")
    fixed_key(flow, node, args[1] if len(args) > 1 else keywords.get("key"))


def is_secret_word(name):
    # camelCase as well
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(SECRET_NAME.search(name)) and not NO_SECRET.search(name)


def random_for_secret(flow, node, name, value):
    """Numbers of `random` in what must not be guessed."""
    if value is None or not name or not is_secret_word(name):
        return
    for source, harms in held(value).items():
        if source.kind == "random" and harms & BIT["random"]:
            place = ast.copy_location(ast.Pass(), node)
            place.lineno = place.end_lineno = source.line
            place.col_offset = 0
            flow.report.add("weak-random", place, f"{source.words} can be "
                            f"predicted, and is used for '{name[:60]}'.",
                            confidence="high")


def compare(flow, node, values):
    """hmac == given: the time it takes tells how much is right."""
    if len(values) != 2 or not isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        return
    if any(v.is_const for v in values):
        return
    for value, other in (values, values[::-1]):
        if value.type.endswith(("hexdigest", ".digest")) and \
                value.type.startswith(("hmac.", "hashlib.")) and \
                (held(other) or other.unknown):
            flow.report.add("timing-attack", node, "Comparing with == stops "
                            "at the first difference: its time tells how much "
                            "was right.", confidence="medium")
            return
    names = [flow.path_of(n) or "" for n in
             [node.left] + node.comparators]
    words = [n.rsplit(".", 1)[-1] for n in names]
    if all(re.search(r"passw(or)?d|secret|token|signature|hmac|api_?key|csrf",
                     w, re.I) for w in words) and \
            any(s.kind in ("http", "net", "param") for v in values
                for s in held(v)) and not re.search(
                    r"confirm|again|repeat|2$|retype", " ".join(words), re.I):
        flow.report.add("timing-attack", node, "Comparing with == stops at the "
                        "first difference: its time tells how much was "
                        "right.", "low", "low")


def cipher_key(flow, node, path, args, keywords):
    fixed_key(flow, node, args[0] if args else keywords.get("key"))


BROKEN = "The cipher can be broken with today's means."
PLAIN = [
    ("weak-cipher", "Crypto.Cipher.DES.new Crypto.Cipher.ARC4.new "
     "Crypto.Cipher.ARC2.new Crypto.Cipher.Blowfish.new "
     "Crypto.Cipher.DES3.new Crypto.Cipher.XOR.new Crypto.Cipher.CAST.new "
     "Cryptodome.Cipher.DES.new Cryptodome.Cipher.ARC4.new "
     "Cryptodome.Cipher.ARC2.new Cryptodome.Cipher.Blowfish.new "
     "Cryptodome.Cipher.DES3.new Cryptodome.Cipher.CAST.new", BROKEN),
    ("weak-cipher", " ".join(
        f"cryptography.hazmat.{where}ciphers.algorithms.{name}"
        for where in ("primitives.", "decrepit.")
        for name in "ARC4 Blowfish IDEA TripleDES CAST5 SEED".split()),
     BROKEN),
    ("weak-cipher-mode",
     "cryptography.hazmat.primitives.ciphers.modes.ECB",
     "ECB shows which blocks of a message are equal."),
    ("weak-hash", "Crypto.Hash.MD5.new Crypto.Hash.MD4.new "
     "Crypto.Hash.MD2.new Crypto.Hash.SHA.new Crypto.Hash.SHA1.new "
     "Cryptodome.Hash.MD5.new Cryptodome.Hash.MD4.new "
     "Cryptodome.Hash.MD2.new Cryptodome.Hash.SHA.new "
     "Cryptodome.Hash.SHA1.new "
     "cryptography.hazmat.primitives.hashes.MD5 "
     "cryptography.hazmat.primitives.hashes.SHA1",
     "Others can make a second text with the same hash."),
]
CALLS = {
    "hashlib.md5": weak_hash, "hashlib.sha1": weak_hash,
    "hashlib.new": weak_hash, "hmac.new": weak_hmac,
    "Crypto.Cipher.AES.new": aes_mode, "Cryptodome.Cipher.AES.new": aes_mode,
    "cryptography.hazmat.primitives.ciphers.modes.CBC": fixed_mode,
    "cryptography.hazmat.primitives.ciphers.modes.CTR": fixed_mode,
    "cryptography.hazmat.primitives.ciphers.modes.GCM": fixed_mode,
    "cryptography.hazmat.primitives.ciphers.algorithms.AES": cipher_key,
    "cryptography.fernet.Fernet": cipher_key,
    "hashlib.pbkdf2_hmac": kdf, "hashlib.scrypt": kdf,
    "cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC": kdf,
    "jwt.decode": jwt_decode, "jose.jwt.decode": jwt_decode,
    "jwt.encode": jwt_encode, "jwt.process_jwt": jwt_decode,
    "cryptography.hazmat.primitives.asymmetric.rsa.generate_private_key":
    key_size,
    "cryptography.hazmat.primitives.asymmetric.dsa.generate_private_key":
    key_size,
    "Crypto.PublicKey.RSA.generate": key_size,
    "Crypto.PublicKey.DSA.generate": key_size,
    "Cryptodome.PublicKey.RSA.generate": key_size,
    "Cryptodome.PublicKey.DSA.generate": key_size,
    "rsa.newkeys": key_size,
    "cryptography.hazmat.primitives.asymmetric.ec.SECP192R1": curve,
    "cryptography.hazmat.primitives.asymmetric.ec.SECT163K1": curve,
    "cryptography.hazmat.primitives.asymmetric.ec.SECT163R2": curve,
    "cryptography.hazmat.primitives.asymmetric.ec.SECT113R1": curve,
}
METHODS = {}
