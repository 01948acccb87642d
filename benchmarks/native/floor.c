/* The floor: the least an HTTP/1.1 server can do for each scenario, one thread over epoll, no framework around it.
 *
 * It parses only as much of a request as the answer needs and trusts its peer, so it is a yardstick and no server.
 * Usage: floor PORT
 */
#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BACKLOG = 2048, EVENTS_PER_WAIT = 256 };

static int epoll_fd;
static struct cork cork, scratch;
static char input[READ_BYTES];

static void watch(struct connection *connection, bool writing) {
    if (connection->writing == writing) return;
    connection->writing = writing;
    struct epoll_event event = {.events = writing ? EPOLLOUT : EPOLLIN, .data.ptr = connection};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

static void connection_close(struct connection *connection) {
    stream_forget(connection);
    close(connection->fd);
    free(connection->stash);
    free(connection->tail);
    free(connection);
}

static void keep_unsent(struct connection *connection, const struct cork *unsent, size_t sent) {
    if (sent < unsent->used) {
        size_t size = unsent->used - sent;
        connection->tail = realloc(connection->tail, connection->tail_len + size);
        memcpy(connection->tail + connection->tail_len, unsent->bytes + sent, size);
        connection->tail_len += size;
        sent = unsent->used;
    }
    connection->big = unsent->big + (sent - unsent->used);
    connection->big_len = unsent->big_len - (sent - unsent->used);
    if (connection->tail_len || connection->big_len) watch(connection, true);
}

/* One system call for all that is corked; what the socket does not take is kept. False when the peer is gone. */
bool connection_send(struct connection *connection, struct cork *unsent) {
    ssize_t sent = 0;
    if (!connection->writing) {
        struct iovec parts[2] = {{unsent->bytes, unsent->used}, {(void *)unsent->big, unsent->big_len}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = unsent->big_len ? 2 : 1};
        sent = unsent->big_len ? sendmsg(connection->fd, &message, MSG_NOSIGNAL)
                               : send(connection->fd, unsent->bytes, unsent->used, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent < 0) sent = 0;
    }
    if ((size_t)sent < unsent->used + unsent->big_len) keep_unsent(connection, unsent, (size_t)sent);
    unsent->used = unsent->big_len = 0;
    unsent->big = NULL;
    return true;
}

static bool connection_flush(struct connection *connection) {
    struct iovec parts[2] = {
        {connection->tail + connection->tail_sent, connection->tail_len - connection->tail_sent},
        {(void *)connection->big, connection->big_len},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    size_t from_tail = (size_t)sent < parts[0].iov_len ? (size_t)sent : parts[0].iov_len;
    connection->tail_sent += from_tail;
    connection->big += (size_t)sent - from_tail;
    connection->big_len -= (size_t)sent - from_tail;
    if (connection->tail_sent == connection->tail_len) connection->tail_sent = connection->tail_len = 0;
    if (!connection->tail_len && !connection->big_len) {
        if (connection->close_after) return false;
        watch(connection, false);
    }
    return true;
}

static const char *field(const char *head, size_t size, const char *name) {
    for (const char *line = memchr(head, '\n', size); line; line = memchr(line, '\n', size - (size_t)(line - head))) {
        line++;
        if ((size_t)(line - head) >= size) return NULL;
        if (!strncasecmp(line, name, strlen(name))) return line + strlen(name);
    }
    return NULL;
}

/* Reads one request head; false while it is incomplete. */
static bool parse(const char *bytes, size_t size, struct request *request) {
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end) return false;
    request->head_len = (size_t)(end - bytes) + 4;
    request->method = bytes;
    request->method_len = (size_t)((const char *)memchr(bytes, ' ', size) - bytes);
    request->path = bytes + request->method_len + 1;
    request->path_len = (size_t)((const char *)memchr(request->path, ' ', size) - request->path);
    request->body = end + 4;
    const char *length = *bytes == 'P' ? field(bytes, request->head_len, "content-length:") : NULL;
    request->body_len = length ? strtoull(length, NULL, 10) : 0;
    const char *persistence = field(bytes, request->head_len, "connection:");
    request->close_after = persistence && !strncasecmp(persistence + strspn(persistence, " "), "close", 5);
    return true;
}

static bool path_is(const struct request *request, const char *path) {
    return request->path_len == strlen(path) && !memcmp(request->path, path, request->path_len);
}

static void answer_upload(uint64_t size) {
    char text[24];
    cork_text(&cork, text, (size_t)sprintf(text, "%llu", (unsigned long long)size));
}

static bool answer(struct connection *connection, const struct request *request) {
    static const struct { const char *path; enum stream_kind kind; } streams[] = {
        {"/paced", STREAM_PACED}, {"/subscribe", STREAM_SUBSCRIBER}, {"/idle", STREAM_IDLE}};
    connection->close_after = request->close_after;
    if (path_is(request, "/publish")) {
        answer_upload(streams_publish(request->body, request->body_len, &scratch));
        return true;
    }
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (path_is(request, streams[i].path)) {
            cork_stream_head(&cork);
            if (streams[i].kind != STREAM_PACED) cork_event(&cork, "ready", 5);
            else cork_numbered_event(&cork, connection->sent_events++);
            stream_open(connection, streams[i].kind);
            return true;
        }
    return answer_plain(&cork, request);
}

/* Consumes complete requests from `bytes`; returns the number of bytes used, or -1 to close. */
static ssize_t consume(struct connection *connection, const char *bytes, size_t size) {
    size_t used = 0;
    struct request request;
    while (used < size) {
        if (connection->upload_left) {
            uint64_t take = size - used < connection->upload_left ? size - used : connection->upload_left;
            connection->upload_left -= take;
            used += take;
            if (!connection->upload_left) answer_upload(connection->upload_size);
            continue;
        }
        if (!parse(bytes + used, size - used, &request)) break;
        if (path_is(&request, "/up")) {
            connection->upload_left = connection->upload_size = request.body_len;
            used += request.head_len;
            continue;
        }
        if (size - used < request.head_len + request.body_len) break;
        if (!answer(connection, &request)) return -1;
        used += request.head_len + request.body_len;
    }
    return (ssize_t)used;
}

static bool connection_read(struct connection *connection) {
    size_t kept = connection->stash_len;
    if (kept) memcpy(input, connection->stash, kept);
    ssize_t got = recv(connection->fd, input + kept, sizeof input - kept, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    size_t size = kept + (size_t)got;
    ssize_t used = consume(connection, input, size);
    if (used < 0) return false;
    connection->stash_len = size - (size_t)used;
    if (connection->stash_len) {
        connection->stash = realloc(connection->stash, connection->stash_len);
        memcpy(connection->stash, input + used, connection->stash_len);
    }
    if (cork.used && !connection_send(connection, &cork)) return false;
    return !connection->close_after || connection->writing || connection->upload_left;
}

static void accept_all(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(uint16_t port) {
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG)) {
        perror("floor: listen");
        exit(1);
    }
    return fd;
}

static void serve(int listener) {
    struct epoll_event events[EVENTS_PER_WAIT], listening = {.events = EPOLLIN};
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &listening);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_PER_WAIT, streams_wait_ms());
        answers_refresh_date();
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) accept_all(listener);
            else if (!(connection->writing ? connection_flush(connection) : connection_read(connection)))
                connection_close(connection);
        }
        streams_tick(&scratch);
    }
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    answers_prepare();
    serve(listen_on((uint16_t)atoi(arguments[1])));
}
