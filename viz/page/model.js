
"use strict";
/*
 * model.js - a run as the page has it: arrays by event, and what follows from them. Events, tasks
 * and objects are called by their index; -1 is none. "After i" is the moment when event i is over.
 *
 * Who holds what, how full a channel is and who could run is not recorded: it is derived here from
 * events and edges.
 */

const ETIMEDOUT = -110;

/* The number of elements of a sorted array that are at most `value`. */
function upTo(array, value) {
    let low = 0, high = array.length;
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (array[middle] <= value) low = middle + 1; else high = middle;
    }
    return low;
}

const MOST_COUNTED = 2e7; /* events times tasks, within a second */

function listOfLists(count) { return Array.from({ length: count }, () => []); }

class Run {
    constructor(data, places) {
        const e = data.events, n = e.task.length;
        Object.assign(this, data);
        this.places = places;
        this.n = n;
        this.task = Int32Array.from(e.task);
        this.op = e.op;
        this.object = Int32Array.from(e.object);
        this.label = e.label;
        this.site = Int32Array.from(e.site);
        this.slept = new Uint8Array(n);
        for (const i of e.slept) this.slept[i] = 1;
        this.time = Float64Array.from(e.time);
        for (let i = 1; i < n; i++) this.time[i] += this.time[i - 1];
        this.sends = new Set(e.sends);
        this.result = e.result;
        this.chain();
        this.link(data.edges);
        this.wake();
        this.objectStates();
        this.mark();
    }

    step(i) { return this.events.step ? this.events.step[i] : i + 1; }
    word(i) { return this.ops[this.op[i]]; }
    text(i) { return this.labels[this.label[i]]; }
    place(i) { return this.site[i] < 0 ? "unknown place" : this.places[this.site[i]][0]; }
    taskName(t) { return t < 0 ? "clock" : this.tasks[t].name; }
    objectName(o) { return this.objects[o].name; }
    failed(i) { return Number(this.result[i]) < 0; }

    /* The sites of its events. */
    sites() { return [...new Set(this.site)].filter(site => site >= 0); }

    /* The event with a step, or the last before it. */
    find(step) {
        if (!this.events.step) return Math.min(this.n, Math.max(1, step)) - 1;
        return Math.max(0, upTo(this.events.step, step) - 1);
    }

    /* Links the events of each task, and of each object. */
    chain() {
        this.previous = new Int32Array(this.n).fill(-1);
        this.next = new Int32Array(this.n).fill(-1);
        this.ofTask = listOfLists(this.tasks.length);
        this.ofObject = listOfLists(this.objects.length);
        for (let i = 0; i < this.n; i++) {
            if (this.object[i] >= 0) this.ofObject[this.object[i]].push(i);
            if (this.task[i] < 0) continue;
            const own = this.ofTask[this.task[i]];
            if (own.length > 0) {
                this.previous[i] = own[own.length - 1];
                this.next[this.previous[i]] = i;
            }
            own.push(i);
        }
        this.cases = new Map(this.cases);
    }

    /* Edges by the event where they end, and by that where they begin. */
    link(edges) {
        const n = this.n, count = edges.before.length;
        this.before = Int32Array.from(edges.before);
        this.after = Int32Array.from(edges.after);
        this.kind = edges.kind;
        this.firstIn = new Int32Array(n + 1);
        this.firstOut = new Int32Array(n + 1);
        for (let k = 0; k < count; k++) {
            this.firstIn[this.after[k] + 1]++;
            this.firstOut[this.before[k] + 1]++;
        }
        for (let i = 0; i < n; i++) {
            this.firstIn[i + 1] += this.firstIn[i];
            this.firstOut[i + 1] += this.firstOut[i];
        }
        const room = this.firstOut.slice();
        this.out = new Int32Array(count);
        for (let k = 0; k < count; k++) this.out[room[this.before[k]]++] = k;
    }

    kindOf(k) { return this.kinds[this.kind[k]]; }

