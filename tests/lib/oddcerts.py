# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Certificates with any octets for a subject: a good one is taken apart, dressed anew and signed by its authority. Nothing of the
program under test is in here, nor of OpenSSL, which would refuse to make many of them."""
import base64
import hashlib

import gost

CANARY = "KANAREIKA"  # stands in what is a person's
PLAIN = "visible"

CN, O, OU, C, L = "2.5.4.3", "2.5.4.10", "2.5.4.11", "2.5.4.6", "2.5.4.7"
SNILS, OGRN, OGRNIP, INN, INNLE = "1.2.643.100.3", "1.2.643.100.1", "1.2.643.100.5", "1.2.643.3.131.1.1", "1.2.643.100.4"
OF_PERSONS = [SNILS, OGRNIP, INN, "2.5.4.4", "2.5.4.42", "2.5.4.43", "2.5.4.65", "2.5.4.12", "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.1", "1.2.3.4"]
OF_ORGANIZATIONS = [O, OU, C, L, OGRN, INNLE]
UTF8, T61, BMP, UNIVERSAL, PRINTABLE, IA5, OCTETS = 12, 20, 30, 28, 19, 22, 4
ODD = ["\n", "\r\n<3>", "\0", "\x1b[2J", "]", "[", '"', "\\", "=", ", CN=x", "\u202e", "\u2066", "\u200b", "\u0085", "\u2028", "\ufeff", "Ж", "%s%n", " "]


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def oid(text):
    arcs = [int(n) for n in text.split(".")]
    out = b""
    for n in [40 * arcs[0] + arcs[1]] + arcs[2:]:
        octets = [n & 0x7F]
        while n := n >> 7:
            octets.insert(0, n & 0x7F | 0x80)
        out += bytes(octets)
    return der(6, out)


def value(tag, text):
    """As this kind of string has it; what it has not, is there all the same."""
    if tag == BMP:
        return der(tag, text.encode("utf-16-be", "surrogatepass"))
    if tag == UNIVERSAL:
        return der(tag, text.encode("utf-32-be", "surrogatepass"))
    return der(tag, text.encode() if tag == UTF8 else text.encode("latin-1", "replace"))


def name(rdns):
    """rdns: lists of (oid, tag, text)."""
    return der(0x30, *[der(0x31, *[der(0x30, oid(o), value(tag, text)) for o, tag, text in rdn]) for rdn in rdns])


def dress(good, authority_key, subject):
    """The certificate good (DER) with another subject, signed by a GOST key; DER."""
    tbs, algorithm, _ = gost.Der(good).children()
    fields = [f.raw for f in tbs.children()]
    fields[5] = subject  # version, serial, algorithm, issuer, validity, subject
    made = der(0x30, *fields)
    return der(0x30, made, algorithm.raw, der(3, b"\0" + authority_key.sign(made)))


def pem(octets):
    text = base64.b64encode(octets).decode()
    return "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % "\n".join(text[i:i + 64] for i in range(0, len(text), 64))


def fingerprint(octets):
    """As openssl x509 -fingerprint -sha256 writes it."""
    return ":".join("%02X" % b for b in hashlib.sha256(octets).digest())


def subject_at_random(rng):
    """DER: a person's name or an organization's, of several kinds of strings, in sets, long, many."""
    is_person, rdns = rng.random() < 0.6, []
    count = 200 if rng.random() < 0.05 else rng.randint(0, 7)
    sign = rng.randint(0, count)
    for i in range(count + 1):
        o = rng.choice(OF_PERSONS) if is_person and i == sign else rng.choice(OF_ORGANIZATIONS + [CN] * 3)
        secret = is_person and (i == sign or o == CN)
        text = "".join(rng.choice(ODD) for _ in range(rng.randint(0, 5))) + (CANARY if secret else PLAIN) * (60 if rng.random() < 0.05 else 1)
        part = (o, rng.choice([UTF8, UTF8, UTF8, T61, BMP, UNIVERSAL, PRINTABLE, IA5, OCTETS]), text)
        if rdns and rng.random() < 0.3:
            rdns[-1].append(part)
        else:
            rdns.append([part])
    return name(rdns)
