/*
 * outcomes.c - random programs on both engines: outcomes-sim and outcomes-threads are this file,
 * with either library. See tests/outcomes.sh.
 *
 *     outcomes-sim [--from=SEED] [--programs=N] [--runs=N] [--mutant=NAME]
 *         writes every outcome of the first N programs that are small enough to be explored whole:
 *         what dpor finds, and what N random runs find besides, to standard output
 *     outcomes-sim --shared [--from=SEED] [--programs=N]
 *     outcomes-sim --shards [--from=SEED] [--programs=N]
 *     outcomes-sim --graphs [--from=SEED] [--programs=N]
 *         explores each program with dpor by itself, then with runs given out ahead as to several
 *         processes, as three shards that begin to share soon, or with dfs: do they find the same?
 *     outcomes-threads [--runs=N] [--mutant=NAME] FILE
 *         runs the programs of such a file N times with one worker and N times with two, and finds
 *         each outcome in it
 *     outcomes-threads --histories [--from=SEED] [--programs=N] [--runs=N]
 *         looks at histories alone
 *     outcomes-... --show=SEED
 *         writes the program
 *
 * Both hold every history of calls on channels against the specification. The exit status is 1
 * where something does not fit, or dpor has missed an outcome, which is told on standard output,
 * with the program. Standard error has the reports of the last deadlock.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pirn.h>

#include "tests/spec.h"

#if PIRN_SIMULATED
#define SIMULATED 1
#include <pirn-sim.h>

#include "lib/core/config.h"
#include "sim/explore.h"
#include "sim/strategies.h"
#else
#define SIMULATED 0
#endif

/* Programs with more classes of schedules than that are left out; beside dfs, with more schedules. */
enum { MOST_RUNS = 1500, MOST_SCHEDULES = 5000, MOST_OUTCOMES = 10000 };

/* After so many programs that do not fit there is no need for more. */
enum { MOST_MISFITS = 20 };

static const struct mutant {
    const char *name;
    enum player_mutant player;
    enum spec_mutant spec;
} mutants[] = {
    {"value", PLAYS_VALUE, SPEC_RIGHT},       {"capacity", PLAYS_CAPACITY, SPEC_RIGHT},
    {"unlocked", PLAYS_UNLOCKED, SPEC_RIGHT}, {"swapped", PLAYS_SWAPPED, SPEC_RIGHT},
    {"stack", PLAYS_WELL, SPEC_STACK},        {"discard", PLAYS_WELL, SPEC_DISCARD},
    {"open", PLAYS_WELL, SPEC_OPEN},          {"last", PLAYS_WELL, SPEC_LAST},
    {"eager", PLAYS_WELL, SPEC_EAGER},
};

static struct arguments {
    uint64_t from, programs, runs, show;
    bool histories, shared, shards, graphs;
    const char *file;
} arguments = {.from = 1, .programs = 300, .runs = SIMULATED ? 500 : 20};

/* What is known of the program at hand. */
static struct program program;
static struct outcome {
    char text[OUTCOME_ROOM];
    bool seen;
} * outcomes;
static int count;

static uint64_t misfits, runs;

_Noreturn static void give_up(const char *why) {
    printf("outcomes: %s\n", why);
    exit(3);
}

static void misfit(const char *what, const char *outcome, const struct history *history) {
    if (++misfits > MOST_MISFITS) return;
    printf("# %s: %" PRIu64 "%s\n", what, program.seed, outcome);
    play_print(&program, stdout);
    spec_print(history, stdout);
}

static struct outcome *find(const char *text) {
    for (int i = 0; i < count; i++)
        if (strcmp(outcomes[i].text, text) == 0) return &outcomes[i];
    return NULL;
}

/* Looks at the run that is over. Returns its outcome, in a buffer that is used again. */
static const char *look(void) {
    static char text[OUTCOME_ROOM];
    struct history history;
    int rc;

    runs++;
    play_outcome(text);
    play_history(&history);
    rc = spec_explains(&history);
    if (rc < 0) give_up(strerror(-rc));
    if (rc == 0) misfit("not linearizable", text, &history);
    return text;
}

