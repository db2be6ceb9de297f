/* outcome.c - the words for how a run ended. */
#include "lib/core/engine.h"
#include "sim/pirn-sim.h"

static const char *const outcome_names[] = {"ok",       "deadlock", "leak",    "race",
                                            "panic",    "misuse",   "crash",   "exit",
                                            "livelock", "timeout",  "diverged"};

EXPORT const char *pirn_outcome_name(pirn_outcome outcome) {
    return (unsigned)outcome < sizeof outcome_names / sizeof *outcome_names ? outcome_names[outcome]
                                                                            : "unknown";
}
