/*
 * test_libc.c - which bytes the functions of the C library read and write, as the race detector has
 * it, where `pirn cc` has them called in its place.
 *
 * Each case is a call on 16 bytes. For each byte another task has read it before, or written it: a
 * race is to be found where the call touches the byte, and nowhere else.
 */
#include <fcntl.h>
#include <unistd.h>
#include <wchar.h>

#include "tests/support.h"

#include "sim/race/libc.h"

enum { BYTES = 16 };

static char bytes[BYTES + 1];
static FILE *empty; /* at its end */
static int nothing = -1;

/* Bytes from one to another, that one excluded, as bits. */
#define FROM(first, end) (((1u << (end)) - 1) & ~((1u << (first)) - 1))

static void number(char *text) { check_equal(__wrap_strtol(text, NULL, 10), 123); }
static void number_and_end(char *text) {
    char *end;
    check_equal(__wrap_strtol(text, &end, 10), 123);
    check(end == text + 3);
}
static void long_number(char *text) { check_equal(__wrap_strtoll(text, NULL, 16), 0x123); }
static void unsigned_number(char *text) { check_equal(__wrap_strtoul(text, NULL, 10), 123); }
static void long_unsigned(char *text) { check_equal(__wrap_strtoull(text, NULL, 8), 0123); }
static void real_number(char *text) { check(__wrap_strtod(text, NULL) == 123); }
static void plain_number(char *text) { check_equal(__wrap_atoi(text), 123); }
static void plain_long(char *text) { check_equal(__wrap_atol(text), 123); }

static void first_word(char *text) {
    char *rest = NULL;
    check(__wrap_strtok_r(text, " ", &rest) == text);
    check(!strcmp(text, "one") && !strcmp(rest, "two"));
    text[3] = ' ';
}
static void last_word(char *text) {
    char *rest = text;
    check(__wrap_strtok_r(NULL, " ", &rest) == text + 1);
}
static void no_word(char *text) {
    char *rest = NULL;
    check(__wrap_strtok_r(text, " ", &rest) == NULL);
}

static void equal_text(char *text) { check_equal(__wrap_strcmp(text, "one"), 0); }
static void other_text(char *text) { check(__wrap_strcmp(text, "old") > 0); }
static void begins_alike(char *text) { check_equal(__wrap_strncmp(text, "onset", 2), 0); }
static void in_any_case(char *text) { check_equal(__wrap_strcasecmp(text, "oNe"), 0); }
static void beyond_letters(char *text) { check(__wrap_strcasecmp(text, "o[") != 0); }
static void begins_in_any_case(char *text) { check_equal(__wrap_strncasecmp(text, "ONSET", 2), 0); }
static void same_bytes(char *text) { check_equal(__wrap_memcmp(text, "one", 3), 0); }
static void other_bytes(char *text) { check(__wrap_bcmp(text, "on!!!!!!", 8) != 0); }
static void find_byte(char *text) { check(__wrap_memchr(text, 'e', 16) == text + 2); }
static void find_no_byte(char *text) { check(__wrap_memchr(text, 'x', 5) == NULL); }
static void find_letter(char *text) { check(__wrap_strchr(text, 'n') == text + 1); }
static void find_no_letter(char *text) { check(__wrap_strchr(text, 'x') == NULL); }
static void find_part(char *text) { check(__wrap_strstr(text, "ne") == text + 1); }
static void find_no_part(char *text) { check(__wrap_strstr(text, "nn") == NULL); }
static void length_of_some(char *text) { check_equal(__wrap_strnlen(text, 2), 2); }
static void length_of_all(char *text) { check_equal(__wrap_strnlen(text, 10), 3); }

static void print_all(char *to) { check_equal(__wrap_sprintf(to, "%d", 1234), 4); }
static void print_some(char *to) { check_equal(__wrap_snprintf(to, 3, "%d", 1234), 4); }
static void print_less(char *to) { check_equal(__wrap_snprintf(to, 9, "%d", 1234), 4); }
static void only_count(char *to) { check_equal(__wrap_snprintf(to, 0, "%d", 1234), 4); }
/* A character that no locale has. */
static void print_nothing(char *to) {
    check_equal(__wrap_sprintf(to, "%lc", (wint_t)0x7fffffff), -1);
    check_equal(__wrap_snprintf(to, 9, "%lc", (wint_t)0x7fffffff), -1);
    *to = '\0';
}

static void no_line(char *to) { check(__wrap_fgets(to, 9, empty) == NULL); }
static void no_items(char *to) { check_equal(__wrap_fread(to, 2, 4, empty), 0); }
static void no_bytes(char *to) { check_equal(__wrap_read(nothing, to, 9), 0); }
static void no_bytes_from(char *to) { check_equal(__wrap_pread(nothing, to, 9, 5), 0); }
static void cannot_read(char *to) { check_equal(__wrap_read(-1, to, 9), -1); }
static void cannot_read_from(char *to) { check_equal(__wrap_pread(-1, to, 9, 5), -1); }
static void copy_nothing(char *to) { check(__wrap_memcpy(to, bytes + 1, 0) == to); }

