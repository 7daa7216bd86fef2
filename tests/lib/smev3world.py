# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""An instance of the daemon with SMEV 3 around it: a core with two endpoints, the portal, files; for end-to-end tests and the demo."""
import pathlib
import time

import smev2client
from smev3core import Core
from smev3ftp import Server as Files
from smev3judge import Judge
from smev3portal import Portal
from smev3server import Endpoint, Record, Server

MNEMONIC = "MNSV05"  # the portal's
AGENCIES = {"AAAA00001": ("agency-a", "Агентство в Москве"), "BBBB00002": ("agency-b", "Агентство на Камчатке")}


class Smev3:
    """queues: [(name of the section, agency, version, further lines)]; directory: of the instance. edit() goes to Instance: it starts the core when the keys are
    there, and adds the sections and `more` to the configuration. The core lives as long as this; the daemon may be started anew beside it. fetch: files are fetched, into the folder `kept`.
    mnemonics: {code: mnemonic} of agencies that have another; recorded: whether all octets are kept for a judge."""

    def __init__(self, queues=(("main", "AAAA00001", "1.2", ()),), directory=None, more="", interval="50ms", everything=False, fetch=False, mnemonics=None,
                 recorded=True):
        self.mnemonics, self.recorded = mnemonics or {}, recorded
        self.directory = directory
        self.queues, self.more, self.interval, self.everything, self.fetch = queues, more, interval, everything, fetch
        self.core = self.portal = self.server = self.files = self.instance = None

    def begin(self):
        directory = pathlib.Path(self.directory)
        self.core = Core(directory / "pki")
        self.portal = Portal(self.core, MNEMONIC)
        self.systems = {code: self.core.add_system(self.mnemonics.get(code, code), name, [who]) for code, (who, name) in AGENCIES.items()}
        self.core.add_order_329(self.portal.system)
        self.files = self.core.files = Files().start()
        self.path = directory / "smev3.record"
        self.server = Server(self.core, Record(self.path, self.everything) if self.recorded else None, ["main", Endpoint("reserve", "/smev/v1.2/reserve")]).start()
        self.portal.start()

    def edit(self, text):
        if self.core is None:
            self.begin()
        sections, files = [], []
        if self.fetch:
            self.kept = pathlib.Path(self.directory) / "files"
            self.kept.mkdir(exist_ok=True)
            files = ["attachments = fetch", "files_server = ftp://127.0.0.1:%d" % self.files.port, "files_dir = %s" % self.kept.resolve()]
        for name, agency, version, lines in self.queues:
            sections += ["[smev3 %s]" % name, "agency = " + agency, "version = " + version, "endpoint = " + self.server["main"].url,
                         "endpoint_reserve = " + self.server["reserve"].url, "smev = SMEV00001", "poll_interval = " + self.interval, *files, *lines, ""]
        return text + "\n" + "\n".join(sections) + self.more

    def settle(self, seconds=30):
        """Before the daemons end: what they were given, they acknowledge; if not, the judge says so."""
        again, deadline = self.core.clock.patience(), time.monotonic() + seconds
        while time.monotonic() < deadline and any(e.times > 0 for s in self.systems.values() for e in s.requests.entries()):
            again()
            time.sleep(0.02)

    def close(self):
        if self.portal is not None:
            self.portal.stop()
        if self.server is not None:
            self.server.stop()
            self.files.stop()

    def judge(self, **more):
        """After close()."""
        return Judge(self.path, **more)

    def agency(self, code="AAAA00001"):
        return self.systems[code]

    def call(self, method, items, agency="AAAA00001", **more):
        return self.portal.call(self.agency(agency), method, items, **more)

    def ask(self, method, items, agency="AAAA00001", seconds=60, **more):
        """The answer's values (smev2client.Reply)."""
        return self.portal.answer(self.call(method, items, agency, **more), seconds)




class QueueClient(smev2client.Client):
    """The methods of smev2client.Client, over the queue: puts a request in, waits for the answer."""

    def __init__(self, smev, recipient="AAAA00001", seconds=120, **submit):
        super().__init__("http://127.0.0.1:1/", sender=MNEMONIC, recipient=recipient)
        self.smev, self.seconds, self.submit = smev, seconds, submit

    def call(self, method, items, message_id=None, **submit):
        started = time.monotonic()
        reply = self.smev.ask(method, items, self.recipient, self.seconds, message_id=message_id, **dict(self.submit, **submit))
        reply.seconds = time.monotonic() - started
        # The core took it: it was signed by the agency that was asked, over what it says.
        reply.frame = {"Status": "REJECT" if reply.rejected else "RESULT", "Sender": {"Code": reply.message.sender.mnemonic},
                       "Recipient": {"Code": reply.message.recipient.mnemonic}}
        return reply
