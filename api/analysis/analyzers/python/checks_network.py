# SPDX-License-Identifier: Apache-2.0
"""TLS, ssh and the like, listening, and waiting for somebody else.
PLAIN, CALLS and METHODS are rows for checks.py, which says what is in them.
"""
import ast
import re

from values import is_false, is_none

VERIFYING = re.compile(r"^(requests|httpx)\.((Session|session|Client|"
                       r"AsyncClient)\.?)?(get|post|put|patch|delete|head|"
                       r"options|request|stream|Client|AsyncClient)?$")
SPENDING = re.compile(r"^(requests)\.(get|post|put|patch|delete|head|options|"
                      r"request)$")
OLD_TLS = {"ssl.PROTOCOL_SSLv2", "ssl.PROTOCOL_SSLv3", "ssl.PROTOCOL_SSLv23_",
           "ssl.PROTOCOL_TLSv1", "ssl.PROTOCOL_TLSv1_1",
           "ssl.TLSVersion.SSLv3", "ssl.TLSVersion.TLSv1",
           "ssl.TLSVersion.TLSv1_1", "OpenSSL.SSL.SSLv2_METHOD",
           "OpenSSL.SSL.SSLv3_METHOD", "OpenSSL.SSL.SSLv23_METHOD",
           "OpenSSL.SSL.TLSv1_METHOD", "OpenSSL.SSL.TLSv1_1_METHOD"}
BLOCKING = {"time.sleep", "requests.get", "requests.post", "requests.put",
            "requests.delete", "requests.request", "urllib.request.urlopen",
            "subprocess.run", "subprocess.call", "subprocess.check_output",
            "os.system", "socket.create_connection"}


def old_tls(flow, node, path, args, keywords):
    values = args + list(keywords.values())
    for value in values:
        if value.type in OLD_TLS:
            flow.report.add("old-tls", node, f"{value.type} allows versions "
                            "of TLS that can be broken.", confidence="high")
            return
    if path == "ssl.wrap_socket" and "ssl_version" not in keywords:
        flow.report.add("old-tls", node, "wrap_socket() checks no name of "
                        "host and allows old versions.", confidence="medium")
    if path == "ssl.wrap_socket" and not any(
            v.type == "ssl.CERT_REQUIRED" for v in values):
        flow.report.add("tls-verification-off", node, "No certificate is "
                        "asked for.", confidence="medium")


def no_verify(flow, node, path, args, keywords):
    for key in ("ssl", "verify_ssl", "verify", "verify_certs", "check_hostname"):
        if is_false(keywords.get(key)):
            flow.report.add("tls-verification-off", node, f"{key}=False takes "
                            "any certificate.", confidence="high")
    if keywords.get("cert_reqs") is not None and (
            keywords["cert_reqs"].type.endswith("CERT_NONE") or
            keywords["cert_reqs"].const == "CERT_NONE"):
        flow.report.add("tls-verification-off", node, "CERT_NONE takes any "
                        "certificate.", confidence="high")


def context_off(flow, target, value, node):
    if target.attr == "check_hostname" and is_false(value) or \
            target.attr == "verify" and is_false(value) and \
            flow.imports_any("requests", "httpx") or \
            target.attr == "verify_mode" and \
            value.type.endswith("CERT_NONE") or \
            target.attr == "_create_default_https_context" and \
            "unverified" in value.type:
        flow.report.add("tls-verification-off", node, f"{target.attr} is set "
                        "so that any certificate is taken.",
                        confidence="high")
    if target.attr in ("minimum_version", "maximum_version") and \
            value.type in OLD_TLS:
        flow.report.add("old-tls", node, f"{value.type} allows versions of "
                        "TLS that can be broken.", confidence="high")


def client(flow, node, path, keywords):
    """A call of requests or httpx, by whatever name."""
    if not VERIFYING.match(path):
        return
    if is_false(keywords.get("verify")):
        flow.report.add(
            "tls-verification-off", node, "verify=False takes any "
            "certificate: whoever is on the way can read and change "
            "everything.", confidence="high")
    if SPENDING.match(path) and "timeout" not in keywords and \
            "**" not in keywords or is_none(keywords.get("timeout")):
        flow.report.add(
            "missing-timeout", node, "Without a timeout it waits for as "
            "long as the other end likes.", confidence="medium")


def blocking(flow, node, path):
    function = flow.frame.function
    if path in BLOCKING and function is not None and isinstance(
            function.node, ast.AsyncFunctionDef):
        flow.report.add("blocking-in-async", node, f"{path}() stops the event "
                        "loop: nothing else runs until it is done.")


def bind(flow, node, path, base, args, keywords):
    host = None
    if path.startswith("socket.") and args:
        host = args[0].items[0] if isinstance(args[0].items, list) and \
            args[0].items else None
        if host is not None and host.const == "":
            host = None if not host.is_const else host
    all_of_them(flow, node, host)


def all_of_them(flow, node, host):
    if host is not None and host.is_const and host.const in ("0.0.0.0", "::",
                                                             ""):
        flow.report.add("bind-all-interfaces", node, "It listens on every "
                        "network of the machine.", confidence="medium")


def snmp(flow, node, path, args, keywords):
    value = keywords.get("mpModel") or (args[1] if len(args) > 1 else None)
    if path.endswith("CommunityData") and value is not None and \
            value.const in (0, 1):
        flow.report.add("clear-text-protocol", node, "SNMP before version 3 "
                        "sends everything without encryption.", "medium",
                        "high")
    if path.endswith("UsmUserData") and len(args) < 3:
        flow.report.add("clear-text-protocol", node, "SNMP without a key for "
                        "privacy is not encrypted.", "medium", "high")


PLAIN = [
    ("tls-verification-off", "ssl._create_unverified_context",
     "The context takes any certificate: whoever is on the way can read and "
     "change everything."),
    ("clear-text-protocol", "telnetlib.Telnet ftplib.FTP",
     "Names, passwords and data are sent without encryption.", "medium"),
    ("insecure-service", "xmlrpc.server.SimpleXMLRPCServer.register_"
     "introspection_functions logging.config.listen "
     "twisted.web.twcgi.CGIDirectory twisted.web.twcgi.CGIScript "
     "wsgiref.handlers.CGIHandler",
     "Whoever reaches it can make it run what they send.", "medium",
     "medium"),
    ("host-key-unchecked", "paramiko.AutoAddPolicy paramiko.WarningPolicy "
     "paramiko.client.AutoAddPolicy paramiko.client.WarningPolicy",
     "An unknown host's key is accepted: whoever is on the way can pose as "
     "it."),
]
CALLS = {
    "ssl.wrap_socket": old_tls, "ssl.SSLContext": old_tls,
    "OpenSSL.SSL.Context": old_tls,
    "aiohttp.TCPConnector": no_verify, "urllib3.PoolManager": no_verify,
    "urllib3.HTTPSConnectionPool": no_verify,
    "aiohttp.ClientSession.get": no_verify,
    "aiohttp.ClientSession.post": no_verify, "ldap3.Tls": no_verify,
    "pymongo.MongoClient": no_verify,
    "elasticsearch.Elasticsearch": no_verify, "redis.Redis": no_verify,
    "websocket.create_connection": no_verify,
    "pysnmp.hlapi.CommunityData": snmp, "pysnmp.hlapi.UsmUserData": snmp,
    "pysnmp.entity.rfc3413.oneliner.cmdgen.CommunityData": snmp,
}
METHODS = {"bind": bind}
