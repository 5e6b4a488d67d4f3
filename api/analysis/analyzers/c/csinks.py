# SPDX-License-Identifier: Apache-2.0
"""What is looked for: calls, stores and loops that go wrong with what is known
of their arguments."""
import re

from cnumbers import arithmetic, may_be_negative, too_large
from cstate import PARAMETER, skip_call

SECRET = re.compile(r"(?i)(?:^|_)(?:passw(?:or)?d|passwd|passphrase|pwd|secret|"
                    r"api_?key|token|private_?key|crypto_?key|secret_?key|"
                    r"auth_?key|encryption_?key|aes_?key|hmac_?key)(?:_|$)|"
                    r"(?:password|apiKey|secretKey|authToken|cryptoKey)"
                    r"(?:[A-Z]|$)")
NOT_SECRET = re.compile(r"(?i)file|path|prompt|len|size|name|env|msg|message|"
                        r"format|label|option|str_?table|header|type|help|"
                        r"usage|error|title|max|min|_ok|cmd|field")
TOKEN = re.compile(r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|"
                   r"xox[abpr]-[0-9A-Za-z-]{10,}|sk_live_[0-9a-zA-Z]{20,}|"
                   r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |)PRIVATE KEY-----")
PLACEHOLDER = re.compile(r"(?i)^$|^.{0,3}$|^[<\[%{].*|.*[ :?]\s*$|^\*+$|"
                         r"^x+$|change.?me|^(?:none|null|true|false|"
                         r"password|secret|token|passwd|passphrase)$|"
                         r"^[A-Z][A-Z_]+$|^--|[ ]")
# function: the arguments that must not be foreign
COMMANDS = {"system": (0,), "popen": (0,), "_popen": (0,), "wsystem": (0,),
            "_wsystem": (0,), "execl": None, "execlp": None, "execle": None,
            "execv": None, "execvp": None, "execve": (0, 1),
            "execvpe": (0, 1),
            "posix_spawn": (1, 4)}
RUNS = re.compile(r"^_?w?(?:exec|spawn)(?:l|lp|le|lpe|v|vp|ve|vpe)$")
FORMATS = {"printf": 0, "fprintf": 1, "sprintf": 1, "snprintf": 2,
           "vprintf": 0, "vfprintf": 1, "vsprintf": 1, "vsnprintf": 2,
           "syslog": 1, "vsyslog": 1, "dprintf": 1, "asprintf": 1,
           "wprintf": 0, "fwprintf": 1, "swprintf": 2, "vwprintf": 0,
           "vfwprintf": 1, "vswprintf": 2, "err": 1, "errx": 1, "warn": 0,
           "warnx": 0, "_snprintf": 2, "_snwprintf": 2,
           "setproctitle": 0}
PATHS = {"fopen": 0, "open": 0, "fopen64": 0, "freopen": 0, "_wfopen": 0,
         "wfopen": 0, "unlink": 0, "remove": 0, "rename": 0, "opendir": 0,
         "chmod": 0, "chown": 0, "rmdir": 0, "creat": 0, "_wopen": 0,
         "symlink": 1, "mkdir": 0}
SQL = {"sqlite3_exec": 1, "mysql_query": 1, "mysql_real_query": 1,
       "PQexec": 1, "PQprepare": 2, "sqlite3_prepare": 1,
       "sqlite3_prepare_v2": 1, "SQLExecDirect": 1, "sqlite3_get_table": 1,
       "sqlite3_prepare_v3": 1, "PQsendQuery": 1}
LIBRARIES = {"dlopen": 0, "LoadLibrary": 0, "LoadLibraryA": 0,
             "LoadLibraryW": 0}
SIZES = {"malloc": (0,), "calloc": (0, 1), "realloc": (1,), "alloca": (0,),
         "memcpy": (2,), "memmove": (2,), "strncpy": (2,), "strncat": (2,),
         "__builtin_alloca": (0,), "mempcpy": (2,),
         "memset": (2,), "sleep": (0,), "usleep": (0,)}
