/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The locks of fake_server.c; see fake_locks.h. */
#include "fake_locks.h"

#include <stdlib.h>
#include <string.h>

struct lock {
    struct lock *next;
    const void *owner; /* NULL: nobody's, only waited for */
    struct lock_waiter *first, **last;
    char name[];
};

static struct lock *locks;
static const char outside;

static struct lock *lock_find(const char *name)
{
    struct lock *l = locks;
    while (l != NULL && strcmp(l->name, name) != 0)
        l = l->next;
    return l;
}

static struct lock *lock_new(const char *name, const void *owner)
{
    size_t size = strlen(name) + 1;
    struct lock *l = malloc(sizeof *l + size);
    if (l == NULL)
        abort();
    *l = (struct lock){.next = locks, .owner = owner};
    l->last = &l->first;
    memcpy(l->name, name, size);
    locks = l;
    return l;
}

static bool is_shared_name(const char *name)
{
    return strcmp(name, "table") == 0 || strcmp(name, "journal") == 0 || strncmp(name, "read ", 5) == 0;
}

bool lock_take(const char *name, bool is_shared, struct lock_waiter *w)
{
    struct lock *l = lock_find(name);
    if (l == NULL) {
        if (!is_shared)
            (void)lock_new(name, w);
        return true;
    }
    if (l->owner == w || (is_shared && l->owner != &outside))
        return true;
    w->lock = l;
    w->next = NULL;
    *l->last = w;
    l->last = &w->next;
    return false;
}

void lock_leave(struct lock_waiter *w)
{
    struct lock *l = w->lock;
    if (l == NULL)
        return;
    w->lock = NULL;
    struct lock_waiter **at = &l->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (w->next == NULL)
        l->last = at;
}

static void lock_pass_on(struct lock *l)
{
    bool is_shared = is_shared_name(l->name);
    l->owner = NULL;
    while (l->first != NULL && (l->owner == NULL || is_shared)) {
        struct lock_waiter *w = l->first;
        lock_leave(w);
        l->owner = is_shared ? NULL : w;
        w->granted(w);
    }
    if (l->owner != NULL)
        return;
    struct lock **at = &locks;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    free(l);
}

void lock_give_up_all(const void *owner)
{
    for (struct lock *l = locks, *next; l != NULL; l = next) {
        next = l->next;
        if (l->owner == owner)
            lock_pass_on(l);
    }
}

bool lock_hold_outside(const char *name)
{
    struct lock *l = lock_find(name);
    if (l == NULL)
        (void)lock_new(name, &outside);
    return l == NULL;
}

void lock_let_go_outside(const char *name)
{
    struct lock *l = lock_find(name);
    if (l != NULL && l->owner == &outside)
        lock_pass_on(l);
}

unsigned locks_held(void)
{
    unsigned n = 0;
    for (const struct lock *l = locks; l != NULL; l = l->next)
        n++;
    return n;
}
