/* What the files of the load client share: one stream's reading state and what it counts. */
#ifndef SSELOAD_H
#define SSELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

enum reading { READ_HEAD, READ_SIZE, READ_DATA, READ_DATA_END, READ_TRAILER, READ_LENGTH, READ_UNTIL_CLOSE, READ_DONE };
enum { HEAD_BYTES = 2048, READ_BUFFER_BYTES = 256 * 1024 };

struct counts {
    uint64_t responses, events, comments, chunks, bytes, failures;
};

struct stream {
    int fd;
    enum reading reading;
    bool chunked;
    bool line_has_text;         /* the current line of the event stream is not empty */
    bool line_is_comment;
    bool event_has_field;
    unsigned status;
    uint64_t left;              /* bytes of the current chunk or body still to come */
    uint64_t events;            /* of the current response */
    uint64_t started_ns;        /* when the request was sent */
    uint64_t arrived_ns;        /* when the latest event arrived */
    size_t unsent;              /* bytes of the request not yet sent */
    size_t head_len;
    char head[HEAD_BYTES];
};

/* What a mode wants to hear; NULL for what it does not. */
struct hooks {
    void (*on_event)(struct stream *stream, uint64_t now_ns);
    void (*on_response)(struct stream *stream, uint64_t now_ns);
};

struct settings {
    const char *mode, *method, *path, *steps;
    uint16_t port;
    unsigned connections, seconds_ms;
    size_t body_bytes;
};

extern struct counts counts;
extern struct hooks hooks;
extern struct settings settings;

/* sseload_stream.c */
uint64_t now_ns(void);
void stream_reset(struct stream *stream);
bool stream_feed(struct stream *stream, const char *bytes, size_t size, uint64_t now);

/* sseload_net.c */
void net_prepare(void);
void net_request(const char *method, const char *path, size_t body_bytes, bool close_after);
bool net_connect(struct stream *stream);
bool net_send(struct stream *stream);
void net_close(struct stream *stream, bool reset);
typedef bool (*keep_waiting)(void);
void net_run(uint64_t deadline_ns, keep_waiting still);
extern void (*net_on_closed)(struct stream *stream);
extern bool net_discard;
void fail(const char *what);

/* sseload_modes.c */
int run_mode(void);

#endif