WEAK_HASH = re.compile(r"^(?:MD[245]|SHA1?|EVP_md[245]|EVP_sha1?|MD5_\w+|"
                       r"SHA1_\w+|MD4_\w+|gcry_md_md5|RIPEMD\w*)$")
WEAK_CIPHER = re.compile(r"^(?:DES_\w*crypt\w*|EVP_des_\w+|EVP_rc[24]\w*|"
                         r"EVP_bf_\w+|RC4(?:_set_key)?|RC2_\w+|"
                         r"EVP_aes_\d+_ecb|AES_ecb_encrypt|setkey|encrypt|"
                         r"DES_set_key\w*)$")
CHECKS_FILE = {"access", "stat", "lstat", "euidaccess", "faccessat", "_access"}
USES_FILE = {"open", "fopen", "creat", "unlink", "chmod", "chown", "rename",
             "remove", "mkdir", "link", "symlink", "truncate", "execl",
             "execv", "freopen"}
DROPS = {"setuid", "setgid", "seteuid", "setegid", "setreuid", "setregid",
         "setresuid", "setresgid", "setgroups", "initgroups"}
WIDE = {"wcscpy", "wcscat", "wcsncpy", "wcsncat", "wmemcpy", "wmemset"}


def foreign(r, argument, weak=False):
    source = r.scope.taint(argument)
    return None if source == PARAMETER and not weak else source


def certainty(source):
    return "low" if source == PARAMETER else "high"


def call(r, name, token, arguments, statement):
    """Everything about one call."""
    for check in CALLS:
        check(r, name, token, arguments, statement)


def injections(r, name, token, arguments, statement):
    def tell(rule, i, message, weak=True):
        if i >= len(arguments):
            return False
        source = foreign(r, arguments[i], weak)
        if source:
            r.report(rule, token, message % (name, source),
                     confidence=certainty(source))
        return bool(source)

    if name in COMMANDS or RUNS.match(name):
        which = COMMANDS.get(name)
        for i in range(len(arguments)) if which is None else which:
            if tell("command-injection", i,
                    "%s() runs a command with %s in it."):
                break
    elif name in FORMATS:
        i = FORMATS[name]
        if i < len(arguments) and not any(t.kind == "str"
                                          for t in arguments[i]):
            # A function that is given a format may hand it on.
            tell("format-string", i, "The format of %s() comes from %s.",
                 weak=i == len(arguments) - 1 and not r.f.is_variadic and
                 not name.startswith("v"))
    elif name in SQL:
        tell("sql-injection", SQL[name], "%s() runs SQL with %s in its text.")
    elif name in LIBRARIES:
        tell("library-from-input", LIBRARIES[name],
             "%s() loads the library that %s names.", weak=False)
    elif name in PATHS:
        i = PATHS[name]
        v = r.target(arguments[i]) if i < len(arguments) else None
        source = foreign(r, arguments[i]) if i < len(arguments) else None
        # The user's own choice of a file is what a program is for.
        if source and "argument" not in source and \
                source != "the environment" or source and v is not None and \
                len(arguments[i]) == 1 and source == "the environment":
            r.report("path-traversal", token, "%s() takes a path that %s "
                     "has a part in." % (name, source), confidence="medium")
    elif name in ("putenv", "setenv", "SetEnvironmentVariable"):
        if any(foreign(r, a) for a in arguments):
            r.report("environment-from-input", token, "%s() puts %s into "
                     "the environment." % (name, next(
                         filter(None, (foreign(r, a) for a in arguments)))))


