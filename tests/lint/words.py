#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Words that must not stand in the tree: dangerous functions, paths of somebody's machine, tickets; and the one that must."""
import re
import sys

import tree

BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strncpy|gets|atoi|strtok)\s*\(")
# Tests may start programs and trust their own numbers; the daemon may not.
BANNED_IN_DAEMON = re.compile(r"(?<![\w.>])(strncat|atol|atoll|atof|alloca|asctime|ctime|gmtime|localtime|mktemp|tmpnam|system|popen|rand)\s*\(")
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
# A path below somebody's home or workplace: no two machines share it.
MACHINE = re.compile(r"(?<![\w./-])/(home|root|Users|mnt|work|srv|workspace)/\w[\w./-]*")
TICKET = re.compile(r"(?i)\b(issue|ticket|bug)\s*#\s*\d+")
SPDX = re.compile(r"SPDX-License-Identifier: GPL-2\.0-or-later WITH cryptsetup-OpenSSL-exception")
SPDX_WANTED = re.compile(r"(\.(c|h|sh|py|pl|sql|js|cmake|conf|service|l)|/?CMakeLists\.txt|^dev|^\.ci/run|/run)$")
TEXT = re.compile(r"(\.(c|h|sh|py|pl|sql|js|cmake|conf|service|l|md|txt|json|yml|xsd|wsdl|scd)|^dev|^\.ci/run|/run)$")


def main(root):
    wrong, count = [], 0
    for path in tree.files(root):
        if not TEXT.search(path):
            continue
        count += 1
        text = tree.read(root, path)
        if SPDX_WANTED.search(path) and not SPDX.search("\n".join(text.splitlines()[:6])):
            wrong.append("%s: no SPDX line at the top" % path)
        if re.search(r"\.[ch]$", path):
            code = COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)
            for pattern in [BANNED] + ([] if path.startswith("tests/") else [BANNED_IN_DAEMON]):
                for match in pattern.finditer(code):
                    wrong.append("%s:%d: %s()" % (path, code.count("\n", 0, match.start()) + 1, match.group(1)))
        if path.startswith(("tests/lint/", "debian/")):
            continue
        for match in MACHINE.finditer(text):
            wrong.append("%s: path of a machine: %s" % (path, match.group(0)))
        if TICKET.search(text):
            wrong.append("%s: %s" % (path, TICKET.search(text).group(0)))
    tree.finish("words", count, wrong)


main(sys.argv[1])
