/* memory.c - which bytes an access touches, and whose they are. */
#include <stdio.h>

#include "races.h"

static pirn_mutex mutex;
ANEW(mutex)

/* ---- Bytes --------------------------------------------------------------------------------- */

char bytes[8];
TASK(write_byte_1) { bytes[1] = 1; }
TASK(write_byte_2) { bytes[2] = 2; }
TASK(write_all_bytes) { memset(bytes, 3, sizeof bytes); }
TASK(read_byte_7) { use(bytes[7]); }

CLEAN(adjacent_bytes) { both(write_byte_1, write_byte_2); }
RACE(same_byte) { both(write_byte_1, write_byte_1); }
RACE(byte_of_many) { both(write_all_bytes, read_byte_7); }

struct {
    int a : 4, b : 4;
    int : 0;
    int c : 4;
} fields;
TASK(write_field_a) { fields.a = 1; }
TASK(write_field_b) { fields.b = 1; }
TASK(write_field_c) { fields.c = 1; }
RACE(adjacent_fields) { both(write_field_a, write_field_b); }
CLEAN(parted_fields) { both(write_field_a, write_field_c); }

union {
    int whole;
    short halves[2];
} halves;
TASK(write_low_half) { halves.halves[0] = 1; }
TASK(write_high_half) { halves.halves[1] = 1; }
TASK(write_whole) { halves.whole = 1; }
CLEAN(two_halves) { both(write_low_half, write_high_half); }
RACE(half_and_whole) { both(write_whole, write_high_half); }

struct __attribute__((packed)) {
    char pad;
    int value;
    char next;
} packed;
TASK(write_unaligned) { packed.value = 1; }
TASK(write_behind) { packed.next = 1; }
TASK(read_pad) { use(packed.pad); }
TASK(read_unaligned) { use(packed.value); }
CLEAN(beside_unaligned) { all_three(write_unaligned, write_behind, read_pad); }
RACE(unaligned) { both(write_unaligned, read_unaligned); }

volatile int looked_at;
TASK(write_volatile) { looked_at = 1; }
TASK(read_volatile) { use(looked_at); }
RACE(volatile_is_plain) { both(write_volatile, read_volatile); }

double numbers[4];
TASK(write_double) { numbers[1] = 1; }
TASK(read_next_double) { use((long)numbers[2]); }
TASK(read_double) { use((long)numbers[1]); }
CLEAN(next_double) { both(write_double, read_next_double); }
RACE(same_double) { both(write_double, read_double); }

/* ---- Copies -------------------------------------------------------------------------------- */

struct big {
    int head;
    char body[96];
    int tail;
};
struct big source, target;
TASK(copy_struct) { target = source; }
TASK(write_source_tail) { source.tail = 1; }
TASK(write_target_head) { target.head = 1; }
TASK(copy_half) { memcpy(&target, &source, offsetof(struct big, tail)); }
TASK(move_body) { memmove(target.body, target.body + 1, 16); }
TASK(read_body) { use(target.body[16]); }
TASK(read_behind_body) { use(target.body[17]); }
RACE(struct_copy_reads) { both(copy_struct, write_source_tail); }
RACE(struct_copy_writes) { both(copy_struct, write_target_head); }
RACE(memcpy_writes) { both(copy_half, write_target_head); }
CLEAN(memcpy_of_a_part) { both(copy_half, write_source_tail); }
RACE(memmove_reads) {
    memset(&target, 0, sizeof target);
    both(move_body, write_target_head); /* no race: another part */
    both(move_body, copy_struct);
}
CLEAN(memmove_of_a_part) { all_three(move_body, read_behind_body, write_target_head); }
CLEAN(memmove_reads_alike) { both(read_body, read_behind_body); }

static char text[32], words[32];
TASK(copy_text) { strcpy(words, text); }
TASK(change_text_end) { text[5] = '!'; }
TASK(change_behind_text) { text[20] = '!'; }
TASK(measure_text) { use((long)strlen(text)); }
RACE(strcpy_reads_the_end) {
    strcpy(text, "hello");
    both(copy_text, change_text_end);
}
CLEAN(strcpy_reads_no_more) {
    strcpy(text, "hello");
    both(copy_text, change_behind_text);
}
RACE(strlen_reads_the_end) {
    strcpy(text, "hello");
    both(measure_text, change_text_end);
}
TASK(print_text) { snprintf(words, sizeof words, "%d", 42); }
TASK(read_word) { use(words[1]); }
TASK(read_behind_word) { use(words[9]); }
RACE(snprintf_writes) { both(print_text, read_word); }
CLEAN(snprintf_writes_no_more) { both(print_text, read_behind_word); }

int sorted[64];
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
TASK(sort_lower) { qsort(sorted, 32, sizeof *sorted, compare); }
TASK(sort_upper) { qsort(sorted + 32, 32, sizeof *sorted, compare); }
TASK(sort_middle) { qsort(sorted + 31, 2, sizeof *sorted, compare); }
CLEAN(sorting_halves) {
    for (int i = 0; i < 64; i++) sorted[i] = 64 - i;
    both(sort_lower, sort_upper);
}
RACE(sorting_overlapping) {
    for (int i = 0; i < 64; i++) sorted[i] = 64 - i;
    both(sort_lower, sort_middle);
}

