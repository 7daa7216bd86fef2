#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L2, S4: the tables of src/booking/characters.c, and what sql/inner/texts/visible.sql takes for nothing, against Python's Unicode data: every character with a canonical combining class is a mark, no
letter, digit or sign is; whoever is a control, a format or no character at all is unseen, whoever has a shape is not."""
import pathlib
import re
import sys
import unicodedata

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent / "src/booking/characters.c"


def table(name):
    body = re.search(r"range %s\[\] = \{(.*?)\};" % name, SOURCE.read_text(), re.S).group(1)
    ranges = [(int(a, 16), int(b, 16)) for a, b in re.findall(r"\{0x([0-9A-F]+), 0x([0-9A-F]+)\}", body)]
    for (_, last), (first, _) in zip(ranges, ranges[1:]):
        if last >= first:
            sys.exit("%s: ranges out of order at U+%04X" % (name, first))
    return {c for a, b in ranges for c in range(a, b + 1)}


FILLERS = {0x115F, 0x1160, 0x3164, 0xFFA0}  # letters by their class, nothing to the eye
marks, unseen, spaces = table("marks"), table("unseen"), table("spaces")
wrong = []
for c in range(0x110000):
    category = unicodedata.category(chr(c))
    if unicodedata.combining(chr(c)) and c not in marks:
        wrong.append("U+%04X is a mark" % c)
    if c in marks and category[0] in "LNPSZ":
        wrong.append("U+%04X is no mark" % c)
    if category == "Cc" and c not in unseen and c not in (9, 10, 13):
        wrong.append("U+%04X is a control" % c)
    if category in ("Zl", "Zp") and c not in unseen:
        wrong.append("U+%04X parts lines" % c)
    # formats that have a shape: signs of Arabic, Syriac and Kaithi numbers, hieroglyphs' joiners
    if category == "Cf" and c not in unseen and not (0x600 <= c <= 0x605 or c in (0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD) or 0x13430 <= c <= 0x13438):
        wrong.append("U+%04X is a format" % c)
    if c in unseen and category[0] in "LNPS" and c not in FILLERS and c not in range(0x1D173, 0x1D17B) and c not in (0xFFFC, 0xFFFD):
        wrong.append("U+%04X has a shape" % c)
    if (c in spaces) != (chr(c).isspace() and not 0x1C <= c <= 0x1F):  # those four separate fields of a file, and are controls
        wrong.append("U+%04X: white space or not" % c)
    if category == "Co" and c not in unseen and (c & 0xFFFE) != 0xFFFE:
        wrong.append("U+%04X is private" % c)
# S4: what is no text of anything in SQL: the same, with white space, what joins marks, a blank cell of Braille, and no characters
body = re.search(r"nothing constant text := (.*?);", (SOURCE.parent.parent.parent / "sql/inner/texts/visible.sql").read_text(), re.S).group(1)
points = [int(x[2:], 16) for x in re.findall(r"\\u[0-9A-F]{4}|\\U[0-9A-F]{8}", body)]
gaps = re.split(r"\\u[0-9A-F]{4}|\\U[0-9A-F]{8}", "".join(re.findall(r"E'([^']*)'", body)))[1:]
nothing, at = set(), 0
while at < len(points):
    is_range = gaps[at].startswith("-")
    nothing |= set(range(points[at], points[at + is_range] + 1))
    at += 1 + is_range
for c in sorted(nothing ^ (unseen | spaces | {0x034F, 0x2800, 0xFFFE, 0xFFFF}) - {0}):
    wrong.append("U+%04X: seen in SQL or in C alone" % c)
if len(marks) < 800 or len(unseen) < 6400:
    wrong.append("tables too small to be true")
print("\n".join(wrong[:20]) or "characters: %d marks, %d unseen" % (len(marks), len(unseen)))
sys.exit(bool(wrong))
