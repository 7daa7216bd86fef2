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
 * What becomes of a message that came by a queue, where nobody waits for a fault and "come again" has nobody to hear it
 * (docs/decisions/0324). The last three are answered with RequestRejected and that RejectionReasonCode: SMEV shows its
 * words to whoever asked. They are for mistakes of the peer's alone; a failure of ours is QUEUE_AGAIN.
 */
#define QUEUE_VERDICTS(X)                                                                                              \
    X(ANSWER)                      /* the ordinary answer of the method */                                             \
    X(AGAIN)                       /* nothing is answered: the stored message is tried again, for ever */              \
    X(PARK)                        /* nothing is answered: it waits for a person, who is told */                       \
    X(ACCESS_DENIED)               /* whoever it is may not ask this */                                                \
    X(UNKNOWN_REQUEST_DESCRIPTION) /* it is none of the requests that are served */                                    \
    X(FAILURE)                     /* it can be served to nobody, as it is */
enum queue_verdict {
#define X(name) QUEUE_##name,
    QUEUE_VERDICTS(X)
#undef X
};
extern const char *const queue_verdict_words[]; /* "ANSWER", ...; of the last three as SMEV spells them */
static inline bool queue_rejects(enum queue_verdict v)
{
    return v >= QUEUE_ACCESS_DENIED;
}

/*
 * X(name, blame, log level, HTTP status, SOAP faultcode, verdict of a queue, text for the peer, for a rejected citizen)
 *
 * The text is all the peer learns; the detail goes to the log under the reference number. A row whose faultcode is
 * NULL is never a SOAP fault: ERR_INPUT and ERR_REFUSED are ordinary answers with an error of order 329, the rest
 * happen before or beside any request. The HTTP status of a fault is 500 (SOAP 1.1, 6.2), or 503 where the same message
 * may be sent again soon (docs/decisions/0107). What a citizen reads is NULL where a queue rejects nothing for it.
 */
