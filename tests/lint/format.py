#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""clang-format agrees with every C file (.clang-format in the root)."""
import re
import subprocess
import sys

import tree


def main(root):
    files = [p for p in tree.files(root) if re.search(r"^(src|include|tests)/.*\.[ch]$", p)]
    done = subprocess.run(["clang-format", "--style=file", "--dry-run", "-Werror", *files], cwd=root, capture_output=True, text=True) if files else None
    wrong = {}
    for line in done.stderr.splitlines() if done else []:
        match = re.match(r"(\S+?):(\d+):\d+: error: ", line)
        if match:
            wrong.setdefault(match[1], int(match[2]))
    if done and done.returncode and not wrong:
        wrong[done.stderr.strip()[:500]] = 0
    tree.finish("format", len(files), ["%s:%d: clang-format would change it" % f for f in sorted(wrong.items())])


main(sys.argv[1])
