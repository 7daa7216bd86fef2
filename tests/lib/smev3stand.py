#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""./dev up --smev3 and ./dev smev: a small SMEV 3 and its portal beside an instance that is left running, to walk the guide's chapters with.

    smev3stand.py start|stop|help --dir DIRECTORY
    smev3stand.py ask --dir DIRECTORY [WORD ...]     what ./dev smev says

`start` leaves a process behind that hears words on a socket of the directory, and the sections [smev3 epgu] and [push AAAA00001] in its
zapisd.conf.d/smev3.conf; `stop` ends both. Speaks Russian: who reads it is an operator.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid

import gostfast
from instance import SOURCE, Instance, InstanceError
from smev3core import EQ, REDELIVERY_S, Message
from smev3portal import POISONS
from smev3server import Trouble
from smev3world import QueueClient, Smev3

AGENCY, MNEMONIC, SECTION = "AAAA00001", "123456", "epgu"
ORGANIZATION, SERVICE, ROOM = "R7700018", "10000593393", "room-11"
SOCKET, LOG, REGISTERED = "smev3.sock", "smev3.log", "agency-a-new.registered"
PATIENT_S = 60
ANSWER_S = 15  # so long a citizen looks at the screen
NOT_FOUND = (404, "text/html", "<html><body><h1>404 Not Found</h1></body></html>".encode())

CONF = """# Сделан ./dev up --smev3, при ./dev down убирается. Правьте здесь и берите правку так: kill -HUP $(cat {dir}/zapisd.pid)
# Новый сертификат СМЭВ (./dev smev trouble certificate):
#[sender SMEV00001]
#cert = {pki}/smev-new.pem

[smev3 epgu]
agency = AAAA00001
mnemonic = 123456
version = 1.2
endpoint = {main}
endpoint_reserve = {reserve}
smev = SMEV00001
poll_interval = 1s
timeout = 10s
# Спрашивать только эти виды обращений:
#namespace = http://epgu.rtlabs.ru/equeue/ws/
#roots = getSlotsRequest, bookRequest, cancelBookingRequest, getBookingStatusRequest, getRefsListRequest
#attachments = fetch
#files_server = ftp://127.0.0.1:{files}
#files_dir = {dir}/files

[push AAAA00001]
road = smev3
queue = epgu
timeout = 10s
# В работе — сутки; здесь столько, чтобы дождаться.
answer_deadline = 1m
"""

