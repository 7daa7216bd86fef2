#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""V4: the contract (what is served for ?wsdl and shipped) against the schemas requests are checked by. Messages made by chance from
the contract alone are valid by the schemas; whatever generators make poor classes of is not in the contract. Runs no daemon."""
import itertools
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

from lxml import etree

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CONTRACT = pathlib.Path(os.environ.get("ZAPISD_BUILD", SOURCE / "build")) / "contract"
XS = "{http://www.w3.org/2001/XMLSchema}"
EQ = "http://epgu.rtlabs.ru/equeue/ws/"
SMEV = "http://smev.gosuslugi.ru/"
SEED = int(os.environ.get("ZAPISD_SEED", "329"))
EACH = int(os.environ.get("ZAPISD_EACH", "300"))  # messages of each element

# What an unrestricted value of a built-in type may look like, its edges among them.
VALUES = {
    "string": ["", " ", "Иванова", "a b", "<&>\"'", "x" * 300, "\n", "0"],
    "boolean": ["true", "false", "1", "0", " true "],
    "int": ["0", "-2147483648", "2147483647", "+7", "007"],
    "nonNegativeInteger": ["0", "-0", "+5", "007", "9" * 20],
    "date": ["2026-11-29", "2026-11-29+03:00", "2024-02-29Z", "-0044-03-15", "12026-01-01"],
    "dateTime": ["2026-11-29T10:00:00+03:00", "2026-11-29T24:00:00-14:00", "2026-11-29T10:00:00.123456789+14:00", "2026-11-29T10:00:00Z"],
    "base64Binary": ["", "AA=="],
}


class Schema:
    """A schema and whatever it includes or imports, as text: elements and types by namespace and name."""

    def __init__(self, path):
        self.globals, self.roots, self.seen = {}, [], set()
        self.load(path)
        self.validator = etree.XMLSchema(etree.parse(str(path)))

    def load(self, path):
        if path in self.seen:
            return
        self.seen.add(path)
        root = etree.parse(str(path)).getroot()
        self.roots.append(root)
        for child in root:
            if child.tag in (XS + "include", XS + "import"):
                self.load(path.parent / child.get("schemaLocation"))
            elif isinstance(child.tag, str):
                self.globals[root.get("targetNamespace"), child.tag, child.get("name")] = child

    def named(self, node, qname, *kinds):
        prefix, _, name = qname.rpartition(":")
        namespace = node.nsmap[prefix or None]
        return next((self.globals[k] for k in ((namespace, XS + kind, name) for kind in kinds) if k in self.globals), None)

    def nodes(self, *kinds):
        return [n for root in self.roots for kind in kinds for n in root.iter(XS + kind)]

    # ---- messages made by chance ---------------------------------------------------------------------------------

    def value(self, rng, node, qname):
        """A value of a simple type: one that its facets let pass, by the schema's own judgement of the whole message."""
        kind = self.named(node, qname, "simpleType")
        if kind is None:
            return rng.choice(VALUES[qname.rpartition(":")[2]])
        restriction = kind.find(XS + "restriction")
        facets = {f.tag[len(XS):]: f.get("value") for f in restriction if isinstance(f.tag, str)}
        if "minInclusive" in facets:
            return rng.choice(["0", "+5", "007", "2147483647"])
        words = [f.get("value") for f in restriction.iter(XS + "enumeration")]
        if words:
            return rng.choice(words)
        if facets.get("pattern") == "[0-9]{3,9}":
            return "".join(rng.choice("0123456789") for _ in range(rng.randint(3, 9)))
        if "pattern" in facets:  # an instant with an offset
            return rng.choice([v for v in VALUES["dateTime"] if not v.endswith("Z")])
        text = self.value(rng, restriction, restriction.get("base"))
        if "maxLength" in facets:
            text = rng.choice([text, "x" * int(facets["maxLength"])])[:int(facets["maxLength"])]
        return text or ("x" if int(facets.get("minLength", 0)) else text)

    def fill(self, rng, parent, node, depth):
        """The particles under a complex type, a sequence or a choice."""
        kind = node.tag[len(XS):]
        least, most = int(node.get("minOccurs", 1)), node.get("maxOccurs", "1")
        if kind in ("sequence", "choice", "element", "any"):
            # Beyond some depth no more than there must be, so that predicates and trees end.
            times = least if depth > 12 or rng.random() < 0.4 else rng.randint(least, least + 2 if most == "unbounded" else int(most))
        else:
            times = 1
        for _ in range(times):
            if kind == "element":
                self.element(rng, parent, self.named(node, node.get("ref"), "element") if node.get("ref") else node, depth + 1)
            elif kind == "any":
                etree.SubElement(parent, "{%s}bookId" % EQ).text = "1"
            elif kind == "choice":
                particles = [c for c in node if isinstance(c.tag, str)]
                leaf = [c for c in particles if c.get("name") == "simple"]
                self.fill(rng, parent, leaf[0] if leaf and depth > 12 else rng.choice(particles), depth)
            else:
                for child in node:
                    if isinstance(child.tag, str) and child.tag != XS + "anyAttribute":
                        self.fill(rng, parent, child, depth)

    def element(self, rng, parent, node, depth=0):
        tag = "{%s}%s" % (node.getroottree().getroot().get("targetNamespace"), node.get("name"))
        made = etree.Element(tag) if parent is None else etree.SubElement(parent, tag)
        complex_type = self.named(node, node.get("type"), "complexType")
        if complex_type is None:
            made.text = self.value(rng, node, node.get("type"))
        else:
            self.fill(rng, made, complex_type, depth)
        return made


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bare = Schema(CONTRACT / "equeue-bare.xsd")
        cls.framed = {rev: Schema(CONTRACT / ("equeue-smev2-%s.xsd" % rev)) for rev in ("rev120315", "rev111111")}

    def assert_taken(self, message, taken, offered):
        copy = etree.ElementTree(etree.fromstring(etree.tostring(message)))
        if offered is not None:  # the generator's own mistakes are not to be taken for those of the contract
            self.assertTrue(offered.validate(copy), "%s: %s" % (offered.error_log.last_error, etree.tostring(copy, encoding="unicode")[:600]))
        self.assertTrue(taken.validate(copy), "%s: %s" % (taken.error_log.last_error, etree.tostring(copy, encoding="unicode")[:600]))

    def test_what_is_offered_is_taken(self):
        """V4: each request and answer, and each frame, ZAPISD_EACH times; ZAPISD_SEED repeats a run."""
        rng = random.Random(SEED)
        taken = etree.XMLSchema(etree.parse(str(SOURCE / "schemas/equeue-bare.xsd")))
        elements = [n for (_, tag, _), n in self.bare.globals.items() if tag == XS + "element"]
        self.assertEqual(len(elements), 16)
        with_both = 0
        for element, _ in itertools.product(elements, range(EACH)):
            message = self.bare.element(rng, None, element)
            with_both += message.find("{%s}email" % EQ) is not None and message.find("{%s}mobilePhone" % EQ) is not None
            self.assert_taken(message, taken, self.bare.validator)
        self.assertGreater(with_both, 10)
        for rev, schema in self.framed.items():
            taken = etree.XMLSchema(etree.parse(str(SOURCE / "schemas" / ("smev-%s.xsd" % rev))))
            for _ in range(EACH):
                frame = schema.element(rng, None, schema.globals[EQ, XS + "element", "bookRequest"])
                self.assertTrue(schema.validator.validate(frame), schema.validator.error_log.last_error)
                self.assertEqual([child.tag for child in frame], ["{%s%s}%s" % (SMEV, rev, name) for name in ("Message", "MessageData")])
                for child in frame:
                    self.assert_taken(child, taken, None)

    def test_more_is_taken(self):
        """V4: the rest is what others send all the same: told here so that it is not lost when nothing offered needs it."""
        taken = etree.XMLSchema(etree.parse(str(SOURCE / "schemas/equeue-bare.xsd")))
        start = "<userType>SIMPLE</userType><userKind>PHYSIC</userKind><esiaId>1</esiaId>"
        book = "<bookRequest xmlns='%s'><bookId>1</bookId><slotId>s</slotId><organizationId>R</organizationId>%s%s" \
               "<preliminaryReservation>0</preliminaryReservation>%s</bookRequest>"
        slots = "<getSlotsRequest xmlns='%s'><organizationId>R</organizationId>%s<filter><simple><condition>%s</condition>" \
                "<checkAllValues>1</checkAllValues></simple></filter></getSlotsRequest>"
        for text in (book % (EQ, start, "<mobilePhone>1</mobilePhone><email>a</email>", ""),
                     book % (EQ, start, "", "<preliminaryReservationPeriod/>"),
                     book % (EQ, start, "<userDoc><Document><docType>PASSPORT</docType><docNumber>1</docNumber><issueDate/></Document></userDoc>", ""),
                     slots % (EQ, start, "GREATER_THAN_OR_EQUALS")):
            message = etree.ElementTree(etree.fromstring(text))
            self.assertTrue(taken.validate(message), taken.error_log.last_error)
            self.assertFalse(self.bare.validator.validate(message), text)

    def test_nothing_that_spoils_classes(self):
        """V4: a choice is of single elements, none of them repeated or named twice; no unions, no groups, no type without a name, no words
        that differ in case alone (two constants of one name)."""
        for schema in (self.bare, *self.framed.values()):
            for node in schema.nodes("choice"):
                self.assertEqual([c.tag for c in node if isinstance(c.tag, str)], [XS + "element"] * 2, etree.tostring(node))
                self.assertEqual({(c.get("minOccurs"), c.get("maxOccurs")) for c in (node, *node) if isinstance(c.tag, str)}, {(None, None)})
                self.assertEqual(node.getparent().get("name"), "Predicate")  # items 4 to 6: one of two, and it is the order that says so
            self.assertEqual(schema.nodes("union", "group", "all", "list", "redefine", "extension"), [])
            for kind in schema.nodes("complexType", "simpleType"):
                self.assertEqual(kind.getparent().tag, XS + "schema")
                names = [n.get("name") for n in kind.iter(XS + "element") if n.get("name")]
                self.assertEqual(len(names), len({n.lower() for n in names}), names)
                words = [n.get("value") for n in kind.iter(XS + "enumeration")]
                self.assertEqual(len(words), len({w.lower().replace("_", "") for w in words}), words)
            self.assertEqual(len({r.get("targetNamespace") for r in schema.roots}), 1 if schema is self.bare else 2)

    def test_what_is_shipped_loads_as_it_lies(self):
        """V1, V4: the installed folder is the contract, whole and nothing else, and its files find one another."""
        import zeep
        with tempfile.TemporaryDirectory() as place:
            done = subprocess.run(["cmake", "--install", str(CONTRACT.parent), "--prefix", place], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            folder = pathlib.Path(place) / "share/zapisd/wsdl"
            self.assertEqual({p.name: p.read_bytes() for p in folder.iterdir()}, {p.name: p.read_bytes() for p in CONTRACT.iterdir()})
            loaded = {p.name: zeep.Client(str(p), settings=zeep.Settings(strict=True)) for p in folder.glob("*.wsdl")}
            self.assertEqual(len(loaded), 3)
            for name, client in loaded.items():
                port = client.wsdl.services["Equeue"].ports["EqueuePort"]
                self.assertEqual(len(port.binding._operations), 8, name)

    def test_order_of_the_applicant(self):
        """V4, A30: one order of e-mail and phone."""
        for name in ("GetSlotsRequest", "BookRequest"):
            kind = self.bare.globals[EQ, XS + "complexType", name]
            fields = [n.get("name") for n in kind.iter(XS + "element")]
            self.assertEqual(fields[fields.index("lastName"):fields.index("caseNumber") + 1],
                             ["lastName", "firstName", "middleName", "email", "mobilePhone", "userSnils", "userLogin", "userDoc", "userINN", "businessINN",
                              "businessOGRN", "businessName", "caseNumber"])

    def test_nothing_of_the_making_is_left(self):
        self.assertEqual(len(list(CONTRACT.iterdir())), 9)
        for path in CONTRACT.iterdir():
            text = path.read_text()
            self.assertEqual([mark for mark in ("taken", "offered", "@") if mark in text], [], path.name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