static const struct {
    const char *name, *content;
    void (*call)(char *at);
    unsigned reads, writes;
} cases[] = {
    {"strtol", "123 456", number, FROM(0, 4), 0},
    {"strtol with its end", "123 456", number_and_end, FROM(0, 4), 0},
    {"strtoll", "123 456", long_number, FROM(0, 4), 0},
    {"strtoul", "123 456", unsigned_number, FROM(0, 4), 0},
    {"strtoull", "123 456", long_unsigned, FROM(0, 4), 0},
    {"strtod", "123 456", real_number, FROM(0, 4), 0},
    {"atoi", "123 456", plain_number, FROM(0, 4), 0},
    {"atol", "123 456", plain_long, FROM(0, 4), 0},
    {"strtok_r", "one two", first_word, FROM(0, 4), FROM(3, 4)},
    {"strtok_r of the last", " one", last_word, FROM(0, 4), 0},
    {"strtok_r of nothing", "", no_word, FROM(0, 1), 0},
    {"strcmp of the same", "one", equal_text, FROM(0, 4), 0},
    {"strcmp of others", "one", other_text, FROM(0, 2), 0},
    {"strncmp", "one", begins_alike, FROM(0, 2), 0},
    {"strcasecmp of the same", "OnE", in_any_case, FROM(0, 4), 0},
    {"strcasecmp of others", "o{", beyond_letters, FROM(0, 2), 0},
    {"strncasecmp", "one", begins_in_any_case, FROM(0, 2), 0},
    {"memcmp", "one", same_bytes, FROM(0, 3), 0},
    {"bcmp", "one", other_bytes, FROM(0, 3), 0},
    {"memchr", "one", find_byte, FROM(0, 3), 0},
    {"memchr in vain", "one", find_no_byte, FROM(0, 5), 0},
    {"strchr", "one", find_letter, FROM(0, 2), 0},
    {"strchr in vain", "one", find_no_letter, FROM(0, 4), 0},
    {"strstr", "one two", find_part, FROM(0, 3), 0},
    {"strstr in vain", "one", find_no_part, FROM(0, 4), 0},
    {"strnlen of the beginning", "one", length_of_some, FROM(0, 2), 0},
    {"strnlen", "one", length_of_all, FROM(0, 4), 0},
    {"sprintf", "", print_all, 0, FROM(0, 5)},
    {"snprintf of too much", "", print_some, 0, FROM(0, 3)},
    {"snprintf", "", print_less, 0, FROM(0, 5)},
    {"snprintf into nothing", "", only_count, 0, 0},
    {"sprintf that fails", "", print_nothing, 0, 0},
    {"fgets at the end", "", no_line, 0, 0},
    {"fread at the end", "", no_items, 0, 0},
    {"read at the end", "", no_bytes, 0, 0},
    {"pread behind the end", "", no_bytes_from, 0, 0},
    {"read that fails", "", cannot_read, 0, 0},
    {"pread that fails", "", cannot_read_from, 0, 0},
    {"memcpy of nothing", "", copy_nothing, 0, 0},
};

struct meeting {
    size_t number, byte;
    bool written;
};

static void touch(void *arg) {
    const struct meeting *meeting = arg;
    if (meeting->written)
        pirn_note_write(&bytes[meeting->byte], 1);
    else
        pirn_note_read(&bytes[meeting->byte], 1);
}

static void make_call(void *arg) { cases[((const struct meeting *)arg)->number].call(bytes); }

static void meet(void *arg) {
    pirn_waitgroup both = {0};
    memset(bytes, 0, sizeof bytes);
    strcpy(bytes, cases[((const struct meeting *)arg)->number].content);
    check_equal(pirn_waitgroup_go(&both, touch, arg), 0);
    check_equal(pirn_waitgroup_go(&both, make_call, arg), 0);
    pirn_waitgroup_wait(&both);
}

static void check_meeting(struct meeting meeting) {
    unsigned reads = cases[meeting.number].reads, writes = cases[meeting.number].writes;
    bool races = (meeting.written ? reads | writes : writes) >> meeting.byte & 1;
    pirn_sim_options options = {.strategy = "fifo", .seed = 1, .runs = 1};
    pirn_sim_result result;
    check_equal(pirn_sim_explore(&options, meet, &meeting, &result), 0);
    if (!check_equal(result.outcome, races ? PIRN_RACE : PIRN_OK))
        fprintf(stderr, "%s, byte %zu %s: %s\n", cases[meeting.number].name, meeting.byte,
                meeting.written ? "written" : "read", result.message);
    pirn_sim_result_free(&result);
}

static void each_call_touches_what_it_does(void) {
    empty = fopen("/dev/null", "r");
    nothing = open("/dev/null", O_RDONLY);
    if (!check(empty && nothing >= 0)) abort();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t byte = 0; byte < BYTES; byte++)
            for (int written = 0; written < 2; written++)
                check_meeting((struct meeting){i, byte, written});
    fclose(empty);
    close(nothing);
    conclude("calls");
}

static const struct test tests[] = {TEST(each_call_touches_what_it_does)};

HARNESS(tests)
