# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""XML signatures the strict way, on Python's expat alone: a second opinion on what the daemon signs.

The exclusive canonical form is made here, in one pass over the events of the sub-tree's own bytes. (Python's
ElementTree.canonicalize() cannot serve: it forgets prefixes and picks another one when two name the same namespace.)
tests/e2e/test_oracle.py compares the result with xmllint --exc-c14n.
"""
import base64
import binascii
import re
import xml.parsers.expat

import gost

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
X509V3 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
URN = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
DIGEST_URI = {gost.GOST94: MORE + "gostr3411", gost.STREEBOG256: URN + "gostr34112012-256", gost.STREEBOG512: URN + "gostr34112012-512"}
SIGN_URI = {gost.KEY_2001: MORE + "gostr34102001-gostr3411", gost.KEY_256: URN + "gostr34102012-gostr34112012-256",
            gost.KEY_512: URN + "gostr34102012-gostr34112012-512"}


_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")


class SignatureError(Exception):
    pass


class Node:
    """An element: where it stands in the bytes, and what namespaces are in scope there."""

    __slots__ = ("ns", "local", "attrs", "children", "text", "start", "end", "scope", "outer", "source")

    def find_all(self, ns, local):
        return [c for c in self.children if c.local == local and (ns is None or c.ns == ns)]

    def find(self, ns, local):
        found = self.find_all(ns, local)
        return found[0] if found else None

    def one(self, ns, local):
        found = self.find_all(ns, local)
        if len(found) != 1:
            raise SignatureError("%d x %s in %s" % (len(found), local, self.local))
        return found[0]

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def bytes(self):
        return self.source[self.start:self.end]

    def canonical(self):
        return canonical(self.bytes(), self.outer)


def _escape(text, quote=False):
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#xD;")
    if quote:
        return text.replace('"', "&quot;").replace("\t", "&#x9;").replace("\n", "&#xA;")
    return text.replace(">", "&gt;")


def canonical(data, outer=None):
    """Exclusive canonical form, without comments, of an element given as bytes; outer: the namespaces in scope around it."""
    out, scopes, written = [], [dict(outer or {})], [{}]
    parser = xml.parsers.expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.ordered_attributes = True

    def start(name, pairs):
        scope, ours = dict(scopes[-1]), dict(written[-1])
        attrs = []
        for key, value in zip(pairs[::2], pairs[1::2]):
            if key == "xmlns":
                scope[""] = value
            elif key.startswith("xmlns:"):
                scope[key[6:]] = value
            else:
                attrs.append((key, value))
        # Visibly used: the prefix of the element, and of each attribute that has one.
        used = {name.rpartition(":")[0]} | {k.rpartition(":")[0] for k, _ in attrs if ":" in k}
        used.discard("xml")
        out.append("<" + name)
        for prefix in sorted(used):
            uri = scope.get(prefix, "")
            if ours.get(prefix, "") != uri:
                out.append(' %s="%s"' % ("xmlns:" + prefix if prefix else "xmlns", _escape(uri, True)))
                ours[prefix] = uri
        def order(item):
            prefix, _, local = item[0].rpartition(":")
            return ("http://www.w3.org/XML/1998/namespace" if prefix == "xml" else scope[prefix]) if prefix else "", local
        for key, value in sorted(attrs, key=order):
            out.append(' %s="%s"' % (key, _escape(value, True)))
        out.append(">")
        scopes.append(scope)
        written.append(ours)

    def end(name):
        out.append("</%s>" % name)
        scopes.pop()
        written.pop()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda text: out.append(_escape(text))
    parser.ProcessingInstructionHandler = lambda target, rest: out.append("<?%s%s?>" % (target, " " + rest if rest else ""))
    parser.Parse(data, True)
    return "".join(out).encode("utf-8")


def parse(data):
    """bytes to the root Node. DOCTYPE is refused."""
    data = bytes(data)
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    parser = xml.parsers.expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    root, stack = [], []

    def start(name, attrs):
        node = Node()
        node.outer = stack[-1].scope if stack else {"xml": "http://www.w3.org/XML/1998/namespace"}
        scope = dict(node.outer)
        scope.update({k[6:] if k != "xmlns" else "": v for k, v in attrs.items() if k == "xmlns" or k.startswith("xmlns:")})
        prefix, _, local = name.rpartition(":")
        node.scope, node.local, node.ns = scope, local, scope.get(prefix) or None
        if prefix and not node.ns:
            raise SignatureError("prefix %s is not declared" % prefix)
        node.attrs = {}
        for key, value in attrs.items():
            if key == "xmlns" or key.startswith("xmlns:"):
                continue
            p, _, n = key.rpartition(":")
            node.attrs[(scope[p] if p else None, n)] = value
        node.children, node.text, node.source = [], "", data
        node.start, node.end = parser.CurrentByteIndex, None
        (stack[-1].children if stack else root).append(node)
        stack.append(node)

    def end(_):
        node = stack.pop()
        at = tag_end(node)
        # Where expat is at the end of an empty-element tag is nowhere promised; the tag itself tells.
        node.end = (at if data[at - 1:at] == b"/" else data.index(b">", parser.CurrentByteIndex)) + 1

    def tag_end(node):
        """Position of the '>' that closes the start tag: quotes may hold a '>'."""
        return _TAG.match(data, node.start).end() - 1

    def text(chunk):
        if stack:
            stack[-1].text += chunk

    def doctype(*_):
        raise SignatureError("DOCTYPE")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except xml.parsers.expat.ExpatError as e:
        raise SignatureError("not well-formed: %s" % e) from None
    return root[0]


def _only(node, ns, *names):
    """The children are exactly these, in this order, and there is no text between them."""
    if [(c.ns, c.local) for c in node.children] != [(ns, n) for n in names] or node.text.strip():
        raise SignatureError("%s holds %s" % (node.local, [c.local for c in node.children]))
    return node.children


def _binary(node):
    if node.children:
        raise SignatureError("%s has children" % node.local)
    try:
        return base64.b64decode("".join(node.text.split()), validate=True)
    except binascii.Error:
        raise SignatureError("%s is not base64" % node.local) from None


def unique_ids(root):
    ids = {}
    for node in root.walk():
        for (ns, name), value in node.attrs.items():
            if (ns, name) in ((WSU, "Id"), (None, "Id"), (None, "ID"), (None, "id")) or (ns or "").endswith("XML/1998/namespace") and name == "id":
                if value in ids:
                    raise SignatureError("Id %s occurs twice" % value)
                ids[value] = node
    return ids


def verify_security(root, security, authority, allow_2001=False):
    """Checks the one signature of a wsse:Security header. Returns (certificate, {element: Node}) of what it covers."""
    ids = unique_ids(root)
    signature = security.one(DSIG, "Signature")
    info, value, key_info = _only(signature, DSIG, "SignedInfo", "SignatureValue", "KeyInfo")
    reference = key_info.one(WSSE, "SecurityTokenReference").one(WSSE, "Reference").attrs.get((None, "URI"), "")
    token = ids.get(reference[1:])
    if not reference.startswith("#") or token is None or (token.ns, token.local) != (WSSE, "BinarySecurityToken") or token not in security.children:
        raise SignatureError("no security token in the header")
    if token.attrs.get((None, "ValueType")) != X509V3 or token.attrs.get((None, "EncodingType")) != BASE64:
        raise SignatureError("security token is not an X.509 certificate")
    try:
        cert = gost.Certificate(_binary(token))
        if authority is not None:
            cert.check_issued_by(authority)
    except gost.GostError as e:
        raise SignatureError(str(e)) from None
    if cert.kind == gost.KEY_2001 and not allow_2001:
        raise SignatureError("GOST R 34.10-2001")
    method, sign, *references = info.children
    if (method.local, method.attrs.get((None, "Algorithm"))) != ("CanonicalizationMethod", EXC_C14N):
        raise SignatureError("canonicalization is not exclusive C14N")
    if (sign.local, sign.attrs.get((None, "Algorithm"))) != ("SignatureMethod", SIGN_URI[cert.kind]):
        raise SignatureError("signature algorithm does not belong to the key")
    covered = []
    for ref in references:
        transforms, digest_method, digest_value = _only(ref, DSIG, "Transforms", "DigestMethod", "DigestValue")
        (transform,) = _only(transforms, DSIG, "Transform")
        if transform.attrs.get((None, "Algorithm")) != EXC_C14N or transform.children:
            raise SignatureError("another transform than exclusive C14N")
        if digest_method.attrs.get((None, "Algorithm")) != DIGEST_URI[cert.digest]:
            raise SignatureError("digest algorithm does not belong to the key")
        uri = ref.attrs.get((None, "URI"), "")
        target = ids.get(uri[1:]) if uri.startswith("#") else None
        if target is None:
            raise SignatureError("reference to nothing")
        if gost.digest(cert.digest, target.canonical()) != _binary(digest_value):
            raise SignatureError("digest of %s differs" % target.local)
        covered.append(target)
    if not covered:
        raise SignatureError("nothing is signed")
    if not cert.verify(info.canonical(), _binary(value)):
        raise SignatureError("signature value is wrong")
    return cert, covered


def security_header(key, cert, actor, references, token_id):
    """A wsse:Security element signed over references: [(id, canonical octets)]. Already in canonical form."""
    refs = "".join(
        '<ds:Reference URI="#%s"><ds:Transforms><ds:Transform Algorithm="%s"></ds:Transform></ds:Transforms>'
        '<ds:DigestMethod Algorithm="%s"></ds:DigestMethod><ds:DigestValue>%s</ds:DigestValue></ds:Reference>'
        % (i, EXC_C14N, DIGEST_URI[key.digest], base64.b64encode(gost.digest(key.digest, octets)).decode())
        for i, octets in references)
    body = ('<ds:CanonicalizationMethod Algorithm="%s"></ds:CanonicalizationMethod>'
            '<ds:SignatureMethod Algorithm="%s"></ds:SignatureMethod>%s' % (EXC_C14N, SIGN_URI[key.kind], refs))
    info = '<ds:SignedInfo xmlns:ds="%s">%s</ds:SignedInfo>' % (DSIG, body)
    value = base64.b64encode(key.sign(info.encode())).decode()
    return ('<wsse:Security xmlns:wsse="%s" xmlns:wsu="%s" soap:actor="%s"><wsse:BinarySecurityToken EncodingType="%s" ValueType="%s" '
            'wsu:Id="%s">%s</wsse:BinarySecurityToken><ds:Signature xmlns:ds="%s"><ds:SignedInfo>%s</ds:SignedInfo>'
            '<ds:SignatureValue>%s</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#%s" ValueType="%s">'
            '</wsse:Reference></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security>'
            % (WSSE, WSU, actor, BASE64, X509V3, token_id, base64.b64encode(cert.der).decode(), DSIG, body, value, token_id, X509V3))
