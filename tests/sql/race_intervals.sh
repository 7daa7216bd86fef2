#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# B2: seeded storms of visits that overlap, touch, cross midnight or are odd, by functions and by plain SQL, on several
# connections; then the same one by one against a plain model. INTERVALS_SEED plays a storm again.
. "$(dirname "$0")/lib/race.sh"
/usr/bin/python3 -B "$(dirname "$0")/lib/intervals.py" "${INTERVALS_SEED:-$RANDOM}" || exit 1
race_check
