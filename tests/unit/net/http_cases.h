/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Raw bytes a peer may send, and what has to come back: RFC 9110, RFC 9112, and the ways in which two readers of one
 * message have been known to disagree. Used on the bare parser and over a socket.
 *
 * answers: the statuses in order, "200 200" for two good requests. An error is always the last and always closes;
 * close says whether the connection is closed after a good one.
 */
#pragma once

#include "buf.h"

#include <stdbool.h>

#define CASE_HEAD_MAX    2048
#define CASE_HEADERS_MAX 16
#define CASE_BODY_MAX    4096

struct http_case {
    const char *name;
    struct span bytes;
    const char *answers;
    bool close;
    bool incomplete; /* the parser waits for more; the answer comes when the peer half-closes */
};

#define H       "Host: a\r\n"
#define POST    "POST /p HTTP/1.1\r\n" H
#define POST2   "POST /p "
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define GOOD(name, bytes)                                                                                              \
    {                                                                                                                  \
        name, SPAN_LIT(bytes), "200", false, false                                                                     \
    }
#define GOOD2(name, bytes)                                                                                             \
    {                                                                                                                  \
        name, SPAN_LIT(bytes), "200 200", false, false                                                                 \
    }
#define LAST(name, bytes)                                                                                              \
    {                                                                                                                  \
        name, SPAN_LIT(bytes), "200", true, false                                                                      \
    }
#define BAD(name, status, bytes)                                                                                       \
    {                                                                                                                  \
        name, SPAN_LIT(bytes), status, true, false                                                                     \
    }
#define CUT(name, bytes)                                                                                               \
    {                                                                                                                  \
        name, SPAN_LIT(bytes), "400", true, true                                                                       \
    }
#define X64          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512         X64 X64 X64 X64 X64 X64 X64 X64
#define X2048        X512 X512 X512 X512
#define FOUR_HEADERS "a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n"

