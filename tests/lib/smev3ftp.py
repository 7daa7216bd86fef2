# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""SMEV's file store in small: FTP on loopback, a user and a password for each delivery of a file, closed when the message is acked.

Reading only: USER PASS TYPE PWD CWD SIZE EPSV PASV RETR NOOP SYST QUIT.
"""
import collections
import posixpath
import secrets
import socket
import string
import threading

_LETTERS = string.ascii_letters + string.digits


class Grant:
    def __init__(self, message_id, ident, name, data, password):
        self.message_id, self.ident, self.name, self.data, self.password, self.open = message_id, ident, name, data, password, True


class Server:
    """cut, wrong, slow: trouble with files to come: the part of the octets that arrives, other octets, seconds before the first.
    troubles: {name of a file: what is the matter with this one, from now on}: gone 550, locked 530 to its password, busy 421 to it, cut,
    wrong, silent (no octet until stop()), long (endless). A pair (what, n): with the next n tries of it."""

    def __init__(self):
        self.grants, self.lock, self.fetched = {}, threading.Lock(), []
        self.cut = self.wrong = None
        self.slow, self.gone, self.troubles, self.tries = 0.0, False, {}, collections.Counter()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.stopped = threading.Event()

    def start(self):
        threading.Thread(target=self._accept, name="ftp", daemon=True).start()
        return self

    def stop(self):
        self.stopped.set()
        self.socket.close()

    def grant(self, message_id, ident, name, data):
        """(user, password) for one delivery; those of deliveries before hold no more."""
        user, password = ("".join(secrets.choice(_LETTERS) for _ in range(30)) for _ in range(2))
        with self.lock:
            for old in [u for u, g in self.grants.items() if g.message_id == message_id and g.ident == ident]:
                del self.grants[old]
            self.grants[user] = Grant(message_id, ident, name, data, password)
        return user, password

    def close(self, message_id):
        with self.lock:
            for grant in self.grants.values():
                if grant.message_id == message_id:
                    grant.open = False

    def _trouble(self, grant, *kinds):
        """What is the matter with this file, if that is one of these kinds; a try of it."""
        with self.lock:
            what, left = self.troubles.get(grant.name), None
            if isinstance(what, tuple):
                what, left = what
            if what not in kinds:
                return None
            if left is not None:
                self.troubles[grant.name] = (what, left - 1)
                if left == 1:
                    del self.troubles[grant.name]
            return what

    def _accept(self):
        while not self.stopped.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        user = grant = passive = None
        where = "/"
        say = lambda text: connection.sendall(text.encode() + b"\r\n")
        try:
            with connection:
                connection.settimeout(30)
                say("220 files")
                for line in connection.makefile("r", encoding="utf-8", newline="\r\n"):
                    verb, _, rest = line.strip().partition(" ")
                    verb = verb.upper()
                    if verb == "USER":
                        user = rest
                        say("331 password")
                    elif verb == "PASS":
                        with self.lock:
                            found = self.grants.get(user)
                        grant = found if found and found.open and found.password == rest else None
                        if grant is not None:
                            with self.lock:
                                self.tries[grant.name] += 1
                        trouble = grant and self._trouble(grant, "locked", "busy")
                        say("421 too many" if trouble == "busy" else "230 in" if grant and not trouble else "530 no")
                        grant = None if trouble else grant
                    elif verb == "QUIT":
                        say("221 bye")
                        return
                    elif verb in ("NOOP", "TYPE", "OPTS"):
                        say("200 ok")
                    elif verb == "SYST":
                        say("215 UNIX Type: L8")
                    elif grant is None:
                        say("530 who are you")
                    elif verb == "PWD":
                        say('257 "%s"' % where)
                    elif verb == "CWD":
                        where = posixpath.normpath(posixpath.join(where, rest))
                        say("250 ok" if where in ("/", "/" + grant.ident) else "550 no such directory")
                    elif verb in ("EPSV", "PASV"):
                        passive = socket.create_server(("127.0.0.1", 0))
                        port = passive.getsockname()[1]
                        say("229 in (|||%d|)" % port if verb == "EPSV" else "227 in (127,0,0,1,%d,%d)" % divmod(port, 256))
                    elif verb in ("SIZE", "RETR"):
                        path = posixpath.normpath(posixpath.join(where, rest))
                        if self.gone or verb == "RETR" and self._trouble(grant, "gone") or not grant.open or path != "/%s/%s" % (grant.ident, grant.name):
                            say("550 no such file")
                        elif verb == "SIZE":
                            say("213 %d" % len(grant.data) if self.troubles.get(grant.name) != "long" else "502 not here")
                        elif passive is None:
                            say("425 no data connection")
                        else:
                            self._send(say, passive, grant)
                            passive = None
                    else:
                        say("502 not here")
        except (OSError, UnicodeDecodeError):
            pass
        finally:
            if passive is not None:
                passive.close()

    def _send(self, say, passive, grant):
        trouble = self._trouble(grant, "cut", "wrong", "silent", "long")
        data = self.wrong if self.wrong is not None else b"x" * len(grant.data) if trouble == "wrong" else grant.data
        cut = 0.5 if trouble == "cut" else self.cut
        say("150 coming")
        with passive:
            passive.settimeout(30)
            channel, _ = passive.accept()
        with channel:
            self.stopped.wait(60 if trouble == "silent" else self.slow)
            part = data if cut is None else data[:int(len(data) * cut)]
            channel.sendall(part)
            while trouble == "long":
                channel.sendall(b"x" * 65536)
        say("226 done" if cut is None else "426 broken off")
        if cut is None:
            with self.lock:
                self.fetched.append((grant.message_id, grant.ident))
