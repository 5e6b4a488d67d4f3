"""Doubles its arguments; the exit code is the number that were not numbers."""
import argparse
import atexit
import os
import sys

import helper  # beside this file, not in the working directory


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, default=1)
    options, rest = parser.parse_known_args(argv)
    atexit.register(lambda: print("bye"))
    bad = 0
    for word in rest:
        if word == "--":
            continue
        number = helper.to_number(word)
        if number is None:
            bad += 1
            print(f"not a number: {word}", file=sys.stderr)
        else:
            print(number * options.scale)
    print(os.path.basename(sys.argv[0]), os.path.basename(__file__), __name__)
    return bad


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
