#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Who asks by a queue of SMEV 3, and what he is told. Two levels of signatures (C4): the sender's (ЭП-ОВ) and a person's (ЭП-СП) are judged and written down; whether a request
may come without the sender's is the configuration's to say; our answers bear an official's where his key is configured. RequestStatus when an answer takes longer (Q4); whose clock is where."""
import json
import os
import re
import signal
import subprocess
import time

import e2e
from e2e import BINARY, wait_until

import smev3sig
import smev3wire as wire
from smev3server import Trouble
from smev3world import QueueClient
from test_smev3 import World


class Senders(World):
    queues = (("main", "AAAA00001", "1.2", ()), ("strict", "BBBB00002", "1.2", ("require_sender_signature = yes",)))
    allowed = set()

    def put(self, kind, agency, personal=None):
        portal, person = self.smev.portal, (self.smev.portal.key, self.smev.portal.cert)
        message = self.smev.call("getRefsList", [], agency, signed=kind != "none", personal=person if personal else None, put=False)
        text = message.data.decode()
        scope = {"t": wire.types_ns("1.2"), "b": wire.basic_ns("1.2")}
        if kind == "tolerated":
            message.signature = smev3sig.sign_text(*person, text, "SIGNED_BY_CONSUMER", scope, transforms=smev3sig.WITH_ENVELOPED)
        elif kind == "CHECK":
            at = message.signature.index("<ds:SignatureValue>") + 19
            message.signature = message.signature[:at] + ("A" if message.signature[at] != "A" else "B") + message.signature[at + 1:]
        if personal == "CHECK":  # over something else
            at = text.index("<ds:DigestValue>", text.index("PersonalSignature")) + 16
            message.data = (text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]).encode()
            message.signature = None
        if agency == "BBBB00002" and kind != "good":
            self.allowed.add(message.message_id)
        return self.smev.core.submit(message)

    def test_verdicts(self):  # C4
        said = {}
        for agency in ("AAAA00001", "BBBB00002"):
            for kind, personal, verdict in (("none", None, "good; sender: none"), ("good", None, "good; sender: good"), ("tolerated", None, "good; sender: tolerated"),
                                            ("CHECK", None, "good; sender: CHECK"), ("good", "good", "good; sender: good; person: good"),
                                            ("none", "CHECK", "good; sender: none; person: CHECK")):
                said[self.put(kind, agency, personal)] = (agency, kind, verdict)
        for message, (agency, kind, verdict) in said.items():
            with self.subTest(agency=agency, kind=kind, verdict=verdict):
                answer = self.smev.portal.answer(message, 60)
                if agency == "BBBB00002" and kind != "good":
                    self.assertEqual(answer.rejected[0], "ACCESS_DENIED")
                    self.assertRegex(str(answer.rejected), "подпись", "it says what is wrong, in Russian")
                else:
                    self.assertIsNone(answer.rejected, "SMEV has vouched for it")
                self.assertEqual(self.instance.psql("select verdict from admin.inbox where message_id = '%s'" % message.message_id).strip(), verdict)
                self.assertEqual(self.instance.psql("select j.verdict from data.journal as j join data.inbox_call as c using (journal_id) join data.inbox as i using (inbox_id) "
                                                    "where i.message_id = '%s' and c.operation = 'GetRequest' and j.direction = 'in'" % message.message_id).strip(), verdict, "J1")
        self.settled()

    def test_clock(self):  # L4: SMEV refuses what is signed at another time than its own
        warned = lambda: [w for w in self.warnings() if "clock" in w]
        self.smev.call("getRefsList", [])
        self.settled()
        self.assertEqual(warned(), [])
        for ahead, word in ((300, "behind"), (-900, "ahead of")):
            with self.subTest(ahead=ahead):
                self.smev.core.clock.advance(ahead)
                self.smev.ask("getRefsList", [])
                wait_until(lambda: any(word in w and "smev3 main" in w for w in warned()), 60, "it is said whose clock is where")
        self.assertAlmostEqual(self.instance.metric('zapisd_smev3_clock_offset_seconds{source="main"}'), 600, delta=30)
        self.smev.core.clock.advance(600)
        self.smev.ask("getRefsList", [])
        wait_until(lambda: not warned(), 60, "and no more when it is right")

    # ---- an official's key: what is answered bears two signatures, one inside the other; SMEV here refuses what does not ----

    def configure(self, *officials):
        """officials: by queue, a pair of the pki's or None. Reloads."""
        lines, parts = iter(officials), self.plain.split("[smev3 ")
        text = parts[0] + "".join("[smev3 " + p.replace("\npoll_interval", self.keys(next(lines)) + "\npoll_interval", 1) for p in parts[1:])
        loaded = self.log().count(" reload result=")
        self.instance.conf.write_text(text)
        os.kill(self.instance.pid(), signal.SIGHUP)
        wait_until(lambda: self.log().count(" reload result=") > loaded, 60, "a reload")

    def keys(self, who):
        return "" if who is None else "\nofficial_key = %s/%s.key\nofficial_cert = %s/%s.pem" % (self.instance.pki, who, self.instance.pki, who)

    def log(self):
        return self.instance.log.read_text(encoding="utf-8")

    def ready(self):
        return json.loads(self.instance.admin("/readyz")[1])

    def check(self):
        done = subprocess.run([BINARY, "check", "--offline", "--config", self.instance.conf], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def setUp(self):
        self.plain = self.instance.conf.read_text()
        self.addCleanup(self.instance.conf.write_text, self.plain)

    def tearDown(self):
        for code in ("AAAA00001", "BBBB00002"):
            self.smev.core.require_official(code)

    def test_each_algorithm(self):  # C4: 2012-256 of both parameter sets, 2012-512
        for main, other in (("portal-512", "portal-tca"), ("other", "portal-512")):
            with self.subTest(main=main, other=other):
                self.configure(main, other)
                self.smev.core.require_official("AAAA00001", main)
                self.smev.core.require_official("BBBB00002", other)
                before = self.smev.core.counters["personal"]
                client, kamchatka = QueueClient(self.smev), QueueClient(self.smev, "BBBB00002", signed=True)
                book_id, reply = self.book(client)
                self.assertEqual((reply.status_code, reply.rejected), ("201", None))
                self.assertEqual(client.cancel_booking(book_id).status_code, "301")
                self.assertFalse(kamchatka.call("getRefsList", []).rejected)
                self.assertEqual(kamchatka.call("getSlots", []).error_code, 2, "a business refusal is signed by him as well")
                self.assertEqual(self.smev.core.counters["personal"] - before, 5)
                self.assertIn("answers are signed by an official too", self.check()[1])
        self.configure(None, None)
        self.smev.core.require_official("AAAA00001")
        before = self.smev.core.counters["personal"]
        self.assertFalse(self.smev.ask("getRefsList", []).rejected)
        self.assertEqual(self.smev.core.counters["personal"], before, "and where there is no key nobody signs")
        self.settled()

    def test_who_cannot_sign(self):  # C4, L4: an answer that he must sign waits for him, and is told; a reload leaves who can in his place
        self.configure("expired", None)
        self.smev.core.require_official("AAAA00001", "portal-512")
        code, said = self.check()
        self.assertEqual(code, 1, said)
        self.assertRegex(said, "official of smev3 main: .*expired.pem: .* has expired.*what is answered by this queue waits")
        self.assertTrue([t for t in self.ready()["troubles"] if re.search("^official of smev3 main: .*expired.pem", t)], "/readyz says it, and whose it is")
        waits = self.smev.call("getRefsList", [])
        wait_until(lambda: int(self.inbox("coalesce(max(attempts), 0)", "message_id = '%s'" % waits.message_id)) > 1, 60, "it is tried again")
        self.assertEqual((waits.finals, self.inbox("last_error", "message_id = '%s'" % waits.message_id)), ([], "AGENCY: official of smev3 main"))
        wait_until(lambda: any("smev3 main: answers wait: official of smev3 main signs nothing" in w for w in self.ready()["warnings"]), 30, "L4: /readyz says it")
        self.assertRegex(self.instance.psql("select problem || ' ' || what from admin.check()"), "подписать нечем.*official of smev3 main")
        self.assertFalse(self.smev.ask("getRefsList", [], "BBBB00002", signed=True).rejected, "nobody else waits (L5)")
        self.instance.psql("update data.inbox set due_at = now() + interval '1 hour' where state = 'stored'")  # its pause is no matter
        self.configure("portal-512", None)
        self.assertFalse(self.smev.portal.answer(waits, 60).rejected, "L5: what waited for the key is due with it")
        for bad in ("expired", "no such file"):
            with self.subTest(bad):
                self.configure(bad, None)
                self.assertRegex([l for l in self.log().split("\n") if " reload result=" in l][-1], 'refused="official of smev3 main"')
                self.assertFalse(self.smev.ask("getRefsList", []).rejected, "who could sign before signs still")
        self.configure(None, None)
        self.configure("no such file", None)  # nobody signed before: it is not as it was
        self.assertRegex([l for l in self.log().split("\n") if " reload result=" in l][-1], 'refused="official of smev3 main .nothing was there before')
        self.smev.core.require_official("AAAA00001")
        self.configure(None, None)
        self.settled()

    def test_wrong_words(self):
        key = "\nofficial_key = %s/other.key" % self.instance.pki
        self.instance.conf.write_text(self.plain.replace("\npoll_interval", key + "\npoll_interval", 1))
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertIn("official_key and official_cert go together", said)
        self.instance.conf.write_text(self.plain.replace("\npoll_interval", key + "\nofficial_cert = %s/portal.pem\npoll_interval" % self.instance.pki, 1))
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertIn("does not belong to", said)


class Slow(World):
    """An answer that takes longer: a failure of ours lasts."""

    queues = (("main", "AAAA00001", "1.2", ("status_after = 1s", "timeout = 12s")), ("silent", "BBBB00002", "1.2", ()))

    def statuses(self, message):
        return [m for m in self.smev.portal.answers.get(message.message_id, []) if m.what == "RequestStatus"]

    def break_answers(self, is_failing):
        self.instance.psql("alter function api.%s rename to %s" % (("inbox_answered", "inbox_answered_not") if is_failing else ("inbox_answered_not", "inbox_answered")))

    def wait_for(self, message, what, words):
        wait_until(lambda: self.inbox(where="message_id = '%s' and %s" % (message.message_id, what)) == "1", 60, words)

    def held(self):
        """One that was tried, and is tried no more until go_on()."""
        self.break_answers(True)
        try:
            message = self.smev.call("getRefsList", [])
            self.wait_for(message, "state = 'stored' and attempts > 0", "it is tried")
            self.instance.psql("update data.inbox set due_at = now() + interval '1 day' where state = 'stored'")
            self.wait_for(message, "state = 'stored'", "it waits")
        finally:
            self.break_answers(False)
        return message

    def go_on(self, message):
        self.instance.psql("update data.inbox set due_at = now() where message_id = '%s'" % message.message_id)

    def test_told_once(self):  # Q4
        told = self.instance.metric('zapisd_smev3_answers_total{source="main",result="status"}')
        quick = self.smev.call("getRefsList", [])
        self.assertIsNone(self.smev.portal.answer(quick, 60).rejected)
        self.break_answers(True)
        try:
            slow, silent = self.smev.call("getRefsList", []), self.smev.call("getRefsList", [], "BBBB00002")
            wait_until(lambda: self.statuses(slow), 60, "it is told that the answer takes longer")
            wait_until(lambda: int(self.inbox("max(attempts)")) > 2, 60, "it is tried again and again")
        finally:
            self.break_answers(False)
        for message in (slow, silent):
            self.assertIsNone(self.smev.portal.answer(message, 90).rejected, "and then answered")
        self.assertEqual([len(self.statuses(m)) for m in (quick, slow, silent)], [0, 1, 0], "once; not who had his answer, not where nobody wants it")
        self.settled()
        self.assertEqual(self.instance.psql("select string_agg(coalesce(j.verdict, '') || octet_length(j.body)::boolean, ' ' order by j.direction) from data.inbox_call as c join data.journal as j using (journal_id)"
                                            " join data.inbox as i using (inbox_id) where c.outcome = 'status' and i.message_id = '%s'" % slow.message_id).strip(), "goodtrue true", "J1: as a pair, with the verdict")
        self.assertEqual(self.instance.metric('zapisd_smev3_answers_total{source="main",result="status"}'), told + 1)

    def test_lost_status(self):  # J1: SMEV has it, and the portal shows it: our half is kept
        self.smev.server.plan.next("SendResponse", Trouble(cut_answer=0.0))
        message = self.held()
        wait_until(lambda: self.statuses(message), 60, "SMEV has it")
        mine = self.statuses(message)[0].message_id
        wait_until(lambda: self.instance.psql("""select count(*) from data.inbox_call as c join data.inbox as i using (inbox_id) join data.journal as j using (journal_id)
            where i.message_id = '%s' and c.operation = 'SendResponse' and c.outcome = 'UNREACHABLE' and j.direction = 'out' and position('%s' in encode(j.body, 'escape')) > 0"""
                                              % (message.message_id, mine)).strip() == "1", 60, "with the message that waits")
        self.go_on(message)
        self.assertIsNone(self.smev.portal.answer(message, 60).rejected)
        self.settled()

    def test_put_aside(self):  # Q4: what may be somebody else's is told nothing in our name
        foreign = self.smev.portal.poison("foreign", self.smev.agency(), head=False)
        self.wait_for(foreign, "state = 'parked'", "it is put aside")
        self.instance.psql("update data.inbox set received_at = received_at - interval '1 minute' where message_id = '%s'" % foreign.message_id)
        slow = self.held()
        wait_until(lambda: self.statuses(slow), 60, "who came after it is told that the answer takes longer")
        self.assertEqual(self.inbox("status_at is null", "message_id = '%s'" % foreign.message_id), "t")
        self.go_on(slow)
        self.instance.psql("select admin.inbox_retry(inbox_id, true) from data.inbox where message_id = '%s'" % foreign.message_id)
        for message in (slow, foreign):
            self.assertIsNone(self.smev.portal.answer(message, 60).rejected)
        self.assertEqual([m.what for m in self.smev.portal.answers[slow.message_id]], ["RequestStatus", "MessagePrimaryContent"], "once, and before the answer")
        self.settled()

    def test_not_behind_the_answer(self):  # Q4
        self.instance.psql("alter function api.inbox_slow_still(bigint) rename to inbox_slow_still_plain")
        self.instance.psql("""create function api.inbox_slow_still(p_inbox_id bigint) returns boolean language plpgsql security definer as $$
            begin
                while exists (select from data.inbox as i where i.inbox_id = p_inbox_id and i.state in ('stored', 'working')) loop
                    perform pg_sleep(0.02);
                end loop;
                return api.inbox_slow_still_plain(p_inbox_id);
            end $$; grant execute on function api.inbox_slow_still(bigint) to zapisd_daemon""")
        try:
            message = self.held()
            self.wait_for(message, "status_at is not null", "it is to be told")
            self.go_on(message)  # the answer is made just before that leaves
            self.assertIsNone(self.smev.portal.answer(message, 60).rejected)
            self.settled()
        finally:
            self.instance.psql("drop function api.inbox_slow_still(bigint); alter function api.inbox_slow_still_plain(bigint) rename to inbox_slow_still")
        self.assertEqual(self.statuses(message), [])
        self.wait_for(message, "status_at is null", "nor is it noted")

    def test_the_answer_waits_for_it(self):  # Q4: SMEV may take two that are on the way in any order
        self.smev.server.plan.next("SendResponse", Trouble(slow=2))
        message = self.held()
        wait_until(lambda: self.smev.server.plan.waiting() == 0, 60, "the RequestStatus is on its way")
        began = time.monotonic()
        self.go_on(message)
        self.assertIsNone(self.smev.portal.answer(message, 60).rejected)
        self.assertGreater(time.monotonic() - began, 1.8, "what was sent before was heard first")
        self.assertEqual([m.what for m in self.smev.portal.answers[message.message_id]], ["RequestStatus", "MessagePrimaryContent"])
        self.settled()

    def test_the_answer_waits_not_long(self):  # Q4: what is optional holds nobody back until its call is given up
        given_up = lambda: self.instance.log.read_text(errors="replace").count("queue-status source=main error=TIMEOUT")
        self.smev.server.plan.next("SendResponse", Trouble(silent=True))
        message, before = self.held(), given_up()
        wait_until(lambda: self.smev.server.plan.waiting() == 0, 60, "the RequestStatus is on its way")
        self.go_on(message)
        self.assertIsNone(self.smev.portal.answer(message, 60).rejected)
        self.assertEqual(given_up(), before, "the answer is at the portal before that")
        self.settled()


if __name__ == "__main__":
    e2e.main()
