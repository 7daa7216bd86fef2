#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Trust that is configured and changes while we run: revocation, stale lists, GOST R 34.10-2001, SMEV's own signature (C1, C2, V3)."""
import os
import re
import shutil
import signal
import subprocess
import time

import e2e
from e2e import E2E, new_id

from smev2client import Fault


class Trust(E2E):
    def reload(self, result="taken"):
        def counted():
            return len(re.findall(r"result=%s(?![\w-])" % result, self.instance.log.read_text()))
        before = counted()
        os.kill(self.instance.pid(), signal.SIGHUP)
        deadline = time.monotonic() + e2e.PATIENT_S
        while counted() == before:
            self.assertLess(time.monotonic(), deadline, "the reload was not " + result)
            time.sleep(0.02)

    def openssl(self, *args):
        pki = self.instance.pki
        done = subprocess.run(["openssl", *args], cwd=pki, env={"PATH": os.environ["PATH"], "OPENSSL_CONF": str(pki / "openssl.cnf")}, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def refused(self, client):
        with self.assertRaises(Fault) as fault:
            client.get_refs_list()
        self.assertEqual(fault.exception.code, "wsse:InvalidSecurityToken")

    def setUp(self):
        for name in ("ca.crl", "index.txt", "crlnumber"):
            shutil.copy(self.instance.pki / name, self.instance.pki / (name + ".kept"))
            self.addCleanup(shutil.move, self.instance.pki / (name + ".kept"), self.instance.pki / name)

    def test_revocation_takes_effect_with_a_reload(self):
        client = self.portal()
        self.assertEqual(client.get_refs_list().error_code, 0)  # the good verdict is cached now
        self.openssl("ca", "-revoke", "portal.pem")
        self.openssl("ca", "-gencrl", "-out", "ca.crl")
        self.reload()
        self.refused(client)
        self.assertEqual(self.portal(who="portal-new").get_refs_list().error_code, 0)

    def stale(self):
        self.openssl("ca", "-gencrl", "-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20260102000000Z", "-out", "ca.crl")

    def test_a_list_that_runs_out_by_itself_refuses_everybody(self):
        """Of use while it is in date; then it is no list, and what is put in its place is no worse: taken, whatever it is."""
        self.openssl("ca", "-gencrl", "-crlsec", "10", "-out", "ca.crl")
        self.reload()
        self.assertEqual(self.portal().get_refs_list().error_code, 0)
        deadline = time.monotonic() + e2e.PATIENT_S
        while True:
            try:
                self.portal().get_refs_list()
            except Fault as fault:
                self.assertEqual(fault.code, "wsse:InvalidSecurityToken")
                break
            self.assertLess(time.monotonic(), deadline, "nobody noticed")
            time.sleep(0.2)
        self.stale()
        self.reload()
        self.refused(self.portal())

    def test_a_list_in_date_does_not_give_way_to_one_that_is_none(self):
        """Run out or a stranger's: refused as a whole, with the file and why, and everybody is served as before."""
        for make in (self.stale, lambda: self.openssl("ca", "-gencrl", "-cert", "stranger-ca.pem", "-keyfile", "stranger-ca.key", "-out", "ca.crl")):
            make()
            self.reload("refused")
            self.assertRegex(self.instance.log.read_text().rpartition("result=refused")[2], r"ca\.crl: revocation list of ")
            self.assertEqual(self.portal().get_refs_list().error_code, 0)

    def tearDown(self):
        self.doCleanups()
        self.reload()
        self.assertEqual(self.portal().get_refs_list().error_code, 0)


class Gost2001(E2E):
    @classmethod
    def options(cls):
        return {"edit": lambda text: re.sub(r"(?m)^(cert = .*)/portal\.pem$", r"\1/portal.pem\n\1/portal-2001.pem",
                                            text.replace("[trust]", "[trust]\nallow_gost2001 = yes"))}

    def test_accepted_when_configured(self):  # C1; what we send stays 2012
        reply = self.portal(who="portal-2001").get_refs_list()
        self.assertEqual((reply.error_code, reply.signer.kind), (0, "1.2.643.7.1.1.1.1"))


class RecipientRequired(E2E):
    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("kind = smev2", "kind = smev2\nrequire_recipient_signature = yes")}

    def test_smevs_signature_is_required(self):  # V3
        client = self.portal()
        with self.assertRaises(Fault) as fault:
            client.get_refs_list()
        self.assertEqual(fault.exception.code, "wsse:InvalidSecurity")
        reply = client.call("getRefsList", [], message_id="m-" + new_id())
        self.assertEqual(reply.error_code, 0)


if __name__ == "__main__":
    e2e.main()