/* clang-format off */
static const struct http_case http_cases[] = {
    /* ---- good ones ---- */
    GOOD("get", "GET / HTTP/1.1\r\n" H "\r\n"),
    GOOD("get, query", "GET /equeue?wsdl HTTP/1.1\r\n" H "\r\n"),
    GOOD("get, escaped path", "GET /%65queue HTTP/1.1\r\n" H "\r\n"),
    GOOD("get, utf-8 escaped", "GET /%D0%BE HTTP/1.1\r\n" H "\r\n"),
    GOOD("absolute form", "GET http://a/equeue?wsdl HTTP/1.1\r\n" H "\r\n"),
    GOOD("absolute form, another host", "GET HTTPS://b.example:8180/equeue HTTP/1.1\r\n" H "\r\n"),
    GOOD("absolute form, an address", "GET http://[::1]:8180/equeue HTTP/1.1\r\n" H "\r\n"),
    GOOD("absolute form, no path", "GET http://a HTTP/1.1\r\n" H "\r\n"),
    GOOD("absolute form, a query alone", "GET http://a?wsdl HTTP/1.1\r\n" H "\r\n"),
    GOOD("head", "HEAD / HTTP/1.1\r\n" H "\r\n"),
    GOOD("post, length", POST "Content-Length: 5\r\n\r\nhello"),
    GOOD("post, length 0", POST "Content-Length: 0\r\n\r\n"),
    GOOD("post, leading zeros", POST "Content-Length: 005\r\n\r\nhello"),
    GOOD("post, no blank after the colon", POST "Content-Length:5\r\n\r\nhello"),
    GOOD("post, chunked", CHUNKED "5\r\nhello\r\n0\r\n\r\n"),
    GOOD("post, two chunks", CHUNKED "5\r\nhello\r\n06\r\n world\r\n0\r\n\r\n"),
    GOOD("post, hex chunk size", CHUNKED "A\r\n0123456789\r\n0\r\n\r\n"),
    GOOD("post, long last chunk", CHUNKED "5\r\nhello\r\n000\r\n\r\n"),
    GOOD("post, empty chunked", CHUNKED "0\r\n\r\n"),
    GOOD("chunk extension", CHUNKED "5;a=b\r\nhello\r\n0\r\n\r\n"),
    GOOD("chunk extension, a name alone", CHUNKED "5;a\r\nhello\r\n0\r\n\r\n"),
    GOOD("chunk extensions", CHUNKED "5;a=b;c;d=e\r\nhello\r\n0;f;g=h\r\n\r\n"),
    GOOD("chunk extension, quoted", CHUNKED "5;a=\"b ;=c\"\r\nhello\r\n0\r\n\r\n"),
    GOOD("chunk extension, a quote in quotes", CHUNKED "5;a=\"\\\"\\\\\";b\r\nhello\r\n0\r\n\r\n"),
    GOOD("chunk extension, a signature of 64 digits", CHUNKED "5;chunk-signature=" X64 "\r\nhello\r\n0;chunk-signature=" X64 "\r\n\r\n"),
    GOOD("chunk extensions of the most bytes", CHUNKED "5;" X2048 X512 X512 X512 X64 X64 X64 X64 X64 X64 X64 "=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nhello\r\n0\r\n\r\n"),
    GOOD("post, length with blanks around", POST "Content-Length:  5  \r\n\r\nhello"),
    GOOD("coding with blanks around", POST "Transfer-Encoding:   chunked \r\n\r\n1\r\nx\r\n0\r\n\r\n"),
    GOOD("host with blanks and a tab around", "GET / HTTP/1.1\r\nHost: \t a  \r\n\r\n"),
    GOOD("a later minor version", "GET / HTTP/1.2\r\n" H "\r\n"),
    GOOD("the last minor version", POST2 "HTTP/1.9\r\n" H "Content-Length: 1\r\n\r\nx"),
    GOOD("post, binary body", POST "Content-Length: 4\r\n\r\n\0\r\n\x7f"),
    GOOD("post, a request inside a body", POST "Content-Length: 27\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n"),
    GOOD("post, chunk data that looks like framing", CHUNKED "5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
    GOOD("header names in any case", "POST / HTTP/1.1\r\nhOST: a\r\ncONTENT-lENGTH: 1\r\n\r\nx"),
    GOOD("coding in capitals", POST "Transfer-Encoding: CHUNKED\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
    GOOD("obs-text in a value", "GET / HTTP/1.1\r\n" H "X: \xd0\xbe\r\n\r\n"),
    GOOD("tab in a value", "GET / HTTP/1.1\r\n" H "X: a\tb\r\n\r\n"),
    GOOD("empty value", "GET / HTTP/1.1\r\n" H "X:\r\n\r\n"),
    GOOD("one empty line before", "\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    GOOD("identity encoding", POST "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\nx"),
    GOOD("host with a port", "GET / HTTP/1.1\r\nHost: [::1]:8180\r\n\r\n"),
    GOOD("upgrade is ignored", "GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    GOOD("upgrade with a body is ignored", POST "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx"),
    GOOD("keep-alive said", "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\n\r\n"),
    GOOD("TE is not Transfer-Encoding", "GET / HTTP/1.1\r\n" H "TE: trailers\r\n\r\n"),
    GOOD("expect on a bodiless request", "GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n"),
    GOOD("all headers allowed", "GET / HTTP/1.1\r\n" H FOUR_HEADERS FOUR_HEADERS FOUR_HEADERS "a: 1\r\nb: 2\r\nc: 3\r\n\r\n"),
    GOOD("body of the maximum", POST "Content-Length: 4096\r\n\r\n" X2048 X2048),
    GOOD("chunks of the maximum", CHUNKED "800\r\n" X2048 "\r\n800\r\n" X2048 "\r\n0\r\n\r\n"),
    GOOD2("two gets", "GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n"),
    GOOD2("post and get", POST "Content-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\n" H "\r\n"),
    GOOD2("chunked and get", CHUNKED "5\r\nhello\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n"),
    GOOD2("post, empty line, get", POST "Content-Length: 1\r\n\r\nx\r\nGET /2 HTTP/1.1\r\n" H "\r\n"),
    LAST("connection close", "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"),
    LAST("connection close in a list", "GET / HTTP/1.1\r\n" H "Connection: foo , CLOSE\r\n\r\n"),
    LAST("connection close in a second header", "GET / HTTP/1.1\r\n" H "Connection: foo\r\nConnection: close\r\n\r\n"),
    LAST("1.0", "GET / HTTP/1.0\r\n\r\n"),
    LAST("1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    LAST("1.0 post", "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx"),
    LAST("1.0 with an expectation", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"),
    LAST("nothing is read after close", "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n"),

    /* ---- request smuggling: length ---- */
    BAD("CL and TE", "400", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    BAD("TE and CL", "400", POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    BAD("CL 0 and TE", "400", POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    BAD("two CLs", "400", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    BAD("two equal CLs", "400", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    BAD("two CLs in different case", "400", POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello"),
    BAD("CL list", "400", POST "Content-Length: 5, 5\r\n\r\nhello"),
    BAD("CL list without blank", "400", POST "Content-Length: 5,6\r\n\r\nhello"),
    BAD("CL +5", "400", POST "Content-Length: +5\r\n\r\nhello"),
    BAD("CL -5", "400", POST "Content-Length: -5\r\n\r\nhello"),
    BAD("CL -0", "400", POST "Content-Length: -0\r\n\r\n"),
    BAD("CL 0x5", "400", POST "Content-Length: 0x5\r\n\r\nhello"),
    BAD("CL 5.0", "400", POST "Content-Length: 5.0\r\n\r\nhello"),
    BAD("CL 5e0", "400", POST "Content-Length: 5e0\r\n\r\nhello"),
    BAD("CL with a tab behind", "400", POST "Content-Length: 5\t\r\n\r\nhello"),
    BAD("CL with a blank within", "400", POST "Content-Length: 5 0\r\n\r\nhello"),
    BAD("CL with a tab in front", "400", POST "Content-Length:\t5\r\n\r\nhello"),
    BAD("CL empty", "400", POST "Content-Length:\r\n\r\nhello"),
    BAD("CL only a blank", "400", POST "Content-Length: \r\n\r\nhello"),
    BAD("CL a word", "400", POST "Content-Length: five\r\n\r\nhello"),
    BAD("CL quoted", "400", POST "Content-Length: \"5\"\r\n\r\nhello"),
    BAD("CL semicolon", "400", POST "Content-Length: 5;\r\n\r\nhello"),
    BAD("CL beyond 64 bits", "400", POST "Content-Length: 18446744073709551621\r\n\r\nhello"),
    BAD("CL full-width digit", "400", POST "Content-Length: \xef\xbc\x95\r\n\r\nhello"),
    BAD("CL too large", "413", POST "Content-Length: 4097\r\n\r\n"),
    BAD("CL huge", "413", POST "Content-Length: 999999999999999999\r\n\r\n"),
    BAD("CL too large with expectation", "413", POST "Expect: 100-continue\r\nContent-Length: 4097\r\n\r\n"),
    BAD("blank before the colon of CL", "400", POST "Content-Length : 5\r\n\r\nhello"),
    BAD("tab before the colon of CL", "400", POST "Content-Length\t: 5\r\n\r\nhello"),
    BAD("body on GET", "400", "GET / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"),
    BAD("body on HEAD", "400", "HEAD / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"),
    BAD("chunked on GET", "400", "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    BAD("post without length", "411", POST "\r\n"),
    BAD("1.0 post without length", "411", "POST / HTTP/1.0\r\n\r\n"),

    /* ---- request smuggling: coding ---- */
    BAD("TE xchunked", "501", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    BAD("TE chunkedx", "501", POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"),
    BAD("TE identity", "501", POST "Transfer-Encoding: identity\r\n\r\n"),
    BAD("TE gzip, chunked", "501", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    BAD("TE chunked, identity", "501", POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    BAD("TE chunked, chunked", "501", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    BAD("TE empty", "501", POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"),
    BAD("TE with a tab", "501", POST "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n"),
    BAD("TE with a vertical tab", "400", POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n"),
    BAD("TE quoted", "501", POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    BAD("TE with a parameter", "501", POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    BAD("two TEs", "400", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    BAD("two equal TEs", "400", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    BAD("blank before the colon of TE", "400", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    BAD("folded TE", "400", POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    BAD("TE behind a bare LF", "400", POST "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    BAD("TE in 1.0", "400", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    BAD("TE with NUL", "400", POST "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n"),

    /* ---- request smuggling: chunks ---- */
    BAD("chunk extensions of one byte more", "400", CHUNKED "5;" X2048 X512 X512 X512 X64 X64 X64 X64 X64 X64 X64 "=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extensions, too many together", "400", CHUNKED "1;" X2048 "\r\nx\r\n1;" X2048 "\r\nx\r\n0\r\n\r\n"),
    BAD("chunk extension ended by LF", "400", CHUNKED "5;a\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension with LF in quotes", "400", CHUNKED "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension with CR LF in quotes", "400", CHUNKED "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension with an escaped CR", "400", CHUNKED "5;a=\"\\\r\n\"\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension, quotes not closed", "400", CHUNKED "5;a=\"b\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension, more behind quotes", "400", CHUNKED "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension without a value", "400", CHUNKED "5;a=\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension without a name", "400", CHUNKED "5;=b\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension with a blank", "400", CHUNKED "5; a\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension behind a blank", "400", CHUNKED "5 ;a\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension with NUL", "400", CHUNKED "5;a\0\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk extension with a CR alone", "400", CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    BAD("empty chunk extension", "400", CHUNKED "5;\r\nhello\r\n0\r\n\r\n"),
    BAD("blank behind a chunk size", "400", CHUNKED "5 \r\nhello\r\n0\r\n\r\n"),
    BAD("blank before a chunk size", "400", CHUNKED " 5\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk size 0x5", "400", CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk size +5", "400", CHUNKED "+5\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk size -5", "400", CHUNKED "-5\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk size empty", "400", CHUNKED "\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk size a word", "400", CHUNKED "five\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk size of nine digits", "400", CHUNKED "000000005\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk size overflow", "400", CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk size ffffffff", "413", CHUNKED "ffffffff\r\nhello"),
    BAD("chunk too large", "413", CHUNKED "1001\r\n"),
    BAD("chunks together too large", "413", CHUNKED "fff\r\n" X2048 X512 X512 X512 X64 X64 X64 X64 X64 X64 X64
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n2\r\nxx\r\n0\r\n\r\n"),
    BAD("chunk size ended by LF", "400", CHUNKED "5\nhello\r\n0\r\n\r\n"),
    BAD("chunk size ended by CR", "400", CHUNKED "5\rhello\r\n0\r\n\r\n"),
    BAD("chunk without end", "400", CHUNKED "5\r\nhello0\r\n\r\n"),
    BAD("chunk ended by LF", "400", CHUNKED "5\r\nhello\n0\r\n\r\n"),
    BAD("chunk ended by CR CR", "400", CHUNKED "5\r\nhello\r\r\n0\r\n\r\n"),
    BAD("chunk longer than said", "400", CHUNKED "4\r\nhello\r\n0\r\n\r\n"),
    BAD("chunk shorter than said", "400", CHUNKED "6\r\nhello\r\n0\r\n\r\n"),
    BAD("trailer", "400", CHUNKED "5\r\nhello\r\n0\r\nX: y\r\n\r\n"),
    BAD("trailer with CL", "400", CHUNKED "0\r\nContent-Length: 5\r\n\r\n"),
    BAD("last chunk ended by LF", "400", CHUNKED "5\r\nhello\r\n0\n\r\n"),
    BAD("end of the body without CR", "400", CHUNKED "5\r\nhello\r\n0\r\n\n"),
    BAD("end of the body CR X", "400", CHUNKED "5\r\nhello\r\n0\r\n\rX"),

    /* ---- lines ---- */
    BAD("bare LF after the request line", "400", "GET / HTTP/1.1\n" H "\r\n"),
    BAD("bare LF after a header", "400", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
    BAD("bare LF as the last line", "400", "GET / HTTP/1.1\r\n" H "\n"),
    BAD("bare CR in a value", "400", "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n"),
    BAD("CR CR LF", "400", "GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n"),
    BAD("fold by a blank", "400", "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"),
    BAD("fold by a tab", "400", "GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n"),
    BAD("fold in the first header", "400", "GET / HTTP/1.1\r\n " H "\r\n"),
    BAD("line of blanks", "400", "GET / HTTP/1.1\r\n" H " \r\n\r\n"),
    BAD("NUL in a value", "400", "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"),
    BAD("NUL in a name", "400", "GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n"),
    BAD("NUL in the target", "400", "GET /\0 HTTP/1.1\r\n" H "\r\n"),
    BAD("control character in a value", "400", "GET / HTTP/1.1\r\n" H "X: a\x01" "b\r\n\r\n"),
    BAD("form feed in a value", "400", "GET / HTTP/1.1\r\n" H "X: a\x0c" "b\r\n\r\n"),
    BAD("DEL in a value", "400", "GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n"),
    BAD("name without colon", "400", "GET / HTTP/1.1\r\n" H "Foo\r\n\r\n"),
    BAD("colon without name", "400", "GET / HTTP/1.1\r\n" H ": foo\r\n\r\n"),
    BAD("blank in a name", "400", "GET / HTTP/1.1\r\n" H "Foo Bar: x\r\n\r\n"),
    BAD("slash in a name", "400", "GET / HTTP/1.1\r\n" H "Foo/Bar: x\r\n\r\n"),
    BAD("utf-8 in a name", "400", "GET / HTTP/1.1\r\n" H "\xd0\xbe: x\r\n\r\n"),
    BAD("too many headers", "431", "GET / HTTP/1.1\r\n" H FOUR_HEADERS FOUR_HEADERS FOUR_HEADERS FOUR_HEADERS "\r\n"),
    BAD("head too large: a value", "431", "GET / HTTP/1.1\r\n" H "X: " X2048 "\r\n\r\n"),
    BAD("head too large: the target", "414", "GET /" X2048 " HTTP/1.1\r\n" H "\r\n"),
    BAD("head too large: a name", "431", "GET / HTTP/1.1\r\n" H X2048 ": x\r\n\r\n"),
    BAD("two empty lines before", "400", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    BAD("LF before", "400", "\nGET / HTTP/1.1\r\n" H "\r\n"),
    BAD("CR X before", "400", "\rXET / HTTP/1.1\r\n" H "\r\n"),
    BAD("blank before", "400", " GET / HTTP/1.1\r\n" H "\r\n"),

    /* ---- request line ---- */
    BAD("0.9", "400", "GET /\r\n"),
    BAD("2.0 preface", "505", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    BAD("version 2.0", "505", "GET / HTTP/2.0\r\n" H "\r\n"),
    BAD("version 0.9", "505", "GET / HTTP/0.9\r\n" H "\r\n"),
    BAD("version 1.10", "400", "GET / HTTP/1.10\r\n" H "\r\n"),
    BAD("version 01.1", "400", "GET / HTTP/01.1\r\n" H "\r\n"),
    BAD("version 1,1", "400", "GET / HTTP/1,1\r\n" H "\r\n"),
    BAD("version in small letters", "400", "GET / http/1.1\r\n" H "\r\n"),
    BAD("another protocol", "400", "GET / ICE/1.0\r\n" H "\r\n"),
    BAD("two blanks before the target", "400", "GET  / HTTP/1.1\r\n" H "\r\n"),
    BAD("two blanks after the target", "400", "GET /  HTTP/1.1\r\n" H "\r\n"),
    BAD("blank behind the version", "400", "GET / HTTP/1.1 \r\n" H "\r\n"),
    BAD("tab as separator", "400", "GET\t/\tHTTP/1.1\r\n" H "\r\n"),
    BAD("no target", "400", "GET HTTP/1.1\r\n" H "\r\n"),
    BAD("put", "405", "PUT / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"),
    BAD("delete", "405", "DELETE / HTTP/1.1\r\n" H "\r\n"),
    BAD("options *", "405", "OPTIONS * HTTP/1.1\r\n" H "\r\n"),
    BAD("trace", "405", "TRACE / HTTP/1.1\r\n" H "\r\n"),
    BAD("connect", "405", "CONNECT a:443 HTTP/1.1\r\n" H "\r\n"),
    BAD("unknown method", "501", "BREW / HTTP/1.1\r\n" H "\r\n"),
    BAD("method in small letters", "501", "get / HTTP/1.1\r\n" H "\r\n"),
    BAD("method with junk", "400", "GE(T / HTTP/1.1\r\n" H "\r\n"),
    BAD("absolute form without a host", "400", "GET http:/// HTTP/1.1\r\n" H "\r\n"),
    BAD("absolute form with a user", "400", "GET http://u@a/ HTTP/1.1\r\n" H "\r\n"),
    BAD("absolute form, another scheme", "400", "GET ftp://a/ HTTP/1.1\r\n" H "\r\n"),
    BAD("absolute form without Host", "400", "GET http://a/ HTTP/1.1\r\n\r\n"),
    BAD("absolute form with a fragment", "400", "GET http://a#b HTTP/1.1\r\n" H "\r\n"),
    BAD("authority form", "400", "GET a:80 HTTP/1.1\r\n" H "\r\n"),
    BAD("asterisk", "400", "GET * HTTP/1.1\r\n" H "\r\n"),
    BAD("fragment", "400", "GET /#a HTTP/1.1\r\n" H "\r\n"),
    BAD("backslash in the target", "400", "GET /a\\b HTTP/1.1\r\n" H "\r\n"),
    BAD("utf-8 in the target", "400", "GET /\xd0\xbe HTTP/1.1\r\n" H "\r\n"),
    BAD("escape cut short", "400", "GET /%4 HTTP/1.1\r\n" H "\r\n"),
    BAD("escape of one percent", "400", "GET /% HTTP/1.1\r\n" H "\r\n"),
    BAD("escape not hex", "400", "GET /%zz HTTP/1.1\r\n" H "\r\n"),
    BAD("escaped NUL", "400", "GET /%00 HTTP/1.1\r\n" H "\r\n"),
    BAD("escaped LF", "400", "GET /%0a HTTP/1.1\r\n" H "\r\n"),
    BAD("escaped slash", "400", "GET /a%2Fb HTTP/1.1\r\n" H "\r\n"),
    BAD("TLS hello on a plain port", "400", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    BAD("SSH banner", "400", "SSH-2.0-x\r\n"),

    /* ---- fields ---- */
    BAD("no host", "400", "GET / HTTP/1.1\r\n\r\n"),
    BAD("two hosts", "400", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    BAD("two equal hosts", "400", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    BAD("two hosts in 1.0", "400", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    BAD("empty host", "400", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    BAD("host with two ports", "400", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"),
    BAD("host with a port of letters", "400", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
    BAD("host of a port alone", "400", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
    BAD("host with an open bracket", "400", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    BAD("host with nothing in brackets", "400", "GET / HTTP/1.1\r\nHost: []\r\n\r\n"),
    BAD("host with words behind brackets", "400", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"),
    BAD("host with a path", "400", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    BAD("host with a user", "400", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    BAD("host list", "400", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    BAD("gzip body", "415", POST "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"),
    BAD("unknown expectation", "417", POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx"),
    BAD("expectation without length", "411", POST "Expect: 100-continue\r\n\r\n"),
    BAD("two content types", "400", POST "Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 1\r\n\r\nx"),
    BAD("two actions", "400", POST "SOAPAction: \"a\"\r\nSOAPAction: \"b\"\r\nContent-Length: 1\r\n\r\nx"),

    /* ---- the same of a HEAD, whose answer has no content whatever it says ---- */
    BAD("head without host", "400", "HEAD / HTTP/1.1\r\n\r\n"),
    BAD("head of another version", "505", "HEAD / HTTP/2.0\r\n" H "\r\n"),
    BAD("head with a body", "400", "HEAD / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx"),
    BAD("head, bad escape", "400", "HEAD /%zz HTTP/1.1\r\n" H "\r\n"),
    BAD("head, line too long", "414", "HEAD /" X2048 " HTTP/1.1\r\n" H "\r\n"),
    BAD("head, rubbish in a field", "400", "HEAD / HTTP/1.1\r\n\x01"),
    CUT("head cut in a header", "HEAD / HTTP/1.1\r\nHos"),

    /* ---- a bad one behind a good one ---- */
    BAD("get, then rubbish", "200 400", "GET /1 HTTP/1.1\r\n" H "\r\n\x01"),
    BAD("post shorter than its body", "200 501", POST "Content-Length: 3\r\n\r\nabcXYZ / HTTP/1.1\r\n" H "\r\n"),
    BAD("what is behind the last chunk", "200 501", CHUNKED "0\r\n\r\nG / HTTP/1.1\r\n" H "\r\n"),

    /* ---- cut short: the peer closes its half ---- */
    CUT("cut in the method", "GE"),
    CUT("cut in a header", "GET / HTTP/1.1\r\nHos"),
    CUT("cut before the empty line", "GET / HTTP/1.1\r\n" H),
    CUT("cut in the body", POST "Content-Length: 5\r\n\r\nhel"),
    CUT("cut before the body", POST "Content-Length: 5\r\n\r\n"),
    CUT("cut in a chunk size", CHUNKED "5"),
    CUT("cut in a chunk", CHUNKED "5\r\nhe"),
    CUT("cut before the last chunk", CHUNKED "5\r\nhello\r\n"),
    CUT("cut in the last line", CHUNKED "5\r\nhello\r\n0\r\n\r"),
};
/* clang-format on */

#define HTTP_CASE_COUNT (sizeof(http_cases) / sizeof(http_cases[0]))

static const struct http_limits http_case_limits = {
    .head_max_bytes = CASE_HEAD_MAX,
    .headers_max = CASE_HEADERS_MAX,
    .body_max_bytes = CASE_BODY_MAX,
    .head_timeout_ms = 10000,
    .body_timeout_ms = 10000,
    .body_rate_min_bytes = 500,
    .idle_timeout_ms = 10000,
    .write_timeout_ms = 10000,
    .pipeline_max = 8,
    .connections_max = 100,
};
