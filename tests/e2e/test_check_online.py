#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""C5, Q1: `zapisd check --online` says whether SMEV takes an agency's signature, and why not; nothing is taken out of its queue."""
import os
import pwd
import re
import subprocess

import e2e

from smev3world import QueueClient
from smev3server import HTML, Trouble
from test_smev3 import World


class Online(World):
    queues = (("main", "AAAA00001", "1.2", ("timeout = 2s",)), ("new", "BBBB00002", "1.3", ("timeout = 2s",)))

    @classmethod
    def tearDownClass(cls):
        """With another's key SMEV had to refuse: that was the question."""
        cls.smev.settle()
        try:
            super(World, cls).tearDownClass()
        finally:
            cls.smev.close()
        problems = [p for p in cls.smev.judge().problems if not p.endswith("refuse Ack with SenderIsNotRegistered")]
        assert not problems, "\n".join(problems)

    def check(self, change=lambda text: text, *more):
        path = self.instance.dir / "online.conf"
        path.write_text(change(self.instance.conf.read_text()))
        done = subprocess.run([str(self.instance.binary), "check", "--config", str(path), "--offline", "--user", pwd.getpwuid(os.geteuid()).pw_name,
                               *(more or ("--online",))], capture_output=True, text=True, timeout=120)
        return done.returncode, re.findall(r"^(good|BAD) +(?:\S+:\d+: )?(smev3|push) (\S+): (http\S+): (.*)$", done.stdout, re.M), done.stdout + done.stderr

    def said(self, lines, name):
        return [(word, text) for word, section, who, _, text in lines if who == name]

    def test_taken(self):
        self.instance.stop_daemon()
        message = self.smev.call("getRefsList", [])
        try:
            _, lines, all_of_it = self.check()
            for name in ("main", "new"):
                self.assertEqual([w for w, _ in self.said(lines, name)], ["good", "good"], all_of_it)
            self.assertEqual(len(self.smev.agency().requests), 1, "nothing is taken out of the queue")
            self.assertEqual(self.smev.agency().requests.entries()[0].times, 0)
            self.assertIsNone(getattr(message, "acked", None))
            self.assertEqual(self.check(lambda text: text, "--only-fatal")[1], [], "nobody is asked without --online")
        finally:
            self.instance.start_daemon()
        self.assertIsNone(self.smev.portal.answer(message, 60).rejected)

    def test_why_not(self):
        for trouble, words in ((Trouble(fault=("SignatureVerificationFault", "CertificateIsNotFound", "full")), "CertificateIsNotFound"),
                               (Trouble(fault=("SignatureVerificationFault", "SignatureIsInvalid", "full")), "SignatureIsInvalid"),
                               (Trouble(fault=("SenderIsNotRegistered", None, "full")), "SenderIsNotRegistered"),
                               (Trouble(fault=("SMEVFailure", None, "full")), "SMEVFailure"), (Trouble(http=HTML), "it is not SMEV"),
                               (Trouble(cut_answer=0.0), "no connection")):
            with self.subTest(words=words):
                self.smev.server.plan.keep("Ack", trouble)
                try:
                    status, lines, all_of_it = self.check()
                finally:
                    self.smev.server.plan.keep("Ack", None)
                self.assertEqual(status, 1)
                self.assertEqual([w for w, _ in self.said(lines, "main")], ["BAD", "BAD"], all_of_it)
                self.assertTrue(all(words in text for _, text in self.said(lines, "main")), all_of_it)

    def test_nobody_answers(self):  # L4: and no file is blamed for it, however long it takes (10 s are told)
        self.smev.server.plan.keep("Ack", Trouble(slow=4))
        try:
            status, lines, all_of_it = self.check(lambda text: text.replace("timeout = 2s", "timeout = 3s"))
        finally:
            self.smev.server.plan.keep("Ack", None)
        self.assertEqual((status, [w for w, *_ in lines]), (1, ["BAD"] * 4), all_of_it)
        self.assertTrue(all("no answer in time" in text for *_, text in lines), all_of_it)
        self.assertNotIn("slow-file", all_of_it)

    def test_one_address(self):
        """Nobody at the reserve; a key that SMEV does not know; the portal's address."""
        push = "\n[push AAAA00001]\nurl = %s\nportal = PGU001001\nrevision = rev120315\nservice_name = Booking\nexchange_type = 2\n"
        status, lines, all_of_it = self.check(lambda text: text.replace(self.smev.server["reserve"].url, "http://127.0.0.1:1/ws") +
                                              push % "http://127.0.0.1:1/portal")
        self.assertEqual([w for w, _ in self.said(lines, "main")], ["good", "BAD"], all_of_it)
        self.assertEqual(self.said(lines, "AAAA00001")[0][0], "BAD", all_of_it)
        self.assertEqual(status, 1)
        before = len(self.smev.agency().requests.entries())
        _, lines, all_of_it = self.check(lambda text: text + push % self.smev.server["main"].url)
        self.assertEqual(self.said(lines, "AAAA00001")[0][0], "good", all_of_it)
        self.assertEqual(len(self.smev.agency().requests.entries()), before)
        status, lines, all_of_it = self.check(lambda text: text + push % "http://127.0.0.1:1/portal" + "road = smev3\nqueue = main\n")
        self.assertEqual((status, self.said(lines, "AAAA00001")), (0, []), all_of_it)  # its url is the other road's
        self.assertEqual([w for w, *_ in lines if w != "good"], [], all_of_it)
        pki = str(self.instance.pki)
        _, lines, all_of_it = self.check(lambda text: text.replace(pki + "/agency-a.", pki + "/other."))
        self.assertEqual([w for w, _ in self.said(lines, "main")], ["BAD", "BAD"], all_of_it)
        self.assertIn("SMEV", self.said(lines, "main")[0][1])
        self.assertFalse(QueueClient(self.smev).call("getRefsList", []).rejected)


if __name__ == "__main__":
    e2e.main()
