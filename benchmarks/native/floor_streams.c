/* The streams of the floor that outlive their request: paced, subscribed and idle ones, and the clock that serves them. */
#define _GNU_SOURCE
#include "floor.h"

#include <time.h>

static struct connection *lists[STREAM_IDLE + 1];
static uint64_t next_sweep_ms = UINT64_MAX;

uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void schedule(struct connection *connection, uint64_t due_ms) {
    connection->due_ms = due_ms;
    if (due_ms < next_sweep_ms) next_sweep_ms = due_ms;
}

void stream_open(struct connection *connection, enum stream_kind kind) {
    connection->kind = kind;
    connection->previous = NULL;
    connection->next = lists[kind];
    if (lists[kind]) lists[kind]->previous = connection;
    lists[kind] = connection;
    if (kind == STREAM_PACED) schedule(connection, now_ms() + PACE_MS);
    if (kind == STREAM_IDLE) schedule(connection, now_ms() + HEARTBEAT_MS);
}

void stream_forget(struct connection *connection) {
    if (connection->kind == STREAM_NONE) return;
    if (connection->next) connection->next->previous = connection->previous;
    if (connection->previous) connection->previous->next = connection->next;
    else lists[connection->kind] = connection->next;
    connection->kind = STREAM_NONE;
}

size_t streams_publish(const char *payload, size_t size, struct cork *scratch) {
    size_t reached = 0;
    scratch->used = 0;
    cork_event(scratch, payload, size);
    size_t frame = scratch->used;
    for (struct connection *each = lists[STREAM_SUBSCRIBER], *next; each; each = next) {
        next = each->next;
        scratch->used = frame;      /* sending empties the cork; the bytes stay */
        reached += connection_send(each, scratch);
    }
    return reached;
}

static void send_due(struct connection *connection, uint64_t now, struct cork *scratch) {
    scratch->used = 0;
    if (connection->kind == STREAM_PACED) {
        cork_numbered_event(scratch, connection->sent_events++);
        schedule(connection, connection->due_ms + PACE_MS);
    } else {
        cork_comment(scratch);
        schedule(connection, now + HEARTBEAT_MS);
    }
    connection_send(connection, scratch);
}

void streams_tick(struct cork *scratch) {
    static const enum stream_kind timed[] = {STREAM_PACED, STREAM_IDLE};
    uint64_t now = now_ms();
    if (now < next_sweep_ms) return;
    next_sweep_ms = UINT64_MAX;
    for (size_t i = 0; i < sizeof timed / sizeof *timed; i++)
        for (struct connection *each = lists[timed[i]], *next; each; each = next) {
            next = each->next;
            if (each->due_ms <= now) send_due(each, now, scratch);
            else schedule(each, each->due_ms);
        }
}

int streams_wait_ms(void) {
    if (next_sweep_ms == UINT64_MAX) return -1;
    uint64_t now = now_ms();
    return next_sweep_ms > now ? (int)(next_sweep_ms - now) : 0;
}
