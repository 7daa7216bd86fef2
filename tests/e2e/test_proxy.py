#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""O3, V1, C8: the guide's chapter on a proxy before the daemon. nginx and haproxy run what the guide prints, with the files and ports of the test; each thing
that is said there of the daemon is tried."""
import http.client
import re
import shutil
import socket
import ssl
import subprocess
import time

import e2e
from e2e import E2E, MOSCOW, SERVICE, SOURCE, new_id, wait_until

from instance import free_ports
from smev2client import Client
from tlspki import TlsPki

PUBLIC = "https://zapis.example.org/equeue"
NGINX = """daemon off;
user root;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{}}
http {{
access_log off;
client_body_temp_path {dir}/body;
proxy_temp_path {dir}/proxy;
fastcgi_temp_path {dir}/fastcgi;
uwsgi_temp_path {dir}/uwsgi;
scgi_temp_path {dir}/scgi;
{block}
}}
"""


def block(language):
    return re.search(r"(?ms)^```%s\n(.*?)^```" % language, (SOURCE / "docs/operator.ru.md").read_text()).group(1)


class Secure(Client):
    """A client through TLS, with a certificate or without one."""

    def __init__(self, port, context, **more):
        super().__init__("http://127.0.0.1:%d/equeue" % port, **more)
        self.context = context

    def post(self, data, action="", headers=None):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=self.timeout)
        return super().post(data, action, headers)


class Proxy(E2E):
    @classmethod
    def options(cls):
        cls.nginx_port, cls.signed_port, cls.haproxy_port, cls.said, cls.tls_port = free_ports(5)
        return {"edit": cls.edit}

    @classmethod
    def edit(cls, text):
        pki = cls.pki = TlsPki(cls.instance.dir / "tls")
        pki.authority("server-ca")
        pki.leaf("tls", "server-ca", "server_x", cn="localhost")
        pki.authority("root")
        for name in ("good", "revoked"):
            pki.leaf(name, "root")
        pki.crl("clients.crl", "root", ["revoked"])
        return text + ("\n[listener said]\nkind = plain\naddress = 127.0.0.1:%d\npublic_url = %s\n"
                       "[listener tls]\nkind = plain\naddress = 127.0.0.1:%d\ntls_cert = {0}/tls.pem\ntls_key = {0}/tls.key\ntls_client_ca = {0}/root.pem\n"
                       "tls_client_crl = {0}/clients.crl\ntls_client_required = yes\n" % (cls.said, PUBLIC, cls.tls_port)).format(pki.folder)

    @classmethod
    def setUpClass(cls):
        cls.running = []
        if not (shutil.which("nginx") and shutil.which("haproxy")):
            raise e2e.unittest.SkipTest("nginx and haproxy are not installed")
        super().setUpClass()
        try:
            for name, port, to in (("plain", cls.nginx_port, cls.said), ("signed", cls.signed_port, cls.instance.smev2_port)):
                cls.nginx(name, port, to)
            conf = cls.instance.dir / "haproxy.cfg"
            conf.write_text(cls.put(block("haproxy"), {":443": "127.0.0.1:%d" % cls.haproxy_port, "127.0.0.1:8184": "127.0.0.1:%d" % cls.tls_port,
                                                       "port 8182": "port %d" % cls.instance.admin_port}))
            cls.start(["haproxy", "-db", "-f", conf], cls.haproxy_port)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        for process in cls.running:
            process.terminate()
            process.wait()
        super().tearDownClass()

    @staticmethod
    def put(text, places):
        for old, new in places.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text

    @classmethod
    def nginx(cls, name, port, to):
        folder = cls.instance.dir / ("nginx-" + name)
        folder.mkdir()
        tls = cls.pki.folder
        text = cls.put(block("nginx"), {"listen 443": "listen 127.0.0.1:%d" % port, "127.0.0.1:8180": "127.0.0.1:%d" % to, "/etc/nginx/zapis.pem": "%s/tls.pem" % tls,
                                        "/etc/nginx/zapis.key": "%s/tls.key" % tls, "/etc/nginx/clients.pem": "%s/root.pem" % tls, "/etc/nginx/clients.crl": "%s/clients.crl" % tls})
        (folder / "nginx.conf").write_text(NGINX.format(dir=folder, block=text))
        cls.start(["nginx", "-p", folder, "-c", folder / "nginx.conf"], port)

    @classmethod
    def start(cls, argv, port):
        with open(cls.instance.dir / (argv[0] + ".out"), "ab") as out:
            process = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        cls.running.append(process)

        def is_there():
            if process.poll() is not None:
                raise AssertionError("%s ended: %s" % (argv[0], (cls.instance.dir / (argv[0] + ".out")).read_text()))
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        wait_until(is_there, e2e.PATIENT_S, argv[0])

    def context(self, who):
        context = ssl.create_default_context(cafile=self.pki.folder / "server-ca.pem")
        if who:
            context.load_cert_chain(self.pki.folder / (who + ".pem"), self.pki.folder / (who + ".key"))
        return context

    def client(self, port, who="good", **more):
        client = Secure(port, self.context(who), **more)
        self.addCleanup(client.close)
        return client

    def raw(self, port, octets, who="good"):
        """What comes back until the other side closes; b"" where TLS is broken off."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=e2e.PATIENT_S) as s:
                if who is False:
                    return self.exchange(s, octets)
                with self.context(who).wrap_socket(s, server_hostname="localhost") as secure:
                    return self.exchange(secure, octets)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return b""

    @staticmethod
    def exchange(s, octets):
        s.sendall(octets)
        answer = b""
        while part := s.recv(65536):
            answer += part
        return answer

    def wsdl(self, port, headers="", **more):
        answer = self.raw(port, ("GET /equeue?wsdl HTTP/1.1\r\nHost: zapis.example.org\r\n%sConnection: close\r\n\r\n" % headers).encode(), **more)
        return set(re.findall(r'ocation="([^"?]*)', answer.decode()))

    def test_the_main_job(self):
        """Through nginx and haproxy, with signatures and without: booked, asked, cancelled; the octets of a signed answer are as they were."""
        pki = self.instance.pki
        signed = self.client(self.signed_port, key=pki / "portal.key", cert=pki / "portal.pem", ca=pki / "ca.pem", smev_key=pki / "smev.key",
                             smev_cert=pki / "smev.pem", expect_signer=pki / "agency-a.pem")
        wait_until(lambda: self.raw(self.haproxy_port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") != b"", e2e.PATIENT_S, "haproxy has asked /readyz")
        for client in (self.client(self.nginx_port), signed, self.client(self.haproxy_port)):
            book_id, slot = new_id(), self.free_slots(client)[0]["slotId"]
            self.assertEqual(client.book(book_id, slot, MOSCOW, services=[SERVICE]).status_code, "201")
            self.assertEqual(client.get_booking_status(book_id).status_code, "201")
            self.assertEqual(client.cancel_booking(book_id).error_code, 0)

    def test_the_address_that_is_told(self):
        told = "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nForwarded: host=evil.example;proto=https\r\n"
        for headers in ("", told):
            self.assertEqual(self.wsdl(self.nginx_port, headers), {PUBLIC})
            self.assertEqual(self.wsdl(self.signed_port, headers), {"http://zapis.example.org/equeue"})  # nothing was said: as the proxy has asked
            self.assertEqual(self.wsdl(self.instance.plain_port, headers, who=False), {"http://zapis.example.org/equeue"})

    def test_one_peer(self):
        """The journal has the proxy's address, whatever the headers say; PROXY is no HTTP."""
        client = self.client(self.nginx_port)
        message = client.envelope("getRefsList", [])
        client.post(message, headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"})
        peers = self.sql("select distinct peer from data.journal where listener = 'said'")
        self.assertTrue(peers)
        for (peer,) in peers:
            self.assertRegex(peer, r"^127\.0\.0\.1(:\d+)?$")
        self.assertNotIn("203.0.113.9", self.instance.log.read_text())
        for begin in (b"PROXY TCP4 203.0.113.9 127.0.0.1 1 2\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\x7f\x00\x00\x01\x00\x01\x00\x02"):
            self.assertRegex(self.raw(self.said, begin + b"GET /equeue?wsdl HTTP/1.1\r\nHost: a\r\n\r\n", who=False), rb"^HTTP/1\.1 400 ")

    def test_certificates_of_clients(self):
        """nginx asks for them, with their list; behind haproxy the daemon does. What a header says of a certificate is nothing."""
        message = self.client(self.nginx_port).envelope("getRefsList", [])
        head = b"POST /equeue HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nX-SSL-Client-Verify: SUCCESS\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(message)
        for who, status in (("good", b"200"), ("revoked", b"400"), (None, b"400")):
            self.assertRegex(self.raw(self.nginx_port, head + message, who), rb"^HTTP/1\.1 %s " % status, who)
        wait_until(lambda: self.raw(self.haproxy_port, head + message).startswith(b"HTTP/1.1 200 "), e2e.PATIENT_S, "haproxy has asked /readyz")
        offset = self.instance.log.stat().st_size
        for who in ("revoked", None):
            self.assertEqual(self.raw(self.haproxy_port, head + message, who), b"", who)
        said = self.instance.log.read_text()[offset:]
        self.assertIn("revoked", said)

    def test_sizes(self):
        """Up to 1 MiB nothing is lost; one octet more is 413 from nginx, and from the daemon where nginx lets more through."""
        mib = 1 << 20
        for size, status in ((mib, b"200|500"), (mib + 1, b"413")):
            body = self.client(self.nginx_port).envelope("getRefsList", [])
            body += b" " * (size - len(body))
            for port, who in ((self.nginx_port, "good"), (self.said, False)):
                head = b"POST /equeue HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
                self.assertRegex(self.raw(port, head + body, who), rb"^HTTP/1\.1 (%s) " % status, (size, port))

    def test_connections_are_kept(self):
        """One connection to the daemon for one after the other; a client in pieces (chunked) is understood."""
        client = self.client(self.nginx_port)
        for _ in range(5):
            self.assertEqual(client.get_refs_list().error_code, 0)
        peers = self.sql("select peer from data.journal where listener = 'said' order by at desc limit 5")
        self.assertEqual(len(set(peers)), 1, peers)
        body = client.envelope("getRefsList", [])
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 100]), body[i:i + 100]) for i in range(0, len(body), 100)) + b"0\r\n\r\n"
        head = b"POST /equeue HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assertRegex(self.raw(self.nginx_port, head + pieces), rb"^HTTP/1\.1 200 ")

    def test_numbers_of_the_page(self):
        """What the page says of times and sizes is what holds where nothing is set."""
        conf = (SOURCE / "conf/zapisd.conf").read_text()
        page = (SOURCE / "docs/operator.ru.md").read_text().split("## Прокси перед программой")[1].split("\n## ")[0]
        for key, value, said in (("request_timeout", "15s", "`request_timeout` (15 с)"), ("idle_timeout", "75s", "`idle_timeout` (75 с)"), ("body_max", "1MiB", "1 МиБ, как `body_max`")):
            self.assertRegex(conf, r"(?m)^#%s = %s$" % (key, value))
            self.assertIn(said, page)
        seconds = dict((k, int(v)) for k, v in re.findall(r"(proxy_read_timeout|timeout client|timeout server) (\d+)s", page))
        self.assertGreater(seconds["proxy_read_timeout"], 15)
        self.assertGreater(min(seconds["timeout client"], seconds["timeout server"]), 75)


if __name__ == "__main__":
    e2e.main()
