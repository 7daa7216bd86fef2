#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""
Makes the signed messages of this folder without a line of the daemon's code: canonical form by lxml, digests and
signatures by the openssl program with the GOST engine. Keys are made anew on each run and thrown away; names are made
up. Run it by hand; what it wrote is committed.
"""
import base64
import os
import subprocess
import sys
import tempfile

from lxml import etree

HERE = os.path.dirname(os.path.abspath(__file__))
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
B64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
URN = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"
HTTP = "http://www.w3.org/2001/04/xmldsig-more#"
ALGS = {
    "2001": ("gost2001", "A", "md_gost94", HTTP + "gostr3411", HTTP + "gostr34102001-gostr3411"),
    "256": ("gost2012_256", "TCA", "md_gost12_256", URN + "gostr34112012-256", URN + "gostr34102012-gostr34112012-256"),
    "512": ("gost2012_512", "A", "md_gost12_512", URN + "gostr34112012-512", URN + "gostr34102012-gostr34112012-512"),
}


def run(*args, data=None):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


def openssl(*args, data=None):
    return run("openssl", args[0], "-engine", "gost", *args[1:], data=data)


def c14n(node):
    return etree.tostring(node, method="c14n", exclusive=True, with_comments=False)


class Signer:
    def __init__(self, folder, name, alg, ca=None):
        self.alg = alg
        kind, params, self.md, self.digest_uri, self.sign_uri = ALGS[alg]
        self.key = os.path.join(folder, name + ".key")
        self.cert = os.path.join(folder, name + ".pem")
        openssl("genpkey", "-algorithm", kind, "-pkeyopt", "paramset:" + params, "-out", self.key)
        subject = "/C=RU/O=Вымышленная организация " + name + "/CN=" + name
        if ca is None:
            openssl("req", "-utf8", "-new", "-x509", "-days", "36500", "-key", self.key, "-subj", subject, "-out", self.cert)
            return
        request = os.path.join(folder, name + ".csr")
        openssl("req", "-utf8", "-new", "-key", self.key, "-subj", subject, "-out", request)
        ext = os.path.join(folder, "ext")
        with open(ext, "w") as f:
            f.write("keyUsage=critical,digitalSignature,nonRepudiation\nbasicConstraints=critical,CA:FALSE\n")
        openssl("x509", "-req", "-in", request, "-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial", "-days", "36500",
                "-extfile", ext, "-out", self.cert)

    def token(self):
        return base64.b64encode(run("openssl", "x509", "-in", self.cert, "-outform", "DER")).decode()

    def digest(self, data):
        return base64.b64encode(openssl("dgst", "-" + self.md, "-binary", data=data)).decode()

    def sign(self, data):
        return base64.b64encode(openssl("dgst", "-" + self.md, "-sign", self.key, data=data)).decode()


def add_security(doc, signer, actor, ids, n, newline):
    header = doc.find("{%s}Header" % SOAP)
    by_id = {e.get("{%s}Id" % WSU): e for e in doc.iter() if e.get("{%s}Id" % WSU)}
    nl = "\n" if newline else ""
    refs = "".join(
        f'<ds:Reference URI="#{i}">{nl}<ds:Transforms>{nl}<ds:Transform Algorithm="{EXC}"/>{nl}</ds:Transforms>{nl}'
        f'<ds:DigestMethod Algorithm="{signer.digest_uri}"/>{nl}<ds:DigestValue>{signer.digest(c14n(by_id[i]))}</ds:DigestValue>'
        f'{nl}</ds:Reference>{nl}' for i in ids)
    text = (
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" xmlns:s="{SOAP}" s:actor="{actor}">'
        f'<wsse:BinarySecurityToken EncodingType="{B64}" ValueType="{X509}" wsu:Id="token-{n}">{signer.token()}'
        f'</wsse:BinarySecurityToken><ds:Signature xmlns:ds="{DS}">{nl}<ds:SignedInfo>{nl}'
        f'<ds:CanonicalizationMethod Algorithm="{EXC}"/>{nl}<ds:SignatureMethod Algorithm="{signer.sign_uri}"/>{nl}{refs}'
        f'</ds:SignedInfo>{nl}<ds:SignatureValue>VALUE</ds:SignatureValue>{nl}<ds:KeyInfo>{nl}<wsse:SecurityTokenReference>'
        f'<wsse:Reference URI="#token-{n}" ValueType="{X509}"/></wsse:SecurityTokenReference>{nl}</ds:KeyInfo>{nl}'
        f'</ds:Signature></wsse:Security>')
    security = etree.fromstring(text)
    header.insert(0, security)
    info = security.find(".//{%s}SignedInfo" % DS)
    value = signer.sign(c14n(info))
    if newline:
        value = "\n" + value[:76] + "\n" + value[76:] + "\n"
    security.find(".//{%s}SignatureValue" % DS).text = value


BODY = """<eq:cancelBookingRequest xmlns:eq="http://epgu.rtlabs.ru/equeue/ws/" xmlns:smev="http://smev.gosuslugi.ru/rev120315">
  <smev:Message>
    <smev:Sender><smev:Code>PGU001001</smev:Code><smev:Name>ЕПГУ</smev:Name></smev:Sender>
    <smev:Recipient><smev:Code>AAAA00001</smev:Code><smev:Name>Агентство &lt;&amp;&gt; "А"</smev:Name></smev:Recipient>
    <smev:TypeCode>GSRV</smev:TypeCode><smev:Status>REQUEST</smev:Status>
    <smev:Date>2026-11-22T10:45:00.000+03:00</smev:Date><smev:ExchangeType>2</smev:ExchangeType>
  </smev:Message>
  <smev:MessageData><smev:AppData unused="&#9;&#10;&#13;'">
    <eq:bookId>00000000-0000-4000-8000-000000000001</eq:bookId><eq:esiaId>1000000000</eq:esiaId>
  </smev:AppData></smev:MessageData>
