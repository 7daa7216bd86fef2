#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""conf/zapisd.service: systemd's own exposure score at most 1.5 (SPEC O2), no unknown directive, and what it must say."""
import json
import os
import re
import subprocess
import sys
import tempfile

import tree

MUST = [r"^Type=notify$", r"^WatchdogSec=\d+", r"^ExecReload=.*check", r"^ExecReload=.*-HUP", r"^Restart=always$", r"^StartLimitIntervalSec=0$", r"^NoNewPrivileges=yes$",
        r"^CapabilityBoundingSet=$", r"^LimitCORE=0$", r"^MemoryMax=\d+[MG]$"]


# One party's mistake must not keep the others from being served (L5): nothing may veto the start, and only what the daemon itself would refuse, the reload.
# Nor may it be cut off from portal or database that are not on this machine, or find its folder made unreadable by the unit.
MUST_NOT = [r"^ExecStartPre=/.*check", r"^RestartPreventExitStatus=", r"^IPAddress(Deny|Allow)=", r"^ConfigurationDirectory", r"^PrivateNetwork=yes"]


def look_at_drop_in(root, unit_text):
    """conf/addresses.conf changes nothing as it stands, and is right when its lines are taken in."""
    text = tree.read(root, "conf/addresses.conf")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    wrong = [] if lines == ["[Service]"] else ["conf/addresses.conf: is in force as it stands: %s" % lines]
    taken = re.findall(r"^#(IPAddress\w+=.*)", text, re.M)
    if not any(line == "IPAddressDeny=any" for line in taken) or not any(line == "IPAddressAllow=localhost" for line in taken):
        wrong.append("conf/addresses.conf: no IPAddressDeny=any with IPAddressAllow=localhost")
    with tempfile.TemporaryDirectory() as folder:
        unit = os.path.join(folder, "zapisd.service")
        with open(unit, "w") as file:
            file.write(unit_text.replace("[Install]", "\n".join(taken) + "\n[Install]"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    return wrong + ["conf/addresses.conf: " + line for line in done.stderr.splitlines() if "zapisd.service" in line and "is not executable" not in line]


def look_at_files(root, unit_text):
    """conf/files.conf: systemd knows its lines, those in force and those that are not."""
    text = tree.read(root, "conf/files.conf")
    taken = re.findall(r"^#?([A-Z]\w+=.*)", text, re.M)
    wrong = [] if "StateDirectory=zapisd/files" in taken else ["conf/files.conf: no StateDirectory"]
    with tempfile.TemporaryDirectory() as folder:
        unit = os.path.join(folder, "zapisd.service")
        with open(unit, "w") as file:
            file.write(unit_text.replace("[Install]", "\n".join(taken) + "\n[Install]"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    return wrong + ["conf/files.conf: " + line for line in done.stderr.splitlines() if "zapisd.service" in line and "is not executable" not in line]


def main(root):
    unit = os.path.join(root, "conf/zapisd.service")
    text = tree.read(root, "conf/zapisd.service")
    wrong = ["conf/zapisd.service: no line %s" % p for p in MUST if not re.search(p, text, re.M)]
    wrong += ["conf/zapisd.service: a line %s" % p for p in MUST_NOT if re.search(p, text, re.M)]
    reloads = re.findall(r"^ExecReload=(.*)", text, re.M)
    if "--only-fatal --reload" not in reloads[0] or "-HUP" not in reloads[1]:
        wrong.append("conf/zapisd.service: a reload begins with check --only-fatal --reload, then -HUP")
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--json=short", "--threshold=15", unit], capture_output=True, text=True)
    tests = json.loads(done.stdout)
    if done.returncode:
        wrong.append("conf/zapisd.service: exposure above 1.5: " + ", ".join(t["name"] for t in tests if not t["set"] and t["exposure"]))
    # "Unknown key" and the like go to stderr; that the program is not installed here is no fault of the unit.
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    wrong += [line for line in done.stderr.splitlines() if "zapisd.service" in line and "is not executable" not in line]
    wrong += look_at_drop_in(root, text) + look_at_files(root, text)
    tree.finish("unit", len(tests), wrong)


main(sys.argv[1])
