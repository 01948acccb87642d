/* What the load client can do to a server: request, pace, fan out, idle, churn and storm.
 *
 * Each mode tells its parent where it stands with one JSON line (a mark) and goes on when the parent has answered with
 * a line, so that the parent reads the server's CPU clock at exactly the edges of the window that is counted here.
 */
#define _GNU_SOURCE
#include "sseload.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_S = 60, SETTLE_MS = 300, STORM_EVENTS = 5 };

static struct stream *streams;
static struct histogram latency;
static uint64_t window_start_ns, window_end_ns;
static unsigned ready, open_streams;

static uint64_t in_ms(uint64_t milliseconds) {
    return now_ns() + milliseconds * 1000000u;
}

static void mark(const char *name, bool with_latency) {
    printf("{\"mark\":\"%s\",\"seconds\":%.6f,\"connections\":%u,\"responses\":%llu,\"events\":%llu,\"comments\":%llu,"
           "\"chunks\":%llu,\"bytes\":%llu,\"failures\":%llu,\"latency\":",
           name, (double)(now_ns() - window_start_ns) / 1e9, open_streams, (unsigned long long)counts.responses,
           (unsigned long long)counts.events, (unsigned long long)counts.comments, (unsigned long long)counts.chunks,
           (unsigned long long)counts.bytes, (unsigned long long)counts.failures);
    if (with_latency) histogram_print(&latency, stdout);
    else printf("null");
    printf("}\n");
    fflush(stdout);
    char answer[64];
    if (!fgets(answer, sizeof answer, stdin)) fail("the parent has gone");
}

static void begin(void) {
    mark("begin", false);
    memset(&latency, 0, sizeof latency);
    memset(&counts, 0, sizeof counts);
    window_start_ns = now_ns();
    window_end_ns = in_ms(settings.seconds_ms);
}

static bool none_lost(void) { return counts.failures == 0; }

static void open_all(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        if (!net_connect(&streams[i]) || !net_send(&streams[i])) fail("cannot connect");
        open_streams++;
    }
}

static bool some_not_ready(void) { return ready < open_streams && none_lost(); }

static void wait_until_ready(void) {
    net_run(in_ms(WAIT_S * 1000), some_not_ready);
    if (ready < open_streams) fail("not every stream was answered");
}

/* --- requests: each connection asks again as soon as it is answered ------------------------------------------------ */

static bool counting;
static unsigned in_flight;

static void request_answered(struct stream *stream, uint64_t now) {
    if (!counting) {
        ready++;
        return;
    }
    histogram_add(&latency, now - stream->started_ns);
    if (now < window_end_ns) net_send(stream);
    else in_flight--;
}

static bool some_in_flight(void) { return in_flight > 0 && none_lost(); }

static void requests(void) {
    hooks.on_response = request_answered;
    net_discard = true;
    net_request(settings.method, settings.path, settings.body_bytes, false);
    open_all(0, settings.connections);
    wait_until_ready();
    begin();
    counting = true;
    in_flight = settings.connections;
    for (unsigned i = 0; i < settings.connections; i++) net_send(&streams[i]);
    net_run(window_end_ns + (uint64_t)WAIT_S * 1000000000u, some_in_flight);
    if (in_flight) fail("a connection was lost or never answered");
    mark("end", true);
}

/* --- paced: events arrive by the server's clock; the gap between two of one stream is recorded --------------------- */

static void first_event(struct stream *stream) {
    if (stream->events == 1) ready++;
}

static void paced_event(struct stream *stream, uint64_t now) {
    first_event(stream);
    if (stream->arrived_ns && counting) histogram_add(&latency, now - stream->arrived_ns);
}

static void paced(void) {
    hooks.on_event = paced_event;
    net_request("GET", settings.path, 0, false);
    open_all(0, settings.connections);
    wait_until_ready();
    net_run(in_ms(SETTLE_MS), none_lost);
    begin();
    counting = true;
    net_run(window_end_ns, none_lost);
    mark("end", true);
}

/* --- fan-out: one publisher posts the next event when every subscriber has the last -------------------------------- */

static struct stream publisher;
static uint64_t published_ns, delivered;
static bool publish_answered;

