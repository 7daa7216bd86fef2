/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The one table of options: it feeds the parser, the defaults, config_options(), and the tests that compare it with
 * conf/zapisd.conf and zapisd.conf(5). To add an option: a member in config.h, a row here, the two papers.
 *
 * X(section, key, kind, struct, member, default, least, most, words, reload, required, help)
 *
 * default: text as it would stand in the file, or NULL. least and most: of numbers; durations in ms, sizes in bytes.
 * words: what may be written, separated by '|'.
 */
#pragma once

#include "config.h"

enum option_kind {
    OPTION_COUNT,     /* unsigned */
    OPTION_DURATION,  /* uint64_t, milliseconds */
    OPTION_SIZE,      /* uint64_t, bytes */
    OPTION_YES_NO,    /* bool */
    OPTION_TEXT,      /* const char * */
    OPTION_FILE,      /* const char * */
    OPTION_FILES,     /* of a sender: repeated lines add up */
    OPTION_DIRECTORY, /* const char * */
    OPTION_ADDRESS,   /* const char * */
    OPTION_PATH,      /* const char *, of a URL */
    OPTION_URL,       /* const char *: told to others */
    OPTION_ENDPOINT,  /* const char *: a URL that is called */
    OPTION_FTP,       /* const char *: a server of FTP */
    OPTION_CODE,      /* const char * */
    OPTION_WORD,      /* const char *, one of words */
    OPTION_ENUM,      /* an enum that counts as the words do */
    OPTION_WORDS,     /* an array of bool, one of each word; the value names those that are true */
    OPTION_CONSENT,   /* bool: true when the one word is there */
};

#define SECOND                                1000U
#define MINUTE                                (60U * SECOND)
#define KIB                                   1024U
#define MIB                                   (1024U * KIB)
#define YES                                   true
#define NO                                    false
#define LENIENT_ALL                           "namespaces, order, names, unknown, arrays, values, user_kind, user_type, status, date"
#define LENIENT_WORD(name)                    "|" #name
#define LENIENT_WORDS                         (&(LENIENCIES(LENIENT_WORD))[1])
#define LEVELS                                "error|warning|notice|info|debug"
#define KIND_WORD(kind, word, is_signed, row) "|" word
#define KIND_WORDS                            (&(LISTENER_KINDS(KIND_WORD))[1])

/* clang-format off */
/* The same keys for a [sender CODE] and for a plain [listener NAME]: who calls there has no code. */
#define READING_OPTIONS(X, section, struct_, reload) \
X(section, "reading", OPTION_ENUM, struct_, reading.mode, "strict", 0, 0, "strict|lenient", reload, NO, \
  "strict: messages must be as the schema says. lenient: departures that lenient names are put right.") \
X(section, "lenient", OPTION_WORDS, struct_, reading.lenient, LENIENT_ALL, 0, 0, LENIENT_WORDS, reload, NO, \
  "What a lenient reading puts right, names with commas between them; a departure that is not named is told as a wrong field. " \
  "namespaces: fields in the namespace of the types, or in none; answers come in the same one. order: fields in any order. " \
  "names: names of methods, fields and reference books in any case. unknown: unknown fields and attributes are left out, " \
  "fields marked xsi:nil and an empty userDoc too. arrays: lists wrapped that should be repeated, and repeated that " \
  "should be wrapped. values: words of a fixed list, true and false in any case. user_kind: userKind may be missing; it " \
  "is BUSINESS when businessINN is there, else PHYSIC. user_type: the userTypes ANONYMOUS and BASIC may look at slots, as " \
  "SIMPLE does. status: plain text in place of the structure. date: the time of creation in the SMEV frame may be " \
  "without a zone.") \
X(section, "doc_types", OPTION_TEXT, struct_, reading.doc_types, NULL, 0, 0, NULL, reload, NO, \
  "Values of docType, separated by commas, that are accepted beside PASSPORT and MIL TICKET in either reading.") \
