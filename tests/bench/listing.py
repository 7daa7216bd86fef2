# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Large getSlots through the daemon: five offices with two weeks ahead (8,800 intervals), and 500 offices, of which 20,000 are told.

What an answer costs is the CPU of both programs; on a machine with other work it says more than the rate.
"""
import statistics
import time
import urllib.request

from scale import BOOKINGS, DAY_SLOTS, DAYS, OFFICES, SLOTS, WINDOWS, ZONES, envelope, get_slots

MANY, MANY_DAYS, GOOD = 500, 3, "<eq:errorCode>0</eq:errorCode>"


def get_slots_of_many():
    return envelope("getSlots", "%s<eq:userType>QUALIFIED</eq:userType><eq:userKind>PHYSIC</eq:userKind><eq:esiaId>1000000000</eq:esiaId>"
                    % "".join("<eq:organizationId>R98%05d</eq:organizationId>" % n for n in range(1, MANY + 1)))


class Listing:
    def __init__(self, bench):
        self.bench, self.instance = bench, bench.instance

    def prepare(self):
        sql = lambda text: self.instance.psql("set session_replication_role = replica; set synchronous_commit = off; " + text)
        sql(OFFICES % {"zones": ",".join(ZONES), "others": MANY, "windows": WINDOWS})
        for which, days in (("^R990010", DAYS), ("^R98", MANY_DAYS)):
            sql(SLOTS % {"which": which, "first": 1, "last": days, "slots": DAY_SLOTS})
            sql(BOOKINGS % {"which": which, "when": ">", "per_mille": 100})
        self.instance.psql("vacuum analyze")
        self.instance.psql("checkpoint")

    def post(self, message):
        """Seconds to the last octet of the answer, and its intervals."""
        request = urllib.request.Request("http://127.0.0.1:%d/equeue" % self.instance.plain_port, message.encode(),
                                         {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"getSlots"'})
        start = time.monotonic()
        answer = urllib.request.urlopen(request, timeout=60).read()
        if GOOD.encode() not in answer:
            raise SystemExit("bench: getSlots: %r" % answer[-500:])
        return time.monotonic() - start, answer.count(b"</eq:TimeSlot>")

    def run(self, rounds):
        self.prepare()
        path = self.bench.work / "listing.messages"
        path.write_text(get_slots())
        five, many = [], []
        for n in range(rounds + 1):  # the first one warms up
            row = self.bench.wrk(self.instance, self.instance.plain_port, path, 4, "getSlots", GOOD, True)
            times = [self.post(get_slots_of_many()) for _ in range(3)]
            if n > 0:
                five.append(row)
                many += [t for t, _ in times]
        out = {"listing5_" + key: statistics.median(row[key] for row in five) for key in ("rps", "p50_ms", "cpu_ms", "server_ms")}
        out["listing5_slots"], out["listing500_slots"] = self.post(get_slots())[1], times[0][1]
        out["listing500_s"], out["listing500_max_s"] = statistics.median(many), max(many)
        return out

    @staticmethod
    def tell(out):
        print("getSlots of five offices (%d intervals): %.1f per s, %.1f ms of CPU an answer of the daemon and %.1f of the database; of %d offices (%d): "
              "%.2f s (at most %.2f)" % (out["listing5_slots"], out["listing5_rps"], out["listing5_cpu_ms"], out["listing5_server_ms"], MANY,
                                         out["listing500_slots"], out["listing500_s"], out["listing500_max_s"]))
