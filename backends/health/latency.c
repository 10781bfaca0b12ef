#include "backends/health/latency.h"

#include <stdbool.h>

/* Octaves below this one share a class. */
#define FIRST_OCTAVE 5

static unsigned class_of(uint32_t value)
{
    unsigned octave = 31 - (unsigned)__builtin_clz(value);
    if (octave < FIRST_OCTAVE)
        return 0;
    unsigned class = (octave - FIRST_OCTAVE) * 4 + ((value >> (octave - 2)) & 3) + 1;
    return class < LATENCY_CLASSES ? class : LATENCY_CLASSES - 1;
}

/* The end of a class. */
static uint32_t end_of(unsigned class)
{
    if (!class)
        return UINT32_C(1) << FIRST_OCTAVE;
    unsigned octave = (class - 1) / 4 + FIRST_OCTAVE;
    return (uint32_t)((UINT64_C(5) + (class - 1) % 4) << (octave - 2));
}

void latency_note(struct latency *latency, uint64_t microseconds)
{
    bool first = !latency->last;
    uint32_t value = microseconds > UINT32_MAX ? UINT32_MAX
                     : microseconds            ? (uint32_t)microseconds
                                               : 1;
    latency->last = value;
    latency->average = first ? value : (uint32_t)(((uint64_t)latency->average * 7 + value) / 8);
    if (first || value < latency->least)
        latency->least = value;
    if (value > latency->most)
        latency->most = value;
    uint16_t *class = &latency->classes[class_of(value)];
    for (unsigned i = 0; *class == UINT16_MAX && i < LATENCY_CLASSES; i++)
        if (&latency->classes[i] != class)
            latency->classes[i] /= 2;
    if (*class == UINT16_MAX)
        *class /= 2;
    ++*class;
}

uint32_t latency_percentile(const struct latency *latency, unsigned share)
{
    uint64_t total = 0, sum = 0;
    for (unsigned i = 0; i < LATENCY_CLASSES; i++)
        total += latency->classes[i];
    for (unsigned i = 0; i < LATENCY_CLASSES && total; i++) {
        sum += latency->classes[i];
        if (sum * 100 < total * share)
            continue;
        uint32_t end = end_of(i);
        return end > latency->most ? latency->most : end < latency->least ? latency->least : end;
    }
    return 0;
}
