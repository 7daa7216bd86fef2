/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What a complaint of PostgreSQL means to us: SQLSTATE to enum err. Only the state and the primary message are passed
 * on; DETAIL, HINT and CONTEXT quote rows and parameters, and so do the primary messages of class 22 (bad data).
 */
#include "db_private.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *prefix;
    enum err err;
} states[] = {
    {"40001", ERR_CONFLICT}, /* serialization_failure */
    {"40P01", ERR_CONFLICT}, /* deadlock_detected */
    {"55P03", ERR_LOCKED},   /* lock_not_available: lock_timeout */
    {"23505", ERR_CONFLICT}, /* unique_violation */
    {"23P01", ERR_CONFLICT}, /* exclusion_violation */
    {"57014", ERR_TIMEOUT},  /* query_canceled: statement_timeout, or an operator */
    {"08", ERR_DATABASE},    /* connection exceptions */
    {"25006", ERR_DATABASE}, /* read_only_sql_transaction: a standby */
    {"53", ERR_DATABASE},    /* out of disk, memory, connections */
    {"55", ERR_DATABASE},    {"57", ERR_DATABASE}, {"58", ERR_DATABASE}, {"28", ERR_DATABASE},
    {"3D", ERR_DATABASE},    {"XX", ERR_DATABASE}, {"", ERR_INTERNAL}, /* the rest is ours: a bad parameter, a missing
                                                                          function, a constraint nobody foresaw */
};

static enum err error_of_state(const char *state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strncmp(state, states[i].prefix, strlen(states[i].prefix)) == 0)
            return states[i].err;
    return ERR_INTERNAL;
}

/* "invalid input syntax for type date: "01.02.1960"": what stands behind the colon came from a citizen. */
static int quotable_length(const char *state, const char *message)
{
    size_t n = strcspn(message, "\n");
    if (strncmp(state, "22", 2) == 0) {
        size_t safe = strcspn(message, ":\"\n");
        const char *guillemet = strstr(message, "«");
        if (guillemet != NULL && (size_t)(guillemet - message) < safe)
            safe = (size_t)(guillemet - message);
        n = safe;
    }
    return n > 400 ? 400 : (int)n;
}

enum err db_error(struct error *e, const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (state == NULL) {
        /* made by libpq itself, such as a lost connection: there are no fields, and no data of ours in the text */
        message = PQresultErrorMessage(r);
        return error_set(e, ERR_DATABASE, "%.*s", quotable_length("", message), message);
    }
    if (message == NULL)
        message = "";
    return error_set(e, error_of_state(state), "SQLSTATE %s: %.*s", state, quotable_length(state, message), message);
}

void db_complaint(const PGconn *pg, char *out, size_t cap)
{
    const char *message = pg == NULL ? "out of memory" : PQerrorMessage(pg);
    size_t n = strcspn(message, "\n");
    snprintf(out, cap, "%.*s", n > 0 ? (int)n : 100, n > 0 ? message : "no reason given by libpq");
}

bool db_error_is_fatal(const PGresult *r)
{
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        return true;
    return state != NULL && (strncmp(state, "08", 2) == 0 || strncmp(state, "57P0", 4) == 0);
}

bool db_error_is_stale(const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    return state != NULL && strcmp(state, "25006") == 0;
}

bool db_error_is_of_a_name(const PGresult *r)
{
    /* no such statement; there is one already; "cached plan must not change result type" */
    static const char *const ours[] = {"26000", "42P05", "0A000"};
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    for (size_t i = 0; state != NULL && i < sizeof ours / sizeof *ours; i++)
        if (strcmp(state, ours[i]) == 0)
            return true;
    return false;
}