X(section, "omit_error_on_success", OPTION_YES_NO, struct_, reading.omit_error_on_success, "no", 0, 0, NULL, reload, NO, \
  "Leave error out of answers that tell of success. Without it: error with code 0.") \
X(section, "status_as_text", OPTION_YES_NO, struct_, reading.status_as_text, "no", 0, 0, NULL, reload, NO, \
  "Give status in the answers of getBookingStatus and cancelBooking as the code alone, not as a structure.") \
X(section, "single_timeslot", OPTION_YES_NO, struct_, reading.single_timeslot, "no", 0, 0, NULL, reload, NO, \
  "Give one timeSlot for a visit of several intervals: the first, with the duration of the whole.")

#define CONFIG_OPTIONS(X) \
X("daemon", "workers", OPTION_COUNT, config, workers, "0", 0, 256, NULL, NO, NO, \
  "Threads that parse, verify and sign. 0 means one for each processor.") \
X("daemon", "requests_max", OPTION_COUNT, config, requests_max, "1000", 1, 100000, NULL, NO, NO, \
  "Requests in work at once. What comes beyond is answered with 503 and a line of text, unsigned, at once. Messages of " \
  "queues have a quarter of this number beside it.") \
X("daemon", "request_timeout", OPTION_DURATION, config, request_timeout_ms, "15s", 100, 10 * MINUTE, NULL, NO, NO, \
  "From the last byte of a request to its answer. What would take longer is given up before and answered with 503; " \
  "nothing of it is done, or the answer says that it is not known.") \
X("daemon", "drain_timeout", OPTION_DURATION, config, drain_timeout_ms, "30s", 0, 60 * MINUTE, NULL, NO, NO, \
  "How long a stop waits for the requests in work.") \
X("daemon", "schema_dir", OPTION_DIRECTORY, config, schema_dir, "/usr/share/zapisd/schemas", 0, 0, NULL, NO, NO, \
  "The XML schemas that messages are checked against.") \
X("daemon", "wsdl_dir", OPTION_DIRECTORY, config, wsdl_dir, "/usr/share/zapisd/wsdl", 0, 0, NULL, NO, NO, \
  "The contract that is served for ?wsdl: WSDL files and their schemas.") \
X("daemon", "sql_dir", OPTION_DIRECTORY, config, sql_dir, "/usr/share/zapisd/sql", 0, 0, NULL, NO, NO, \
  "The migrations and functions that the migrate command brings into the database.") \
X("log", "level", OPTION_WORD, config, log_level, "info", 0, 0, LEVELS, YES, NO, \
  "The least important lines still written: error, warning, notice, info or debug.") \
X("database", "conninfo", OPTION_TEXT, config, conninfo, NULL, 0, 0, NULL, NO, YES, \
  "A libpq connection string; several hosts may be named. Keep a password out of it: use peer authentication " \
  "or a passfile.") \
X("database", "connections", OPTION_COUNT, config, db_connections, "8", 1, 1000, NULL, NO, NO, \
  "Connections kept open to PostgreSQL. On a slow disk more of them give more bookings a second.") \
X("database", "batch_max", OPTION_COUNT, config, db_batch_max, "4", 1, 64, NULL, NO, NO, \
  "Waiting writes that may share one transaction under load. 1 gives each its own.") \
X("database", "acquire_timeout", OPTION_DURATION, config, db_acquire_timeout_ms, "5s", 10, 10 * MINUTE, NULL, NO, NO, \
  "How long a request waits for a free connection. One that waits for a lock somebody holds waits as long as " \
  "request_timeout lets it.") \
X("database", "statement_timeout", OPTION_DURATION, config, db_statement_timeout_ms, "10s", \
  100, 10 * MINUTE, NULL, NO, NO, \
  "How long one statement may run before PostgreSQL breaks it off; at most what request_timeout has left.") \
X("limits", "body_max", OPTION_SIZE, config, body_max_bytes, "1MiB", 64 * KIB, 64 * MIB, NULL, NO, NO, \
  "Size of a request body. A larger one is refused with 413 before it is read.") \
