# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The board of fault points (include/fault.h, src/base/fault.c), shared with a daemon that runs: what is armed, what was
passed. It outlives the daemon's death."""
import mmap
import struct
import subprocess
import time

ACTIONS = ("kill", "delay", "fail", "half", "half-kill")
ENTRY = struct.Struct("=IiIIII")  # passes, left, is_for_ever, action, ms, taken


def points_of(binary):
    """{point: the actions it knows}, in the order of the board."""
    out = subprocess.run([binary, "--fault-points"], capture_output=True, text=True, check=True).stdout
    return {words[0]: words[1:] for words in map(str.split, out.splitlines())}


class Board:
    def __init__(self, path, points):
        self.path, self.names = path, list(points)
        path.write_bytes(b"\0" * (ENTRY.size * len(self.names)))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    @property
    def env(self):
        return {"ZAPIS_FAULT_BOARD": str(self.path)}

    def _get(self, point):
        return list(ENTRY.unpack_from(self.map, self.names.index(point) * ENTRY.size))

    def passes(self, point):
        return self._get(point)[0]

    def taken(self, point):
        return self._get(point)[5]

    def arm(self, point, action, nth=1, ms=0, for_ever=False):
        """The daemon reads `left` last, so it is written last."""
        at, entry = self.names.index(point) * ENTRY.size, self._get(point)
        ENTRY.pack_into(self.map, at, entry[0], 0, int(for_ever), ACTIONS.index(action), ms, entry[5])
        struct.pack_into("=i", self.map, at + 4, nth)

    def disarm(self, point=None):
        for name in [point] if point else self.names:
            struct.pack_into("=i", self.map, self.names.index(name) * ENTRY.size + 4, 0)

    def wait_passed(self, point, before, seconds):
        """Until it was passed more often than before; whether it was."""
        deadline = time.monotonic() + seconds
        while self.passes(point) <= before:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True
