/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The head of an answer. Never writes a body, never says which version of us is running. */
#include "http.h"

#include <stdio.h>
#include <time.h>

/* strftime() would speak the machine's language. */
void http_date_format(int64_t wall_s, char out[HTTP_DATE_SIZE])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)wall_s;
    struct tm tm = {0};
    out[0] = '\0';
    if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 8099)
        return;
    int n = snprintf(out, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7],
                     (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000,
                     (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    if (n != HTTP_DATE_SIZE - 1)
        out[0] = '\0';
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {200, "OK"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].status == status)
            return table[i].text;
    return "Unknown";
}

void http_answer_head(struct buf *out, const struct http_response *r, const char *date, bool close)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\nServer: zapisd\r\nDate: %s\r\n", r->status, http_status_text(r->status), date);
    if (r->content_type != NULL)
        buf_add_strs(out, "Content-Type: ", r->content_type, "\r\n", NULL);
    if (r->status != 204 && r->status != 304) /* RFC 9110 section 8.6 */
        buf_printf(out, "Content-Length: %zu\r\n", r->body.n);
    buf_add_strs(out, "Connection: ", close ? "close" : "keep-alive", "\r\n", NULL);
    if (r->extra_headers != NULL)
        buf_add_str(out, r->extra_headers);
    buf_add_str(out, "\r\n");
}
