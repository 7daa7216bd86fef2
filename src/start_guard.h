/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#pragma once

/*
 * Between these two SIGTERM and SIGINT, which the caller holds back, end the process at once and with 0: nothing is in
 * hand yet, and a file that hangs would be waited for. A signal that comes later is left for whoever listens then.
 */
void start_guard_begin(void);
void start_guard_end(void);
