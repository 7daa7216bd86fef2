#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""docs/conformance.md tells the truth: every test it names exists and names the requirement."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
bad = 0
seen = set()
for line in (root / "docs/conformance.md").read_text().splitlines():
    cells = [c.strip() for c in line.strip().strip("|").split("|")] if line.startswith("| ") else []
    if len(cells) < 4 or not re.fullmatch(r"[A-Z]+[0-9]+", cells[0]):
        continue
    ident, _, state, tests = cells[:4]
    problems = []
    if ident in seen:
        problems.append("stands twice")
    seen.add(ident)
    if state not in ("done", "part", "later"):
        problems.append("has the unknown state %r" % state)
    if state == "done" and not tests and ident != "O1":
        problems.append("is said to be done, but no test is named")
    for name in tests.split():
        path = root / name
        if not path.is_file():
            problems.append("names %s, which is not there" % name)
        elif not re.search(r"(?<![A-Za-z0-9])%s(?![0-9])" % ident, path.read_text()):
            problems.append("names %s, which does not mention it" % name)
    for problem in problems:
        print("docs/conformance.md: %s %s" % (ident, problem))
        bad = 1
if len(seen) < 40:
    print("docs/conformance.md: only %d requirements found" % len(seen))
    bad = 1
sys.exit(bad)
