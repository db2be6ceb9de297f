/* page.js - the page: reads the data, shows the selected step beside the drawing, takes keys. */

(() => {
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const MOST_ROWS = 100, MOST_CHOICES = 16, MOST_JUMPS = 4;

const runs = data.runs.map(run => new Run(run, data.sites));
const two = runs.length === 2;
const parted = two ? partAt(runs[0], runs[1]) : -1;
let hits = [], query = "", filter = "", causes = null;

function runTitle(run) { return `run ${run.id}: ${run.outcome}`; }

const panes = runs.map((run, k) => new Pane(run, runTitle(run) + (k === 1 ? ", for comparison" : two ? ", the one looked at" : ""), k, (pane, i) => {
    activate(pane);
    pick(i);
    pane.scroll.focus({ preventScroll: true });
}));
let active = panes[0];

/* ---- What stays ------------------------------------------------------------------------------ */

function button(text, press, bad) {
    const element = make("button", { type: "button", class: bad ? "bad" : "" }, text);
    element.addEventListener("click", press);
    return element;
}

function fillHead() {
    const run = runs[0];
    document.title = `${data.title} run ${run.id}: ${data.headline}`;
    $("headline").textContent = data.headline.charAt(0).toUpperCase() + data.headline.slice(1);
    $("headline").className = run.outcome === "ok" ? "good" : "bad";
    $("about").textContent = `${data.title} run ${run.id} \u00b7 ${run.n} steps \u00b7 ${run.tasks.length} tasks \u00b7 strategy ${run.strategy} \u00b7 seed ${run.seed}` +
        (two ? ` \u00b7 nearest to it ${runTitle(runs[1])}` : "");
    fillWords();
    for (const i of run.tagged.slice(-MOST_JUMPS)) {
        $("jumps").append(button(`${run.tag.get(i)} ${clip(run.taskName(run.task[i]), 16)}`, () => { activate(panes[0]); pick(i, true); }, true));
    }
    $("difference").hidden = parted < 0;
    $("beside").hidden = !two;
    if (two) $("beside").firstChild.textContent = `Beside run ${runs[1].id} `;
    for (const pane of panes) {
        $("panes").append(pane.element);
        pane.parted = parted;
    }
    showBeside(two && data.asked);
}

/* Shows or hides the other run. */
function showBeside(on) {
    if (two) panes[1].element.hidden = !on;
    panes[0].element.firstChild.hidden = !on;
    $("beside").setAttribute("aria-pressed", String(on));
    for (const pane of panes) if (!pane.element.hidden) pane.measure();
}

const isBeside = () => two && !panes[1].element.hidden;

/* A paragraph for each; a title stays with what follows it. */
function fillWords() {
    const blocks = data.explanation.trimEnd().split("\n\n");
    for (let i = 0; i < blocks.length; i++) {
        const title = blocks[i].endsWith(":") && !blocks[i].includes("\n") && i + 1 < blocks.length;
        $("explanation").append(make("p", {}, title ? blocks[i] + "\n" + blocks[++i] : blocks[i]));
    }
}

function fillLegend() {
    const entry = (draw, text) => {
        const svg = shape("svg", { width: 22, height: 14, viewBox: "-11 -7 22 14" });
        svg.append(draw);
        $("legend").append(make("span", {}, svg, text));
    };
    const words = new Set(runs.flatMap(run => run.ops.map(word => shapeOf.get(word) || "other")));
    for (const name in shapes) {
        const style = shapes[name][1];
        if (words.has(name)) entry(shape("path", { d: shapes[name][0], class: style === "ring" ? "ring" : "shape " + style }), legendOf[name]);
    }
    const kinds = new Set(runs.flatMap(run => run.kinds));
    const line = style => shape("line", { class: "edge " + style, x1: -11, x2: 11, y1: 0, y2: 0 });
    if (kinds.has("message")) entry(line("message"), "message");
    if (kinds.has("go")) entry(line("go"), "starts");
    if ([...kinds].some(kind => !["message", "go", "slot"].includes(kind))) entry(line(""), "happens before");
    entry(shape("rect", { class: "bar", x: -4, y: -7, width: 9, height: 14 }), "blocked");
    if (runs.some(run => run.tasks.some(task => task.culprit))) entry(shape("rect", { class: "bar stuck", x: -4, y: -7, width: 9, height: 14 }), "stuck for ever");
    $("legend").append(make("span", {}, "? falls asleep"));
}

/* ---- The selected step ----------------------------------------------------------------------- */

function stepLink(run, i, text) {
    const link = button(text, () => { pick(i, true); });
    link.className = "link";
    return link;
}

function fact(name, ...content) { $("facts").append(make("dt", {}, name), make("dd", {}, ...content)); }

function seconds(ns) {
    if (ns === 0) return "0";
    if (ns < 1e3) return ns + " ns";
    if (ns < 1e6) return ns / 1e3 + " \u00b5s";
    return ns < 1e9 ? ns / 1e6 + " ms" : ns / 1e9 + " s";
}

const reasons = {
    go: "started by", message: "message from", slot: "made room", close: "closed by", unlock: "unlocked by", signal: "signalled by",
    done: "done by", once: "run by", release: "released by", timer: "armed in", descriptor: "after",
};
const consequences = {
    go: "starts", message: "received in", slot: "makes room for", close: "seen in", unlock: "lets lock", signal: "wakes",
    done: "lets go on", once: "lets go on", release: "lets acquire", timer: "goes off in", descriptor: "before",
};

function edgeFacts(run, i) {
    const most = 5;
    const list = (first, end, edge, other, words) => {
        for (let x = first; x < end && x < first + most; x++) {
            const k = edge(x), to = other(k), kind = run.kindOf(k);
            fact(Object.hasOwn(words, kind) ? words[kind] : kind, stepLink(run, to, `step ${run.step(to)}, ${run.taskName(run.task[to])}: ${run.text(to)}`));
        }
        if (end - first > most) fact("", `and ${end - first - most} more`);
    };
    list(run.firstIn[i], run.firstIn[i + 1], k => k, k => run.before[k], reasons);
    list(run.firstOut[i], run.firstOut[i + 1], x => run.out[x], k => run.after[k], consequences);
}

function showStep(run, i) {
    const t = run.task[i], tag = run.tag.get(i);
    $("step").textContent = `Step ${run.step(i)}: ${run.taskName(t)}, ${run.text(i)}${tag ? " " + tag : ""}`;
    $("facts").replaceChildren();
    const site = run.site[i];
    fact("at", run.place(i) + (site >= 0 && data.sites[site][1] ? ` in ${data.sites[site][1]}` : ""));
    if (run.slept[i]) {
        const next = run.next[i];
        if (next < 0) fact("then", "sleeps to the end of the run");
        else fact("then", "sleeps until ", stepLink(run, next, `step ${run.step(next)}`));
    }
    edgeFacts(run, i);
    const future = run.future(i), { past } = causes;
    fact("causality", `${past.count} steps before it, ${future.count} after it, ${run.n - 1 - past.count - future.count} concurrent`);
    if (run.time[i] > 0) fact("clock", seconds(run.time[i]) + " of simulated time");
    if (two && i === parted) fact("difference", differenceText());
    showSource(site);
}

function differenceText() {
    const what = run => (parted < run.n ? `${run.taskName(run.task[parted])}: ${run.text(parted)} at ${run.place(parted)}` : "it has ended");
    const [one, other] = runs;
    return `up to here run ${other.id} (${other.outcome}) is the same; there the next step is ${what(active.run === one ? other : one)}`;
}

function showSource(site) {
    const [place, , source, line] = site >= 0 ? data.sites[site] : ["", "", -1, 0];
    $("source").hidden = source < 0;
    $("lines").replaceChildren();
    if (source < 0) return;
    const { parts, changed } = data.sources[source];
    $("file").textContent = place + (changed ? " \u2013 the file has changed since the run" : "");
    const part = parts.find(p => line >= p[0] && line < p[0] + p[1].length);
    if (!part) { $("source").hidden = true; return; }
    const from = Math.max(part[0], line - 3), to = Math.min(part[0] + part[1].length - 1, line + 3);
    for (let n = from; n <= to; n++) {
        $("lines").append(make("span", n === line ? { class: "at", "aria-current": "true" } : {}, `${String(n).padStart(5)}  ${part[1][n - part[0]]}`));
    }
}

function showChoice(run, i) {
    const list = $("choice"), chosen = run.task[i];
    const tasks = run.choice(i).sort((a, b) => (b === chosen) - (a === chosen) || a - b);
    list.replaceChildren();
    if (chosen < 0) list.append(make("li", { class: "chosen" }, "the clock"));
    for (const t of tasks.slice(0, MOST_CHOICES)) {
        list.append(make("li", t === chosen ? { class: "chosen", "aria-current": "true" } : {}, run.taskName(t) + (t === chosen ? " \u2190 chosen" : "")));
    }
    if (tasks.length > MOST_CHOICES) list.append(make("li", { class: "plain" }, `and ${tasks.length - MOST_CHOICES} more`));
    const timer = chosen >= 0 && run.word(i) !== "exit" && run.strategy !== "threads" ? run.timerAt(i) : undefined;
    if (timer) list.append(make("li", {}, `a timer: time passes, up to what was armed in step ${run.step(timer.from)}`));
    if (tasks.length === 1 && chosen >= 0 && !timer) list.append(make("li", { class: "plain" }, run.word(i) === "exit" ? "a task ends right after its last operation" : "no other task could run"));
}

function fillTable(table, rows, more) {
    const body = table.tBodies[0];
    body.replaceChildren(...rows);
    if (more) body.append(make("tr", {}, make("td", { class: "more", colspan: 3 }, more)));
}

function showTasks(run, i) {
    const order = { running: 0, blocked: 1, sleeping: 2, ready: 3, ended: 4, unborn: 5 };
    const chosen = run.task[i], counts = {};
    let tasks = run.tasks.map((task, t) => ({ t, ...run.state(t, i) }));
    for (const { state } of tasks) counts[state] = (counts[state] || 0) + 1;
    /* Of many tasks, those that say most. */
    if (tasks.length > MOST_ROWS) tasks = tasks.sort((a, b) => (b.t === chosen) - (a.t === chosen) || order[a.state] - order[b.state] || a.t - b.t).slice(0, MOST_ROWS);
    const rows = tasks.map(({ t, state, event }) => {
        const forever = event >= 0 && run.next[event] < 0 && run.tasks[t].culprit;
        const text = {
            running: () => [run.text(event)],
            ready: () => [event < 0 ? "could run, has not begun" : event === i ? "could run" : run.slept[event] ? "could run, woken" : "could run"],
            blocked: () => ["waits: " + run.waitText(event, i) + " ", stepLink(run, event, `since step ${run.step(event)}`)],
            sleeping: () => ["sleeps ", stepLink(run, event, `since step ${run.step(event)}`)],
            ended: () => ["ended"],
            unborn: () => ["not started yet"],
        }[state]();
        const known = causes.past.known[t];
        return make("tr", t === chosen ? { class: "at" } : {}, make("th", { scope: "row" }, run.taskName(t)), make("td", { class: forever ? state + " forever" : state }, ...text),
            make("td", {}, known < 0 ? "" : stepLink(run, known, String(run.step(known)))));
    });
    const left = run.tasks.length - rows.length;
    fillTable($("tasks"), rows, left > 0 ? `and ${left} more; in all ` + Object.entries(counts).map(([state, count]) => `${count} ${state}`).join(", ") : "");
    return counts;
}

function showObjects(run, i) {
    const waiting = new Map();
    run.tasks.forEach((task, t) => {
        const { state, event } = run.state(t, i);
        if (state !== "blocked") return;
        const cases = run.cases.get(event);
        for (const o of new Set(run.awaited(event))) {
            const word = cases ? (cases.find(c => c[1] === o)[0] ? "select send" : "select recv") : run.word(event);
            if (!waiting.has(o)) waiting.set(o, new Map());
            const by = waiting.get(o);
            if (!by.has(word)) by.set(word, []);
            by.get(word).push(run.taskName(t));
        }
    });
    const own = run.object[i], rank = o => (o === own ? 2 : waiting.has(o) ? 1 : 0);
    const shown = [];
    for (let o = 0; o < run.objects.length; o++) {
        const first = run.ofObject[o][0];
        if ((first !== undefined && first <= i) || waiting.has(o)) shown.push(o);
    }
    shown.sort((a, b) => rank(b) - rank(a) || a - b);
    const rows = shown.slice(0, MOST_ROWS).map(o => {
        const { kind, labelled } = run.objects[o], parts = [run.objectText(o, i)].filter(text => text !== "");
        for (const [word, names] of waiting.get(o) || []) {
            parts.push(`blocked in ${word}: ${names.slice(0, 4).join(", ")}${names.length > 4 ? ` and ${names.length - 4} more` : ""}`);
        }
        const cell = make("td", {});
        parts.forEach((part, k) => { if (k > 0) cell.append(make("br", {})); cell.append(part); });
        return make("tr", o === own ? { class: "at" } : {}, make("th", { scope: "row" }, run.objectName(o) + (labelled ? ` (${kind})` : "")), cell);
    });
    fillTable($("objects"), rows, shown.length > rows.length ? `and ${shown.length - rows.length} more` : rows.length === 0 ? "none used yet" : "");
}

/* ---- Selecting ------------------------------------------------------------------------------- */

let addressTimer = 0;

/* Browsers refuse an address that changes too often. */
function writeAddress() {
    clearTimeout(addressTimer);
    addressTimer = setTimeout(() => history.replaceState(null, "", "#s=" + runs[0].step(panes[0].selected)), 120);
}

function applyFilter(pane) {
    const { run } = pane;
    pane.marked = filter === "" ? null : filter === "past" ? run.past(pane.selected).marked : run.future(pane.selected).marked;
    if (filter === "" || pane !== active) pane.marked = null;
}

function activate(pane) {
    active = pane;
    for (const other of panes) other.element.classList.toggle("active", other === pane);
}

/* Selects an event of the active run, and its counterpart in the other. */
function pick(i, far) {
    const { run } = active;
    i = Math.max(0, Math.min(run.n - 1, i));
    const past = run.past(i);
    causes = { past };
    active.selected = i;
    for (const pane of panes) {
        if (pane !== active) pane.selected = counterpart(run, i, pane.run, parted);
        applyFilter(pane);
        if (!pane.element.hidden) pane.select(pane.selected, far);
    }
    showStep(run, i);
    showChoice(run, i);
    const counts = showTasks(run, i);
    showObjects(run, i);
    $("live").textContent = (two ? runTitle(run) + ", " : "") + active.sentence(i) + `; ${counts.blocked || 0} tasks blocked`;
    writeAddress();
}

function toggle(name) {
    filter = filter === name ? "" : name;
    $("past").setAttribute("aria-pressed", String(filter === "past"));
    $("future").setAttribute("aria-pressed", String(filter === "future"));
    for (const pane of panes) { applyFilter(pane); pane.ask(); }
    $("live").textContent = filter === "" ? "all steps" : `only the causal ${filter} of the step`;
}

/* ---- Search ---------------------------------------------------------------------------------- */

function search(jump) {
    query = $("query").value;
    hits = active.run.search(query);
    for (const pane of panes) pane.hits = pane === active ? new Set(hits) : new Set();
    $("hit").hidden = query.trim() === "";
    $("hits").textContent = query.trim() === "" ? "" : hits.length === 1 ? "1 hit" : `${hits.length} hits`;
    if (jump && hits.length > 0 && !hits.includes(active.selected)) nextHit(1);
    else for (const pane of panes) pane.ask();
}

function nextHit(direction) {
    if (hits.length === 0) return;
    const at = active.selected;
    const found = direction > 0 ? hits.find(i => i > at) ?? hits[0] : hits.findLast(i => i < at) ?? hits[hits.length - 1];
    pick(found, true);
    $("hits").textContent = `${hits.indexOf(found) + 1} of ${hits.length}`;
}

function nextTagged() {
    const list = active.run.tagged;
    if (list.length > 0) pick(list.find(i => i > active.selected) ?? list[0], true);
}

function ownStep(direction) {
    const { run } = active, i = active.selected;
    const to = run.task[i] < 0 ? -1 : direction > 0 ? run.next[i] : run.previous[i];
    if (to >= 0) pick(to);
}

function goOver() {
    if (!isBeside()) return;
    activate(panes[1 - panes.indexOf(active)]);
    search(false);
    pick(active.selected);
}

function toggleBeside() {
    if (!two) return;
    showBeside(!isBeside());
    const i = panes[0].selected;
    activate(panes[0]);
    pick(i, true);
}

function clear() {
    $("query").value = "";
    search(false);
    if (filter !== "") toggle(filter);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

const screenful = () => Math.max(1, Math.floor(active.scroll.clientHeight / ROW) - 5);
const moves = {
    ArrowDown: () => pick(active.selected + 1), ArrowUp: () => pick(active.selected - 1),
    ArrowRight: () => ownStep(1), ArrowLeft: () => ownStep(-1),
    PageDown: () => pick(active.selected + screenful()), PageUp: () => pick(active.selected - screenful()),
    Home: () => pick(0), End: () => pick(active.run.n - 1),
};
const letters = {
    j: moves.ArrowDown, k: moves.ArrowUp, n: () => nextHit(1), N: () => nextHit(-1), e: nextTagged,
    p: () => toggle("past"), f: () => toggle("future"), b: toggleBeside, x: goOver, Escape: clear,
    d: () => { if (parted >= 0) pick(Math.min(parted, active.run.n - 1), true); },
    "/": () => { $("query").focus(); $("query").select(); },
    "?": () => $("help").showModal(),
};

document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) return;
    const { target, key } = event;
    if (target === $("query")) {
        if (key === "Enter") nextHit(event.shiftKey ? -1 : 1);
        else if (key === "Escape") { clear(); active.scroll.focus(); }
        else return;
        event.preventDefault();
        return;
    }
    /* What scrolls by itself keeps its keys. */
    const scrolls = target.closest("#side, #words");
    const act = Object.hasOwn(letters, key) ? letters[key] : !scrolls && Object.hasOwn(moves, key) ? moves[key] : null;
    if (!act) return;
    event.preventDefault();
    act();
});

$("query").addEventListener("input", () => search(true));
$("hit").addEventListener("click", () => nextHit(1));
$("difference").addEventListener("click", letters.d);
$("beside").addEventListener("click", letters.b);
$("past").addEventListener("click", letters.p);
$("future").addEventListener("click", letters.f);
$("keys").addEventListener("click", letters["?"]);
for (const [name, on] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(name, () => { for (const pane of panes) if (!pane.element.hidden) pane.print(on); });
}

/* ---- Address --------------------------------------------------------------------------------- */

/* The event that an address names, else the last of the finding, else the first. */
function eventOfAddress(address) {
    const match = /#s=(\d{1,15})$/.exec(address), [run] = runs;
    return match ? run.find(Number(match[1])) : run.tagged.length > 0 ? run.tagged[run.tagged.length - 1] : 0;
}

/* By now the address may be that of the step before again, which was about to be written. */
addEventListener("hashchange", event => { activate(panes[0]); pick(eventOfAddress(event.newURL), true); });

fillHead();
fillLegend();
activate(panes[0]);
pick(eventOfAddress(location.hash), true);
panes[0].scroll.focus({ preventScroll: true });
})();
