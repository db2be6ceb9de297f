/* certainty.c - see certainty.h. */
#include "viz/certainty.h"

#include "viz/label.h"

static void add_step(struct tool_text *out, const struct trace_run *run, int64_t step) {
    size_t event = (size_t)step - 1;
    tool_text_addf(out, "step %lld", (long long)step);
    if (event >= run->event_count) return;
    tool_text_add(out, " (");
    if (run->events[event].task != TRACE_NONE) {
        label_task(out, run, run->events[event].task);
        tool_text_add(out, ": ");
    }
    label_event(out, run, event);
    tool_text_add(out, " at ");
    label_place(out, run, event);
    tool_text_add(out, ")");
}

void certainty_tell(struct tool_text *out, const struct trace_run *run) {
    const struct trace_certainty *certainty = &run->certainty;
    long long samples = certainty->samples;
    if (samples == 0) return;
    if (certainty->step == 0) {
        tool_text_addf(out,
                       "\nIt was certain from the beginning: %lld of %lld random runs end so.\n",
                       samples, samples);
        return;
    }
    tool_text_add(out, "\nIt became certain with ");
    add_step(out, run, certainty->step);
    tool_text_addf(out,
                   ".\nOf %lld random continuations from there all end so, from one step earlier "
                   "%lld.\n",
                   samples, (long long)certainty->before);
}