static uint64_t number(const char *text) {
    char *rest;
    uint64_t value = strtoull(text, &rest, 10);
    if (*text < '0' || *text > '9' || *rest) give_up("that is no number");
    return value;
}

static void mutate(const char *name) {
    for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++)
        if (strcmp(mutants[i].name, name) == 0) {
            player_mutant = mutants[i].player;
            spec_mutant = mutants[i].spec;
            return;
        }
    give_up("there is no such mutant");
}

static void parse(int argc, char **argv) {
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'}, {"programs", required_argument, NULL, 'p'},
        {"runs", required_argument, NULL, 'r'}, {"mutant", required_argument, NULL, 'm'},
        {"show", required_argument, NULL, 's'}, {"histories", no_argument, NULL, 'h'},
        {"shared", no_argument, NULL, 'a'},     {"shards", no_argument, NULL, 'd'},
        {"graphs", no_argument, NULL, 'g'},     {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'f')
            arguments.from = number(optarg);
        else if (option == 'p')
            arguments.programs = number(optarg);
        else if (option == 'r')
            arguments.runs = number(optarg);
        else if (option == 'm')
            mutate(optarg);
        else if (option == 's')
            arguments.show = number(optarg);
        else if (option == 'h')
            arguments.histories = true;
        else if (option == 'a')
            arguments.shared = true;
        else if (option == 'd')
            arguments.shards = true;
        else if (option == 'g')
            arguments.graphs = true;
        else
            give_up("see the beginning of tests/outcomes.c");
    }
    arguments.file = argv[optind];
}

#if PIRN_SIMULATED

static uint64_t lost;   /* runs that dpor could not make as it had planned */
static uint64_t missed; /* programs with outcomes that it has not found */

static void keep(void) {
    const char *text = look();
    if (find(text)) return;
    if (count == MOST_OUTCOMES) give_up("too many outcomes");
    snprintf(outcomes[count++].text, OUTCOME_ROOM, "%s", text);
}

/* One run, from outside; dpor leaves those that turn out to be nothing new before their end. */
static int perform(struct exploration *exploration, struct strategy *strategy) {
    const struct log *log = exploration->log;
    int rc;

    strategy->begin(strategy, log->seed);
    rc = sim_run(exploration->context, play_main, &program, exploration->log, strategy,
                 &exploration->run);
    if (rc) return rc;
    exploration->log->finished = true;
    if (log->outcome == PIRN_DIVERGED) lost++;
    if (log->cut || log->outcome == PIRN_DIVERGED) return 0;
    if (log->outcome != PIRN_OK && log->outcome != PIRN_DEADLOCK) give_up(log->message);
    keep();
    return 0;
}

/* How a search is shared, and how many graphs it has come to. */
static struct share share;
static uint64_t graphs;

/* Returns whether the strategy has seen all there is. */
static bool explore_with(struct strategy *strategy, uint64_t most) {
    static struct exploration exploration;
    pirn_config config;
    bool all;
    int rc = config_resolve(NULL, &config);

    if (rc) give_up(strerror(-rc));
    exploration = (struct exploration){
        .strategy = strategy,
        .run = {.max_steps = MAX_STEPS,
                .allow = PIRN_ALLOW_SEND_ON_CLOSED | PIRN_ALLOW_DOUBLE_CLOSE},
        .seed = 1,
        .runs = most,
        .share = share,
        .keep_going = true,
        .perform = perform,
        .context = &config,
    };
    if (explore(&exploration)) give_up(exploration.message);
    all = exploration.exhausted;
    graphs = exploration.distinct;
    explore_end(&exploration);
    return all;
}

/* dpor with as many runs given out as there are, up to PARTS; they are made in that order. */
enum { PARTS = 16, SHARDS = 3 };
static struct strategy dpor_by_parts;
static size_t parts[PARTS], first_part, part_count;

