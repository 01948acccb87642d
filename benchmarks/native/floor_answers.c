/* The answers of the floor: the same heads, bodies, chunks and events that every server of the suite must send. */
#define _GNU_SOURCE
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY_BYTES = 1 << 20, PIECES = 100, CHUNK_BYTES = 64, DATE_BYTES = 29 };

/* Field order and spelling follow the server under test, so that both sides move the same number of bytes. */
#define DATE_FIELD "date: "
static const char TEXT_TYPE[] = "content-type: text/plain; charset=utf-8\r\n";
static const char JSON_TYPE[] = "content-type: application/json\r\n";
static const char OCTET_TYPE[] = "content-type: application/octet-stream\r\n";
static const char STREAM_FIELDS[] =
    "content-type: text/event-stream\r\n"
    "cache-control: no-cache, no-transform\r\n"
    "x-accel-buffering: no\r\n";
static const char CHUNKED[] = "transfer-encoding: chunked\r\n";
static const char JSON_BODY[] = "{\"message\":\"Hello, World!\"}";
static const char TEXT_BODY[] = "Hello, World!";
static const char EVENT_OPEN[] = "data: {\"n\":";
static const char EVENT_CLOSE[] = ",\"msg\":\"a token of the answer\"}\n\n";

static char big_body[BODY_BYTES];
static char chunk[CHUNK_BYTES];
static char date_line[sizeof DATE_FIELD - 1 + DATE_BYTES + 2];

void answers_prepare(void) {
    for (size_t i = 0; i < sizeof big_body; i++) big_body[i] = (char)i;
    memset(chunk, 'x', sizeof chunk);
    chunk[CHUNK_BYTES - 1] = '\n';
    answers_refresh_date();
}

void answers_refresh_date(void) {
    static time_t shown;
    time_t now = time(NULL);
    if (now == shown) return;
    shown = now;
    char line[sizeof date_line + 1];
    struct tm parts;
    strftime(line, sizeof line, DATE_FIELD "%a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&now, &parts));
    memcpy(date_line, line, sizeof date_line);
}

void cork_put(struct cork *cork, const char *bytes, size_t size) {
    if (cork->used + size > CORK_BYTES) abort();   /* the depth of a pipeline is bounded by READ_BYTES */
    memcpy(cork->bytes + cork->used, bytes, size);
    cork->used += size;
}

#define CORK_LITERAL(cork, literal) cork_put(cork, literal, sizeof(literal) - 1)

static size_t decimal(char *out, uint64_t value) {
    char digits[20];
    size_t size = 0;
    do digits[size++] = (char)('0' + value % 10); while (value /= 10);
    for (size_t i = 0; i < size; i++) out[i] = digits[size - 1 - i];
    return size;
}

static void cork_chunk_open(struct cork *cork, size_t size) {
    char hex[16];
    size_t used = 0;
    for (int shift = 28; shift >= 0; shift -= 4)
        if (used || size >> shift || !shift) hex[used++] = "0123456789abcdef"[size >> shift & 15];
    hex[used++] = '\r';
    hex[used++] = '\n';
    cork_put(cork, hex, used);
}

static void cork_chunk(struct cork *cork, const char *payload, size_t size) {
    cork_chunk_open(cork, size);
    cork_put(cork, payload, size);
    CORK_LITERAL(cork, "\r\n");
}

static void cork_head(struct cork *cork, const char *fields, size_t fields_len, int64_t length) {
    CORK_LITERAL(cork, "HTTP/1.1 200 OK\r\n");
    cork_put(cork, fields, fields_len);
    if (length >= 0) {
        char digits[20];
        CORK_LITERAL(cork, "content-length: ");
        cork_put(cork, digits, decimal(digits, (uint64_t)length));
        CORK_LITERAL(cork, "\r\n");
    } else {
        CORK_LITERAL(cork, CHUNKED);
    }
    cork_put(cork, date_line, sizeof date_line);
    CORK_LITERAL(cork, "\r\n");
}

void cork_text(struct cork *cork, const char *text, size_t size) {
    cork_head(cork, TEXT_TYPE, sizeof TEXT_TYPE - 1, (int64_t)size);
    cork_put(cork, text, size);
}

void cork_stream_head(struct cork *cork) {
    cork_head(cork, STREAM_FIELDS, sizeof STREAM_FIELDS - 1, -1);
}

void cork_event(struct cork *cork, const char *payload, size_t size) {
    cork_chunk_open(cork, size + 8);
    CORK_LITERAL(cork, "data: ");
    cork_put(cork, payload, size);
    CORK_LITERAL(cork, "\n\n\r\n");
}

void cork_numbered_event(struct cork *cork, uint64_t number) {
    char digits[20];
    size_t size = decimal(digits, number);
    cork_chunk_open(cork, sizeof EVENT_OPEN - 1 + size + sizeof EVENT_CLOSE - 1);
    CORK_LITERAL(cork, EVENT_OPEN);
    cork_put(cork, digits, size);
    CORK_LITERAL(cork, EVENT_CLOSE);
    CORK_LITERAL(cork, "\r\n");
}

void cork_comment(struct cork *cork) {
    cork_chunk(cork, ":\n\n", 3);
}

static void answer_chunks(struct cork *cork) {
    cork_head(cork, OCTET_TYPE, sizeof OCTET_TYPE - 1, -1);
    for (int i = 0; i < PIECES; i++) cork_chunk(cork, chunk, sizeof chunk);
    CORK_LITERAL(cork, "0\r\n\r\n");
}

static void answer_events(struct cork *cork) {
    cork_stream_head(cork);
    for (uint64_t i = 0; i < PIECES; i++) cork_numbered_event(cork, i);
    CORK_LITERAL(cork, "0\r\n\r\n");
}

static bool is(const struct request *request, const char *path) {
    return request->path_len == strlen(path) && !memcmp(request->path, path, request->path_len);
}

/* Answers everything that ends with its response; false when the path is none of these. */
bool answer_plain(struct cork *cork, const struct request *request) {
    static const char users[] = "/users/";
    size_t prefix = sizeof users - 1;
    if (is(request, "/plaintext") || is(request, "/suspend")) {
        cork_text(cork, TEXT_BODY, sizeof TEXT_BODY - 1);
    } else if (is(request, "/json")) {
        cork_head(cork, JSON_TYPE, sizeof JSON_TYPE - 1, sizeof JSON_BODY - 1);
        CORK_LITERAL(cork, JSON_BODY);
    } else if (request->path_len > prefix && !memcmp(request->path, users, prefix)) {
        cork_text(cork, request->path + prefix, request->path_len - prefix);
    } else if (is(request, "/chunks")) {
        answer_chunks(cork);
    } else if (is(request, "/events")) {
        answer_events(cork);
    } else if (is(request, "/down")) {
        cork_head(cork, OCTET_TYPE, sizeof OCTET_TYPE - 1, BODY_BYTES);
        cork->big = big_body;
        cork->big_len = BODY_BYTES;
    } else {
        return false;
    }
    return true;
}
