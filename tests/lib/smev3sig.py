# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Signatures of SMEV 3 as tests make and check them: ЭП-ОВ, ЭП-СП, ЭП-СМЭВ. Shares nothing with the daemon.

An element is signed by its Id (unqualified) through exclusive C14N and then the SMEV transform; the signature stands in a place of
its own. A reference is resolved from that place: the caller of verify() says which element must be the signed one.
"""
import base64
import binascii

import gost
import smevtransform
import xmlsig
from xmlsig import DSIG, EXC_C14N, MORE, URN, SignatureError

ENVELOPED = DSIG + "enveloped-signature"
TRANSFORMS = (EXC_C14N, smevtransform.URI)
WITH_ENVELOPED = (ENVELOPED,) + TRANSFORMS  # real peers sign so; SMEV took it

# What may be met; what is written is xmlsig.DIGEST_URI and xmlsig.SIGN_URI.
DIGEST_URIS = {
    gost.GOST94: {MORE + "gostr3411", URN + "gostr3411"},
    gost.STREEBOG256: {URN + "gostr34112012-256", MORE + "gostr34112012-256"},
    gost.STREEBOG512: {URN + "gostr34112012-512", MORE + "gostr34112012-512"},
}
SIGN_URIS = {
    gost.KEY_2001: {MORE + "gostr34102001-gostr3411", URN + "gostr34102001-gostr3411"},
    gost.KEY_256: {URN + "gostr34102012-gostr34112012-256", MORE + "gostr34102012-gostr34112012-256"},
    gost.KEY_512: {URN + "gostr34102012-gostr34112012-512", MORE + "gostr34102012-gostr34112012-512"},
}


def octets(node):
    """What is hashed of an element."""
    try:
        return smevtransform.transform(node.bytes(), node.outer)
    except smevtransform.TransformError as e:
        raise SignatureError(str(e)) from None


def signed_info(kind, references):
    """Content of ds:SignedInfo; references: [(Id, octets, transforms)]."""
    digest = gost.KEY_DIGEST[kind]
    refs = "".join(
        '<ds:Reference URI="#%s"><ds:Transforms>%s</ds:Transforms><ds:DigestMethod Algorithm="%s"></ds:DigestMethod>'
        '<ds:DigestValue>%s</ds:DigestValue></ds:Reference>'
        % (i, "".join('<ds:Transform Algorithm="%s"></ds:Transform>' % t for t in transforms), xmlsig.DIGEST_URI[digest],
           base64.b64encode(gost.digest(digest, data)).decode())
        for i, data, transforms in references)
    return ('<ds:CanonicalizationMethod Algorithm="%s"></ds:CanonicalizationMethod>'
            '<ds:SignatureMethod Algorithm="%s"></ds:SignatureMethod>%s' % (EXC_C14N, xmlsig.SIGN_URI[kind], refs))


def signature(key, cert, element_id, data, transforms=TRANSFORMS, edit=None):
    """A ds:Signature as text, in canonical form. data: what octets() gives of the element with that Id.

    edit: function of the content of ds:SignedInfo, before it is signed: for signatures that are good and yet wrong.
    """
    inner = signed_info(key.kind, [(element_id, data, transforms)])
    if edit is not None:
        inner = edit(inner)
    value = key.sign(('<ds:SignedInfo xmlns:ds="%s">%s</ds:SignedInfo>' % (DSIG, inner)).encode())
    return ('<ds:Signature xmlns:ds="%s"><ds:SignedInfo>%s</ds:SignedInfo><ds:SignatureValue>%s</ds:SignatureValue><ds:KeyInfo><ds:X509Data>'
            '<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>'
            % (DSIG, inner, base64.b64encode(value).decode(), base64.b64encode(cert.der).decode()))


def sign_text(key, cert, element, element_id, outer=None, **more):
    """The signature of an element given as text; outer: namespaces in scope where it will stand."""
    data = element.encode() if isinstance(element, str) else element
    return signature(key, cert, element_id, smevtransform.transform(data, outer), **more)


class Verified:
    """What a good signature says: who signed, and the octets that were hashed."""

    def __init__(self, cert, data, transforms):
        self.cert, self.octets, self.transforms = cert, data, transforms


def _children(node, *names, loose=False):
    if [(c.ns, c.local) for c in node.children] != [(DSIG, n) for n in names]:
        raise SignatureError("%s holds %s" % (node.local, [c.local for c in node.children]))
    # Between the elements of a signature stands nothing, not even a line break.
    if node.text and not (loose and not node.text.strip()):
        raise SignatureError("text between the elements of %s" % node.local)
    return node.children


def _algorithm(node):
    return node.attrs.get((None, "Algorithm"), "")


def _binary(node, loose=False):
    text = "".join(node.text.split()) if loose else node.text
    if node.children:
        raise SignatureError("%s has children" % node.local)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError("%s is not base64" % node.local) from None


def certificate_of(holder, loose=False):
    """The certificate that the one signature in `holder` carries."""
    found = holder.one(DSIG, "Signature").one(DSIG, "KeyInfo").one(DSIG, "X509Data").one(DSIG, "X509Certificate")
    try:
        return gost.Certificate(_binary(found, loose))
    except gost.GostError as e:
        raise SignatureError("certificate: %s" % e) from None


def verify(signed, holder, authority=None, certificates=None, transforms=(TRANSFORMS,), loose=False, now=None, certificate=None):
    """Checks that the one ds:Signature in `holder` signs exactly the element `signed`; raises SignatureError, returns Verified.

    authority: must have issued the certificate; certificates: an iterable of gost.Certificate, one of which must be it. transforms: the
    lists that are taken. loose: line breaks inside base64 and blanks between elements are no matter (they are signed all the same).
    certificate: the carried one, when the caller has read it already.
    """
    if len(holder.children) != 1:
        raise SignatureError("%d elements where a signature must stand" % len(holder.children))
    info, value, key_info = _children(holder.one(DSIG, "Signature"), "SignedInfo", "SignatureValue", "KeyInfo", loose=loose)
    method, sign, reference = _children(info, "CanonicalizationMethod", "SignatureMethod", "Reference", loose=loose)
    steps, digest_method, digest_value = _children(reference, "Transforms", "DigestMethod", "DigestValue", loose=loose)
    (x509,) = _children(key_info, "X509Data", loose=loose)
    _children(x509, "X509Certificate", loose=loose)
    try:
        der = _binary(x509.children[0], loose)
        cert = certificate if certificate is not None and certificate.der == der else gost.Certificate(der)
        if authority is not None:
            cert.check_issued_by(authority, now)
    except gost.GostError as e:
        raise SignatureError("certificate: %s" % e) from None
    if certificates is not None and cert.der not in {c.der for c in certificates}:
        raise SignatureError("signed by somebody else")
    if _algorithm(method) != EXC_C14N or method.children:
        raise SignatureError("canonicalization is not exclusive C14N")
    if _algorithm(sign) not in SIGN_URIS[cert.kind]:
        raise SignatureError("signature algorithm does not belong to the key")
    if _algorithm(digest_method) not in DIGEST_URIS[cert.digest]:
        raise SignatureError("digest algorithm does not belong to the key")
    names = tuple(_algorithm(t) for t in _children(steps, *["Transform"] * len(steps.children), loose=loose))
    if names not in transforms or any(t.children for t in steps.children):
        raise SignatureError("transforms are not those of SMEV: %s" % ", ".join(names))
    uri, wanted = reference.attrs.get((None, "URI"), ""), signed.attrs.get((None, "Id"))
    if not wanted or uri != "#" + wanted:
        raise SignatureError("signed is %s, not %s %s" % (uri or "nothing", signed.local, wanted))
    if ENVELOPED in names and any(n is holder for n in signed.walk()):
        raise SignatureError("the signature stands inside what it signs")
    data = octets(signed)
    if gost.digest(cert.digest, data) != _binary(digest_value, loose):
        raise SignatureError("digest of %s differs" % signed.local)
    if not cert.verify(info.canonical(), _binary(value, loose)):
        raise SignatureError("signature value is wrong")
    return Verified(cert, data, names)
