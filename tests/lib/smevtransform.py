# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The SMEV 3 transform, urn://smev-gov-ru/xmldsig/transform, on Python's expat alone: a second opinion on the daemon's.

Octets in, octets out. Namespace declarations of the input are thrown away and made anew (ns1, ns2, ... over the whole fragment),
attributes are sorted, blank text is dropped, text is escaped as Woodstox's writer does it. Proved by tests/e2e/test_smev3_oracle.py
with vectors of the tree and, where they lie beside it, with those of real messages.
"""
import xml.parsers.expat

URI = "urn://smev-gov-ru/xmldsig/transform"
_XML = "http://www.w3.org/XML/1998/namespace"
_SHORT, _CHUNK = 11, 512  # UTF-16 code units: a text that long or shorter is written whole, a longer one in pieces of so many
_BLANK = "".join(map(chr, range(0x21)))


class TransformError(Exception):
    """The transform says nothing about such input: an element without a namespace, or an attribute of the xml namespace."""


def _utf16(text):
    return text.encode("utf-16-be", "surrogatepass")


def _attribute(text):
    for old, new in (("&", "&amp;"), ("<", "&lt;"), ('"', "&quot;"), ("\r", "&#xd;"), ("\n", "&#xa;"), ("\t", "&#x9;")):
        if old in text:
            text = text.replace(old, new)
    return text


def _piece(units, long):
    """One piece of a text that Woodstox writes at once; a '>' is escaped where it might end a CDATA section, or after an escape."""
    if ">" not in units:
        return units.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#xd;")
    out, before, escaped = [], "", True  # the first character of a piece stands after nothing
    for c in units:
        if c == ">" and (before == "]" or escaped and (long or not before)):
            out.append("&gt;")
            escaped = True
        elif c in "<&\r":
            out.append({"<": "&lt;", "&": "&amp;", "\r": "&#xd;"}[c])
            escaped = True
        else:
            out.append(c)
            escaped = False
        before = c
    return "".join(out)


def _text(text):
    if ">" not in text:
        return _piece(text, False)
    units = text
    if max(text) > "\uffff":  # positions count code units
        raw = _utf16(text)
        units = "".join(chr(raw[i] << 8 | raw[i + 1]) for i in range(0, len(raw), 2))
    if len(units) <= _SHORT:
        out = _piece(units, False)
    else:
        out = "".join(_piece(units[i:i + _CHUNK], True) for i in range(0, len(units), _CHUNK))
    return out if units is text else out.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


def transform(data, outer=None, canonical=True):
    """The transformed octets of an element given as bytes.

    outer: {prefix: URI} in scope around it ("" is the default one). canonical: data stands for its exclusive canonical form
    (comments and CDATA sections are gone in it and split no text); False: the transform of the bytes as they are.
    """
    out, text = [], []
    scopes, tags = [{}], []
    count = depth = 0
    wrapped = outer is not None
    if wrapped:
        around = "".join(' xmlns%s="%s"' % (":" + p if p else "", _attribute(u)) for p, u in outer.items() if p != "xml" and u)
        data = b"<w%s>%s</w>" % (around.encode("utf-8"), data)

    def flush():
        if text:
            whole = "".join(text)
            text.clear()
            if whole.strip(_BLANK):
                out.append(_text(whole))

    def prefix_of(uri, scope, declared):
        nonlocal count
        found = scope.get(uri)
        if found is None:
            count += 1
            found = scope[uri] = "ns%d" % count
            declared.append(' xmlns:%s="%s"' % (found, _attribute(uri)))
        return found

    def order(item):
        uri, _, local = item[0].rpartition("\n")
        return not uri, _utf16(uri), _utf16(local)

    def start(name, pairs):
        nonlocal depth
        depth += 1
        if wrapped and depth == 1:
            return
        flush()
        uri, _, local = name.rpartition("\n")
        if not uri:
            raise TransformError("element %s is in no namespace" % local)
        scope, declared, written = scopes[-1].copy(), [], []
        tag = "%s:%s" % (prefix_of(uri, scope, declared), local)
        attributes = list(zip(pairs[::2], pairs[1::2]))
        if len(attributes) > 1:
            attributes.sort(key=order)
        for key, value in attributes:
            uri, _, local = key.rpartition("\n")
            if uri == _XML:
                raise TransformError("attribute xml:%s" % local)
            written.append(' %s="%s"' % ("%s:%s" % (prefix_of(uri, scope, declared), local) if uri else local, _attribute(value)))
        out.append("<%s%s%s>" % (tag, "".join(declared), "".join(written)))
        scopes.append(scope)
        tags.append(tag)

    def end(_):
        nonlocal depth
        depth -= 1
        if wrapped and depth == 0:
            return
        flush()
        out.append("</%s>" % tags.pop())
        scopes.pop()

    def cdata_end():
        whole = "".join(text)
        text.clear()
        if whole.strip(_BLANK):
            out.append("<![CDATA[%s]]>" % whole)

    def doctype(*_):
        if wrapped or canonical:
            raise TransformError("DOCTYPE")

    parser = xml.parsers.expat.ParserCreate("UTF-8", namespace_separator="\n")
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text.append
    parser.ProcessingInstructionHandler = lambda *_: flush()
    parser.StartDoctypeDeclHandler = doctype
    if not canonical:
        parser.CommentHandler = lambda _: flush()
        parser.StartCdataSectionHandler, parser.EndCdataSectionHandler = flush, cdata_end
    try:
        parser.Parse(data, True)
    except xml.parsers.expat.ExpatError as e:
        raise TransformError("not well-formed: %s" % e) from None
    return "".join(out).encode("utf-8")
