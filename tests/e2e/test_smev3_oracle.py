#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Who checks the second implementation of SMEV 3's signatures: vectors of the rules, real messages when they lie beside the tree,
and the daemon's own transform and verifier on the same octets (Q2, C1, C4). More that must be refused than taken."""
import base64
import csv
import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

import e2e
from e2e import BINARY, SHARED, SOURCE

import gost
import smev3core
import smev3portal
import smev3sig
import smev3wire as wire
import smevtransform
import xmlsig
from xmlsig import DSIG, SignatureError

T = "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/1.2"
B = "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/basic/1.2"

# One rule a row.
VECTORS = [
    # 1 and 3: declarations, instructions and comments go; an empty element has two tags
    ('<?xml version="1.0"?><?x y?><a xmlns="u:1"><!-- c --><b/><?p?></a>', '<ns1:a xmlns:ns1="u:1"><ns1:b></ns1:b></ns1:a>'),
    # 2: blank means every character up to U+0020; what is not blank is kept whole
    ('<a xmlns="u:1"> \n\t<b>&#13; </b> </a>', '<ns1:a xmlns:ns1="u:1"><ns1:b></ns1:b></ns1:a>'),
    ('<a xmlns="u:1">\u00a0</a>', '<ns1:a xmlns:ns1="u:1">\u00a0</ns1:a>'),
    ('<a xmlns="u:1">\u2003</a>', '<ns1:a xmlns:ns1="u:1">\u2003</ns1:a>'),
    ('<a xmlns="u:1">\n x \n<b>  y</b> z</a>', '<ns1:a xmlns:ns1="u:1">\n x \n<ns1:b>  y</ns1:b> z</ns1:a>'),
    # 4 and 5: prefixes are counted over the fragment and never used again, not even for the namespace of a sibling before
    ('<p:a xmlns:p="u:1" xmlns:q="u:2" xmlns:unused="u:3"><q:b><q:c/></q:b><q:b/></p:a>',
     '<ns1:a xmlns:ns1="u:1"><ns2:b xmlns:ns2="u:2"><ns2:c></ns2:c></ns2:b><ns3:b xmlns:ns3="u:2"></ns3:b></ns1:a>'),
    ('<a xmlns="u:1"><b xmlns="u:2"><a xmlns="u:1"/></b></a>', '<ns1:a xmlns:ns1="u:1"><ns2:b xmlns:ns2="u:2"><ns1:a></ns1:a></ns2:b></ns1:a>'),
    # 6: prefixes in content dangle
    ('<a xmlns="u:1" xmlns:i="u:i" i:type="p:T" xmlns:p="u:p">p:x</a>', '<ns1:a xmlns:ns1="u:1" xmlns:ns2="u:i" ns2:type="p:T">p:x</ns1:a>'),
    # 7 and 8: qualified attributes by namespace and name, then the others; declarations in the order in which they were made
    ('<a xmlns="u:1" z="1" B="2" a="3" xmlns:y="u:9" xmlns:x="u:2" y:k="4" x:m="5" x:l="6" \u0444="7"/>',
     '<ns1:a xmlns:ns1="u:1" xmlns:ns2="u:2" xmlns:ns3="u:9" ns2:l="6" ns2:m="5" ns3:k="4" B="2" a="3" z="1" \u0444="7"></ns1:a>'),
    ('<a xmlns="u:1" xmlns:p="u:1" xmlns:q="u:1" q:c="1" p:b="2"><q:d/></a>', '<ns1:a xmlns:ns1="u:1" ns1:b="2" ns1:c="1"><ns1:d></ns1:d></ns1:a>'),
    # 9: attributes
    ('<a xmlns="u:1" b="&lt;&gt;&amp;&quot;\'&#13;&#10;&#9;"/>', '<ns1:a xmlns:ns1="u:1" b="&lt;>&amp;&quot;\'&#xd;&#xa;&#x9;"></ns1:a>'),
    ('<a xmlns="u:1?a&amp;b"/>', '<ns1:a xmlns:ns1="u:1?a&amp;b"></ns1:a>'),
    # 9: short text: '>' at the beginning and behind ']'
    ('<a xmlns="u:1">&gt;a&gt;]&gt;]</a>', '<ns1:a xmlns:ns1="u:1">&gt;a>]&gt;]</ns1:a>'),
    ('<a xmlns="u:1">&amp;&gt;&lt;&#13;\n\t"\'</a>', '<ns1:a xmlns:ns1="u:1">&amp;>&lt;&#xd;\n\t"\'</ns1:a>'),
    # 9: long text: behind an escaped character too
    ('<a xmlns="u:1">&amp;&gt;&gt;x&gt;&lt;&gt;&#13;&gt;0123456789</a>', '<ns1:a xmlns:ns1="u:1">&amp;&gt;&gt;x>&lt;&gt;&#xd;&gt;0123456789</ns1:a>'),
    # 9: pieces of 512 code units; a character beyond U+FFFF counts twice
    ('<a xmlns="u:1">' + "x" * 512 + "&gt;&gt;x&gt;</a>", '<ns1:a xmlns:ns1="u:1">' + "x" * 512 + "&gt;&gt;x></ns1:a>"),
    ('<a xmlns="u:1">' + "x" * 511 + "&gt;y&gt;</a>", '<ns1:a xmlns:ns1="u:1">' + "x" * 511 + ">y></ns1:a>"),
    ('<a xmlns="u:1">' + "\U0001F600" * 256 + "&gt;y</a>", '<ns1:a xmlns:ns1="u:1">' + "\U0001F600" * 256 + "&gt;y</ns1:a>"),
    ('<a xmlns="u:1">' + "\U0001F600" * 255 + "x&gt;&gt;</a>", '<ns1:a xmlns:ns1="u:1">' + "\U0001F600" * 255 + "x>&gt;</ns1:a>"),
    ('<a xmlns="u:1">' + "\U0001F600" * 5 + "x&gt;</a>", '<ns1:a xmlns:ns1="u:1">' + "\U0001F600" * 5 + "x></ns1:a>"),
    ('<a xmlns="u:1">&amp;&gt;' + "\U0001F600" * 5 + "</a>", '<ns1:a xmlns:ns1="u:1">&amp;&gt;' + "\U0001F600" * 5 + "</ns1:a>"),
]
REFUSED = ["<a/>", '<a xmlns="u:1"><b xmlns=""/></a>', '<a xmlns="u:1" xml:lang="ru"/>', '<a xmlns="u:1">', '<a xmlns="u:1"><p:b/></a>',
           '<!DOCTYPE a><a xmlns="u:1"/>', '<a xmlns="u:1"/><a xmlns="u:1"/>', "", '<a xmlns="u:1" b="1" b="2"/>', '<a xmlns="u:1">\x01</a>']


