/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What can go wrong, and what is done about it: one table.
 *
 * Every fallible function returns enum err; 0 is ERR_OK and nothing else means success. The words are set once,
 * where it happened, by error_set(); callers pass the code up and add nothing; it is logged once, at the end.
 */
#pragma once

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

enum blame { BLAME_NOBODY, BLAME_CLIENT, BLAME_SERVER, BLAME_OPERATOR };

/*
 * X(name, blame, log level, HTTP status, SOAP faultcode, text for the peer)
 *
 * The text is all the peer learns; the detail goes to the log under the reference number. A row whose faultcode is
 * NULL is never a SOAP fault: ERR_INPUT and ERR_REFUSED are ordinary answers with an error of order 329, the rest
 * happen before or beside any request. The HTTP status of a fault is 500 (SOAP 1.1, 6.2), or 503 where the same message
 * may be sent again soon (docs/decisions/0107).
 */
/* clang-format off */
#define ERRORS(X) \
    X(OK,                BLAME_NOBODY,   LOG_LEVEL_DEBUG,   200, NULL,                            "") \
    X(MALFORMED,         BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Сообщение не является корректным XML") \
    X(LIMIT,             BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Сообщение превышает допустимые размеры") \
    X(DOCTYPE,           BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Объявление типа документа (DOCTYPE) не допускается") \
    X(ENCODING,          BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Допускается только кодировка UTF-8") \
    X(VERSION,           BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:VersionMismatch",          "Требуется конверт SOAP 1.1") \
    X(MUST_UNDERSTAND,   BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:MustUnderstand",           "Обязательный заголовок SOAP не поддерживается") \
    X(ENVELOPE,          BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Структура сообщения не соответствует описанию сервиса") \
    X(OPERATION,         BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Метод не поддерживается") \
    X(ACTION,            BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "SOAPAction не соответствует вызываемому методу") \
    X(SECURITY,          BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:InvalidSecurity",          "Электронная подпись сообщения отсутствует или оформлена с нарушениями") \
    X(CHECK,             BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:FailedCheck",              "Электронная подпись сообщения неверна") \
    X(ALGORITHM,         BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:UnsupportedAlgorithm",     "Алгоритм электронной подписи не поддерживается") \
    X(TOKEN,             BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:InvalidSecurityToken",     "Сертификат ключа проверки электронной подписи недействителен") \
    X(TOKEN_UNAVAILABLE, BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:SecurityTokenUnavailable", "Сертификат ключа проверки электронной подписи не найден") \
    X(SENDER,            BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:FailedAuthentication",     "Отправитель не соответствует сертификату или не зарегистрирован") \
    X(EXPIRED,           BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:MessageExpired",           "Срок действия сообщения истёк или ещё не наступил") \
    X(RECIPIENT,         BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Получатель сообщения не обслуживается этим сервисом") \
    X(REUSED,            BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Идентификатор сообщения уже использован для сообщения с другим содержанием") \
    X(TEST_MESSAGE,      BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   "Тестовые сообщения здесь не принимаются") \
    X(INPUT,             BLAME_CLIENT,   LOG_LEVEL_INFO,    200, NULL,                            "Ошибка во входных параметрах") \
    X(REFUSED,           BLAME_NOBODY,   LOG_LEVEL_INFO,    200, NULL,                            "Отказ в бронировании") \
    X(BUSY,              BLAME_SERVER,   LOG_LEVEL_WARNING, 503, "soap:Server",                   "Сервис перегружен, повторите запрос позже") \
    X(TIMEOUT,           BLAME_SERVER,   LOG_LEVEL_WARNING, 503, "soap:Server",                   "Сервис не успел обработать запрос, повторите запрос позже") \
    X(LOCKED,            BLAME_SERVER,   LOG_LEVEL_WARNING, 503, "soap:Server",                   "Сервис не успел обработать запрос, повторите запрос позже") \
    X(GONE,              BLAME_CLIENT,   LOG_LEVEL_NOTICE,  503, "soap:Client",                   "Соединение закрыто до окончания обработки, запрос не выполнен") \
    X(DATABASE,          BLAME_SERVER,   LOG_LEVEL_ERROR,   503, "soap:Server",                   "Сервис временно недоступен, повторите запрос позже") \
    X(CONFLICT,          BLAME_SERVER,   LOG_LEVEL_WARNING, 503, "soap:Server",                   "Сервис временно недоступен, повторите запрос позже") \
    X(UNCERTAIN,         BLAME_SERVER,   LOG_LEVEL_ERROR,   503, "soap:Server",                   "Пока неизвестно, выполнен ли запрос. Повторите его позже без изменений, чтобы узнать исход") \
    X(CRYPTO,            BLAME_SERVER,   LOG_LEVEL_ERROR,   500, "soap:Server",                   "Внутренняя ошибка сервиса") \
    X(INTERNAL,          BLAME_SERVER,   LOG_LEVEL_ERROR,   500, "soap:Server",                   "Внутренняя ошибка сервиса") \
    X(AGENCY,            BLAME_OPERATOR, LOG_LEVEL_ERROR,   503, "soap:Server",                   "Сервис временно недоступен, повторите запрос позже") \
    X(CONFIG,            BLAME_OPERATOR, LOG_LEVEL_ERROR,   500, NULL,                            "") \
    X(SYSTEM,            BLAME_SERVER,   LOG_LEVEL_ERROR,   500, NULL,                            "")
/* clang-format on */

enum err {
#define X(name, blame, level, http, fault, text) ERR_##name,
    ERRORS(X)
#undef X
};

struct error {
    enum err code;
    char detail[1024]; /* for the log and the operator, what matters first; never holds personal data */
};

/* Keeps the first error: a second error_set() on the same struct only returns its own code. Returns code. */
enum err error_set(struct error *e, enum err code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Whether the words begin with this file's whole name, as those do that blame a file: "FILE: why", "FILE does not
 * belong to OTHER". "/k/agency" is not meant where "/k/agency.pem" is.
 */
bool error_blames(const char *detail, const char *file);

const char *error_name(enum err code);      /* "SIGNATURE" */
const char *error_text(enum err code);      /* what the peer is told */
const char *error_faultcode(enum err code); /* "wsse:FailedCheck", or NULL */
int error_http_status(enum err code);
enum blame error_blame(enum err code);
int error_log_level(enum err code); /* enum log_level */
