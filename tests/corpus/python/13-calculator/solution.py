"""Evaluate arithmetic without eval()."""
import operator
import re

TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<op>\*\*|[-+*/()]))")
BINARY = {
    "+": (1, operator.add),
    "-": (1, operator.sub),
    "*": (2, operator.mul),
    "/": (2, operator.truediv),
    "**": (3, operator.pow),
}


class ParseError(ValueError):
    pass


def tokenize(text):
    at, text = 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ParseError(f"unexpected {text[at:].strip()[:1]!r} at {at}")
        yield match["number"] or match["op"]
        at = match.end()
    yield None


class Parser:
    def __init__(self, text):
        self.tokens = tokenize(text)
        self.advance()

    def advance(self):
        token, self.next = getattr(self, "next", None), next(self.tokens, None)
        return token

    def primary(self):
        token = self.advance()
        if token == "(":
            value = self.expression()
            if self.advance() != ")":
                raise ParseError("missing )")
            return value
        if token == "-":
            return -self.primary()  # binds tighter than ** : wrong
        if token is None or not re.match(r"[\d.]", token):
            raise ParseError(f"unexpected {token!r}")
        return float(token)

    def expression(self, least=1):
        value = self.primary()
        while self.next in BINARY and BINARY[self.next][0] >= least:
            level, apply = BINARY[self.advance()]
            value = apply(value, self.expression(level + 1))  # ** is left: wrong
        return value


def evaluate(text):
    parser = Parser(text)
    value = parser.expression()
    if parser.next is not None:
        raise ParseError(f"unexpected {parser.next!r}")
    return value
