#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Q6: multipart messages composed by Python's email package, which shares nothing with the program: what was moved into parts is found
by name and decoded, or no signature would be good. More that must be refused than taken."""
import base64
import email.charset
import email.encoders
import email.generator
import email.mime.base
import email.mime.multipart
import email.policy
import io
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

from e2e import BINARY, SOURCE

import gost
import smev3sig
import xmlsig

T = "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/1.2"
B = "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/basic/1.2"
XOP = "http://www.w3.org/2004/08/xop/include"
# What may stand in a name of a part: CXF puts the address of a namespace there.
NAMES = ("plain", "1-2@urn://x-artefacts-smev-gov-ru/services/message-exchange/types/1.2", "a%25b@c", "x" * 50 + "@example.org", "a+b=c&d@example.org")


def quoted(name):
    return "".join(c if c.isalnum() else "%%%02X" % ord(c) for c in name)


class Witness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.pki = pathlib.Path(cls.tmp.name)
        subprocess.run(["bash", str(SOURCE / "tests/lib/pki.sh"), cls.tmp.name], check=True)
        cls.key = gost.PrivateKey((cls.pki / "smev.key").read_text())
        cls.cert = gost.Certificate.from_pem((cls.pki / "smev.pem").read_text())
        cls.random = random.Random(20261129)
        cls.files = [cls.random.randbytes(n) for n in (1, 2, 3, 700, 5000)]
        headers = "".join("<b:AttachmentHeader><b:contentId>f%d</b:contentId><b:MimeType>image/png</b:MimeType><b:SignaturePKCS7>%s</b:SignaturePKCS7>"
                          "</b:AttachmentHeader>" % (i, base64.b64encode(f).decode()) for i, f in enumerate(cls.files))
        request = ('<t:Request xmlns:t="%s" xmlns:b="%s" Id="R"><t:SenderProvidedRequestData><t:MessageID>0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:MessageID>'
                   '<b:MessagePrimaryContent><q:x xmlns:q="urn:q">Ё = ё</q:x></b:MessagePrimaryContent><b:AttachmentHeaderList>%s</b:AttachmentHeaderList>'
                   '</t:SenderProvidedRequestData></t:Request>' % (T, B, headers))
        cls.root = ('<S:Envelope xmlns:S="%s"><S:Body><t:GetRequestResponse xmlns:t="%s"><t:RequestMessage>%s<t:SMEVSignature>%s</t:SMEVSignature>'
                    '</t:RequestMessage></t:GetRequestResponse></S:Body></S:Envelope>'
                    % (xmlsig.SOAP, T, request, smev3sig.sign_text(cls.key, cls.cert, request, "R")))
        for i, f in enumerate(cls.files):
            cls.root = cls.root.replace("<b:SignaturePKCS7>%s<" % base64.b64encode(f).decode(),
                                        '<b:SignaturePKCS7><xop:Include xmlns:xop="%s" href="cid:%s"/><' % (XOP, quoted(NAMES[i])), 1)

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def compose(self, boundary, encoder, root_encoder=email.encoders.encode_noop, policy=email.policy.SMTP, order=None, files=None, start="<root@example.org>"):
        whole = email.mime.multipart.MIMEMultipart("related", boundary=boundary, policy=policy)
        whole.set_param("type", "application/xop+xml")
        if start:
            whole.set_param("start", start)
        parts = []
        for i, data in enumerate(files or self.files):
            part = email.mime.base.MIMEBase("application", "octet-stream", policy=policy)
            part.set_payload(data)
            encoder(part)
            part.add_header("Content-ID", "<%s>" % NAMES[i])
            parts.append(part)
        root = email.mime.base.MIMEBase("application", "xop+xml", policy=policy, charset="UTF-8")
        root.set_payload(self.root.encode())
        root_encoder(root)
        root.add_header("Content-ID", "<root@example.org>")
        parts.insert(order if order is not None else 0, root)
        whole.set_payload(parts)
        out = io.BytesIO()
        email.generator.BytesGenerator(out, mangle_from_=False, policy=policy).flatten(whole, linesep="\r\n")
        return out.getvalue()

    def verdict(self, data):
        done = subprocess.run([str(BINARY), "dsig", "verify", "--anchors", str(self.pki / "trust.pem"), "--crl", str(self.pki / "ca.crl"), "-"],
                              input=data, capture_output=True)
        return done.returncode == 0 and b"good, strict" in done.stdout

    def test_each_encoding(self):
        base64_, printable = email.encoders.encode_base64, email.encoders.encode_quopri
        for boundary in ("b", "uuid:f438a15e-9b5b-491f-9b47-aba4d00b8837", "=_Part_43 (x)/?'", "-" * 70):
            for root_encoder in (email.encoders.encode_7or8bit, base64_, printable):
                for order in (0, 3, 5):
                    self.assertTrue(self.verdict(self.compose(boundary, base64_, root_encoder, order=order)), (boundary, root_encoder.__name__, order))

    def test_long_parameters(self):
        """The header's writer folds, and cuts what is too long for a line into pieces (RFC 2231)."""
        data = self.compose("x" * 69, email.encoders.encode_base64)
        head, body = data.split(b"\r\n\r\n", 1)
        first, second = re.findall(rb"boundary\*[01]\*=[^;]*;", head)
        self.assertTrue(self.verdict(data))
        self.assertTrue(self.verdict(head.replace(first, b"!").replace(second, first).replace(b"!", second) + b"\r\n\r\n" + body))
        self.assertTrue(self.verdict(head.replace(second, second.replace(b"*=x", b"=x")) + b"\r\n\r\n" + body))
        for piece in (b"", first, second.replace(b"*1*", b"*2*"), second.replace(b"x", b"", 1), second.replace(b"=x", b"=%7"), second + second):
            self.assertFalse(self.verdict(head.replace(second, piece) + b"\r\n\r\n" + body), piece)

    def test_refused(self):
        good = self.compose("bound", email.encoders.encode_base64)
        self.assertTrue(self.verdict(good))
        end = good.rindex(b"\r\n--bound--")
        bad = {
            "cut before the end": good[:end], "cut within the end": good[:end + 9], "cut in a part": good[:end - 200], "another boundary": good.replace(b'"bound"', b'"other"', 1),
            "another file": good.replace(base64.b64encode(self.files[2]), base64.b64encode(b"xyz"), 1),
            "two files change places": good.replace(b"<plain>", b"<@@>").replace(b"<a%25b@c>", b"<plain>").replace(b"<@@>", b"<a%25b@c>"),
            "one name twice": good.replace(b"<a%25b@c>", b"<plain>"), "no such name": good.replace(b"<plain>", b"<plane>"), "name of another case": good.replace(b"<plain>", b"<Plain>"),
            "name that is percent-encoded": good.replace(b"<a%25b@c>", b"<a%2525b%40c>"), "not base64": good.replace(base64.b64encode(self.files[2]), b"!!!!", 1),
            "no start": good.replace(b"<root@example.org>", b"<tree@example.org>", 1), "twice": good + b"\r\n" + good[good.index(b"\r\n\r\n") + 4:],
            "another encoding": good.replace(b"Transfer-Encoding: base64", b"Transfer-Encoding: x-gzip", 1), "no XOP": good.replace(b"application/xop+xml", b"text/xml"),
            "a letter of the root": good.replace("Ё".encode(), "Е".encode(), 1),
        }
        for name, data in bad.items():
            self.assertNotEqual(data, good, name)
            self.assertFalse(self.verdict(data), name)


if __name__ == "__main__":
    unittest.main()
