# SPDX-License-Identifier: Apache-2.0
"""What is known of the variables of a function while its text is read.

One pass in the order of the text: an assignment replaces what was known.  Sizes
are in bytes.  Taint is a word for where the value comes from, or None.
"""
from ctokens import TYPES

PARAMETER = "a parameter"  # whose callers are not seen
# Calls whose answer is foreign.
ANSWERS = {"getenv": "the environment", "secure_getenv": "the environment",
           "fgetc": "a file", "getc": "a file",
           "getchar": "standard input", "_wgetenv": "the environment",
           "readline": "standard input", "PQgetvalue": None}
# Calls that fill an argument with what is foreign: name: argument, source.
FILLS = {"fgets": (0, "a file or standard input"),
         "fgetws": (0, "a file or standard input"),
         "gets": (0, "standard input"), "read": (1, "a file or socket"),
         "recv": (1, "the network"), "recvfrom": (1, "the network"),
         "recvmsg": (1, "the network"), "fread": (0, "a file"),
         "getline": (0, "a file or standard input"),
         "getdelim": (0, "a file or standard input"),
         "SSL_read": (1, "the network"), "pread": (1, "a file")}
SCANS = {"scanf": 1, "fscanf": 2, "wscanf": 1, "fwscanf": 2}
SCANS_TEXT = {"sscanf": 2, "swscanf": 2}
# dst, sources
COPIES = {"strcpy": (0, (1,)), "stpcpy": (0, (1,)), "wcscpy": (0, (1,)),
          "strncpy": (0, (1,)), "wcsncpy": (0, (1,)), "memcpy": (0, (1,)),
          "memmove": (0, (1,)), "strlcpy": (0, (1,)), "mempcpy": (0, (1,)),
          "bcopy": (1, (0,))}
APPENDS = {"strcat": (0, (1,)), "wcscat": (0, (1,)), "strncat": (0, (1,)),
           "wcsncat": (0, (1,)), "strlcat": (0, (1,))}
PRINTS = {"sprintf": (0, 1), "vsprintf": (0, 1), "snprintf": (0, 2),
          "vsnprintf": (0, 2), "swprintf": (0, 2), "asprintf": (0, 1)}
# Calls that hand their argument's making on.
PASSES = {"atoi", "atol", "atoll", "strtol", "strtoul", "strtoll", "strtoull",
          "strdup", "strndup", "strchr", "strrchr", "strstr", "strtok",
          "wcsdup", "ntohl", "ntohs", "htonl", "strtok_r", "wcschr",
          "toupper", "basename", "dirname", "strsep", "index"}
ALLOCATES = {"malloc": 0, "alloca": 0, "__builtin_alloca": 0,
             "xmalloc": 0, "realloc": 1, "valloc": 0}
LIMITS = {"PATH_MAX": 4096, "BUFSIZ": 8192}
for _name, _bits in (("CHAR", 8), ("SCHAR", 8), ("INT8", 8), ("SHRT", 16),
                     ("INT16", 16), ("INT", 32), ("INT32", 32), ("LONG", 64),
                     ("LLONG", 64), ("INT64", 64)):
    LIMITS[_name + "_MAX"] = 2 ** (_bits - 1) - 1
    LIMITS[_name + "_MIN"] = -2 ** (_bits - 1)


class Variable:
    __slots__ = ("taint", "size", "length", "offset", "element", "checked",
                 "is_array", "is_integer", "is_signed", "constant",
                 "is_parameter", "compared", "bounded", "floor",
                 "nonzero")

    def __init__(self):
        self.taint = self.size = self.length = None
        self.constant = None     # an integer's value
        self.offset, self.element = 0, 1
        self.checked = self.is_array = self.is_integer = False
        self.is_parameter = self.compared = self.is_signed = False
        # What conditions said: not below zero; not zero.
        self.floor = self.nonzero = False
        self.bounded = False     # compared with more than 0 or 1

    def copy(self):
        other = Variable.__new__(Variable)
        for name in Variable.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def merge(self, other):
        """The worse of two ways that lead here."""
        if other.taint:
            for fact in ("checked", "floor", "nonzero"):
                setattr(self, fact, getattr(other, fact) and (
                    getattr(self, fact) or not self.taint))
            self.taint = self.taint or other.taint
        self.compared = self.compared and other.compared
        self.bounded = self.bounded and other.bounded
        if self.constant != other.constant:
            self.constant = None
        if self.size is None or other.size is not None and \
                other.size < self.size:
            self.size = other.size
        if self.length is None or other.length is None:
            self.length = None
        else:
            self.length = max(self.length, other.length)
        self.offset = min(self.offset, other.offset)


