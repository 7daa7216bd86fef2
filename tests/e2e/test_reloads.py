#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L4, L5, C2, C5, promise 6: whatever is put in the place of a good file, a bad configuration never replaces a good one; revocation is obeyed."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

import e2e
from e2e import BINARY, E2E

from smev2client import Fault
from xmlsig import SignatureError

A, B = "AAAA00001", "BBBB00002"
ALL = {A, B}
NEXT_KEY = {"portal.pem": "portal-new.pem"}
FILES = ("agency-a.key", "agency-a.pem", "agency-b.key", "agency-b.pem", "portal.pem", "other.pem", "trust.pem", "chain.pem", "ca.crl")
TAKEN, PART, REFUSED = "taken", "taken-in-part", "refused"


def agency(letter, source):
    return {"agency-%s.key" % letter: source + ".key", "agency-%s.pem" % letter: source + ".pem"}


# What is put in place of what; the result; which agencies answer the portal; what the unit says before SIGHUP. Sources that begin
# with "=" are the content itself, None takes the file away.
ROWS = [
    ("own certificate expired", agency("a", "expired"), PART, ALL, 0),
    ("own certificate of the next century", agency("a", "notyet"), PART, ALL, 0),
    ("own certificate revoked", agency("a", "revoked"), PART, ALL, 0),
    ("own certificate not for signatures", agency("a", "nousage"), PART, ALL, 0),
    ("own certificate without its key", {"agency-a.pem": "revoked.pem"}, PART, ALL, 0),
    ("own certificate garbled", {"agency-a.pem": "=garbage"}, PART, ALL, 0),
    ("own key empty", {"agency-a.key": "="}, PART, ALL, 0),
    ("own certificate gone", {"agency-a.pem": None}, PART, ALL, 0),
    ("both expired", {**agency("a", "expired"), **agency("b", "expired")}, PART, ALL, 0),
    ("one revoked, one garbled", {**agency("a", "revoked"), "agency-b.key": "=garbage"}, PART, ALL, 0),
    ("the only caller's expired", {"portal.pem": "expired.pem"}, REFUSED, ALL, 1),
    ("the only caller's of the next century", {"portal.pem": "notyet.pem"}, REFUSED, ALL, 1),
    ("the only caller's not for signatures", {"portal.pem": "nousage.pem"}, REFUSED, ALL, 1),
    ("the only caller's of a stranger", {"portal.pem": "stranger.pem"}, REFUSED, ALL, 1),
    ("the only caller's revoked", {"portal.pem": "revoked.pem"}, REFUSED, ALL, 0),  # whether it is the one in use, the unit does not know
    ("the only caller's garbled", {"portal.pem": "=garbage"}, PART, ALL, 0),
    ("the only caller's gone", {"portal.pem": None}, PART, ALL, 0),
    ("the only caller's replaced by a good one", NEXT_KEY, TAKEN, ALL, 0),
    ("caller's and own expired", {"portal.pem": "expired.pem", **agency("a", "expired")}, REFUSED, ALL, 1),
    ("anchors of a stranger", {"trust.pem": "stranger-ca.pem"}, REFUSED, ALL, 1),
    ("anchors garbled", {"trust.pem": "=garbage"}, REFUSED, ALL, 1),
    ("anchors gone", {"trust.pem": None}, REFUSED, ALL, 1),
    ("list garbled", {"ca.crl": "=garbage"}, REFUSED, ALL, 1),
    ("list gone", {"ca.crl": None}, REFUSED, ALL, 1),
    ("list run out", {"ca.crl": "stale.crl"}, REFUSED, ALL, 1),
    ("list of a stranger", {"ca.crl": "stranger.crl"}, REFUSED, ALL, 1),
    ("list still to come", {"ca.crl": "future.crl"}, REFUSED, ALL, 1),
    ("list run out that revokes the only caller", {"ca.crl": "portal-stale.crl"}, TAKEN, set(), 0),
    ("list run out, and own expired", {"ca.crl": "stale.crl", **agency("a", "expired")}, REFUSED, ALL, 1),
    ("list revokes the only caller", {"ca.crl": "portal.crl"}, TAKEN, set(), 0),
    ("list revokes the only caller, whose new one is expired", {"ca.crl": "portal.crl", "portal.pem": "expired.pem"}, TAKEN, set(), 1),
    ("list revokes an agency", {"ca.crl": "agency-a.crl"}, TAKEN, {B}, 0),
    ("list revokes an agency, whose new one is expired", {"ca.crl": "agency-a.crl", **agency("a", "expired")}, TAKEN, {B}, 0),
    ("list revokes an agency, the other's is expired", {"ca.crl": "agency-a.crl", **agency("b", "expired")}, PART, {B}, 0),
]