static void give_parts(struct strategy *strategy) {
    for (size_t at = 0; at < PARTS; at++) {
        bool given = false;
        for (size_t i = 0; i < part_count; i++) given |= parts[(first_part + i) % PARTS] == at;
        if (given) continue;
        if (!strategy_find("dpor")->give(strategy, at)) break;
        parts[(first_part + part_count++) % PARTS] = at;
    }
    if (part_count) strategy_find("dpor")->turn_to(strategy, parts[first_part]);
}

static int open_parts(struct strategy *strategy, const struct search_request *request) {
    int rc = strategy_find("dpor")->open(strategy, request);
    if (!rc) rc = strategy_find("dpor")->share(strategy, PARTS);
    part_count = 0;
    if (!rc) give_parts(strategy);
    return rc;
}

static unsigned take_part(struct strategy *strategy, const struct log *log) {
    unsigned found = strategy_find("dpor")->next(strategy, log);
    first_part = (first_part + 1) % PARTS;
    part_count--;
    give_parts(strategy);
    return found;
}

static uint64_t differences;

static void differ(const char *how, uint64_t alone, uint64_t shared) {
    if (alone == shared) return;
    printf("# %s: %" PRIu64 ", not %" PRIu64 "\n", how, shared, alone);
    play_print(&program, stdout);
    differences++;
}

static void compare_parts(uint64_t few) {
    explore_with(&dpor_by_parts, 0);
    differ("graphs of runs given out ahead", few, graphs);
}

static void compare_shards(int alone) {
    count = 0;
    share.shards = SHARDS;
    share.branches = 1;
    for (share.shard = 1; share.shard <= SHARDS; share.shard++)
        explore_with(strategy_find("dpor"), 0);
    share = (struct share){0};
    differ("outcomes of shards", (uint64_t)alone, (uint64_t)count);
}

/* Returns false where there are too many schedules to make them all. */
static bool compare_graphs(uint64_t few) {
    if (!explore_with(strategy_find("dfs"), MOST_SCHEDULES)) return false;
    differ("graphs of dpor", graphs, few);
    return true;
}

static void work_compared(void) {
    uint64_t made = 0;
    dpor_by_parts = *strategy_find("dpor");
    dpor_by_parts.open = open_parts;
    dpor_by_parts.next = take_part;
    for (uint64_t seed = arguments.from; made < arguments.programs; seed++) {
        play_make(&program, seed);
        count = 0;
        if (!explore_with(strategy_find("dpor"), MOST_RUNS)) continue;
        if (arguments.graphs && !compare_graphs(graphs)) continue;
        if (arguments.shared) compare_parts(graphs);
        if (arguments.shards) compare_shards(count);
        made++;
    }
    printf("# %" PRIu64 " programs, %" PRIu64 " differences\n", made, differences);
}

static void work(void) {
    uint64_t made = 0, all = 0, left_out = 0;

    if (arguments.shared || arguments.shards || arguments.graphs) {
        work_compared();
        return;
    }

    for (uint64_t seed = arguments.from; made < arguments.programs; seed++) {
        int covered;
        play_make(&program, seed);
        count = 0;
        if (!explore_with(strategy_find("dpor"), MOST_RUNS)) {
            left_out++;
            continue;
        }
        /* Chance must not find what dpor has not. */
        covered = count;
        explore_with(strategy_find("random"), arguments.runs);
        for (int i = covered; i < count; i++) printf("# missed by dpor: %s\n", outcomes[i].text);
        if (count > covered) play_print(&program, stdout);
        missed += count > covered;
        made++;
        all += (uint64_t)count;
        for (int i = 0; i < count; i++) printf("%" PRIu64 "%s\n", seed, outcomes[i].text);
    }
    printf("# %" PRIu64 " programs, %" PRIu64 " left out; %" PRIu64 " outcomes, %" PRIu64
           " runs; dpor lost its way %" PRIu64 " times and missed outcomes of %" PRIu64
           " programs; %" PRIu64 " misfits\n",
           made, left_out, all, runs, lost, missed, misfits);
}