TROUBLES = {
    "silence": "СМЭВ берёт вопрос и молчит: TIMEOUT",
    "refused": "оба адреса СМЭВ закрыты: UNREACHABLE",
    "html": "вместо СМЭВ страница HTML, 404: MALFORMED",
    "failure": "сбой у СМЭВ: SMEVFailure",
    "denied": "СМЭВ просит спрашивать реже: AccessDenied",
    "root": "СМЭВ не знает вида обращений getSlotsRequest: UnknownMessageType (сначала откройте namespace и roots в smev3.conf)",
    "sender": "СМЭВ не знает сертификата ведомства: SenderIsNotRegistered",
    "answers": "обращения СМЭВ отдаёт, а ответы не берёт: SenderIsNotRegistered",
    "certificate": "СМЭВ подписывает новым сертификатом, smev-new.pem: SENDER",
}
PORTALS = {
    "good": "портал отвечает на каждое сообщение согласием",
    "refuse": "портал отказывает: ошибка 3; другая — числом: refuse 4",
    "reject": "портал отказывает: RequestRejected",
    "failure": "портал отвечает сбоем: ошибка 1",
    "silent": "портал берёт сообщения и молчит; answer_deadline здесь минута",
    "late": "портал молчит, пока Вы не скажете ./dev smev portal answer",
    "answer": "портал отвечает на всё, на что промолчал, и дальше отвечает сразу; нечитаемые ответы приходят целыми",
    "unreadable": "ответы портала не читаются: подпись СМЭВ не сходится, admin.inbox_unread",
    "other": "портал отвечает не о той записи, о которой спрошено",
    "smev": "сообщения не пропускает сама СМЭВ: AsyncProcessingStatus",
}
POISONED = {
    "foreign": "получателем названо другое ведомство: отложено (parked), см. mnemonic",
    "no_reply_to": "не сказано, куда отвечать: отложено (parked)",
    "unverifiable": "подпись СМЭВ не сходится: остаётся в очереди, admin.inbox_unread",
    "doctype": "с DOCTYPE: остаётся в очереди, admin.inbox_unread",
    "deep": "глубже, чем можно прочесть: то же",
    "unknown_root": "неизвестный метод: отказ (RequestRejected)",
    "schema": "не по схеме: ответ с ошибкой 2",
    "large": "5 МиБ: отказ, остальные не ждут",
    "parts": "с 1990 файлами в самом сообщении: ответ как обычно (с attachments = fetch — отказ: файлов больше files_max)",
    "file": "с файлом, которого в хранилище нет: ответ как обычно (с attachments = fetch — отказ)",
    "eol": "срок обращения (EOL) прошёл: ответ с ошибкой 2",
    "include": "содержание унесено во вложение (xop:Include): ответ с ошибкой 2",
    "two_children": "в обращении два метода вместо одного: ответ с ошибкой 2",
    "no_child": "в обращении нет метода: отказ (RequestRejected)",
    "text": "вместо метода просто текст: отказ (RequestRejected)",
    "dangling": "с типом, которого нет (xsi:type): ответ как обычно",
    "xml_id": "с тем же Id, что у подписанного СМЭВ: ответ как обычно",
    "broadcast": "рассылка, ответа не ждут: закрыто (closed)",
    "crowded": "200 000 элементов: остаётся в очереди, admin.inbox_unread (LIMIT)",
    "bad_id": "MessageID — не номер: остаётся в очереди без MessageID, admin.inbox_unread (ENVELOPE)",
    "foreign_answer": "ответ на сообщение, которого эта программа не передавала: admin.inbox_unread (FOREIGN)",
    "refused_later": "последний взятый ответ ведомства СМЭВ теперь отвергает: отложено (parked)",
}
HELP = """Гражданин на портале:
  ./dev smev getSlots            посмотреть свободное время (демонстрационный отдел {organization}, {room})
  ./dev smev book [сколько]      записаться на ближайшее; будет напечатан номер записи
  ./dev smev status [номер]      узнать о записи (без номера — о последней)
  ./dev smev cancel [номер]      отменить её
  ./dev smev file                записаться с приложенным файлом (файлы берутся с attachments = fetch)
Что делает портал с сообщениями ведомства:
  ./dev smev portal …
{portals}
Беда, пока не сказано ./dev smev trouble off:
  ./dev smev trouble …
{troubles}
Обращение, с которым не справиться, впереди всех (два последних слова — в очереди ответов; пока исходящих нет, её спрашивают раз в минуту):
  ./dev smev poison …
{poisons}
СМЭВ:
  ./dev smev key                 новые ключ и сертификат ведомства, которых СМЭВ ещё не знает
  ./dev smev register            теперь знает; у нас — перечитать настройки
  ./dev smev later               прошло 15 минут: неподтверждённое выдаётся снова. Они проходят и сами, по 16 за каждые 10 секунд, что
                                 гражданин ждёт ответа. Часы СМЭВ так и остаются впереди наших, и /readyz говорит об этом
                                 (our clock is … behind SMEV's): так и должно быть
  ./dev smev                     что стоит в очередях и что сейчас играется
  ./dev smev help                этот список"""


def listed(words):
    return "\n".join("    %-14s %s" % item for item in words.items())


def help_text():
    return HELP.format(organization=ORGANIZATION, room=ROOM, portals=listed(PORTALS), troubles=listed(TROUBLES), poisons=listed(POISONED))


class Refused(Exception):
    """What was typed cannot be done; the text is for who typed it."""


