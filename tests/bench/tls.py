# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Others' rate and delay, and the loop's lag, while a crowd says hello to a TLS listener with a key of RSA-4096; each beside the same load
without the crowd, in one run."""
import shutil
import statistics
import subprocess
import sys

from instance import SOURCE, Instance, free_ports
from scale import envelope

CROWD = 200
CLIENTS = 16


class TlsFlood:
    def __init__(self, bench):
        self.bench = bench
        self.port, = free_ports(1)
        self.instance = Instance(bench.work / "tls", SOURCE / "build/zapisd", log_level="warning", edit=self.edit)

    def edit(self, text):
        return text + "\n[listener tls]\nkind = plain\naddress = 127.0.0.1:%d\ntls_cert = %s/tls.pem\ntls_key = %s/tls.key\n" % (
            self.port, self.instance.dir, self.instance.dir)

    def recent_lag_ms(self):
        """Since it was asked for last."""
        line = next(s for s in self.instance.admin("/metrics")[1].splitlines() if s.startswith('zapisd_loop_lag_seconds{window="recent"}'))
        return float(line.rsplit(" ", 1)[1]) * 1000

    def measure(self, path):
        self.recent_lag_ms()
        row = self.bench.wrk(self.instance, self.instance.plain_port, path, CLIENTS, "getRefsList", "</eq:getRefsListResponse>", True)
        return dict(row, lag_ms=self.recent_lag_ms())

    def with_crowd(self, path, *options):
        crowd = subprocess.Popen([sys.executable, str(SOURCE / "tests/lib/tlsflood.py"), str(self.port), str(CROWD), "0", "--from", "127.0.0.2",
                                  *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            return self.measure(path)
        finally:
            crowd.stdin.close()
            crowd.wait()

    def run(self, rounds):
        shutil.rmtree(self.instance.dir, ignore_errors=True)
        self.instance.dir.mkdir(parents=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", "tls.key",
                        "-out", "tls.pem"], cwd=self.instance.dir, check=True, capture_output=True)
        path = self.bench.work / "refslist.messages"
        path.write_text(envelope("getRefsList", ""))
        rows = {"quiet": [], "hello": [], "leave": []}
        try:
            self.instance.up()
            self.measure(path)  # warm-up
            for _ in range(rounds):
                rows["quiet"].append(self.measure(path))
                rows["hello"].append(self.with_crowd(path))
                rows["leave"].append(self.with_crowd(path, "--leave"))
        finally:
            self.instance.down()
            shutil.rmtree(self.instance.dir, ignore_errors=True)
        return {"tls_%s_%s" % (name, key): statistics.median(r[key] for r in values) for name, values in rows.items()
                for key in ("rps", "p99_ms", "lag_ms")}

    @staticmethod
    def tell(out):
        print("%-40s %10s %8s %8s %8s" % ("getRefsList beside a TLS crowd of %d" % CROWD, "per s", "ratio", "p99 ms", "lag ms"))
        for name, label in (("quiet", "none"), ("hello", "hello, and waits for the answer"), ("leave", "hello, and away")):
            rps, p99, lag = (out["tls_%s_%s" % (name, key)] for key in ("rps", "p99_ms", "lag_ms"))
            print("%-40s %10.0f %8.2f %8.2f %8.1f" % (label, rps, rps / out["tls_quiet_rps"], p99, lag))
