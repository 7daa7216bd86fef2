#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Files of requests (Q6): fetched before the Ack, which closes SMEV's store; compared with the Hash that SMEV has signed; kept by content. One that
cannot be had stops nobody, is tried with the passwords of later deliveries, and in the end its message is refused, or put aside for a person."""
import hashlib
import os
import pathlib
import pwd
import signal
import stat
import subprocess
import time
import urllib.parse
import uuid

import e2e
from e2e import wait_until

import gost
from smev3server import Trouble
from smev3world import QueueClient, Smev3
from test_smev3 import World

SLOW = "BBBB00002"
LATER_S = 16 * 60  # SMEV delivers again what was not acked
BOUNDS = ("file_size_max = 1MiB", "files_size_max = 1536KiB", "files_max = 5", "files_timeout = 5s", "files_deliveries = 2")


def name_of(data):
    return hashlib.sha256(data).hexdigest()


class Files(World):
    """One queue whose bounds are soon reached, and one that waits long for a server."""

    @classmethod
    def options(cls):
        cls.allowed, cls.unanswered = set(), set()
        cls.smev = Smev3((("main", "AAAA00001", "1.2", BOUNDS), ("slow", SLOW, "1.3", ("files_timeout = 10m",))),
                         directory=pathlib.Path(e2e.BUILD / "e2e" / (e2e.NAME + "-" + cls.__name__.lower())), fetch=True)
        return {"edit": cls.smev.edit}

    def put(self, files, **more):
        return self.smev.call("getRefsList", [], files=files, **more)

    def rows(self, message):
        rows = self.instance.psql("select concat_ws('|', f.place, f.mime_type, f.is_signed, f.size, f.content) from data.inbox as i, admin.inbox_files(i.inbox_id) as f"
                                  " where i.message_id = '%s' order by f.number" % message.message_id)
        return [r for r in rows.strip().split("\n") if r]

    def asked(self, message):
        """J1: how its files were asked for."""
        rows = self.instance.psql("select concat_ws('|', c.outcome, convert_from(o.body, 'UTF8'), i.peer, i.verdict, convert_from(i.body, 'UTF8'), encode(i.digest, 'hex')) from data.inbox as m, admin.inbox_calls(m.inbox_id) as c"
                                  " join data.journal as o using (journal_id) join data.journal as i using (journal_id) where c.operation = 'GetFile' and o.direction = 'out' and i.direction = 'in' and m.message_id = '%s'"
                                  " and o.message_id = m.message_id and i.message_id = m.message_id order by c.journal_id" % message.message_id)
        return [r for r in rows.strip().split("\n") if r]

    def state(self, message):
        return self.inbox("coalesce(max(concat_ws(' ', state, refusal)), 'none')", "message_id = '%s'" % message.message_id)

    def count(self, what, source="main"):
        return self.instance.metric('zapisd_smev3_files_total{source="%s",result="%s"}' % (source, what))

    def check(self):  # O2
        return subprocess.run([str(self.instance.binary), "check", "--config", str(self.instance.conf), "--offline", "--user", pwd.getpwuid(os.geteuid()).pw_name],
                              capture_output=True, text=True, timeout=120).stdout

    def deliver_again(self):
        self.smev.core.clock.advance(LATER_S)

    def rejected(self, message):
        self.allowed.add(message.message_id)
        return self.smev.portal.answer(message, 60).rejected

    def drafts(self):
        return [p.name for p in self.smev.kept.iterdir() if p.name.startswith(".")]

    def test_kept_before_the_ack(self):
        """By either digest, in the message and beside it, empty and large, with a name that is none of a URL."""
        large = bytes(range(256)) * 700
        for hashed in (gost.STREEBOG256, gost.GOST94):
            with self.subTest(hashed=hashed):
                mark = hashed.encode()
                files = [("a.zip", b"octets " + mark), ("заявление №1 100%?#;.zip", large + mark), ("empty", b"")]
                message = self.put(files, attachments=[("_1", b"within " + mark), ("_2", b"")], hashed=hashed)
                self.assertFalse(self.smev.portal.answer(message, 60).rejected)
                expected = [("message|application/pdf", b"within " + mark), ("message|application/pdf", b"")] + [("store|application/zip", d) for _, d in files]
                self.assertEqual(self.rows(message), ["%s|t|%d|%s" % (what, len(data), name_of(data)) for what, data in expected])
                for _, data in expected:
                    kept = self.smev.kept / name_of(data)
                    self.assertEqual(kept.read_bytes(), data)
                    self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600, "J3: nobody else's")
                self.assertEqual([g.open for g in self.smev.files.grants.values() if g.message_id == message.message_id], [False] * 3, "the store was closed by the Ack")
                server, ids = "ftp://127.0.0.1:%d" % self.smev.files.port, [ident for ident, _, _ in message.files]
                self.assertEqual(self.asked(message), ["OK|%s/%s/%s|%s|hash: good|%d octets, SHA-256 %s|%s" % (server, ident, urllib.parse.quote(name), server, len(data), name_of(data), name_of(data))
                                                       for ident, (name, data) in zip(ids, files)], "J1: what was asked and had, without user and password; what came within is no exchange of its own")
        self.settled()
        self.assertEqual(self.drafts(), [])
        log = self.instance.log.read_text(errors="replace")
        for grant in self.smev.files.grants.values():  # J3: nor in what is made of a message
            self.assertNotIn(grant.password, log)
            self.assertEqual(self.instance.psql("select count(*) from data.inbox_file as f where f::text ~ '%s'" % grant.password).strip(), "0")
            self.assertEqual(self.instance.psql("select count(*) from data.journal as j where j.method = 'GetFile' and (j::text ~ '{0}' or convert_from(coalesce(j.body, ''), 'UTF8') ~ '{0}')".format(grant.password)).strip(), "0")
            self.assertEqual(self.instance.psql("select count(*) > 0 from data.journal as j where j.method = 'GetRequest' and position('{0}' in convert_from(j.body, 'UTF8')) > 0".format(grant.password)).strip(), "t",
                             "docs/limits.md: of a delivery the octets are kept as they came, with passwords that the Ack has closed")

    def test_booking(self):
        """O3: the booking's story has them."""
        book_id, reply = self.book(QueueClient(self.smev, files=[("booking.zip", b"booking")]))
        self.assertEqual(reply.status_code, "201")
        self.assertIn("файлов: 1, сохранено: 1", self.instance.psql("select * from admin.why('%s')" % book_id))

    def test_reload(self):
        """C5: what was read anew says the same of files, and goes on saying it when the old reading is gone."""
        for n in range(2):
            loaded = self.instance.log.read_text().count(" reload result=taken")
            os.kill(self.instance.pid(), signal.SIGHUP)
            wait_until(lambda: self.instance.log.read_text().count(" reload result=taken") > loaded, 60, "a reload")
            octets = b"after reload %d" % n
            self.assertFalse(self.smev.portal.answer(self.put([("reload-%d.zip" % n, octets)]), 60).rejected)
            self.assertEqual((self.smev.kept / name_of(octets)).read_bytes(), octets)

    def test_ack_that_was_lost(self):
        """Q3: what is stored needs no file any more."""
        self.smev.server.plan.next("Ack", Trouble(lose_request=True))
        message = self.put([("lost-ack.zip", b"lost ack")])
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.smev.files.troubles["lost-ack.zip"] = "locked"
        self.deliver_again()
        wait_until(lambda: getattr(message, "acked", None) is True, 60, "the Ack comes")
        self.assertEqual(self.smev.files.tries["lost-ack.zip"], 1)

    def test_another_try(self):
        """What goes over by itself is not seen: cut off, too many there, octets that are not the file's."""
        troubles = {"cut.zip": ("cut", 1), "busy.zip": ("busy", 1), "wrong.zip": ("wrong", 1)}
        self.smev.files.troubles.update(troubles)
        put = {name: self.put([(name, name.encode() * 1000)]) for name in troubles}
        for name, message in put.items():
            self.assertFalse(self.smev.portal.answer(message, 60).rejected, name)
            self.assertEqual(self.smev.files.tries[name], 2)
            self.assertEqual([r.split("|")[0] for r in self.asked(message)], [{"cut.zip": "UNREACHABLE", "busy.zip": "421", "wrong.zip": "FILE_DIGEST"}[name], "OK"], "J1: each try")
            self.assertEqual((self.smev.kept / name_of(name.encode() * 1000)).read_bytes(), name.encode() * 1000)

    def test_refused(self):
        """Q4: what the message itself is to blame for: answered at once, in words for whoever asked."""
        small = lambda n: [("many-%d.zip" % i, b"%d" % i) for i in range(n)]
        half = b"x" * (800 << 10)
        for words, files in (("слишком много", small(6)), ("слишком велики", [("large.zip", b"x" * ((1 << 20) + 1))]), ("слишком велики", [("h1", half), ("h2", half + b"y")]),
                             ("не найден", [("../../../../etc/passwd", b"x")]), ("не найден", [("", b"x")])):
            with self.subTest(files=[n for n, _ in files]):
                message = self.put(files)
                code, text = self.rejected(message)
                self.assertEqual(code, "FAILURE")
                self.assertIn(words, text)
                self.assertEqual(message.acked, True)
                self.assertTrue(all(r.split("|")[0] in ("OK", "FILES_SIZE") for r in self.asked(message)), self.asked(message))
        self.assertEqual(self.smev.files.tries["many-0.zip"], 0, "of too many none is asked for")
        wait_until(lambda: not self.drafts(), 60, "what is not kept goes, when the disk has time")
        self.smev.files.troubles.clear()

    def test_not_given(self):
        """What the store does not give is asked for again under the passwords of the next delivery; then somebody is told."""
        files, parked = self.smev.files, self.count("parked")
        files.troubles.update({"wrong-2.zip": "wrong", "endless.zip": "long", "gone.zip": "gone", "locked.zip": "locked", "busy-2.zip": "busy", "silent.zip": ("silent", 1)})
        names = ("wrong-2.zip", "gone.zip", "locked.zip", "busy-2.zip")
        put = {name: self.put([(name, name.encode())]) for name in names}
        wait_until(lambda: all(files.tries[n] for n in names), 60, "all of them are asked for")
        self.assertFalse(QueueClient(self.smev).call("getRefsList", []).rejected)
        wait_until(lambda: files.tries["wrong-2.zip"] == 3, 60, "tried again")
        put["silent.zip"] = self.put([("silent.zip", b"silent.zip")])
        wait_until(lambda: self.count("again") == 5, 60, "given up, for now")
        put["endless.zip"] = self.put([("endless.zip", b"x")])
        wait_until(lambda: self.count("again") == 6, 60, "given up, for now")
        for name in put:
            self.assertEqual(self.state(put[name]), "none", "Q1: neither stored ")
            self.assertIsNone(getattr(put[name], "acked", None), "nor acked")
        self.assertTrue([w for w in self.warnings() if "file store" in w], "L4")
        passwords = {u: g.password for u, g in files.grants.items()}
        self.deliver_again()
        self.assertFalse(self.smev.portal.answer(put["silent.zip"], 60).rejected, "Q6: the second delivery, with other passwords")
        self.assertIn("не найден", self.rejected(put["gone.zip"])[1])
        wait_until(lambda: self.count("parked") == parked + 4, 60, "what nobody can help is put aside")
        self.assertEqual([w for w in self.warnings() if "file store" in w], [], "L4: none of them waits in the queue any more")
        self.assertFalse(set(passwords) & {u for u, g in files.grants.items() if g.name == "silent.zip"})
        for name, words in (("locked.zip", "не пускает"), ("busy-2.zip", "не отвечает"), ("wrong-2.zip", "не то, что подписано"), ("endless.zip", "не то, что подписано")):
            wait_until(lambda: self.state(put[name]) == "parked", 60, "it is stored")
            wait_until(lambda: getattr(put[name], "acked", None) is True, 60, "it is acked")
            self.assertEqual(self.instance.psql("select count(*) from admin.check() where what ~ '%s.*inbox_retry'" % words).strip(), "1" if name != "wrong-2.zip" else "2", "L4: somebody is told")
            self.assertEqual([r.split("|")[0] for r in self.rows(put[name])], ["store"], "its header is kept")
            self.assertEqual({r.split("|")[0] for r in self.asked(put[name])}, {{"locked.zip": "530", "busy-2.zip": "421", "wrong-2.zip": "FILE_DIGEST", "endless.zip": "FILES_SIZE"}[name]}, "J1: why it was not had")
            self.instance.psql("select admin.inbox_retry(inbox_id) from data.inbox where message_id = '%s'" % put[name].message_id)
            self.assertFalse(self.smev.portal.answer(put[name], 60).rejected, "O3: by hand it goes on without")
        files.troubles.clear()
        self.settled()

    def test_disk(self):
        """A failure of ours is nobody else's, however often (files_deliveries is 2): not stored, not acked, told; then it is had."""
        message = self.put([("disk.zip", b"disk")], put=False)
        away = self.smev.kept.with_name("away")
        self.smev.kept.rename(away)
        try:
            self.smev.core.submit(message)
            own = self.count("own")
            for n in (1, 2, 3):
                wait_until(lambda n=n: self.count("own") == own + n, 60, "told")
                self.deliver_again()
            self.assertEqual(self.state(message), "none")
            self.assertTrue([w for w in self.warnings() if "cannot be kept" in w], "L4")
            self.assertRegex(self.check(), r"BAD +\S+ smev3 main: \S+/files: No such file or directory; requests with files stay in the queue")
        finally:
            away.rename(self.smev.kept)
        self.deliver_again()
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.assertEqual([w for w in self.warnings() if "kept" in w], [])
        self.assertRegex(self.check(), r"good +smev3 main: .*; files are fetched from ftp://127.0.0.1:\d+ into \S+/files")

    def test_nobody_waits(self):
        """L1, Q1: a dozen whose files stay silent for ten minutes are at the head, three times as many as are asked for at once. What stands behind them is answered,
        and so is, at its first delivery, what has a file that the store gives: whoever is silent gives way, and goes on. L5: nor does a stop wait."""
        names = ["silent-%d.zip" % n for n in range(12)]
        self.smev.files.troubles.update((name, "silent") for name in names)
        put = [self.put([(name, name.encode())], agency=SLOW) for name in names]
        for _ in range(3):
            self.assertFalse(QueueClient(self.smev, SLOW).call("getRefsList", []).rejected)
        good = self.put([("good.zip", b"good")], agency=SLOW)
        wait_until(lambda: good.finals, 60, "it is had, at its first delivery")
        self.assertFalse(self.smev.portal.answer(good, 60).rejected)
        self.assertEqual([r.split("|")[0] for r in self.asked(good)], ["OK"])
        wait_until(lambda: all(self.smev.files.tries[n] for n in names), 60, "each is asked for")
        wait_until(lambda: any(self.smev.files.tries[n] > 1 for n in names), 60, "and again")
        self.assertEqual([self.state(m) for m in put], ["none"] * 12)
        self.assertEqual(self.count("put_off", "slow"), 0)
        self.assertEqual(self.instance.stop_daemon(), 0, "drained")
        self.assertEqual(self.drafts(), [])
        old, young = (self.smev.kept / (".draft-%s" % uuid.uuid4()) for _ in range(2))
        for draft in (old, young):
            draft.write_bytes(b"half")
        os.utime(old, (time.time() - 7200,) * 2)
        self.smev.files.troubles.clear()
        self.instance.start_daemon()
        self.deliver_again()
        wait_until(lambda: all(self.state(m) != "none" for m in put), 60, "they are stored")
        for message in put:
            self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.assertEqual(self.drafts(), [young.name], "what was killed long ago is swept away")
        young.unlink()


if __name__ == "__main__":
    e2e.main()
