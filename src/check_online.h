/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What `zapisd check --online` asks of others: nothing that changes anything there. */
#pragma once

#include "config.h"
#include "request.h"

/*
 * level "good" or "BAD"; about "smev3 NAME" or "push CODE"; text is Russian, for an operator.
 */
typedef void (*check_online_fn)(void *arg, bool is_good, const char *section, const char *name, const char *text);
/*
 * Of each [smev3 NAME], at each of its addresses, one signed call: an Ack (accepted=false) of a message that never was.
 * SMEV looks at the signature and at who signed before it looks for the message, so that TargetMessageIsNotFound says
 * that both are right; nothing is taken out of a queue, as GetRequest might. Of each [push CODE] by SMEV 2 a
 * connection, and not an octet. Blocks; after client_init().
 */
void check_online(struct arena *a, const struct config *conf, const struct keyring *keys, check_online_fn fn,
                  void *arg);
