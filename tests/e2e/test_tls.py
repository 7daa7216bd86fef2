#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A crowd that only says hello to a TLS listener with a key of RSA-4096, and revocation lists of 20 MB at a reload (L1, L3, C5).

What is looked at is counted, not timed: a crowd of one address must not push another's requests behind its own, what the daemon did is in
its metrics, and the tests of tests/unit/net/test_handshake.c see to it that no step of a handshake runs on the loop at all."""
import http.client
import os
import re
import signal
import ssl
import subprocess
import sys
import threading

import e2e
from e2e import E2E, localhost_pair, wait_until

sys.path.insert(0, str(e2e.SOURCE / "tests/lib"))
from instance import free_ports  # noqa: E402
from tlsflood import Flood  # noqa: E402


class Tls(E2E):
    @classmethod
    def options(cls):
        cls.tls_port, = free_ports(1)
        return {"edit": cls.edit}

    @classmethod
    def edit(cls, text):
        tls = localhost_pair(cls.instance.dir / "tls")
        return text + "\n[listener tls]\nkind = plain\naddress = 127.0.0.1:%d\ntls_cert = %s/tls.pem\ntls_key = %s/tls.key\n" % (
            cls.tls_port, tls, tls)

    def handshakes(self):
        """The counters by the end of the handshake, and the gauges by state."""
        text = self.instance.admin("/metrics")[1]
        return {name: int(value) for name, value in re.findall(r'zapisd_tls_handshakes(?:_total)?\{(?:result|state)="(\w+)"\} (\d+)', text)}

    def get_wsdl(self, source, context=None, session=None):
        """A request through TLS from an address of its own; returns the connection's session."""
        context = context or ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.tls_port, timeout=60, context=context, source_address=(source, 0))
        connection.connect()
        connection.request("GET", "/equeue?wsdl")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_crowd_of_hellos(self):
        """L1: requests in clear go on, and a handshake from elsewhere does not wait behind the whole crowd of 300."""
        before = self.handshakes()
        flood = Flood(self.tls_port, 300, 0, source="127.0.0.2")
        thread = threading.Thread(target=flood.run)
        thread.start()
        try:
            wait_until(lambda: self.handshakes()["waiting"] >= 100, 60, "the crowd to queue up")
            client = self.portal("plain")
            passed = 0
            for _ in range(10):
                for _ in range(5):
                    self.assertEqual(client.get_refs_list().error_code, 0)
                served = flood.answered
                self.get_wsdl("127.0.0.3")  # two steps: before each, one of the crowd's and what is in work
                passed += flood.answered - served
            self.assertLess(passed, 10 * 100, "as many as waited were served first: peers do not take turns")
        finally:
            flood.stop.set()
            thread.join()
        wait_until(lambda: self.handshakes()["waiting"] == 0, 60, "the lane to empty")
        after = self.handshakes()
        self.assertEqual(after["done"] + after["resumed"] - before["done"] - before["resumed"], 10)
        self.assertEqual(self.instance.admin("/livez")[0], 200)

    def test_those_who_leave_cost_nothing(self):
        """L1: of 2,000 who say hello and go away, most have gone before their turn comes, and no signature is made for them."""
        before = self.handshakes()
        Flood(self.tls_port, 200, 2000, leave=True).run()
        self.get_wsdl("127.0.0.3")
        wait_until(lambda: self.handshakes()["waiting"] + self.handshakes()["working"] == 0, 60, "the lane to empty")
        after = self.handshakes()
        self.assertGreater(after["gone"] - before["gone"], 1000)

    def test_reload_with_large_lists(self):
        """C5, L1: while 20 MB of revocation lists are read the daemon answers; reloads that come meanwhile are one; SIGTERM then ends it."""
        big = self.instance.dir / "big.crl"
        good = self.instance.conf.read_text()
        big.write_text(self.large_list())
        self.assertGreater(big.stat().st_size, 20 << 20)
        self.addCleanup(lambda: self.instance.conf.write_text(good))
        self.instance.conf.write_text(good.replace("/ca.crl", "/../big.crl"))
        client, answered, offset = self.portal("plain"), 0, self.instance.log.stat().st_size

        def told():
            with open(self.instance.log, encoding="utf-8", errors="replace") as f:
                f.seek(offset)
                return re.findall(r" reload result=(\w+)", f.read())
        for _ in range(5):
            os.kill(self.instance.pid(), signal.SIGHUP)
            # The answer shows that the signal has come: those that wait unseen are one to the kernel already.
            self.assertEqual(client.get_refs_list().error_code, 0)
        self.assertEqual(told(), [], "the list was read before the signals could be sent: the test proves nothing")
        while not told():
            self.assertEqual(client.get_refs_list().error_code, 0)
            answered += 1
        self.assertGreater(answered, 3, "the list was read before anything could be asked: the test proves nothing")
        wait_until(lambda: len(told()) >= 2, 120, "the second reload, for those asked for meanwhile")
        self.assertEqual(self.portal().get_refs_list().error_code, 0)
        self.assertEqual(told(), ["taken", "taken"])
        os.kill(self.instance.pid(), signal.SIGHUP)
        self.assertEqual(self.instance.stop_daemon(seconds=60), 0)
        self.instance.conf.write_text(good)
        self.instance.start_daemon()

    def large_list(self):
        """A list of the anchor with some 620,000 entries, made by openssl."""
        pki, work = self.instance.pki, self.instance.dir / "biglist"
        work.mkdir(exist_ok=True)
        day = "260101000000Z"
        (work / "index.txt").write_text("".join("R\t350101000000Z\t%s\t%016X\tunknown\t/CN=x%d\n" % (day, (1 << 60) + i, i) for i in range(620000)))
        (work / "crlnumber").write_text("1000\n")
        conf = (pki / "openssl.cnf").read_text().replace("./index.txt", str(work / "index.txt")).replace("./crlnumber", str(work / "crlnumber"))
        (work / "openssl.cnf").write_text(conf)
        subprocess.run(["openssl", "ca", "-gencrl", "-out", work / "big.crl"], cwd=pki, check=True, capture_output=True,
                       env=dict(os.environ, OPENSSL_CONF=str(work / "openssl.cnf")))
        return (work / "big.crl").read_text()


if __name__ == "__main__":
    e2e.main()