#else

static void run_once(int workers, uint64_t delays) {
    pirn_config config = {.workers = workers};
    struct outcome *outcome;
    const char *text;
    int rc;

    /* Standard error may be a file, for the sake of what comes last. */
    if (lseek(STDERR_FILENO, 0, SEEK_END) > 0 && ftruncate(STDERR_FILENO, 0) == 0)
        lseek(STDERR_FILENO, 0, SEEK_SET);
    dprintf(STDERR_FILENO, "program %" PRIu64 ", %d workers, delays %" PRIu64 "\n", program.seed,
            workers, delays);
    play_delays = delays;
    rc = pirn_run(&config, play_main, &program);
    if (rc && rc != -EDEADLK) give_up(strerror(-rc));
    text = look();
    outcome = find(text);
    if (outcome)
        outcome->seen = true;
    else if (!arguments.histories) {
        struct history history;
        play_history(&history);
        misfit("no outcome of the simulator's", text, &history);
    }
}

/* Runs a program of which all outcomes are known, and returns how many have been seen. */
static uint64_t compare(void) {
    uint64_t seen = 0;
    for (uint64_t i = 1; i <= arguments.runs; i++)
        for (int workers = 1; workers <= 2; workers++)
            run_once(workers, (program.seed << 20) + 2 * i + (uint64_t)workers);
    for (int i = 0; i < count; i++) seen += outcomes[i].seen;
    return seen;
}

static uint64_t compare_all(FILE *file, uint64_t *all, uint64_t *seen) {
    char line[OUTCOME_ROOM + 32], *text;
    uint64_t programs = 0;
    bool more = true;

    for (program.seed = 0; more;) {
        more = fgets(line, sizeof line, file) != NULL;
        uint64_t seed = more && *line != '#' ? strtoull(line, &text, 10) : 0;
        if (seed != program.seed) {
            if (program.seed) *seen += compare(), programs++;
            count = 0;
            if (seed) play_make(&program, seed);
        }
        program.seed = seed;
        if (!seed) continue;
        if (count == MOST_OUTCOMES) give_up("too many outcomes");
        text[strcspn(text, "\n")] = '\0';
        snprintf(outcomes[count].text, OUTCOME_ROOM, "%s", text);
        outcomes[count++].seen = false;
        ++*all;
    }
    return programs;
}

static void work(void) {
    uint64_t programs = 0, all = 0, seen = 0;

    if (arguments.histories) {
        for (; programs < arguments.programs; programs++) {
            play_make(&program, arguments.from + programs);
            compare();
        }
        printf("# %" PRIu64 " programs, %" PRIu64 " runs, %" PRIu64 " misfits\n", programs, runs,
               misfits);
        return;
    }
    FILE *file = arguments.file ? fopen(arguments.file, "r") : NULL;
    if (!file) give_up("which outcomes are there? Name a file that can be read");
    programs = compare_all(file, &all, &seen);
    fclose(file);
    if (!programs) give_up("there is no program in the file");
    printf("# %" PRIu64 " programs, %" PRIu64 " runs; %" PRIu64 " of %" PRIu64
           " outcomes seen (%.1f %%), %" PRIu64 " misfits\n",
           programs, runs, seen, all, 100.0 * (double)seen / (double)all, misfits);
}

#endif

int main(int argc, char **argv) {
    parse(argc, argv);
    outcomes = calloc(MOST_OUTCOMES, sizeof *outcomes);
    if (!outcomes) give_up("memory is short");
    if (arguments.show) {
        play_make(&program, arguments.show);
        play_print(&program, stdout);
    } else
        work();
    free(outcomes);
#if PIRN_SIMULATED
    return misfits || lost || missed || differences;
#else
    return misfits != 0;
#endif
}
