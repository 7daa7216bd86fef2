#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""O3: the operator's guide, typed in as it stands. Reads docs/operator.ru.md, never a copy of its commands.

The chapter of a new organization is played on an instance that has never heard of it, with psql under conf/psqlrc and with
curl, to its first booking, in under ten commands. Then every other command of the guide, under the role its prompt names.
Days of the guide are moved by whole weeks so that they are still to come.
"""
import datetime
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import e2e

GUIDE = e2e.instance.SOURCE / "docs/operator.ru.md"
PSQLRC = e2e.instance.SOURCE / "conf/psqlrc"
WRITTEN = datetime.date(2026, 11, 22)
PROMPT = re.compile(r"^ {4,}(\w+)=[>#] (.*)$")
FIRST = "6b1c0a52-3f1e-4c55-9a57-0d6a3c1f0001"


def chapters():
    """Title and lines of each chapter."""
    found, title = {}, ""
    for line in GUIDE.read_text().splitlines():
        if line.startswith("## "):
            title = line[3:].split(":")[0]
        found.setdefault(title, []).append(line)
    return found


def commands(lines, default=None):
    """(who, command, output) in the order of the text; who is a role, or $ for the shell.

    default: who types an indented statement that has no prompt before it."""
    out, i, in_sql = [], 0, False
    while i < len(lines):
        line = lines[i]
        i += 1
        prompt = PROMPT.match(line)
        if line.startswith("```"):
            in_sql = line == "```sql"
            statement = ""
        elif in_sql:
            statement += line + "\n"
            if line.endswith(";"):
                out.append((default, statement, []))
                statement = ""
        elif prompt:
            shown = []
            while i < len(lines) and lines[i].startswith("    ") and not PROMPT.match(lines[i]) and not lines[i].startswith("    $ "):
                shown.append(lines[i][4:])
                i += 1
            out.append((prompt.group(1), prompt.group(2), shown))
        elif line.startswith("    $ "):
            text = line[6:]
            here = re.search(r"<<'(\w+)'", text)
            while here and lines[i].strip() != here.group(1):
                text += "\n" + lines[i][4:]
                i += 1
            if here:
                text += "\n" + lines[i].strip()
                i += 1
            out.append(("$", text, []))
        elif default and re.match(r"^    (select|insert|update) .*;( +--.*)?$", line):
            out.append((default, line.strip(), []))
    return out


def later(text):
    """Days of the guide, moved by whole weeks."""
    weeks = -((WRITTEN - datetime.date.today()).days // 7)
    move = lambda m: (datetime.date.fromisoformat(m.group(0)) + datetime.timedelta(weeks=weeks)).isoformat()
    return re.sub(r"\b20\d\d-\d\d-\d\d\b", move, text)


def squeeze(line):
    return re.sub(r"\s+", " ", line).strip()


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = e2e.start("guide") if hasattr(e2e, "start") else None