    /*
     * When a task that sleeps could go on: after the event woken[i], for the event i in which it fell
     * asleep. What ended the wait is the source of the edge to the task's next step; a wait that time
     * ended is over when the clock first shows that time; a task that was woken in vain could
     * have gone on since the last step on what it waits for.
     */
    wake() {
        this.woken = new Int32Array(this.n).fill(this.n);
        for (let i = 0; i < this.n; i++) {
            const next = this.next[i];
            if (!this.slept[i] || next < 0) continue;
            let since = -1;
            for (let k = this.firstIn[next]; k < this.firstIn[next + 1]; k++) {
                if (this.kindOf(k) !== "timer" && this.before[k] > i) since = Math.max(since, this.before[k]);
            }
            if (since < 0 && !this.slept[next]) {
                let first = upTo(this.time.subarray(0, next), this.time[next] - 0.5);
                if (this.time[first] > this.time[i]) since = Math.max(i, first - 1);
            }
            if (since < 0) {
                for (const object of this.awaited(i)) {
                    const list = this.ofObject[object], last = list[upTo(list, next - 1) - 1];
                    if (last > i) since = Math.max(since, last);
                }
            }
            this.woken[i] = since < 0 ? next - 1 : since;
        }
        this.born = new Int32Array(this.tasks.length).fill(this.n);
        for (let i = 0; i < this.n; i++) {
            const child = this.events.started[i];
            if (child !== undefined) this.born[child] = Math.min(this.born[child], i);
        }
        this.tasks.forEach((task, t) => {
            if (task.parent < 0 && this.born[t] === this.n && this.ofTask[t].length > 0)
                this.born[t] = t === 0 ? -1 : this.ofTask[t][0] - 1;
        });
    }

    /* The objects that a task waits for which fell asleep in an event. */
    awaited(i) {
        const cases = this.cases.get(i);
        if (cases) return cases.filter(c => c[1] >= 0).map(c => c[1]);
        return this.object[i] >= 0 ? [this.object[i]] : [];
    }

    /* ---- What a task does -------------------------------------------------------------------- */

    /* The state of a task after event `at`: { state, event }; `event` is its last one, or -1. */
    state(t, at) {
        const own = this.ofTask[t], event = own[upTo(own, at) - 1];
        if (event === undefined) return { state: this.born[t] <= at ? "ready" : "unborn", event: -1 };
        if (this.word(event) === "exit") return { state: "ended", event };
        if (this.slept[event] && this.woken[event] > at) {
            const sleeps = this.word(event) === "sleep" || (this.next[event] < 0 && this.tasks[t].state === "sleeping");
            return { state: sleeps ? "sleeping" : "blocked", event };
        }
        return { state: event === at && !this.slept[event] ? "running" : "ready", event };
    }

    /*
     * The timers that are known to have been armed: { from, to }, events between which each could have
     * fired, -1 where it is not known to have. Of a wait with a deadline it is known where the deadline
     * came.
     */
    findTimers() {
        this.timers = [];
        const lastOf = new Map(); /* of the step that armed it: its last fire, as a ticker has many */
        const armed = new Set();
        for (let k = 0; k < this.before.length; k++) {
            if (this.kindOf(k) !== "timer") continue;
            const before = this.before[k], after = this.after[k], slept = this.previous[after];
            const to = this.task[after] >= 0 && slept >= 0 && this.slept[slept] ? this.woken[slept] : after - 1;
            this.timers.push({ from: lastOf.get(before) ?? before, to, fires: true });
            lastOf.set(before, after);
            armed.add(before);
        }
        for (let i = 0; i < this.n; i++) {
            const word = this.word(i), next = this.next[i], task = this.task[i];
            const ends = next < 0 ? this.tasks[task]?.state === "sleeping" : Number(this.result[next]) === ETIMEDOUT && !this.slept[next];
            if (this.slept[i] && !armed.has(i) && (word === "sleep" || ends))
                this.timers.push({ from: i, to: next < 0 ? this.n : this.woken[i], fires: next >= 0 });
            if ((word !== "arm" && word !== "reset") || this.failed(i) || armed.has(i) || this.object[i] < 0) continue;
            const list = this.ofObject[this.object[i]];
            let end = upTo(list, i);
            while (end < list.length && !["stop", "reset", "fire"].includes(this.word(list[end]))) end++;
            this.timers.push({ from: i, to: end === list.length ? this.n : this.word(list[end]) === "fire" ? list[end] - 1 : list[end], fires: false });
        }
        if (this.areLate()) this.timers = [];
    }