def daemon_transform(data):
    done = subprocess.run([str(BINARY), "dsig", "transform"], input=data, capture_output=True)
    return done.stdout if done.returncode == 0 else None


class Transform(unittest.TestCase):
    def test_rules(self):
        for given, wanted in VECTORS:
            self.assertEqual(smevtransform.transform(given.encode()), wanted.encode(), given[:100])

    def test_refused(self):
        for given in REFUSED:
            with self.assertRaises(smevtransform.TransformError, msg=given):
                smevtransform.transform(given.encode())

    def test_fixed_point(self):
        """What the transform wrote it writes again: the daemon binds such octets."""
        for _, wanted in VECTORS:
            self.assertEqual(smevtransform.transform(wanted.encode()), wanted.encode())

    def test_one_pass_is_both_steps(self):
        """Straight from the message's bytes, or over the canonical form: the same octets."""
        for given, wanted in VECTORS:
            outer = '<o xmlns="u:0" xmlns:p="u:7" xmlns:w="u:1">%s</o>' % re.sub(r"<\?xml.*?\?>|(?<=^)<\?x y\?>", "", given)
            node = xmlsig.parse(outer.encode()).children[0]
            self.assertEqual(smevtransform.transform(node.canonical()), wanted.encode())
            self.assertEqual(smevtransform.transform(node.bytes(), node.outer), wanted.encode())

    def test_namespaces_come_from_around(self):
        node = xmlsig.parse(b'<o xmlns="u:0" xmlns:p="u:&amp;7"><p:a><b p:c="1"/></p:a></o>').children[0]
        self.assertEqual(smev3sig.octets(node), b'<ns1:a xmlns:ns1="u:&amp;7"><ns2:b xmlns:ns2="u:0" ns1:c="1"></ns2:b></ns1:a>')

    def test_collected_vectors(self):
        folder = SHARED / "smev/transform-vectors"
        if not folder.is_dir():
            self.skipTest("SKIP: no collected vectors beside the tree")
        seen = 0
        for path in sorted([*folder.glob("mr/*.in.xml"), *folder.glob("real/*.in.xml"), *folder.glob("edge/*.in.xml")]):
            wanted = path.with_name(path.name.replace(".in.xml", ".out.xml"))
            # CDATA, comments and declarations come to the transform only where no C14N went before
            given = {"data": path.read_bytes(), "canonical": path.parent.name != "edge"}
            if wanted.exists():
                self.assertEqual(smevtransform.transform(**given), wanted.read_bytes(), path.name)
                seen += 1
            else:
                self.assertRaises(smevtransform.TransformError, smevtransform.transform, **given)
        self.assertGreater(seen, 50)
        with open(folder / "real/digests.tsv", encoding="utf-8") as f:
            rows = list(csv.DictReader(f, delimiter="\t"))
        self.assertGreater(len(rows), 15)
        for row in rows:
            digest = next(d for d, uris in smev3sig.DIGEST_URIS.items() if row["digest-algorithm"] in uris)
            data = smevtransform.transform((folder / "real" / (row["vector"] + ".in.xml")).read_bytes())
            self.assertEqual(base64.b64encode(gost.digest(digest, data)).decode(), row["DigestValue"], row["vector"])

    def test_daemon_agrees(self):
        """Two roads to the octets: random trees through both implementations, in one call of the program each batch."""
        rng = random.Random(3)
        batch = []
        for _ in range(300):
            batch.append(self.random_tree(rng))
        whole = '<r xmlns="u:r">%s</r>' % "".join(batch)
        canonical = xmlsig.canonical(whole.encode())
        self.assertEqual(daemon_transform(canonical), smevtransform.transform(canonical))
        for given, wanted in VECTORS:
            canonical = xmlsig.canonical(given.encode())
            self.assertEqual(daemon_transform(canonical), wanted.encode(), given[:100])

    def random_tree(self, rng, depth=0):
        text = lambda: "".join(rng.choice(["&gt;", "&lt;", "&amp;", "&#13;", "]", " ", "\n", "x", "ё", "\U0001F600", '"']) for _ in
                               range(rng.choice([0, 1, 3, 11, 12, 13, 40, 600]) if depth < 3 else 2))
        prefixes = ["a", "b", "c"]
        declared = "".join(' xmlns:%s="u:%d"' % (p, rng.randrange(4)) for p in prefixes if depth == 0 or rng.random() < 0.3)
        if depth == 0 or rng.random() < 0.3:
            declared += ' xmlns="u:%d"' % rng.randrange(4)
        name = rng.choice(["", "a:", "b:", "c:"]) + rng.choice(["x", "Y", "я"])
        attributes = "".join(' %s="%s"' % (n, text()[:30].replace('"', "'").rpartition("&")[0] if rng.random() < 0.5 else "v")
                             for n in rng.sample(["k", "L", "m", "ж"], rng.randrange(4)))
        inner = "".join(rng.choice([text, lambda: self.random_tree(rng, depth + 1)])() for _ in range(rng.randrange(4) if depth < 4 else 0))
        return "<%s%s%s>%s</%s>" % (name, declared, attributes, inner, name)


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        subprocess.run(["bash", str(SOURCE / "tests/lib/pki.sh"), cls.tmp.name], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def path(self, name):
        return os.path.join(self.tmp.name, name)

    def text(self, name):
        with open(self.path(name), encoding="ascii") as f:
            return f.read()

    def pair(self, name):
        return gost.PrivateKey(self.text(name + ".key")), gost.Certificate.from_pem(self.text(name + ".pem"))

    def message(self, who="agency-a", **more):
        key, cert = self.pair(who)
        element = ('<b:MessageTypeSelector xmlns:b="%s" Id="SIGNED_BY_CALLER"><b:NamespaceURI>u:x</b:NamespaceURI><b:RootElementLocalName>y'
                   '</b:RootElementLocalName><b:Timestamp>2026-11-29T10:00:00.000+03:00</b:Timestamp></b:MessageTypeSelector>' % B)
        return ('<soap:Envelope xmlns:soap="%s"><soap:Header></soap:Header><soap:Body><t:GetRequestRequest xmlns:t="%s">%s'
                '<t:CallerInformationSystemSignature>%s</t:CallerInformationSystemSignature></t:GetRequestRequest></soap:Body></soap:Envelope>'
                % (xmlsig.SOAP, T, element, smev3sig.sign_text(key, cert, element, "SIGNED_BY_CALLER", **more))).encode()

    def verify(self, data, **more):
        operation = xmlsig.parse(data).one(xmlsig.SOAP, "Body").children[0]
        return smev3sig.verify(operation.one(B, "MessageTypeSelector"), operation.one(T, "CallerInformationSystemSignature"), **more)

    def test_every_key(self):
        ca = gost.Certificate.from_pem(self.text("ca.pem"))
        for who in ("portal", "portal-512", "portal-tca", "portal-2001", "agency-b"):
            found = self.verify(self.message(who), authority=ca)
            self.assertEqual(found.cert.der, self.pair(who)[1].der)
            self.assertTrue(found.octets.startswith(b"<ns1:MessageTypeSelector xmlns:ns1="))

    def test_other_spellings(self):
        """Blanks between elements of what is signed, other prefixes, an XML declaration: the same signature."""
        good = self.message()
        for same in (b'<?xml version="1.0" encoding="UTF-8"?>\n' + good, good.replace(b"<b:NamespaceURI>", b"\n  <b:NamespaceURI>"),
                     good.replace(b"<b:", b"<zz:").replace(b"</b:", b"</zz:").replace(b"xmlns:b=", b"xmlns:zz=")):
            self.verify(same)

    def test_mutations(self):
        """Each must be refused; none by accident: the message it was made of is good."""
        good = self.message()
        self.verify(good)
        signature = good[good.index(b"<ds:Signature "):good.index(b"</ds:Signature>") + 15]
        (_, value), = re.findall(b"<ds:(SignatureValue)>([^<]*)<", signature)
        raw = base64.b64decode(value)
        selector = good[good.index(b"<b:MessageTypeSelector"):good.index(b"<t:Caller")]
        changes = {
            "content": (b"u:x<", b"u:z<"), "name": (b":NamespaceURI>", b":NamespaceUri>"), "blank in a text": (b"u:x<", b"u:x <"),
            "attribute": (b'Id="SIGNED_BY_CALLER"', b'Id="SIGNED_BY_CALLER" x="1"'), "namespace": (b"types/basic/1.2", b"types/basic/1.1"),
            "other Id": (b'Id="SIGNED_BY_CALLER"', b'Id="SIGNED"'), "no Id": (b' Id="SIGNED_BY_CALLER"', b""),
            "Id of another spelling": (b' Id="SIGNED_BY_CALLER"', b' ID="SIGNED_BY_CALLER"'),
            "reference to all": (b'URI="#SIGNED_BY_CALLER"', b'URI=""'), "reference": (b'URI="#SIGNED_BY_CALLER"', b'URI="SIGNED_BY_CALLER"'),
            "value": (value, base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:])), "halves": (value, base64.b64encode(raw[32:] + raw[:32])),
            "backwards": (value, base64.b64encode(raw[::-1])), "cut": (value, base64.b64encode(raw[:-1])), "empty": (value, b""),
            "zeros": (value, base64.b64encode(bytes(64))), "not base64": (value, b"%" + value[1:]),
            "method": (b"gostr34102012-gostr34112012-256", b"gostr34102012-gostr34112012-512"),
            "digest method": (b'DigestMethod Algorithm="urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34112012-256"', b'DigestMethod Algorithm="x"'),
            "comments": (b"xml-exc-c14n#", b"xml-exc-c14n#WithComments"), "two": (signature, signature * 2), "none": (signature, b""),
            "indented after signing": (b"<ds:SignatureMethod", b"\n  <ds:SignatureMethod"), "line after signing": (b"<ds:KeyInfo>", b"\n<ds:KeyInfo>"),
            "transform gone": (b'<ds:Transform Algorithm="urn://smev-gov-ru/xmldsig/transform"></ds:Transform>', b""),
            "certificate gone": (b"<ds:X509Certificate>", b"<ds:X509Certificate>AA=="), "two references": (b"</ds:Reference>", b"</ds:Reference><ds:Reference/>"),
            "signed twice": (selector, selector * 2), "wrapped": (selector, b'<b:x xmlns:b="u:x">' + selector + b"</b:x>"),
            "another beside the signature": (b"</ds:Signature>", b"</ds:Signature><x/>"),
            "genuine one inside a forged one": (selector, selector.replace(b"u:x", b"u:forged").replace(b"</b:MessageTypeSelector>", selector + b"</b:MessageTypeSelector>")),
            "genuine one moved into the signature": (selector, selector.replace(b"u:x", b"u:forged"), b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object>" + selector + b"</ds:Object>"),
        }
        for name, (old, new, *more) in changes.items():
            bad = good.replace(old, new, 1)
            if more:
                bad = bad.replace(more[0], more[1])
            self.assertNotEqual(bad, good, name)
            with self.assertRaises(SignatureError, msg=name):
                self.verify(bad)

    def test_good_and_yet_wrong(self):
        """Signed with the right key, but not as SMEV prescribes."""
        c14n, smev = smev3sig.TRANSFORMS
        for transforms in ((c14n,), (smev,), (smev, c14n), (c14n, smev, smev), (c14n, c14n, smev), ()):
            with self.assertRaises(SignatureError, msg=transforms):
                self.verify(self.message(transforms=transforms))
        enveloped = self.message(transforms=smev3sig.WITH_ENVELOPED)
        self.assertRaises(SignatureError, self.verify, enveloped)
        self.verify(enveloped, transforms=(smev3sig.TRANSFORMS, smev3sig.WITH_ENVELOPED))
        for old, new in (("xml-exc-c14n#", "xml-c14n#"), ("URI=\"#SIGNED_BY_CALLER\"", "URI=\"#other\""), ("<ds:DigestValue>", "<ds:DigestValue>AAAA"),
                         ("<ds:Transforms>", "\n<ds:Transforms>")):
            with self.assertRaises(SignatureError, msg=new):
                self.verify(self.message(edit=lambda inner, o=old, n=new: inner.replace(o, n, 1)))

    def test_certificates(self):
        ca = gost.Certificate.from_pem(self.text("ca.pem"))
        for who in ("stranger", "expired", "notyet"):
            self.assertRaises(SignatureError, self.verify, self.message(who), authority=ca)
        self.verify(self.message("smev"), certificates=[self.pair("smev")[1]])
        self.assertRaises(SignatureError, self.verify, self.message("other"), certificates=[self.pair("smev")[1]])
        self.assertRaises(SignatureError, self.verify, self.message("other"), certificates=[])

    def test_daemon_verifies(self):
        for who in ("portal", "portal-512", "portal-tca"):
            for change, code in ((lambda d: d, 0), (lambda d: d.replace(b"u:x<", b"u:y<"), 1)):
                with open(self.path("m.xml"), "wb") as f:
                    f.write(change(self.message(who)))
                done = subprocess.run([str(BINARY), "dsig", "verify", "--anchors", self.path("trust.pem"), "--crl", self.path("ca.crl"),
                                       self.path("m.xml")], capture_output=True)
                self.assertEqual(done.returncode, code, (who, done.stdout.decode(), done.stderr.decode()))

    def daemon(self, *args, data=None):
        if data is not None:
            with open(self.path("m.xml"), "wb") as f:
                f.write(data)
        return subprocess.run([str(BINARY), "dsig", *args, self.path("m.xml")], capture_output=True)

    def test_daemon_verifies_2001(self):
        trust = ["--anchors", self.path("trust.pem"), "--crl", self.path("ca.crl")]
        done = self.daemon("verify", *trust, data=self.message("portal-2001"))
        self.assertIn(b"ALGORITHM: ", done.stdout)
        done = self.daemon("verify", *trust, "--allow-gost2001", data=self.message("portal-2001"))
        self.assertTrue(done.stdout.endswith(b"  good, strict\n"), done.stdout.decode())

    def test_daemon_tolerates(self):
        done = self.daemon("verify", "--no-chain", data=self.message(transforms=smev3sig.WITH_ENVELOPED))
        self.assertTrue(done.stdout.endswith(b"  good, tolerated: enveloped-signature\n"), done.stdout.decode())
        done = self.daemon("verify", "--no-chain", data=self.message(transforms=smev3sig.TRANSFORMS[::-1]))
        self.assertEqual(done.returncode, 1)

    def test_daemon_signs(self):
        """What the daemon signs is good by the other road, to the letter of the recommendations."""
        rng = random.Random(5)
        for who in ("agency-a", "portal-512", "portal-tca", "agency-b"):
            pair = ["--key", self.path(who + ".key"), "--cert", self.path(who + ".pem")]
            business = '<q:r xmlns:q="u:q" xmlns:a="u:a" xmlns:b="u:b" xmlns:c="u:c" xmlns="u:d">%s</q:r>' % Transform().random_tree(rng, 1)
            text = ('<?xml version="1.0"?>\n<S:Envelope xmlns:S="%s" xmlns:t="%s" xmlns:b="%s" xmlns="u:around"><S:Header/><S:Body>'
                    '<t:SendResponseRequest><t:SenderProvidedResponseData Id="X"><t:MessageID>m</t:MessageID><t:To>t</t:To>'
                    '<b:MessagePrimaryContent>%s</b:MessagePrimaryContent></t:SenderProvidedResponseData></t:SendResponseRequest>'
                    '</S:Body></S:Envelope>' % (xmlsig.SOAP, T, B, business)).encode()
            done = self.daemon("sign", *pair, "--smev3", "r", data=text)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            done = self.daemon("sign", *pair, "--smev3", "SenderProvidedResponseData", data=done.stdout)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            operation = xmlsig.parse(done.stdout).one(xmlsig.SOAP, "Body").children[0]
            data, caller = operation.children
            self.assertEqual(caller.local, "CallerInformationSystemSignature")
            self.assertEqual([c.local for c in data.children], ["MessageID", "To", "MessagePrimaryContent", "PersonalSignature"])
            found = smev3sig.verify(data, caller)
            self.assertEqual(found.cert.der, self.pair(who)[1].der)
            inner = smev3sig.verify(data.children[2].children[0], data.children[3])
            self.assertIn(b"<ns1:r", inner.octets)
            for old in (b">m<", b">t<", b"u:q"):
                bad = xmlsig.parse(done.stdout.replace(old, old + b" " if old == b"u:q" else b"> x<", 1)).one(xmlsig.SOAP, "Body").children[0]
                self.assertRaises(SignatureError, smev3sig.verify, bad.children[0], bad.children[1])