static void subscriber_event(struct stream *stream, uint64_t now) {
    first_event(stream);
    if (stream->events == 1) return;
    delivered++;
    histogram_add(&latency, now - published_ns);
}

static void publisher_answered(struct stream *stream, uint64_t now) {
    (void)now;
    publish_answered = stream == &publisher;
}

static bool round_is_open(void) {
    return (delivered < settings.connections || !publish_answered) && none_lost();
}

static void publish(void) {
    delivered = 0;
    publish_answered = false;
    published_ns = now_ns();
    if (!net_send(&publisher)) fail("cannot publish");
    net_run(in_ms(WAIT_S * 1000), round_is_open);
    if (round_is_open() || delivered != settings.connections) fail("an event did not reach every subscriber once");
}

static void fanout(void) {
    hooks.on_event = subscriber_event;
    hooks.on_response = publisher_answered;
    net_request("GET", settings.path, 0, false);
    open_all(0, settings.connections);
    wait_until_ready();
    net_request("POST", "/publish", settings.body_bytes, false);
    if (!net_connect(&publisher)) fail("cannot connect");
    for (int warm = 0; warm < 3; warm++) publish();
    begin();
    while (now_ns() < window_end_ns) publish();
    mark("end", true);
}

/* --- idle: streams that only hear heartbeats, opened in steps ------------------------------------------------------ */

static void idle_event(struct stream *stream, uint64_t now) {
    (void)now;
    first_event(stream);
}

static void idle(void) {
    hooks.on_event = idle_event;
    net_request("GET", settings.path, 0, false);
    char *steps = strdup(settings.steps), *place = NULL;
    for (char *step = strtok_r(steps, ",", &place); step; step = strtok_r(NULL, ",", &place)) {
        while (open_streams < (unsigned)atoi(step)) {
            unsigned upto = open_streams + 100 < (unsigned)atoi(step) ? open_streams + 100 : (unsigned)atoi(step);
            open_all(open_streams, upto);
            wait_until_ready();
        }
        net_run(in_ms(SETTLE_MS), none_lost);
        mark("level", false);
    }
    free(steps);
    begin();
    net_run(window_end_ns, none_lost);
    mark("end", false);
}

/* --- churn: a new connection for each request, closed by the server ------------------------------------------------ */

static void churn_start(struct stream *stream) {
    stream->started_ns = now_ns();
    if (!net_connect(stream) || !net_send(stream)) fail("cannot connect");
}

static void churn_closed(struct stream *stream) {
    if (stream->reading != READ_DONE) counts.failures++;
    if (!counting) {
        ready++;
        return;
    }
    uint64_t now = now_ns();
    histogram_add(&latency, now - stream->started_ns);
    if (now < window_end_ns && none_lost()) churn_start(stream);
    else in_flight--;
}

static void churn(void) {
    net_on_closed = churn_closed;
    net_request("GET", settings.path, 0, true);
    open_all(0, settings.connections);
    wait_until_ready();
    begin();
    counting = true;
    in_flight = settings.connections;
    for (unsigned i = 0; i < settings.connections; i++) churn_start(&streams[i]);
    net_run(window_end_ns + (uint64_t)WAIT_S * 1000000000u, some_in_flight);
    mark("end", true);
}

/* --- storm: every stream is cut in mid-flow at once ---------------------------------------------------------------- */

static void storm_event(struct stream *stream, uint64_t now) {
    (void)now;
    if (stream->events == STORM_EVENTS) ready++;
}

static void storm(void) {
    hooks.on_event = storm_event;
    net_request("GET", settings.path, 0, false);
    open_all(0, settings.connections);
    wait_until_ready();
    begin();
    for (unsigned i = 0; i < settings.connections; i++) net_close(&streams[i], i % 2);
    mark("end", false);
}

int run_mode(void) {
    static const struct { const char *name; void (*run)(void); } modes[] = {
        {"requests", requests}, {"paced", paced}, {"fanout", fanout}, {"idle", idle}, {"churn", churn}, {"storm", storm}};
    streams = calloc(settings.connections, sizeof *streams);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(modes[i].name, settings.mode)) {
            modes[i].run();
            return counts.failures != 0;
        }
    fail("no such mode");
    return 2;
}