def copies(r, name, token, arguments, statement):
    """Sizes of what is copied, against what is there."""
    if len(arguments) < 2:
        return
    to = single(r, arguments[0])
    room = to.size - to.offset * to.element if to is not None and \
        to.size is not None else None
    width = 4 if name in WIDE else 1
    if to is not None and to.offset < 0 and name in BOUNDED + UNBOUNDED:
        r.report("buffer-underflow", token, "%s() writes before the begin of "
                 "%s." % (name, arguments[0][0].text))
        return
    if name in ("strcpy", "wcscpy", "stpcpy", "strcat", "wcscat"):
        unbounded(r, name, token, arguments, to, room, width)
    elif name in ("memcpy", "memmove", "strncpy", "memset", "wcsncpy",
                  "strncat", "wcsncat", "wmemset", "fgets", "mempcpy") and \
            len(arguments) == 3:
        count = arguments[1] if name == "fgets" else arguments[2]
        n = r.scope.number(count)
        used = (to.length or 0) * width if to is not None and \
            name in ("strncat", "wcsncat") else 0
        if n is not None and room is not None and n > 1 << 62:
            return
        if n is not None and n < 0:
            r.report("buffer-overflow", token, "%s() is given the length "
                     "%d." % (name, n))
        elif n is not None and room is not None and \
                n * width + used > room + (name == "strncat" and False):
            longest = length(r, arguments[1])
            if name in ("strncat", "wcsncat") and longest is not None and \
                    (longest + 1) * width + used <= room:
                return
            r.report("buffer-overflow", token, "%s() writes %d bytes into "
                     "%s, which has %d." % (name, n * width,
                                            arguments[0][0].text, room))
        elif name in ("memcpy", "memmove", "mempcpy", "strncpy", "wcsncpy") \
                and (source := single(r, arguments[1])) is not None and \
                source.offset < 0:
            r.report("out-of-bounds-read", token, "%s() reads before the "
                     "begin of %s." % (name, arguments[1][0].text))
        elif name in ("memcpy", "memmove", "mempcpy") and n is not None:
            if source is not None and source.size is not None and \
                    n > source.size - source.offset * source.element:
                r.report("out-of-bounds-read", token, "%s() reads %d bytes "
                         "of %s, which has %d." % (
                             name, n, arguments[1][0].text, source.size))
        elif name == "strncat" and to is not None and to.is_array and \
                [t.text for t in count] == ["sizeof", "(",
                                            arguments[0][0].text, ")"]:
            r.report("buffer-overflow", token, "strncat() takes what is "
                     "left, not the size of %s." % arguments[0][0].text)


BOUNDED = ("memcpy", "memmove", "strncpy", "memset", "wcsncpy", "strncat",
           "wcsncat", "mempcpy")
UNBOUNDED = ("strcpy", "wcscpy", "stpcpy", "strcat", "wcscat", "sprintf")


def bounded(r, name, token, arguments):
    """A print that is told of more room than there is."""
    to, n = single(r, arguments[0]), r.scope.number(arguments[1])
    width = 4 if "w" in name else 1
    if to is None or to.size is None or n is None or n > 1 << 62:
        return
    room = to.size - to.offset * to.element
    if n * width > room:
        r.report("buffer-overflow", token, "%s() is told that %s has %d "
                 "bytes, but it has %d." % (name, arguments[0][0].text,
                                            n * width, room))


def single(r, argument):
    if len(argument) == 1 and argument[0].kind == "id":
        return r.scope.get(argument[0].text)
    return None


def length(r, argument):
    if len(argument) == 1 and argument[0].kind == "str":
        return argument[0].length
    v = single(r, argument)
    return v.length if v is not None else None


def unbounded(r, name, token, arguments, to, room, width):
    longest = length(r, arguments[1])
    source = single(r, arguments[1])
    base = 0
    if name in ("strcat", "wcscat"):
        base = (to.length if to is not None else None) or 0
    if longest is not None and room is not None:
        if (longest + base + 1) * width > room:
            r.report("buffer-overflow", token, "%s() writes %d bytes into "
                     "%s, which has %d." % (name, (longest + base + 1) *
                                            width, arguments[0][0].text,
                                            room))
        return
    if longest is not None:
        return
    if source is not None and source.is_array and source.size is not None \
            and room is not None and source.size + base * width <= room:
        return  # what fits into the one fits into the other
    taint = foreign(r, arguments[1], weak=True)
    if taint == PARAMETER and not (to is not None and to.is_array):
        return
    if taint and not (source is not None and source.checked):
        r.report("unbounded-copy", token, "%s() copies %s, however long it "
                 "is." % (name, taint), confidence=certainty(taint))