X("limits", "head_timeout", OPTION_DURATION, config, head_timeout_ms, "10s", 100, 10 * MINUTE, NULL, NO, NO, \
  "From the first byte of a request to the end of its headers. A TLS handshake has as long, from the connection on.") \
X("limits", "body_timeout", OPTION_DURATION, config, body_timeout_ms, "30s", 100, 10 * MINUTE, NULL, NO, NO, \
  "From the end of the headers to the end of the body.") \
X("limits", "idle_timeout", OPTION_DURATION, config, idle_timeout_ms, "75s", 100, 60 * MINUTE, NULL, NO, NO, \
  "How long a connection is kept open without a request.") \
X("limits", "write_timeout", OPTION_DURATION, config, write_timeout_ms, "30s", 100, 10 * MINUTE, NULL, NO, NO, \
  "How long the peer may take to accept an answer.") \
X("limits", "buffers_max", OPTION_SIZE, config, buffers_max_bytes, "128MiB", 8 * MIB, 16384ULL * MIB, NULL, NO, NO, \
  "Memory for all connections together: unfinished requests, requests in work, answers not yet taken. At least " \
  "twice body_max. Beyond it those who hold most are turned away with 503 or cut off.") \
X("limits", "connections_max", OPTION_COUNT, config, connections_max, "10000", 1, 1000000, NULL, NO, NO, \
  "Open connections of one listener. Beyond it the address that has most makes way, by its oldest connection without " \
  "a request in work, for one that has fewer; else what comes is answered with 503 and closed.") \
X("limits", "pipeline_max", OPTION_COUNT, config, pipeline_max, "8", 1, 1000, NULL, NO, NO, \
  "Requests of one connection in work at once. A POST is carried out alone: what comes behind it on the same " \
  "connection waits until its answer is made.") \
X("limits", "slots_max", OPTION_COUNT, config, slots_max, "20000", 1, 1000000, NULL, NO, NO, \
  "Free intervals in one answer of getSlots; the earliest are given.") \
X("limits", "ref_items_max", OPTION_COUNT, config, ref_items_max, "10000", 100, 1000000, NULL, NO, NO, \
  "Items of a reference book in one answer. A longer list is not cut off: the caller is told to ask by page.") \
X("limits", "answers_max", OPTION_SIZE, config, answers_max_bytes, "64MiB", MIB, 16384ULL * MIB, NULL, NO, NO, \
  "Memory of all reads in work together, with their answers until these are in the journal. Further reads wait.") \
X("limits", "refused_peer", OPTION_SIZE, config, refused_peer_bytes, "4MiB", 0, 1024 * MIB, NULL, NO, NO, \
  "What is kept an hour of one peer's messages that were not understood or not verified. Beyond that they are counted.") \
X("limits", "refused_total", OPTION_SIZE, config, refused_total_bytes, "64MiB", 0, 1024 * MIB, NULL, NO, NO, \
  "The same of all peers together.") \
X("limits", "repeats", OPTION_SIZE, config, repeats_bytes, "256MiB", 0, 16384ULL * MIB, NULL, NO, NO, \
  "What one signed message may add to the journal an hour by being sent again. Beyond that its repeats go to the journal " \
  "apart, and where it reads it is answered with 503.") \
X("limits", "filter_depth_max", OPTION_COUNT, config, filter_depth_max, "8", 1, 16, NULL, NO, NO, \
  "Unions inside each other in a filter. A deeper one is refused with error 2.") \
X("limits", "filter_nodes_max", OPTION_COUNT, config, filter_nodes_max, "200", 1, 1000, NULL, NO, NO, \
  "Conditions and unions in a filter. A larger one is refused with error 2.") \
