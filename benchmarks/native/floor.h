/* What the files of the floor share: one connection, the cork buffer, and who builds which answer. */
#ifndef FLOOR_H
#define FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CORK_BYTES = 1 << 20,       /* answers of one read gathered here, then one system call */
    READ_BYTES = 256 * 1024,    /* one read; also the largest buffered request */
    HEARTBEAT_MS = 15000,       /* silence before a comment is sent on an idle stream */
    PACE_MS = 20,               /* one event each 20 ms on a paced stream */
};

enum stream_kind { STREAM_NONE, STREAM_PACED, STREAM_SUBSCRIBER, STREAM_IDLE };

struct connection {
    int fd;
    enum stream_kind kind;
    bool close_after;           /* the request asked for `connection: close` */
    bool writing;               /* EPOLLOUT is armed: something below is unsent */
    char *stash;                /* an incomplete request, kept between reads */
    size_t stash_len;
    char *tail;                 /* unsent bytes of the cork buffer */
    size_t tail_len, tail_sent;
    const char *big;            /* unsent bytes of a static body */
    size_t big_len;
    uint64_t upload_left;       /* bytes of an upload still to come */
    uint64_t upload_size;
    uint64_t due_ms;            /* when a paced or idle stream sends next */
    uint64_t sent_events;
    struct connection *previous, *next;   /* the list of its stream kind */
};

struct cork {
    char bytes[CORK_BYTES];
    size_t used;
    const char *big;            /* a static body that follows the bytes */
    size_t big_len;
};

struct request {
    const char *method, *path, *body;
    size_t method_len, path_len, head_len;
    uint64_t body_len;
    bool close_after;
};

/* floor_answers.c: bytes of heads, bodies, chunks and events. */
void answers_prepare(void);
void answers_refresh_date(void);
void cork_put(struct cork *cork, const char *bytes, size_t size);
void cork_event(struct cork *cork, const char *payload, size_t size);
void cork_numbered_event(struct cork *cork, uint64_t number);
void cork_stream_head(struct cork *cork);
void cork_comment(struct cork *cork);
void cork_text(struct cork *cork, const char *text, size_t size);
bool answer_plain(struct cork *cork, const struct request *request);

/* floor_streams.c: streams that outlive their request. */
uint64_t now_ms(void);
void stream_open(struct connection *connection, enum stream_kind kind);
void stream_forget(struct connection *connection);
size_t streams_publish(const char *payload, size_t size, struct cork *scratch);
void streams_tick(struct cork *scratch);
int streams_wait_ms(void);

/* floor.c */
bool connection_send(struct connection *connection, struct cork *cork);

#endif