def prints(r, name, token, arguments, statement):
    """sprintf and scanf with %s."""
    if name.lstrip("_") in ("snprintf", "vsnprintf", "swprintf", "snwprintf",
                            "vswprintf") and len(arguments) > 2:
        bounded(r, name, token, arguments)
    if name in ("sprintf", "vsprintf") and len(arguments) > 1:
        to = single(r, arguments[0])
        text = [t for t in arguments[1] if t.kind == "str"]
        if to is None or len(text) != 1:
            return
        wide = re.findall(r"%[-+ #0]*(\d*)(?:\.(\*|\d+))?[hl]*([a-zA-Z%])",
                          text[0].value)
        at = 2
        for _, precision, kind in wide:
            if kind == "%":
                continue
            if kind == "s" and not precision and at < len(arguments):
                source = foreign(r, arguments[at], weak=True)
                v = single(r, arguments[at])
                if source == PARAMETER and not to.is_array:
                    source = None
                fits = v is not None and v.size and to.size and \
                    v.is_array and v.size + text[0].length <= to.size
                if source and not fits and not (v is not None and v.checked):
                    r.report("unbounded-copy", token, "sprintf() writes %s, "
                             "however long it is." % source,
                             confidence=certainty(source))
                    return
            at += 1
    elif name in ("scanf", "fscanf", "sscanf") and arguments:
        i = 0 if name == "scanf" else 1
        text = [t for t in arguments[i] if t.kind == "str"] \
            if i < len(arguments) else []
        if any(re.search(r"%(?:l|h)?(?:s|\[)", t.value) for t in text):
            if name == "sscanf" and fits_source(r, arguments, i):
                return
            r.report("scanf-unbounded", token, "%s() reads a word of any "
                     "length into its buffer." % name)
    elif name in ("gets", "_getws", "getwd"):
        r.report("gets", token, "%s() cannot be told how much room there "
                 "is." % name)


def fits_source(r, arguments, i):
    source = single(r, arguments[0])
    return source is not None and source.size is not None and all(
        (v := r.target(a)) is not None and v.size is not None and
        v.size >= source.size for a in arguments[i + 1:])


def sizes(r, name, token, arguments, statement):
    """Lengths and counts that are foreign."""
    for i in SIZES.get(name, ()):
        if i >= len(arguments):
            continue
        if may_be_negative(single(r, arguments[i])):
            r.report("negative-length", token, "The length for %s() is "
                     "compared with an upper bound only and may be negative."
                     % name, confidence="medium")
        source = foreign(r, arguments[i])
        if not source:
            continue
        if name in ("malloc", "calloc", "realloc", "alloca",
                    "__builtin_alloca"):
            if any(t.text == "strlen" for t in arguments[i]):
                continue
            multiplies = any(t.text == "*" for t in arguments[i])
            r.report("integer-overflow-size" if multiplies and
                     name != "calloc" else "unchecked-size", token,
                     "%s() is asked for as much as %s says." % (name, source),
                     confidence="medium")
        elif name in ("sleep", "usleep"):
            r.report("unchecked-size", token, "%s() waits as long as %s "
                     "says." % (name, source), confidence="medium")
        elif name != "memset":
            v = single(r, arguments[i])
            if v is not None and v.is_array:
                continue
            r.report("unchecked-length", token, "The length for %s() comes "
                     "from %s and nothing bounds it." % (name, source),
                     confidence="medium")
        return


