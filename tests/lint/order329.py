#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""docs/order-329.md: every number of the order has its row, every row its proof; Appendix 2 is what the schema, the golden messages and
docs/conformance.md say. The order's numbers and tables stand in order-329.txt, written from the order."""
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

import claims
import tree

PAGE = "docs/order-329.md"
STATES = ("done", "part", "later", "not ours")
XS = "{http://www.w3.org/2001/XMLSchema}"
# Types of the order, and what the schema may have for them; lists of structures have a wrapper (docs/decisions/0001).
TYPES = {"Integer": {"int", "Count", "MinutesOrEmpty"}, "Number": {"Count"}, "Boolean": {"boolean"},
         "Date": {"DateOrEmpty"}, "Datetime": {"ZonedDateTime"}, "UserDocument": {"UserDoc"},
         "String": {"Id", "IdOrEmpty", "Line", "Text", "Title", "PersonName", "FirmName", "string"},
         "Enum": {"DocType", "UserType", "UserKind", "Condition", "UnionKind", "TreeFiltering", "RefKind", "AttrType"}}
WRAPPED = {"FieldError": "FieldErrors", "RefAttribute": "RefAttributes", "Attribute": "Attributes", "TimeSlot": "Slots", "RefInfo": "RefsList",
           "RefAttributeInfo": "RefAttributesList"}
# Where the schema says other than the order's column, and why that loses nothing.
KNOWN = {("2/4", "simple"): "one of the two must be there: what is neither is no condition",
         ("2/4", "Union"): "likewise"}


def read_list(root):
    """The clauses in order, and {clause: (type, [(parameter, type, Y or N)])}."""
    clauses, tables, now = [], {}, None
    for line in tree.read(root, "tests/lint/order-329.txt").splitlines():
        if not line or line.startswith("#"):
            continue
        head = re.fullmatch(r"\[(.*) (\w+)\]", line)
        if head:
            clauses.append(head[1])
            now = tables.setdefault(head[1], (head[2], []))
        elif now and re.fullmatch(r"\w+ \S+ [YN]", line):
            now[1].append(line.split())
        else:
            clauses.append(line)
            now = None
    return clauses, tables


def judge_proof(root, proof):
    """Why it is none; None when it is one. FILE:CLAIM, or a decision by its number."""
    if re.fullmatch(r"docs/decisions/\d{4}", proof):
        return None if list((root / "docs/decisions").glob(proof[-4:] + "-*.md")) else "names %s, which is not there" % proof
    m = re.fullmatch(r"(tests/[\w./-]+):([\w.-]+)", proof)
    if not m:
        return "has %s, which is neither TEST:CLAIM nor a decision" % proof
    if not (root / m[1]).is_file():
        return "names %s, which is not there" % m[1]
    what = re.sub(r"^(edge|item)-", r"\1 ", m[2]).replace("_", " ")
    return None if claims.claims(root / m[1], what) else "names %s, which does not claim %s" % (m[1], what)


def judge_rows(root, clauses, wrong):
    """Every clause once and in order, with a state, and a proof or a reason."""
    rows = []
    for line in tree.read(root, PAGE).splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")] if line.startswith("| ") else []
        if len(cells) != 5 or cells[0] == "clause" or cells[0].startswith("---"):
            if cells and cells[0] != "clause" and not cells[0].startswith("---"):
                wrong.append("%s: a row of %d cells: %s" % (PAGE, len(cells), cells[0]))
            continue
        clause, asks, state, proofs, note = cells
        rows.append(clause)
        if not asks:
            wrong.append("%s: %s asks nothing" % (PAGE, clause))
        if state not in STATES:
            wrong.append("%s: %s has the unknown state %r" % (PAGE, clause, state))
        if state in ("done", "part") and not proofs:
            wrong.append("%s: %s has no proof" % (PAGE, clause))
        if state != "done" and not note:
            wrong.append("%s: %s is %s, and nobody says why" % (PAGE, clause, state))
        wrong += ["%s: %s %s" % (PAGE, clause, why) for why in (judge_proof(root, p) for p in proofs.split()) if why]
    for clause in sorted(set(rows) ^ set(clauses)):
        wrong.append("%s: %s %s" % (PAGE, clause, "is missing" if clause in clauses else "is no number of order-329.txt"))
    if not set(rows) ^ set(clauses) and rows != clauses:
        at = next(i for i, (a, b) in enumerate(zip(rows, clauses)) if a != b) if len(rows) == len(clauses) else -1
        wrong.append("%s: %s stands out of its order, or twice" % (PAGE, rows[at]))
    return len(rows)


