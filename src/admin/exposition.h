/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Metrics every process of this kind has, in Prometheus' text format 0.0.4. */
#pragma once

#include "buf.h"
#include "db.h"
#include "net.h"

void expose_build(struct buf *out);
void expose_process(struct buf *out);
void expose_loop(struct buf *out, struct loop *l);
void expose_net_memory(struct buf *out, const struct loop *l);
void expose_refusals(struct buf *out, const struct loop *l);
void expose_pool(struct buf *out, const struct db_pool *p);
