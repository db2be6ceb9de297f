/* values.c - what is read and written on behalf of a task: values that it sends and receives, by a
 * select as well, the buffers of reads and writes of descriptors, arguments that are copied. */
#include <unistd.h>

#include "races.h"

static int value, other;
static pirn_chan *first, *second, *done;

static void with_channels(size_t capacity, pirn_fn *one, pirn_fn *another) {
    first = pirn_chan_new(sizeof(int), capacity);
    second = pirn_chan_new(sizeof(int), 0);
    done = pirn_chan_new(sizeof(int), 1);
    value = other = 0;
    both(one, another);
    pirn_chan_unref(first);
    pirn_chan_unref(second);
    pirn_chan_unref(done);
}

TASK(write_value) { value = 1; }
TASK(read_value) { use(value); }

/* ---- Sent and received --------------------------------------------------------------------- */

TASK(send_value) { pirn_send(first, &value); }
TASK(receive_elsewhere) { pirn_recv(first, &other); }
TASK(receive_and_write) {
    pirn_recv(first, &other);
    value = 1;
}
TASK(write_and_receive) {
    value = 1;
    pirn_recv(first, &other);
}
RACE(send_reads) { with_channels(1, send_value, write_value); }
CLEAN(sends_read_alike) { with_channels(1, send_value, read_value); }
CLEAN(receiver_writes_what_was_sent) { with_channels(0, send_value, receive_and_write); }
CLEAN(receiver_writes_what_was_buffered) { with_channels(1, send_value, receive_and_write); }
RACE(receiver_wrote_before) { with_channels(0, send_value, write_and_receive); }

TASK(receive_value) {
    pirn_recv(first, &value);
    pirn_send(done, &other);
}
TASK(send_and_read) {
    pirn_send(first, &other);
    use(value);
}
TASK(send_and_read_when_done) {
    int none;
    pirn_send(first, &other);
    pirn_recv(done, &none);
    use(value);
}
RACE(receive_writes) { with_channels(1, receive_value, send_and_read); }
CLEAN(received_and_told) { with_channels(1, receive_value, send_and_read_when_done); }

TASK(receive_nothing) {
    int none;
    pirn_recv(first, &value);
    pirn_send(done, &none);
}
TASK(close_and_read) {
    pirn_close(first);
    use(value);
}
TASK(close_and_read_when_done) {
    int none;
    pirn_close(first);
    pirn_recv(done, &none);
    use(value);
}
RACE(receive_of_nothing_writes) { with_channels(0, receive_nothing, close_and_read); }
CLEAN(receive_of_nothing_and_told) { with_channels(0, receive_nothing, close_and_read_when_done); }

/* ---- By a select --------------------------------------------------------------------------- */

TASK(select_send) {
    pirn_case cases[] = {{.chan = first, .op = PIRN_SEND, .value = &value}};
    pirn_select(cases, 1, PIRN_FOREVER);
}
TASK(select_send_twice) {
    pirn_case cases[] = {{.chan = first, .op = PIRN_SEND, .value = &value}};
    pirn_select(cases, 1, PIRN_FOREVER);
    pirn_select(cases, 1, PIRN_FOREVER);
}
TASK(receive_twice_and_write) {
    pirn_recv(first, &other);
    pirn_recv(first, &other);
    value = 1;
}
TASK(receive_write_receive) {
    pirn_recv(first, &other);
    value = 1;
    pirn_recv(first, &other);
}
RACE(select_send_reads) { with_channels(1, select_send, write_value); }
CLEAN(select_sends_read_alike) { with_channels(1, select_send, read_value); }
CLEAN(receiver_writes_what_was_selected) { with_channels(0, select_send, receive_and_write); }
RACE(receiver_wrote_before_select) { with_channels(0, select_send, write_and_receive); }
/* The second value waits, and goes into the buffer when the first is taken. */
CLEAN(select_waits_for_room) { with_channels(1, select_send_twice, receive_twice_and_write); }
RACE(select_waits_for_room_and_races) {
    with_channels(1, select_send_twice, receive_write_receive);
}

