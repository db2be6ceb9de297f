/*
 * pane.js - one run drawn as a space-time diagram: time downwards, a column a task. Only what is on
 * the screen is in the document, so that it costs the same for 10 steps and for 100,000.
 */

const ROW = 22, LETTER = 6.2, DIGIT = 7.6;
const MOST_WIDE = 8;                  /* tasks whose columns have room for words */
const LEAST_LANE = 88, MOST_LANE = 250;
const LEAST_NARROW = 15, MOST_NARROW = 24;
const LEAST_LIST = 220, MOST_LIST = 460; /* else the words stand in a list on the left */
const MOST_ARCS = 40, LEVEL = 30; /* of the final state */
const SVG = "http://www.w3.org/2000/svg";

/* An element with attributes and children; text becomes text, whatever is in it. */
function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    element.append(...children);
    return element;
}

function shape(name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    return element;
}

function clip(text, length) { return text.length > length ? text.slice(0, Math.max(1, length - 1)) + "\u2026" : text; }

/* Of a place the end says most. */
function clipStart(text, length) { return text.length > length ? "\u2026" + text.slice(1 - length) : text; }

/* The shapes of events, as paths around 0,0. */
const circle = r => `M${-r},0A${r},${r} 0 1 0 ${r},0A${r},${r} 0 1 0 ${-r},0Z`;
const box = r => `M${-r},${-r}H${r}V${r}H${-r}Z`;
const shapes = {
    send: ["M-6,-5H6L0,6Z", "flow"], receive: ["M-6,5H6L0,-6Z", "flow"],
    lock: [box(5), "solid"], unlock: [box(5), ""], exit: ["M-5,-5L5,5M5,-5L-5,5", "ring"],
    wait: ["M0,-7L7,0L0,7L-7,0Z", ""], time: ["M-2.5,-6H2.5L6,-2.5V2.5L2.5,6H-2.5L-6,2.5V-2.5Z", ""],
    start: [circle(5), ""], other: [circle(3.2), ""],
};
/* A map, since a trace may say "constructor". */
const shapeOf = new Map(Object.entries({
    start: "start", exit: "exit", send: "send", try_send: "send", recv: "receive", try_recv: "receive",
    lock: "lock", trylock: "lock", rlock: "lock", tryrlock: "lock", acquire: "lock", unlock: "unlock", runlock: "unlock", release: "unlock",
    go: "wait", select: "wait", select_first: "wait", wait: "wait", once: "wait",
    sleep: "time", arm: "time", stop: "time", reset: "time", fire: "time",
}));
const legendOf = {
    start: "start", exit: "exit", send: "send", receive: "receive", lock: "lock, acquire", unlock: "unlock, release",
    wait: "go, select, wait", time: "time", other: "other",
};

class Pane {
    /* `chosen(pane, event)` is called when the user picks a step. */
    constructor(run, title, number, chosen) {
        this.run = run;
        this.number = number;
        this.chosen = chosen;
        this.selected = 0;
        this.marked = null; /* events that are not to be faint, or null: all */
        this.hits = new Set();
        this.clock = run.task.includes(-1) ? 1 : 0; /* columns of the clock, before the tasks' */
        this.parted = -1;
        this.gutter = Math.min(100, Math.max(52, 16 + String(run.step(run.n - 1)).length * DIGIT));
        this.longestPlace = Math.min(22, Math.max(8, ...run.sites().map(site => run.places[site][0].length)));
        this.svg = shape("svg", { "aria-hidden": "true" });
        this.rows = make("div", { class: "rows", role: "presentation" });
        this.window = make("div", { class: "window", role: "presentation" }, this.rows, this.svg);
        this.room = make("div", { class: "room", role: "presentation" }, this.window);
        this.scroll = make("div", { class: "scroll", tabindex: "0", role: "listbox", "aria-label": title }, this.room);
        this.element = make("section", { class: "pane", "aria-label": title }, make("h2", {}, title), this.scroll);
        this.svg.style.pointerEvents = "none";
        this.scroll.addEventListener("scroll", () => this.ask());
        this.rows.addEventListener("click", event => {
            const row = event.target.closest(".row");
            if (row) this.chosen(this, Number(row.dataset.event));
        });
        new ResizeObserver(() => this.resize()).observe(this.scroll);
    }

