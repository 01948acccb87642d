/* sseload: a load client for streamed responses and Server-Sent Events, one thread over epoll, the same for every server.
 *
 * Usage: sseload MODE PORT PATH [-c connections] [-d milliseconds] [-m method] [-b body bytes] [-s steps]
 * Modes: requests paced fanout idle churn storm (see sseload_modes.c). It speaks to 127.0.0.1 only.
 */
#define _GNU_SOURCE
#include "sseload.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct counts counts;
struct hooks hooks;
struct settings settings = {.method = "GET", .connections = 64, .seconds_ms = 1000, .steps = ""};

enum { CONNECTIONS_MAX = 100000, WINDOW_MAX_MS = 600000 };

static bool read_options(int count, char **arguments) {
    int option;
    while ((option = getopt(count, arguments, "c:d:m:b:s:")) != -1) {
        if (option == 'c') settings.connections = (unsigned)atoi(optarg);
        else if (option == 'd') settings.seconds_ms = (unsigned)atoi(optarg);
        else if (option == 'm') settings.method = optarg;
        else if (option == 'b') settings.body_bytes = strtoul(optarg, NULL, 10);
        else if (option == 's') settings.steps = optarg;
        else return false;
    }
    if (count - optind != 3) return false;
    settings.mode = arguments[optind];
    settings.port = (uint16_t)atoi(arguments[optind + 1]);
    settings.path = arguments[optind + 2];
    return settings.connections > 0 && settings.connections <= CONNECTIONS_MAX && settings.seconds_ms <= WINDOW_MAX_MS;
}

int main(int count, char **arguments) {
    if (!read_options(count, arguments)) {
        fprintf(stderr, "usage: sseload MODE PORT PATH [-c connections] [-d ms] [-m method] [-b body bytes] [-s steps]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    net_prepare();
    return run_mode();
}
