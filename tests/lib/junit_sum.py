#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Adds up ctest's JUnit files: names what failed and what was skipped, parts of a test that went well too; last line "N passed, N failed"."""
import re
import sys
import xml.etree.ElementTree as ET


def main(paths):
    passed, failed, skipped = 0, [], []
    for path in paths:
        for case in ET.parse(path).getroot().iter("testcase"):
            name = case.get("name")
            if case.find("failure") is not None or case.get("status") == "fail":
                failed.append(name)
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                skipped.append(name)
            else:
                passed += 1
                said = case.findtext("system-out") or ""
                skipped += ["%s: %s" % (name, why) for why in sorted(set(re.findall(r"(?m)(?:^|skipped ['\"])SKIP: (.*?)['\"]?$", said)))]
    for name in skipped:
        print("skipped: " + name)
    for name in failed:
        print("failed: " + name)
    print("%d passed, %d failed" % (passed, len(failed)))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
