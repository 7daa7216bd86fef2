#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""conf/zapisd.service: systemd's own exposure score at most 1.5 (SPEC O2), no unknown directive, and what it must say."""
import json
import os
import re
import subprocess
import sys

import tree

MUST = [r"^Type=notify$", r"^WatchdogSec=\d+", r"^ExecReload=.*check", r"^ExecReload=.*-HUP", r"^Restart=always$", r"^StartLimitIntervalSec=0$", r"^NoNewPrivileges=yes$",
        r"^CapabilityBoundingSet=$", r"^LimitCORE=0$", r"^IPAddressDeny=any$"]


# One party's mistake must not keep the others from being served (L5): nothing may veto the start, and only what the daemon itself would refuse, the reload.
MUST_NOT = [r"^ExecStartPre=/.*check", r"^RestartPreventExitStatus="]


def main(root):
    unit = os.path.join(root, "conf/zapisd.service")
    text = tree.read(root, "conf/zapisd.service")
    wrong = ["conf/zapisd.service: no line %s" % p for p in MUST if not re.search(p, text, re.M)]
    wrong += ["conf/zapisd.service: a line %s" % p for p in MUST_NOT if re.search(p, text, re.M)]
    reloads = re.findall(r"^ExecReload=(.*)", text, re.M)
    if "--only-fatal" not in reloads[0] or "-HUP" not in reloads[1]:
        wrong.append("conf/zapisd.service: a reload begins with check --only-fatal, then -HUP")
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--json=short", "--threshold=15", unit], capture_output=True, text=True)
    tests = json.loads(done.stdout)
    if done.returncode:
        wrong.append("conf/zapisd.service: exposure above 1.5: " + ", ".join(t["name"] for t in tests if not t["set"] and t["exposure"]))
    # "Unknown key" and the like go to stderr; that the program is not installed here is no fault of the unit.
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    wrong += [line for line in done.stderr.splitlines() if "zapisd.service" in line and "is not executable" not in line]
    tree.finish("unit", len(tests), wrong)


main(sys.argv[1])