class Stand:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory).resolve()
        self.pki, self.conf = self.dir / "pki", self.dir / "zapisd.conf.d/smev3.conf"
        self.smev = Smev3([(SECTION, AGENCY, "1.2", ())], self.dir, mnemonics={AGENCY: MNEMONIC}, recorded=False)
        self.trouble, self.said, self.last_book, self.asked = None, "good", None, []
        self.over = threading.Event()

    # ---- life --------------------------------------------------------------------------------------------------------

    def begin(self):
        self.smev.begin()
        self.core, self.portal, self.server = self.smev.core, self.smev.portal, self.smev.server
        self.usual = self.core.key, self.core.cert
        self.genuine, self.core.respond = self.core.respond, self.respond
        if (self.pki / REGISTERED).exists():
            self.register()
        self.conf.parent.mkdir(exist_ok=True)
        (self.dir / "files").mkdir(exist_ok=True)
        self.conf.write_text(CONF.format(dir=self.dir, pki=self.pki, main=self.server["main"].url, reserve=self.server["reserve"].url,
                                         files=self.smev.files.port))

    def end(self):
        self.conf.unlink(missing_ok=True)
        self.smev.close()

    def serve(self):
        os.chdir(self.dir)  # a socket's name has 108 bytes
        pathlib.Path(SOCKET).unlink(missing_ok=True)
        try:
            self.begin()
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(SOCKET)
                os.chmod(SOCKET, 0o600)
                s.listen(8)
                s.settimeout(0.2)
                while not self.over.is_set():
                    try:
                        connection, _ = s.accept()
                    except TimeoutError:
                        continue
                    threading.Thread(target=self.hear, args=(connection,), daemon=True).start()
        finally:
            self.end()
            pathlib.Path(SOCKET).unlink(missing_ok=True)

    def hear(self, connection):
        with connection:
            connection.settimeout(PATIENT_S)
            try:
                words = json.loads(connection.makefile().readline())
                good, text = True, self.do(words)
            except Refused as e:
                good, text = False, str(e)
            except Exception as e:  # pylint: disable=broad-except
                good, text = False, "Не вышло: %s: %s" % (type(e).__name__, e)
            connection.sendall(json.dumps([good, text]).encode())
        if words[:1] == ["stop"]:
            self.over.set()

    def do(self, words):
        known = {"": self.state, "help": help_text, "ping": lambda: "pong", "stop": lambda: "", "getSlots": self.get_slots, "book": self.book,
                 "status": self.status, "cancel": self.cancel, "file": self.file, "portal": self.set_portal, "trouble": self.set_trouble,
                 "poison": self.poison, "later": self.later, "key": self.new_key, "register": self.register}
        name, arguments = (words or [""])[0], words[1:]
        if name not in known:
            raise Refused("Нет такого слова: %s\n%s" % (name, help_text()))
        try:
            return known[name](*arguments)
        except TypeError:
            raise Refused("Не так: %s\n%s" % (" ".join(words), help_text())) from None

    # ---- a citizen ---------------------------------------------------------------------------------------------------

    def client(self, **more):
        return QueueClient(self.smev, AGENCY, ANSWER_S, **more)

    def asks(self, what, call):
        """The answer, or None with the words for that."""
        started = time.monotonic()
        try:
            reply = call()
        except AssertionError:
            return None, "%s: ответа пока нет. Обращение не потеряно: ./dev smev, select * from admin.inbox; select * from admin.check()" % what
        seconds = time.monotonic() - started
        if reply.rejected:
            return reply, "%s: отказ СМЭВ 3 (RequestRejected), %s: %s" % (what, *reply.rejected)
        words = ["%s: ответ за %.1f с" % (what, seconds)]
        if reply.error_code:
            words.append("ошибка %s: %s" % (reply.error_code, reply.text("error/errorDetail/errorMessage") or ", ".join(reply.fields)))
        if reply.status_code:
            words.append("статус %s" % reply.status_code)
        return reply, "; ".join(words)

    def free(self):
        return self.asks("getSlots", lambda: self.client().get_slots(ORGANIZATION, services=[SERVICE], areas=[ROOM]))

    def get_slots(self):
        reply, text = self.free()
        return text if reply is None or not reply.slots else text + "; свободно %d, ближайшее %s" % (len(reply.slots), reply.slots[0]["visitTime"])

    def book(self, times="1", **more):
        out = []
        if not times.isdecimal() or int(times) == 0:
            raise Refused("Сколько раз записаться? Число от 1: ./dev smev book 3")
        for _ in range(int(times)):
            reply, text = self.free()
            if reply is None or not reply.slots:
                return "\n".join(out + [text])
            slot, book_id = reply.slots[0], str(uuid.uuid4())
            reply, text = self.asks("book", lambda: self.client(**more).book(book_id, slot["slotId"], ORGANIZATION, False, services=[SERVICE]))
            if reply is None or reply.status_code == "201":
                self.last_book = book_id
            out.append("%s; запись %s на %s" % (text, book_id, slot["visitTime"]))
        return "\n".join(out)

    def booking(self, book_id):
        book_id = book_id or self.last_book
        if book_id is None:
            raise Refused("Какая запись? Номер или сначала ./dev smev book")
        return book_id

    def status(self, book_id=None):
        book_id = self.booking(book_id)
        return self.asks("getBookingStatus", lambda: self.client().get_booking_status(book_id))[1]

    def cancel(self, book_id=None):
        book_id = self.booking(book_id)
        return self.asks("cancelBooking", lambda: self.client().cancel_booking(book_id))[1]

    def file(self):
        return self.book(files=[("zayavlenie.zip", b"PK\x05\x06" + bytes(18))])

    # ---- the portal --------------------------------------------------------------------------------------------------

    def respond(self, message):
        if self.said == "unreadable" and any(push.message is message.original for push in self.portal.pushes):
            message.spoil = "unverifiable"
        return self.genuine(message)

    def unanswered(self):
        return [push for push in self.portal.pushes if push.answered_at is None and not getattr(push, "refused", False)]

    def set_portal(self, how, code="3"):
        if how not in PORTALS:
            raise Refused("Портал умеет:\n" + listed(PORTALS))
        if not code.isdecimal():
            raise Refused("Код ошибки — число: refuse 4")

        def by_smev(push):
            push.refused = True
            self.core.refuse_async(push.message)
        answers = {"refuse": lambda push: self.portal.push_said(push, int(code), "Запись на портале закрыта"),
                   "reject": lambda push: ("reject", "NO_DATA", "Такой записи на портале нет"),
                   "failure": lambda push: self.portal.push_said(push, 1, "Внутренняя ошибка портала"),
                   "other": lambda push: self.portal.bare_answer(str(uuid.uuid4()), push.values.get("esiaId", ""), 0, "Успешно"),
                   "silent": lambda push: None, "late": lambda push: None, "smev": by_smev}
        with self.core.lock, self.portal.lock:
            self.portal.push_answer, self.said = answers.get(how), "good" if how == "answer" else how
            if how == "answer":
                for push in self.portal.pushes:
                    for made in push.message.finals:
                        made.spoil = None
                for push in self.unanswered():
                    self.portal._answer_push(push)
        return "портал отказывает: ошибка %d" % int(code) if how == "refuse" else PORTALS[how]

    # ---- trouble -----------------------------------------------------------------------------------------------------

    def set_trouble(self, kind):
        if kind != "off" and kind not in TROUBLES:
            raise Refused("Беды бывают такие (и off — всё прошло):\n" + listed(TROUBLES))
        self.recover()
        if kind == "off":
            return "Всё прошло."
        plan = self.server.plan
        fault = lambda name: Trouble(fault=(name, None, "full"))
        if kind == "silence":
            plan.keep(None, Trouble(silent=True))
        elif kind == "refused":
            for name in self.server.endpoints:
                self.server.refuse(name)
            for writer in list(self.server.writers):
                self.server.loop.call_soon_threadsafe(writer.transport.abort)
        elif kind == "html":
            plan.keep(None, Trouble(http=NOT_FOUND))
        elif kind == "failure":
            plan.keep(None, fault("SMEVFailure"))
        elif kind == "denied":
            plan.keep("GetRequest", fault("AccessDenied"))
        elif kind == "sender":
            plan.keep(None, fault("SenderIsNotRegistered"))
        elif kind == "answers":
            plan.keep("SendResponse", fault("SenderIsNotRegistered"))
        elif kind == "root":
            with self.core.lock:
                self.core.types.pop((EQ, "getSlotsRequest"), None)
        else:
            self.new_certificate()
        self.trouble = kind
        return TROUBLES[kind] + (". Откройте его строки в начале %s и перечитайте настройки. Выданное с ним придёт снова через 15 минут; не ждать — ./dev smev later"
                                 % self.conf if kind == "certificate" else "")

    def recover(self):
        for operation in (None, "GetRequest", "SendResponse"):
            self.server.plan.keep(operation, None)
        for name in self.server.endpoints:
            self.server.refuse(name, False)
        with self.core.lock:
            self.core.key, self.core.cert = self.usual
            self.core.add_order_329(self.portal.system)
        self.trouble = None

    def make_pair(self, name, subject):
        """Of the same authority, made once."""
        if (self.pki / (name + ".pem")).exists():
            return
        env = dict(os.environ, OPENSSL_CONF=str(self.pki / "openssl.cnf"))
        ssl = lambda *words: subprocess.run(["openssl", *words], cwd=self.pki, env=env, check=True, capture_output=True)
        ssl("genpkey", "-engine", "gost", "-algorithm", "gost2012_256", "-pkeyopt", "paramset:A", "-out", name + ".key")
        ssl("req", "-new", "-key", name + ".key", "-subj", "/C=RU/O=%s/CN=%s" % ("zapisd tests", subject), "-out", name + ".csr")
        ssl("ca", "-batch", "-notext", "-in", name + ".csr", "-out", name + ".part", "-extensions", "leaf")
        os.chmod(self.pki / (name + ".part"), 0o644)
        os.replace(self.pki / (name + ".part"), self.pki / (name + ".pem"))

    def new_key(self):
        self.make_pair("agency-a-new", "Test agency A")
        return ("Новые ключ и сертификат ведомства готовы, СМЭВ их ещё не знает. Впишите в %s и перечитайте настройки:\n"
                "[agency AAAA00001]\nkey = %s/agency-a-new.key\ncert = %s/agency-a-new.pem\nПотом — ./dev smev register"
                % (self.conf.with_name("key.conf"), self.pki, self.pki))

    def register(self):
        self.make_pair("agency-a-new", "Test agency A")
        cert = gostfast.Certificate.from_pem(self.core.read("agency-a-new.pem"))
        with self.core.lock:
            self.core.by_certificate[cert.der] = self.smev.agency(AGENCY)
        (self.pki / REGISTERED).touch()
        return "СМЭВ знает новый сертификат ведомства; прежний тоже."

    def new_certificate(self):
        self.make_pair("smev-new", "Test SMEV")
        key, cert = gostfast.PrivateKey(self.core.read("smev-new.key")), gostfast.Certificate.from_pem(self.core.read("smev-new.pem"))
        with self.core.lock:
            self.core.key, self.core.cert = key, cert

    def poison(self, kind):
        if kind not in POISONED:
            raise Refused("Бывает такое:\n" + listed(POISONED))
        agency, words = self.smev.agency(AGENCY), POISONED[kind].split(":")[0]
        if kind in POISONS:
            return "В голове очереди %s (%s)" % (self.portal.poison(kind, agency).message_id, words)
        with self.core.lock, self.portal.lock:
            taken = [m.finals[-1] for m in self.portal.submitted.values() if m.recipient is agency and m.finals]
        if kind == "foreign_answer":
            said = self.core.refuse_async(Message("REQUEST", str(uuid.uuid1()), agency, self.portal.system, b"", "1.2"))
        elif not taken:
            raise Refused("Ответов ведомства СМЭВ ещё не брала: сначала ./dev smev book")
        else:
            said = self.core.refuse_async(taken[-1], "responseIsRejectedBySmev")
        return "В очереди ответов %s (%s)" % (said.message_id, words)

    def later(self):
        self.core.clock.advance(REDELIVERY_S + 1)
        return "Прошло 15 минут: неподтверждённое стоит в голове очереди."

    # ---- what there is -----------------------------------------------------------------------------------------------

    def state(self):
        agency = self.smev.agency(AGENCY)
        with self.core.lock, self.portal.lock:
            queues = [("обращений к ведомству", agency.requests)] + [("ответов портала ведомству", q) for q in agency.responses.values()]
            words = ["СМЭВ: %s" % (TROUBLES[self.trouble] if self.trouble else "исправна")]
            words += ["  в очереди %s: %d, выдано и не подтверждено: %d" % (name, len(q), len(q.unacked)) for name, q in queues]
            requests = [m for m in self.portal.submitted.values() if m.recipient is agency]
            words.append("Портал: %s" % PORTALS[self.said])
            words.append("  обращений отправлено: %d, с ответом: %d" % (len(requests), sum(1 for m in requests if m.finals)))
            words.append("  сообщений ведомства принято: %d, без ответа: %d" % (len(self.portal.pushes), len(self.unanswered())))
            fate = lambda p: "" if p.answered_at else ", не пропущено СМЭВ" if getattr(p, "refused", False) else ", без ответа"
            words += ["    запись %s, статус %s%s" % (p.book_id, p.status, fate(p)) for p in self.portal.pushes[-5:]]
        return "\n".join(words)


