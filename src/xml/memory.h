/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#pragma once

void xml_memory_init(void); /* before libxml2 is asked for anything; again does no harm */
