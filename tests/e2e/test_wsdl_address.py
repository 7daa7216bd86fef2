#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The address a WSDL tells (V1; RFC 9112 3.2.2, 3.3; decision 0323): the one by which it was asked, never one that can only be listened at."""
import re
import socket
import ssl
import sys
import xml.etree.ElementTree as ET

import e2e
from e2e import E2E, localhost_pair

sys.path.insert(0, str(e2e.SOURCE / "tests/lib"))
from instance import free_ports  # noqa: E402

UNSIGNED = "plain_on_public_address = i-know-it-is-unsigned\n"


class Address(E2E):
    @classmethod
    def options(cls):
        cls.every4, cls.every6, cls.tls_port, cls.said = free_ports(4)
        return {"edit": cls.edit}

    @classmethod
    def edit(cls, text):
        tls = localhost_pair(cls.instance.dir / "tls")
        cls.pipe = str(cls.instance.dir / "wsdl.sock")
        return text + "".join("\n[listener %s]\nkind = plain\n%s" % pair for pair in (
            ("every4", "address = 0.0.0.0:%d\n" % cls.every4 + UNSIGNED), ("every6", "address = [::]:%d\n" % cls.every6 + UNSIGNED),
            ("tls", "address = 127.0.0.1:%d\ntls_cert = %s/tls.pem\ntls_key = %s/tls.key\n" % (cls.tls_port, tls, tls)),
            ("said", "address = 127.0.0.1:%d\npublic_url = https://zapis.example.org/equeue\n" % cls.said), ("pipe", "address = unix:%s\n" % cls.pipe)))

    def told(self, port, head, tls=False, to="127.0.0.1"):
        """The status, and each address in the WSDL."""
        s = socket.socket(socket.AF_UNIX) if isinstance(port, str) else socket.create_connection((to, port), timeout=e2e.PATIENT_S)
        if isinstance(port, str):
            s.connect(port)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            s = context.wrap_socket(s)
        with s:
            s.sendall(head + b"Connection: close\r\n\r\n")
            answer = b""
            while part := s.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head[9:12])
        if status != 200:
            return status, None
        ET.fromstring(body)
        return status, set(re.findall(r'ocation="([^"?]*)', body.decode()))

    def get(self, port, host, **more):
        return self.told(port, b"GET /equeue?wsdl HTTP/1.1\r\nHost: %s\r\n" % host.encode(), **more)

    def test_host_that_was_asked(self):
        for host in ("zapis.example.org", "zapis.example.org:8443", "ZAPIS.Example.org:80", "10.0.0.7:8180", "[2001:db8::7]:8180", "[::1]", "localhost", "a_b.example"):
            for port in (self.instance.plain_port, self.every4, self.every6):
                self.assertEqual(self.get(port, host), (200, {"http://%s/equeue" % host}), (host, port))
            self.assertEqual(self.get(self.tls_port, host, tls=True), (200, {"https://%s/equeue" % host}), host)
            self.assertEqual(self.get(self.pipe, host), (200, {"http://%s/equeue" % host}), host)
            self.assertEqual(self.get(self.said, host), (200, {"https://zapis.example.org/equeue"}), host)
        self.assertEqual(self.get(self.instance.plain_port, "zapis.example.org:"), (200, {"http://zapis.example.org/equeue"}))  # RFC 3986 3.2.3

    def test_absolute_target_goes_before_host(self):
        for target, url in (("http://b.example:81/equeue?wsdl", "http://b.example:81/equeue"), ("HTTPS://[::1]:9/equeue?wsdl", "http://[::1]:9/equeue")):
            self.assertEqual(self.told(self.instance.plain_port, b"GET %s HTTP/1.1\r\nHost: a\r\n" % target.encode()), (200, {url}))

    def test_what_can_only_be_listened_at(self):
        for port in (self.every4, self.every6):
            for host in ("0.0.0.0", "0.0.0.0:%d" % port, "0:1", "[::]", "[::]:%d" % port, "[0:0:0:0:0:0:0:0]:1", "[::ffff:0.0.0.0]:1", "[::0.0.0.0]"):
                self.assertEqual(self.get(port, host), (200, {"http://127.0.0.1:%d/equeue" % port}), host)
            self.assertEqual(self.told(port, b"GET /equeue?wsdl HTTP/1.0\r\n"), (200, {"http://127.0.0.1:%d/equeue" % port}))
        self.assertEqual(self.get(self.every6, "[::]", to="::1"), (200, {"http://[::1]:%d/equeue" % self.every6}))
        self.assertEqual(self.told(self.pipe, b"GET /equeue?wsdl HTTP/1.0\r\n"), (200, {"http://localhost/equeue"}))

    def test_foul_hosts_are_refused(self):
        for host in ('"/><x y="', "a&b", "a<b", "a'b", "a b", "a/b", "a?b", "a#b", "u@a", "a:x", "a:1:2", "[::1", "::1", "[]", "a,b", "%61", "", "[::1]x", "\xd0\xbe"):
            self.assertEqual(self.get(self.instance.plain_port, host), (400, None), host)
        self.assertEqual(self.told(self.instance.plain_port, b'GET http://a"/equeue?wsdl HTTP/1.1\r\nHost: a\r\n'), (400, None))


if __name__ == "__main__":
    e2e.main()