def elements(schema, name):
    """{element in small letters: (type, must it be there, is it a list)} of a complex type, groups opened."""
    found = {}

    def walk(node, is_optional):
        for e in node:
            may = is_optional or e.get("minOccurs") == "0"
            if e.tag == XS + "element":
                before = found.get(e.get("name").lower())
                found[e.get("name").lower()] = (e.get("type").split(":")[1], not may and (before is None or before[1]), e.get("maxOccurs") == "unbounded")
            elif e.tag == XS + "group":
                walk(schema.find(XS + "group[@name='%s']" % e.get("ref").split(":")[1]), may)
            else:
                walk(e, may or e.tag == XS + "choice")

    top = schema.find(XS + "complexType[@name='%s']" % name)
    if top is not None:
        walk(top, False)
    return found if top is not None else None


def judge_tables(root, tables, wrong):
    """Each parameter of Appendix 2 is in the schema: its name in any case (A5), its type, whether it must be there."""
    schema = ET.parse(root / "schemas/equeue-types.xsd").getroot()
    count = 0
    for clause, (name, rows) in tables.items():
        known = elements(schema, name)
        if known is None:
            wrong.append("schemas/equeue-types.xsd: no type %s (%s)" % (name, clause))
            continue
        for parameter, kind, must in rows:
            count += 1
            kind_of, is_must, is_list = known.get(parameter.lower(), (None, None, None))
            inner = re.fullmatch(r"Array\[(\w+)\]", kind)
            inner = inner and inner[1]
            if kind_of is None:
                wrong.append("schemas/equeue-types.xsd: %s has no %s (%s)" % (name, parameter, clause))
                continue
            fits = kind_of in TYPES.get(kind, {kind}) if not inner else \
                (is_list and kind_of in TYPES.get(inner, {inner})) or kind_of == WRAPPED.get(inner, inner + "s")
            if not fits:
                wrong.append("schemas/equeue-types.xsd: %s of %s is %s, not %s (%s)" % (parameter, name, kind_of, kind, clause))
            if is_must != (must == "Y") and (clause, parameter) not in KNOWN:
                wrong.append("schemas/equeue-types.xsd: %s of %s %s (%s)" % (parameter, name, "may be missing" if must == "Y" else "must be there", clause))
    return count


def judge_operations(root, tables, wrong):
    """Whoever adds an operation adds its tables here, its row in docs/conformance.md, golden messages of it, and its place in the WSDL."""
    wsdl = tree.read(root, "wsdl/equeue.wsdl.in")
    found = re.findall(r"^ *X\([A-Z_]+, (\w+), (\w+), (\w+), ", tree.read(root, "include/booking.h"), re.M)
    cases = "\n".join(tree.read(root, p) for p in tree.files(root) if re.match(r"tests/wire/cases/.*\.(case|inc)$", p))
    requirements = [line for line in tree.read(root, "docs/conformance.md").splitlines() if re.match(r"\| M\d+ \|", line)]
    for file, name, kind in found:
        for what in ("Request", "Response"):
            if not any(t == kind + what for t, _ in tables.values()):
                wrong.append("tests/lint/order-329.txt: no table %s" % (kind + what))
            if not re.search(r"\b%s%s\b" % (name, what), cases):
                wrong.append("tests/wire/cases: no golden message has %s%s" % (name, what))
        if not any(re.match(r"\| M\d+ \| %s\b" % name, line) for line in requirements):
            wrong.append("docs/conformance.md: no row M is about %s" % name)
        if wsdl.count('<wsdl:operation name="%s">' % name) != 2:  # port type and binding
            wrong.append("wsdl/equeue.wsdl.in: has no %s" % name)
        if not (root / "sql/api" / (file + ".sql")).is_file():
            wrong.append("sql/api: has no %s.sql" % file)
    return len(found)


def main(root):
    root = pathlib.Path(root)
    wrong = []
    clauses, tables = read_list(root)
    count = judge_rows(root, clauses, wrong) and judge_tables(root, tables, wrong) and judge_operations(root, tables, wrong)
    tree.finish("order329", count and len(clauses), wrong)


main(sys.argv[1])