X("trust", "anchors", OPTION_FILE, config, anchors, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the root certificates that senders are traced back to. Needed as soon as there is a smev2 listener.") \
X("trust", "chain", OPTION_FILE, config, chain, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with intermediate certificates. They help to build a chain and are not trusted by themselves.") \
X("trust", "crl", OPTION_FILE, config, crl, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the revocation lists of all issuers, or a folder of such files with names in .crl or .pem. A revoked " \
  "certificate is refused whatever crl_required says.") \
X("trust", "crl_required", OPTION_YES_NO, config, crl_required, "yes", 0, 0, NULL, YES, NO, \
  "Refuse a certificate whose issuer has no revocation list here, or one that is past its time.") \
X("trust", "allow_gost2001", OPTION_YES_NO, config, allow_gost2001, "no", 0, 0, NULL, NO, NO, \
  "Accept signatures by GOST R 34.10-2001 as well. They are never made.") \
X("trust", "message_age_max", OPTION_DURATION, config, message_age_max_ms, "24h", 0, 40U * 24 * 60 * MINUTE, NULL, NO, NO, \
  "How far the time of creation of a signed message may be from now, either way; a message beyond it is refused. " \
  "Wrong time zones of senders want some hours. 0s: any age.") \
X("admin", "address", OPTION_ADDRESS, config, admin_address, "127.0.0.1:8182", 0, 0, NULL, NO, NO, \
  "Where health, readiness and metrics are served, without any authentication: keep it local.") \
X("listener", "kind", OPTION_ENUM, config_listener, kind, NULL, 0, 0, KIND_WORDS, NO, YES, \
  "smev2: signed messages in the frame of SMEV 2. plain: bare SOAP without any signature.") \
X("listener", "address", OPTION_ADDRESS, config_listener, address, NULL, 0, 0, NULL, NO, YES, \
  "Numeric address and port, unix:/path, or fd:N for a socket handed over by the service manager.") \
X("listener", "path", OPTION_PATH, config_listener, path, "/equeue", 0, 0, NULL, NO, NO, \
  "The path of the service in its URL.") \
X("listener", "public_url", OPTION_URL, config_listener, public_url, NULL, 0, 0, NULL, NO, NO, \
  "The address written into the WSDL: scheme, host, port and path of what clients can ask. Without it: the one by which it was asked (Host, TLS) and path; "\
  "behind a proxy that changes either, say it here.") \
X("listener", "agency", OPTION_CODE, config_listener, agency, NULL, 0, 0, NULL, NO, NO, \
  "Serve the organizations of this agency only.") \
X("listener", "channel", OPTION_WORD, config_listener, channel, NULL, 0, 0, "portal|kiosk|call-centre|walk-in", NO, NO, \
  "Who books here; shares of places are set per channel in the database. Without it: portal for smev2, kiosk for plain.") \
X("listener", "refuse_test_messages", OPTION_YES_NO, config_listener, refuse_test_messages, "no", 0, 0, NULL, NO, NO, \
  "Refuse messages that say by TestMsg that they are a test. Without it: answered as usual, and nothing is booked.") \
X("listener", "update_booking_details", OPTION_YES_NO, config_listener, update_booking_details, "no", 0, 0, NULL, NO, NO, \
  "Serve updateBookingDetails, which by the order is the portal's own method, and list it in the WSDL. Without it: a fault, no " \
  "such method.") \
X("listener", "plain_on_public_address", OPTION_CONSENT, config_listener, allow_remote_plain, NULL, \
  0, 0, "i-know-it-is-unsigned", NO, NO, \
  "Must say i-know-it-is-unsigned before a plain listener may be reached from other machines.") \
X("listener", "require_recipient_signature", OPTION_YES_NO, config_listener, require_recipient, "no", \
  0, 0, NULL, NO, NO, \
  "Beside the sender's own signature require one by SMEV (actor recipient).") \
X("listener", "tls_cert", OPTION_FILE, config_listener, tls_cert, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the server certificate, then its chain. With it the listener speaks TLS only.") \
X("listener", "tls_key", OPTION_FILE, config_listener, tls_key, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the private key of tls_cert.") \
X("listener", "tls_client_ca", OPTION_FILE, config_listener, tls_client_ca, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the authorities of client certificates, roots and those below them. With it a certificate is asked for.") \
X("listener", "tls_client_crl", OPTION_FILE, config_listener, tls_client_crl, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the revocation lists of all these authorities, or a folder of such files with names in .crl or .pem. " \
  "With it a client is refused whose certificate is revoked, or whose authority has no list here that is in date. " \
  "Without it: revocation is not asked about.") \
X("listener", "tls_client_required", OPTION_YES_NO, config_listener, tls_client_required, "no", 0, 0, NULL, YES, NO, \
  "Refuse clients without a certificate.") \
X("listener", "tls_ciphers", OPTION_TEXT, config_listener, tls_ciphers, NULL, 0, 0, NULL, YES, NO, \
  "OpenSSL cipher list for TLS 1.2. Without it: the GOST suites of the engine and modern AEAD suites.") \
READING_OPTIONS(X, "listener", config_listener, NO) \
X("agency", "name", OPTION_TEXT, config_agency, name, NULL, 0, 0, NULL, YES, NO, \
  "The name put into answers beside the code. Without it: the code.") \
X("agency", "key", OPTION_FILE, config_agency, key, NULL, 0, 0, NULL, YES, YES, \
  "PEM file with the private key (GOST R 34.10-2012) that signs answers in the name of this agency.") \
X("agency", "cert", OPTION_FILE, config_agency, cert, NULL, 0, 0, NULL, YES, YES, \
  "PEM file with the certificate of that key.") \
X("sender", "name", OPTION_TEXT, config_sender, name, NULL, 0, 0, NULL, YES, NO, \
  "The name of the sender, for people. Without it: the code.") \
X("sender", "cert", OPTION_FILES, config_sender, certs, NULL, 0, 0, NULL, YES, YES, \
  "PEM file with a certificate of the sender. Repeat the line to accept the old and the new one side by side.") \
X("sender", "smev", OPTION_YES_NO, config_sender, is_smev, "no", 0, 0, NULL, YES, NO, \
  "This sender is SMEV itself, which countersigns (actor recipient).") \
X("sender", "test_message", OPTION_ENUM, config_sender, test_message, "text", 0, 0, "text|present", YES, NO, \
  "What makes a message of this sender a test. text: TestMsg with any text but false and 0. present: TestMsg, even an empty one.") \
READING_OPTIONS(X, "sender", config_sender, YES) \
X("push", "road", OPTION_ENUM, config_push, road, "smev2", 0, 0, "smev2|smev3", YES, NO, \
  "The way to the portal. smev2: a signed call of updateBookingDetails to url, whose answer comes with it. smev3: a " \
  "message through the queue, whose answer SMEV brings later; of the keys below it needs queue alone, and uses timeout, " \
  "in_flight and answer_deadline. Keys of the other way may stay. What has left by one way is not told by the other.") \
X("push", "queue", OPTION_TEXT, config_push, queue, NULL, 0, 0, NULL, YES, NO, \
  "With road = smev3: NAME of the [smev3] of this agency whose endpoints, version, certificates and NodeID are used, " \
  "and whose answers are asked for as often as it says. Its answers should be for this program alone: SMEV gives them " \
  "by the owner of the certificate, and by node_id where there is one, whatever namespace and roots say. One to " \
  "nothing of ours is not acknowledged, and comes late to whose it is. Whatever else receives answers for the agency " \
  "needs a NodeID of its own.") \
X("push", "url", OPTION_ENDPOINT, config_push, url, NULL, 0, 0, NULL, YES, NO, \
  "The address that is called, whole, as the passport of the service has it: http:// or https://, host, port, path. No " \
  "redirect is followed. Needed with road = smev2.") \
