#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the analyzer for C tells of small functions, without a jail: what a
condition proves on which way, and what is right although it looks alike.

    tests/analysis/test_c.py
"""
import sys

import test_rules as rules

ARGS = "int main(int argc, char **argv)\n{\n%s\n}\n"
READ = "int take(char *to, char *from)\n{\n\tint n = 0, a[8] = {0};\n" \
    "\tchar b[8];\n\tif (scanf(\"%%d\", &n) != 1)\n\t\treturn 0;\n%s\n}\n"
COIN = "int coin(void);\nvoid f(void)\n{\n%s\n}\n"

# (rule or None, around, statements): exactly this rule is told, or none.
CASES = (
    # pointers to functions
    ("command-injection", ARGS, "int (*run)(const char *) = system;\n"
     "return run(argv[1]);"),
    ("command-injection", ARGS, "int (*run)(const char *);\nrun = &system;\n"
     "return (*run)(argv[1]);"),
    (None, ARGS, "int (*run)(const char *) = system;\nrun = puts;\n"
     "return run(argv[1]);"),
    # lengths and indexes: both bounds
    ("negative-length", READ, "if (n < 8) memcpy(b, from, n);"),
    ("negative-length", READ, "if (n > 8) return 0;\nmemcpy(b, from, n);"),
    (None, READ, "if (n < 0 || n > 8) return 0;\nmemcpy(b, from, n);"),
    ("unchecked-index", READ, "if (n < 8) return a[n];"),
    (None, READ, "if (n >= 0 && n < 8) return a[n];"),
    ("unchecked-length", READ, "if (n > 8) memcpy(b, from, n);"),
    (None, READ, "if (n > 8) n = 8;\nif (n >= 0) memcpy(b, from, n);"),
    (None, READ, "unsigned k = 3;\nif (k < 8) return a[k];"),
    # what a read answers is no more than it was asked for
    (None, COIN, "char b[8];\nssize_t n = read(0, b, 7);\n"
     "if (n < 0) return;\nb[n] = 0;"),
    ("unchecked-index", COIN, "char b[8];\nssize_t n = read(0, b, 7);\n"
     "b[n] = 0;"),
    # division
    ("division-by-zero", READ, "return 10 / n;"),
    ("division-by-zero", READ, "return 10 % n;"),
    (None, READ, "return n != 0 ? 10 / n : 0;"),
    (None, READ, "if (!n) return 0;\nreturn 10 / n;"),
    # numbers that stand in the source
    ("integer-overflow", COIN, "short s = SHRT_MAX;\nshort t = s + 1;"),
    ("integer-overflow", COIN, "int i = INT_MIN;\n--i;"),
    (None, COIN, "short s = SHRT_MAX;\nif (s < SHRT_MAX) s++;"),
    (None, COIN, "unsigned short s = 65535;\ns++;"),
    # numbers that another function is given
    ("integer-overflow", "%s", "static int twice(int n)\n{\n"
     "int d = n * 2;\nreturn d;\n}\nint f(void)\n{\nint n = 0;\n"
     "scanf(\"%d\", &n);\nreturn twice(n);\n}"),
    (None, "%s", "static int twice(int n)\n{\nint d = n * 2;\nreturn d;\n}\n"
     "int f(void)\n{\nreturn twice(4);\n}"),
    # one of two ways
    ("format-string", ARGS, "char *t = \"x\";\nif (argc > 1) t = argv[1];\n"
     "printf(t);"),
    ("format-string", ARGS, "char *t = argv[1];\nif (argc > 2) {\n"
     "\tt = \"x\";\n}\nprintf(t);"),
    (None, ARGS, "char *t = argv[1];\nif (argc > 2) t = \"x\";\n"
     "else if (argc > 1) t = \"y\";\nelse return 1;\nprintf(t);"),
    ("buffer-overflow", COIN, "char s[8], l[16], *p;\nif (coin()) p = s;\n"
     "else p = l;\nstrcpy(p, \"twelve chars\");"),
    (None, COIN, "char s[8], l[16], *p = s;\nif (coin()) {\nreturn;\n}\n"
     "p = l;\nstrcpy(p, \"twelve chars\");"),
    # more room than there is, reads before the begin
    ("buffer-overflow", COIN, "char b[8];\nsnprintf(b, 16, \"%d\", 1);"),
    (None, COIN, "char b[8];\nsnprintf(b, sizeof(b), \"%d\", 1);"),
    ("out-of-bounds-read", COIN, "char a[8], b[8], *p = a - 4;\n"
     "strncpy(b, p, 4);"),
    # silence
    ("silenced-warnings", "%s",
     "_Pragma(\"GCC diagnostic ignored \\\"-Wanalyzer-double-free\\\"\")"),
    ("silenced-warnings", "%s", "#pragma GCC system_header\nint x;"),
    ("silenced-warnings", "%s", "# 1 \"x.h\" 3\nint x;"),
    (None, "%s", "#pragma GCC diagnostic warning \"-Wanalyzer-double-free\"\n"
     "int x;"),
    (None, "%s", "#pragma GCC diagnostic ignored \"-Wpedantic\"\nint x;"),
    (None, "%s", "#line 3 \"parse.y\"\nint x;"),
)


def main():
    failed = 0
    for rule, around, text in CASES:
        text = around.replace("%s", text).replace("%%", "%")
        found = {name[2:] for name in rules.findings_of("c", text)}
        if found != ({rule} if rule else set()):
            failed += 1
            print("c: wanted %s, but %s in:\n%s" % (
                rule or "nothing", sorted(found) or "nothing", text))
    print("c: %d small functions tried, %d errors" % (len(CASES), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