    /* Draws once before the next frame, however often it is asked for. */
    ask() {
        if (this.asked) return;
        this.asked = true;
        requestAnimationFrame(() => { this.asked = false; this.draw(); });
    }

    /* Another size must not move what the user looks at. */
    resize() {
        if (this.scroll.clientHeight === 0) return;
        const y = this.top + this.selected * ROW - this.scroll.scrollTop, seen = y > 0 && y < this.height;
        this.measure();
        if (seen) this.select(this.selected); else this.draw();
    }

    measure() {
        const width = this.printing || this.scroll.clientWidth, count = this.run.tasks.length + this.clock;
        const place = (this.longestPlace + 1) * LETTER + 8;
        this.height = this.scroll.clientHeight;
        this.wide = false;
        for (this.placeWidth of [place, 0]) {
            this.left = this.gutter + this.placeWidth;
            this.lane = Math.min(MOST_LANE, (width - this.left - 20) / count);
            this.wide ||= count <= MOST_WIDE && this.lane >= LEAST_LANE;
            if (this.wide) break;
        }
        if (!this.wide) {
            const room = width - this.gutter - 70;
            this.lane = Math.min(MOST_NARROW, Math.max(LEAST_NARROW, (room - LEAST_LIST) / count));
            this.left = this.gutter + Math.min(MOST_LIST, Math.max(LEAST_LIST, room - count * this.lane));
            this.placeWidth = this.left - this.gutter > 330 ? place : 0;
        }
        this.top = this.wide ? 34 : 108;
        this.width = Math.max(width, this.left + this.lane * count + (this.wide ? 0 : 70));
        this.layBand();
        this.bottom = this.top + this.run.n * ROW + 10;
        this.room.style.width = this.width + "px";
        this.room.style.height = this.bottom + this.bandHeight + "px";
    }

    x(t) { return this.left + (t + this.clock + 0.5) * this.lane; }
    y(i) { return this.top + (i + 0.5) * ROW - this.scrolled; }