    /*
     * Whether timers could fire where no task could run, and nowhere else. The schedule tells by how many
     * choices it has: where timers may be early each step with one ready task is a choice while one is
     * armed. Not all timers are known, so it is the one that is nearer.
     */
    areLate() {
        if (this.choices === undefined || this.timers.length === 0 || this.n * this.tasks.length > MOST_COUNTED) return false;
        const armed = new Int32Array(this.n + 2);
        for (const timer of this.timers) {
            armed[timer.from + 1]++;
            armed[Math.min(timer.to, this.n) + 1]--;
        }
        let late = 0, more = 0;
        for (let i = 0, count = 0; i < this.n; i++) {
            count += armed[i];
            if (this.word(i) === "exit") continue;
            const tasks = this.choice(i).length;
            if (this.task[i] < 0) more += tasks > 0;
            else if (tasks > 1) late++;
            else more += count > 0;
        }
        return more > 0 && this.choices < late + more / 2;
    }

    /* The timer that could have fired instead of the step `i`, the one that did first; or undefined. */
    timerAt(i) {
        if (!this.timers) this.findTimers();
        let found;
        for (const timer of this.timers) {
            if (timer.from >= i || timer.to < i) continue;
            if (!found || (timer.fires && !found.fires) || (timer.fires === found.fires && timer.to < found.to)) found = timer;
        }
        return found;
    }

    /* The tasks that could have taken the step `i`, the one that did among them. A task ends
     * without a choice before it. */
    choice(i) {
        if (this.word(i) === "exit") return [this.task[i]];
        const tasks = [];
        for (let t = 0; t < this.tasks.length; t++) {
            const state = this.state(t, i - 1).state;
            if (t === this.task[i] || state === "running" || state === "ready") tasks.push(t);
        }
        return tasks;
    }

    /* What a blocked task waits for, after event `at`, in words. */
    waitText(i, at) {
        const cases = this.cases.get(i);
        if (cases) {
            const words = cases.slice(0, 3).map(c => (c[0] ? "send " : "recv ") + (c[1] < 0 ? "NULL" : this.objectName(c[1])));
            if (cases.length > 3) words.push((cases.length - 3) + " more");
            return "select of " + (words.join(", ") || "no case");
        }
        const o = this.object[i], word = this.word(i);
        if (o < 0) return word;
        const holders = this.holders(o, at).map(hold => this.taskName(hold.task));
        const name = word + " " + this.objectName(o);
        if (holders.length > 0 && ["lock", "rlock", "once", "acquire"].includes(word))
            return name + ", held by " + holders.slice(0, 3).join(", ") + (holders.length > 3 ? ", ..." : "");
        if (word === "wait" && this.counts[o]) return name + ", " + this.countOf(o, at) + " left";
        return name;
    }

    /* ---- What an object holds ---------------------------------------------------------------- */

    objectStates() {
        const count = this.objects.length;
        this.holds = listOfLists(count);  /* { task, from, to, how } */
        this.starts = listOfLists(count); /* of values in a channel */
        this.ends = listOfLists(count);
        this.ended = new Int32Array(count).fill(this.n); /* when it was closed or cancelled */
        this.counts = new Array(count);   /* of a wait group: [event, count] */
        for (let o = 0; o < count; o++) {
            const kind = this.objects[o].kind;
            if (kind === "channel") this.values(o);
            else if (kind === "waitgroup" || kind === "group") this.countEvents(o);
            else this.holding(o);
            for (const i of this.ofObject[o]) {
                const word = this.word(i);
                if (!this.slept[i] && !this.failed(i) && (word === "close" || word === "cancel" || (kind === "context" && word === "fire")))
                    this.ended[o] = Math.min(this.ended[o], i);
            }
        }
    }

