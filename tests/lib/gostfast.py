# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""GOST R 34.10 on CryptoPro's curve A of 256 bits and on tc26's curve A of 512 in Python, for keys that sign and verify thousands of times.

libgcrypt takes 1 ms a signature and 1.4 ms a verification (of 512 bits 3 and 4); with multiples of the point kept (255 a byte of the number,
made once a key, in some 60 ms; of 512 bits 200) Python's own integers do it in a fifth. Other curves go to libgcrypt. Proved against it
by tests/e2e/test_smev3_core.py.
"""
import secrets

import gost

class Curve:
    """y**2 = x**3 - 3x + b over the numbers below p; q points, of which g makes all."""

    def __init__(self, size, p, q, b, g):
        self.size, self.p, self.q, self.b, self.g = size, p, q, b, g
        self._base = None

    @property
    def base(self):
        if self._base is None:
            self._base = Table(self, self.g)
        return self._base

    def number(self, digest_name, data):
        return int.from_bytes(gost.digest(digest_name, data), "little") % self.q or 1

    def affine_x(self, point):
        if not point[2]:
            return None
        one = pow(point[2], -1, self.p)
        return point[0] * one * one % self.p


CURVES = {
    # RFC 4357, 11.4: id-GostR3410-2001-CryptoPro-A-ParamSet.
    "GOST2001-CryptoPro-A": Curve(32, 2 ** 256 - 617, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893, 166, (
        1, 0x8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14)),
    # RFC 7836, A.2: id-tc26-gost-3410-12-512-paramSetA.
    "GOST2012-512-tc26-A": Curve(64, 2 ** 512 - 569, (
        2 ** 512 - 2 ** 256 + 0x27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275), (
        0xE8C2505DEDFC86DDC1BD0B2B6667F1DA34B82574761CB0E879BD081CFD0B6265EE3CB090F30D27614CB4574010DA90DD862EF9D4EBEE4761503190785A71C760), (
        3, 0x7503CFE87A836AE3A61B8816E25450E6CE5E1C93ACF1ABC1778064FDCBEFA921DF1626BE4FD036E93D75E6A50E3A41E98028FE5FC235F5B889A589CB5215F2A4)),
}


def _double(p, P):
    x, y, z = p
    if not y:
        return (1, 1, 0)
    zz = z * z % P
    m = 3 * (x - zz) * (x + zz) % P  # a is -3
    yy = y * y % P
    s = 4 * x * yy % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(p, q, P):
    """p of three coordinates, q of two."""
    x1, y1, z1 = p
    x2, y2 = q
    if not z1:
        return (x2, y2, 1)
    zz = z1 * z1 % P
    h = (x2 * zz - x1) % P
    r = (y2 * z1 * zz - y1) % P
    if not h:
        return _double(p, P) if not r else (1, 1, 0)
    hh = h * h % P
    hhh = h * hh % P
    v = x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _flat(points, P):
    """Points of three coordinates to points of two, with one inversion for all."""
    products, running = [], 1
    for _, _, z in points:
        products.append(running)
        running = running * z % P
    inverse, out = pow(running, -1, P), [None] * len(points)
    for i in range(len(points) - 1, -1, -1):
        x, y, z = points[i]
        one = inverse * products[i] % P
        inverse = inverse * z % P
        square = one * one % P
        out[i] = (x * square % P, y * square * one % P)
    return out


class Table:
    """Multiples of a point: digit j at position i stands for j * 256**i times it."""

    def __init__(self, curve, point):
        P, (x, y) = curve.p, point
        if (y * y - x * x * x + 3 * x - curve.b) % P:
            raise gost.GostError("point is not on the curve")
        rows, base = [], point
        for _ in range(curve.size):
            # The base point of the next row is the last of this one once more added.
            row = [(base[0], base[1], 1)]
            row.append(_double(row[0], P))
            for _ in range(254):
                row.append(_add(row[-1], base, P))
            flat = _flat(row, P)
            rows.append([None] + flat[:255])
            base = flat[255]
        self.curve, self.rows = curve, rows

    def add_times(self, total, k):
        """total + k * point."""
        P = self.curve.p
        for row, digit in zip(self.rows, k.to_bytes(self.curve.size, "little")):
            if digit:
                total = _add(total, row[digit], P)
        return total


_tables = {}


class PrivateKey(gost.PrivateKey):
    """Signs like gost.PrivateKey, sooner; what of a signature does not depend on what is signed can be made ready before."""

    def __init__(self, text):
        super().__init__(text)
        _, algorithm, octets = gost.Der(gost.pem(text, "PRIVATE KEY")).children()[:3]
        self._d, self._curve = None, CURVES.get(gost.CURVES.get(algorithm.children()[1].children()[0].oid()))
        if self._curve is not None and self._curve.size == self.size:
            raw = octets.content
            if len(raw) != self.size:
                inner = gost.Der(raw)
                raw = inner.content if inner.tag == 4 else inner.content[::-1]
            self._d = int.from_bytes(raw, "little") % self._curve.q
        self._ready = []

    def make_ready(self, n):
        """The points of n signatures to come; each is used once."""
        while self._d is not None and len(self._ready) < n:
            self._ready.append(self._point())

    def _point(self):
        curve = self._curve
        k = secrets.randbelow(curve.q - 1) + 1
        return k, curve.affine_x(curve.base.add_times((1, 1, 0), k)) % curve.q

    def sign(self, data):
        if self._d is None:
            return super().sign(data)
        e = self._curve.number(self.digest, data)
        while True:
            k, r = self._ready.pop() if self._ready else self._point()
            s = (r * self._d + k * e) % self._curve.q
            if r and s:
                return s.to_bytes(self.size, "big") + r.to_bytes(self.size, "big")


class Certificate(gost.Certificate):
    """Verifies like gost.Certificate, sooner: the second time and on, with a table that all certificates of a key share."""

    def __init__(self, der):
        super().__init__(der)
        tbs = gost.Der(self.der).children()[0].children()
        spki = tbs[6 if tbs[0].tag == 0xA0 else 5].children()
        point = gost.Der(spki[1].content[1:]).content
        self._curve = CURVES.get(gost.CURVES.get(spki[0].children()[1].children()[0].oid()))
        fast = self._curve is not None and self._curve.size == self.size
        self._point = (int.from_bytes(point[:self.size], "little"), int.from_bytes(point[self.size:], "little")) if fast else None

    def verify(self, data, signature, name=None):
        if self._point is None or len(signature) != 2 * self.size:
            return super().verify(data, signature, name)
        curve, table = self._curve, _tables.get(self._point)
        if table is None:
            # A key seen once costs no table; the next time it has one.
            _tables[self._point] = False
            return super().verify(data, signature, name)
        if table is False:
            if len(_tables) > 256:
                _tables.clear()
            table = _tables[self._point] = Table(curve, self._point)
        s, r = int.from_bytes(signature[:self.size], "big"), int.from_bytes(signature[self.size:], "big")
        if not (0 < r < curve.q and 0 < s < curve.q):
            return False
        v = pow(curve.number(name or self.digest, data), -1, curve.q)
        total = curve.base.add_times((1, 1, 0), s * v % curve.q)
        x = curve.affine_x(table.add_times(total, -r * v % curve.q))
        return x is not None and x % curve.q == r
