#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""docs/conformance.md tells the truth: every test it names exists and names the requirement; each edge case has its own test."""
import pathlib
import re
import sys

import claims

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
        elif not claims.claims(path, ident):
            problems.append("names %s, which does not claim it: in a comment, a title, or the head of what it prints" % name)
    for problem in problems:
        print("docs/conformance.md: %s %s" % (ident, problem))
        bad = 1
if len(seen) < 40:
    print("docs/conformance.md: only %d requirements found" % len(seen))
    bad = 1

# Edge cases: a row each, a function of that number whose title begins with it, in a file that ctest runs; and none beside the table.
EDGES = range(1, 25)
registered = (root / "tests/e2e/CMakeLists.txt").read_text()
written = {name for path in (root / "tests/e2e").glob("test_edges*.py") for name in re.findall(r"def (edge_[0-9]+\w*)", path.read_text())}
listed = {}
for line in (root / "docs/conformance.md").read_text().splitlines():
    cells = [c.strip() for c in line.strip().strip("|").split("|")] if line.startswith("| ") else []
    if len(cells) < 5 or not cells[0].isdigit():
        continue
    number, (file, test, deeper) = int(cells[0]), cells[2:5]
    problems = []
    if number in listed:
        problems.append("stands twice")
    listed[number] = test
    path = root / file
    text = path.read_text() if path.is_file() else ""
    if not test.startswith("edge_%02d_" % number):
        problems.append("names %s, which does not bear the number" % test)
    if not re.search(r'def %s\(self\):\n +"""%d: ' % (re.escape(test), number), text):
        problems.append("names %s, which is not in %s with its number in the title" % (test, file))
    part = path.stem.removeprefix("test_edges_")
    if not re.search(r"foreach\(part [^)]*\b%s\b" % re.escape(part), registered):
        problems.append("is in %s, which ctest does not run" % file)
    problems += ["names %s, which is not there" % name for name in deeper.split() if not (root / name).is_file()]
    for problem in problems:
        print("docs/conformance.md: edge case %d %s" % (number, problem))
        bad = 1
for number in sorted(set(EDGES) ^ set(listed)):
    print("docs/conformance.md: edge case %d %s" % (number, "is missing" if number in EDGES else "is not known"))
    bad = 1
for name in sorted(written ^ set(listed.values())):
    print("docs/conformance.md: %s is in the table or in the tests, not in both" % name)
    bad = 1
sys.exit(bad)
