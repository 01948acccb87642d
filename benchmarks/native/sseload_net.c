/* The sockets of the load client: connects, sends, and the one epoll loop that all modes wait in. */
#define _GNU_SOURCE
#include "sseload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_PER_WAIT = 256, SOURCE_ADDRESSES = 8, POLL_MS = 50 };

void (*net_on_closed)(struct stream *stream);
bool net_discard;       /* throw body bytes away in the kernel: only their number matters */

static int epoll_fd;
static char *request;
static size_t request_len;
static char input[READ_BUFFER_BYTES];

void fail(const char *what) {
    fprintf(stderr, "sseload: %s\n", what);
    exit(1);
}

void net_prepare(void) {
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) fail("epoll_create1 failed");
}

/* The bytes that net_send sends from now on; a body is one printable line, so that it can be published as an event. */
void net_request(const char *method, const char *path, size_t body_bytes, bool close_after) {
    free(request);
    request = malloc(body_bytes + 512 + strlen(path));
    int head = sprintf(request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", method, path, settings.port);
    if (close_after) head += sprintf(request + head, "Connection: close\r\n");
    if (body_bytes) head += sprintf(request + head, "Content-Length: %zu\r\n", body_bytes);
    head += sprintf(request + head, "\r\n");
    for (size_t i = 0; i < body_bytes; i++) request[(size_t)head + i] = (char)('a' + i % 26);
    request_len = (size_t)head + body_bytes;
}

static void watch(struct stream *stream, int operation, uint32_t interest) {
    struct epoll_event event = {.events = interest, .data.ptr = stream};
    if (epoll_ctl(epoll_fd, operation, stream->fd, &event)) fail("epoll_ctl failed");
}

/* Starts a connection; its source address rotates so that many short ones never run out of ports. */
bool net_connect(struct stream *stream) {
    static unsigned turn;
    int on = 1;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(settings.port)}, source = {.sin_family = AF_INET};
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn++ % SOURCE_ADDRESSES);
    stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0) return false;
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(stream->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(stream->fd, (struct sockaddr *)&source, sizeof source)) return false;
    if (connect(stream->fd, (struct sockaddr *)&peer, sizeof peer) && errno != EINPROGRESS) return false;
    stream_reset(stream);
    stream->unsent = 0;
    watch(stream, EPOLL_CTL_ADD, EPOLLIN);
    return true;
}

static bool send_rest(struct stream *stream) {
    ssize_t sent = send(stream->fd, request + request_len - stream->unsent, stream->unsent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) return false;
    if (sent > 0) stream->unsent -= (size_t)sent;
    watch(stream, EPOLL_CTL_MOD, stream->unsent ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return true;
}

/* Sends the request, or as much as the socket takes now and the rest later. */
bool net_send(struct stream *stream) {
    stream_reset(stream);
    stream->started_ns = now_ns();
    stream->unsent = request_len;
    ssize_t sent = send(stream->fd, request, request_len, MSG_NOSIGNAL);
    if (sent == (ssize_t)request_len) {
        stream->unsent = 0;
        return true;
    }
    if (sent > 0) stream->unsent -= (size_t)sent;
    return send_rest(stream);
}

void net_close(struct stream *stream, bool reset) {
    struct linger abortive = {.l_onoff = 1, .l_linger = 0};
    if (stream->fd < 0) return;
    if (reset) setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive);
    close(stream->fd);
    stream->fd = -1;
}

static void closed(struct stream *stream) {
    net_close(stream, false);
    if (net_on_closed) net_on_closed(stream);
    else counts.failures++;
}

static void readable(struct stream *stream) {
    bool discard = net_discard && stream->reading == READ_LENGTH && stream->left > READ_BUFFER_BYTES;
    size_t room = discard ? (size_t)stream->left - READ_BUFFER_BYTES : sizeof input;
    ssize_t got = recv(stream->fd, input, room, discard ? MSG_TRUNC : 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        closed(stream);
    } else if (discard) {
        stream->left -= (uint64_t)got;
        counts.bytes += (uint64_t)got;
    } else if (!stream_feed(stream, input, (size_t)got, now_ns())) {
        counts.failures++;
        closed(stream);
    }
}

/* Serves sockets until `still` says no or the deadline has passed. */
void net_run(uint64_t deadline_ns, keep_waiting still) {
    struct epoll_event events[EVENTS_PER_WAIT];
    while (still()) {
        uint64_t now = now_ns();
        if (now >= deadline_ns) return;
        uint64_t left_ms = (deadline_ns - now) / 1000000 + 1;
        int count = epoll_wait(epoll_fd, events, EVENTS_PER_WAIT, left_ms < POLL_MS ? (int)left_ms : POLL_MS);
        for (int i = 0; i < count; i++) {
            struct stream *stream = events[i].data.ptr;
            if (stream->fd >= 0 && events[i].events & EPOLLOUT && stream->unsent && !send_rest(stream)) closed(stream);
            if (stream->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(stream);
        }
    }
}
