# SPDX-License-Identifier: Apache-2.0
"""What is unpacked or restored: archives, YAML, models, XML.
PLAIN, CALLS and METHODS are rows for checks.py, which says what is in them.
"""
import ast
import re

from values import BIT, held, is_false, is_true, is_unknown


def extract_all(flow, node, path, base, args, keywords):
    # A zip file's own members are kept inside by zipfile itself.
    if not base.type.startswith(("tarfile.", "shutil.", "zipfile.")):
        return
    if base.type.startswith("zipfile."):
        risky = [s for s, b in held(base).items()
                 if s.kind in ("http", "net") and b & BIT["zip"]]
        if risky:
            flow.report.add("archive-bomb", node, "A small archive of "
                            f"somebody else ({risky[0].words}) can fill the "
                            "disk.", confidence="medium")
        return
    safe = keywords.get("filter")
    if safe is not None and (safe.const in ("data", "tar") or
                             safe.type == "tarfile.data_filter"):
        return
    if path.endswith(".extract"):
        if args and args[0].is_const:
            return
    elif "members" in keywords or len(args) > 1:
        return
    flow.report.add("zip-slip", node, "A name like ../../x in the archive "
                    "writes outside of the folder.", confidence="medium")


def unpack_archive(flow, node, path, args, keywords):
    if "filter" not in keywords and args and not args[0].is_const:
        flow.report.add("zip-slip", node, "A name like ../../x in the archive "
                        "writes outside of the folder.", confidence="low")


def yaml_load(flow, node, path, args, keywords):
    loader = keywords.get("Loader") or (args[1] if len(args) > 1 else None)
    if loader is not None and ("Safe" in loader.type or
                               "Base" in loader.type):
        return
    if args and not held(args[0]) and not is_unknown(args[0]):
        return
    kinds = {s.kind for s in held(args[0])} if args else set()
    flow.report.add("unsafe-deserialization", node, "Unsafe deserialisation: "
                    "yaml.load() makes any Python object that the text asks "
                    "for.", confidence="high" if kinds & {"http", "net",
                                                          "input", "param"}
                    else "medium")


def torch_load(flow, node, path, args, keywords):
    del path, args
    if not is_true(keywords.get("weights_only")):
        flow.report.add("unsafe-deserialization", node, "Unsafe "
                        "deserialisation: a model file can run code when it "
                        "is loaded.", "medium", "medium")


def from_pretrained(flow, node, path, base, args, keywords):
    if is_true(keywords.get("trust_remote_code")):
        flow.report.add("unsafe-deserialization", node, "Unsafe "
                        "deserialisation: trust_remote_code=True runs the "
                        "code of whoever made the model.", confidence="high")


def xml_bomb(flow, node, path, args, keywords):
    data = args[0] if args else None
    kinds = {s.kind for s in held(data)} if data is not None else set()
    if kinds & {"http", "net", "input"}:
        flow.report.add("xml-bomb", node, f"{path}() expands entities of "
                        "what somebody else sent: a few lines can fill the "
                        "memory.", confidence="medium")
    elif "param" in kinds:
        flow.report.add("xml-bomb", node, f"{path}() expands entities: a few "
                        "lines can fill the memory, if the text is of "
                        "somebody else.", confidence="low")


def xml_parser(flow, node, path, args, keywords):
    del path, args
    if is_true(keywords.get("resolve_entities")) or \
            is_false(keywords.get("no_network")) or \
            is_true(keywords.get("load_dtd")):
        flow.report.add("xxe", node, "XML external entities: the parser "
                        "reads files and addresses that the text names.",
                        confidence="high")


def set_feature(flow, node, path, base, args, keywords):
    if len(args) < 2 or not args[1].is_const or not args[1].const:
        return
    words = str(args[0].const) if args[0].is_const else args[0].type
    if not re.search("external-(general|parameter)-entities|external_[gp]es",
                     words):
        return
    owner = flow.path_of(node.func.value)
    function = flow.frame.function
    if owner and any(isinstance(n, ast.Call) and isinstance(
            n.func, ast.Attribute) and n.func.attr in ("parse", "parseString")
            for n in ast.walk(function.node if function else ast.Pass())):
        flow.state.vars[owner] = base.but(text="external")
    else:
        external(flow, node)


def external(flow, node):
    flow.report.add("xxe", node, "XML external entities: the parser reads "
                    "files and addresses that the text names.",
                    confidence="high")


def parse_xml(flow, node, path, base, args, keywords):
    """With a parser that follows external entities, what is not fixed."""
    parsers = [base] + args[1:] + list(keywords.values())
    if any(p.text == "external" for p in parsers) and args and \
            (held(args[0]) or is_unknown(args[0])):
        external(flow, node)


PLAIN = []
CALLS = {
    "shutil.unpack_archive": unpack_archive, "yaml.load": yaml_load,
    "yaml.load_all": yaml_load, "torch.load": torch_load,
    "lxml.etree.XMLParser": xml_parser,
    **dict.fromkeys((
        "xml.sax.parse xml.sax.parseString xml.dom.minidom.parse "
        "xml.dom.minidom.parseString xml.dom.pulldom.parse "
        "xml.dom.pulldom.parseString xml.etree.ElementTree.parse "
        "xml.etree.ElementTree.fromstring xml.etree.ElementTree.XML "
        "xml.etree.ElementTree.iterparse xml.etree.cElementTree.parse "
        "xml.etree.cElementTree.fromstring xml.etree.cElementTree.XML "
        "xml.etree.cElementTree.iterparse xml.dom.expatbuilder.parse "
        "xml.dom.expatbuilder.parseString").split(), xml_bomb),
}
METHODS = {
    "extractall": extract_all, "extract": extract_all, "parse": parse_xml,
    "parseString": parse_xml, "setFeature": set_feature,
    "from_pretrained": from_pretrained,
}
