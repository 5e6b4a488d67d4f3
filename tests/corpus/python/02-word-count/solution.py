"""Word statistics for text in any script."""
import collections
import unicodedata


def words(text):
    word = []
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        if category[0] in "LN" or category[0] == "M" or (char == "'" and word):
            word.append(char)
        elif word:
            yield "".join(word).rstrip("'").casefold()
            word = []
    if word:
        yield "".join(word).rstrip("'").casefold()


def count(text):
    return collections.Counter(words(text))


def top(text, n):
    """The n most frequent words; ties in order of the alphabet."""
    return sorted(count(text).items(), key=lambda kv: (-kv[1], kv[0]))[:n]


def strip_accents(text):
    parts = unicodedata.normalize("NFD", text)
    return "".join(c for c in parts if not unicodedata.combining(c))