# ---- whose process it is not -----------------------------------------------------------------------------------------

def ask(directory, words, seconds=4 * PATIENT_S):
    """(good, text); None: nobody is there."""
    back = os.getcwd()
    try:
        os.chdir(directory)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(SOCKET)
            s.sendall(json.dumps(words).encode() + b"\n")
            said = s.makefile().read()
            return json.loads(said) if said else None
    except (FileNotFoundError, ConnectionError):  # one that ends meanwhile is nobody, too
        return None
    finally:
        os.chdir(back)


def start(directory):
    directory.mkdir(parents=True, exist_ok=True)
    instance = Instance(directory, SOURCE / "build/zapisd")
    if ask(directory, ["ping"]):
        return
    subprocess.run(["bash", SOURCE / "tests/lib/pki.sh", directory / "pki"], check=True)
    with open(directory / LOG, "wb") as log:
        process = subprocess.Popen([sys.executable, "-B", __file__, "serve", "--dir", str(directory)], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, start_new_session=True)
    deadline = time.monotonic() + PATIENT_S
    while not ask(directory, ["ping"]):
        if process.poll() is not None or time.monotonic() > deadline:
            raise InstanceError("СМЭВ не поднялась:\n" + (directory / LOG).read_text(errors="replace")[-2000:])
        time.sleep(0.05)
    if instance.pid() is not None:
        os.kill(instance.pid(), signal.SIGHUP)  # a daemon that runs already takes the new sections


