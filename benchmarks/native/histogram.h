/* A log-linear histogram of nanoseconds: 32 steps to each power of two, so a reading is at most 3 % off. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum { STEP_BITS = 5, STEPS = 1 << STEP_BITS, CELLS = (64 - STEP_BITS + 1) * STEPS };

struct histogram {
    uint64_t cells[CELLS];
    uint64_t count, largest;
};

static inline unsigned histogram_cell(uint64_t value) {
    if (value < STEPS) return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - STEP_BITS;
    return (shift + 1) * STEPS + (unsigned)(value >> shift & (STEPS - 1));
}

static inline uint64_t histogram_floor(unsigned cell) {
    if (cell < STEPS) return cell;
    unsigned shift = cell / STEPS - 1;
    return (uint64_t)(STEPS + cell % STEPS) << shift;
}

static inline void histogram_add(struct histogram *histogram, uint64_t value) {
    histogram->cells[histogram_cell(value)]++;
    histogram->count++;
    if (value > histogram->largest) histogram->largest = value;
}

static inline uint64_t histogram_quantile(const struct histogram *histogram, double quantile) {
    uint64_t wanted = (uint64_t)(quantile * (double)histogram->count), seen = 0;
    for (unsigned cell = 0; cell < CELLS; cell++)
        if ((seen += histogram->cells[cell]) > wanted) return histogram_floor(cell);
    return histogram->largest;
}

/* One JSON object: quantiles in microseconds and every cell that is not empty as [microseconds, count]. */
static inline void histogram_print(const struct histogram *histogram, FILE *out) {
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};
    static const char *const names[] = {"p50", "p90", "p99", "p999"};
    fprintf(out, "{");
    for (int i = 0; i < 4; i++)
        fprintf(out, "\"%s\":%.3f,", names[i], (double)histogram_quantile(histogram, quantiles[i]) / 1e3);
    fprintf(out, "\"max\":%.3f,\"count\":%llu,\"cells\":[", (double)histogram->largest / 1e3,
            (unsigned long long)histogram->count);
    const char *comma = "";
    for (unsigned cell = 0; cell < CELLS; cell++)
        if (histogram->cells[cell]) {
            fprintf(out, "%s[%.3f,%llu]", comma, (double)histogram_floor(cell) / 1e3,
                    (unsigned long long)histogram->cells[cell]);
            comma = ",";
        }
    fprintf(out, "]}");
}

#endif