    /* Who holds a lock, permits, a once. A lock that is taken shows that nobody holds it any more:
     * a wait on a condition variable unlocks its mutex, and nothing tells. */
    holding(o) {
        const list = this.holds[o];
        let open = [];
        const end = (hold, i) => { hold.to = i; open = open.filter(other => other !== hold); };
        const drop = (how, task, i) => {
            const own = open.filter(hold => hold.how === how);
            const hold = own.findLast(h => h.task === task) || own[own.length - 1];
            if (hold) end(hold, i);
        };
        const take = (how, i) => {
            const hold = { task: this.task[i], from: i, to: this.n, how };
            list.push(hold);
            open.push(hold);
        };
        for (const i of this.ofObject[o]) {
            if (this.slept[i] || this.failed(i)) continue;
            switch (this.word(i)) {
            case "lock": case "trylock":
                for (const hold of open) end(hold, i);
                take("lock", i);
                break;
            case "rlock": case "tryrlock":
                for (const hold of open) if (hold.how === "lock") end(hold, i);
                take("rlock", i);
                break;
            case "unlock": drop("lock", this.task[i], i); break;
            case "runlock": drop("rlock", this.task[i], i); break;
            case "once": if (Number(this.result[i]) === 1) take("once", i); break;
            case "once_done": drop("once", this.task[i], i); break;
            case "acquire": take("acquire", i); break;
            case "release": drop("acquire", this.task[i], i); break;
            }
        }
    }

    holders(o, at) { return this.holds[o].filter(hold => hold.from <= at && at < hold.to); }

    /* A value lies in a channel from its send to its receive; that of a message to a receiver
     * who slept already never does. */
    values(o) {
        const { starts, ends } = this;
        const carried = new Set();
        for (const i of this.ofObject[o]) {
            for (let x = this.firstOut[i]; x < this.firstOut[i + 1]; x++) {
                const k = this.out[x], receive = this.after[k];
                if (this.kindOf(k) !== "message" || carried.has(i)) continue;
                carried.add(i);
                const asleep = this.previous[receive];
                if (asleep >= 0 && this.slept[asleep] && asleep < i) continue;
                starts[o].push(i);
                ends[o].push(receive);
            }
        }
        for (const i of this.ofObject[o]) {
            const arrival = this.previous[i];
            const waited = arrival >= 0 && this.slept[arrival] && this.word(arrival) === this.word(i);
            if (this.slept[i] || this.failed(i) || !this.isSend(i) || carried.has(i) || (waited && carried.has(arrival))) continue;
            starts[o].push(waited ? this.woken[arrival] : i);
        }
        starts[o].sort((a, b) => a - b);
        ends[o].sort((a, b) => a - b);
    }

    isSend(i) {
        const word = this.word(i);
        return word === "send" || word === "try_send" || word === "fire" || this.sends.has(i);
    }

    queued(o, at) {
        const values = upTo(this.starts[o], at) - upTo(this.ends[o], at), capacity = this.objects[o].capacity;
        return capacity < 0 ? values : Math.min(values, capacity);
    }

    countEvents(o) {
        const at = [], count = [];
        for (const i of this.ofObject[o]) {
            if (this.word(i) !== "add" && this.word(i) !== "done") continue;
            at.push(i);
            count.push(Number(this.result[i]));
        }
        this.counts[o] = { at, count };
    }

    countOf(o, at) {
        const { at: events, count } = this.counts[o], last = upTo(events, at) - 1;
        return last < 0 ? 0 : count[last];
    }

    /* An object after event `at`, in words. */
    objectText(o, at) {
        const { kind, capacity } = this.objects[o], ended = this.ended[o] <= at;
        const first = this.ofObject[o][0];
        if (first === undefined || first > at) return "not used yet";
        if (kind === "channel") {
            const queued = this.queued(o, at);
            const fill = capacity === 0 ? "unbuffered" : capacity < 0 ? queued + " queued" : queued + " of " + capacity + " queued";
            return fill + (ended ? ", closed" : "");
        }
        if (this.counts[o]) return this.countOf(o, at) + " left";
        if (kind === "context") return ended ? "cancelled" : "not cancelled";
        const holds = this.holders(o, at);
        const names = holds.slice(0, 4).map(hold => this.taskName(hold.task) + " since step " + this.step(hold.from)).join(", ") +
            (holds.length > 4 ? " and " + (holds.length - 4) + " more" : "");
        switch (kind) {
        case "mutex": return names ? "held by " + names : "free";
        case "rwmutex": return !names ? "free" : (holds[0].how === "lock" ? "held by " : "read by ") + names;
        case "once": return names ? "being run by " + names : this.ranOnce(o, at) ? "has run" : "has not run";
        case "sem": return names ? "permits held by " + names : "no permits held";
        }
        return "";
    }

    ranOnce(o, at) { return this.ofObject[o].some(i => i <= at && this.word(i) === "once_done"); }