/* Nobody receives from the second channel: the value that would go there is not looked at. */
TASK(select_other_case) {
    pirn_case cases[] = {{.chan = second, .op = PIRN_SEND, .value = &value},
                         {.chan = first, .op = PIRN_RECV, .value = &other}};
    pirn_select(cases, 2, PIRN_FOREVER);
}
TASK(send_and_write) {
    int none = 0;
    pirn_send(first, &none);
    value = 1;
}
TASK(send_and_write_other) {
    int none = 0;
    pirn_send(first, &none);
    other = 1;
}
CLEAN(case_that_does_not_run) { with_channels(0, select_other_case, send_and_write); }
RACE(case_that_runs) { with_channels(1, select_other_case, send_and_write_other); }

TASK(select_receive) {
    pirn_case cases[] = {{.chan = second, .op = PIRN_RECV, .value = &other},
                         {.chan = first, .op = PIRN_RECV, .value = &value}};
    pirn_select(cases, 2, PIRN_FOREVER);
    pirn_send(done, &other);
}
TASK(send_nothing_and_read) {
    int none = 0;
    pirn_send(first, &none);
    use(value);
}
TASK(send_nothing_and_read_when_done) {
    int none = 0;
    pirn_send(first, &none);
    pirn_recv(done, &none);
    use(value);
}
RACE(select_receive_writes) { with_channels(1, select_receive, send_nothing_and_read); }
CLEAN(select_received_and_told) {
    with_channels(0, select_receive, send_nothing_and_read_when_done);
}
CLEAN(select_received_from_buffer_and_told) {
    with_channels(1, select_receive, send_nothing_and_read_when_done);
}

/* ---- Descriptors --------------------------------------------------------------------------- */

static int pipe_ends[2];
static char letter;

static void with_pipe(pirn_fn *one, pirn_fn *another) {
    pirn_assert(pipe(pipe_ends) == 0);
    letter = 'a';
    both(one, another);
    pirn_close_fd(pipe_ends[0]);
    pirn_close_fd(pipe_ends[1]);
}

TASK(write_to_pipe) { pirn_write(pipe_ends[1], &letter, 1, PIRN_FOREVER); }
TASK(change_letter) { letter = 'b'; }
TASK(look_at_letter) { use(letter); }
TASK(read_elsewhere_and_change) {
    char got;
    pirn_read(pipe_ends[0], &got, 1, PIRN_FOREVER);
    letter = 'b';
}
TASK(read_from_pipe) { pirn_read(pipe_ends[0], &letter, 1, PIRN_FOREVER); }
TASK(read_more_than_there_is) {
    char room[2];
    use(pirn_read(pipe_ends[0], room, 2, PIRN_FOREVER));
}
TASK(write_another_and_look) {
    pirn_write(pipe_ends[1], "x", 1, PIRN_FOREVER);
    use(letter);
}
RACE(fd_write_reads) { with_pipe(write_to_pipe, change_letter); }
CLEAN(fd_writes_read_alike) { with_pipe(write_to_pipe, look_at_letter); }
CLEAN(changed_after_it_was_read) { with_pipe(write_to_pipe, read_elsewhere_and_change); }
RACE(fd_read_writes) { with_pipe(read_from_pipe, write_another_and_look); }
CLEAN(fd_read_of_its_own) { with_pipe(read_more_than_there_is, write_another_and_look); }

/* ---- Copied arguments ---------------------------------------------------------------------- */

static pirn_waitgroup copies;
ANEW(copies)
static struct argument {
    int number;
    pirn_chan *told;
} argument;

static void use_copy(void *arg) {
    struct argument *copy = arg;
    copy->number++;
    use(copy->number);
}
TASK(start_with_copy) {
    pirn_waitgroup_go_copy(&copies, use_copy, &argument, sizeof argument);
    pirn_waitgroup_wait(&copies);
}
TASK(start_with_copy_and_change) {
    pirn_waitgroup_go_copy(&copies, use_copy, &argument, sizeof argument);
    argument.number = 1;
    pirn_waitgroup_wait(&copies);
}
TASK(start_with_original_and_change) {
    pirn_waitgroup_go(&copies, use_copy, &argument);
    argument.number = 1;
    pirn_waitgroup_wait(&copies);
}
TASK(change_argument) { argument.number = 2; }
RACE(copying_reads) { both(start_with_copy, change_argument); }
CLEAN(copy_is_ones_own) { start_with_copy_and_change(NULL); }
RACE(original_is_shared) { start_with_original_and_change(NULL); }
