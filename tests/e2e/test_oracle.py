#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Who checks the checker: our client's canonical form against xmllint, its signatures against openssl, and both ways
against `zapisd dsig`. Real SMEV 2 messages too, when they lie beside the tree (C1, V3)."""
import os
import subprocess
import tempfile
import unittest

import e2e
from e2e import BINARY, SHARED, SOURCE

import gost
import smev2client
import xmlsig

CASES = [
    '<a xmlns="u:1"><b xmlns=""><c xmlns="u:1"/></b></a>',
    '<p:a xmlns:p="u:1" xmlns:q="u:2" xmlns:unused="u:3"><p:b q:z="1" y="2" a="3" xmlns:q="u:2"/><q:c/></p:a>',
    '<x:a xmlns:x="u:1" xmlns:y="u:1"><y:b x:m="1" y:n="2"/><x:c xmlns:x="u:2"><y:d/></x:c></x:a>',
    "<a b='&quot;&lt;&gt;&amp;&#9;&#10;&#13;&apos;'>&lt;&gt;&amp;&quot;&#13;\r\n\t]]&gt;</a>",
    "<a>one<!-- gone -->two<![CDATA[<three> & \"four\"]]><?pi  some data ?><?empty?></a>",
    '<a xml:lang="ru" xml:space="preserve" b="1"> <b xml:lang="en"/> </a>',
    "<a \n b = '1'\n  c=\"x > y\" >\n<b\t/></a >",
    '<a xmlns:z="u:z" xmlns:b="u:b"><z:c b:k="v" z:k="w" k="x"/></a>',
    "<а имя='Тестов'>Заявитель №1 \U0001F600</а>",
    '<a b="normalize\tme\nplease"/>',
]


class Canonical(unittest.TestCase):
    def xmllint(self, data):
        with tempfile.NamedTemporaryFile(suffix=".xml") as f:
            f.write(data)
            f.flush()
            done = subprocess.run(["xmllint", "--nonet", "--exc-c14n", f.name], capture_output=True, check=True)
        return done.stdout

    def test_whole_documents(self):
        for case in CASES:
            data = case.encode()
            # xmllint keeps comments
            want = self.xmllint(data.replace(b"<!-- gone -->", b""))
            self.assertEqual(xmlsig.parse(data).canonical(), want, case)

    def test_subtree_takes_namespaces_from_outside_only_when_used(self):
        data = b'<r xmlns="u:0" xmlns:p="u:1" xmlns:q="u:2"><p:a><b q:c="1"/></p:a></r>'
        inner = xmlsig.parse(data).children[0]
        self.assertEqual(inner.canonical(), b'<p:a xmlns:p="u:1"><b xmlns="u:0" xmlns:q="u:2" q:c="1"></b></p:a>')
        # xmllint has no sub-tree option: the same, cut out with everything declared, must come out the same
        alone = b'<p:a xmlns="u:0" xmlns:p="u:1" xmlns:q="u:2"><b q:c="1"/></p:a>'
        self.assertEqual(inner.canonical(), self.xmllint(alone))

    def test_what_the_client_writes_is_canonical_already(self):
        body = smev2client.Client("http://127.0.0.1:1/x").body("book", [("bookId", 'a&<>"\'\r\n\tb'), ("lastName", "Тестов")])
        self.assertEqual(self.xmllint(body.encode()), body.encode())


class Gost(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.pki = cls.tmp.name
        subprocess.run(["bash", str(SOURCE / "tests/lib/pki.sh"), cls.pki], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def path(self, name):
        return os.path.join(self.pki, name)

    def pair(self, name):
        return smev2client.Client("http://127.0.0.1:1/x", self.path(name + ".key"), self.path(name + ".pem"), self.path("ca.pem"))

    def openssl(self, *args):
        env = {"PATH": os.environ["PATH"], "OPENSSL_CONF": self.path("openssl.cnf")}
        return subprocess.run(["openssl", *args], env=env, capture_output=True, text=True)

    def test_libgcrypt_and_openssl_agree(self):
        digests = {gost.GOST94: "md_gost94", gost.STREEBOG256: "md_gost12_256", gost.STREEBOG512: "md_gost12_512"}
        message = os.urandom(1000)
        with open(self.path("m"), "wb") as f:
            f.write(message)
        for name in ("portal", "portal-512", "portal-tca", "portal-2001", "agency-b"):
            with self.subTest(name):
                c = self.pair(name)
                digest = "-" + digests[c.key.digest]
                ours = c.key.sign(message)
                with open(self.path("s"), "wb") as f:
                    f.write(ours)
                self.openssl("x509", "-in", self.path(name + ".pem"), "-noout", "-pubkey", "-out", self.path("pub"))
                self.assertIn("Verified OK", self.openssl("dgst", digest, "-verify", self.path("pub"), "-signature", self.path("s"),
                                                          self.path("m")).stdout)
                self.openssl("dgst", digest, "-sign", self.path(name + ".key"), "-out", self.path("t"), self.path("m"))
                with open(self.path("t"), "rb") as f:
                    theirs = f.read()
                self.assertTrue(c.cert.verify(message, theirs))
                half = len(theirs) // 2
                for wrong in (theirs[half:] + theirs[:half], theirs[::-1], bytes(len(theirs)), theirs[:-1], theirs + b"\0",
                              theirs[:-1] + bytes([theirs[-1] ^ 1])):
                    self.assertFalse(c.cert.verify(message, wrong))
                self.assertFalse(c.cert.verify(message + b"x", theirs))

    def test_authority(self):
        ca = self.pair("portal").authority
        for name, problem in (("portal", None), ("agency-b", None), ("stranger", "not signed"), ("expired", "dates"), ("notyet", "dates")):
            with open(self.path(name + ".pem"), encoding="ascii") as f:
                cert = gost.Certificate.from_pem(f.read())
            if problem is None:
                cert.check_issued_by(ca)
            else:
                self.assertRaisesRegex(gost.GostError, problem, cert.check_issued_by, ca)

    def verify(self, data):
        root = xmlsig.parse(data)
        return [[n.local for n in xmlsig.verify_security(root, s, self.pair("portal").authority)[1]]
                for s in root.one(xmlsig.SOAP, "Header").find_all(xmlsig.WSSE, "Security")]

    def test_client_refuses_what_it_must(self):
        c = self.pair("portal")
        good = c.envelope("book", c.book_items("52f7e417-23dd-4f3c-999a-1cf196e81220", "x", "R7700018", True))
        self.assertEqual(self.verify(good), [["Body"]])
        for old, new in ((b"R7700018", b"R7700019"), (b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA"), (b"gostr34112012-256", b"gostr34112012-512"),
                         (b"wsu:Id=\"body-", b"wsu:Id=\"tody-"), (b"xml-exc-c14n#", b"xml-exc-c14n#WithComments"),
                         (b"<soap:Header>", b"<soap:Header wsu:Id=\"" + good.split(b"Reference URI=\"#")[1].split(b'"')[0] + b"\" xmlns:wsu=\""
                          + xmlsig.WSU.encode() + b"\">")):
            bad = good.replace(old, new, 1)
            self.assertNotEqual(bad, good)
            self.assertRaises(xmlsig.SignatureError, self.verify, bad)

    def dsig(self, *args):
        return subprocess.run([str(BINARY), "dsig", *args], capture_output=True)

    def test_zapisd_verifies_the_client(self):
        for name in ("portal", "portal-512", "portal-tca"):
            c = self.pair(name)
            data = c.envelope("book", c.book_items("52f7e417-23dd-4f3c-999a-1cf196e81220", "x", "R7700018", True))
            for change, code in ((lambda d: d, 0), (lambda d: d.replace(b"R7700018", b"R7700019"), 1)):
                with open(self.path("e.xml"), "wb") as f:
                    f.write(change(data))
                done = self.dsig("verify", "--anchors", self.path("trust.pem"), "--crl", self.path("ca.crl"), self.path("e.xml"))
                self.assertEqual(done.returncode, code, (name, done.stdout.decode(), done.stderr.decode()))

    def test_the_client_verifies_zapisd(self):
        plain = smev2client.Client("http://127.0.0.1:1/x").envelope("cancelBooking", [("bookId", "1"), ("esiaId", "ё\r\n&<>")])
        with open(self.path("p.xml"), "wb") as f:
            f.write(plain)
        for name in ("agency-a", "agency-b", "portal-tca"):
            done = self.dsig("sign", "--key", self.path(name + ".key"), "--cert", self.path(name + ".pem"), self.path("p.xml"))
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertEqual(self.verify(done.stdout), [["Body"]])


class RealMessages(unittest.TestCase):
    def test_smev2_samples(self):
        folder = SHARED / "smev/signed-samples"
        if not folder.is_dir():
            self.skipTest("SKIP: no real samples beside the tree")
        for good, paths in ((True, sorted((folder / "smev2-gost2001").glob("*.xml"))), (False, sorted((folder / "broken").glob("*.xml")))):
            self.assertTrue(paths)
            for path in paths:
                with self.subTest(path.name):
                    root = xmlsig.parse(path.read_bytes())
                    for security in root.one(xmlsig.SOAP, "Header").find_all(xmlsig.WSSE, "Security"):
                        if good:
                            xmlsig.verify_security(root, security, None, allow_2001=True)
                        else:
                            self.assertRaises(xmlsig.SignatureError, xmlsig.verify_security, root, security, None, True)


if __name__ == "__main__":
    e2e.main()
