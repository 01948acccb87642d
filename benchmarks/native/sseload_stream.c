/* Reads one response at a time from a stream: head, chunk framing and event lines, in pieces of any size. */
#define _GNU_SOURCE
#include "sseload.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void stream_reset(struct stream *stream) {
    stream->reading = READ_HEAD;
    stream->chunked = stream->line_has_text = stream->line_is_comment = stream->event_has_field = false;
    stream->head_len = 0;
    stream->events = stream->left = 0;
    stream->status = 0;
}

static const char *field(const char *head, const char *name) {
    const char *line = head;
    while ((line = strstr(line, "\r\n")))
        if (!strncasecmp(line += 2, name, strlen(name))) return line + strlen(name);
    return NULL;
}

static void head_complete(struct stream *stream) {
    stream->head[stream->head_len] = 0;
    stream->status = (unsigned)atoi(stream->head + 9);
    if (stream->status != 200) counts.failures++;
    const char *length = field(stream->head, "content-length:");
    stream->chunked = field(stream->head, "transfer-encoding:") != NULL;
    stream->left = length ? strtoull(length, NULL, 10) : 0;
    if (stream->chunked) stream->reading = READ_SIZE;
    else if (length) stream->reading = stream->left ? READ_LENGTH : READ_DONE;
    else stream->reading = READ_UNTIL_CLOSE;
}

/* Takes bytes up to the end of the head; returns how many, or 0 when the head is larger than any server's should be. */
static size_t feed_head(struct stream *stream, const char *bytes, size_t size) {
    size_t known = stream->head_len, room = HEAD_BYTES - 1 - known, take = size < room ? size : room;
    memcpy(stream->head + known, bytes, take);
    size_t from = known > 3 ? known - 3 : 0;
    const char *end = memmem(stream->head + from, known + take - from, "\r\n\r\n", 4);
    stream->head_len = known + take;
    if (!end) return take;
    stream->head_len = (size_t)(end - stream->head) + 4;
    head_complete(stream);
    return stream->head_len - known;
}

static void line_ended(struct stream *stream, uint64_t now) {
    if (!stream->line_has_text) {
        if (stream->event_has_field) {
            counts.events++;
            stream->events++;
            if (hooks.on_event) hooks.on_event(stream, now);
            stream->arrived_ns = now;
        }
        stream->event_has_field = false;
    } else if (stream->line_is_comment) {
        counts.comments++;
    } else {
        stream->event_has_field = true;
    }
    stream->line_has_text = stream->line_is_comment = false;
}

static void scan_events(struct stream *stream, const char *bytes, size_t size, uint64_t now) {
    for (const char *at = bytes, *end = bytes + size; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *last = stop ? stop : end;
        if (last > at && *at != '\r') {
            if (!stream->line_has_text) stream->line_is_comment = *at == ':';
            stream->line_has_text = true;
        }
        if (!stop) return;
        line_ended(stream, now);
        at = stop + 1;
    }
}

static size_t feed_data(struct stream *stream, const char *bytes, size_t size, uint64_t now) {
    size_t take = stream->reading == READ_UNTIL_CLOSE || size < stream->left ? size : (size_t)stream->left;
    counts.bytes += take;
    if (hooks.on_event) scan_events(stream, bytes, take, now);
    if (stream->reading == READ_UNTIL_CLOSE) return take;
    stream->left -= take;
    if (!stream->left) stream->reading = stream->reading == READ_DATA ? READ_DATA_END : READ_DONE;
    return take;
}

/* One byte of a chunk-size line, of the CRLF behind a chunk, or of the line that ends the trailers. */
static bool feed_framing(struct stream *stream, char byte) {
    if (stream->reading == READ_SIZE) {
        if (byte >= '0' && byte <= '9') stream->left = stream->left * 16 + (uint64_t)(byte - '0');
        else if ((byte | 32) >= 'a' && (byte | 32) <= 'f') stream->left = stream->left * 16 + (uint64_t)((byte | 32) - 'a' + 10);
        else if (byte == '\n') {
            stream->reading = stream->left ? READ_DATA : READ_TRAILER;
            counts.chunks += stream->left != 0;
        } else return byte == '\r';
    } else if (byte == '\n') {
        stream->reading = stream->reading == READ_TRAILER ? READ_DONE : READ_SIZE;
    } else {
        return byte == '\r';
    }
    return true;
}

/* Feeds what was read; false when the bytes are no response. */
bool stream_feed(struct stream *stream, const char *bytes, size_t size, uint64_t now) {
    for (size_t used = 0; used < size;) {
        if (stream->reading == READ_DONE) return false;     /* bytes that nobody asked for */
        if (stream->reading == READ_HEAD) {
            size_t took = feed_head(stream, bytes + used, size - used);
            if (!took) return false;
            used += took;
        } else if (stream->reading == READ_DATA || stream->reading == READ_LENGTH || stream->reading == READ_UNTIL_CLOSE) {
            used += feed_data(stream, bytes + used, size - used, now);
        } else if (!feed_framing(stream, bytes[used++])) {
            return false;
        }
        if (stream->reading == READ_DONE) {
            counts.responses++;
            if (hooks.on_response) hooks.on_response(stream, now);
        }
    }
    return true;
}