X("push", "portal", OPTION_CODE, config_push, portal, NULL, 0, 0, NULL, YES, NO, \
  "Whom it is for: CODE of a [sender]. It is the Recipient, and one of its certificates must have signed the answer. Needed " \
  "with road = smev2.") \
X("push", "revision", OPTION_ENUM, config_push, revision, "rev120315", 0, 0, "rev120315|rev111111", YES, NO, \
  "The revision of smev:Message.") \
X("push", "service_name", OPTION_TEXT, config_push, service_name, NULL, 0, 0, NULL, YES, NO, \
  "ServiceName: the mnemonic of the portal's service. Needed with rev120315 and road = smev2; rev111111 has no such field.") \
X("push", "type_code", OPTION_WORD, config_push, type_code, "GSRV", 0, 0, "GSRV|GFNC|OTHR", YES, NO, \
  "TypeCode: GSRV a state service, GFNC a state function, OTHR other (rev120315 only).") \
X("push", "exchange_type", OPTION_TEXT, config_push, exchange_type, NULL, 0, 0, NULL, YES, NO, \
  "ExchangeType: the category of the exchange, as the passport of the service has it. Needed with road = smev2.") \
X("push", "service_code", OPTION_TEXT, config_push, service_code, NULL, 0, 0, NULL, YES, NO, \
  "ServiceCode: the code of the state service in its register. Without it: the field is left out.") \
