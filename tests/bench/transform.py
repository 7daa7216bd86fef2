# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What the transform of SMEV 3 costs: MB/s of CPU at 64 KiB and at 5 MiB, beside exclusive C14N of the same document and SHA-256 of the same
octets in the same process (transform_rate.c). Needs no instance."""
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
FORMS = ("tags", "list", "attributes", "namespaces", "words")
LEAST = 100  # MB/s, of the densest tags at 64 KiB


class Transform:
    @staticmethod
    def run(rounds):
        out, rows = {}, {}
        for line in subprocess.run([str(SOURCE / "build/transform_rate"), str(rounds)], check=True, capture_output=True, text=True).stdout.splitlines():
            name, size, *rates = line.split()
            rows.setdefault(name, []).append((int(size), *map(float, rates)))
        for name in FORMS:
            (_, small, c14n, sha), (_, large, _, _) = sorted(rows[name])
            out["transform_" + name] = {"small_mbps": small, "large_mbps": large, "linear": large / small, "of_c14n": small / c14n, "of_sha256": small / sha}
        return out

    @staticmethod
    def tell(out):
        print("%-32s %10s %10s %8s %8s %8s" % ("SMEV 3 transform, MB/s of CPU", "64 KiB", "5 MiB", "ratio", "of c14n", "of sha"))
        for name in FORMS:
            row = out["transform_" + name]
            slow = "   under %d" % LEAST if row["small_mbps"] < LEAST else ""
            print("%-32s %10.0f %10.0f %8.2f %8.2f %8.2f%s" % (name, row["small_mbps"], row["large_mbps"], row["linear"], row["of_c14n"],
                                                              row["of_sha256"], slow))