def temporary(r, name, token, arguments, statement):
    if name in ("mktemp", "tmpnam", "tempnam", "tmpnam_r", "_tempnam"):
        r.report("temp-file", token, "%s() only makes up a name; somebody "
                 "else can make the file before it is opened." % name)
    elif name in ("fopen", "open", "creat") and arguments:
        text = "".join(t.value for t in arguments[0] if t.kind == "str")
        words = "".join(t.text for t in arguments[1]) \
            if len(arguments) > 1 else ""
        writes = name == "creat" or re.search(r'"[wa]|O_CREAT', words)
        if re.match(r"/(?:var/)?tmp/[^/]", text) and writes and \
                "O_EXCL" not in words:
            r.report("temp-file", token, "%s() makes a file in /tmp whose "
                     "name can be foreseen." % name)


def modes(r, name, token, arguments, statement):
    at = {"chmod": 1, "fchmod": 1, "open": 2, "creat": 1, "mkdir": 1,
          "fchmodat": 2, "openat": 3, "mkfifo": 1, "umask": 0}.get(name)
    if at is None or at >= len(arguments):
        return
    value = r.scope.number(arguments[at])
    words = {t.text for t in arguments[at]}
    if name == "umask":
        if value == 0 and len(arguments[0]) == 1 and \
                statement and statement[0] is token:
            r.report("permissive-mode", token,
                     "umask(0) lets everybody write what is made later.")
        return
    wide = value is not None and value & 2 and not value & 0o1000
    if wide or words & {"S_IWOTH", "S_IRWXO", "ACCESSPERMS",
                        "ALLPERMS"} and "~" not in words:
        if value == 0o666 and name in ("open", "creat", "openat", "mkfifo"):
            return  # what the umask is for
        if name == "mkdir" and value == 0o777:
            return
        r.report("permissive-mode", token,
                 "%s() lets everybody write." % name)


def weak(r, name, token, arguments, statement):
    if WEAK_HASH.match(name) or WEAK_HASH.match(token.text):
        r.report("weak-hash", token, "%s() is a hash that can be broken." %
                 name)
    elif WEAK_CIPHER.match(name) or WEAK_CIPHER.match(token.text):
        r.report("weak-cipher", token, "%s() is a cipher that can be broken."
                 % name)
    elif name == "crypt" and len(arguments) > 1 and not any(
            t.kind == "str" and t.value.startswith(("$5$", "$6$", "$y$",
                                                    "$2", "$7$"))
            for t in arguments[1]):
        if any(t.kind == "str" for t in arguments[1]):
            r.report("weak-hash", token,
                     "crypt() with this salt is the old DES.")
    elif name in ("srand", "srandom", "srand48") and arguments and any(
            t.text in ("time", "getpid", "clock") for t in arguments[0]) and \
            r.unit.has_secrets:
        r.report("weak-random", token, "%s() starts from a number that can "
                 "be guessed." % name)
    elif name in ("SSL_CTX_set_verify", "SSL_set_verify") and any(
            t.text == "SSL_VERIFY_NONE" for a in arguments for t in a):
        r.report("tls-off", token, "SSL_VERIFY_NONE takes any certificate.")
    elif name == "curl_easy_setopt" and len(arguments) == 3 and \
            arguments[1] and arguments[1][-1].text in (
                "CURLOPT_SSL_VERIFYPEER", "CURLOPT_SSL_VERIFYHOST") and \
            r.scope.number(without_cast(arguments[2])) == 0:
        r.report("tls-off", token, "libcurl is told to take any "
                 "certificate.")
    elif name in ("SSLv2_method", "SSLv3_method", "TLSv1_method",
                  "TLSv1_1_method", "SSLv3_client_method",
                  "TLSv1_client_method", "TLSv1_1_client_method"):
        r.report("tls-off", token, "%s() is a version of TLS that is broken."
                 % name)


def without_cast(tokens):
    return tokens[-1:] if tokens else tokens


