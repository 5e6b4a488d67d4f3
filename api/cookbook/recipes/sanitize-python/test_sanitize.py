import unittest

from sanitize import (InvalidInput, email_address, file_name, html_text,
                      identifier, log_line, plain_text, whole_number)


class PlainText(unittest.TestCase):
    def test_what_people_type_stays(self):
        for text in ("Hello, world!", "\u65e5\u672c\u8a9e", "caf\u00e9",
                     "a\n\tb", "\U0001f600", "<b>5 > 4 & 3</b>", ""):
            self.assertEqual(plain_text(text), text)

    def test_control_characters_go(self):
        self.assertEqual(plain_text("a\x00b\x1b[31mc\x7f\x85d"), "ab[31mcd")

    def test_line_ends(self):
        self.assertEqual(plain_text("a\r\nb\rc"), "a\nb\nc")
        self.assertEqual(plain_text("a\r\nb\tc", may_have_lines=False),
                         "a b c")

    def test_what_is_not_seen_goes(self):
        self.assertEqual(plain_text("user\u202etxt.exe"), "usertxt.exe")
        self.assertEqual(plain_text("\ufeffa\u200bb\u2066c\u2069"), "abc")

    def test_one_form(self):
        self.assertEqual(plain_text("cafe\u0301"), "caf\u00e9")

    def test_surrogates_and_private_ones_go(self):
        self.assertEqual(plain_text("a\ud800b\ue000c"), "abc")

    def test_length_counts_what_is_left(self):
        self.assertEqual(plain_text("  abc \x00", length_max=3), "abc")
        with self.assertRaises(InvalidInput):
            plain_text("abcd", length_max=3)

    def test_only_texts(self):
        for value in (None, 5, b"x", ["x"]):
            with self.assertRaises(InvalidInput):
                plain_text(value)


class Html(unittest.TestCase):
    def test_nothing_is_markup(self):
        text = html_text("<script>alert('x')</script> & \"y\"")
        self.assertEqual(text, "&lt;script&gt;alert(&#x27;x&#x27;)"
                         "&lt;/script&gt; &amp; &quot;y&quot;")
        for sign in "<>\"'":
            self.assertNotIn(sign, text)

    def test_not_twice_decoded(self):
        self.assertEqual(html_text("&lt;"), "&amp;lt;")

    def test_signs_hidden_by_nul(self):
        self.assertEqual(html_text("<scr\x00ipt>"), "&lt;script&gt;")


class FileName(unittest.TestCase):
    def test_plain(self):
        for name in ("report.pdf", "a b (1).txt", "\u00fcber.txt", "x"):
            self.assertEqual(file_name(name), name)

    def test_paths(self):
        for value in ("../../etc/passwd", "/etc/passwd", "..\\..\\passwd",
                      "C:\\windows\\passwd", "a/../passwd"):
            self.assertEqual(file_name(value), "passwd")

    def test_nothing_left(self):
        for value in ("", ".", "..", "...", "a/", "a/..", " . ", "\\"):
            with self.subTest(value=value):
                with self.assertRaises(InvalidInput):
                    file_name(value)

    def test_signs(self):
        self.assertEqual(file_name('a<b>:"|?*\n.txt'), "a_b_______.txt")

    def test_hidden_options_and_devices(self):
        self.assertEqual(file_name(".bashrc"), "bashrc")
        self.assertEqual(file_name("-rf"), "_rf")
        for name in ("CON", "nul.txt", "Com1.tar.gz", "aux .x"):
            self.assertTrue(file_name(name).startswith("_"), name)
        self.assertEqual(file_name("console.txt"), "console.txt")

    def test_direction(self):
        self.assertEqual(file_name("invoice\u202efdp.exe"),
                         "invoicefdp.exe")

    def test_nul_and_length(self):
        for value in ("a\x00.txt", "a" * 101, "\u65e5" * 34):
            with self.assertRaises(InvalidInput):
                file_name(value)
        self.assertEqual(len(file_name("a" * 100)), 100)


class Identifier(unittest.TestCase):
    def test_good_and_bad(self):
        for text in ("a", "user_name", "X9"):
            self.assertEqual(identifier(text), text)
        for text in ("", "9a", "_a", "a-b", "a b", "a\n", "\u00e4", "a;--",
                     "a" * 65, None):
            with self.subTest(text=text):
                with self.assertRaises(InvalidInput):
                    identifier(text)


class WholeNumber(unittest.TestCase):
    def test_good(self):
        for value, number in (("0", 0), ("-5", -5), ("0012", 12), (7, 7)):
            self.assertEqual(whole_number(value, -10, 100), number)

    def test_bad(self):
        for value in ("", " 1", "1 ", "1\n", "+1", "1_0", "1.0", "0x1", "1e2",
                      "\u0661", "\uff11", "9" * 19, 1.0, True, None, b"1"):
            with self.subTest(value=value):
                with self.assertRaises(InvalidInput):
                    whole_number(value, -10, 10 ** 30)

    def test_bounds(self):
        self.assertEqual(whole_number("10", 1, 10), 10)
        for value in ("0", "11", -1):
            with self.assertRaises(InvalidInput):
                whole_number(value, 1, 10)


class Email(unittest.TestCase):
    def test_good(self):
        for given, kept in (("a@example.org", "a@example.org"),
                            (" A.b+c@EXAMPLE.Org ", "A.b+c@example.org"),
                            ("o'neil@a-b.example", "o'neil@a-b.example")):
            self.assertEqual(email_address(given), kept)

    def test_bad(self):
        for value in ("", "a", "@example.org", "a@", "a@b", "a@@b.org",
                      ".a@b.org", "a.@b.org", "a..b@c.org", "a b@c.org",
                      "a@-b.org", "a@b-.org", "a@b..org", "a@1.2.3.4",
                      "a@b.org\nBcc: x@y.org", "<a@b.org>", "a@[127.0.0.1]",
                      '"a"@b.org', "a" * 65 + "@b.org",
                      "a@" + "b" * 64 + ".org", "\u00e4@b.org", None):
            with self.subTest(value=value):
                with self.assertRaises(InvalidInput):
                    email_address(value)


class LogLine(unittest.TestCase):
    def test_one_line_of_ascii(self):
        self.assertEqual(log_line("a\nb\r\x1b[0m\u00e9\u2028"),
                         "a\\nb\\r\\x1b[0m\\xe9\\u2028")

    def test_escapes_cannot_be_forged(self):
        self.assertNotEqual(log_line("a\\nb"), log_line("a\nb"))

    def test_length_and_kinds(self):
        self.assertEqual(len(log_line("x" * 9999)), 500)
        self.assertEqual(log_line(None), "None")


if __name__ == "__main__":
    unittest.main()