# The rule of README.ru.md, «Что бывает с негодным файлом»: every kind of file, every kind of badness, alone and beside others.
NO_CERTIFICATE = ["=garbage", "=", None, "der.pem", "portal.key", "ca.crl"]
OF_NO_USE = ["expired.pem", "notyet.pem", "nousage.pem", "stranger.pem", "revoked.pem"]


def generated(has_other):
    """(name, changes, result, what the refusal or the party's trouble names). Everybody goes on being served in all of them."""
    for bad in NO_CERTIFICATE:
        yield "sender", {"portal.pem": bad}, PART, ["sender PGU001001", "portal.pem"]
        yield "agency's certificate", {"agency-a.pem": bad}, PART, ["agency AAAA00001", "agency-a.pem"]
        yield "anchors", {"trust.pem": bad}, REFUSED, ["trust.pem"]
        yield "chain", {"chain.pem": bad}, REFUSED, ["chain.pem"]
        if bad not in ("ca.crl",):
            yield "list", {"ca.crl": bad}, REFUSED, ["ca.crl"]
    for bad in OF_NO_USE:
        yield "sender", {"portal.pem": bad}, PART if has_other else REFUSED, (["sender PGU001001"] if has_other else []) + ["portal.pem"]
        if has_other:
            yield "the other sender", {"other.pem": bad}, PART, ["sender PGU002002", "other.pem"]
    for bad in ("expired", "notyet", "nousage", "revoked"):  # of a stranger: its callers may believe others than we do
        yield "agency", agency("a", bad), PART, ["agency AAAA00001", "agency-a.pem"]
    for bad in ("=garbage", "=", None, "agency-b.key", "portal.pem"):
        yield "agency's key", {"agency-a.key": bad}, PART, ["agency AAAA00001", "agency-a."]
    yield "anchors", {"trust.pem": "stranger-ca.pem"}, REFUSED, ["portal.pem"]
    for bad in ("stale.crl", "stranger.crl", "future.crl"):
        yield "list", {"ca.crl": bad}, REFUSED, ["ca.crl", "revocation list"]