def races(r, name, token, arguments, statement):
    if name in CHECKS_FILE and arguments:
        i = 1 if name == "faccessat" else 0
        key = " ".join(t.text for t in arguments[i]) \
            if i < len(arguments) else ""
        r.opened[key] = (name, token.line)
    elif name in USES_FILE and arguments:
        key = " ".join(t.text for t in arguments[0])
        if key in r.opened and not any(
                t.text == "O_NOFOLLOW" for a in arguments for t in a):
            before, line = r.opened.pop(key)
            r.report("toctou", token, "Between %s() in line %d and %s() "
                     "another file can take the name." % (before, line,
                                                          name))


def privileges(r, name, token, arguments, statement):
    if name in DROPS and statement and statement[0] is token and \
            not r.is_returned:
        end = skip_call(statement, 1)
        if end >= len(statement):
            r.report("unchecked-privilege-drop", token, "Nobody looks "
                     "whether %s() succeeded." % name)
    elif name == "chroot":
        around = " ".join(t.text for t in r.t)
        if "chdir" not in around:
            r.report("chroot-without-chdir", token, "Without chdir() the "
                     "working directory stays outside.")


def secrets(r, name, token, arguments, statement):
    """A password in the text of the program, where it is used."""
    at = {"LogonUserA": 2, "LogonUserW": 2, "mysql_real_connect": 3,
          "ldap_simple_bind_s": 2, "EVP_BytesToKey": 3,
          "PKCS5_PBKDF2_HMAC": 0, "CryptHashData": 1}.get(name)
    if at is not None and at < len(arguments):
        a = arguments[at]
        text = next((t.value for t in a if t.kind == "str"), None)
        if text and len(text) >= 3:
            r.report("hardcoded-secret", token, "The password for %s() "
                     "stands in the program." % name)
    elif name in ("strcmp", "strncmp", "memcmp", "strcasecmp") and \
            len(arguments) >= 2:
        for a, b in ((0, 1), (1, 0)):
            text = [t for t in arguments[b] if t.kind == "str"]
            if text and len(arguments[b]) == 1 and any(
                    t.kind == "id" and is_secret(t.text)
                    for t in arguments[a]) and not PLACEHOLDER.search(
                        text[0].value):
                r.report("hardcoded-secret", token, "A secret is compared "
                         "with one that stands in the program.")
                return
    elif name in ("printf", "fprintf", "syslog", "fputs", "puts"):
        used = [t.text for a in arguments for t in a if t.kind == "id" and
                is_secret(t.text)]
        if used and not (name == "fputs") and not any(
                t.text in ("sizeof", "strlen", "?") for a in arguments
                for t in a) and any("%s" in t.value for a in arguments
                                    for t in a if t.kind == "str"):
            r.report("secret-in-log", token, "%s() writes %s." % (name,
                                                                  used[0]))


def is_secret(name):
    return bool(SECRET.search(name)) and not NOT_SECRET.search(name)


CALLS = (injections, copies, prints, sizes, temporary, modes, weak, races,
         privileges, secrets)


# ---- stores, loops, assignments ----------------------------------------

def before(r, tokens, equals):
    """Indexes that are read or written in an expression."""
    for i, t in enumerate(tokens[:-1]):
        if t.kind != "id" or tokens[i + 1].text != "[":
            continue
        v = r.scope.get(t.text)
        if v is None:
            continue
        end = r.close(tokens, i + 1)
        index(r, v, t, tokens[i + 2:end], equals is not None and
              end < equals and (i == 0 or tokens[i - 1].text != "="))