    /* ---- Causality --------------------------------------------------------------------------- */

    /* Marks the causal past of an event, itself included, and the past's last event of each task. */
    past(i) {
        const marked = new Uint8Array(this.n), known = new Int32Array(this.tasks.length).fill(-1);
        let count = 0;
        marked[i] = 1;
        for (let j = i; j >= 0; j--) {
            if (!marked[j]) continue;
            count++;
            const t = this.task[j];
            if (t >= 0 && known[t] < 0) known[t] = j;
            if (this.previous[j] >= 0) marked[this.previous[j]] = 1;
            for (let k = this.firstIn[j]; k < this.firstIn[j + 1]; k++) marked[this.before[k]] = 1;
        }
        return { marked, count: count - 1, known };
    }

    future(i) {
        const marked = new Uint8Array(this.n);
        let count = 0;
        marked[i] = 1;
        for (let j = i; j < this.n; j++) {
            if (!marked[j]) continue;
            count++;
            if (this.next[j] >= 0) marked[this.next[j]] = 1;
            for (let x = this.firstOut[j]; x < this.firstOut[j + 1]; x++) marked[this.after[this.out[x]]] = 1;
        }
        return { marked, count: count - 1 };
    }

    /* ---- Findings ---------------------------------------------------------------------------- */

    /* Tags of events: "D1" where a stuck task fell asleep, else the finding's kind. */
    mark() {
        this.tag = new Map();
        this.races = [];
        this.tasks.forEach((task, t) => {
            const last = this.ofTask[t][this.ofTask[t].length - 1];
            if (task.culprit && last !== undefined) this.tag.set(last, task.tag);
        });
        let number = 0;
        for (const f of this.findings) {
            if (f.event < 0 || f.kind === "deadlock" || f.kind === "leak") continue;
            const pair = f.other >= 0;
            const tag = pair ? "R" + ++number : f.kind;
            if (!this.tag.has(f.event)) this.tag.set(f.event, tag);
            if (!pair) continue;
            if (!this.tag.has(f.other)) this.tag.set(f.other, tag);
            this.races.push([Math.min(f.event, f.other), Math.max(f.event, f.other), tag]);
        }
        this.tagged = [...this.tag.keys()].sort((a, b) => a - b);
    }

    /* Events that hold all the words, in their task, label, place or tag. */
    search(query) {
        const words = query.toLowerCase().split(/\s+/).filter(word => word !== "");
        if (words.length === 0) return [];
        const lower = this.lower ||= {
            tasks: this.tasks.map(task => task.name.toLowerCase()),
            labels: this.labels.map(label => label.toLowerCase()),
            places: this.places.map(place => (place[0] + " " + place[1]).toLowerCase()),
        };
        const tests = words.map(word => {
            const [tasks, labels, places] = [lower.tasks, lower.labels, lower.places].map(list => list.map(text => text.includes(word)));
            return i => (this.task[i] < 0 ? "clock".includes(word) : tasks[this.task[i]]) || labels[this.label[i]] ||
                (this.site[i] >= 0 && places[this.site[i]]) || (this.tag.get(i) || "").toLowerCase().includes(word);
        });
        const hits = [];
        for (let i = 0; i < this.n; i++) if (tests.every(test => test(i))) hits.push(i);
        return hits;
    }
}

/* Where two runs part: the first events that differ in task or label, or the end of the
 * shorter. -1: they are equal. */
function partAt(a, b) {
    const n = Math.min(a.n, b.n);
    for (let i = 0; i < n; i++) {
        if (a.taskName(a.task[i]) !== b.taskName(b.task[i]) || a.text(i) !== b.text(i)) return i;
    }
    return a.n === b.n ? -1 : n;
}

/* The event of another run that is the same step of the same task, or the nearest before. */
function counterpart(from, i, to, parted) {
    if (parted < 0 || i <= parted) return Math.min(i, to.n - 1);
    const t = from.task[i], name = from.taskName(t);
    const other = t < 0 ? -1 : to.tasks.findIndex(task => task.name === name);
    if (other < 0 || to.ofTask[other].length === 0) return Math.min(i, to.n - 1);
    const own = to.ofTask[other];
    return own[Math.min(upTo(from.ofTask[t], i) - 1, own.length - 1)];
}
