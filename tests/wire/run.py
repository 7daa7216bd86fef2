#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Golden messages: plays the cases of cases/*.case against one daemon with a database of its own.

    ZAPISD_BUILD=build tests/wire/run.py [--show] [CASE ...]

A case is read aloud from top to bottom; tests/wire/README.md tells its words. What is expected was written from order 329
and its resolutions. Nothing here can write an expectation: --show prints what came, a person judges it.
Beside what a case says, every answer must be valid against schemas/ and, on the signed listener, well signed.
"""
import argparse
import datetime
import http.client
import os
import pathlib
import re
import shutil
import sys
import time
import uuid

from lxml import etree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import outline  # noqa: E402
from instance import Instance, InstanceError, SOURCE  # noqa: E402
from outline import CaseError, EQ, Node, SOAP  # noqa: E402
from smev2client import Fault, Reply, REV  # noqa: E402
from xmlsig import SignatureError  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ZAPISD_BUILD", SOURCE / "build"))
BINARY = pathlib.Path(os.environ.get("ZAPISD_BINARY", BUILD / "zapisd"))
REQUIREMENT = re.compile(r"\b([MPSBRTVCJEO][1-9][0-9]?|A[1-9][0-9]?|edge [0-9]+)\b")


class Wrong(Exception):
    """The daemon did not do what the case expects."""


def words_of(text):
    """Words; {300 x} is one."""
    return re.findall(r"(?:\{[^{}]*\}|\S)+", text)


class Schemas:
    """The schemas the daemon ships; loaded from the tree, by another library than the daemon's binding."""

    def __init__(self):
        load = lambda name: etree.XMLSchema(etree.parse(str(SOURCE / "schemas" / name)))
        self.bare, self.frames = load("equeue-bare.xsd"), {r: load("smev-%s.xsd" % r) for r in REV}

    def check(self, schema, element):
        # Copied into a document of its own: what is checked is the element, not what stands around it.
        if not schema.validate(etree.ElementTree(etree.fromstring(etree.tostring(element)))):
            raise Wrong("the answer is not valid: %s" % schema.error_log.last_error.message)