/* ---- The heap ------------------------------------------------------------------------------ */

static int *block;
TASK(use_block) { *block = 2; }
TASK(free_block) { free(block); }
TASK(use_block_locked) {
    pirn_mutex_lock(&mutex);
    if (block) *block = 2;
    pirn_mutex_unlock(&mutex);
}
TASK(free_block_locked) {
    pirn_mutex_lock(&mutex);
    free(block);
    block = NULL;
    pirn_mutex_unlock(&mutex);
}
CLEAN(freeing_in_turn) {
    block = malloc(sizeof *block);
    both(use_block_locked, free_block_locked);
}
/* The access comes first: whether it does is the scheduler's choice, and then nothing is lost. */
static atomic_int used;
TASK(use_block_first) {
    *block = 2;
    atomic_store_explicit(&used, 1, memory_order_relaxed);
}
TASK(free_block_second) {
    while (!atomic_load_explicit(&used, memory_order_relaxed)) pirn_yield();
    free(block);
}
TASK(use_block_first_and_release) {
    *block = 2;
    atomic_store_explicit(&used, 1, memory_order_release);
}
TASK(free_block_after_acquire) {
    while (!atomic_load_explicit(&used, memory_order_acquire)) pirn_yield();
    free(block);
}
RACE(free_races_with_write) {
    block = malloc(sizeof *block);
    atomic_store(&used, 0);
    both(use_block_first, free_block_second);
}
CLEAN(free_after_acquire) {
    block = malloc(sizeof *block);
    atomic_store(&used, 0);
    both(use_block_first_and_release, free_block_after_acquire);
}
MISUSE(use_after_free) {
    block = malloc(sizeof *block);
    free(block);
    *block = 1;
}
MISUSE(use_after_free_by_another) {
    block = malloc(sizeof *block);
    free(block);
    pirn_go(use_block, NULL);
}
MISUSE(double_free) {
    block = malloc(sizeof *block);
    free_block(NULL);
    free_block(NULL);
}
CLEAN(malloc_here_free_there) {
    block = malloc(sizeof *block);
    *block = 1;
    pirn_go(free_block, NULL);
}

/* Memory that is freed and allocated again has no past. */
TASK(allocate_and_write) {
    for (int i = 0; i < 8; i++) {
        char *memory = malloc(40);
        memset(memory, i, 40);
        free(memory);
    }
}
TASK(grow_and_write) {
    int *memory = NULL;
    for (int i = 1; i < 8; i++) {
        memory = realloc(memory, (size_t)i * 16);
        memory[0] = i;
    }
    free(memory);
    free(strdup("text"));
}
CLEAN(heap_reuse) { all_three(allocate_and_write, allocate_and_write, grow_and_write); }

/* ---- Stacks and thread-locals -------------------------------------------------------------- */

TASK(write_own_stack) {
    volatile int own[16];
    for (int i = 0; i < 16; i++) own[i] = i;
    use(own[3]);
}
CLEAN(stack_reuse) {
    for (int i = 0; i < 6; i++) {
        pirn_go(write_own_stack, NULL);
        pirn_yield();
    }
}
TASK(write_through) { *(int *)arg = 1; }
RACE(stack_shared) {
    int mine = 0;
    pirn_go(write_through, &mine);
    mine = 2;
    use(mine);
    pirn_sleep(PIRN_MSEC);
}
CLEAN(stack_shared_in_turn) {
    int mine = 0;
    pirn_waitgroup group = {0};
    pirn_waitgroup_go(&group, write_through, &mine);
    pirn_waitgroup_wait(&group);
    mine = 2;
    use(mine);
}
TASK(write_copy) { ++*(int *)arg; }
CLEAN(copies_of_arguments) {
    for (int i = 0; i < 4; i++) {
        pirn_go_copy(write_copy, &i, sizeof i);
        pirn_yield();
    }
}
static _Thread_local int of_thread;
TASK(write_thread_local) { of_thread++; }
CLEAN(thread_local_storage) { both(write_thread_local, write_thread_local); }

/* ---- Many ---------------------------------------------------------------------------------- */

/* Two reads that nothing orders, then a write that only one of them is ordered before. */
static int shared;
static pirn_chan *first_done;
TASK(read_and_tell) {
    use(shared);
    pirn_send(first_done, NULL);
}
TASK(read_and_tell_nobody) { use(shared); }
TASK(wait_and_write) {
    pirn_recv(first_done, NULL);
    shared = 1;
}
TASK(wait_twice_and_write) {
    pirn_recv(first_done, NULL);
    pirn_recv(first_done, NULL);
    shared = 1;
}
RACE(read_set_one_ordered) {
    first_done = pirn_chan_new(0, 2);
    all_three(read_and_tell, read_and_tell_nobody, wait_and_write);
    pirn_chan_unref(first_done);
}
CLEAN(read_set_both_ordered) {
    first_done = pirn_chan_new(0, 2);
    all_three(read_and_tell, read_and_tell, wait_twice_and_write);
    pirn_chan_unref(first_done);
}
