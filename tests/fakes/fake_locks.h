/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The locks of fake_server.c: by name, waited for in the order of coming. */
#pragma once

#include <stdbool.h>

struct lock_waiter {
    struct lock_waiter *next;
    struct lock *lock; /* waits for it; NULL: for none */
    void (*granted)(struct lock_waiter *w);
};

/* Whether it has it now; else w waits and granted() tells, from inside lock_give_up(). A shared one is had by nobody.
 */
bool lock_take(const char *name, bool is_shared, struct lock_waiter *w);
void lock_leave(struct lock_waiter *w); /* waits no longer */
void lock_give_up_all(const void *owner);
bool lock_hold_outside(const char *name);
void lock_let_go_outside(const char *name);
unsigned locks_held(void);
