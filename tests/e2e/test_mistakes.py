#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""O2, L4, L5: `check` and `run` are of one mind. Every seeded mistake is named with its line; what `check` calls fatal does not start, and
whatever else it says, `run` starts and serves whom it can."""
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

import e2e
from e2e import BINARY, BUILD, NAME, SOURCE

from instance import free_ports

FATAL, BAD, WARN, GOOD = "fatal", "bad", "warn", "good"
DIR = (BUILD / "e2e" / NAME).resolve()
PKI = DIR / "pki"


def openssl(*args, conf="openssl.cnf"):
    env = {"PATH": os.environ["PATH"], "OPENSSL_CONF": str(PKI / conf)}
    done = subprocess.run(["openssl", *args], cwd=PKI, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)


def make_files():
    """Beside the test PKI: what a mistake needs."""
    subprocess.run(["bash", SOURCE / "tests/lib/pki.sh", PKI], check=True)
    (PKI / "plain.cnf").write_text("[req]\ndistinguished_name = dn\n[dn]\n")
    for name, options in (("tls", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("tls2", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("rsa", ["RSA"])):
        openssl("genpkey", "-algorithm", *options, "-out", name + ".key", conf="plain.cnf")
        openssl("req", "-x509", "-new", "-key", name + ".key", "-subj", "/CN=localhost", "-out", name + ".pem", "-days", "300", conf="plain.cnf")
    openssl("x509", "-in", "portal.pem", "-outform", "DER", "-out", "portal.der")
    openssl("x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der")
    openssl("crl", "-in", "ca.crl", "-outform", "DER", "-out", "crl.der")
    openssl("ca", "-gencrl", "-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20260102000000Z", "-out", "old.crl")
    openssl("ca", "-gencrl", "-cert", "stranger-ca.pem", "-keyfile", "stranger-ca.key", "-out", "stranger.crl")
    with open(PKI / "openssl.cnf", "a") as f:
        f.write("[indirect]\nissuingDistributionPoint = critical,@idp\n[idp]\nindirectCRL = TRUE\n")
    openssl("ca", "-gencrl", "-crlexts", "indirect", "-out", "indirect.crl")
    (PKI / "garbage.pem").write_bytes(os.urandom(500))
    (PKI / "empty.pem").write_text("")
    for name, source, mode in (("open.key", "agency-a.key", 0o644), ("open.pem", "trust.pem", 0o666), ("open.crl", "ca.crl", 0o646), ("tls-open.key", "tls.key", 0o604)):
        shutil.copy(PKI / source, PKI / name)
        (PKI / name).chmod(mode)


def swap(old, new):
    return lambda text: text.replace(old, new)


def add(section, line):
    return lambda text: text.replace(section + "\n", section + "\n" + line + "\n", 1)


def push(old="", new="", *more):
    """The way to the portal, changed."""
    return lambda text: text + "\n".join([PUSH.replace(old, new) if old else PUSH, *more]) + "\n"


PUSH = """
[push AAAA00001]
url = http://192.0.2.10:8080/equeue
portal = PGU001001
exchange_type = 2
service_name = PguEqueue"""
QUEUE = """
[smev3 epgu]
agency = AAAA00001
endpoint = http://192.0.2.10:7500/smev/v1.2/ws
smev = SMEV00001
"""
P = str(PKI)
TLS = "tls_cert = %s/tls.pem\ntls_key = %s/tls.key" % (P, P)

# name, edit, what it is, words of the line with the mistake, words of the message
MISTAKES = [
    ("socket in a folder that is not there", swap("address = 127.0.0.1:@PLAIN@", "address = unix:/nonexistent/zapisd/x.sock"), FATAL, "unix:/nonexistent", "No such file"),
    ("socket where a file lies", swap("address = 127.0.0.1:@PLAIN@", "address = unix:%s/ca.pem" % P), FATAL, "address = unix:", "another kind"),
    ("address of another machine", swap("address = 127.0.0.1:@SMEV2@", "address = 203.0.113.77:@SMEV2@"), FATAL, "203.0.113.77", "203.0.113.77"),
    ("port that somebody has", swap("address = 127.0.0.1:@SMEV2@", "address = 127.0.0.1:@TAKEN@"), FATAL, "@TAKEN@", "listens there already"),
    ("admin port that somebody has", swap("address = 127.0.0.1:@ADMIN@", "address = 127.0.0.1:@TAKEN@"), FATAL, "@TAKEN@", "listens there already"),
    ("one port twice through 0.0.0.0", swap("address = 127.0.0.1:@SMEV2@", "address = 0.0.0.0:@PLAIN@"), FATAL, "address = 0.0.0.0", "the same as that of"),
    ("tls_key of another certificate", add("[listener plain]", TLS.replace("tls.key", "tls2.key")), FATAL, "tls_key =", "tls2.key"),
    ("nonsense in tls_ciphers", add("[listener plain]", TLS + "\ntls_ciphers = nonsense"), FATAL, "tls_ciphers =", "cipher list"),
    ("tls_cert that is not there", add("[listener plain]", TLS.replace("tls.pem", "missing.pem")), FATAL, "tls_cert =", "missing.pem"),
    ("tls_cert in DER", add("[listener plain]", TLS.replace("tls.pem", "portal.der")), FATAL, "tls_cert =", "portal.der"),
    ("tls_client_ca that is garbage", add("[listener plain]", TLS + "\ntls_client_ca = %s/garbage.pem" % P), FATAL, "tls_client_ca =", "garbage.pem"),
    ("tls_key that anybody may read", add("[listener plain]", TLS.replace("tls.key", "tls-open.key")), BAD, "tls_key =", "read this secret"),
    ("anchors that are not there", swap("trust.pem", "missing.pem"), FATAL, "anchors =", "missing.pem: cannot be read"),
    ("anchors in DER", swap("trust.pem", "ca.der"), FATAL, "anchors =", "is DER"),
    ("anchors that are empty", swap("trust.pem", "empty.pem"), FATAL, "anchors =", "is empty"),
    ("anchors that are garbage", swap("trust.pem", "garbage.pem"), FATAL, "anchors =", "garbage.pem"),
    ("anchors that are a key", swap("trust.pem", "ca.key"), FATAL, "anchors =", "private key"),
    ("anchors that anybody may write", swap("trust.pem", "open.pem"), BAD, "anchors =", "anybody may write"),
    ("chain that is a list", add("[trust]", "chain = %s/old.crl" % P), FATAL, "chain =", "expected certificates"),
    ("list that is a certificate", swap("/ca.crl", "/ca.pem"), FATAL, "crl =", "expected revocation lists"),
    ("list in DER", swap("/ca.crl", "/crl.der"), FATAL, "crl =", "is DER"),
    ("list that has run out", swap("/ca.crl", "/old.crl"), BAD, "portal.pem", "CRL has expired"),
    ("list that somebody else signed", swap("/ca.crl", "/stranger.crl"), BAD, "crl =", "no certificate of its issuer"),
    ("list of other issuers", swap("/ca.crl", "/indirect.crl"), BAD, "crl =", "indirectCRL"),
    ("list that anybody may write", swap("/ca.crl", "/open.crl"), BAD, "crl =", "anybody may write"),
    ("schemas that are not there", swap("schema_dir = ", "schema_dir = /nonexistent"), FATAL, "schema_dir", "nonexistent"),
    ("WSDL that is not there", swap("wsdl_dir = ", "wsdl_dir = /nonexistent"), BAD, "wsdl_dir", "nonexistent"),
    ("sender's certificate not there", swap("/portal.pem", "/missing.pem"), BAD, "missing.pem", "cannot be read"),
    ("sender's certificate in DER", swap("/portal.pem", "/portal.der"), BAD, "portal.der", "is DER"),
    ("sender's certificate is garbage", swap("/portal.pem", "/garbage.pem"), BAD, "garbage.pem", "garbage.pem"),
    ("sender's certificate revoked in the very list", swap("/smev.pem", "/revoked.pem"), BAD, "revoked.pem", "revoked"),
    ("sender's only certificate has run out", swap("/smev.pem", "/expired.pem"), BAD, "expired.pem", "expired"),
    ("sender's certificate is RSA", swap("/smev.pem", "/rsa.pem"), BAD, "rsa.pem", "GOST"),
    ("sender's certificate is of 2001", swap("/smev.pem", "/portal-2001.pem"), BAD, "portal-2001.pem", "allow_gost2001"),
    ("sender's certificate by a stranger", swap("/smev.pem", "/stranger.pem"), BAD, "stranger.pem", "issuer"),
    ("sender's certificate is not for signatures", swap("/smev.pem", "/nousage.pem"), BAD, "nousage.pem", "not for signatures"),
    ("one certificate for two senders", swap("/smev.pem", "/./portal.pem"), BAD, "/./portal.pem", "stands for sender PGU001001"),
    ("old certificate beside the new one", add("[sender PGU001001]", "cert = %s/expired.pem" % P), WARN, "expired.pem", "expired"),
    ("own key of another certificate", swap("/agency-a.key", "/portal.key"), BAD, "key = %s/portal.key" % P, "does not belong to"),
    ("own key not there", swap("/agency-a.key", "/missing.key"), BAD, "missing.key", "cannot be read"),
    ("own key that anybody may read", swap("/agency-a.key", "/open.key"), BAD, "open.key", "read this secret"),
    ("own certificate has run out", lambda t: t.replace("/agency-a.", "/expired."), BAD, "cert = %s/expired.pem" % P, "expired"),
    ("own certificate revoked", lambda t: t.replace("/agency-a.", "/revoked."), BAD, "cert = %s/revoked.pem" % P, "revoked"),
    ("own certificate by a stranger", lambda t: t.replace("/agency-a.", "/stranger."), BAD, "cert = %s/stranger.pem" % P, "issuer"),
    ("own certificate is not for signatures", lambda t: t.replace("/agency-a.", "/nousage."), BAD, "cert = %s/nousage.pem" % P, "not for signatures"),
    ("admin open to all", swap("address = 127.0.0.1:@ADMIN@", "address = 0.0.0.0:@ADMIN@"), WARN, "0.0.0.0:@ADMIN@", "open to whoever"),
    ("conninfo that is none", swap("@CONNINFO@", "host=/tmp dbname zapisd"), BAD, "conninfo =", "in connection info string"),
    ("unsigned listener for an agency that is not there", add("[listener plain]", "agency = ZZZZ00009"), FATAL, "agency = ZZZZ00009", "no [agency CODE] section"),
    ("departures named, and read strictly all the same", add("[sender PGU001001]", "lenient = order"), WARN, "lenient = order", "without reading = lenient"),
    ("departures named of an unsigned listener", add("[listener plain]", "reading = strict\nlenient = date"), WARN, "lenient = date", "without reading = lenient"),
    ("departures named, and read leniently", add("[sender PGU001001]", "reading = lenient\nlenient = order"), GOOD, None, None),
    ("word that is no key", swap("conninfo =", "connection ="), FATAL, "connection =", "is not a key of"),
    ("list for signed messages", add("[listener smev2]", "lenient = order"), FATAL, "lenient = order", "is said in [sender CODE]"),
    ("strictness for signed messages", add("[listener smev2]", "reading = strict"), WARN, "reading = strict", "reading has no effect"),
    ("consent that nothing asks for", add("[listener plain]", "plain_on_public_address = i-know-it-is-unsigned"), WARN, "plain_on_public_address", "has no effect: the address is local"),
    ("senders and nobody to ask who calls", swap("kind = smev2", "kind = plain"), WARN, "cert = %s/smev.pem" % P, "has no effect: there is no smev2 listener"),
    ("agencies and nobody to sign for", swap("kind = smev2", "kind = plain"), WARN, "key = %s/agency-a.key" % P, "has no effect: there is no smev2 listener"),
    ("portal without a way of its own", push("portal = PGU001001", "portal = NOBODY001"), FATAL, "portal = NOBODY001", "names no [sender CODE]"),
    ("portal that is SMEV", push("portal = PGU001001", "portal = SMEV00001"), FATAL, "portal = SMEV00001", "answers in nobody's name"),
    ("portal's address with a password", push("http://", "http://user:secret@"), FATAL, "url = ", "expected no user and password"),
    ("portal's address over FTP", push("http://", "ftp://"), FATAL, "url = ", "expected http://"),
    ("way of an agency that is not there", push("[push AAAA", "[push CCCC"), FATAL, "[push CCCC00001]", "no [agency CODE] section"),
    ("portal whose certificate has run out", lambda t: push()(re.sub(r"(?m)^cert = .*/portal(-\w+)?\.pem\n", "", t).replace("[sender PGU001001]", "[sender PGU001001]\ncert = %s/expired.pem" % P)), BAD, "portal = PGU001001", "none of its answers would be believed"),
    ("way of an agency that cannot sign", lambda t: push()(t.replace("/agency-a.", "/expired.")), BAD, "[push AAAA00001]", "nothing can be signed"),
    ("authorities of the portal's TLS not there", push("http://192.0.2.10", "https://192.0.2.10", "ca = %s/missing.pem" % P), BAD, "ca = ", "missing.pem: cannot be read"),
    ("authorities of the portal's TLS in DER", push("http://192.0.2.10", "https://192.0.2.10", "ca = %s/ca.der" % P), BAD, "ca = ", "is DER"),
    ("portal over TLS", push("http://192.0.2.10", "https://192.0.2.10", "ca = %s/tls.pem" % P), GOOD, None, None),
    ("portal", push(), GOOD, None, None),
    ("queue of an agency that is not there", lambda t: t + QUEUE.replace("AAAA", "CCCC"), FATAL, "agency = CCCC00001", "no [agency CODE] section"),
    ("queue whose SMEV is a sender", lambda t: t + QUEUE.replace("SMEV00001", "PGU001001"), FATAL, "smev = PGU001001", "is not SMEV"),
    ("queue whose SMEV is believed by nobody", lambda t: re.sub(r"(?m)^cert = .*/smev\.pem$", "cert = %s/expired.pem" % PKI, t) + QUEUE, BAD, "smev = SMEV00001", "nothing that the queue gives would be believed"),
    ("queue of an agency that cannot sign", lambda t: t.replace("/agency-a.", "/expired.") + QUEUE, BAD, "agency = AAAA00001", "its queue is not asked"),
    ("queue", lambda t: t + QUEUE, GOOD, None, None),
    ("TLS", add("[listener plain]", TLS), GOOD, None, None),
    ("TLS with ciphers", add("[listener plain]", TLS + "\ntls_ciphers = ECDHE+AESGCM"), GOOD, None, None),
    ("socket", swap("address = 127.0.0.1:@PLAIN@", "address = unix:%s/plain.sock" % DIR), GOOD, None, None),
    ("nothing", lambda text: text, GOOD, None, None),
]


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(DIR, ignore_errors=True)
        DIR.mkdir(parents=True)
        make_files()
        cls.taken = socket.socket()
        cls.taken.bind(("127.0.0.1", 0))
        cls.taken.listen()
        cls.template = (SOURCE / "conf/demo/zapisd.conf").read_text()
        cls.conf = DIR / "zapisd.conf"

    @classmethod
    def tearDownClass(cls):
        cls.taken.close()

    def write(self, *edits):
        text = self.template
        for edit in edits:
            text = edit(text)
        plain, smev2, admin = free_ports(3)
        values = {"SOURCE": SOURCE, "CONTRACT": BINARY.parent / "contract", "PKI": PKI, "LOG_LEVEL": "info", "PLAIN": plain, "SMEV2": smev2, "ADMIN": admin, "TAKEN": self.taken.getsockname()[1],
                  "CONNINFO": "host=%s dbname=none" % DIR}

        def fill(s):
            for name, value in values.items():
                s = s.replace("@%s@" % name, str(value))
            return s
        self.conf.write_text(fill(text))
        return fill

    def check(self, *options):
        done = subprocess.run([BINARY, "check", "--offline", *options, "--config", self.conf], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def run_it(self):
        """Status and log of a daemon that ended by itself, or None and its log once it has started."""
        log = DIR / "run.log"
        with open(log, "wb") as out:
            daemon = subprocess.Popen([BINARY, "run", "--config", self.conf], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while daemon.poll() is None and " started" not in log.read_text(errors="replace"):
                self.assertLess(time.monotonic(), deadline, "neither listening nor ended:\n" + log.read_text(errors="replace"))
                time.sleep(0.02)
            status = daemon.poll()
        finally:
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
        return status, log.read_text(errors="replace")

    def place(self, needle):
        """file:line of the last line that holds the words."""
        lines = [n for n, line in enumerate(self.conf.read_text().splitlines(), 1) if needle in line]
        self.assertNotEqual(lines, [], needle)
        return "%s:%d" % (self.conf, lines[-1])

    def test_every_mistake_is_named_with_its_line_and_run_agrees(self):
        for name, edit, kind, needle, words in MISTAKES:
            with self.subTest(name):
                fill = self.write(edit)
                status, said = self.check()
                self.assertEqual(status, 1 if kind in (FATAL, BAD) else 0, said)
                if words is not None:
                    at = self.place(fill(needle))
                    found = [line for line in said.splitlines() if at + ":" in line and words in line]
                    self.assertNotEqual(found, [], "no line with %s and %r in\n%s" % (at, words, said))
                    if kind in (FATAL, BAD):
                        self.assertRegex(found[0], "^BAD  ")
                    if kind == WARN:
                        self.assertRegex(found[0], "^(warn|soon)")
                self.assertEqual(self.check("--only-fatal")[0], 1 if kind == FATAL else 0)
                status, log = self.run_it()
                if kind == FATAL:
                    self.assertEqual(status, 1, log)
                    self.assertIn(self.place(fill(needle)) + ":", log)
                    self.assertIn("already in use" if "already" in words else words, log)
                else:
                    self.assertIsNone(status, log)
                    if words is not None:
                        self.assertIn(words, log)  # as loudly as check

    def test_a_drop_in_by_another_name_is_told(self):
        """L4: a file that lies among the drop-ins and is not read; what an editor leaves behind is nobody's mistake."""
        self.write()
        drop_ins = pathlib.Path(str(self.conf) + ".d")
        drop_ins.mkdir()
        self.addCleanup(shutil.rmtree, drop_ins)
        for name in ("30-mine.cfg", "40-mine.conf~", "50-mine.conf.dpkg-old", ".60-mine.conf.swp", "70-good.conf"):
            (drop_ins / name).write_text("[log]\nlevel = info\n")
        status, said = self.check()
        self.assertEqual(status, 0, said)
        self.assertEqual(re.findall(r"(?m)^warn .*/(\S+): configuration: .*does not end in .conf$", said), ["30-mine.cfg"], said)

    def test_what_becomes_of_changes_is_told(self):
        """M8, L4: whom a change goes to, who must answer, and what a drop-in of the unit must not forget."""
        for host, named in (("192.0.2.10:8080", "192.0.2.10"), ("portal.example.org", "portal.example.org"), ("[2001:db8::7]:80", "2001:db8::7"), ("127.0.0.1:9", None), ("[::1]", None)):
            self.write(push("192.0.2.10:8080", host))
            status, said = self.check()
            self.assertEqual(status, 0, said)
            line = re.findall(r"(?m)^good  push AAAA00001: (.*)$", said)
            self.assertEqual(len(line), 1, said)
            self.assertIn("changes go to http://%s/equeue, and PGU001001 must sign the answer" % host, line[0])
            self.assertEqual(re.findall(r"addresses.conf\), IPAddressAllow must have (\S+)$", line[0]), [named] if named else [], line[0])

    def test_no_mistake_of_a_section_hides_another(self):
        """L4, C5: what is wrong with a way in or out is told at once, each with its own line."""
        lost = lambda t: re.sub(r"(?m)^(cert = .*/)((smev|portal|agency-a)[-\w]*\.pem)$", r"\1lost-\2", t)
        queue = QUEUE.replace("http://", "https://") + "ca = %s/missing.pem\nattachments = fetch\nfiles_server = ftp://192.0.2.42:21\nfiles_dir = %s/no\nofficial_key = %s/agency-b.key\nofficial_cert = %s/expired.pem\n" % ((PKI,) * 4)
        way = PUSH.replace("http://", "https://") + "\nca = %s/absent.pem\n" % PKI
        self.write(lambda t: lost(t) + queue + way)
        status, said = self.check()
        self.assertEqual(status, 1, said)
        self.assertEqual([line for line in said.splitlines() if re.match(r"good  .*: (smev3 epgu|push AAAA00001): ", line)], [], said)
        for about, needle, words in (("smev3 epgu", "smev = SMEV00001", "nothing that the queue gives would be believed"), ("smev3 epgu", "agency = AAAA00001", "its queue is not asked"),
                                     ("smev3 epgu", "official_key = ", "nothing can be signed by its official"), ("smev3 epgu", "missing.pem", "missing.pem: cannot be read"),
                                     ("smev3 epgu", "files_dir = ", "requests with files stay in the queue"), ("push AAAA00001", "portal = PGU001001", "none of its answers would be believed"),
                                     ("push AAAA00001", "[push AAAA00001]", "nothing can be signed"), ("push AAAA00001", "absent.pem", "absent.pem: cannot be read")):
            found = [line for line in said.splitlines() if self.place(needle) + ": " + about + ": " in line and words in line and line.startswith("BAD")]
            self.assertEqual(len(found), 1, "%s, %s: %s\n%s" % (about, needle, words, said))

    def test_each_description_is_looked_at(self):  # V1: whatever is installed to be served
        self.write()
        said = self.check()[1]
        self.assertEqual(sorted(re.findall(r"(?m)^good  wsdl: .*/(\S+)$", said)), sorted(p.name for p in (BINARY.parent / "contract").iterdir()), said)

    def test_whatever_check_says_run_does(self):
        """Any mixture: --only-fatal good means that it starts, and bad that it does not. ZAPISD_SEED repeats a run."""
        seed = int(os.environ.get("ZAPISD_SEED", "329"))
        rng = random.Random(seed)
        for i in range(25):
            chosen = rng.sample(MISTAKES, rng.randint(2, 4))
            with self.subTest(seed=seed, number=i, edits=[m[0] for m in chosen]):
                self.write(*[m[1] for m in chosen])
                is_startable = self.check("--only-fatal")[0] == 0
                status, log = self.run_it()
                self.assertEqual(status is None, is_startable, log)

    @unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
    def test_what_only_root_may_read_does_not_pass(self):
        place = pathlib.Path("/tmp") / ("zapisd-mistakes-%d" % os.getpid())
        shutil.copytree(PKI, place)
        self.addCleanup(shutil.rmtree, place)
        place.chmod(0o755)
        binary = place / "zapisd"
        shutil.copy(BINARY, binary)
        for name in os.listdir(place):
            (place / name).chmod(0o755 if name == "zapisd" else 0o600 if name.endswith(".key") else 0o644)
        self.write(lambda text: text.replace("@PKI@", str(place)))
        conf = place / "zapisd.conf"
        shutil.copy(self.conf, conf)
        conf.chmod(0o644)

        def check(*options):
            done = subprocess.run([binary, "check", "--offline", "--config", conf, *options], capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr
        self.assertEqual(check("--user", "root")[0], 0)
        status, said = check("--user", "nobody")
        self.assertEqual(status, 1)
        self.assertRegex(said, r"BAD .*agency AAAA00001.*agency-a.key: cannot be read: Permission denied")
        for key in place.glob("agency-*.key"):
            shutil.chown(key, "nobody")
        said = check("--user", "nobody")[1]
        self.assertNotIn("Permission denied", said)
        self.assertEqual(check("--user", "no-such-user")[0], 1)

    def test_pipes_and_devices_are_no_files(self):  # L1, L4: opening one may hang for ever, at a reload too
        os.mkfifo(PKI / "pipe.pem", 0o600)
        self.addCleanup((PKI / "pipe.pem").unlink)
        for name in ("trust.pem", "ca.crl", "portal.pem", "agency-a.pem", "agency-a.key"):
            for file in (PKI / "pipe.pem", "/dev/zero"):
                with self.subTest(name=name, file=file):
                    self.write(lambda text: text.replace("@PKI@/%s" % name, str(file)))
                    self.assertIn(str(file), self.conf.read_text())
                    status, said = self.check()
                    self.assertEqual((status, "is not a file but a pipe" in said), (1, True), said)
        self.write()
        pipe = self.conf.with_name("pipe.conf")
        os.mkfifo(pipe)
        self.addCleanup(pipe.unlink)
        done = subprocess.run([BINARY, "check", "--offline", "--config", pipe], capture_output=True, text=True, timeout=600)
        self.assertEqual((done.returncode, "is not a file" in done.stdout + done.stderr), (1, True))

    def test_folders_that_others_may_write(self):  # L4, J3: who may write a folder may put another key there
        place = pathlib.Path("/tmp") / ("zapisd-folders-%d" % os.getpid())
        shutil.copytree(PKI, place / "a/b")
        self.addCleanup(shutil.rmtree, place)
        self.write(lambda text: text.replace("@PKI@", str(place / "a/b")))
        for name, mode in (("a/b", 0o757), ("a", 0o757), ("", 0o757), ("a", 0o1757), ("a/b", 0o755)):
            with self.subTest(name=name, mode=oct(mode)):
                (place / name).chmod(mode)
                status, said = self.check()
                told = re.findall(r"BAD .*others may write the folder (\S+),", said)
                (place / name).chmod(0o755)
                if mode == 0o757:
                    self.assertEqual((status, set(told)), (1, {str(place / name)}), said)
                else:
                    self.assertEqual(told, [])

    def test_a_running_daemon_is_no_mistake(self):
        self.write()
        log = DIR / "running.log"
        with open(log, "wb") as out:
            daemon = subprocess.Popen([BINARY, "run", "--config", self.conf], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while " started" not in log.read_text():
                self.assertLess(time.monotonic(), deadline, log.read_text())
                time.sleep(0.02)
            status, said = self.check()
            self.assertEqual(status, 0, said)
            self.assertIn("the running daemon listens there", said)
            port = re.search(r"address = 127.0.0.1:(\d+)", self.conf.read_text()).group(1)
            socket.create_connection(("127.0.0.1", int(port)), 10).close()  # it was not disturbed
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)


if __name__ == "__main__":
    e2e.main()
