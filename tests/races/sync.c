/* sync.c - what orders accesses in pirn.h: locks, channels, wait groups, once, contexts, timers. */
#include "races.h"

static int data, other;
static pirn_mutex mutex, second;
static pirn_rwmutex rwmutex;
static pirn_cond cond;
static pirn_once once;
static pirn_waitgroup group;
static pirn_sem sem;
ANEW(mutex)
ANEW(second)
ANEW(rwmutex)
ANEW(cond)
ANEW(once)
ANEW(group)
ANEW(sem)
static pirn_chan *chan;

/* ---- Nothing ------------------------------------------------------------------------------- */

TASK(write_data) { data = 1; }
TASK(read_data) { use(data); }
TASK(write_other) { other = 1; }

RACE(two_writes) { both(write_data, write_data); }
RACE(write_and_read) { both(write_data, read_data); }
CLEAN(two_reads) { both(read_data, read_data); }
CLEAN(two_places) { both(write_data, write_other); }

RACE(parent_after_go) {
    pirn_go(read_data, NULL);
    data = 2;
}
CLEAN(parent_before_go) {
    data = 2;
    pirn_go(read_data, NULL);
}
RACE(end_orders_nothing) {
    pirn_go(write_data, NULL);
    pirn_yield(); /* not in a loop, which would be one that waits for something */
    pirn_yield();
    pirn_yield();
    use(data);
}

/* ---- Mutexes ------------------------------------------------------------------------------- */

TASK(add_locked) {
    pirn_mutex_lock(&mutex);
    data++;
    pirn_mutex_unlock(&mutex);
}
TASK(add_locked_by_second) {
    pirn_mutex_lock(&second);
    data++;
    pirn_mutex_unlock(&second);
}
TASK(add_tried) {
    if (pirn_mutex_trylock(&mutex)) return;
    data++;
    pirn_mutex_unlock(&mutex);
}
TASK(add_tried_in_vain) {
    if (!pirn_mutex_trylock(&mutex)) pirn_mutex_unlock(&mutex);
    data++;
}
TASK(add_until) {
    if (pirn_mutex_lock_until(&mutex, pirn_now() + PIRN_MSEC)) return;
    data++;
    pirn_mutex_unlock(&mutex);
}
TASK(add_after_unlock) {
    pirn_mutex_lock(&mutex);
    pirn_mutex_unlock(&mutex);
    data++;
}

CLEAN(one_mutex) { both(add_locked, add_locked); }
RACE(two_mutexes) { both(add_locked, add_locked_by_second); }
RACE(one_without_mutex) { both(add_locked, write_data); }
RACE(after_unlock) { both(add_locked, add_after_unlock); }
CLEAN(trylock) { both(add_locked, add_tried); }
RACE(trylock_failed) { both(add_locked, add_tried_in_vain); }
CLEAN(lock_until) { both(add_locked, add_until); }

/* ---- Read/write mutexes -------------------------------------------------------------------- */

TASK(rw_write) {
    pirn_rwmutex_lock(&rwmutex);
    data++;
    pirn_rwmutex_unlock(&rwmutex);
}
TASK(rw_read) {
    pirn_rwmutex_rlock(&rwmutex);
    use(data);
    pirn_rwmutex_runlock(&rwmutex);
}
TASK(rw_write_as_reader) {
    pirn_rwmutex_rlock(&rwmutex);
    data++;
    pirn_rwmutex_runlock(&rwmutex);
}

CLEAN(rwmutex_reader_writer) { all_three(rw_write, rw_read, rw_read); }
RACE(rwmutex_write_under_read_lock) { all_three(rw_write_as_reader, rw_read, rw_read); }

/* ---- Condition variables, semaphores, once -------------------------------------------------- */

static int ready;

TASK(cond_producer) {
    data = 1;
    pirn_mutex_lock(&mutex);
    ready = 1;
    pirn_cond_signal(&cond);
    pirn_mutex_unlock(&mutex);
}
TASK(cond_consumer) {
    pirn_mutex_lock(&mutex);
    while (!ready) pirn_cond_wait(&cond, &mutex);
    pirn_mutex_unlock(&mutex);
    use(data);
}
TASK(cond_producer_too_late) {
    pirn_mutex_lock(&mutex);
    ready = 1;
    pirn_cond_signal(&cond);
    pirn_mutex_unlock(&mutex);
    data = 1;
}

CLEAN(cond_wait) {
    ready = 0;
    both(cond_producer, cond_consumer);
}
RACE(cond_wait_too_late) {
    ready = 0;
    both(cond_producer_too_late, cond_consumer);
}

TASK(add_with_permit) {
    pirn_sem_acquire(&sem, 1, PIRN_FOREVER);
    data++;
    pirn_sem_release(&sem, 1);
}

