/* Lets a Python program under callgrind say where counting starts and where a section ends; a no-op elsewhere. */
#include <valgrind/callgrind.h>

void marks_start(void) {
    CALLGRIND_START_INSTRUMENTATION;
}

/* Writes what was counted since the last call under this name, and counts from zero again. */
void marks_section(const char *name) {
    CALLGRIND_DUMP_STATS_AT(name);
}
