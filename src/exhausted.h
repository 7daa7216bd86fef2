/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* When memory runs out the process ends with a line, wherever in it that happens. */
#pragma once

void exhausted_init(void); /* first thing in main() */
