/* table.c - see compare.h. */
#include "tests/bench/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Statistics ---------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double series_median(const struct series *series) {
    double sorted[MOST_RUNS];
    int half = series->runs / 2;

    memcpy(sorted, series->value, (size_t)series->runs * sizeof *sorted);
    qsort(sorted, (size_t)series->runs, sizeof *sorted, by_value);
    return series->runs % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double series_best(const struct series *series, bool more_is_better) {
    double best = series->value[0];
    for (int i = 1; i < series->runs; i++)
        if (more_is_better ? series->value[i] > best : series->value[i] < best)
            best = series->value[i];
    return best;
}

/* Below 1 when ours is better. */
static double ratio(double ours, double peer, bool more_is_better) {
    return more_is_better ? peer / ours : ours / peer;
}

double table_ratio(const struct line *line) {
    bool more = line->row->more_is_better;
    return ratio(series_median(line->ours), series_median(line->peer), more);
}

/* ---- The table ----------------------------------------------------------------------------- */

enum { SPREAD = 9, OTHERS, PEER_NAME, COLUMNS };

static const struct column {
    const char *name;
    int width; /* negative: to the left */
    bool of_peers;
} columns[COLUMNS] = {
    {"row", -17, false},           {"workers", 7, false},      {"unit", -14, false},
    {"ours median", 11, false},    {"ours best", 9, false},    {"%s median", 10, true},
    {"%s best", 10, true},         {"ratio median", 12, true}, {"ratio best", 10, true},
    {"ratios of runs", -14, true}, {"others", 7, false},       {"%s", -1, true},
};

static bool is_shown(const struct table *table, int column) {
    if (column == PEER_NAME) return table->name_peer;
    if (column == SPREAD) return table->spread;
    return table->ratios || !columns[column].of_peers;
}

static void print_cells(const struct table *table, char cells[COLUMNS][CELL]) {
    const char *before = table->markdown ? "| " : "";
    for (int i = 0; i < COLUMNS; i++) {
        if (!is_shown(table, i)) continue;
        fprintf(table->out, "%s%*s", before, columns[i].width, cells[i]);
        before = table->markdown ? " | " : "  ";
    }
    fputs(table->markdown ? " |\n" : "\n", table->out);
    fflush(table->out);
}

void table_head(const struct table *table) {
    char cells[COLUMNS][CELL];

    for (int i = 0; i < COLUMNS; i++) snprintf(cells[i], CELL, columns[i].name, table->peers);
    print_cells(table, cells);
    if (!table->markdown) return;
    for (int i = 0; i < COLUMNS; i++)
        snprintf(cells[i], CELL, "%s", columns[i].width < 0 ? "---" : "---:");
    print_cells(table, cells);
}

/* Three digits, but no zeroes in place of digits. */
static void print_value(char cell[CELL], double value) {
    snprintf(cell, CELL, "%.*f", value < 10 ? 2 : value < 100 ? 1 : 0, value);
}

/* Two digits behind the point, or two that are not zero where six show them. */
static void print_ratio(char cell[CELL], double ratio) {
    int digits = 2;
    for (double r = ratio; r < 0.1 && digits < 6; r *= 10) digits++;
    snprintf(cell, CELL, "%.*f", digits, ratio);
}

/* Run by run: ours and the peer's were one after the other. */
static void print_spread(char cell[CELL], const struct line *line) {
    const struct series *ours = line->ours, *peer = line->peer;
    double least = 0, most = 0;

    for (int i = 0; i < ours->runs && i < peer->runs; i++) {
        double r = ratio(ours->value[i], peer->value[i], line->row->more_is_better);
        if (i == 0 || r < least) least = r;
        if (i == 0 || r > most) most = r;
    }
    char from[CELL], to[CELL];
    print_ratio(from, least);
    print_ratio(to, most);
    snprintf(cell, CELL, "%.9s to %.9s", from, to);
}

void table_line(const struct table *table, const struct line *line) {
    bool more = line->row->more_is_better;
    double median = series_median(line->ours), best = series_best(line->ours, more);
    char cells[COLUMNS][CELL];

    snprintf(cells[0], CELL, "%s", line->row->name);
    snprintf(cells[1], CELL, "%d", line->workers);
    snprintf(cells[2], CELL, "%s", line->row->unit);
    print_value(cells[3], median);
    print_value(cells[4], best);
    for (int i = 5; i < OTHERS; i++) *cells[i] = '\0';
    if (line->peer) {
        double peer_median = series_median(line->peer), peer_best = series_best(line->peer, more);
        print_value(cells[5], peer_median);
        print_value(cells[6], peer_best);
        print_ratio(cells[7], table_ratio(line));
        print_ratio(cells[8], ratio(best, peer_best, more));
        print_spread(cells[SPREAD], line);
    }
    snprintf(cells[OTHERS], CELL, "%s%.0f %%", line->others > TABLE_DISTURBED ? "! " : "",
             100 * line->others);
    snprintf(cells[PEER_NAME], CELL, "%.*s", CELL - 1, line->peer ? line->peer_name : "");
    print_cells(table, cells);
}

void table_foot(const struct table *table) {
    if (table->ratios)
        fprintf(table->out,
                "\nA ratio below 1 says that ours is better: ours/%s, or %s/ours of what is better "
                "when more.\n",
                table->peers, table->peers);
    fprintf(table->out,
            "%sOthers: the share of the machine that other processes had meanwhile; ! above %.0f "
            "%%.\n",
            table->ratios ? "" : "\n", 100 * TABLE_DISTURBED);
}

/* ---- Into a document ----------------------------------------------------------------------- */

static char *read_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) die(1, "%s: %s", path, strerror(errno));
    char *text = machine_read(fd);
    close(fd);
    return text;
}

void table_insert(const char *path, const char *name, const char *text) {
    char begin_mark[64], end_mark[64], new_path[4096];
    char *old = read_file(path), *begin, *end;

    snprintf(begin_mark, sizeof begin_mark, "<!-- make %s: begin -->\n", name);
    snprintf(end_mark, sizeof end_mark, "<!-- make %s: end -->\n", name);
    begin = strstr(old, begin_mark);
    end = begin ? strstr(begin, end_mark) : NULL;
    if (!end) die(1, "%s has no lines that mark the beginning and end of make %s", path, name);
    begin += strlen(begin_mark);
    snprintf(new_path, sizeof new_path, "%s.new", path);
    FILE *f = fopen(new_path, "w");
    if (!f) die(1, "%s: %s", new_path, strerror(errno));
    fprintf(f, "%.*s\n%s\n%s", (int)(begin - old), old, text, end);
    if (fclose(f) != 0 || rename(new_path, path) != 0) die(1, "%s: %s", path, strerror(errno));
    free(old);
}