class Reloading(E2E):
    has_other = False

    @classmethod
    def options(cls):
        def edit(text):
            text = re.sub(r"(?m)^cert = .*/portal-.*\n", "", text)
            text = re.sub(r"(?m)^(anchors = .*/)trust.pem$", r"\1trust.pem\nchain = %s/chain.pem" % cls.instance.pki, text)
            if cls.has_other:
                text += "\n[sender PGU002002]\ncert = %s/other.pem\n" % cls.instance.pki
            return re.sub(r"/pki/(%s)$" % "|".join(map(re.escape, FILES)), r"/pki/now/\1", text, flags=re.M)
        return {"edit": edit}

    @classmethod
    def setUpClass(cls):
        up = e2e.Instance.start_daemon

        def start(instance, *args, **more):  # the PKI is there by now
            cls.lists(instance.pki)
            cls.fill(instance.pki, {})
            return up(instance, *args, **more)
        e2e.Instance.start_daemon = start
        try:
            super().setUpClass()
        finally:
            e2e.Instance.start_daemon = up

    @classmethod
    def lists(cls, pki):
        """Lists that have run out, or revoke one more; what the authority remembers is as before."""
        env = {"PATH": os.environ["PATH"], "OPENSSL_CONF": str(pki / "openssl.cnf")}

        def ca(*args):
            subprocess.run(["openssl", "ca", *args], cwd=pki, env=env, check=True, capture_output=True)
        (pki / "now").mkdir(exist_ok=True)
        ca("-gencrl", "-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20260102000000Z", "-out", "stale.crl")
        ca("-gencrl", "-crl_lastupdate", "20980101000000Z", "-crl_nextupdate", "20990102000000Z", "-out", "future.crl")
        ca("-gencrl", "-cert", "stranger-ca.pem", "-keyfile", "stranger-ca.key", "-out", "stranger.crl")
        index = (pki / "index.txt").read_text()
        for name in ("portal", "agency-a"):
            ca("-revoke", name + ".pem")
            ca("-gencrl", "-out", name + ".crl")
            ca("-gencrl", "-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20260102000000Z", "-out", name + "-stale.crl")
            (pki / "index.txt").write_text(index)
        ca("-gencrl", "-out", "ca.crl")
        shutil.copy(pki / "ca.pem", pki / "chain.pem")
        subprocess.run(["openssl", "x509", "-in", "portal.pem", "-outform", "DER", "-out", "der.pem"], cwd=pki, env=env, check=True, capture_output=True)

    @staticmethod
    def fill(pki, changes):
        for name in FILES:
            source, to = changes.get(name, name), pki / "now" / name
            if source is None:
                to.unlink(missing_ok=True)
            elif source.startswith("="):
                to.write_text(source[1:])
            else:
                shutil.copy(pki / source, to)

    def log_from(self, offset):
        with open(self.instance.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return f.read()

    def reload(self, changes):
        """Puts the files in place, reloads, returns the result and the lines."""
        offset = self.instance.log.stat().st_size
        self.fill(self.instance.pki, changes)
        os.kill(self.instance.pid(), signal.SIGHUP)
        deadline = time.monotonic() + e2e.PATIENT_S
        while True:
            said = self.log_from(offset)
            found = re.search(r" reload result=(\S+).*\n", said)
            if found:
                return found[1], said
            self.assertLess(time.monotonic(), deadline, "no word about the reload")
            time.sleep(0.02)

    def check(self, *options):
        done = subprocess.run([BINARY, "check", "--offline", "--config", self.instance.conf, *options], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def served(self, who="portal", **more):
        """The agencies whose signed answer the portal gets; its key is the one of before, unless it has a good new one."""
        served = set()
        for code in (A, B):
            client = self.portal(recipient=code, who=who, **more)
            try:
                self.assertEqual(client.get_refs_list().error_code, 0)
                served.add(code)
            except (Fault, SignatureError):  # a fault in the name of who cannot sign is signed by who can
                pass
            client.close()
        return served

    def body(self):
        status, text = self.instance.admin("/readyz")
        return status, json.loads(text)

    def look(self, result, served, said, who="portal"):
        status, body = self.body()
        self.assertEqual(self.served(who), served)
        self.assertEqual(status, 200 if served else 503, body)
        for code in (A, B):
            party = body["agencies"][code]
            self.assertEqual(party["ready"], code in served, body)
            self.assertEqual(party["reasons"] == [], party["ready"], "ready without reason, or not ready with none")
        for party in body["senders"].values():
            self.assertEqual(party["reasons"] == [], party["ready"], body)
        told = [w for w in body["warnings"] if "the last reload" in w]
        self.assertEqual(len(told), 0 if result == TAKEN else 1, body["warnings"])
        self.assertEqual(self.instance.metric("zapisd_last_reload_successful"), 1 if result == TAKEN else 0)
        if result != TAKEN:
            self.assertRegex(said, r"(?m)^.*error.* reload result=%s " % result)

    def generated_row(self, changes, result, names):
        got, said = self.reload(changes)
        self.assertEqual(got, result, said)
        told = " ".join(line for line in said.splitlines() if " reload " in line or " trouble " in line)
        for name in names:
            self.assertIn(name, told)
        self.look(result, ALL, said)
        if self.has_other:
            self.assertEqual(self.served("other", sender="PGU002002"), ALL)
        # what a daemon that runs would refuse as a whole, the unit is told before; of a party's file it is not
        status, said = self.check("--only-fatal", "--reload")
        if changes.get("portal.pem") != "revoked.pem" or self.has_other:  # whether it is the one in use, the unit does not know
            self.assertEqual(status, 1 if result == REFUSED else 0, said)
        self.assertEqual(self.check()[0], 1)

    def test_every_kind_of_file_and_badness(self):
        for name, changes, result, names in generated(self.has_other):
            with self.subTest(name, changes=changes):
                try:
                    self.generated_row(changes, result, names)
                finally:
                    self.assertEqual(self.reload({})[0], TAKEN)


class Several(Reloading):
    """Two senders: what is the matter with one is no matter of the other's, and takes nothing from either."""
    has_other = True

    def test_what_was_taken_away_is_not_believed(self):
        """Of two certificates the good one is taken out: what is left is of no use, and nothing comes back. A list in date is obeyed, whatever was put beside."""
        good = self.instance.conf.read_text()
        self.addCleanup(self.reload, {})
        self.addCleanup(self.instance.conf.write_text, good)
        line = "cert = %s/now/other.pem\n" % self.instance.pki
        self.instance.conf.write_text(good.replace(line, line + "cert = %s/expired.pem\n" % self.instance.pki))
        self.assertEqual(self.reload({})[0], TAKEN)
        self.instance.conf.write_text(good.replace(line, "cert = %s/expired.pem\n" % self.instance.pki))
        self.assertEqual(self.reload({})[0], TAKEN)
        self.assertEqual((self.served("other", sender="PGU002002"), self.served()), (set(), ALL))
        self.instance.conf.write_text(good)
        self.assertEqual(self.reload({})[0], TAKEN)
        result, said = self.reload({"ca.crl": "portal.crl", "portal.pem": "expired.pem"})
        self.assertEqual(result, TAKEN, said)
        self.assertEqual((self.served("other", sender="PGU002002"), self.served()), (ALL, set()))


class Reloads(Reloading):
    def row(self, changes, result, served, before):
        counted = 'zapisd_reloads_total{result="%s"}' % result
        was = self.instance.metric(counted)
        got, said = self.reload(changes)
        self.assertEqual(got, result, said)
        self.assertEqual(self.instance.metric(counted), was + 1)
        self.look(result, served, said, "portal-new" if changes is NEXT_KEY else "portal")
        self.assertEqual(self.check("--only-fatal", "--reload")[0], before, self.check("--reload")[1])
        status, said = self.check()  # which the unit asks behind SIGHUP
        self.assertEqual((status, re.search(r"(?m)^BAD ", said) is not None), (0, False) if changes is NEXT_KEY else (1, True))
        again, said = self.reload({})
        self.assertEqual(again, TAKEN, said)
        self.look(TAKEN, ALL, said)

    def test_whatever_is_put_in_place(self):
        for name, changes, result, served, before in ROWS:
            with self.subTest(name):
                try:
                    self.row(changes, result, served, before)
                finally:
                    self.reload({})

    def test_again_and_again(self):
        """A key that was kept is kept by the next reload too, whatever comes in between; ZAPISD_SEED repeats a run."""
        seed = int(os.environ.get("ZAPISD_SEED", "329"))
        rng = random.Random(seed)
        harmless = [row for row in ROWS if row[3] == ALL and row[2] != TAKEN]
        self.addCleanup(self.reload, {})
        for i in range(25):
            chosen = {}
            for row in rng.sample(harmless, rng.randint(1, 3)):
                chosen.update(row[1])
            with self.subTest(seed=seed, number=i, changes=chosen):
                result, said = self.reload(chosen)
                self.assertIn(result, (PART, REFUSED), said)
                self.look(result, ALL, said)

    def test_other_codes_with_keys_of_no_use(self):
        """Nothing is left to be kept: the whole is refused."""
        good = self.instance.conf.read_text()
        self.addCleanup(self.reload, {})
        self.addCleanup(self.instance.conf.write_text, good)
        text = good.replace("[agency %s]" % A, "[agency ZZZZ00001]").replace("[agency %s]" % B, "[agency ZZZZ00002]")
        self.instance.conf.write_text(text)
        result, said = self.reload({**agency("a", "expired"), **agency("b", "expired")})
        self.assertEqual(result, REFUSED, said)
        self.assertIn("no agency could sign", said)
        self.look(REFUSED, ALL, said)

    def test_a_listener_that_is_to_go_believes_nobody_unchecked(self):
        """It runs until the restart: a configuration without its [trust] is refused, one with it is taken, and the lists count."""
        good = self.instance.conf.read_text()
        self.addCleanup(self.reload, {})
        self.addCleanup(self.instance.conf.write_text, good)
        text = re.sub(r"(?ms)^\[listener smev2\].*?(?=^\[)", "", good)
        self.instance.conf.write_text(re.sub(r"(?ms)^\[trust\].*?(?=^\[)", "", text))
        result, said = self.reload({})
        self.assertEqual(result, REFUSED, said)
        self.assertEqual(self.served(), ALL)
        self.instance.conf.write_text(text)
        self.assertEqual(self.reload({"ca.crl": "portal.crl"})[0], TAKEN)
        self.assertEqual(self.served(), set())


if __name__ == "__main__":
    e2e.main()
