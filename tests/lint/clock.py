#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L6: no test's verdict hangs on how fast the machine is. A sleep stands in a loop that looks for what it waits for, an upper bound is not on
elapsed time; what does neither is listed in clock.txt with its reason. The bench measures time and is let alone."""
import re
import sys

import tree

SLEEP = {
    "py": re.compile(r"\btime\.sleep\("),
    "c": re.compile(r"(?<!void )\b(usleep|nanosleep|sleep|pause_ms|bench_sleep|uv_sleep)\("),
    "sh": re.compile(r"(?:^|[;&|]|\bdo|\bthen)\s*sleep\s+[\d.$]"),
    "sql": re.compile(r"\bpg_sleep\((?!\d{2,}\))"),  # what sleeps for minutes is there to be in the way
}
# An upper bound on what was measured by a clock, of the wall or of the processor, in so many milliseconds: what is measured beside it in the
# same process is a bound as well (a share, tests/fakes/growth.h, turns and calls that are counted).
CLOCK = r"(?:monotonic\(\)|perf_counter\(\)|\btime\.time\(\)|now_ms\(\)|clock_mono_us\(\)|\b(?:took|elapsed|slowest|longest|lag)\b|\.seconds\b|\btook_\w+|\.max_ms|\.recent_ms|date \+%s)"
BOUND = {
    "py": re.compile(r"(?:assertLess\w*|assertAlmostEqual)\([^#]*" + CLOCK + r"|assert\w*\(.*" + CLOCK + r"[^,#]*<"),
    "c": re.compile(r"assert_(?:true|in_range)\([^/]*" + CLOCK + r"[^/;]*(?:<|, *\d+, *[\d*]+\))"),
    "sh": re.compile(r"\$\{?took\b.*-l[te]\b"),
}
SPENT = r"\b(?!\w*_share\b)(?:\w*(?:cpu|longest|slowest|took|spent|elapsed)\w*|\w+_(?:ms|us|ns|seconds)|[tT]\d\s*-\s*[tT]\d)(?:\([^()]*\))?"
ABSOLUTE = re.compile(r"(?:assert\w*\(|\bif\s*\(|\bfor\s*\(|\|\||&&).*" + SPENT + r"\s*(?:<=?\s*[\d.]+(?:e\d+)?\b(?!\s*\*\s*[a-z])(?![.\w])|>=?\s*[A-Z][A-Z_]*_(?:MS|US|NS)\b)")
LOOP = {"py": re.compile(r"\s*(while|for)\b"), "c": re.compile(r"\b(while|for)\s*\(|(EVENTUALLY|BENCH_UNTIL)\w*\("), "sh": re.compile(r"\b(until|while)\b")}
NEAR = 14  # lines; a loop that looks is a short one


def kind_of(path):
    end = path.rsplit(".", 1)[-1]
    return {"h": "c"}.get(end, end)


def in_loop(kind, lines, n):
    """Whether line n is in the body of a loop that begins shortly before it."""
    indent = len(lines[n]) - len(lines[n].lstrip())
    for m in range(n, max(n - NEAR, -1), -1):
        own = len(lines[m]) - len(lines[m].lstrip())
        if m != n and (not lines[m].strip() or own >= indent):
            continue
        if kind in LOOP and LOOP[kind].search(lines[m]) and (kind != "py" or re.match(r"\s*(while\b|for _ in range\(\d{3,}\))", lines[m])):
            return True
        indent = min(indent, own)
    return False


def is_deadline(line):
    return re.search(r"\b(deadline|until\w*)\b", line) is not None


def found(path, text):
    kind, lines = kind_of(path), text.splitlines()
    for n, line in enumerate(lines):
        if re.match(r"\s*(--|#|//|\*|/\*)", line):
            continue
        sleeps = [k for k in (kind, "sql") if k in SLEEP and SLEEP[k].search(line)]
        if sleeps and not in_loop(kind, lines, n):
            yield n + 1, line.strip(), "a sleep that looks for nothing"
        if kind in BOUND and BOUND[kind].search(line) and not is_deadline(line):
            yield n + 1, line.strip(), "an upper bound on elapsed time"
        elif kind == "c" and ABSOLUTE.search(line):
            yield n + 1, line.strip(), "an upper bound in units of time, of whatever clock"


def allowed(root):
    """Of each entry, a path and a piece of the line: how often it may be there."""
    entries = {}
    for number, line in enumerate(tree.read(root, "tests/lint/clock.txt").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        path, piece, reason = (part.strip() for part in line.split(" | "))
        if not reason:
            sys.exit("clock.txt:%d: no reason" % number)
        entries[(path, piece)] = number
    return entries


def main(root):
    wrong, count, entries, used = [], 0, allowed(root), set()
    for path in tree.files(root):
        if not path.startswith("tests/") or path.startswith(("tests/bench/", "tests/lint/")) or kind_of(path) not in ("py", "c", "sh", "sql"):
            continue
        count += 1
        for number, line, what in found(path, tree.read(root, path)):
            keys = [key for key in entries if key[0] == path and key[1] in line]
            used.update(keys)
            if not keys:
                wrong.append("%s:%d: %s: %s" % (path, number, what, line))
    wrong += ["clock.txt:%d: nothing is let off by it any more" % entries[key] for key in entries if key not in used]
    tree.finish("clock", count, wrong)


main(sys.argv[1])