class Answer:
    """What came back: status, headers, bytes; tree is the outline of the bare element or of the fault."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.tree = self.frame = None

    def lines(self):
        out = ["HTTP %d" % self.status]
        for title, tree in (("frame", self.frame), ("answer", self.tree)):
            if tree is not None:
                out += [title + ":"] + list(tree.lines(1))
        return out if self.tree is not None else out + [self.body.decode("utf-8", "replace")[:2000]]


class Player:
    def __init__(self, instance, schemas, show):
        self.instance, self.schemas, self.show = instance, schemas, show
        self.clients, self.steps, self.failures, self.known, self.requirements = {}, 0, [], 0, set()

    # ---- reading a case ------------------------------------------------------------------------------------------

    def play(self, path):
        self.messages, self.frames, self.answers, self.variables, self.kept = {}, {}, {}, {}, {}
        title, _, text = path.read_text(encoding="utf-8").partition("\n")
        self.case, self.title = path.stem, title
        if not REQUIREMENT.search(title):
            raise CaseError("%s: the first line is a title that names requirements" % path.name)
        self.requirements.update(REQUIREMENT.findall(title))
        self.load(text, path.name)

    def load(self, text, where):
        for node in outline.read(text, where):
            words = node.text.split()
            try:
                if words[0] == "use":
                    self.load((HERE / "cases" / words[1]).read_text(encoding="utf-8"), words[1])
                elif words[0] == "let":
                    self.let(words[1], node.rest.partition("=")[2].strip())
                elif words[0] == "message":
                    self.messages[words[1]] = node.children[0]
                elif words[0] == "frame":
                    self.frames[words[1]] = node
                elif words[0] == "answer":
                    self.answers[words[1]] = (words[2:], node.children[0])
                elif words[0] == "step":
                    self.step(node.rest, node.children)
                elif words[0] == "table":
                    self.table(node)
                else:
                    raise CaseError("unknown word '%s'" % words[0])
            except (CaseError, IndexError, KeyError) as e:
                raise CaseError("%s:%d: %r" % (where, node.line, e)) from e

    def let(self, name, value):
        self.variables[name] = str(uuid.uuid4()) if value == "new uuid" else outline.fill(value, self.variables)

    def table(self, node):
        """table MESSAGE -> STATUS ANSWER [ARGUMENTS]; each row below is a step: changes ; changes | arguments."""
        left, _, right = node.rest.partition("->")
        status, answer, *more = words_of(right)
        for row in node.children:
            changes, _, arguments = row.text.rpartition(" |") if " |" in row.text else (row.text, "", "")
            arguments = " ".join([*more, arguments])
            self.step(changes, [Node("send " + left.strip(), row.line, [Node(c.strip(), row.line) for c in changes.split(" ; ") if c.strip() != "as it is"]),
                                Node("expect %s %s %s" % (status, answer, arguments), row.line)])

    # ---- a step --------------------------------------------------------------------------------------------------

    def step(self, title, lines):
        self.steps += 1
        where = "%s, line %d: %s" % (self.case, lines[0].line, title)
        answer = None
        known = next((line.rest for line in lines if line.word == "known"), None)
        try:
            for line in lines:
                if line.word in ("send", "post", "again"):
                    answer = getattr(self, line.word)(line)
                    if self.show:
                        print("\n== %s" % where, *answer.lines(), sep="\n")
                else:
                    getattr(self, "do_" + line.word, self.unknown)(line, answer)
        except (Wrong, InstanceError, SignatureError, etree.XMLSyntaxError, OSError, http.client.HTTPException) as e:
            if known:
                self.known += 1
                print("KNOWN  %s\n  %s\n  %s" % (where, known, e))
                return
            self.failures.append(where)
            print("FAILED %s\n  (%s)\n  %s" % (where, self.title, e))
            if answer is not None and not self.show:
                print("\n".join("    " + t for t in answer.lines()[:60]))
            return
        if known:
            self.failures.append(where)
            print("FAILED %s\n  it works: take the line 'known' out" % where)

    def do_known(self, line, answer):
        """known WHY: the daemon does not do this yet. The expectation stays; once it is met this line is a failure."""

    def unknown(self, line, answer):
        raise CaseError("line %d: unknown word '%s'" % (line.line, line.word))

    # ---- requests ------------------------------------------------------------------------------------------------

    def send(self, line):
        """send MESSAGE [on FRAME], with changes below; or the message itself below. FRAME makes it a signed one."""
        name, _, frame = line.rest.partition(" on ") if not line.rest.startswith("on ") else ("", "", line.rest[3:])
        words = ("set", "without", "add", "header", "as", "frame")
        message = self.messages[name.strip()].copy() if name.strip() else next(c for c in line.children if c.word not in words).copy()
        frame_tree = self.frames[frame.split()[0]].copy() if frame else None
        headers, message_id = {}, None
        for change in line.children:
            if change.word == "header":
                self.header(headers, change)
            elif change.word == "as":
                message_id = outline.fill(change.rest, self.variables)
            elif change.word == "frame":
                self.change(frame_tree.children[0], Node(change.rest, change.line))
            elif change.word in words:
                self.change(message, change)
        filled = message.copy(lambda text: outline.fill(text, self.variables))
        content = "".join(outline.to_xml(c, "eq") for c in filled.children)
        if frame is None or not frame:
            data = '<soap:Envelope xmlns:soap="%s"><soap:Body><eq:%s xmlns:eq="%s">%s</eq:%s></soap:Body></soap:Envelope>' % (
                SOAP, filled.name, EQ, content, filled.name)
            return self.exchange("POST", "/equeue", data.encode(), self.headers(filled.name, headers))
        return self.send_signed(frame_tree.copy(lambda text: outline.fill(text, self.variables)), filled.name, content, headers, message_id)

    def headers(self, element, more):
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"%s"' % element.removesuffix("Request")}
        headers.update(more)
        return {n: v for n, v in headers.items() if v is not None}

    def header(self, headers, line):
        name, _, value = line.rest.partition(":")
        headers[name.strip()] = None if value.strip() == "none" else outline.fill(value.strip(), self.variables)

    def change(self, message, line):
        """set PATH: A | B, without PATH, add NAME: TEXT after NAME; a path goes down from the message."""
        target, after = line.rest, None
        if line.word == "add":
            target, _, after = target.rpartition(" after ")
        path, _, value = target.partition(":")
        *parents, name = path.strip().split("/")
        holder = message
        for parent in parents:
            holder = next((c for c in holder.children if c.name == parent), None)
            if holder is None:
                raise CaseError("line %d: the message has no %s" % (line.line, parent))
        news = [Node("%s: %s" % (name, v.strip())) for v in value.split(" | ")]
        if line.word == "add":
            places = [i for i, c in enumerate(holder.children) if c.name == after]
            at = places[-1] + 1 if places else None
        else:
            places = [i for i, c in enumerate(holder.children) if c.name == name]
            at = places[0] if places else None
        if at is None:
            raise CaseError("line %d: the message has no %s" % (line.line, after or name))
        if line.word != "add":
            holder.children = [c for c in holder.children if c.name != name]
        if line.word != "without":
            holder.children[at:at] = news

    def client(self, rev, recipient):
        key = (rev, recipient)
        if key not in self.clients:
            self.clients[key] = self.instance.client(recipient=recipient, rev=rev)
        return self.clients[key]

    def send_signed(self, frame, element, content, headers, message_id):
        rev = frame.rest.split()[1]  # frame NAME REV: the outline below is smev:Message
        message = frame.children[0]
        recipient = outline.find(message, "Recipient/Code")
        client = self.client(rev, recipient[0] if recipient and recipient[0] in ("AAAA00001", "BBBB00002") else "AAAA00001")
        inner = "".join(outline.to_xml(c, "smev") for c in message.children)
        body = ('<eq:%s xmlns:eq="%s"><smev:Message xmlns:smev="%s">%s</smev:Message><smev:MessageData xmlns:smev="%s"><smev:AppData>%s'
                '</smev:AppData></smev:MessageData></eq:%s>') % (element, EQ, REV[rev], inner, REV[rev], content, element)
        return self.exchange_signed(client, client.sign(body, message_id), self.headers(element, headers), rev)

    def again(self, line):
        """again: the same bytes once more, to the signed listener."""
        return self.exchange_signed(*self.last)

    def exchange_signed(self, client, data, headers, rev):
        self.last = client, data, headers, rev
        reply = client.post(data, headers=headers)
        answer = Answer(reply.http_status, reply.headers, reply.body)
        try:
            client.read(reply)  # V3: no answer is looked at whose signature does not hold
        except Fault:
            if reply.signer is None:
                raise Wrong("a fault without a signature") from None
        self.unpack(answer, rev)
        return answer

    def post(self, line):
        """post: lines "| text" are the body, "method", "path", "encoding", "bom", "header" say the rest."""
        method, path, encoding, bom, headers, lines = "POST", "/equeue", "utf-8", b"", {}, []
        for part in line.children:
            if part.text.startswith("|"):
                lines.append(part.text[2:])
            elif part.word == "header":
                self.header(headers, part)
            elif part.word == "method":
                method = part.rest
            elif part.word == "path":
                path = part.rest
            elif part.word == "encoding":
                encoding = part.rest
            elif part.word == "bom":
                bom = b"\xef\xbb\xbf"
            else:
                raise CaseError("line %d: unknown word '%s'" % (part.line, part.word))
        text = outline.fill("\n".join(lines), dict(self.variables))
        headers = {n: v for n, v in {"Content-Type": "text/xml; charset=utf-8", **headers}.items() if v is not None}
        return self.exchange(method, path, bom + text.encode(encoding) if lines else None, headers)

    def exchange(self, method, path, data, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.plain_port, timeout=20)
        try:
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            answer = Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            connection.close()
        if method == "POST" and answer.headers.get("content-type", "").startswith("text/xml"):
            self.unpack(answer, None)
        return answer

    def unpack(self, answer, rev):
        """SOAP 1.1, one element in one Body; the bare element is valid against equeue-bare.xsd."""
        if answer.headers.get("content-type", "").replace('"', "").lower() != "text/xml; charset=utf-8":
            raise Wrong("Content-Type is %s" % answer.headers.get("content-type"))
        root = etree.fromstring(answer.body)
        bodies = root.findall("{%s}Body" % SOAP)
        if root.tag != "{%s}Envelope" % SOAP or len(bodies) != 1 or len(bodies[0]) != 1:
            raise Wrong("not one element in one Body of one SOAP 1.1 envelope")
        top = bodies[0][0]
        if top.tag != "{%s}Fault" % SOAP:
            bare = top
            if rev:
                message, data = top
                self.schemas.check(self.schemas.frames[rev], message)
                self.schemas.check(self.schemas.frames[rev], data)
                answer.frame = outline.from_element(message)
                bare = etree.Element(top.tag)
                bare.extend(data[0])
            self.schemas.check(self.schemas.bare, bare)
            top = bare
        answer.tree = outline.from_element(top)

    # ---- expectations --------------------------------------------------------------------------------------------

    def do_expect(self, line, answer):
        """expect STATUS [ANSWER ARGUMENTS], or the answer below."""
        status, *words = words_of(line.rest)
        if answer.status != int(status):
            raise Wrong("HTTP status %d, expected %s" % (answer.status, status))
        expected = line.children[0] if line.children else None
        if words:
            names, template = self.answers[words[0]]
            expected = self.expand(template, names, words[1:])
        if expected is None:
            return
        if answer.tree is None:
            raise Wrong("the answer is no SOAP message")
        wrong = outline.difference(expected, answer.tree, self.variables)
        if wrong:
            raise Wrong(wrong)

    def expand(self, template, names, arguments):
        """An answer with its arguments in their places. The last name takes all that is left; "for each FIELD/CODE" is
        repeated over it, in the order of names."""
        *single, last = names or [""]
        values = dict(zip(single, arguments))
        if names:
            values[last] = " ".join(arguments[len(single):])

        def change(node, extra):
            text = node.text
            for name, value in {**values, **extra}.items():
                text = re.sub(r"\b%s(?=\b|Response)" % name, lambda _: value, text) if name else text
            children = []
            for child in node.children:
                if not child.text.startswith("for each "):
                    children.append(change(child, extra))
                    continue
                field, code = child.text.split()[2].split("/")
                for item in sorted(words_of(values[last])):
                    what, _, number = item.partition("/")
                    children += [change(c, {**extra, field: what, code: number or "1"}) for c in child.children]
            return Node(text, node.line, children)

        return change(template, {})

    def do_frame(self, line, answer):
        wrong = outline.difference(Node("Message", line.line, line.children), answer.frame, self.variables)
        if wrong:
            raise Wrong("frame: " + wrong)

    def do_header(self, line, answer):
        name, _, value = line.rest.partition(":")
        got = answer.headers.get(name.strip().lower())
        if got is None or not outline.pattern(value.strip(), self.variables).fullmatch(got):
            raise Wrong("header %s is %r, expected %s" % (name, got, value.strip()))

    def do_keep(self, line, answer):
        """keep NAME = PATH [NUMBER]: the first, or the one of that number, -1 being the last."""
        name, _, rest = line.rest.partition(" = ")
        path, _, number = rest.partition(" ")
        try:
            self.variables[name] = outline.find(answer.tree, path)[int(number or "0")]
        except IndexError:
            raise Wrong("nothing to keep at %s" % path) from None

    def do_rising(self, line, answer):
        times = outline.find(answer.tree, line.rest)
        if len(times) < 2 or times != sorted(times):
            raise Wrong("%s: %d values, not two or more in rising order" % (line.rest, len(times)))

    def do_every(self, line, answer):
        """every PATH is one of A B C: each value is among them, and each of them is there."""
        path, _, rest = line.rest.partition(" is one of ")
        wanted = {outline.fill(w, self.variables) for w in rest.split(" ")}
        if set(outline.find(answer.tree, path)) != wanted:
            raise Wrong("%s: %s, expected %s" % (path, sorted(set(outline.find(answer.tree, path))), sorted(wanted)))

    def do_no(self, line, answer):
        """no TEXT: it stands nowhere in the answer's bytes."""
        text = outline.fill(line.rest, self.variables)
        if text.encode() in answer.body:
            raise Wrong("'%s' is in the answer" % text)

    def do_has(self, line, answer):
        """has TEXT: it stands somewhere in the answer's bytes, as it is written here."""
        text = outline.fill(line.rest, self.variables)
        if text.encode() not in answer.body:
            raise Wrong("'%s' is not in the answer" % text)

    def do_remember(self, line, answer):
        """remember NAME but A B: the bytes, without what {A} and {B} stand for."""
        name, _, but = line.rest.partition(" but ")
        self.kept[name] = self.without(answer, but)

    def do_sql(self, line, answer):
        """sql QUERY = VALUES: what the database holds now, columns joined by |."""
        query, _, wanted = line.rest.rpartition(" = ")
        got = self.instance.psql(outline.fill(query, self.variables)).strip()
        if got != outline.fill(wanted, self.variables):
            raise Wrong("the database says %s, expected %s" % (got, wanted))

    def do_upper(self, line, answer):
        """upper A as B: the same in capital letters."""
        name, _, copy = line.rest.partition(" as ")
        self.variables[copy] = self.variables[name].upper()

    def do_ends(self, line, answer):
        """ends PATH in N minutes: an instant N minutes from now, give or take a few seconds."""
        path, _, rest = line.rest.partition(" in ")
        left = (datetime.datetime.fromisoformat(outline.find(answer.tree, path)[0]) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        if not -20 < left - 60 * int(rest.split()[0]) < 20:
            raise Wrong("%s is %.1f minutes from now, expected %s" % (path, left / 60, rest))

    def do_same(self, line, answer):
        """same as NAME but A B: byte for byte what was remembered."""
        name, _, but = line.rest.removeprefix("as ").partition(" but ")
        if self.kept[name] != self.without(answer, but):
            raise Wrong("not the same bytes as %s" % name)

    def without(self, answer, names):
        body = answer.body
        for i, name in enumerate(names.split()):
            body = body.replace(outline.escape(self.variables[name]).encode(), b"\0%d\0" % i)
        return body


def self_test():
    """The comparison finds what it must find: a matcher that lets all pass would make every case worthless."""
    read = lambda text: outline.read(text, "self-test")[0]
    expected = read("a\n  b: 1 {uuid1}\n  c +\n    d: {moscow}\n  e: {X}")
    good = "a\n  b: 1 6f9619ff-8b86-11d0-b42d-00c04fc964ff\n  c\n    d: 2026-01-02T03:04:05+03:00\n  e: x.z"
    bad = [good.replace("b: 1", "b: 2"), good.replace("11d0", "41d0"), good.replace("+03:00", "Z"), good.replace("x.z", "xyz"),
           good + "\n  f: 1", good.replace("\n  e: x.z", ""), good.replace("  c\n    d", "  b: 1\n  c\n    d"), good.replace("a\n", "z\n"),
           good.replace("  c\n    d: 2026-01-02T03:04:05+03:00\n", ""), good.replace("    d: 2026", "    d: 2026-01-01\n    d: 2026")]
    variables = {"X": "x.z"}
    assert outline.difference(expected, read(good), variables) is None
    assert outline.difference(expected, read(good.replace("  e", "  c\n    d: 2026-01-02T03:04:06+03:00\n  e")), variables) is None
    for text in bad:
        assert outline.difference(expected, read(text), variables), text
    assert not outline.pattern("{russian}", {}).fullmatch("element value is invalid")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--show", action="store_true", help="print every answer")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names without .case; all of them by default")
    args = parser.parse_args()
    self_test()
    if not BINARY.exists():
        print("SKIP: %s was not built" % BINARY)
        return 77
    started = time.monotonic()
    paths = sorted((HERE / "cases").glob("*.case"))
    if args.cases:
        paths = [p for p in paths if p.stem in args.cases]
    directory = BUILD / "wire"
    shutil.rmtree(directory, ignore_errors=True)
    instance = Instance(directory, BINARY, log_level="debug")
    player, broken = Player(instance, Schemas(), args.show), []
    try:
        instance.up()
        ready = time.monotonic()
        for path in paths:
            before, failed = player.steps, len(player.failures)
            try:
                player.play(path)
            except CaseError as e:
                broken.append(path.stem)
                print("BROKEN %s" % e)
            print("%-8s%-28s %3d steps  %s" % ("ok" if len(player.failures) == failed and path.stem not in broken else "FAILED",
                                               path.stem, player.steps - before, player.title))
        if instance.stop_daemon() != 0:
            player.failures.append("the daemon's end")
            print(instance.log_tail())
        log = instance.log.read_text(errors="replace")
        if re.search(r"AddressSanitizer|runtime error:|LeakSanitizer", log):
            player.failures.append("a sanitizer's report in %s" % instance.log)
    finally:
        instance.down()
    print("wire: %d cases, %d steps, %d failed, %d known, %d broken; %.1f s, of them %.1f s to start; requirements %s"
          % (len(paths), player.steps, len(player.failures), player.known, len(broken), time.monotonic() - started, ready - started,
             " ".join(sorted(player.requirements))))
    return 1 if player.failures or broken or not player.steps else 0


if __name__ == "__main__":
    sys.exit(main())
