# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""GOST R 34.11/34.10 by libgcrypt, and as much DER as keys and certificates need. No OpenSSL: a second opinion.

Byte orders. XML signatures and certificates carry s || r, big-endian; libgcrypt wants the digest reversed and r, s apart.
Keys in DER are little-endian.
"""
import base64
import calendar
import ctypes
import ctypes.util
import re
import time

_lib = ctypes.CDLL(ctypes.util.find_library("gcrypt") or "libgcrypt.so.20")
_lib.gcry_check_version.restype = ctypes.c_char_p
_lib.gcry_strerror.restype = ctypes.c_char_p
_lib.gcry_md_get_algo_dlen.restype = ctypes.c_uint
_lib.gcry_sexp_find_token.restype = ctypes.c_void_p
_lib.gcry_sexp_find_token.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
_lib.gcry_sexp_nth_data.restype = ctypes.c_void_p
_lib.gcry_sexp_nth_data.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_size_t)]
_lib.gcry_sexp_release.argtypes = [ctypes.c_void_p]
_lib.gcry_sexp_release.restype = None
_lib.gcry_md_hash_buffer.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
_lib.gcry_md_hash_buffer.restype = None
_lib.gcry_sexp_sscan.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_size_t), ctypes.c_char_p, ctypes.c_size_t]
_lib.gcry_pk_sign.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_void_p]
_lib.gcry_pk_verify.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_lib.gcry_pk_testkey.argtypes = [ctypes.c_void_p]

_DISABLE_SECMEM, _INITIALIZATION_FINISHED = 37, 38
_lib.gcry_check_version(None)
_lib.gcry_control(_DISABLE_SECMEM, 0)
_lib.gcry_control(_INITIALIZATION_FINISHED, 0)

GOST94, STREEBOG256, STREEBOG512 = "gost94", "streebog256", "streebog512"
_MD = {GOST94: 311, STREEBOG256: 309, STREEBOG512: 310}  # gcry_md_algos; 311 is 34.11-94 with the CryptoPro S-box

KEY_2001, KEY_256, KEY_512 = "1.2.643.2.2.19", "1.2.643.7.1.1.1.1", "1.2.643.7.1.1.1.2"
KEY_DIGEST = {KEY_2001: GOST94, KEY_256: STREEBOG256, KEY_512: STREEBOG512}
SIGNATURE_DIGEST = {"1.2.643.2.2.3": GOST94, "1.2.643.7.1.1.3.2": STREEBOG256, "1.2.643.7.1.1.3.3": STREEBOG512}
CURVES = {
    "1.2.643.2.2.35.1": "GOST2001-CryptoPro-A", "1.2.643.2.2.35.2": "GOST2001-CryptoPro-B",
    "1.2.643.2.2.35.3": "GOST2001-CryptoPro-C", "1.2.643.2.2.36.0": "GOST2001-CryptoPro-A",
    "1.2.643.2.2.36.1": "GOST2001-CryptoPro-C", "1.2.643.7.1.2.1.1.1": "GOST2012-256-A",
    "1.2.643.7.1.2.1.1.2": "GOST2001-CryptoPro-A", "1.2.643.7.1.2.1.1.3": "GOST2001-CryptoPro-B",
    "1.2.643.7.1.2.1.1.4": "GOST2001-CryptoPro-C", "1.2.643.7.1.2.1.2.1": "GOST2012-512-tc26-A",
    "1.2.643.7.1.2.1.2.2": "GOST2012-512-tc26-B", "1.2.643.7.1.2.1.2.3": "GOST2012-512-tc26-C",
}


class GostError(Exception):
    pass


def digest(name, data):
    size = _lib.gcry_md_get_algo_dlen(_MD[name])
    if not size:
        raise GostError("libgcrypt has no " + name)
    out = ctypes.create_string_buffer(size)
    _lib.gcry_md_hash_buffer(_MD[name], out, bytes(data), len(data))
    return out.raw


# ---- S-expressions --------------------------------------------------------------------------------------------------

class _Sexp:
    def __init__(self, text=None):
        self.handle = ctypes.c_void_p()
        if text is not None:
            raw = text.encode("ascii")
            code = _lib.gcry_sexp_sscan(ctypes.byref(self.handle), None, raw, len(raw))
            if code:
                raise GostError("sexp: " + _lib.gcry_strerror(code).decode())

    def __del__(self):
        _lib.gcry_sexp_release(self.handle)

    def value(self, token):
        found = _Sexp()
        found.handle = ctypes.c_void_p(_lib.gcry_sexp_find_token(self.handle, token, 0))
        size = ctypes.c_size_t()
        data = _lib.gcry_sexp_nth_data(found.handle, 1, ctypes.byref(size))
        if not data:
            raise GostError("no %s in the signature" % token.decode())
        return ctypes.string_at(data, size.value)


def _data(value):
    return _Sexp("(data (flags gost) (value #%s#))" % value[::-1].hex())


# ---- DER ------------------------------------------------------------------------------------------------------------

class Der:
    """One value: tag, content, and the whole encoding."""

    def __init__(self, data, start=0, end=None):
        end = len(data) if end is None else end
        if start + 2 > end:
            raise GostError("DER: truncated")
        self.tag, size, at = data[start], data[start + 1], start + 2
        if size & 0x80:
            n = size & 0x7F
            if not 1 <= n <= 4 or at + n > end:
                raise GostError("DER: bad length")
            size, at = int.from_bytes(data[at:at + n], "big"), at + n
        if at + size > end:
            raise GostError("DER: length beyond the end")
        self.content, self.raw, self.end = data[at:at + size], data[start:at + size], at + size

    def children(self):
        out, at = [], 0
        while at < len(self.content):
            child = Der(self.content, at)
            out.append(child)
            at = child.end
        return out

    def oid(self):
        if self.tag != 6:
            raise GostError("DER: not an object identifier")
        arcs, value = [], 0
        for byte in self.content:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                arcs.append(value)
                value = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(str(n) for n in [first, arcs[0] - 40 * first] + arcs[1:])

    def time(self):
        text = self.content.decode("ascii")
        if self.tag == 0x17:
            text = ("20" if text[0] < "5" else "19") + text
        return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))


def pem(text, label):
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    found = re.search("-----BEGIN %s-----(.*?)-----END %s-----" % (label, label), text, re.S)
    if not found:
        raise GostError("no %s in the PEM file" % label)
    return base64.b64decode(found.group(1))


def _algorithm(der):
    parts = der.children()
    kind = parts[0].oid()
    if kind not in KEY_DIGEST or len(parts) < 2 or parts[1].tag != 0x30:
        raise GostError("not a GOST key: " + kind)
    curve = CURVES.get(parts[1].children()[0].oid())
    if curve is None:
        raise GostError("unknown parameter set " + parts[1].children()[0].oid())
    return kind, curve


class PrivateKey:
    def __init__(self, text):
        _, algorithm, octets = Der(pem(text, "PRIVATE KEY")).children()[:3]
        self.kind, curve = _algorithm(algorithm)
        self.digest = KEY_DIGEST[self.kind]
        self.size = 64 if self.kind == KEY_512 else 32
        raw = octets.content
        if len(raw) != self.size:
            inner = Der(raw)  # an INTEGER or an OCTET STRING once more: older engines
            raw = inner.content if inner.tag == 4 else inner.content[::-1]
        d = raw[::-1].hex()
        self._sexp = _Sexp("(private-key (ecc (curve %s) (d #%s#)))" % (curve, d))

    def sign(self, data):
        out, value = _Sexp(), _data(digest(self.digest, data))  # kept in variables: a temporary would be released too soon
        code = _lib.gcry_pk_sign(ctypes.byref(out.handle), value.handle, self._sexp.handle)
        if code:
            raise GostError("sign: " + _lib.gcry_strerror(code).decode())
        return out.value(b"s").rjust(self.size, b"\0") + out.value(b"r").rjust(self.size, b"\0")


class Certificate:
    """What a verifier needs of an X.509 certificate."""

    def __init__(self, der):
        self.der = bytes(der)
        tbs, algorithm, signature = Der(self.der).children()
        fields = tbs.children()
        if fields[0].tag == 0xA0:
            fields = fields[1:]
        self.serial, self.issuer, self.subject = int.from_bytes(fields[0].content, "big"), fields[2].raw, fields[4].raw
        self.not_before, self.not_after = (t.time() for t in fields[3].children())
        spki = fields[5].children()
        self.kind, curve = _algorithm(spki[0])
        self.digest = KEY_DIGEST[self.kind]
        point = Der(spki[1].content[1:]).content  # BIT STRING with no unused bits, an OCTET STRING inside
        self.size = len(point) // 2
        if self.size != (64 if self.kind == KEY_512 else 32):
            raise GostError("public key of a strange size")
        x, y = point[:self.size][::-1], point[self.size:][::-1]
        self._sexp = _Sexp("(public-key (ecc (curve %s) (q #04%s%s#)))" % (curve, x.hex(), y.hex()))
        self._tbs, self._signature = tbs.raw, signature.content[1:]
        self._signature_digest = SIGNATURE_DIGEST.get(algorithm.children()[0].oid())

    @classmethod
    def from_pem(cls, text):
        return cls(pem(text, "CERTIFICATE"))

    def verify(self, data, signature, name=None):
        """True only for a good signature over data."""
        if len(signature) != 2 * self.size:
            return False
        s, r = signature[:self.size], signature[self.size:]
        signed, value = _Sexp("(sig-val (gost (r #%s#) (s #%s#)))" % (r.hex(), s.hex())), _data(digest(name or self.digest, data))
        return _lib.gcry_pk_verify(signed.handle, value.handle, self._sexp.handle) == 0

    def check_issued_by(self, authority, now=None):
        """Raises unless `authority` signed this certificate and both are within their dates."""
        now = time.time() if now is None else now
        if self.issuer != authority.subject:
            raise GostError("certificate of another issuer")
        if self._signature_digest is None or not authority.verify(self._tbs, self._signature, self._signature_digest):
            raise GostError("certificate not signed by the authority")
        for cert in (self, authority):
            if not cert.not_before <= now <= cert.not_after:
                raise GostError("certificate outside its dates")
