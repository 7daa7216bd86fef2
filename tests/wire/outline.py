# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Outlines: trees of lines, told by indentation. Case files are outlines, and so are messages and expected answers.

A line of a message is "name: text" or "name" with its children below. Answers read back become the same form, so that
what is compared is what is read: names, order, nesting, text; not prefixes, not white space between elements.
"""
import re

EQ = "http://epgu.rtlabs.ru/equeue/ws/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


class CaseError(Exception):
    """A mistake in a case file, not in the daemon."""


class Node:
    def __init__(self, text, line=0, children=None):
        self.text, self.line, self.children = text, line, children if children is not None else []

    @property
    def word(self):
        return self.text.split(" ", 1)[0].rstrip(":")

    @property
    def rest(self):
        return self.text.split(" ", 1)[1].strip() if " " in self.text else ""

    @property
    def name(self):
        return self.text.partition(":")[0].strip()

    @property
    def value(self):
        """The text after the colon; None when the line has no colon. One blank after the colon is not part of it."""
        name, colon, value = self.text.partition(":")
        return (value[1:] if value.startswith(" ") else value) if colon else None

    def copy(self, change=lambda text: text):
        return Node(change(self.text), self.line, [c.copy(change) for c in self.children])

    def lines(self, depth=0):
        yield "  " * depth + self.text
        for child in self.children:
            yield from child.lines(depth + 1)


def read(text, where):
    """Text to top nodes. Comments (#) at any depth and empty lines are left out, except inside "|" lines."""
    top, stack = [], []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.lstrip(" ")
        if not stripped or stripped.startswith("#"):
            continue
        indent = len(line) - len(stripped)
        if indent % 2 or "\t" in line[:indent]:
            raise CaseError("%s:%d: indentation is two blanks a level" % (where, number))
        depth = indent // 2
        if depth > len(stack):
            raise CaseError("%s:%d: indented too far" % (where, number))
        node = Node(stripped, number)
        (stack[depth - 1].children if depth else top).append(node)
        del stack[depth:]
        stack.append(node)
    return top


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def to_xml(node, prefix):
    """An element in canonical form; the prefix is declared by whoever calls."""
    tag = prefix + ":" + node.name
    inner = "".join(to_xml(c, prefix) for c in node.children) if node.children else escape(node.value or "")
    return "<%s>%s</%s>" % (tag, inner, tag)


def from_element(element):
    """An lxml element to an outline. Field errors are told in the order of their names: the order of Appendix 2 has none."""
    name = element.tag.rpartition("}")[2]
    children = [from_element(c) for c in element if isinstance(c.tag, str)]
    if name == "fieldErrors":
        children.sort(key=lambda n: [c.text for c in n.children])
    if children:
        return Node(name, 0, children)
    text = element.text or ""
    if name == "faultcode":
        prefix, _, local = text.rpartition(":")
        text = {SOAP: "soap"}.get(element.nsmap.get(prefix or None), prefix) + ":" + local
    return Node("%s: %s" % (name, text) if text else name)


# ---- comparing -----------------------------------------------------------------------------------------------------

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
KINDS = {
    "uuid": UUID,
    "uuid1": r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d",             # T1: an offset, never Z
    "moscow": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+03:00",
    "kamchatka": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+12:00",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d",
    "russian": r"(?=[^\n]*[А-Яа-я])[^<>{}\n]{2,1000}",                  # M10: some words in Russian
    "number": r"0|[1-9]\d*",
    "some": r"[1-9]\d*",                                                  # a number above 0
    "text": r"[^\n]+",
}


def pattern(text, variables):
    """An expected text to a regular expression: {kind} varies, {NAME} is what was kept, everything else stands as it is."""
    out = ""
    for part in re.split(r"(\{[^{}]*\})", text):
        if not (part.startswith("{") and part.endswith("}")):
            out += re.escape(part)
        elif part[1:-1] in KINDS:
            out += "(?:%s)" % KINDS[part[1:-1]]
        else:
            out += re.escape(fill(part, variables))
    return re.compile(out, re.DOTALL)


def fill(text, variables):
    """{NAME} to what was kept under it; {300 x} to 300 times x."""
    def one(match):
        inner = match.group(1)
        count, blank, what = inner.partition(" ")
        if blank and count.isdigit():
            return what * int(count)
        if inner not in variables:
            raise CaseError("nothing is kept as {%s}" % inner)
        return variables[inner]
    return re.sub(r"\{([^{}]*)\}", one, text)


def _first_difference(expected, actual, variables, path):
    """Why actual is not what was expected, or None. A trailing + or * at a line: one or more, any number of the kind."""
    name = expected.name
    here = path + "/" + name
    if not expected.children:
        want = expected.value or ""
        if actual.children:
            return "%s holds elements, expected the text '%s'" % (here, want)
        if not pattern(want, variables).fullmatch(actual.value or ""):
            return "%s is '%s', expected '%s'" % (here, actual.value or "", want)
        return None
    rest = list(actual.children)
    for line in expected.children:
        mark = line.text[-1] if line.children and line.text[-1] in "+*" else ""
        wanted = Node(line.text[:-1].rstrip(), line.line, line.children) if mark else line
        count = 0
        while rest and rest[0].name == wanted.name and (mark or count == 0):
            wrong = _first_difference(wanted, rest.pop(0), variables, here)
            if wrong:
                return wrong
            count += 1
        if count == 0 and mark != "*":
            return "%s/%s is missing%s" % (here, wanted.name, ", there is %s" % rest[0].name if rest else "")
    if rest:
        return "%s/%s is there and was not expected" % (here, rest[0].name)
    return None


def difference(expected, actual, variables):
    if expected.name != actual.name:
        return "the answer is %s, expected %s" % (actual.name, expected.name)
    return _first_difference(expected, actual, variables, "")


def find(node, path):
    """The texts at slots/TimeSlot/slotId, below the node."""
    found = [node]
    for name in path.split("/"):
        found = [c for n in found for c in n.children if c.name == name]
    return [n.value or "" for n in found]