def index(r, v, token, inside, is_written):
    rule = "buffer-overflow" if is_written else "out-of-bounds-read"
    does = "written" if is_written else "read"
    if not inside or "=" in [t.text for t in inside]:
        return
    source = foreign(r, inside)
    if source and (v.is_array or v.size is not None) and not any(
            t.text in ("%", "&") for t in inside):
        r.report("unchecked-index", token, "%s[] is %s at an index from %s "
                 "that nothing bounds." % (token.text, does, source),
                 confidence="medium")
        return
    if len(inside) == 1 and (v.is_array or v.size is not None) and \
            may_be_negative(r.scope.get(inside[0].text)):
        r.report("unchecked-index", token, "%s[] is %s at an index that is "
                 "compared with an upper bound only and may be negative."
                 % (token.text, does), confidence="medium")
        return
    if v.size is None:
        if v.offset < 0 and len(inside) == 1 and inside[0].text in r.loops:
            r.report("buffer-underflow", token, "%s[] is %s before its "
                     "begin." % (token.text, does))
        return
    room = v.size // v.element - v.offset if v.element else None
    n = r.scope.number(inside)
    if n is None and len(inside) == 1 and inside[0].text in r.loops and \
            r.loops[inside[0].text] is not None:
        n = r.loops[inside[0].text] - 1
        if v.offset < 0:
            n = v.offset
    elif n is not None:
        n += 0
        if v.offset < 0:
            n += v.offset
    if n is None or room is None:
        return
    if n < 0:
        r.report("buffer-underflow", token, "%s[] is %s before its begin."
                 % (token.text, does))
    elif n >= room:
        r.report(rule, token, "%s[] is %s at index %d and has %d elements."
                 % (token.text, does, n, room))


def stored(r, left, op, right):
    """Sums and products of foreign numbers; leaks by realloc."""
    if len(right) > 2 and right[0].text == "realloc" and len(left) == 1 and \
            len(right) > 3 and right[2].text == left[0].text:
        r.report("realloc-leak", right[0], "If realloc() fails, the old "
                 "block of %s is lost." % left[0].text)


def loop(r, condition, token):
    """Loops that run as often as somebody else says; strlen in each round."""
    for i, t in enumerate(condition):
        if t.text in ("strlen", "wcslen") and i + 2 < len(condition) and \
                i > 0 and condition[i - 1].text in ("<", "<=", "!="):
            name = condition[i + 2].text
            r.report("strlen-in-loop", t, "strlen(%s) is worked out again in "
                     "each round." % name, confidence="medium")
        if t.text in ("<", "<=") and i + 1 < len(condition):
            v = r.scope.get(condition[i + 1].text)
            if v is not None and v.taint and not v.checked and \
                    v.is_integer and v.taint != PARAMETER and \
                    len(condition) == i + 2:
                r.report("unchecked-size", token, "The loop runs as often as "
                         "%s says." % v.taint, confidence="medium")


def assigned(r, name, value):
    text = next((t for t in value if t.kind == "str"), None)
    found = arithmetic(r, value)
    too_large(r, name, r.scope.get(name.text), value)
    if found is not None:
        r.report("integer-overflow", found[0], "A number from %s is used in "
                 "a sum that may overflow." % found[1].taint,
                 confidence="medium")
    if text is not None and len(value) == 1:
        if TOKEN.search(text.value) or is_secret(name.text) and \
                not PLACEHOLDER.search(text.value):
            r.report("hardcoded-secret", name, "%s is given its value in "
                     "the program." % name.text)
    elif value and value[-1].text == ")" and any(
            t.text in ("rand", "random", "lrand48", "drand48")
            for t in value) and is_secret(name.text):
        r.report("weak-random", name, "%s is made of numbers that can be "
                 "guessed." % name.text)


def function_end(r):
    """A secret that is wiped by memset just before it goes away."""
    wiped = {}
    for i, (name, token, arguments) in enumerate(r.calls):
        if name == "memset" and arguments and len(arguments[0]) == 1 and \
                is_secret(arguments[0][0].text):
            wiped[arguments[0][0].text] = token
        else:
            for a in arguments:
                for t in a:
                    if name != "free":
                        wiped.pop(t.text, None)
    for name, token in wiped.items():
        later = [t for t in r.t if t.text == name and t.line > token.line]
        if all(t.text == name for t in later) and len(later) <= 1:
            r.report("secret-not-wiped", token, "The compiler may leave out "
                     "memset(%s): nothing reads it afterwards." % name,
                     confidence="medium")
