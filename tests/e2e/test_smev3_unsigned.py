#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What a queue of SMEV 3 gives and SMEV has not signed (Q1, Q3, Q4; docs/decisions/0331): a broken message stops nobody, is told with its id,
and refused by hand alone (docs/decisions/0334); one whose signer is not configured, or not trusted, is never acknowledged, and is answered when the operator has mended it."""
import os
import pathlib
import signal
import time

import e2e
from e2e import wait_until

from smev3server import Trouble
from smev3world import QueueClient
from test_smev3 import World

LATER_S = 16 * 60  # SMEV delivers again what was not acked


class Unsigned(World):
    """spoilt: {message id: kind of smev3core.SPOILS}."""

    def setUp(self):
        self.spoilt, core = {}, self.smev.core
        if not hasattr(type(self), "genuine"):
            type(self).genuine = staticmethod(core.deliver_request)
        core.deliver_request = lambda message, version, dress, spoil=None: type(self).genuine(
            message, version, dress, self.spoilt.get(message.message_id, spoil))

    @classmethod
    def tearDownClass(cls):
        try:
            super(World, cls).tearDownClass()
        finally:
            cls.smev.close()
        judge = cls.smev.judge(parked=cls.rejected)
        assert not judge.problems, "\n".join(judge.problems)

    def put(self, kind):
        message = self.smev.call("getRefsList", [], put=False)
        self.spoilt[message.message_id] = kind
        return self.smev.core.submit(message)

    def deliveries(self, message):
        return sum(e.times for e in self.smev.agency().requests.entries() if e.message is message)

    def kept(self, message, reason):
        return int(self.instance.psql("select count(*) from data.journal_refused where request_id = '%s' and reason = '%s'" % (message.message_id, reason)))

    def told(self, problem):
        return self.instance.psql("select count(*) from admin.check() where problem ~ '%s'" % problem).strip() != "0"

    def never_stored(self, message):
        self.assertEqual(self.inbox(where="message_id = '%s'" % message.message_id), "0", "it is no request")


class Broken(Unsigned):
    rejected = set()

    def unread(self, message):
        return self.instance.psql("select times || ' ' || error from admin.inbox_unread where message_id = '%s'" % message.message_id).strip()

    def readyz(self):
        return str(self.instance.admin("/readyz")[1])

    def test_nothing_is_refused_but_by_hand(self):
        """Q1, Q4: whoever can write into the connection can break any message, and claim any id: what it says counts when somebody has looked."""
        kinds = ("digest", "value", "unsigned", "twice", "c14n", "inner", "content")
        put = {kind: self.put(kind) for kind in kinds}
        self.rejected.update(m.message_id for m in put.values())
        for n in range(1, 5):
            wait_until(lambda n=n: all(self.unread(m).startswith("%d " % n) for m in put.values()), 60, "delivery %d is noted" % n)
            self.assertFalse(QueueClient(self.smev).call("getRefsList", []).rejected, "what stands behind them is answered")
            self.smev.core.clock.advance(LATER_S)
        for message in put.values():
            self.assertIsNone(getattr(message, "acked", None), "SMEV has it still")
            self.never_stored(message)
        self.assertTrue(self.told("не удалось прочесть"), "L4: people are told")
        wait_until(lambda: "cannot be read or are not SMEV" in self.readyz() and any(m.message_id in self.readyz() for m in put.values()), 60, "L4: and machines")
        wait_until(lambda: self.instance.metric('zapisd_smev3_waiting{source="main",result="unread"}') == len(kinds), 15, "each of them is counted")
        self.smev.server.plan.next("Ack", Trouble(lose_request=True))
        for message in put.values():
            self.instance.psql("select admin.inbox_unread_give_up('%s', 'проверено у оператора СМЭВ')" % message.message_id)
        lost = "select count(*) from data.journal_refused where reason = 'Ack accepted=false' and size = 0 and position('AckRequest' in encode(answer, 'escape')) > 0"
        wait_until(lambda: self.instance.psql(lost).strip() == "1", 60, "J1: one that was lost is journalled: SMEV may have heard it")
        self.instance.psql("update data.inbox_unread set say_at = clock_timestamp() where say_at is not null and said_at is null")
        wait_until(lambda: all(getattr(m, "acked", None) is False for m in put.values()) or self.smev.core.clock.advance(LATER_S), 60, "accepted=false: never as if it had been taken")
        wait_until(lambda: all(self.kept(m, "Ack accepted=false") >= 1 for m in put.values()), 60, "J1: the Ack is journalled")
        wait_until(lambda: not self.told("не удалось прочесть"), 60, "and it is over")
        self.settled()

    def test_spoilt_on_the_way(self):
        """Q1: a message that we have is not refused, however often a broken copy of it comes; one that was broken on the way is answered when it comes whole."""
        message = self.put("digest")
        wait_until(lambda: self.unread(message) != "", 60, "it is noted")
        del self.spoilt[message.message_id]
        self.smev.core.clock.advance(LATER_S)
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.assertEqual(self.unread(message), "", "it is a request like others")
        self.settled()
        self.spoilt[message.message_id] = "digest"
        before = self.instance.metric('zapisd_smev3_refused_total{source="main"}')
        for n in range(1, 5):
            self.smev.core.duplicate(message, head=True)
            wait_until(lambda n=n: self.instance.metric('zapisd_smev3_refused_total{source="main"}') >= before + n, 60, "copy %d came" % n)
        self.assertEqual(self.unread(message), "", "its copies are nothing")
        self.assertEqual(self.instance.psql("select count(*) from data.journal_refused where reason = 'Ack accepted=false' and request_id = '%s'" % message.message_id).strip(), "0")
        del self.spoilt[message.message_id]
        self.smev.core.clock.advance(LATER_S)
        wait_until(lambda: not self.smev.agency().requests.entries(), 60, "the copies are acknowledged when they are whole")


class Distrusted(Unsigned):
    """Certificates that the configuration gives SMEV, and that are not trusted: revoked, at an end, of an authority nobody knows (C2, C8)."""

    rejected = set()
    kinds = ("revoked", "expired", "stranger")

    @classmethod
    def options(cls):
        edit = super().options()["edit"]
        right = str(pathlib.Path(cls.smev.directory).resolve() / "pki" / "smev.pem")
        lines = "".join("cert = %s\n" % right.replace("smev.pem", kind + ".pem") for kind in cls.kinds)
        return {"edit": lambda text: edit(text).replace("cert = %s\n" % right, "cert = %s\n%s" % (right, lines))}

    def test_being_configured_is_not_enough(self):
        for kind in self.kinds:
            with self.subTest(kind=kind):
                self.assertIn("/%s.pem" % kind, self.instance.conf.read_text())
                message = self.put(kind)
                wait_until(lambda: self.kept(message, "TOKEN") == 1, 60, "it is kept apart")
                self.assertEqual(self.kept(message, "SENDER"), 0)
                self.never_stored(message)
                self.assertIsNone(getattr(message, "acked", None), "never acknowledged")
                self.assertEqual(message.finals, [])
                self.assertTrue(any(w.startswith("smev3 main: the queue is not asked as it should: TOKEN") for w in self.warnings()), "L4: it is told")
                del self.spoilt[message.message_id]  # SMEV signs it as it should
                self.smev.core.clock.advance(LATER_S)
                os.kill(self.instance.pid(), signal.SIGHUP)
                self.assertIsNotNone(self.smev.portal.answer(message, 60), "and nothing is lost")
        self.settled()


class Strange(Unsigned):
    """Half a minute after a message that nobody here believes the queue is asked again, later each time: few deliveries are waited for."""

    rejected = set()

    @classmethod
    def options(cls):
        edit = super().options()["edit"]
        cls.right = str(pathlib.Path(cls.smev.directory).resolve() / "pki" / "smev.pem")
        cls.wrong = cls.right.replace("smev.pem", "other.pem")
        return {"edit": lambda text: edit(text).replace("cert = %s\n" % cls.right, "cert = %s\n" % cls.wrong)}

    def hup(self, change):
        path = self.instance.conf
        path.write_text(change(path.read_text()))
        os.kill(self.instance.pid(), signal.SIGHUP)

    def test_mended_by_the_operator(self):  # Q1, C5
        self.assertIn(self.wrong, self.instance.conf.read_text())
        put = [self.put(None) for _ in range(4)]
        kept = lambda: sum(self.kept(m, "SENDER") for m in put)
        wait_until(lambda: kept() == 1, 60, "it is kept apart")
        time.sleep(2)
        self.assertEqual(kept(), 1, "the queue is asked slower")
        wait_until(lambda: self.told("не тем"), 60, "L4: somebody is told")
        self.assertEqual(self.instance.metric('zapisd_smev3_faulty{source="main"}'), 1)
        for n in range(8):  # twice as often as all of them, with a reload that mends nothing in between
            before = kept()
            self.hup(lambda text: text + "# %d\n" % n)
            wait_until(lambda: kept() > before, 60, "it is asked at once after a reload")
            self.smev.core.clock.advance(LATER_S)
        for message in put:
            self.assertIsNone(getattr(message, "acked", None), "never acknowledged")
            self.never_stored(message)
        self.hup(lambda text: text.replace(self.wrong, self.right))
        self.smev.core.clock.advance(LATER_S)
        for message in put:
            self.assertIsNotNone(self.smev.portal.answer(message, 60), "nothing is lost")
        self.settled()
        wait_until(lambda: not self.told("не тем") and self.instance.metric('zapisd_smev3_faulty{source="main"}') == 0, 90, "and it is over")


if __name__ == "__main__":
    e2e.main()