CLEAN(sem_of_one) {
    pirn_sem_init(&sem, 1);
    both(add_with_permit, add_with_permit);
}
RACE(sem_of_two) {
    pirn_sem_init(&sem, 2);
    both(add_with_permit, add_with_permit);
}

static void set_up(void *arg) {
    (void)arg;
    data = 7;
}
TASK(once_user) {
    pirn_once_do(&once, set_up, NULL);
    use(data);
}
TASK(lazy_user) {
    if (!other) {
        data = 7;
        other = 1;
    }
    use(data);
}

CLEAN(lazily_by_once) { both(once_user, once_user); }
RACE(lazily_by_flag) {
    other = 0;
    both(lazy_user, lazy_user);
}

/* ---- Wait groups --------------------------------------------------------------------------- */

TASK(group_worker) {
    data = 1;
    pirn_waitgroup_done(&group);
}
TASK(group_worker_done_early) {
    pirn_waitgroup_done(&group);
    data = 1;
}

CLEAN(waitgroup_wait) {
    pirn_waitgroup_add(&group, 1);
    pirn_go(group_worker, NULL);
    pirn_waitgroup_wait(&group);
    use(data);
}
RACE(waitgroup_done_early) {
    pirn_waitgroup_add(&group, 1);
    pirn_go(group_worker_done_early, NULL);
    pirn_waitgroup_wait(&group);
    use(data);
}
RACE(waitgroup_without_wait) {
    pirn_waitgroup_add(&group, 1);
    pirn_go(group_worker, NULL);
    use(data);
    pirn_waitgroup_wait(&group);
}

static int group_member(pirn_ctx *ctx, void *arg) {
    (void)ctx;
    *(int *)arg = 5;
    return 0;
}
static int group_member_shared(pirn_ctx *ctx, void *arg) {
    (void)ctx;
    ++*(int *)arg;
    return 0;
}

CLEAN(group_results) {
    int one = 0, two = 0;
    pirn_group *team = pirn_group_new(NULL);
    pirn_group_go(team, group_member, &one);
    pirn_group_go(team, group_member, &two);
    pirn_group_wait(team);
    use(one + two);
}
RACE(group_shared_result) {
    int one = 0;
    pirn_group *team = pirn_group_new(NULL);
    pirn_group_go(team, group_member_shared, &one);
    pirn_group_go(team, group_member_shared, &one);
    pirn_group_wait(team);
    use(one);
}

/* ---- Channels ------------------------------------------------------------------------------ */

TASK(send_after_write) {
    int value = 1;
    data = 1;
    pirn_send(chan, &value);
}
TASK(recv_then_read) {
    int value;
    pirn_recv(chan, &value);
    use(data);
}
TASK(send_before_write) {
    int value = 1;
    pirn_send(chan, &value);
    data = 1;
}
TASK(write_then_recv) {
    int value;
    data = 1;
    pirn_recv(chan, &value);
}
TASK(send_then_read) {
    int value = 1;
    pirn_send(chan, &value);
    use(data);
}
TASK(close_after_write) {
    data = 1;
    pirn_close(chan);
}
TASK(close_before_write) {
    pirn_close(chan);
    data = 1;
}
TASK(try_recv_then_read) {
    int value;
    if (!pirn_try_recv(chan, &value)) use(data);
}
TASK(try_recv_in_vain) {
    int value;
    pirn_try_recv(chan, &value);
    use(data);
}
TASK(select_then_read) {
    int value;
    pirn_case cases[] = {PIRN_CASE_RECV(NULL, &value), PIRN_CASE_RECV(chan, &value)};
    pirn_select(cases, 2, PIRN_FOREVER);
    use(data);
}
TASK(select_or_not) {
    int value;
    pirn_case cases[] = {PIRN_CASE_RECV(chan, &value)};
    if (pirn_select(cases, 1, PIRN_NOW) != 0) use(data);
}

#define WITH_CHANNEL(capacity, ...)              \
    chan = pirn_chan_new(sizeof(int), capacity); \
    __VA_ARGS__;                                 \
    pirn_chan_unref(chan)

CLEAN(rendezvous) { WITH_CHANNEL(0, both(send_after_write, recv_then_read)); }
RACE(rendezvous_too_late) { WITH_CHANNEL(0, both(send_before_write, recv_then_read)); }
CLEAN(rendezvous_back) { WITH_CHANNEL(0, both(write_then_recv, send_then_read)); }
CLEAN(buffered) { WITH_CHANNEL(1, both(send_after_write, recv_then_read)); }
RACE(buffered_back) { WITH_CHANNEL(1, both(write_then_recv, send_then_read)); }
RACE(buffered_too_late) { WITH_CHANNEL(1, both(send_before_write, recv_then_read)); }
CLEAN(closing) { WITH_CHANNEL(0, both(close_after_write, recv_then_read)); }
RACE(closing_too_late) { WITH_CHANNEL(0, both(close_before_write, recv_then_read)); }
CLEAN(try_receiving) { WITH_CHANNEL(1, both(send_after_write, try_recv_then_read)); }
RACE(try_receiving_in_vain) { WITH_CHANNEL(1, both(send_after_write, try_recv_in_vain)); }
CLEAN(selecting) { WITH_CHANNEL(0, both(send_after_write, select_then_read)); }
RACE(selecting_default) { WITH_CHANNEL(1, both(send_after_write, select_or_not)); }

