# SPDX-License-Identifier: Apache-2.0
"""What is known of a value at one place of a program.

A Value is never changed: an append makes a new one and binds it.  `taint` maps
a source to the harms (bits) that its data can still do; `const` is the value
itself where it is known; `items` what a list, tuple or dict holds; `type` the
dotted path of calls that made it ("sqlite3.connect.cursor"); `text` the fixed
parts of a built string, with HOLE where something was put in.
"""

HARMS = ("sql", "cmd", "code", "path", "template", "deserialize", "ssrf",
         "xpath", "ldap", "xxe", "redirect", "header", "log", "regex", "zip",
         "xss", "import", "attr", "trust", "nosql", "random", "format",
         "mail", "dos")
BIT = {name: 1 << n for n, name in enumerate(HARMS)}
ALL = (1 << len(HARMS)) - 1 & ~BIT["random"]
HOLE = "\0"
TEXT_MAX = 2000
ITEMS_MAX = 64


class Source:
    """Where untrusted data comes in.  kind: http input param env file net
    random; index: of a parameter, else -1."""
    __slots__ = ("kind", "words", "line", "index", "name")

    def __init__(self, kind, words, line, index=-1, name=""):
        self.kind, self.words, self.line = kind, words, line
        self.index, self.name = index, name


class _Nothing:
    def __repr__(self):
        return "NOTHING"


NOTHING = _Nothing()
NO_TAINT = {}


class Value:
    __slots__ = ("taint", "const", "items", "type", "text", "unknown")

    def __init__(self, taint=NO_TAINT, const=NOTHING, items=None, type="",
                 text=None, unknown=False):
        self.taint, self.const, self.items = taint, const, items
        self.type, self.text, self.unknown = type, text, unknown

    def but(self, **changes):
        new = Value(self.taint, self.const, self.items, self.type, self.text,
                    self.unknown)
        for name, value in changes.items():
            setattr(new, name, value)
        return new

    @property
    def is_const(self):
        return self.const is not NOTHING


CLEAN = Value()
UNKNOWN = Value(unknown=True)


def constant(value):
    text = value[:TEXT_MAX] if isinstance(value, str) else None
    return Value(const=value, text=text)


def merge_taint(*taints):
    taints = [t for t in taints if t]
    if not taints:
        return NO_TAINT
    if len(taints) == 1 or all(t is taints[0] for t in taints):
        return taints[0]
    result = dict(taints[0])
    for taint in taints[1:]:
        for source, bits in taint.items():
            result[source] = result.get(source, 0) | bits
    if len(result) > 32:
        result = dict(list(result.items())[:32])
    return result


def without(taint, bits):
    """The same data after a cleaner against these harms."""
    if not taint:
        return taint
    return {s: b & ~bits for s, b in taint.items() if b & ~bits}


def join(a, b):
    """What is known when it may be either."""
    if a is b:
        return a
    const = a.const
    if const is not NOTHING and not (type(const) is type(b.const)
                                     and const == b.const):
        const = NOTHING
    items = None
    if type(a.items) is type(b.items) and a.items is not None:
        items = join_items(a.items, b.items)
    lost = NO_TAINT
    if items is None and (a.items or b.items):
        lost = merge_taint(*(held(v) for v in (a, b) if v.items))
    kind = a.type if a.type == b.type else a.type or b.type
    text = a.text if a.text == b.text else join_text(a, b)
    return Value(merge_taint(a.taint, b.taint, lost), const, items, kind, text,
                 a.unknown or b.unknown)


def join_text(a, b):
    """The one that tells more of what is built."""
    if a.text is None or b.text is None:
        return a.text if b.text is None else b.text
    if a.taint or b.taint:
        texts = [v.text for v in (a, b) if v.taint]
        return max(texts, key=len)
    return max(a.text, b.text, key=lambda t: (HOLE in t, len(t)))


def join_items(a, b):
    if isinstance(a, list):
        if len(a) != len(b):
            return None
        return [join(x, y) for x, y in zip(a, b)]
    result = dict(a)
    for key, value in b.items():
        result[key] = join(result[key], value) if key in result else value
    return result if len(result) <= ITEMS_MAX else None


def held(value, depth=0):
    """All taint of a value and of what it holds."""
    if not value.items or depth > 4:
        return value.taint
    inner = value.items.values() if isinstance(value.items, dict) \
        else value.items
    return merge_taint(value.taint, *(held(v, depth + 1) for v in inner))


def is_unknown(value, depth=0):
    if value.unknown:
        return True
    if not value.items or depth > 4:
        return False
    inner = value.items.values() if isinstance(value.items, dict) \
        else value.items
    return any(is_unknown(v, depth + 1) for v in inner)


def is_false(value):
    return value is not None and value.is_const and value.const is False


def is_true(value):
    return value is not None and value.is_const and value.const is True


def is_none(value):
    return value is not None and value.is_const and value.const is None
