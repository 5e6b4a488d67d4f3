import ipaddress
import unittest

from safe_url import UnsafeUrl, check_url, is_public

PUBLIC = "93.184.216.34"


def resolver(*addresses):
    return lambda host, port: list(addresses)


def no_resolver(host, port):
    raise AssertionError(f"{host} must not be resolved")


class Base(unittest.TestCase):
    def refused(self, url, reason="", resolve=None):
        with self.subTest(url=url):
            with self.assertRaisesRegex(UnsafeUrl, reason):
                check_url(url, resolve=resolve or resolver(PUBLIC))


class Good(Base):
    def test_all_parts(self):
        target = check_url("https://Api.Example.org:8443/a/b?x=1&y=2",
                           resolve=resolver(PUBLIC))
        self.assertEqual((target.scheme, target.host, target.port,
                          target.path),
                         ("https", "api.example.org", 8443, "/a/b?x=1&y=2"))
        self.assertEqual(target.addresses, (ipaddress.ip_address(PUBLIC),))

    def test_default_ports_and_path(self):
        for url, port in (("http://example.org", 80),
                          ("https://example.org/", 443)):
            target = check_url(url, resolve=resolver(PUBLIC))
            self.assertEqual((target.port, target.path), (port, "/"))

    def test_literal_addresses(self):
        for url in (f"http://{PUBLIC}/", "http://[2606:4700::1111]/"):
            check_url(url, resolve=no_resolver)

    def test_several_addresses_each_once(self):
        target = check_url("http://example.org/", resolve=resolver(
            PUBLIC, "2606:4700::1111", PUBLIC))
        self.assertEqual(len(target.addresses), 2)

    def test_ports_of_ones_own(self):
        check_url("http://example.org:9000/", ports={9000},
                  resolve=resolver(PUBLIC))


class Shape(Base):
    def test_schemes(self):
        for url in ("ftp://example.org/", "file:///etc/passwd", "gopher://x/",
                    "javascript:alert(1)", "//example.org/", "example.org",
                    "data:text/plain,x", "dict://example.org:80/"):
            self.refused(url, "scheme")

    def test_credentials(self):
        for url in ("http://a@example.org/", "http://a:b@example.org/",
                    "http://example.org@evil.org/", "http://@example.org/"):
            self.refused(url, "user")

    def test_characters(self):
        for url in ("http://example.org/ x", "http://exa\tmple.org/",
                    "http://example.org/\r\nHost: x", "http://example.org\\@x",
                    "http://ex\u00e4mple.org/", "http://example.org/\x00",
                    "http://\uff11\uff12\uff17.0.0.1/"):
            self.refused(url, "character")

    def test_not_a_text(self):
        for url in (None, 5, b"http://example.org/", "",
                    "http://example.org/" + "a" * 2048):
            self.refused(url, "not a text")

    def test_hosts(self):
        for url in ("http:///x", "http://:80/", "https://?x"):
            self.refused(url, "no host")
        for url in ("http://localhost/", "http://intranet/"):
            self.refused(url, "domain")
        for url in ("http://-a.org/", "http://a-.org/", "http://a..org/",
                    "http://a_b.org/", "http://example.org./",
                    "http://%65xample.org/", "http://" + "a." * 127 + "org/",
                    "http://" + "a" * 64 + ".org/"):
            self.refused(url, "plain name")

    def test_cannot_be_parsed(self):
        for url in ("http://[::1/", "http://example.org:x/",
                    "http://example.org:99999/", "http://[zz]/"):
            self.refused(url)

    def test_ports(self):
        for port in (22, 25, 6379, 0, 65535):
            self.refused(f"http://example.org:{port}/", "port")

    def test_fragments(self):
        self.refused("http://example.org/#x", "fragment")
        self.refused("http://example.org/#", "fragment")


class Addresses(Base):
    INSIDE = (
        "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1",
        "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    )
    INSIDE6 = (
        "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1",
        "fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::1",
    )

    def test_literals(self):
        for address in self.INSIDE:
            self.refused(f"http://{address}/", "not public", no_resolver)
        for address in self.INSIDE6:
            self.refused(f"http://[{address}]/", "not public", no_resolver)

    def test_names_that_lead_inside(self):
        for address in self.INSIDE + self.INSIDE6:
            self.refused("http://example.org/", "not public",
                         resolver(address))

    def test_one_of_several_is_enough_to_refuse(self):
        self.refused("http://example.org/", "not public",
                     resolver(PUBLIC, "10.0.0.1"))
        self.refused("http://example.org/", "not public",
                     resolver(PUBLIC, "::1"))

    def test_odd_spellings(self):
        for host in ("127.1", "127.0.1", "0x7f.0.0.1", "0x7f.1", "127.0.0.0x1",
                     "0177.0.0.1", "127.0.0.01", "1.2.3.4.5"):
            self.refused(f"http://{host}/", "odd spelling|plain", no_resolver)
        for host in ("2130706433", "0x7f000001", "017700000001"):
            self.refused(f"http://{host}/", "domain", no_resolver)

    def test_scopes(self):
        self.refused("http://[fe80::1%25eth0]/")
        self.refused("http://example.org/", "not public",
                     resolver("fe80::1%eth0"))

    def test_resolving_fails(self):
        def broken(host, port):
            raise OSError("no such host")

        self.refused("http://example.org/", "resolve", broken)
        self.refused("http://example.org/", "resolve", resolver("junk"))
        self.refused("http://example.org/", "no address", resolver())
        self.refused("http://example.org/", "too many", resolver(
            *(f"93.184.216.{n}" for n in range(33))))

    def test_public_ones(self):
        for text in (PUBLIC, "8.8.8.8", "2606:4700::1111",
                     "64:ff9b::808:808", "::ffff:8.8.8.8"):
            with self.subTest(text=text):
                self.assertTrue(is_public(ipaddress.ip_address(text)))


if __name__ == "__main__":
    unittest.main()
