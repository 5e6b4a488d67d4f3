import pytest

from solution import ParseError, evaluate


@pytest.mark.parametrize(
    "text, value",
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 / 4 / 2", 1),
        ("2 - 3 - 4", -5),
        ("-(.5 + 1.)", -1.5),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
    ],
)
def test_value(text, value):
    assert evaluate(text) == value


@pytest.mark.parametrize("text", ["", "1 +", "(1", "2 $ 3"])
def test_errors(text):
    with pytest.raises(ParseError):
        evaluate(text)