def stop(directory):
    if not directory.exists() or ask(directory, ["stop"]) is None:
        for left in ("zapisd.conf.d/smev3.conf", SOCKET):  # by one that was killed
            (directory / left).unlink(missing_ok=True)
        return
    deadline = time.monotonic() + PATIENT_S
    while ask(directory, ["ping"]):
        if time.monotonic() > deadline:
            raise InstanceError("СМЭВ не останавливается: %s" % (directory / LOG))
        time.sleep(0.05)
    while (directory / SOCKET).exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def tell(directory):
    instance = Instance(directory, SOURCE / "build/zapisd")
    instance.ports_of_conf()
    directory = pathlib.Path(os.path.relpath(directory))  # as one types it
    print("""
СМЭВ 3 и портал играются рядом. Разделы [smev3 epgu] и [push AAAA00001]: {conf}
Главы docs/operator.ru.md «Через СМЭВ 3» и «Очередь СМЭВ 3» проходятся так (люди — README.ru.md, «Попробовать»):
  ./dev psql -U operator1        select * from admin.inbox; select * from admin.outbox; select * from admin.check();
  curl http://127.0.0.1:{admin}/readyz ; curl http://127.0.0.1:{admin}/metrics
  tail -f {log}
  build/zapisd check --config {dir}/zapisd.conf --offline --online
  kill -HUP $(cat {dir}/zapisd.pid)    взять исправленные настройки

{help}""".format(conf=directory / "zapisd.conf.d/smev3.conf", admin=instance.admin_port, log=directory / "zapisd.log", dir=directory, help=help_text()), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("start", "stop", "help", "ask", "serve"))
    parser.add_argument("--dir", required=True)
    parser.add_argument("words", nargs="*")
    args = parser.parse_intermixed_args()
    if args.command == "ask":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads may have read enough
        if args.words == ["help"]:
            print(help_text(), flush=True)
            return 0
    directory = pathlib.Path(args.dir).resolve()
    try:
        if args.command == "serve":
            stand = Stand(directory)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stand.over.set())
            stand.serve()
        elif args.command == "start":
            start(directory)
        elif args.command == "stop":
            stop(directory)
        elif args.command == "help":
            tell(directory)
        else:
            said = ask(directory, args.words) if directory.exists() else None
            if said is None:
                raise InstanceError("СМЭВ рядом не работает: ./dev up --smev3")
            print(said[1], flush=True)
            return 0 if said[0] else 1
    except (InstanceError, subprocess.CalledProcessError, TimeoutError) as e:
        print("smev: %s" % e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
