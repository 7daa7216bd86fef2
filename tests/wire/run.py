#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Golden messages: plays the cases of cases/*.case against one daemon with a database of its own.

    ZAPISD_BUILD=build tests/wire/run.py [--show] [CASE ...]

A case is read aloud from top to bottom; tests/wire/README.md tells its words. What is expected was written from order 329
and its resolutions. Nothing here can write an expectation: --show prints what came, a person judges it.
Beside what a case says, every answer must be valid against schemas/ and, on the signed listener, well signed.
"""
import argparse
import os
import pathlib
import re
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import outline  # noqa: E402
from instance import Instance, SOURCE  # noqa: E402
from outline import CaseError  # noqa: E402
from player import Player, Schemas  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ZAPISD_BUILD", SOURCE / "build"))
BINARY = pathlib.Path(os.environ.get("ZAPISD_BINARY", BUILD / "zapisd"))


def self_test():
    """The comparison finds what it must find: a matcher that lets all pass would make every case worthless."""
    read = lambda text: outline.read(text, "self-test")[0]
    expected = read("a\n  b: 1 {uuid1}\n  c +\n    d: {moscow}\n  e: {X}")
    good = "a\n  b: 1 6f9619ff-8b86-11d0-b42d-00c04fc964ff\n  c\n    d: 2026-01-02T03:04:05+03:00\n  e: x.z"
    bad = [good.replace("b: 1", "b: 2"), good.replace("11d0", "41d0"), good.replace("+03:00", "Z"), good.replace("x.z", "xyz"),
           good + "\n  f: 1", good.replace("\n  e: x.z", ""), good.replace("  c\n    d", "  b: 1\n  c\n    d"), good.replace("a\n", "z\n"),
           good.replace("  c\n    d: 2026-01-02T03:04:05+03:00\n", ""), good.replace("    d: 2026", "    d: 2026-01-01\n    d: 2026")]
    variables = {"X": "x.z"}
    assert outline.difference(expected, read(good), variables) is None
    assert outline.difference(expected, read(good.replace("  e", "  c\n    d: 2026-01-02T03:04:06+03:00\n  e")), variables) is None
    for text in bad:
        assert outline.difference(expected, read(text), variables), text
    assert not outline.pattern("{russian}", {}).fullmatch("element value is invalid")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--show", action="store_true", help="print every answer")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names without .case; all of them by default")
    args = parser.parse_args()
    self_test()
    if not BINARY.exists():
        print("SKIP: %s was not built" % BINARY)
        return 77
    started = time.monotonic()
    paths = sorted((HERE / "cases").glob("*.case"))
    if args.cases:
        paths = [p for p in paths if p.stem in args.cases]
    directory = BUILD / "wire"
    shutil.rmtree(directory, ignore_errors=True)
    # The goldens carry one time of creation, so that they stay what they are.
    any_age = lambda text: text.replace("[trust]\n", "[trust]\nmessage_age_max = 0s\n", 1)
    instance = Instance(directory, BINARY, log_level="debug", edit=any_age)
    player, broken = Player(instance, Schemas(BUILD / "contract"), args.show), []
    try:
        instance.up()
        ready = time.monotonic()
        for path in paths:
            before, failed = player.steps, len(player.failures)
            try:
                player.play(path)
            except CaseError as e:
                broken.append(path.stem)
                print("BROKEN %s" % e)
            print("%-8s%-28s %3d steps  %s" % ("ok" if len(player.failures) == failed and path.stem not in broken else "FAILED",
                                               path.stem, player.steps - before, player.title))
        if instance.stop_daemon() != 0:
            player.failures.append("the daemon's end")
            print(instance.log_tail())
        log = instance.log.read_text(errors="replace")
        if re.search(r"AddressSanitizer|runtime error:|LeakSanitizer", log):
            player.failures.append("a sanitizer's report in %s" % instance.log)
    finally:
        instance.down()
    print("wire: %d cases, %d steps, %d failed, %d known, %d broken; %.1f s, of them %.1f s to start; requirements %s"
          % (len(paths), player.steps, len(player.failures), player.known, len(broken), time.monotonic() - started, ready - started,
             " ".join(sorted(player.requirements))))
    return 1 if player.failures or broken or not player.steps else 0


if __name__ == "__main__":
    sys.exit(main())