X("push", "oktmo", OPTION_CODE, config_push, oktmo, NULL, 0, 0, NULL, YES, NO, \
  "OKTMO: the territory. Without it: the field is left out.") \
X("push", "timeout", OPTION_DURATION, config_push, timeout_ms, "30s", 100, 10 * MINUTE, NULL, YES, NO, \
  "How long one call may take from its beginning to the end of the answer. What is broken off is sent again, the same octets.") \
X("push", "in_flight", OPTION_COUNT, config_push, in_flight, "8", 1, 64, NULL, YES, NO, \
  "Calls for this agency at once; of more than 16 the rest wait. Changes of one booking go one by one whatever this says.") \
X("push", "answer_deadline", OPTION_DURATION, config_push, answer_deadline_ms, "24h", SECOND, 720 * 60 * MINUTE, NULL, YES, NO, \
  "How long the portal may put off the answer to what it has received (Status ACCEPT, PROCESS), and to what SMEV 3 has " \
  "queued. After it the change is " \
  "held and told; changes of that booking wait behind it. A portal that does not answer is tried again without end. " \
  "More than timeout.") \
X("push", "ca", OPTION_FILE, config_push, ca, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the authorities of the portal's TLS certificate. Needed with https; nobody else is believed there.") \
X("smev3", "agency", OPTION_CODE, config_smev3, agency, NULL, 0, 0, NULL, YES, YES, \
  "Whose queue it is: CODE of an [agency], in whose name questions, acknowledgements and answers are signed.") \
X("smev3", "mnemonic", OPTION_TEXT, config_smev3, mnemonic, NULL, 0, 0, NULL, YES, NO, \
  "The mnemonic by which SMEV knows the agency; a request that names another recipient is put aside for a person. " \
  "Without it: the code of the agency.") \
X("smev3", "version", OPTION_ENUM, config_smev3, schema, "1.2", 0, 0, "1.1|1.2|1.3", YES, NO, \
  "1.1, 1.2 or 1.3: the version of the message exchange schemas that is spoken at this endpoint.") \
X("smev3", "endpoint", OPTION_ENDPOINT, config_smev3, endpoint, NULL, 0, 0, NULL, YES, YES, \
  "The address of SMEV's service for this version, whole, as SMEV's operator gives it. No redirect is followed.") \
X("smev3", "endpoint_reserve", OPTION_ENDPOINT, config_smev3, endpoint_reserve, NULL, 0, 0, NULL, YES, NO, \
  "The address of the reserve node. Without it: there is one only.") \
X("smev3", "switch_after", OPTION_DURATION, config_smev3, switch_after_ms, "100s", SECOND, 60 * MINUTE, NULL, YES, NO, \
  "How long the address in use may fail before the other one is asked.") \
X("smev3", "smev", OPTION_CODE, config_smev3, smev, NULL, 0, 0, NULL, YES, YES, \
  "CODE of a [sender] with smev = yes: one of its certificates must have signed what the queue gives.") \
X("smev3", "node_id", OPTION_TEXT, config_smev3, node_id, NULL, 0, 0, NULL, YES, NO, \
  "NodeID of this node, when the agency has several at SMEV; 50 characters at most. Answers to what was sent with it come " \
  "to it alone, and are asked for by it until all are over, also when it has changed since. Without it: none is told.") \
X("smev3", "namespace", OPTION_TEXT, config_smev3, ns, NULL, 0, 0, NULL, YES, NO, \
  "Ask for requests of this namespace only; roots says which. It does not hold for answers to what a [push] sends. " \
  "The methods of the order are of http://epgu.rtlabs.ru/equeue/ws/. Without it: for any that the queue has.") \
X("smev3", "roots", OPTION_TEXT, config_smev3, roots, NULL, 0, 0, NULL, YES, NO, \
  "Root elements that are asked for, names with commas between them; with namespace only. They are asked for in turn, on " \
  "an empty queue each once in poll_interval. They do not hold for answers. Those of the order: bookRequest, " \
  "cancelBookingRequest, getBookingStatusRequest, getRefAttributesListRequest, getRefItemsListRequest, getRefsListRequest, " \
  "getSlotsRequest.") \
X("smev3", "poll_interval", OPTION_DURATION, config_smev3, poll_interval_ms, "5s", 50, 10 * MINUTE, NULL, YES, NO, \
  "How long to wait before an empty queue is asked again, and by chance up to half as long more. After faults it grows " \
  "to 5m.") \
X("smev3", "in_flight", OPTION_COUNT, config_smev3, in_flight, "4", 1, 32, NULL, YES, NO, \
  "Questions and answers under way at once, of each so many, and messages in work; of acknowledgements 16.") \
X("smev3", "timeout", OPTION_DURATION, config_smev3, timeout_ms, "30s", 100, 10 * MINUTE, NULL, YES, NO, \
  "How long one call may take from its beginning to the end of the answer.") \
X("smev3", "status_after", OPTION_DURATION, config_smev3, status_after_ms, "0s", 0, 24 * 60 * MINUTE, NULL, YES, NO, \
  "Who has no answer after so long is told once that it is being made (RequestStatus), also when a person is to look at " \
  "his request first. 0s: never.") \
X("smev3", "require_sender_signature", OPTION_YES_NO, config_smev3, require_sender_signature, "no", 0, 0, NULL, YES, NO, \
  "Refuse a request that its sender has not signed himself, or not well; an answer of the portal's stops what it " \
  "answers. Without it: his signature is checked and the verdict is written down, SMEV's decides.") \
X("smev3", "refuse_test_messages", OPTION_YES_NO, config_smev3, refuse_test_messages, "no", 0, 0, NULL, YES, NO, \
  "Refuse requests that say by TestMessage that they are a test. Without it: answered as usual, and nothing is booked.") \
X("smev3", "update_booking_details", OPTION_YES_NO, config_smev3, update_booking_details, "no", 0, 0, NULL, YES, NO, \
  "Serve updateBookingDetails, which by the order is the portal's own method. Without it: RequestRejected, no such method.") \
X("smev3", "official_key", OPTION_FILE, config_smev3, official_key, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the private key (GOST R 34.10-2012) of the official who signs (ЭП-СП) what is answered here, and the " \
  "changes that a [push] sends by this queue. Without it: nobody signs but the agency. While it is of no use, answers and changes wait.") \