/* clang-format off */
#define ERRORS(X) \
    X(OK,                BLAME_NOBODY,   LOG_LEVEL_DEBUG,   200, NULL,                            ANSWER,                      "", NULL) \
    X(MALFORMED,         BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   FAILURE,                     "Сообщение не является корректным XML", "Запрос не принят ведомством: его содержание повреждено") \
    X(LIMIT,             BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   FAILURE,                     "Сообщение превышает допустимые размеры", "Запрос не принят ведомством: он слишком велик") \
    X(DOCTYPE,           BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   FAILURE,                     "Объявление типа документа (DOCTYPE) не допускается", "Запрос не принят ведомством: его содержание повреждено") \
    X(ENCODING,          BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   FAILURE,                     "Допускается только кодировка UTF-8", "Запрос не принят ведомством: его содержание повреждено") \
    X(VERSION,           BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:VersionMismatch",          FAILURE,                     "Требуется конверт SOAP 1.1", "Запрос не принят ведомством: его содержание повреждено") \
    X(MUST_UNDERSTAND,   BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:MustUnderstand",           FAILURE,                     "Обязательный заголовок SOAP не поддерживается", "Запрос не принят ведомством: его содержание повреждено") \
    X(ENVELOPE,          BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   UNKNOWN_REQUEST_DESCRIPTION, "Структура сообщения не соответствует описанию сервиса", "Запрос не принят ведомством: он составлен не так, как принимает сервис записи на приём") \
    X(OPERATION,         BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   UNKNOWN_REQUEST_DESCRIPTION, "Метод не поддерживается", "Запрос не принят ведомством: сервис записи на приём не оказывает того, о чём в нём просят") \
    X(ACTION,            BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   UNKNOWN_REQUEST_DESCRIPTION, "SOAPAction не соответствует вызываемому методу", "Запрос не принят ведомством: сервис записи на приём не оказывает того, о чём в нём просят") \
    X(SECURITY,          BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:InvalidSecurity",          ACCESS_DENIED,               "Электронная подпись сообщения отсутствует или оформлена с нарушениями", "Запрос не принят ведомством: электронная подпись отправителя не подтверждена") \
    X(CHECK,             BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:FailedCheck",              ACCESS_DENIED,               "Электронная подпись сообщения неверна", "Запрос не принят ведомством: электронная подпись отправителя не подтверждена") \
    X(ALGORITHM,         BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:UnsupportedAlgorithm",     ACCESS_DENIED,               "Алгоритм электронной подписи не поддерживается", "Запрос не принят ведомством: электронная подпись отправителя не подтверждена") \
    X(TOKEN,             BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:InvalidSecurityToken",     ACCESS_DENIED,               "Сертификат ключа проверки электронной подписи недействителен", "Запрос не принят ведомством: электронная подпись отправителя не подтверждена") \
    X(TOKEN_UNAVAILABLE, BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:SecurityTokenUnavailable", ACCESS_DENIED,               "Сертификат ключа проверки электронной подписи не найден", "Запрос не принят ведомством: электронная подпись отправителя не подтверждена") \
    X(SENDER,            BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:FailedAuthentication",     ACCESS_DENIED,               "Отправитель не соответствует сертификату или не зарегистрирован", "Запрос не принят ведомством: отправителю не разрешено обращаться к сервису записи на приём") \
    X(EXPIRED,           BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "wsse:MessageExpired",           FAILURE,                     "Срок действия сообщения истёк или ещё не наступил", "Запрос не принят ведомством: он поступил слишком поздно. Повторите его") \
    X(RECIPIENT,         BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   ACCESS_DENIED,               "Получатель сообщения не обслуживается этим сервисом", "Запрос не принят ведомством: он предназначен другому ведомству") \
    X(REUSED,            BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   PARK,                        "Идентификатор сообщения уже использован для сообщения с другим содержанием", NULL) \
    X(TEST_MESSAGE,      BLAME_CLIENT,   LOG_LEVEL_NOTICE,  500, "soap:Client",                   ACCESS_DENIED,               "Тестовые сообщения здесь не принимаются", "Запрос не принят ведомством: пробные запросы здесь не принимаются") \
    X(INPUT,             BLAME_CLIENT,   LOG_LEVEL_INFO,    200, NULL,                            ANSWER,                      "Ошибка во входных параметрах", NULL) \
    X(REFUSED,           BLAME_NOBODY,   LOG_LEVEL_INFO,    200, NULL,                            ANSWER,                      "Отказ в бронировании", NULL) \
    X(BUSY,              BLAME_SERVER,   LOG_LEVEL_WARNING, 503, "soap:Server",                   AGAIN,                       "Сервис перегружен, повторите запрос позже", NULL) \
    X(TIMEOUT,           BLAME_SERVER,   LOG_LEVEL_WARNING, 503, "soap:Server",                   AGAIN,                       "Сервис не успел обработать запрос, повторите запрос позже", NULL) \
    X(LOCKED,            BLAME_SERVER,   LOG_LEVEL_WARNING, 503, "soap:Server",                   AGAIN,                       "Сервис не успел обработать запрос, повторите запрос позже", NULL) \
    X(GONE,              BLAME_CLIENT,   LOG_LEVEL_NOTICE,  503, "soap:Client",                   AGAIN,                       "Соединение закрыто до окончания обработки, запрос не выполнен", NULL) \
    X(DATABASE,          BLAME_SERVER,   LOG_LEVEL_ERROR,   503, "soap:Server",                   AGAIN,                       "Сервис временно недоступен, повторите запрос позже", NULL) \
    X(CONFLICT,          BLAME_SERVER,   LOG_LEVEL_WARNING, 503, "soap:Server",                   AGAIN,                       "Сервис временно недоступен, повторите запрос позже", NULL) \
    X(UNCERTAIN,         BLAME_SERVER,   LOG_LEVEL_ERROR,   503, "soap:Server",                   AGAIN,                       "Пока неизвестно, выполнен ли запрос. Повторите его позже без изменений, чтобы узнать исход", NULL) \
    X(CRYPTO,            BLAME_SERVER,   LOG_LEVEL_ERROR,   500, "soap:Server",                   AGAIN,                       "Внутренняя ошибка сервиса", NULL) \
    X(INTERNAL,          BLAME_SERVER,   LOG_LEVEL_ERROR,   500, "soap:Server",                   AGAIN,                       "Внутренняя ошибка сервиса", NULL) \
    X(AGENCY,            BLAME_OPERATOR, LOG_LEVEL_ERROR,   503, "soap:Server",                   AGAIN,                       "Сервис временно недоступен, повторите запрос позже", NULL) \
    X(CONFIG,            BLAME_OPERATOR, LOG_LEVEL_ERROR,   500, NULL,                            AGAIN,                       "", NULL) \
    X(SYSTEM,            BLAME_SERVER,   LOG_LEVEL_ERROR,   500, NULL,                            AGAIN,                       "", NULL)
/* clang-format on */

enum err {
#define X(name, blame, level, http, fault, queue, text, rejected) ERR_##name,
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
enum queue_verdict error_queue(enum err code);
const char *error_rejection(enum err code); /* what is said to a citizen where a queue rejects; NULL: it does not */
enum blame error_blame(enum err code);
int error_log_level(enum err code); /* enum log_level */
