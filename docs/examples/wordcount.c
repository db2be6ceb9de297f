/*
 * wordcount.c - counts the words in files, many at once, and prints those that are most frequent.
 *
 *     paths --> counters (-j of them) --> tables --> merged
 *
 * Usage: wordcount [-n WORDS] [-j TASKS] [-w WORKERS] FILE...
 *
 * A FILE that is a directory stands for all regular files in it and below. The disk is read
 * by pirn_block, so that a slow one holds up the task that waits for it, and no worker. Each
 * counter has a table of its own and shares nothing; what they found meets at the end, in a
 * channel. What is printed depends on the files alone: neither on the order in which they were
 * read nor on how many tasks and workers there were.
 *
 * A word is a run of ASCII letters and digits and of bytes beyond ASCII, so that a word in UTF-8
 * stays whole; upper case counts as lower case in ASCII alone. What cannot be read is said on
 * standard error, and the others are counted. Exit status: 0; 1 when something could not be read; 2
 * for bad usage.
 */
#include <pirn.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PORTION = 64 * 1024 }; /* bytes read at a time */

static long top = 10, counters = 8; /* -n, -j */
static char **arguments;
static pirn_chan *paths;  /* of char *, which the receiver frees */
static pirn_chan *tables; /* of struct table * */
static atomic_bool failed;

static void complain(const char *what, int error) {
    fprintf(stderr, "wordcount: %s: %s\n", what, strerror(error));
    atomic_store(&failed, true);
}

/* Without memory there is no count, and a wrong one is worse than none. */
static void *have(void *memory) {
    if (!memory) {
        fprintf(stderr, "wordcount: %s\n", strerror(ENOMEM));
        exit(1);
    }
    return memory;
}

/* ---- A table of words, hashed with open addressing; at most half of it is used ---- */

struct entry {
    char *word; /* NULL: free */
    uint64_t hash, count;
};

struct table {
    struct entry *entries;
    size_t used, size; /* the size is a power of two */
};

static struct table *table_new(void) {
    struct table *table = have(malloc(sizeof *table));
    *table = (struct table){.size = 1024};
    table->entries = have(calloc(table->size, sizeof *table->entries));
    return table;
}

static void table_free(struct table *table) {
    for (size_t i = 0; i < table->size; i++) free(table->entries[i].word);
    free(table->entries);
    free(table);
}

/* Returns where the word is, or where it would be. */
static struct entry *find(struct table *table, const char *word, uint64_t hash) {
    size_t i = hash & (table->size - 1);
    for (; table->entries[i].word; i = (i + 1) & (table->size - 1))
        if (table->entries[i].hash == hash && strcmp(table->entries[i].word, word) == 0) break;
    return &table->entries[i];
}

static void grow(struct table *table) {
    struct table old = *table;
    table->size *= 2;
    table->entries = have(calloc(table->size, sizeof *table->entries));
    for (size_t i = 0; i < old.size; i++)
        if (old.entries[i].word)
            *find(table, old.entries[i].word, old.entries[i].hash) = old.entries[i];
    free(old.entries);
}

static void add(struct table *table, const char *word, uint64_t hash, uint64_t count) {
    struct entry *entry = find(table, word, hash);
    if (!entry->word) {
        if (2 * table->used >= table->size) {
            grow(table);
            entry = find(table, word, hash);
        }
        *entry = (struct entry){.word = have(strdup(word)), .hash = hash};
        table->used++;
    }
    entry->count += count;
}

/* ---- Reading, on a thread that may wait for the disk ---- */

struct reading {
    const char *path;
    int fd; /* -1: not opened yet */
    int error;
    size_t size;
    bool end;
    char bytes[PORTION];
};

/* Reads the next portion; a small file is opened, read and closed in one call. */
static void read_portion(void *arg) {
    struct reading *reading = arg;
    ssize_t n = 1;

    reading->size = 0;
    if (reading->fd < 0) reading->fd = open(reading->path, O_RDONLY | O_CLOEXEC);
    while (reading->fd >= 0 && n > 0 && reading->size < PORTION) {
        n = read(reading->fd, reading->bytes + reading->size, PORTION - reading->size);
        if (n > 0) reading->size += (size_t)n;
        if (n < 0 && errno == EINTR) n = 1;
    }
    if (reading->fd < 0 || n < 0) reading->error = errno;
    reading->end = reading->fd < 0 || n <= 0;
    if (reading->end && reading->fd >= 0) close(reading->fd);
}

/* ---- Counting, in tasks ---- */

/* The word that is being read: it may go on in the next portion. */
struct word {
    char *text;
    size_t size, room;
    uint64_t hash; /* FNV-1a */
};

static const struct word no_word = {.hash = 0xcbf29ce484222325};

static void extend(struct word *word, unsigned char c) {
    if (word->size + 1 >= word->room) { /* there is always room for the NUL */
        word->room = word->room ? 2 * word->room : 64;
        word->text = have(realloc(word->text, word->room));
    }
    word->text[word->size++] = (char)c;
    word->hash = (word->hash ^ c) * 0x100000001b3;
}

static void finish(struct word *word, struct table *table) {
    if (word->size == 0) return;
    word->text[word->size] = '\0';
    add(table, word->text, word->hash, 1);
    word->size = 0;
    word->hash = no_word.hash;
}

