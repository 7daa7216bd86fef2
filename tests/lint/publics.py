#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What a header offers somebody of src/ takes: a function that only tests call, or only the file that has it, is no public one."""
import re
import sys

import tree

# name: why it is offered though no other file of src/ calls it
EXCEPTIONS = {
    "clock_replace": "time is the one thing that every test of a deadline must hold in its hand",
    "config_range": "what the manual page and conf/zapisd.conf say of a number's bounds is compared with it",
}

COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
OFFERED = re.compile(r"^(?!static\b|typedef\b|extern\b)[a-zA-Z_][^;{}()=]*?\b(\w+)\s*\(", re.M)
OFFERED_DATA = re.compile(r"^extern\b[^;(]*?\b(\w+)(?:\[[^;]*\])?;", re.M)
WORD = re.compile(r"(?<![.>\w])[A-Za-z_]\w*\b")  # no member of a struct
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)


def without_bodies(text):
    """The text without what stands in braces: prototypes and heads of definitions are left."""
    out, depth = [], 0
    for part in re.split(r"([{}])", text):
        depth -= part == "}"
        if depth == 0:
            out.append(part)
        depth += part == "{"
    return "".join(out)


def main(root):
    wrong, offered, macros, uses = [], {}, [], {}
    for path in tree.files(root):
        if not re.match(r"(src|include)/.*\.([ch]|cmake)$", path):
            continue
        text = COMMENT_OR_TEXT.sub(lambda m: '""' if m[0].startswith('"') else " ", tree.read(root, path))
        if path.endswith(".h"):
            heads = without_bodies(DIRECTIVE.sub("", text))
            for name in OFFERED.findall(heads) + OFFERED_DATA.findall(heads):
                offered.setdefault(name, path)
            macros += [(name, path) for name in MACRO.findall(text)]
        for name in WORD.findall(text):
            uses.setdefault(name, {}).setdefault(path, 0)
            uses[name][path] += 1
    for name, header in sorted(offered.items(), key=lambda p: (p[1], p[0])):
        others = {p for p in uses[name] if not p.endswith(".h")}
        heads = {p for p in uses[name] if p.endswith(".h") and (p != header or uses[name][p] > 1)}
        if len(others) < 2 and not heads and name not in EXCEPTIONS:
            wrong.append("%s: %s: %s" % (header, name, "nobody calls it but %s" % ", ".join(others) if others else "it is nowhere"))
    pasted = re.compile(r"\b(FIELDS|OF|TAKE|TYPE)_\w+$")  # names that a table of rows puts together
    wrong += ["%s: %s: nobody takes it" % (path, name) for name, path in macros if sum(uses[name].values()) < 2 and not pasted.match(name)]
    wrong += ["%s: not offered by any header, so no exception" % name for name in sorted(set(EXCEPTIONS) - set(offered))]
    tree.finish("publics", len(offered) + len(macros), wrong)


main(sys.argv[1])
