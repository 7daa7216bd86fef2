#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""An FTP server by pyftpdlib: ftp_server.py FOLDER. Prints its port; /late.bin ends without the server's last word, /slow.bin drips."""
import sys
import threading

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, ThrottledDTPHandler
from pyftpdlib.servers import ThreadedFTPServer


class Data(ThrottledDTPHandler):
    ac_out_buffer_size = 1000

    @property
    def write_limit(self):
        return 2000 if self.cmd_channel.file.endswith("/slow.bin") else 0


class Handler(FTPHandler):
    dtp_handler = Data
    file = ""
    auth_failed_timeout = 0.1

    def respond(self, text, *rest, **named):
        if text.startswith("226") and self.file.endswith("/late.bin"):
            threading.Event().wait(60)
        super().respond(text, *rest, **named)

    def ftp_RETR(self, file):
        self.file = file
        return super().ftp_RETR(file)


authorizer = DummyAuthorizer()
authorizer.add_user("test-user", "test:pass@word", sys.argv[1], perm="elr")
Handler.authorizer = authorizer
server = ThreadedFTPServer(("127.0.0.1", 0), Handler)
print(server.address[1], flush=True)
server.serve_forever()
