import pytest

from solution import count, strip_accents, top, words


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", []),
        ("one two  two", ["one", "two", "two"]),
        ("Don't stop!", ["don't", "stop"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("naïve café", ["naïve", "café"]),
        ("Привет, мир", ["привет", "мир"]),
        ("日本語 テスト", ["日本語", "テスト"]),
    ],
)
def test_words(text, expected):
    assert list(words(text)) == expected


def test_count_folds_case():
    assert count("A a Ä ä") == {"a": 2, "ä": 2}


def test_top_breaks_ties_alphabetically():
    assert top("b a c a b d", 3) == [("a", 2), ("b", 2), ("c", 1)]


def test_strip_accents():
    print("façade → " + strip_accents("façade"))
    assert strip_accents("Ångström façade") == "Angstrom facade"
