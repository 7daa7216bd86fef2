#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""
Makes the messages of SMEV 3 in this folder without a line of the daemon's code: canonical form by lxml, the transform
by tests/lib/smevtransform.py, digests and signatures by the openssl program with the GOST engine. Keys are made anew on
each run and thrown away; names are made up. Run it by hand; what it wrote is committed.
"""
import os
import sys
import tempfile

from lxml import etree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../lib"))
sys.path.insert(0, HERE)
import make  # noqa: E402
import smevtransform  # noqa: E402
from make import DS, EXC, SOAP, Signer, c14n  # noqa: E402

SMEV3 = "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/"
TWO = (EXC, smevtransform.URI)
THREE = (DS + "enveloped-signature",) + TWO


def add_signature(root, place, element, signer, transforms=TWO, default_prefix=False):
    octets = smevtransform.transform(c14n(element))
    steps = "".join('<ds:Transform Algorithm="%s"/>' % t for t in transforms)
    text = (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC}"/>'
        f'<ds:SignatureMethod Algorithm="{signer.sign_uri}"/><ds:Reference URI="#{element.get("Id")}"><ds:Transforms>{steps}'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{signer.digest_uri}"/><ds:DigestValue>{signer.digest(octets)}</ds:DigestValue>'
        f'</ds:Reference></ds:SignedInfo><ds:SignatureValue>VALUE</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
        f'{signer.token()}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>')
    if default_prefix:
        text = text.replace("<ds:", "<").replace("</ds:", "</").replace("xmlns:ds=", "xmlns=").replace("<Reference ", '<Reference Id="r-1" ')
    place.append(etree.fromstring(text))
    value = signer.sign(c14n(place.find(".//{%s}SignedInfo" % DS)))
    place.find(".//{%s}SignatureValue" % DS).text = value[:60] + "\n" + value[60:] if default_prefix else value


METADATA = """<t:MessageId>0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:MessageId><t:MessageType>%s</t:MessageType><t:Sender>
<t:Mnemonic>TEST01</t:Mnemonic><t:HumanReadableName>Проверка &lt;&amp;&gt; "А"</t:HumanReadableName></t:Sender>
<t:SendingTimestamp>2026-11-01T10:00:00.000+03:00</t:SendingTimestamp><t:DestinationName>unknown</t:DestinationName><t:Recipient>
<t:Mnemonic>TEST02</t:Mnemonic><t:HumanReadableName>Ведомство</t:HumanReadableName></t:Recipient><t:SupplementaryData>
<t:InteractionType>NotDetected</t:InteractionType></t:SupplementaryData><t:Status>requestIsQueued</t:Status>"""

BUSINESS = """<q:cancelBookingRequest xmlns:q="http://epgu.rtlabs.ru/equeue/ws/" xmlns:unused="urn:unused" Id="A">
  <q:bookId>00000000-0000-4000-8000-000000000001</q:bookId><q:esiaId> </q:esiaId></q:cancelBookingRequest>"""


def envelope(version, inside):
    return etree.fromstring(
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:t="{SMEV3}{version}" xmlns:b="{SMEV3}basic/{version}"><soap:Body>{inside}</soap:Body>'
        '</soap:Envelope>')


def request():
    """Three signatures, one within the other, all over elements with one Id."""
    return envelope("1.1", f'<t:GetRequestResponse><t:RequestMessage><t:Request Id="A"><t:SenderProvidedRequestData Id="A"><t:MessageID>'
                    f'0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77</t:MessageID><b:MessagePrimaryContent>{BUSINESS}</b:MessagePrimaryContent>'
                    f'<t:PersonalSignature/></t:SenderProvidedRequestData><t:MessageMetadata>{METADATA % "REQUEST"}</t:MessageMetadata>'
                    f'<t:ReplyTo>reply</t:ReplyTo><t:SenderInformationSystemSignature/></t:Request><t:SMEVSignature/></t:RequestMessage>'
                    f'</t:GetRequestResponse>')


def response():
    return envelope("1.3", f'<t:GetResponseResponse><t:ResponseMessage><t:Response Id="SMEV"><t:OriginalMessageId>1e8cfc01-5e81-11e4-a9ff-'
                    f'd4c9eff07b77</t:OriginalMessageId><t:SenderProvidedResponseData Id="OV"><t:MessageID>0e8cfc01-5e81-11e4-a9ff-d4c9eff07b77'
                    f'</t:MessageID><t:To>to</t:To><b:MessagePrimaryContent>{BUSINESS}</b:MessagePrimaryContent><t:PersonalSignature/>'
                    f'</t:SenderProvidedResponseData><t:MessageMetadata>{METADATA % "RESPONSE"}</t:MessageMetadata>'
                    f'<t:SenderInformationSystemSignature/></t:Response><t:SMEVSignature/></t:ResponseMessage></t:GetResponseResponse>')


def sign(doc, element, personal, sender, smev, **of_sender):
    def one(name):
        return doc.find(".//{*}%s" % name)
    add_signature(doc, one("PersonalSignature"), one("MessagePrimaryContent")[0], personal)
    add_signature(doc, one("SenderInformationSystemSignature"), one("SenderProvided%sData" % element), sender, **of_sender)
    add_signature(doc, one("SMEVSignature"), one(element), smev)


def write(name, doc):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(doc, encoding="unicode").encode())


def main():
    with tempfile.TemporaryDirectory() as folder:
        ca = Signer(folder, "test-ca-3", "256")
        make.copy(ca, "smev3-ca.pem")
        by = {alg: Signer(folder, "test-3-" + alg, alg, ca) for alg in make.ALGS}
        doc = request()
        sign(doc, "Request", by["512"], by["2001"], by["256"])
        write("smev3-request.xml", doc)
        doc = response()
        sign(doc, "Response", by["256"], by["256"], by["512"], transforms=THREE, default_prefix=True)
        write("smev3-response.xml", doc)
        doc = request()
        sign(doc, "Request", by["256"], by["512"], by["2001"])
        write("smev3-request-2001.xml", doc)


if __name__ == "__main__":
    sys.exit(main())
