# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What a signed booking costs the daemon beside the cryptography it cannot do without: one check of a signature, one signature, and the digests
of the same octets, by the same engine, at the same time and on the same processors (crypto_floor.c).

The exchange is the daemon's own, out of the journal. The floor is measured in small bursts while the load goes on: a core that is busy on
both of its threads is slower than one that is not, and either side feels it.
"""
import pathlib
import statistics
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent


class Floor:
    def __init__(self, bench):
        self.bench, self.instance = bench, bench.instance

    def exchange(self):
        """The newest signed booking and its answer, as files."""
        for name, direction in (("request", "in"), ("answer", "out")):
            text = self.instance.psql("""
                select encode(o.body, 'hex') from data.journal i join data.journal o using (journal_id)
                where i.direction = 'in' and i.listener = 'smev2' and i.method = 'book' and o.direction = '%s'
                order by i.journal_id desc limit 1""" % direction)
            path = self.bench.work / ("floor." + name)
            path.write_bytes(bytes.fromhex(text.strip()))
            yield path

    def run(self, rounds):
        pki, rows = self.instance.pki, []
        self.bench.load("smev2", 1, messages=1)
        argv = [SOURCE / "build/crypto_floor", *self.exchange(), pki / "portal.pem", pki / "agency-a.key", self.bench.seconds]
        for _ in range(rounds):
            floor = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True)
            cpu_ms = self.bench.load("smev2")["cpu_ms"]
            out = floor.communicate()[0]
            if floor.returncode:
                raise SystemExit("bench: crypto_floor failed")
            rows.append((cpu_ms, float(out) / 1000))
        ratios = [cpu_ms / floor_ms for cpu_ms, floor_ms in rows]
        return {"floor_cpu_ms": statistics.median(r[1] for r in rows), "floor_signed_cpu_ms": statistics.median(r[0] for r in rows),
                "floor_ratio": statistics.median(ratios), "floor_ratios": ratios}

    @staticmethod
    def tell(out):
        print("crypto floor: %.3f ms of CPU a signed booking beside %.3f for its cryptography alone, ratio %.2f   %s"
              % (out["floor_signed_cpu_ms"], out["floor_cpu_ms"], out["floor_ratio"], " ".join("%.2f" % r for r in out["floor_ratios"])))
