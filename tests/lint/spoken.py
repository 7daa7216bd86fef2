#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Every word that a line of the log begins with, that stands behind error=, fault=, refused= or outcome=, or in a column of states, is told to
operators in `…` in a Russian page (O2, L4): whoever reads it in the log finds it there. So is a part of each warning of /readyz. That pages name nothing else: named.py."""
import pathlib
import re
import sys

import tree

PAGES = ("README.ru.md", "docs/operator.ru.md")
STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
OF_SMEV3 = "src/smev/smev3_fault.c"


def call(text, at):
    """The arguments of a call whose parenthesis is open before at."""
    depth, end = 1, at
    while depth and end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    return text[at:end]


def events(sources):
    """Levels, which may be chosen, have no strings: the first is the event."""
    for path, text in sources.items():
        if "/base/log" in path or not path.endswith(".c"):
            continue
        for match in re.finditer(r"\blog_(?:event|bounded)\(", text):
            found = STRING.search(call(text, match.end()))
            yield path, found[1] if found else "(no word)"


def listed(path, text, macro):
    """The names that a macro gives to X(): a list of it ends with the line that does not go on."""
    body = re.search(r"#define %s\(X\)((?:[^\n]*\\\n)*[^\n]*)" % macro, text)
    for name in re.findall(r"\bX\((\w+)", body[1]) if body else ["(no list %s)" % macro]:
        yield path, name


def words(root, sources):
    for path, name in listed("include/error.h", sources["include/error.h"], "ERRORS"):
        if name != "OK":
            yield path, name
    yield from listed("src/push/push_private.h", sources["src/push/push_private.h"], "PUSH_OUTCOMES")
    yield from listed("src/push/push_private.h", sources["src/push/push_private.h"], "PUSH_SAIDS")
    for array in ("faults", "reasons"):  # what SMEV may say; all of it gets into the log by its own name
        body = re.search(r"\} %s\[\] = \{|\*const %s\[\] = \{" % (array, array), sources[OF_SMEV3])
        for name in re.findall(r'"(\w+)"', sources[OF_SMEV3][body.end():sources[OF_SMEV3].index("};", body.end())]):
            yield OF_SMEV3, name
    for path, text in sources.items():
        if path.startswith("src/queue/"):  # why a message is refused or put aside, as the inbox keeps it
            for name in re.findall(r'#define QUEUE_\w+ +"([A-Z_]+)"', text) + re.findall(r'\{"([A-Z_]+)", ERR_', text) + re.findall(r'refuse\(f, "(\w+)"', text):
                yield path, name
        if path.startswith("src/adapter/"):
            for name in re.findall(r'\? "([A-Z]{4,})"', text):
                yield path, name


def states(root, files):
    """As the last constraint of each says."""
    for table in ("inbox", "outbox"):
        found = [m for p in sorted(files) if p.startswith("sql/migrations/")
                 for m in re.findall(r"constraint %s_state check \(state in \(([^)]*)\)" % table, tree.read(root, p))]
        for name in re.findall(r"'(\w+)'", found[-1]) if found else ["(no states of %s)" % table]:
            yield "data." + table, name


# Where the warnings of /readyz are made: in words of C, and as problems of housekeeping.
WARNERS = re.compile(r"(?:\bnote|\badd_note|\badd_warning|\bsnprintf)\(")
OF_OUTBOX = "sql/inner/outbox/overdue.sql"


def warnings(root, sources):
    for path, text in sources.items():
        if not re.search(r"(?:notes|warnings)_json", text) or not path.endswith(".c"):
            continue
        for match in WARNERS.finditer(text):
            args = call(text, match.end())
            found = re.search(r'"(?:[^"\\]|\\.)*"(?:\s*(?:"(?:[^"\\]|\\.)*"|PRI\w+))*', args)
            said = "".join(STRING.findall(found[0])) if found else ""
            if len(re.findall(r"[a-z']{2,}", said)) >= 4:
                yield path, said
    for said in re.findall(r"'((?:agency %s: )[^']*)'", tree.read(root, OF_OUTBOX)):
        yield OF_OUTBOX, said
    for said in re.findall(r"select '\w+', '([a-z ]+)', '", tree.read(root, "sql/inner/housekeeping/lags.sql")):
        yield "sql/inner/housekeeping/lags.sql", said


def main(root):
    root = pathlib.Path(root)
    files = tree.files(root)
    sources = {p: tree.read(root, p) for p in files if re.match(r"(src|include)/.*\.[ch]$", p)}
    spans = [span for page in PAGES for span in re.findall(r"`([^`\n]+)`", tree.read(root, page))]
    first = {span.split()[0] for span in spans if span.strip()}
    told = {word for span in spans for word in re.findall(r"[\w-]+", span)}
    phrases = [span for span in spans if len(span) > 10 and re.fullmatch(r"[a-z][A-Za-z' ,-]+|SMEV [a-z, ]+", span)]
    wrong, count = set(), 0
    for path, said in warnings(root, sources):
        count += 1
        if not any(phrase in said for phrase in phrases):
            wrong.add("%s: no page tells what this of /readyz means: %s" % (path, said))
    for path, event in events(sources):
        count += 1
        if event not in first:
            wrong.add("%s: no page tells what a line %s is" % (path, event))
    for path, word in [*words(root, sources), *states(root, files)]:
        count += 1
        if word not in told:
            wrong.add("%s: no page tells what %s means" % (path, word))
    tree.finish("spoken", count, sorted(wrong))


main(sys.argv[1])