class Scope:
    def __init__(self, macros, shared):
        self.macros, self.shared = macros, shared
        self.variables = {}
        self.aliases = dict(shared.aliases)

    def get(self, name):
        return self.variables.get(name) or self.shared.get(name)

    def make(self, name):
        known = self.get(name)
        if known is None:
            known = self.variables[name] = Variable()
        return known

    def resolve(self, name):
        """The function that a name stands for, by a macro or a pointer.

        One in capital letters that this file does not define is taken for
        the function that is named so in small ones: wrappers are.
        """
        word = name
        for _ in range(4):
            if name in self.aliases:
                return self.aliases[name]
            known = self.macros.get(name)
            if not known or len(known) != 1 or known[0].kind != "id":
                break
            name = known[0].text
        if name == word and name.isupper() and \
                name not in self.shared.functions:
            return name.lower()
        return name

    # ---- numbers -------------------------------------------------------

    def number(self, tokens, depth=0):
        """The value of a constant expression, or None."""
        if depth > 8 or len(tokens) > 60:
            return None
        return Sum(self, tokens, depth).value()

    def size_of(self, tokens):
        """sizeof(tokens)"""
        names = [t.text for t in tokens if t.kind == "id"]
        if any(t.text == "*" for t in tokens) and tokens[0].text != "*":
            return 8
        if len(names) == 1:
            v = self.get(names[0])
            if v is not None:
                if tokens[0].text == "*":
                    return v.element
                if any(t.text == "[" for t in tokens):
                    return v.element
                return v.size if v.is_array else \
                    (None if v.is_integer and v.size is None else 8)
        for n in reversed(names):
            if n in TYPES:
                return 8 if "long" in names and n == "int" else TYPES[n]
        return None

    # ---- taint ---------------------------------------------------------

    def taint(self, tokens, numbers=True):
        """Of an expression: the first foreign thing in it."""
        i, n = 0, len(tokens)
        while i < n:
            t = tokens[i]
            if t.kind == "id":
                follows = tokens[i + 1].text if i + 1 < n else ""
                before = tokens[i - 1].text if i else ""
                if follows == "(" and self.resolve(t.text) in ANSWERS:
                    return ANSWERS[self.resolve(t.text)]
                if follows == "(" and t.text in self.returns():
                    return self.returns()[t.text]
                if t.text == "sizeof" or (follows == "(" and t.text in (
                        "strlen", "wcslen", "strcmp", "strncmp", "memcmp",
                        "strspn", "strcspn", "abs", "isdigit")):
                    i = skip_call(tokens, i + 1)
                    continue
                if before not in (".", "->"):
                    v = self.get(t.text)
                    if v is None and follows != "(" and \
                            t.text in self.macros:
                        v = self.get(self.resolve(t.text))
                    if v is not None and v.taint and \
                            not (numbers and v.checked):
                        return v.taint
            i += 1
        return None

    def returns(self):
        return self.shared.returns


def skip_call(tokens, at):
    """Behind the bracket that opens at `at`, if one does."""
    if at >= len(tokens) or tokens[at].text != "(":
        return at
    depth = 0
    for i in range(at, len(tokens)):
        depth += (tokens[i].text == "(") - (tokens[i].text == ")")
        if depth == 0:
            return i + 1
    return len(tokens)


class Shared(dict):
    """The file's own variables; what its functions return and are given."""

    def __init__(self):
        super().__init__()
        self.returns = {}     # function: source
        self.parameters = {}  # (function, index): source
        self.facts = {}       # (function, index): Variable
        self.aliases = {}     # pointer: the function that it is set to
        self.functions = set()


class Sum:
    """An evaluator of + - * / over what is known."""

    def __init__(self, scope, tokens, depth):
        self.s, self.t, self.i, self.depth = scope, tokens, 0, depth

    def value(self):
        v = self.sum()
        return v if self.i == len(self.t) else None

    def peek(self):
        return self.t[self.i].text if self.i < len(self.t) else ""

    def sum(self):
        v = self.product()
        while v is not None and self.peek() in ("+", "-"):
            op = self.t[self.i].text
            self.i += 1
            w = self.product()
            v = None if w is None else v + w if op == "+" else v - w
        return v

    def product(self):
        v = self.atom()
        while v is not None and self.peek() in ("*", "/", "<<"):
            op = self.t[self.i].text
            self.i += 1
            w = self.atom()
            if w is None or (op == "/" and w == 0) or (
                    op == "<<" and not 0 <= w < 64):
                return None
            v = v * w if op == "*" else v // w if op == "/" else v << w
            if abs(v) > 1 << 70:
                return None
        return v

    def atom(self):
        if self.i >= len(self.t):
            return None
        t = self.t[self.i]
        self.i += 1
        if t.kind == "num":
            return integer(t.text)
        if t.kind == "chr" and len(t.text) == 3:
            return ord(t.text[1])
        if t.text == "-":
            v = self.atom()
            return None if v is None else -v
        if t.text == "(":
            end = skip_call(self.t, self.i - 1)
            inner = self.t[self.i:end - 1]
            self.i = end
            if inner and all(x.text in TYPES or x.text in
                             ("const", "*", "struct") for x in inner):
                return self.atom()  # a cast
            return self.s.number(inner, self.depth + 1)
        if t.kind == "id":
            return self.name(t)
        return None

    def name(self, t):
        if self.peek() == "(":
            end = skip_call(self.t, self.i)
            inner = self.t[self.i + 1:end - 1]
            self.i = end
            if t.text == "sizeof":
                return self.s.size_of(inner) if inner else None
            if t.text in ("strlen", "wcslen") and len(inner) == 1:
                v = self.s.get(inner[0].text)
                if inner[0].kind == "str":
                    return inner[0].length
                return v.length if v is not None else None
            return None
        if t.text == "sizeof" and self.i < len(self.t):
            self.i += 1
            return self.s.size_of([self.t[self.i - 1]])
        v = self.s.get(t.text)
        if v is not None:
            return v.constant
        known = self.s.macros.get(t.text)
        if known is not None:
            return self.s.number(known, self.depth + 1)
        return LIMITS.get(t.text)


def integer(text):
    text = text.rstrip("uUlL")
    try:
        if text[:1] == "0" and len(text) > 1 and text[1] not in "xXbB.":
            return int(text, 8)
        return int(text, 0)
    except ValueError:
        return None