X("smev3", "official_cert", OPTION_FILE, config_smev3, official_cert, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the certificate of that key.") \
X("smev3", "attachments", OPTION_ENUM, config_smev3, files.policy, "ignore", 0, 0, "ignore|fetch", YES, NO, \
  "Files of a request. ignore: their headers are kept with it, no file is asked for; no method of order 329 has any. fetch: " \
  "the files are fetched and kept in files_dir before SMEV is told that we have the message; so are those that came within it.") \
X("smev3", "files_server", OPTION_FTP, config_smev3, files.server, NULL, 0, 0, NULL, YES, NO, \
  "The address of SMEV's file store, as SMEV's operator gives it: ftp://, host, port. User and password come with each " \
  "message. Needed with attachments = fetch.") \
X("smev3", "files_dir", OPTION_DIRECTORY, config_smev3, files.dir, NULL, 0, 0, NULL, YES, NO, \
  "Where files are kept, each once, named by the SHA-256 of its content. They are never removed by the daemon. Needed with " \
  "attachments = fetch.") \
X("smev3", "files_max", OPTION_COUNT, config_smev3, files.max, "16", 1, 1000, NULL, YES, NO, \
  "Files of one request that are fetched. A request with more is refused.") \
X("smev3", "file_size_max", OPTION_SIZE, config_smev3, files.size_max, "64MiB", KIB, 1024 * MIB, NULL, YES, NO, \
  "Size of a file. A request with a larger one is refused.") \
