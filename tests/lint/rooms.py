#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The house of sql/: each function in its room, calls as the table of docs/architecture.md allows (`| room | of what | may call |`),
doors in their places, nothing that nobody calls, nothing too long to be read; and no program, page or conf names what is not there."""
import pathlib
import re
import sys

import tree

LINE, FUNCTION = 130, 120  # characters; lines, less than that
KINDS = {"api": "api", "admin": "admin", "inner": "data"}  # the folder, and whose functions are in it
PATH = re.compile(r"sql/(?:(inner|admin)/([a-z_]+)|(api|afterwards))/([a-z_]+)\.sql")
OUTSIDE = re.compile(r"sql/(migrations|demo)/")
DEFINITION = re.compile(r"^create (?:or replace )?(function|view) ((data|api|admin)\.(\w+))", re.M)
GIVEN = re.compile(r"^(?:grant execute|do \$\$)[^;]*;", re.M)  # to roles that call it, or called when it is made
AFTER = re.compile(r"^(?:grant|comment on|drop|create|do) ", re.M)  # where a definition has ended
CALL = re.compile(r"\b((?:data|api|admin)\.\w+)")
COMMENT_OR_TEXT = re.compile(r"--[^\n]*|[EB]?'(?:[^']|'')*'")
C_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"((?:\\.|[^"\\\n])*)"', re.S)
NAMING = re.compile(r"(src|include|conf|docs)/|(README(\.ru)?|CONTRIBUTING)\.md$")
NAMED = re.compile(r"(?<![\w./-])(?<!->)(?:data|api|admin)\.(?!h\b)[a-z]\w*")
MADE = re.compile(r"\b(create|drop) (?:or replace |unlogged |unique |constraint )*(?:function|procedure|view|table|type|domain|sequence|trigger|index|aggregate) "
                  r"(?:if (?:not )?exists )?((?:data|api|admin)\.\w+)")
AWAITED = {  # doors whose callers are not there yet, and who they will be
}
RIGHTS = re.compile(r"^\s*(alter\b[^;]*\bowner\s+to|revoke\b[^;]*\bfrom\s+public)\b", re.M)  # data.rights_own() says it of all


def plain(text):
    """Without comments and texts: what is left is called, not spoken of."""
    return COMMENT_OR_TEXT.sub(lambda m: "" if m[0].startswith("--") else "''", text)


def table(root):
    rows = {}
    for line in tree.read(root, "docs/architecture.md").splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        match = re.fullmatch(r"`(?:inner/)?([a-z]+)/`", cells[0])
        if len(cells) == 3 and match:
            rows[match[1]] = {w.strip("` ") for w in cells[2].split(",")} - {"-"}
    return rows


class Function:
    def __init__(self, path, room, kind, name, text, place):
        self.path, self.room, self.kind, self.name, self.place = path, room, kind, name, place
        ends = AFTER.search(text, 1)
        self.text = text[:ends.start() if ends else len(text)].rstrip()
        body = plain(self.text)
        self.calls = {c for c in CALL.findall(body[body.index(name) + len(name):])}
        self.is_read_at_once = kind == "view" or not re.search(r"\bas \$\w*\$", body)


def read(root, path, wrong):
    """The functions of one file; what is wrong with the file itself."""
    match = PATH.fullmatch(path)
    if not match:
        wrong.append("%s: a file of functions is sql/inner/<room>/, sql/api/, sql/admin/<task>/ or sql/afterwards/<words>.sql" % path)
        return []
    folder = match[1] or match[3]
    room = match[2] if folder == "inner" else folder
    text = tree.read(root, path)
    for n, line in enumerate(text.splitlines(), 1):
        if len(line) > LINE:
            wrong.append("%s:%d: %d characters, %d are the most" % (path, n, len(line), LINE))
    if RIGHTS.search(plain(text)):
        wrong.append("%s: says whose a function is: data.rights_own() says it of all" % path)
    functions = []
    for m in DEFINITION.finditer(text):
        f = Function(path, room, m[1], m[2], text[m.start():], m.start())
        functions.append(f)
        if f.text.count("\n") + 1 >= FUNCTION:
            wrong.append("%s: %s has %d lines, less than %d are to be read" % (path, f.name, f.text.count("\n") + 1, FUNCTION))
        if KINDS.get(folder) != m[3]:
            wrong.append("%s: %s is not of this folder" % (path, f.name))
        elif folder == "api" and m[4] != match[4]:
            wrong.append("%s: the door %s has a file of its own name" % (path, f.name))
        elif folder == "admin" and m[1] == "function" and not re.search(r"^grant execute on function\s+%s\(" % re.escape(f.name), text, re.M):
            wrong.append("%s: %s is granted to nobody" % (path, f.name))
    return functions


def judge_calls(f, owners, rows, wrong):
    for name in sorted(f.calls - {f.name}):
        if name not in owners:
            continue
        other = owners[name][0]
        if other.room != f.room and other.room not in rows.get(f.room, set()):
            wrong.append("%s: %s calls %s, and %s may not call %s" % (f.path, f.name, name, f.room, other.room))
        above = other.path == f.path and other.place < f.place or other.path.startswith("sql/inner/") > f.path.startswith("sql/inner/")
        if f.is_read_at_once and not above:
            wrong.append("%s: %s is read when it is made and calls %s, which is made later: have it above, or a body in $$" % (f.path, f.name, name))


def statements(text):
    """What stands between quotes in a file of C, each text on a line of its own: comments make no calls."""
    return "\n".join(m[1] for m in C_TEXT.finditer(text) if m[1])


def judge_named(root, wrong):
    """What is spoken of is there: the migrations make and drop in their order; what the functions drop was an older form of theirs."""
    paths = tree.files(root)
    steps = {p: MADE.findall(re.sub(r"--[^\n]*", "", tree.read(root, p))) for p in paths if re.match(r"sql/.*\.sql$", p)}
    made, later = set(), [step for p in steps if not p.startswith("sql/migrations/") for step in steps[p]]
    for what, name in [step for p in steps if p.startswith("sql/migrations/") for step in steps[p]] + sorted(later, reverse=True):
        made.add(name) if what == "create" else made.discard(name)
    count = 0
    for path in filter(NAMING.match, paths):
        for n, line in enumerate(tree.read(root, path).splitlines(), 1):
            names = set() if "does not exist" in line else set(NAMED.findall(line))
            count += len(names)
            wrong += ["%s:%d: there is no %s" % (path, n, name) for name in sorted(names - made)]
    if not count:
        wrong.append("nothing is named anywhere")


def judge_dead(root, owners, functions, wrong):
    """What no function, trigger, grant or program names is there for nobody."""
    named = {c for f in functions for c in f.calls - {f.name}}
    for path in tree.files(root):
        if re.match(r"sql/(migrations|afterwards)/", path):
            named |= set(CALL.findall(plain(tree.read(root, path))))
        elif re.match(r"sql/inner/", path):
            named |= set(CALL.findall(" ".join(GIVEN.findall(plain(tree.read(root, path))))))
        elif re.match(r"src/.*\.[ch]$", path):
            named |= set(CALL.findall(statements(tree.read(root, path))))
    for name, (f, *_) in sorted(owners.items()):
        if f.room not in ("api", "admin") and name not in named:
            wrong.append("%s: %s is called by nobody" % (f.path, name))
        if f.room == "api" and name in named and name in AWAITED:
            wrong.append("%s: %s is called now: take it out of AWAITED" % (f.path, name))
        if f.room == "api" and name not in named and name not in AWAITED:
            wrong.append("%s: no program calls %s" % (f.path, name))


def judge_scope(root, wrong):
    """C6: a command of admin reads a table with rows of agencies by the view data.my_<table>; a line that need not, since it hangs on a
    row that was seen by its key or comes behind a data.known_...(), ends with "-- seen"."""
    listed = set(re.findall(r"\('(\w+)', '[\w ]+', (?:'[\w ]+'|null)\)", tree.read(root, "sql/inner/scope/guard.sql")))
    reads = re.compile(r"(?:\b(?:from|join|using|update)\s+(?:only\s+)?data\.(\w+)|,\s+data\.(\w+)(?=\s+as\b))(?!\w*\()")
    if len(listed) < 30:
        wrong.append("sql/inner/scope/guard.sql: %d tables with rows of agencies found, 30 are the least" % len(listed))
    for path in tree.files(root):
        if re.match(r"sql/admin/.*\.sql$", path):
            lines = tree.read(root, path).splitlines()
            text = "\n".join(COMMENT_OR_TEXT.sub("''", line) for line in lines)
            for m in reads.finditer(text):
                n, t = text.count("\n", 0, m.end()), m[1] or m[2]
                if t in listed and not lines[n].endswith("-- seen"):
                    wrong.append("%s:%d: reads data.%s and not data.my_%s: rows of all agencies" % (path, n + 1, t, t))


def main(root):
    root = pathlib.Path(root)
    rows, wrong, functions = table(root), [], []
    paths = [p for p in tree.files(root) if p.startswith("sql/") and p.endswith(".sql") and not OUTSIDE.match(p)]
    for path in paths:
        functions += read(root, path, wrong)
    owners = {}
    for f in functions:
        if f.name in owners and owners[f.name][0].path != f.path:
            wrong.append("%s: %s is in %s too" % (f.path, f.name, owners[f.name][0].path))
        owners.setdefault(f.name, []).append(f)
    rooms = {f.room for f in functions}
    wrong += ["sql/inner/%s: not in the table of docs/architecture.md" % r for r in sorted(rooms - set(rows))]
    wrong += ["docs/architecture.md: there is no room %s" % r for r in sorted((set(rows) | set().union(*rows.values())) - rooms - {"afterwards"})]
    order = list(rows)
    wrong += ["docs/architecture.md: %s may call %s, which is not above it: no rings" % (room, other)
              for room, others in rows.items() for other in sorted(others & set(order[order.index(room):]))]
    for f in functions:
        judge_calls(f, owners, rows, wrong)
    judge_dead(root, owners, functions, wrong)
    judge_named(root, wrong)
    judge_scope(root, wrong)
    tree.finish("rooms", len(functions) if rows else 0, wrong)


if __name__ == "__main__":
    main(sys.argv[1])
