#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L4: a lock on the journal is told while it lasts."""
import json
import threading
import time

import e2e
from e2e import E2E

class JournalWait(E2E):
    def test_L4_a_lock_on_the_journal_is_told(self):
        holder = self.instance.connect()
        holder.autocommit = False
        done = []
        asker = threading.Thread(target=lambda: done.append(self.instance.client("plain", timeout=60).get_refs_list()))
        try:
            holder.cursor().execute("lock table data.journal in access exclusive mode")
            asker.start()
            deadline = time.monotonic() + 14
            while not any("journal" in w for w in json.loads(self.instance.admin("/readyz")[1])["warnings"]):
                self.assertLess(time.monotonic(), deadline, "nothing is said while the journal is locked")
                time.sleep(0.05)
            self.assertRegex(self.instance.admin("/metrics")[1], r"(?m)^zapisd_journal_wait_seconds [1-9]")
        finally:
            holder.rollback()
            holder.close()
            asker.join()
        self.assertEqual(done[0].error_code, 0)
        self.assertIn("journal-wait", self.instance.log.read_text(errors="replace"))


if __name__ == "__main__":
    e2e.main()