/* The k-th receive orders the (k + capacity)-th send: a channel as a lock. */
TASK(add_with_slot) {
    int value = 0;
    pirn_send(chan, &value);
    data++;
    pirn_recv(chan, &value);
}
CLEAN(channel_as_lock) { WITH_CHANNEL(1, both(add_with_slot, add_with_slot)); }
RACE(channel_as_lock_of_two) { WITH_CHANNEL(2, both(add_with_slot, add_with_slot)); }

/* What is handed over belongs to who has received it. */
static pirn_chan *boxes;
TASK(send_box) {
    int *box = malloc(sizeof *box);
    *box = 1;
    pirn_send(boxes, &box);
}
TASK(send_box_and_keep) {
    int *box = malloc(sizeof *box);
    *box = 1;
    pirn_send(boxes, &box);
    *box = 2;
}
TASK(recv_box) {
    int *box;
    pirn_recv(boxes, &box);
    ++*box;
}
CLEAN(handing_over) {
    boxes = pirn_chan_new(sizeof(int *), 1);
    both(send_box, recv_box);
    pirn_chan_unref(boxes);
}
RACE(handing_over_and_keeping) {
    boxes = pirn_chan_new(sizeof(int *), 1);
    both(send_box_and_keep, recv_box);
    pirn_chan_unref(boxes);
}

/* What is sent is read by the sender, what is received is written by the receiver. */
static int letter, box;
TASK(send_letter) { pirn_send(chan, &letter); }
TASK(write_letter) { letter = 2; }
TASK(recv_into_box) { pirn_recv(chan, &box); }
TASK(read_box) { use(box); }
TASK(send_and_write_letter) {
    pirn_send(chan, &letter);
    letter = 2;
}
TASK(recv_and_write_letter) {
    pirn_recv(chan, &box);
    letter = 2;
}
RACE(sent_value_changed) { WITH_CHANNEL(1, all_three(send_letter, write_letter, recv_into_box)); }
RACE(received_value_read) { WITH_CHANNEL(0, all_three(send_letter, recv_into_box, read_box)); }
CLEAN(sent_value_changed_after) { WITH_CHANNEL(0, both(send_and_write_letter, recv_into_box)); }
CLEAN(sent_value_changed_by_receiver) { WITH_CHANNEL(1, both(send_letter, recv_and_write_letter)); }

/* ---- Contexts and timers ------------------------------------------------------------------- */

static pirn_ctx *ctx;

TASK(cancel_after_write) {
    data = 1;
    pirn_ctx_cancel(ctx);
}
TASK(wait_for_cancel) {
    pirn_recv(pirn_ctx_done(ctx), NULL);
    use(data);
}
TASK(look_for_cancel) {
    if (pirn_ctx_err(ctx)) use(data);
}
TASK(look_and_read_anyhow) {
    pirn_ctx_err(ctx);
    use(data);
}

CLEAN(cancelling) {
    ctx = pirn_ctx_with_cancel(NULL);
    both(cancel_after_write, wait_for_cancel);
    pirn_ctx_unref(ctx);
}
CLEAN(looking_for_cancel) {
    ctx = pirn_ctx_with_cancel(NULL);
    both(cancel_after_write, look_for_cancel);
    pirn_ctx_unref(ctx);
}
RACE(looking_for_cancel_in_vain) {
    ctx = pirn_ctx_with_cancel(NULL);
    both(cancel_after_write, look_and_read_anyhow);
    pirn_ctx_unref(ctx);
}

CLEAN(timer_arming) {
    pirn_timer *timer;
    data = 1;
    timer = pirn_timer_func(PIRN_MSEC, read_data, NULL);
    pirn_sleep(2 * PIRN_MSEC);
    pirn_timer_free(timer);
}
RACE(timer_write_after_arming) {
    pirn_timer *timer = pirn_timer_func(PIRN_MSEC, read_data, NULL);
    data = 1;
    pirn_sleep(2 * PIRN_MSEC);
    pirn_timer_free(timer);
}
RACE(sleeping_orders_nothing) {
    pirn_go(write_data, NULL);
    pirn_sleep(PIRN_SEC);
    use(data);
}
TASK(after_then_read) {
    int64_t when;
    pirn_chan *after = pirn_after(PIRN_MSEC);
    data = 3;
    pirn_recv(after, &when);
    pirn_chan_unref(after);
    use(data);
}
CLEAN(after_is_no_other_task) { both(after_then_read, write_other); }
