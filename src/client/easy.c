/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * How libcurl is told of a call, and what it tells. What it could do of its own (proxies and passwords of the
 * environment, redirects, decoding, another protocol, a second try) is forbidden here, in one place.
 */
#include "client_private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX_BYTES ((size_t)64 << 10)
#define KEPT_S         30L /* a connection that nobody used for so long is not used again */

/* Names that this engine or this OpenSSL lacks are passed over, as for those who call us (crypto/tls_ctx.c). */
#define CIPHERS                                                                                                        \
    "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC:GOST2012-MAGMA-MAGMAOMAC:IANA-GOST2012-GOST8912-GOST8912:"                     \
    "LEGACY-GOST2012-GOST8912-GOST8912:ECDHE+AESGCM:ECDHE+CHACHA20:AESGCM"

/* ---- what comes ---- */

/* false: the file takes no more of them. On the thread of FTP. */
static bool file_write(struct transfer *t, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t some = write(t->file, p, n);
        if (some < 0 && errno == EINTR)
            continue;
        if (some <= 0) {
            t->file_errno = some < 0 ? errno : EIO;
            return false;
        }
        p += some;
        n -= (size_t)some;
    }
    return true;
}

/* Its length, when it is told; what is told and does not come takes no memory: nobody has written into it. */
static void answer_reserve(struct transfer *t)
{
    curl_off_t told = -1;
    (void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &told);
    if (told > 0 && (uint64_t)told <= t->answer_max_bytes)
        buf_init(&t->answer, t->arena, (size_t)told);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    (void)size; /* 1 */
    if (n > t->answer_max_bytes - (t->file >= 0 ? t->file_bytes : t->answer.n)) {
        t->is_too_long = true;
        return 0;
    }
    t->file_bytes += n;
    atomic_store(&t->has_octets, true);
    if (t->file >= 0)
        return file_write(t, p, n) ? n : 0;
    if (t->answer.n == 0)
        answer_reserve(t);
    buf_add(&t->answer, p, n);
    return n;
}

/* Line by line, of interim answers too; the empty line ends a head. */
static size_t on_head(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    (void)size;
    t->head_bytes += n;
    if (t->head_bytes > HEAD_MAX_BYTES) {
        t->is_too_long = true;
        return 0;
    }
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
        t->head_is_whole = false; /* of an interim answer the head was whole, of this one it is not yet */
    else if (p[0] == '\r' || p[0] == '\n')
        t->head_is_whole = true; /* what comes now are trailers */
    return n;
}

/* ---- whether it left ---- */

bool transfer_has_left(struct transfer *t)
{
    long bytes = 0;
    if (t->is_ftp)
        return atomic_load(&t->has_begun);
    (void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &bytes);
    t->was_sent = t->was_sent || bytes > 0;
    return t->was_sent;
}

/*
 * The connection stands, the request is about to leave. libcurl comes here once more when a kept connection ended
 * under its hands: what had left by then may have arrived, and must not leave again.
 */
/* NOLINTNEXTLINE(readability-non-const-parameter): the shape is libcurl's */
static int on_connected(void *arg, char *peer, char *own, int peer_port, int own_port)
{
    struct transfer *t = arg;
    (void)peer, (void)own, (void)peer_port, (void)own_port;
    if (!t->is_ftp && atomic_load(&t->has_begun) && transfer_has_left(t)) {
        t->is_again = true;
        return CURL_PREREQFUNC_ABORT;
    }
    atomic_store(&t->has_begun, true);
    return CURL_PREREQFUNC_OK;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *t = arg;
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&t->is_abandoned) ? 1 : 0;
}

/* ---- sockets of FTP ---- */

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct transfer *t = arg;
    (void)purpose;
    curl_socket_t fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    for (size_t i = 0; fd > 0 && i < sizeof t->open / sizeof t->open[0]; i++) {
        if (t->open[i] == 0) {
            t->open[i] = fd;
            return fd;
        }
    }
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct transfer *t = arg;
    for (size_t i = 0; i < sizeof t->open / sizeof t->open[0]; i++)
        if (t->open[i] == fd)
            t->open[i] = 0;
    return close(fd);
}

/* libcurl would say QUIT, and wait for an answer for a minute or two. */
void transfer_shut(struct transfer *t)
{
    for (size_t i = 0; i < sizeof t->open / sizeof t->open[0]; i++)
        if (t->open[i] != 0)
            (void)shutdown(t->open[i], SHUT_RDWR);
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
}

/* ---- options ---- */

#define SET(option, value) is_good = is_good && curl_easy_setopt(t->easy, CURLOPT_##option, (value)) == CURLE_OK

static bool set_limits(struct transfer *t)
{
    bool is_good = true;
    SET(PROTOCOLS_STR, t->is_post ? "http,https" : "http,https,ftp");
    SET(FOLLOWLOCATION, 0L);
    SET(PROXY, "");
    SET(NOPROXY, "*");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(HTTP09_ALLOWED, 0L);
    SET(HTTP_CONTENT_DECODING, 0L);
    SET(NOSIGNAL, 1L);
    SET(MAXAGE_CONN, KEPT_S);
    SET(CONNECTTIMEOUT_MS, (long)t->connect_ms);
    SET(TIMEOUT_MS, (long)t->total_ms);
    return is_good;
}

