#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Includes follow the table of docs/architecture.md: `| module | may use | foreign |`. No two source files have one name, none has
more than 400 lines, and what a folder's files share is in <module>_private.h. Anything else fails."""
import pathlib
import re
import sys

import tree

LINES_MAX = 400
# Which foreign library a system header belongs to; the first match counts.
FOREIGN = [(r"libxml/", "libxml2"), (r"openssl/", "OpenSSL"), (r"uv\.h$|uv/", "libuv"), (r"llhttp\.h$", "llhttp"),
           (r"libpq-fe\.h$|libpq/|postgres", "libpq"), (r"ini\.h$", "inih"), (r"stdsoap2\.h$|soap\w*\.h$|eq(H|Stub)?\.h$", "gSOAP"),
           (r"systemd/", "libsystemd"), (r"curl/", "libcurl")]
STANDARD = set("""arpa/inet.h assert.h ctype.h dirent.h endian.h errno.h fcntl.h getopt.h glob.h grp.h inttypes.h langinfo.h libgen.h limits.h locale.h
    malloc.h math.h netdb.h netinet/in.h netinet/tcp.h poll.h pthread.h pwd.h sched.h search.h setjmp.h signal.h stdalign.h stdarg.h stdatomic.h
    stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h sys/file.h sys/mman.h sys/prctl.h sys/random.h
    sys/resource.h sys/socket.h sys/stat.h sys/syscall.h sys/time.h sys/types.h sys/uio.h sys/un.h sys/wait.h syslog.h threads.h time.h unistd.h
    wchar.h wctype.h sanitizer/asan_interface.h""".split())
FOREIGN_TYPES = re.compile(r"\b(xml(Doc|Node|Char|Schema|Attr|Buffer|Ns)(Ptr)?|htmlDoc|PG(conn|result)|Oid|uv_\w+|llhttp_\w+|EVP_\w+|X509\w*|"
                           r"CURL\w*|curl_\w+|SSL(_\w+)?|BIO|ENGINE|ASN1_\w+|BIGNUM|struct soap|sd_\w+)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def table(root):
    rows = {}
    for line in tree.read(root, "docs/architecture.md").splitlines():
        cells = [c.strip().strip("`") for c in line.strip().strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"[a-z]+", cells[0]) and cells[0] != "module":
            words = lambda text: {w.strip("`. ") for w in re.split(r"[,;]\s*|\s+and\s+", re.sub(r"\(.*?\)", "", text))} - {"", "-", "—"}
            rows[cells[0]] = (words(cells[1]), words(cells[2]))
    return rows


def main(root):
    root = pathlib.Path(root)
    rows = table(root)
    wrong, count = [], 0
    for folder in sorted(p.name for p in (root / "src").iterdir() if p.is_dir()):
        if folder not in rows:
            wrong.append("src/%s: not in the table of docs/architecture.md" % folder)
    headers = {p.name: next((s for s in (p.stem, p.stem.split("_")[0], p.stem.rstrip("0123456789")) if s in rows), "base") for p in (root / "include").glob("*.h")}
    named = {}
    for path in tree.files(root):
        if path.startswith(("src/", "include/")) and path.endswith((".c", ".h")):
            named.setdefault(path.rsplit("/", 1)[1], []).append(path)
            if tree.read(root, path).count("\n") > LINES_MAX:
                wrong.append("%s: more than %d lines" % (path, LINES_MAX))
            if re.search(r"(_priv|/internal|/private|_internal)\.h$", path):
                wrong.append("%s: private headers are <module>_private.h, or bear the name of their part" % path)
        match = re.fullmatch(r"(?:src/(?:(\w+)/)?|(include)/)([\w.-]+\.[ch])", path)
        if not match:
            continue
        module = headers[match[3]] if match[2] else match[1] or "main"
        if module not in rows:
            continue
        count += 1
        uses, foreign = rows[module]
        every = "all" in uses
        text = tree.read(root, path)
        for kind, name in INCLUDE.findall(text):
            ours = kind == '"' and name in headers
            owner = None if ours else next((f for pattern, f in FOREIGN if re.match(pattern, name)), None)
            if kind == '"' and not match[2] and (root / path).parent.joinpath(name).is_file():
                continue
            if ours:
                if not (headers[name] == module or every or headers[name] in uses):
                    wrong.append("%s: %s may not use %s (\"%s\")" % (path, module, headers[name], name))
            elif kind == '"' and owner is None and name.endswith(".nsmap"):
                owner = "gSOAP"
            elif kind == '"' and owner is None:
                wrong.append('%s: "%s" is neither of this folder nor of include/' % (path, name))
            elif kind == "<" and owner is None and name not in STANDARD:
                wrong.append("%s: <%s> belongs to nobody this test knows" % (path, name))
            if owner is not None and (match[2] or owner not in foreign):
                wrong.append("%s: %s may not use %s (%s)" % (path, "include" if match[2] else module, owner, name))
        if match[2]:
            for found in sorted({m.group(0) for m in FOREIGN_TYPES.finditer(COMMENT.sub("", text))}):
                wrong.append("%s: foreign type %s in a header of include/" % (path, found))
    wrong.extend("%s: one name, several files" % " ".join(paths) for paths in named.values() if len(paths) > 1)
    tree.finish("layers", count if rows else 0, wrong)


main(sys.argv[1])
