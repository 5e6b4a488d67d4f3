"""Reads name;count;price lines and prints a bill."""
import sys
from decimal import Decimal, InvalidOperation


def parse(line):
    name, count, price = line.split(";")
    return name.strip(), int(count), Decimal(price)


def main():
    total, errors = Decimal(0), 0
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        try:
            name, count, price = parse(line)
        except (ValueError, InvalidOperation):
            print(f"line {number}: not understood: {line.rstrip()!r}", file=sys.stderr)
            errors += 1
            continue
        total += count * price
        print(f"{name:<12}{count:>5}{price:>8.2f}{count * price:>10.2f}")
    print("-" * 35)
    print(f"{'total':<12}{total:>23.2f}")
    print(f"({errors} line(s) left out)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