static bool set_blob(struct transfer *t, CURLoption option, struct span octets)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)octets.p, .len = octets.n, .flags = CURL_BLOB_COPY};
    return octets.n == 0 || curl_easy_setopt(t->easy, option, &blob) == CURLE_OK;
}

/* Who is believed does not depend on the machine: without ca nobody is. */
static bool set_tls(struct transfer *t, const struct papers *papers)
{
    bool is_good = true;
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(SSL_CIPHER_LIST, CIPHERS);
    SET(SSL_ENABLE_ALPN, 0L);
    SET(CAINFO, NULL);
    SET(CAPATH, NULL);
    return is_good && set_blob(t, CURLOPT_CAINFO_BLOB, papers->ca) && set_blob(t, CURLOPT_SSLCERT_BLOB, papers->cert) &&
           set_blob(t, CURLOPT_SSLKEY_BLOB, papers->key);
}

static bool set_ears(struct transfer *t)
{
    bool is_good = true;
    SET(ERRORBUFFER, t->words);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, t);
    SET(PREREQFUNCTION, on_connected);
    SET(PREREQDATA, t);
    if (t->is_ftp) {
        SET(NOPROGRESS, 0L);
        SET(XFERINFOFUNCTION, on_progress);
        SET(XFERINFODATA, t);
        SET(OPENSOCKETFUNCTION, on_open);
        SET(OPENSOCKETDATA, t);
        SET(CLOSESOCKETFUNCTION, on_close);
        SET(CLOSESOCKETDATA, t);
        return is_good;
    }
    SET(HEADERFUNCTION, on_head);
    SET(HEADERDATA, t);
    return is_good;
}

static bool set_request(struct transfer *t)
{
    bool is_good = true;
    SET(URL, t->url);
    if (t->is_post) {
        t->headers = curl_slist_append(t->headers, "Expect:");
        SET(POST, 1L);
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n);
        SET(POSTFIELDS, t->body.n == 0 ? "" : t->body.p);
    }
    if (!t->is_ftp) {
        SET(HTTPHEADER, t->headers);
    } else if (t->user != NULL) {
        SET(USERNAME, t->user);
        SET(PASSWORD, t->password == NULL ? "" : t->password);
    }
    return is_good;
}

bool transfer_open(struct transfer *t, const struct papers *papers)
{
    t->easy = curl_easy_init();
    if (t->easy == NULL)
        return false;
    if (papers->resolve != NULL) {
        t->resolve = curl_slist_append(NULL, papers->resolve);
        if (curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolve) != CURLE_OK)
            return false;
    }
    return set_limits(t) && set_tls(t, papers) && set_ears(t) && set_request(t);
}

void transfer_end_curl(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->resolve);
    if (t->file >= 0)
        (void)close(t->file);
    t->easy = NULL;
    t->headers = t->resolve = NULL;
    t->file = -1;
}

void transfer_free(struct transfer *t)
{
    if (t == NULL)
        return;
    transfer_end_curl(t);
    arena_free(t->arena);
}

/* ---- the outcome ---- */

const char *transfer_late_words(struct transfer *t)
{
    return transfer_has_left(t) ? "no answer in time" : "no connection in time";
}

static enum err code_of(const struct transfer *t, CURLcode rc)
{
    if (t->is_too_long)
        return ERR_LIMIT;
    if (t->file_errno != 0)
        return ERR_INTERNAL;
    return rc == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_SYSTEM;
}

static const char *words_of(struct transfer *t, CURLcode rc)
{
    if (t->is_too_long)
        return "the answer is too long";
    if (t->file_errno != 0)
        return strerrordesc_np(t->file_errno);
    if (t->is_again)
        return "the peer ended a kept connection, and whether it took the request is not known";
    if (rc == CURLE_OPERATION_TIMEDOUT) /* libcurl's deadline, as long as ours, came first */
        return transfer_late_words(t);
    if (rc == CURLE_OK)
        return "the connection ended within the head of the answer";
    return t->words[0] != '\0' ? t->words : curl_easy_strerror(rc);
}

void transfer_end(struct transfer *t, CURLcode rc)
{
    long status = 0;
    char *type = NULL;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->status = t->is_ftp ? (int)status : 0;
    curl_off_t announced = -1; /* what SIZE said, or the server's words before the octets */
    if (t->is_ftp && t->is_too_long &&
        curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced) == CURLE_OK)
        t->is_announced = announced > 0 && (uint64_t)announced > t->answer_max_bytes;
    if (rc == CURLE_OK && (t->is_ftp || t->head_is_whole)) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
        t->fate = CLIENT_ANSWERED;
        t->status = (int)status;
        t->content_type = arena_strdup(t->arena, type);
        return;
    }
    t->fate = transfer_has_left(t) ? CLIENT_UNCERTAIN : CLIENT_UNSENT;
    (void)error_set(&t->error, code_of(t, rc), "%s", words_of(t, rc));
}
