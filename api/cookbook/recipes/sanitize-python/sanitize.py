"""Texts from outside, made fit for one place each.

There is no "clean" text as such: each function is for one place where a text
goes, and either gives back what is harmless there or raises InvalidInput.  For
SQL use parameters, for a shell a list of arguments: there is no function here
for either on purpose.
"""

import html
import re
import unicodedata

TEXT_MAX = 10_000
# Change the direction of what follows, or are not seen: names that lie.
_INVISIBLE = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069"
                        "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
_RESERVED_NAMES = frozenset(
    ["con", "prn", "aux", "nul"]
    + [f"{word}{n}" for word in ("com", "lpt") for n in range(1, 10)])
_EMAIL_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
                          r"(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class InvalidInput(ValueError):
    """It cannot be made fit; the text says why and may be shown."""


def _check_type(value):
    if not isinstance(value, str):
        raise InvalidInput("not a text")
    return value


def plain_text(value, length_max=TEXT_MAX, may_have_lines=True):
    """A text that people typed: one Unicode form, nothing that is not seen."""
    text = unicodedata.normalize("NFC", _check_type(value))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = []
    for char in _INVISIBLE.sub("", text):
        if char == "\n":
            kept.append("\n" if may_have_lines else " ")
        elif char == "\t":
            kept.append("\t" if may_have_lines else " ")
        elif unicodedata.category(char) not in ("Cc", "Cs", "Cn", "Co"):
            kept.append(char)
    text = "".join(kept).strip()
    if len(text) > length_max:
        raise InvalidInput(f"longer than {length_max} characters")
    return text


def html_text(value):
    """For the text of an element or a quoted attribute.

    Not for scripts, styles, event handlers, unquoted attributes or URLs.
    """
    return html.escape(plain_text(value), quote=True)


def file_name(value, length_max=100):
    """One component of a path, safe on Linux, macOS and Windows."""
    name = unicodedata.normalize("NFC", _check_type(value))
    if "\x00" in name:
        raise InvalidInput("a file name has no NUL")
    # Only the last component counts, whichever sign separates them.
    name = re.split(r"[/\\]", name)[-1]
    name = _INVISIBLE.sub("", name)
    name = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", name).strip(" .")
    if not name:
        raise InvalidInput("no file name is left")
    if name.split(".")[0].strip().lower() in _RESERVED_NAMES:
        name = "_" + name
    # A leading dash would be an option, a leading dot a hidden file.
    if name.startswith("-"):
        name = "_" + name[1:]
    if len(name.encode("utf-8")) > length_max:
        raise InvalidInput(f"longer than {length_max} bytes")
    return name


def identifier(value, length_max=64):
    """A name for machines: a letter, then letters, digits and _."""
    text = _check_type(value)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text):
        raise InvalidInput("a letter, then letters, digits and _")
    if len(text) > length_max:
        raise InvalidInput(f"longer than {length_max} characters")
    return text


def whole_number(value, low, high):
    """An int from low to high, from an int or plain decimal digits."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidInput("not a whole number")
    if isinstance(value, str):
        # int() takes "1_000", " 1 " and digits of other scripts.
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise InvalidInput("not a whole number")
        value = int(value)
    if not low <= value <= high:
        raise InvalidInput(f"not from {low} to {high}")
    return value


def email_address(value):
    """A plain address@domain, the domain in lower case.

    Whether somebody reads mail there, only mail can tell.
    """
    text = _check_type(value).strip()
    local, at, domain = text.rpartition("@")
    if not at or len(text) > 254 or len(local) > 64:
        raise InvalidInput("not an e-mail address")
    labels = domain.split(".")
    if (not _EMAIL_LOCAL.fullmatch(local) or len(labels) < 2
            or not all(_HOST_LABEL.fullmatch(label) for label in labels)
            or labels[-1].isdigit()):
        raise InvalidInput("not an e-mail address")
    return f"{local}@{domain.lower()}"


def log_line(value, length_max=500):
    """One line of printable ASCII: nobody forges a second entry."""
    text = str(value)[:length_max]
    return "".join(
        char if char.isascii() and char.isprintable() and char != "\\"
        else char.encode("unicode_escape").decode("ascii")
        for char in text)
