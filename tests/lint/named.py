#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What a page or a comment speaks of is there: files and folders of the tree, the metrics of the daemon, its words in the log, its options."""
import pathlib
import re
import sys

import tree

SPEAKING = re.compile(r"docs/.*\.(md|scd)$|(README(\.ru)?|CONTRIBUTING)\.md$"
                      r"|(src|include|sql|conf|schemas|wsdl)/.*|tests/.*\.(c|h|sql|py|sh)$")
PATH = re.compile(r"(?<![\w./{}$-])((?:src|include|sql|tests|docs|conf|schemas|wsdl)/[\w./-]*\w)(?![\w<*{])")
INSIDE = re.compile(r"(?<![\w./<>*-])((?:base|config|crypto|xml|net|db|booking|soap|smev|admin|request|inner|api)/[\w/.-]+\.(?:c|h|sql))\b")
# Files that tests make: they are named as the tree's are.
MADE_UP = re.compile(r"tests/(unit/main/test_migrate\.c|lib/(pki\.sh|tlspki\.py)|e2e/test_parties\.py)$")
METRIC = re.compile(r"\bzapisd_[a-z_]*[a-z](?=_?\b)")
NO_METRIC = {"zapisd_daemon", "zapisd_operator", "zapisd_registrar", "zapisd_auditor", "zapisd_owner"}  # roles
OF_OPENSSL = {"unable to get local issuer certificate", "key values mismatch", "no start line"}


def judge_words(root, texts, wrong):
    """README.ru.md: what stands in a line of the log or of `check` is written somewhere; words with a number are examples."""
    rows = re.search(r"\| в строке \|[^\n]*\n\| --- [^\n]*\n((?:\|[^\n]*\n)+)", tree.read(root, "README.ru.md"))
    count = 0
    for row in rows[1].splitlines() if rows else []:
        for span in re.findall(r"`([^`]+)`", row.strip("|").split(" | ")[0]):
            for piece in (p.strip() for p in re.split(r"…|=", span) if not re.search(r"\d", span)):
                count += 1
                if re.search(r"[a-z]{3}", piece) and piece not in texts and piece not in OF_OPENSSL:
                    wrong.append("README.ru.md: nobody writes %s" % piece)
    if not count:
        wrong.append("README.ru.md: no table of words")
    return count


def judge_options(root, files, wrong):
    """Both ways: what the program takes, zapisd(8) tells; what that tells, it takes."""
    source = "\n".join(tree.read(root, p) for p in files if re.match(r"src/\w+\.c$", p))
    taken = set(re.findall(r'\{"([a-z][a-z0-9-]+)", (?:no|required)_argument', source)) | set(re.findall(r'strcmp\(argv\[\w+\], "--([a-z-]+)"\)', source))
    told = set(re.findall(r"--([a-z][a-z0-9-]+)", tree.read(root, "docs/man/zapisd.8.scd")))
    wrong += ["docs/man/zapisd.8.scd: does not tell of --%s" % name for name in sorted(taken - told - {"fault-points"})]  # of test builds
    wrong += ["docs/man/zapisd.8.scd: the program does not take --%s" % name for name in sorted(told - taken)]
    return len(taken)


def main(root):
    root = pathlib.Path(root)
    files = set(tree.files(root))
    known = files | {str(folder) for path in files for folder in pathlib.Path(path).parents}
    known |= {re.sub(r"\.\w+$", "", path) for path in files}  # a file without its ending
    known |= {re.sub(r"-[^/]*$", "", path) for path in files if path.startswith("docs/decisions/")}  # a decision by its number
    below = {path.split("/", 1)[1] for path in files if path.startswith(("src/", "sql/"))}
    texts = " ".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', "\n".join(tree.read(root, p) for p in sorted(files) if re.match(r"src/.*\.[ch]$", p))))
    wrong = []
    count = judge_words(root, re.sub(r"\s+", " ", texts + " ".join(tree.read(root, p) for p in sorted(files) if re.match(r"(sql|include)/", p))), wrong)
    count += judge_options(root, sorted(files), wrong)
    for path in filter(SPEAKING.match, sorted(files)):
        is_page = path.endswith((".md", ".scd"))
        for n, line in enumerate(tree.read(root, path).splitlines(), 1):
            found = [] if MADE_UP.match(path) else PATH.findall(line)
            inner = [] if MADE_UP.match(path) else INSIDE.findall(line)
            metrics = set(METRIC.findall(line)) - NO_METRIC if is_page else set()
            count += len(found) + len(inner) + len(metrics)
            wrong += ["%s:%d: there is no %s" % (path, n, name) for name in found if name not in known]
            wrong += ["%s:%d: there is no %s" % (path, n, name) for name in inner if name not in below]
            for name in metrics:
                head, tail = re.match(r"(zapisd_(?:housekeeping_)?)(\w+)", name).groups()
                told = name in texts if head == "zapisd_" else head + "%s" in texts and re.search(r"(?<!\w)%s(?!\w)" % tail, texts)
                if not told:
                    wrong.append("%s:%d: there is no metric %s" % (path, n, name))
    tree.finish("named", count, wrong)


main(sys.argv[1])