</eq:cancelBookingRequest>"""


def message(with_header):
    smev = ('<smev:Header xmlns:smev="http://smev.gosuslugi.ru/rev120315" wsu:Id="smev-header"><smev:NodeId>00</smev:NodeId>'
            '<smev:MessageId>F3C71274-BA99-A159-89EB-21F6901DBF3B</smev:MessageId><smev:TimeStamp>2026-11-22T10:45:01.000+03:00'
            '</smev:TimeStamp><smev:MessageClass>REQUEST</smev:MessageClass></smev:Header>') if with_header else ''
    return etree.fromstring(
        f'<S:Envelope xmlns:S="{SOAP}" xmlns:wsu="{WSU}" xmlns:unused="urn:unused"><S:Header>{smev}</S:Header>'
        f'<S:Body wsu:Id="body">{BODY}</S:Body></S:Envelope>')


def write(name, doc):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(doc, encoding="unicode").encode())


def copy(signer, name):
    with open(signer.cert, "rb") as src, open(os.path.join(HERE, name), "wb") as dst:
        dst.write(src.read())


def main():
    with tempfile.TemporaryDirectory() as folder:
        ca = Signer(folder, "test-ca", "256")
        smev = Signer(folder, "test-smev", "256", ca)
        copy(ca, "ca.pem")
        for alg in ALGS:
            signer = Signer(folder, "test-" + alg, alg, ca)
            doc = message(False)
            add_security(doc, signer, "http://smev.gosuslugi.ru/actors/smev", ["body"], 1, False)
            write("request-%s.xml" % alg, doc)
        doc = message(True)
        add_security(doc, signer, "http://smev.gosuslugi.ru/actors/smev", ["body"], 1, True)
        add_security(doc, smev, "http://smev.gosuslugi.ru/actors/recipient", ["smev-header", "body"], 2, True)
        write("request-through-smev.xml", doc)


if __name__ == "__main__":
    sys.exit(main())
