import io

from solution import table, write_tables

assert next(table(1, 2)) == " 1  2  3  4  5  6  7  8  9 10"

buffer = io.StringIO()
assert write_tables(10, buffer) == 1100
assert buffer.getvalue().count("\n") == 10

size = write_tables(3700)
assert size > 400_000, size
print("wrote", size)