class Deliveries(unittest.TestCase):
    """What SMEV's core for tests delivers, read by the program: two roads to each signature, in both directions they differ in nothing."""

    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.pki = pathlib.Path(cls.tmp.name)
        subprocess.run(["bash", str(SOURCE / "tests/lib/pki.sh"), cls.tmp.name], check=True)
        cls.core = smev3core.Core(cls.pki)
        cls.portal = smev3portal.Portal(cls.core)
        agency = cls.core.add_system("AAAA00001", "Агентство", ["agency-a"])
        cls.message = cls.portal.call(agency, "getSlots", [("organizationId", "R1"), ("esiaId", "a&<>]]>\r\n\tё")], signed=True,
                                      personal=(cls.portal.key, cls.portal.cert), attachments=[("_1", b"abc")])

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def verdicts(self, data):
        done = subprocess.run([str(BINARY), "dsig", "verify", "--anchors", str(self.pki / "trust.pem"), "--crl", str(self.pki / "ca.crl"), "-"],
                              input=data, capture_output=True)
        return done.returncode, done.stdout.decode().count("good, strict")

    def test_every_version_and_dress(self):
        for version in wire.VERSIONS:
            for name in sorted(wire.DRESSES):
                body = self.core.deliver_request(self.message, version, wire.DRESSES[name]).body
                # the sender's own signature is gone with his version
                self.assertEqual(self.verdicts(body), (0, 3 if version == self.message.version else 2), (version, name))

    def test_parts(self):
        for style in ("cxf", "jaxws"):
            kind, body = wire.mime(self.core.deliver_request(self.message, "1.2", wire.DRESSES["rebound"]).body, style)
            head = "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
            self.assertEqual(self.verdicts(head.encode() + body), (0, 3), style)
            self.assertNotEqual(self.verdicts(head.encode() + body.replace(b"detached", b"attached"))[0], 0, style)

    def test_spoiled(self):
        # nobody's signature there is no wrong one; a trusted system's is one, of somebody who is not SMEV: that is the queue's to judge
        for spoil in set(smev3core.Core.SPOILS) - {"unsigned", "other"}:
            self.assertEqual(self.verdicts(self.core.deliver_request(self.message, "1.2", wire.DRESSES["plain"], spoil).body)[0], 1, spoil)


