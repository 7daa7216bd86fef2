# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What the lint scripts share: the files of the tree, and how to end."""
import os
import pathlib
import subprocess
import sys


def files(root):
    """Paths relative to root: what git tracks or would add; without git, all but build directories."""
    root = pathlib.Path(root)
    try:
        out = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                             capture_output=True, check=True).stdout.decode()
        found = [p for p in out.split("\0") if p]
    except (OSError, subprocess.CalledProcessError):
        found = []
        for top, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in (".git", "build", "node_modules", "__pycache__") and not f.startswith("build-")]
            found += [os.path.relpath(os.path.join(top, n), root) for n in names]
    return sorted(p for p in found if (root / p).is_file())


def read(root, path):
    return (pathlib.Path(root) / path).read_text(encoding="utf-8", errors="replace")


def finish(what, count, wrong):
    """Prints the findings; a check that looked at nothing is a failure too."""
    for line in wrong:
        print(line)
    if not count:
        print("%s: nothing was looked at" % what)
    print("%s: %d looked at, %d wrong" % (what, count, len(wrong)))
    sys.exit(1 if wrong or not count else 0)