X("smev3", "files_size_max", OPTION_SIZE, config_smev3, files.sizes_max, "256MiB", KIB, 4096ULL * MIB, NULL, YES, NO, \
  "Size of all files of one request together. One with more is refused.") \
X("smev3", "files_timeout", OPTION_DURATION, config_smev3, files.timeout_ms, "2m", 100, 10 * MINUTE, NULL, YES, NO, \
  "How long fetching the files of one delivered message may take, other tries included. SMEV waits 15 minutes for the " \
  "acknowledgement, then it delivers the message again, with other passwords.") \
X("smev3", "files_deliveries", OPTION_COUNT, config_smev3, files.deliveries, "4", 1, 1000, NULL, YES, NO, \
  "Deliveries of a message whose files cannot be had. With the last of them it is stored without: refused where the files " \
  "are not in the store, put aside for a person (admin.inbox) where the store cannot be reached or gives others.") \
X("smev3", "ca", OPTION_FILE, config_smev3, ca, NULL, 0, 0, NULL, YES, NO, \
  "PEM file with the authorities of SMEV's TLS certificate. Needed with https; nobody else is believed there.") \
X("smev3", "channel", OPTION_WORD, config_smev3, channel, "portal", 0, 0, "portal|kiosk|call-centre|walk-in", YES, NO, \
  "Who books here; shares of places are set per channel in the database.") \
READING_OPTIONS(X, "smev3", config_smev3, YES)
/* clang-format on */

/* What config_options() cannot say: one row of this for each row of that. */
struct option_rule {
    enum option_kind kind;
    size_t offset; /* in struct config, config_listener, config_agency, config_sender, config_push or config_smev3, by
                      section */
    uint64_t least, most;
    const char *words;
};
extern const struct option_rule option_rules[];

/*
 * Reads text as the value of row i and stores it in the struct at target; strings are copied into a. Returns NULL, or
 * what is wrong.
 */
const char *option_set(struct arena *a, unsigned i, const char *text, void *target);
unsigned option_words(const struct option_rule *r); /* how many its list has */

enum address_scope { ADDRESS_BAD, ADDRESS_LOCAL, ADDRESS_PUBLIC, ADDRESS_HANDED_OVER };
enum address_scope address_scope(const char *address);
/* Whether both could not be listened on at once: the same, or one of them is every address with this port. */
bool address_clashes(const char *x, const char *y);

/* What is wrong with a URL that others are told, in a literal; NULL: nothing. */
const char *url_mistake(struct arena *a, const char *text);
/* The same of one that we call: it may have a query. */
const char *endpoint_mistake(struct arena *a, const char *text);
/* The same of a server of FTP: host and port. */
const char *ftp_mistake(struct arena *a, const char *text);
