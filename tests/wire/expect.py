# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The words of a step that say what must come back; each is a method do_WORD. No word of theirs changes a case."""
import datetime
import re

import outline
from outline import Node


class Wrong(Exception):
    """The daemon did not do what the case expects."""


def words_of(text):
    """Words; {300 x} is one."""
    return re.findall(r"(?:\{[^{}]*\}|\S)+", text)


class Expectations:
    """Needs of the player: answers, variables, kept, instance."""

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
        """keep NAME = PATH [NUMBER]: the first, or the one of that number, -1 being the last; "PATH at N HH:MM [OFFSET]": where
        the Nth visit at that wall time stands, or that many places from it. A day may be cut at either end of the list."""
        name, _, rest = line.rest.partition(" = ")
        path, *where = rest.split()
        values = outline.find(answer.tree, path)
        try:
            number = int(where[0]) if where and where[0] != "at" else 0
            if where and where[0] == "at":
                times = outline.find(answer.tree, path.rpartition("/")[0] + "/visitTime")
                number = [i for i, t in enumerate(times) if t[11:16] == where[2]][int(where[1])] + int((where + ["0"])[3])
            self.variables[name] = values[number]
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
        if not -50 < left - 60 * int(rest.split()[0]) < 20:
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