class RealMessages(unittest.TestCase):
    def test_smev3_samples(self):
        folder = SHARED / "smev/signed-samples"
        if not folder.is_dir():
            self.skipTest("SKIP: no real samples beside the tree")
        count = 0
        for good, name in ((True, "smev3-gost2001"), (True, "smev3-gost2012-256"), (False, "smev3-prettyprinted"), (False, "smev3-xop")):
            for path in sorted((folder / name).glob("*.xml")):
                root = xmlsig.parse(path.read_bytes())
                for holder, signed in pairs(root):
                    count += 1
                    with self.subTest(path.name, signed=signed.local):
                        if good:
                            smev3sig.verify(signed, holder, loose=True)
                        else:
                            for loose in (False, True):
                                self.assertRaises(SignatureError, smev3sig.verify, signed, holder, loose=loose)
        self.assertGreaterEqual(count, 20)


def pairs(root):
    """(place of a signature, what it must sign) by the protocol's own rule."""
    for node in root.walk():
        for holder in node.children:
            elements = [c for c in node.children if c is not holder and c.attrs.get((None, "Id"))]
            if holder.local == "PersonalSignature":
                elements = next(c for c in node.children if c.local == "MessagePrimaryContent").children
            elif holder.local in ("SMEVSignature", "SenderInformationSystemSignature", "CallerInformationSystemSignature"):
                elements = [c for c in elements if c.local not in ("RefAttachmentHeaderList",)] or node.children[0].children
            else:
                continue
            if holder.find(DSIG, "Signature"):
                yield holder, elements[0]


if __name__ == "__main__":
    e2e.main()