static void count_file(struct reading *reading, struct table *table) {
    struct word word = no_word;
    int rc;

    reading->fd = -1;
    reading->error = 0;
    do {
        rc = pirn_block(read_portion, reading);
        if (rc) break; /* no thread to be had, so nothing was read */
        for (size_t i = 0; i < reading->size; i++) {
            unsigned char c = (unsigned char)reading->bytes[i];
            if (c >= 'A' && c <= 'Z') c = (unsigned char)(c - 'A' + 'a');
            if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80)
                extend(&word, c);
            else
                finish(&word, table);
        }
    } while (!reading->end);
    finish(&word, table);
    free(word.text);
    if (rc && reading->fd >= 0) close(reading->fd);
    if (rc || reading->error) complain(reading->path, rc ? -rc : reading->error);
}

/* Counts files as long as there are some, then hands over what it found. */
static void counter(void *arg) {
    struct table *table = table_new();
    struct reading *reading = have(malloc(sizeof *reading));
    char *path;

    (void)arg;
    while (pirn_recv(paths, &path) == 0) {
        reading->path = path;
        count_file(reading, table);
        free(path);
    }
    free(reading);
    pirn_send(tables, &table);
}

/* ---- Finding the files ---- */

struct walk {
    FTS *fts;
    char *path; /* of the next file; NULL: there are no more */
};

/* Goes on to the next file. A fifo or a device is read if it was named, not if it was found. */
static void next_file(void *arg) {
    struct walk *walk = arg;
    FTSENT *entry;

    walk->path = NULL;
    while (!walk->path && (errno = 0, entry = fts_read(walk->fts))) {
        switch (entry->fts_info) {
        case FTS_F:
            walk->path = have(strdup(entry->fts_path));
            break;
        case FTS_DEFAULT:
            if (entry->fts_level == FTS_ROOTLEVEL) walk->path = have(strdup(entry->fts_path));
            break;
        case FTS_DNR:
        case FTS_ERR:
        case FTS_NS:
            complain(entry->fts_path, entry->fts_errno);
            break;
        default:
            break;
        }
    }
    if (!walk->path && errno) complain("directories", errno);
}

static void send_paths(void *arg) {
    struct walk walk = {.fts =
                            fts_open(arguments, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL)};
    int rc;

    (void)arg;
    have(walk.fts);
    while ((rc = pirn_block(next_file, &walk)) == 0 && walk.path) pirn_send(paths, &walk.path);
    if (rc) complain("directories", -rc);
    fts_close(walk.fts);
    pirn_close(paths);
}

/* ---- The result ---- */

static int more_frequent(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return strcmp(x->word, y->word);
}

static void print(struct table *table) {
    size_t used = 0;
    for (size_t i = 0; i < table->size; i++)
        if (table->entries[i].word) {
            struct entry entry = table->entries[i];
            table->entries[i].word = NULL;
            table->entries[used++] = entry;
        }
    qsort(table->entries, used, sizeof *table->entries, more_frequent);
    for (size_t i = 0; i < used && (top == 0 || i < (size_t)top); i++)
        printf("%7llu %s\n", (unsigned long long)table->entries[i].count, table->entries[i].word);
}

static void wordcount(void *arg) {
    struct table *all = table_new(), *table;

    (void)arg;
    paths = have(pirn_chan_new(sizeof(char *), (size_t)counters));
    tables = have(pirn_chan_new(sizeof(struct table *), 0));
    pirn_label(paths, "paths");
    pirn_label(tables, "tables");
    for (long i = 0; i < counters; i++) have(pirn_go(counter, NULL) == 0 ? paths : NULL);
    have(pirn_go(send_paths, NULL) == 0 ? paths : NULL);

    for (long i = 0; i < counters; i++) {
        pirn_recv(tables, &table);
        for (size_t k = 0; k < table->size; k++) {
            struct entry *entry = &table->entries[k];
            if (entry->word) add(all, entry->word, entry->hash, entry->count);
        }
        table_free(table);
    }
    print(all);
    table_free(all);
    pirn_chan_unref(paths);
    pirn_chan_unref(tables);
}

static long number(const char *text, long least, long most) {
    char *end;
    long n = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && n >= least && n <= most ? n : -1;
}

int main(int argc, char **argv) {
    long workers = 0;
    pirn_config config = {0};
    bool usage = false;
    int option, rc;

    while ((option = getopt(argc, argv, "n:j:w:")) != -1) switch (option) {
        case 'n':
            usage |= (top = number(optarg, 0, 1000000000)) < 0;
            break;
        case 'j':
            usage |= (counters = number(optarg, 1, 1000)) < 0;
            break;
        case 'w':
            usage |= (workers = number(optarg, 1, 1024)) < 0;
            break;
        default:
            usage = true;
        }
    if (usage || optind == argc) {
        fprintf(stderr, "usage: wordcount [-n WORDS (0: all)] [-j TASKS] [-w WORKERS] FILE...\n");
        return 2;
    }
    arguments = argv + optind;
    config.workers = (int)workers;
    rc = pirn_run(&config, wordcount, NULL);
    if (rc) complain("run", -rc);
    if (fflush(stdout) || ferror(stdout)) complain("standard output", errno);
    return atomic_load(&failed);
}
