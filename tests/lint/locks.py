#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L1: who has only looked at a row, or refers to it, holds it by its key, and is in nobody's way as long as nobody asks for the row with
its key. So a row is locked `for update` only where its key changes, and the line says so; and no lock of ours outlives a transaction."""
import re
import sys

import tree

SQL = re.compile(r"sql/(?!migrations/)[\w/]+\.sql$")
COMMENT_OR_TEXT = re.compile(r"--[^\n]*|[EB]?'(?:[^']|'')*'")
WHOLE_ROW = re.compile(r"\bfor\s+update\b", re.I)
REASON = re.compile(r"-- .*\bkey\b")
# the session's: they outlive a rollback, and behind PgBouncer they stay with a connection that is lent to somebody else
SESSION = re.compile(r"\bpg_(?:try_)?advisory_(?:lock|unlock)\w*", re.I)
TABLE = re.compile(r"\block\s+(?:table\s+)?(?:only\s+)?(?:data|api|admin)\.(?![^;]*\bnowait\s*;)", re.I)


def main(root):
    wrong, count = [], 0
    for path in filter(SQL.match, tree.files(root)):
        lines = tree.read(root, path).splitlines()
        text = "\n".join(COMMENT_OR_TEXT.sub("", line) for line in lines)
        count += len(re.findall(r"\bfor\s+(?:no\s+key\s+update|update|key\s+share|share)\b", text, re.I))
        for what, words in ((WHOLE_ROW, "locks a row with its key: for no key update, or say at the end of the line which key changes"),
                            (SESSION, "a lock that outlives its transaction"), (TABLE, "waits for a whole table")):
            for m in what.finditer(text):
                n = text.count("\n", 0, m.start())
                if what is not WHOLE_ROW or not REASON.search(lines[n]):
                    wrong.append("%s:%d: %s" % (path, n + 1, words))
    for path in tree.files(root):
        if re.match(r"src/.*\.[ch]$", path):
            text = tree.read(root, path)
            wrong += ["%s:%d: a lock that outlives its transaction" % (path, text.count("\n", 0, m.start()) + 1) for m in SESSION.finditer(text)]
    if count < 20:
        wrong.append("%d rows locked in sql/, 20 are the least" % count)
    tree.finish("locks", count, wrong)


main(sys.argv[1])
