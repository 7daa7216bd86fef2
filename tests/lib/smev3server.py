# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Endpoints of SMEV's core on loopback, the trouble they make, and a record of all octets that went over them.

One thread with an event loop; a call is answered in it from beginning to end. Trouble is ordered call by call (Plan.next) or comes from a
policy, a function of (endpoint, operation) to Trouble or None: SeededPolicy throws dice.
"""
import asyncio
import collections
import json
import random
import socket
import struct
import threading
import time

import smev3wire as wire

NOT_DONE, LOST = "not done", "lost"


class Trouble:
    """What goes wrong with one call. Of those given all happen, as far as the first lets them.

    cut_request   the connection ends after that part (0 to 1) of the body; nothing is done
    lose_request  the request came whole, nothing is done, nobody answers
    silent        the request came whole, nothing is done, nobody answers, until the caller goes
    fault         (name, sub, shape): a refusal; nothing is done, unless done=True: then the effect took place all the same
    http          (status, content type, octets): something that is no answer of SMEV's; nothing is done
    cut_answer    it is done; the connection ends after that part of the answer (0: nothing of it)
    slow          seconds before the answer
    stall         seconds in the middle of the answer
    spoil         what is wrong with SMEV's signature: Core.SPOILS
    undone        of SendRequest and SendResponse: SMEV's yes as it would be (with spoil or other: as it is not), and nothing is done
    late          of an Ack: it comes when the 15 minutes are over
    other         "operation", "id" or "before": the answer to another call
    mime          "cxf" or "jaxws"; uncut=True leaves the closing boundary out
    dress         a wire.Dress
    reset         connections end by RST, not FIN
    """

    FIELDS = ("cut_request", "lose_request", "fault", "done", "http", "cut_answer", "slow", "stall", "spoil", "late", "other", "mime", "uncut",
              "dress", "reset", "other_id", "silent", "undone")

    def __init__(self, **fields):
        for name in self.FIELDS:
            setattr(self, name, fields.pop(name, None))
        if fields:
            raise TypeError("no such trouble: %s" % ", ".join(fields))

    def __repr__(self):
        return "Trouble(%s)" % ", ".join("%s=%r" % (n, getattr(self, n)) for n in self.FIELDS if getattr(self, n) is not None)


HTML = (502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>".encode())
EMPTY = (200, "text/xml; charset=utf-8", b"")
EMPTY_500 = (500, "text/xml; charset=utf-8", b"")


class Plan:
    """Trouble ordered for calls to come, by operation; None is any."""

    def __init__(self):
        self.queues, self.always, self.policy = collections.defaultdict(collections.deque), {}, None
        self.lock = threading.Lock()

    def next(self, operation, trouble, times=1):
        with self.lock:
            self.queues[operation].extend([trouble] * times)

    def keep(self, operation, trouble):
        """Each call of that operation from now on; None: no more."""
        self.always[operation] = trouble

    def waiting(self):
        return sum(len(q) for q in self.queues.values())

    def take(self, endpoint, operation):
        with self.lock:
            for name in (operation, None):
                if self.queues[name]:
                    return self.queues[name].popleft()
        trouble = self.always.get(operation) or self.always.get(None)
        return trouble if trouble or self.policy is None else self.policy(endpoint, operation)


class SeededPolicy:
    """Dice: {kind of trouble: probability}; kinds are the methods below. quiet: no more trouble."""

    def __init__(self, seed, odds, slow_s=0.05):
        self.rng, self.odds, self.slow_s, self.quiet, self.thrown = random.Random(seed), odds, slow_s, False, collections.Counter()

    def __call__(self, endpoint, operation):
        if self.quiet:
            return None
        dice = self.rng.random()
        for kind, odds in self.odds.items():
            dice -= odds
            if dice < 0:
                self.thrown[kind] += 1
                return getattr(self, "_" + kind)(operation)
        return None

    def _lost_request(self, _):
        return Trouble(lose_request=True, reset=self.rng.random() < 0.5)

    def _cut_request(self, _):
        return Trouble(cut_request=self.rng.random(), reset=self.rng.random() < 0.5)

    def _lost_answer(self, _):
        return Trouble(cut_answer=0.0, reset=self.rng.random() < 0.5)

    def _cut_answer(self, _):
        return Trouble(cut_answer=self.rng.random())

    def _failure(self, _):
        return Trouble(fault=("SMEVFailure", None, self.rng.choice(wire.SHAPES)), done=self.rng.random() < 0.3)

    def _html(self, _):
        return Trouble(http=self.rng.choice((HTML, EMPTY, EMPTY_500)))

    def _spoiled(self, operation):
        from smev3core import Core
        return Trouble(spoil=self.rng.choice(Core.SPOILS)) if operation != "Ack" else None

    def _late_ack(self, operation):
        return Trouble(late=True) if operation == "Ack" else None

    def _other(self, operation):
        return Trouble(other=self.rng.choice(("operation", "id"))) if operation != "Ack" else None

    def _slow(self, _):
        return Trouble(slow=self.slow_s)

    def _mime(self, _):
        return Trouble(mime=self.rng.choice(("cxf", "jaxws")), dress=wire.DRESSES[self.rng.choice(sorted(wire.DRESSES))])

    def _dressed(self, _):
        return Trouble(dress=wire.DRESSES[self.rng.choice(sorted(wire.DRESSES))])


class Record:
    """Every exchange, as octets: a file of (length of head, head as JSON, request, answer). Empty polls are counted only, unless all."""

    def __init__(self, path, everything=False):
        self.path, self.file, self.everything, self.empty = path, open(path, "wb"), everything, 0
        self.lock = threading.Lock()

    def add(self, head, request=b"", answer=b""):
        head = json.dumps(dict(head, request=len(request), answer=len(answer))).encode()
        with self.lock:
            if self.file is not None:
                self.file.write(struct.pack("<I", len(head)) + head + request + answer)

    def close(self):
        with self.lock:
            if self.file is not None:
                self.file.close()
                self.file = None


def read_record(path):
    """Yields (head, request octets, answer octets) in the order of the answers."""
    with open(path, "rb") as f:
        while True:
            size = f.read(4)
            if len(size) < 4:
                return
            head = json.loads(f.read(struct.unpack("<I", size)[0]))
            yield head, f.read(head["request"]), f.read(head["answer"])


class Endpoint:
    """A port and a path. down: nobody answers there. versions: those served, None for all."""

    def __init__(self, name, path="/smev/v1.2/ws", versions=None):
        self.name, self.path, self.versions, self.down, self.port, self.calls = name, path, versions, False, None, 0
        self.sockets = None

    @property
    def url(self):
        return "http://127.0.0.1:%d%s" % (self.port, self.path)


class Server:
    """endpoints: Endpoint, or names of such. Ports are free ones unless given."""

    def __init__(self, core, record=None, endpoints=("main",), max_body=16 << 20):
        self.core, self.record, self.max_body = core, record, max_body
        self.endpoints = {e.name: e for e in (e if isinstance(e, Endpoint) else Endpoint(e) for e in endpoints)}
        self.plan, self.before, self.cpu_s, self.loop = Plan(), {}, 0.0, None
        self.sequence, self.writers = 0, set()
        self.silenced = collections.Counter()  # by operation: calls that nobody answers, now
        self.hushed = set()
        self.dress = wire.DRESSES["plain"]
        self.hold = None  # a threading.Event: until it is set, calls wait
        if record is not None:
            core.on_put = self._note_put

    def __getitem__(self, name):
        return self.endpoints[name]

    def start(self):
        started, failed = threading.Event(), []

        def run():
            self.loop = asyncio.new_event_loop()
            try:
                self.loop.run_until_complete(self._listen())
            except OSError as e:
                failed.append(e)
                started.set()
                return
            started.set()
            self.loop.run_forever()
            self.loop.run_until_complete(self._close())
            self.loop.close()

        self.thread = threading.Thread(target=run, name="smev3", daemon=True)
        self.thread.start()
        started.wait()
        if failed:
            raise failed[0]
        return self

    async def _listen(self):
        for endpoint in self.endpoints.values():
            await self._open(endpoint)

    async def _close(self):
        for endpoint in self.endpoints.values():
            if endpoint.sockets is not None:
                endpoint.sockets.close()
        for writer in list(self.writers):
            writer.transport.abort()
        for task in asyncio.all_tasks(self.loop) - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _open(self, endpoint):
        endpoint.sockets = await asyncio.start_server(lambda r, w, e=endpoint: self._serve(e, r, w), "127.0.0.1", endpoint.port or 0,
                                                      limit=1 << 20, family=socket.AF_INET)
        endpoint.port = endpoint.sockets.sockets[0].getsockname()[1]

    def refuse(self, name, refused=True):
        """Whether connections to the endpoint are refused: its port is closed."""
        endpoint = self.endpoints[name]

        async def change():
            if refused and endpoint.sockets:
                endpoint.sockets.close()
                endpoint.sockets = None
            elif not refused and endpoint.sockets is None:
                await self._open(endpoint)
        asyncio.run_coroutine_threadsafe(change(), self.loop).result()

    def let_go(self):
        """Connections of calls that nobody answers end."""
        self.loop.call_soon_threadsafe(lambda: [w.transport.abort() for w in list(self.hushed)])

    def stop(self):
        if self.loop is not None and self.loop.is_running():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
        if self.record is not None:
            self.record.close()

    # ---- HTTP --------------------------------------------------------------------------------------------------------------

    async def _serve(self, endpoint, reader, writer):
        self.writers.add(writer)
        try:
            while await self._exchange(endpoint, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        except asyncio.CancelledError:
            return
        finally:
            self.writers.discard(writer)
            writer.close()

    async def _exchange(self, endpoint, reader, writer):
        """One request; False when the connection is at its end."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.split("\r\n")
        headers = {}
        for one in rest:
            name, _, value = one.partition(":")
            headers[name.strip().lower()] = value.strip()
        method, target, _ = (line.split(" ") + ["", ""])[:3]
        action = headers.get("soapaction", "").strip('"')
        operation = action.removeprefix("urn:")
        endpoint.calls += 1
        if endpoint.down:
            self._end(writer, None)
            return False
        trouble = self.plan.take(endpoint.name, operation)
        if "100-continue" in headers.get("expect", "").lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await self._chunks(reader)
        else:
            size = int(headers.get("content-length", "0"))
            if size > self.max_body:
                return await self._answer(writer, 413, "text/plain", b"", None, headers)
            if trouble is not None and trouble.cut_request is not None:
                part = await reader.readexactly(int(size * trouble.cut_request))
                self._note(endpoint, operation, trouble, None, part, None, b"", NOT_DONE)
                self._end(writer, trouble)
                return False
            body = await reader.readexactly(size)
        if method != "POST":
            return await self._answer(writer, 405, "text/plain", b"", None, headers)
        if target != endpoint.path:
            return await self._answer(writer, 404, "text/html", b"<html><body>404</body></html>", None, headers)
        while self.hold is not None and not self.hold.is_set():
            await asyncio.sleep(0.01)
        if trouble is not None and (trouble.lose_request or trouble.cut_request is not None):
            self._note(endpoint, operation, trouble, None, body, None, b"", NOT_DONE)
            self._end(writer, trouble)
            return False
        if trouble is not None and trouble.silent:
            self._note(endpoint, operation, trouble, None, body, None, b"", NOT_DONE)
            self.silenced[operation] += 1
            self.hushed.add(writer)
            try:
                await reader.read(1)
            finally:
                self.silenced[operation] -= 1
                self.hushed.discard(writer)
            return False
        if trouble is not None and trouble.http is not None:
            status, kind, octets = trouble.http
            self._note(endpoint, operation, trouble, None, body, status, octets, NOT_DONE)
            return await self._answer(writer, status, kind, octets, trouble, headers)
        started = time.thread_time()
        call, answer, kind, octets, effect = self._work(endpoint, operation, headers.get("content-type", ""), action, body, trouble)
        self.cpu_s += time.thread_time() - started
        done = NOT_DONE if trouble is not None and trouble.fault and not trouble.done else None
        cut = trouble is not None and trouble.cut_answer is not None
        self._note(endpoint, operation, trouble, call, body, answer.status, octets, done or (LOST if cut else None), answer, effect)
        if trouble is not None and trouble.slow:
            await asyncio.sleep(trouble.slow)
        return await self._answer(writer, answer.status, kind, octets, trouble, headers)

    async def _chunks(self, reader):
        body = b""
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            body += await reader.readexactly(size)
            await reader.readline()
            if not size or len(body) > self.max_body:
                return body

    def _work(self, endpoint, operation, content_type, action, body, trouble):
        from smev3core import Answer, Call
        core, dress = self.core, (trouble.dress if trouble is not None and trouble.dress else self.dress)
        effect = False
        if trouble is not None and trouble.fault and not trouble.done:
            call = Call()
        else:
            if trouble is not None and trouble.other == "id":
                trouble.other_id = wire.uuid_at(core.peer_clock.now())
            call, answer = core.call(content_type, action, body, trouble, dress)
            effect = answer.fault is None and not (trouble is not None and trouble.undone)
        if trouble is not None and trouble.fault:
            name, sub, shape = trouble.fault
            version = call.version or next((v for v in wire.VERSIONS if wire.types_ns(v).encode() in body), "1.2")
            answer = Answer(500, wire.fault(name, version, sub=sub, shape=shape or "full"), fault=name or "Fault")
            answer.message_id = call.message_id
        elif trouble is not None and trouble.other in ("operation", "before"):
            answer.body = self._other(trouble.other, operation, call, answer)
        if answer.status == 200:
            self.before[operation] = answer.body
        kind, octets = "text/xml; charset=UTF-8", answer.body
        if trouble is not None and trouble.mime:
            kind, octets = wire.mime(answer.body, trouble.mime, answer.attachments)
            if trouble.uncut:
                octets = octets[:octets.rindex(b"--", 0, len(octets) - 4)].rstrip(b"\r\n")
        return call, answer, kind, octets, effect

    def _other(self, how, operation, call, answer):
        if how == "before" and operation in self.before:
            return self.before[operation]
        name = "GetStatusResponse" if operation != "GetStatus" else "AckResponse"
        version = call.version or "1.2"
        dress = wire.DRESSES["plain"]
        return wire.envelope("<ns2:%s%s></ns2:%s>" % (name, wire.declare(dress.scope(version)), name), dress)

    async def _answer(self, writer, status, kind, octets, trouble, headers):
        close = headers.get("connection", "").lower() == "close"
        words = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 413: "Too Large", 500: "Internal Server Error", 502: "Bad Gateway"}
        head = ("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
                % (status, words.get(status, "Other"), kind, len(octets), "Connection: close\r\n" if close else "")).encode("latin-1")
        whole = head + octets
        if trouble is not None and trouble.cut_answer is not None:
            writer.write(whole[:int(len(whole) * trouble.cut_answer)])
            try:
                await writer.drain()
            except ConnectionError:
                pass
            self._end(writer, trouble)
            return False
        if trouble is not None and trouble.stall:
            writer.write(whole[:len(whole) // 2])
            await writer.drain()
            await asyncio.sleep(trouble.stall)
            whole = whole[len(whole) // 2:]
        writer.write(whole)
        await writer.drain()
        return not close

    def _end(self, writer, trouble):
        if trouble is not None and trouble.reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()

    def _note_put(self, message):
        """A message that entered a queue: of a request by whom it must be answered, of a push that it was taken."""
        self.record.add({"n": self.sequence, "at": self.core.clock.now(), "operation": "put", "message": message.message_id, "kind": message.kind,
                         "poison": message.poison, "root": message.root[1] if message.root else None, "reply_to": message.reply_to,
                         "agency": message.recipient.mnemonic if message.business is not None else None})

    def _note(self, endpoint, operation, trouble, call, request, status, octets, fate, answer=None, effect=False):
        self.sequence += 1
        if self.record is None:
            return
        if answer is not None and answer.empty and fate is None and not self.record.everything:
            self.record.empty += 1
            return
        self.record.add({"n": self.sequence, "at": self.core.clock.now(), "endpoint": endpoint.name, "operation": operation, "status": status,
                         "fate": fate, "trouble": repr(trouble) if trouble is not None else None, "version": call.version if call else None,
                         "system": call.system.mnemonic if call and call.system else None, "message": answer.message_id if answer else None,
                         "fault": answer.fault if answer else None, "spoiled": answer.spoiled if answer else None,
                         "whole": trouble is None or trouble.cut_request is None, "effect": effect, "replaced": bool(trouble is not None and (trouble.other in ("operation", "before") or trouble.uncut or trouble.fault))}, request, octets)
