"""Prints multiplication tables, a lot of them."""
import sys


def table(n, width=10):
    for i in range(1, n + 1):
        yield " ".join(f"{i * j:>{width}}" for j in range(1, 11))


def write_tables(count, out=sys.stdout):
    written = 0
    for line in table(count):
        written += out.write(line + "\n")
    return written
