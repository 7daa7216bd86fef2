/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Virtual time: one queue of events, seeded chance, and with them both clocks, the timers and the workers of net.h and
 * the log. What happens at one instant happens in an order drawn by lot. Linked into a test program it stands in for
 * the files of src/ that define the same functions; nothing here reads the machine's clock or starts a thread.
 */
#pragma once

#include "net.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- chance ---- */
uint64_t sim_below(uint64_t bound);                  /* 0 to bound - 1; 0 for 0 */
uint64_t sim_between(uint64_t least, uint64_t most); /* both included */
bool sim_chance(unsigned per_mille);
uint64_t sim_pick(const uint64_t *values, unsigned count); /* one of them */
#define SIM_PICK(...)                                                                                                  \
    sim_pick((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* ---- time ---- */
void sim_begin(uint64_t seed);
void sim_end(void); /* forgets what has not happened */
uint64_t sim_now_us(void);

struct sim_event;
/* fn(arg) at that time, or at once when it is past; never inside this call. The event frees itself after fn. */
struct sim_event *sim_at(uint64_t at_us, loop_fn fn, void *arg);
struct sim_event *sim_after(uint64_t us, loop_fn fn, void *arg);
void sim_cancel(struct sim_event *e); /* NULL is allowed; never call it after fn has begun */
bool sim_step(void);                  /* the next event; false: there is none */
uint64_t sim_digest(void);            /* of all that has happened: the same seed gives the same */

/* ---- workers: a job begins and ends after as long as this says ---- */
extern uint64_t sim_worker_max_us;
unsigned sim_jobs(void); /* begun and not yet home */

/* ---- the log ---- */
extern bool sim_is_told; /* prints every line, and what sim_tell() is given */
void sim_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
