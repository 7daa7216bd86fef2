# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Authorities, certificates and revocation lists for TLS, made by the openssl program in a folder: each authority NAME has NAME.key,
NAME.pem and a database of its own."""
import os
import subprocess
import time

GONE, NOW, NEXT = ("20200101000000Z", "20210101000000Z"), ("20240101000000Z", "20990101000000Z"), ("20980101000000Z", "20990101000000Z")

CONF = """openssl_conf = init
[init]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
[req]
distinguished_name = dn
prompt = no
[dn]
[any]
organizationName = optional
commonName = supplied
[ca_x]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[client_x]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
[server_x]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment,keyAgreement
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,IP:127.0.0.1
[strange_x]
keyUsage = critical,digitalSignature
1.2.643.99.1 = critical,ASN1:UTF8String:unknown
"""
AUTHORITY = """[{0}]
database = ./{0}.index
serial = ./{0}.serial
crlnumber = ./{0}.crlnumber
new_certs_dir = .
certificate = ./{0}.pem
private_key = ./{0}.key
default_md = {1}
policy = any
unique_subject = no
"""


class TlsPki:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "openssl.cnf").write_text(CONF)
        self.serial = 4096

    def run(self, *args):
        done = subprocess.run(["openssl", *map(str, args)], cwd=self.folder, capture_output=True, text=True,
                              env=dict(os.environ, OPENSSL_CONF=str(self.folder / "openssl.cnf")))
        if done.returncode != 0:
            raise AssertionError("openssl %s: %s" % (" ".join(map(str, args)), done.stderr))
        return done.stdout

    def key(self, name, gost=False):
        options = ["-algorithm", "gost2012_256", "-pkeyopt", "paramset:A"] if gost else ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        self.run("genpkey", *options, "-out", name + ".key")

    def request(self, name, cn):
        self.run("req", "-new", "-key", name + ".key", "-subj", "/O=zapisd tests/CN=" + cn, "-out", name + ".csr")

    def issue(self, name, by, extensions, dates):
        self.run("ca", "-name", by, "-batch", "-notext", "-in", name + ".csr", "-out", name + ".pem", "-extensions", extensions,
                 "-startdate", dates[0], "-enddate", dates[1], *(["-selfsign"] if name == by else []))

    def authority(self, name, by=None, dates=NOW, cn=None, gost=False):
        self.key(name, gost)
        with open(self.folder / "openssl.cnf", "a", encoding="utf-8") as f:
            f.write(AUTHORITY.format(name, "md_gost12_256" if gost else "sha256"))
        for end, text in (("index", ""), ("serial", "%X\n" % self.serial), ("crlnumber", "01\n")):
            (self.folder / (name + "." + end)).write_text(text)
        self.serial += 4096
        self.request(name, cn or name)
        self.issue(name, by or name, "ca_x", dates)
        return name + ".pem"

    def leaf(self, name, by, extensions="client_x", dates=NOW, gost=False, cn=None):
        self.key(name, gost)
        self.request(name, cn or name)
        self.issue(name, by, extensions, dates)
        return name + ".pem"

    def crl(self, file, by, revoked=(), dates=None):
        """A list of that authority's with these certificates and no others; dates: thisUpdate, nextUpdate."""
        index = (self.folder / (by + ".index")).read_text()
        for name in revoked:
            self.run("ca", "-name", by, "-revoke", name + ".pem")
        begin, end = dates or (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - 3600)), NOW[1])
        self.run("ca", "-name", by, "-gencrl", "-crl_lastupdate", begin, "-crl_nextupdate", end, "-out", file)
        (self.folder / (by + ".index")).write_text(index)
        return (self.folder / file).read_text()

    def join(self, file, *names):
        (self.folder / file).write_text("".join((self.folder / n).read_text() for n in names))

    def serial_of(self, name):
        return self.run("x509", "-in", name + ".pem", "-noout", "-serial").strip().partition("=")[2]