    select(i, far) {
        this.selected = i;
        const { scroll } = this, y = this.top + i * ROW;
        const page = scroll.clientHeight;
        const last = i === this.run.n - 1;
        const end = last ? Math.min(this.bottom + this.bandHeight, y + page - this.top - 2 * ROW) : y + 2 * ROW;
        if (far || y < scroll.scrollTop + this.top + ROW || end > scroll.scrollTop + page) {
            /* The end as well, where both fit. */
            const whole = this.bottom + this.bandHeight;
            if (far) scroll.scrollTop = whole - y + this.top + ROW <= page ? whole - page : y - page / 2;
            else if (y < scroll.scrollTop + this.top + ROW) scroll.scrollTop = y - this.top - ROW;
            if (end > scroll.scrollTop + page) scroll.scrollTop = end - page;
        }
        const x = this.x(this.run.task[i]), slack = this.lane / 2 + 30;
        if (x + slack > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = x + slack - scroll.clientWidth;
        if (x - slack - this.left < scroll.scrollLeft) scroll.scrollLeft = x - slack - this.left;
        this.draw();
    }

    /* ---- Drawing ----------------------------------------------------------------------------- */

    draw() {
        const { scroll, run } = this;
        if (!this.width) this.measure();
        this.scrolled = this.printing ? this.printTop : scroll.scrollTop;
        this.shifted = this.printing ? 0 : scroll.scrollLeft;
        const width = this.printing || scroll.clientWidth, height = this.printing ? this.printHeight : scroll.clientHeight;
        this.view = { width, height };
        this.window.style.width = width + "px";
        this.window.style.height = height + "px";
        this.svg.setAttribute("width", width);
        this.svg.setAttribute("height", height);
        const from = Math.max(0, Math.floor(this.scrolled / ROW) - 1);
        const to = Math.min(run.n - 1, Math.ceil((this.scrolled + height - this.top) / ROW));
        const parts = [];
        this.drawLanes(parts, from, to);
        this.drawEdges(parts, from, to);
        for (let i = from; i <= to; i++) this.drawEvent(parts, i);
        this.drawBand(parts);
        this.drawNames(parts);
        this.svg.replaceChildren(...parts);
        this.rows.replaceChildren(...this.makeRows(from, to));
        this.scroll.setAttribute("aria-activedescendant", this.selected >= from && this.selected <= to ? this.id(this.selected) : "");
    }

    id(i) { return "r" + this.number + "s" + this.run.step(i); }

    /* Where a task's column is on the screen; null: it is not. */
    column(t) {
        const x = this.x(t) - this.shifted;
        return x > this.left - this.lane && x < this.view.width + this.lane ? x : null;
    }

    hides(i) { return this.marked !== null && !this.marked[i]; }

    drawLanes(parts, from, to) {
        const { run } = this, end = this.y(run.n - 1) + ROW;
        run.tasks.forEach((task, t) => {
            const x = this.column(t), own = run.ofTask[t];
            if (x === null || own.length === 0) return;
            const lastEvent = own[own.length - 1], ended = run.word(lastEvent) === "exit";
            const y1 = Math.max(this.y(own[0]), 0), y2 = Math.min(ended ? this.y(lastEvent) : end, this.view.height);
            if (y2 <= y1) return;
            parts.push(shape("line", { class: "rail", x1: x, x2: x, y1, y2 }));
            /* From the last event before the window on: that one may be asleep through it. */
            for (let k = Math.max(0, upTo(own, from) - 1); k < own.length && own[k] <= to; k++) {
                const i = own[k];
                if (!run.slept[i]) continue;
                const forever = run.next[i] < 0;
                const stop = forever ? this.bottom - this.scrolled : this.y(run.next[i]);
                parts.push(shape("rect", {
                    class: "bar" + (forever && task.culprit ? " stuck" : "") + (this.hides(i) ? " off" : ""),
                    x: x - 4.5, width: 9, y: this.y(i), height: Math.max(0, stop - this.y(i)),
                }));
            }
        });
    }

    drawEdges(parts, from, to) {
        const { run, selected } = this, { before, after } = run;
        const line = (k) => {
            const a = before[k], b = after[k], t = run.task[a], u = run.task[b];
            if (t === u) return;
            const x1 = this.x(t) - this.shifted, x2 = this.x(u) - this.shifted;
            if (Math.max(x1, x2) < this.left || Math.min(x1, x2) > this.view.width) return;
            const kind = run.kindOf(k), style = kind === "message" || kind === "go" ? kind : "";
            const off = this.hides(a) || this.hides(b) ? " off" : "", own = a === selected || b === selected ? " own" : "";
            this.arrow(parts, x1, this.y(a), x2, this.y(b), `edge ${style}${off}${own}`, `head ${style}${off}`, 8);
        };
        /* Those that end on the screen, and those that lead from it, or across it. */
        for (let k = 0; k < before.length; k++) {
            if (after[k] >= from && before[k] <= to && (run.kindOf(k) !== "slot" || before[k] === selected || after[k] === selected)) line(k);
        }
        for (const [a, b] of run.races) {
            if (b < from || a > to) continue;
            const place = { x1: this.x(run.task[a]) - this.shifted, y1: this.y(a), x2: this.x(run.task[b]) - this.shifted, y2: this.y(b) };
            parts.push(shape("line", { class: "race", ...place }), shape("line", { class: "race inner", ...place }));
        }
    }

    arrow(parts, x1, y1, x2, y2, line, head, gap) {
        const length = Math.hypot(x2 - x1, y2 - y1);
        if (length < 2 * gap) return;
        const dx = (x2 - x1) / length, dy = (y2 - y1) / length;
        const tip = [x2 - dx * gap, y2 - dy * gap], base = [tip[0] - dx * 8, tip[1] - dy * 8];
        parts.push(shape("line", { class: line, x1: x1 + dx * gap, y1: y1 + dy * gap, x2: base[0], y2: base[1] }));
        parts.push(shape("path", { class: head, d: `M${tip[0]},${tip[1]}L${base[0] - dy * 4},${base[1] + dx * 4}L${base[0] + dy * 4},${base[1] - dx * 4}Z` }));
    }

    drawEvent(parts, i) {
        const { run } = this, t = run.task[i];
        const x = this.column(t);
        if (x === null || x < this.left) return;
        const y = this.y(i), evil = run.tag.has(i), off = this.hides(i) ? " off" : "";
        const receives = run.word(i).startsWith("select") && !run.slept[i] && run.object[i] >= 0;
        const name = receives ? (run.sends.has(i) ? "send" : "receive") : shapeOf.get(run.word(i)) || "other";
        const [path, style] = shapes[name];
        const look = evil ? "shape evil" : run.slept[i] ? "shape asleep" : style === "ring" ? "ring" : "shape " + style;
        parts.push(shape("path", { class: look + off, d: path, transform: `translate(${x},${y})` }));
        if (i === this.selected) parts.push(shape("circle", { class: "ring", cx: x, cy: y, r: 9.5 }));
        if (!this.wide) return;
        /* The label goes on the side away from the arrow, where there is room. */
        let left = false;
        for (let k = run.firstIn[i]; k < run.firstIn[i + 1]; k++) left ||= run.task[run.before[k]] > t;
        for (let k = run.firstOut[i]; k < run.firstOut[i + 1]; k++) left ||= run.task[run.after[run.out[k]]] > t && run.kindOf(run.out[k]) !== "slot";
        for (const [a, b] of run.races) left ||= (a === i && run.task[b] > t) || (b === i && run.task[a] > t);
        const tag = run.tag.get(i), whole = run.text(i) + (tag ? " " + tag : "");
        const needed = whole.length * LETTER * (evil ? 1.12 : 1) + 20;
        const before = x - this.left, after = this.view.width - x;
        if (left ? before < needed && after > before : after < needed && before > after) left = !left;
        const text = clip(whole, Math.floor(((left ? before : after) - 18) / LETTER));
        const ground = i === this.selected ? " at" : this.hits.has(i) ? " hit" : "";
        parts.push(shape("text", { class: "halo" + ground + (evil ? " bad" : "") + (left ? " end" : "") + off, x: x + (left ? -13 : 13), y: y + 4 }, text));
    }

    drawNames(parts) {
        const { run } = this, { width } = this.view;
        parts.push(shape("rect", { class: "veil", x: 0, y: 0, width, height: this.top - 2 }));
        for (let t = -this.clock; t < run.tasks.length; t++) {
            const x = this.column(t), name = run.taskName(t);
            if (x === null || x < this.left) continue;
            const bad = t >= 0 && run.tasks[t].culprit ? " bad" : "";
            if (this.wide) {
                const half = Math.min(this.lane / 2 - 6, 80);
                parts.push(shape("rect", { class: "name" + bad, x: x - half, y: 4, width: 2 * half, height: 22, rx: 7 }));
                parts.push(shape("text", { class: "middle" + bad, x, y: 19 }, clip(name, Math.floor(half / 3.3))));
            } else {
                parts.push(shape("text", { class: bad, transform: `translate(${x + 3},${this.top - 8})rotate(-55)` }, clip(name, 17)));
            }
        }
        parts.push(shape("text", { class: "faint", x: this.gutter - 6, y: this.top - 15, "text-anchor": "end" }, "step"));
        if (!this.wide || this.placeWidth > 0) parts.push(shape("text", { class: "faint", x: this.gutter + 6, y: this.top - 15 }, this.wide ? "place" : "task and what it does"));
        parts.push(shape("line", { class: "rail", x1: 0, x2: width, y1: this.top - 4, y2: this.top - 4 }));
    }

    /* The rows are what is clicked on, and what a screen reader reads. */
    makeRows(from, to) {
        const { run } = this, rows = [];
        for (let i = from; i <= to; i++) {
            const y = this.y(i) - ROW / 2;
            if (y < this.top - ROW) continue;
            const tag = run.tag.get(i), selected = i === this.selected;
            const row = make("div", {
                class: "row" + (selected ? " at" : "") + (this.hits.has(i) ? " hit" : "") + (this.hides(i) ? " off" : "") +
                    (i === this.parted ? " differs" : "") + (tag ? " bad" : ""),
                role: "option", id: this.id(i), "aria-selected": String(selected), "aria-setsize": run.n, "aria-posinset": i + 1,
                "aria-label": this.sentence(i), "data-event": i,
            });
            row.style.top = y + "px";
            const span = (name, left, width, text) => {
                const element = make("span", { class: name }, text);
                element.style.left = left + "px";
                element.style.width = width + "px";
                row.append(element);
            };
            span("number", 0, this.gutter - 6, String(run.step(i)));
            if (!this.wide) {
                const room = this.left - this.gutter - this.placeWidth - 16;
                span("text", this.gutter + 6, room * 0.4 - 6, run.taskName(run.task[i]));
                span("text", this.gutter + 6 + room * 0.4, room * 0.6 - 6, run.text(i) + (tag ? " " + tag : ""));
                if (this.placeWidth > 0) span("place", this.left - this.placeWidth - 8, this.placeWidth, clipStart(run.place(i), this.longestPlace));
            } else if (this.placeWidth > 0) {
                span("place", this.gutter + 6, this.placeWidth, clipStart(run.place(i), this.longestPlace));
            }
            if (i === this.parted) row.append(make("span", { class: "mark" }, "first difference"));
            rows.push(row);
        }
        return rows;
    }

    sentence(i) {
        const { run } = this, tag = run.tag.get(i);
        return `step ${run.step(i)}, ${run.taskName(run.task[i])}: ${run.text(i).replace("?", "")} at ${run.place(i)}` +
            (run.slept[i] ? ", falls asleep" : "") + (tag ? `, finding ${tag}` : "") + (i === this.parted ? ", first difference" : "");
    }

    /* ---- The final state --------------------------------------------------------------------- */

    /* What stands at an arc. In the list it stands on the left, and says whose it is. */
    arcText(arc) {
        const { run } = this, text = (arc.object < 0 ? "" : run.objectName(arc.object) + " ") + `(${arc.why})`;
        return this.wide ? clip(text, 40) : `${run.taskName(arc.from)} \u2192 ${run.taskName(arc.to)}: ${text}`;
    }

    /* Arcs hang below the boxes, on levels so that they do not cross each other's labels. Those of
     * a cycle come first. */
    layBand() {
        const span = arc => Math.abs(arc.to - arc.from);
        this.arcs = this.run.arcs.map(arc => ({ ...arc })).sort((a, b) => b.cycle - a.cycle || span(a) - span(b)).slice(0, MOST_ARCS);
        let levels = 0;
        this.arcs.forEach((arc, k) => {
            const middle = (this.x(arc.from) + this.x(arc.to)) / 2, half = this.arcText(arc).length * LETTER / 2 + 10;
            arc.low = Math.min(this.x(arc.from), this.x(arc.to), middle - half);
            arc.high = Math.max(this.x(arc.from), this.x(arc.to), middle + half);
            arc.level = 1;
            for (const other of this.arcs.slice(0, k)) {
                if (other.level >= arc.level && (!this.wide || (other.low <= arc.high && arc.low <= other.high))) arc.level = other.level + 1;
            }
            levels = Math.max(levels, arc.level);
        });
        this.bandHeight = 56 + levels * LEVEL;
    }

    finalText(t) {
        const { run } = this, { state, event } = run.state(t, run.n - 1), daemon = run.tasks[t].daemon ? " (daemon)" : "";
        if (!run.tasks[t].culprit && run.tag.has(event)) return run.tag.get(event);
        switch (state) {
        case "ended": return "exited";
        case "unborn": case "ready": case "running": return event < 0 ? "never ran" : "could run" + daemon;
        default: return (run.tasks[t].culprit ? "stuck: " : "waits: ") + run.text(event).replace("?", "") + daemon;
        }
    }

    drawBand(parts) {
        const { run } = this, y = this.bottom - this.scrolled + 16;
        if (y > this.view.height + 30) return;
        const half = this.wide ? this.lane / 2 - 5 : this.lane / 2 - 2;
        parts.push(shape("rect", { class: "veil", x: 0, y: y - 24, width: this.view.width, height: this.bandHeight + 30 }));
        parts.push(shape("text", { class: "faint", x: this.wide && this.placeWidth === 0 ? this.gutter - 6 : this.left - 14, y: y + 4, "text-anchor": "end" }, this.left > 110 ? "at the end" : "end"));
        run.tasks.forEach((task, t) => {
            const x = this.column(t);
            if (x === null || x < this.left) return;
            const text = this.finalText(t), bad = task.culprit || run.tag.has(run.ofTask[t][run.ofTask[t].length - 1]) ? " bad" : "";
            parts.push(shape("rect", { class: "box" + bad, x: x - half, y: y - 11, width: 2 * half, height: 22, rx: 5 }));
            const short = text === "exited" ? "\u2715" : bad ? "!" : text.startsWith("waits") ? "\u2016" : "\u00b7";
            parts.push(shape("text", { class: "middle" + bad, x, y: y + 4 }, this.wide ? clip(text, Math.floor(half / (bad ? 3.4 : 3))) : short));
        });
        for (const arc of this.arcs) {
            const right = arc.to > arc.from, near = half * (this.wide ? 0.5 : 0.6);
            const x1 = this.x(arc.from) - this.shifted + (arc.to === arc.from ? -near : right ? near : -near);
            const x2 = this.x(arc.to) - this.shifted + (arc.to === arc.from ? near : right ? -near : near);
            const low = y + 6 + arc.level * LEVEL, bad = arc.cycle ? " bad" : "", middle = (x1 + x2) / 2;
            const bend = Math.min(14, Math.abs(x2 - x1) / 2), side = x2 > x1 ? bend : -bend;
            if (Math.max(x1, x2) >= this.left) parts.push(shape("path", { class: "arc" + bad, d: `M${x1},${y + 11}V${low - 10}Q${x1},${low} ${x1 + side},${low}H${x2 - side}Q${x2},${low} ${x2},${low - 10}V${y + 19}` }));
            if (x2 >= this.left) parts.push(shape("path", { class: "head arc-head" + bad, d: `M${x2},${y + 12}l-4,8h8Z` }));
            const text = this.wide ? this.arcText(arc) : clip(this.arcText(arc), Math.floor((this.left - 20) / LETTER));
            parts.push(shape("text", { class: "halo " + (this.wide ? "middle" : "end") + (bad || " faint"), x: this.wide ? middle : this.left - 14, y: low + (this.wide ? 13 : 1) }, text));
        }
    }

    /* ---- Paper ------------------------------------------------------------------------------- */

    /* Draws what leads to the selected step, and the end, as far as they fit on some pages. */
    print(on) {
        const { run } = this, rows = 150;
        this.printing = 0;
        if (on) {
            this.printing = 960; /* pixels, as wide as paper on its side */
            this.measure();
            const first = run.n <= rows ? 0 : Math.max(0, Math.min(this.selected - rows + 20, run.n - rows));
            const whole = first + rows >= run.n;
            this.printTop = first * ROW;
            this.printHeight = this.top + (whole ? run.n - first : rows) * ROW + 10 + (whole ? this.bandHeight : 0);
            this.room.style.height = this.printHeight + "px";
        } else {
            this.measure();
        }
        this.draw();
    }
}
