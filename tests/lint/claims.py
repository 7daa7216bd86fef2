# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What a test says it proves. A test claims an id where it speaks to people: in a comment, in the title of its page or of a case, in the name of
a function of C (L1_who_hangs_alone), or at the head of the words it prints ('M3, A26: ...'). An organization of the test data that is called
T1 claims nothing."""
import re

IDS = r"[A-Z]{1,2}[0-9]+"
STRING = re.compile(r"""\$\$(?P<dollar>.*?)\$\$|'(?P<single>(?:''|\\.|[^'\\\n])*)'|"(?P<double>(?:\\.|[^"\\\n])*)\"""")
# A list of ids, and a colon or a word behind it: "B5, B7: forty sessions", "SPEC L2".
HEAD = re.compile(r"(?:SPEC |edge )?(?:%s|[A-Z]\d+-[A-Z]?\d+)(?:(?:,| and|;)? (?:%s|item [\d.]+|edge \d+))*(?=:)" % (IDS, IDS))
COMMENT = {".sql": "--", ".psql": "--", ".sh": "#", ".py": "#", ".case": "#", ".inc": "#"}


def _comments_c(text):
    return re.findall(r"/\*.*?\*/|//[^\n]*", text, re.S)


def _comments_line(text, sign):
    """What stands behind the sign, outside of quotes."""
    found = []
    for line in text.splitlines():
        quote = None
        for i, c in enumerate(line):
            if quote:
                quote = None if c == quote else quote
            elif c in "'\"":
                quote = c
            elif line.startswith(sign, i) and (sign != "#" or i == 0 or line[i - 1].isspace()):
                found.append(line[i:])
                break
    return found


def said(path):
    """All that a test file says to people, as one text."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix in (".c", ".h"):
        parts = _comments_c(text)
        parts += [" ".join(re.findall(r"(%s)_" % IDS, name)) for name in re.findall(r"^static void ((?:%s_)+)" % IDS, text, re.M)]
    else:
        parts = _comments_line(text, COMMENT.get(path.suffix, "#"))
    if path.suffix == ".py":
        parts += re.findall(r'"""(.*?)"""', text, re.S)
    if path.suffix == ".case":
        parts += [line for line in text.splitlines()[:1]] + re.findall(r"^ *step (.*)", text, re.M)
    for m in STRING.finditer(text):
        inside = m["single"] if m["single"] is not None else m["double"]
        head = HEAD.match(inside) if inside else None
        if head:
            parts.append(head[0])
    return "\n".join(parts)


def claims(path, what):
    """Whether the test claims an id (M9, also within M1-M10), an item of the order ("item 9.7") or an edge case ("edge 6"; a function edge_06_...)."""
    text = said(path)
    edge = re.fullmatch(r"edge (\d+)", what)
    if edge and re.search(r"def edge_%02d_" % int(edge[1]), path.read_text(encoding="utf-8")):
        return True
    if re.search(r"(?<![\w.'-])%s(?![\w']|\.\d)" % re.escape(what), text):
        return True
    own = re.fullmatch(r"([A-Z]{1,2})(\d+)", what)
    return bool(own) and any(int(a) <= int(own[2]) <= int(b) for a, b in re.findall(r"\b%s(\d+)-%s?(\d+)\b" % (own[1], own[1]), text))
