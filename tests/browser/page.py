"""The page that `pirn view` writes, used in a browser by clicks and keys. Reports as TAP."""

import base64
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

from driver import (DOWN, END, ENTER, ESCAPE, HOME, LEFT, PAGE_DOWN, RIGHT, SHIFT, TAB, UP, Browser)

SOURCE = os.environ.get("top_srcdir", ".")
PIRN, EXAMPLES = os.environ["PIRN"], os.environ["EXAMPLES"]

browser = None
folder = None


# ---- Traces and pages -----------------------------------------------------------------------

def path(name):
    return os.path.join(folder, name)


def make_trace(name, *scripts):
    """A trace with the rows that SQL makes; a name ending in .sql is one of tests/traces."""
    db = sqlite3.connect(path(name))
    for script in ("traces/schema.sql",) + scripts:
        if script.endswith(".sql"):
            with open(os.path.join(SOURCE, script), encoding="utf-8") as file:
                script = file.read()
        db.executescript(script)
    db.commit()
    return db


def pirn(*arguments):
    return subprocess.run([PIRN, *arguments], cwd=folder, capture_output=True, text=True, timeout=300)


def view(trace, *options):
    """Writes the page of a trace and returns its path."""
    page = path(re.sub(r"\W", "_", trace + "".join(options)) + ".html")
    done = pirn("view", *options, "-o", page, path(trace))
    assert done.returncode == 0, done.stderr
    return page


def explore(name, example, *options):
    """A trace of real runs, with every run in full."""
    done = pirn("explore", "--seed", "1", "--record=all", "--trace", path(name), *options,
                os.path.join(EXAMPLES, example + "-sim"))
    assert done.returncode in (0, 1), done.stderr
    return sqlite3.connect(path(name))


def rows(db, query, *values):
    return db.execute(query, values).fetchall()


# ---- What the page shows --------------------------------------------------------------------

def same(found, wanted):
    assert found == wanted, f"{found!r} where {wanted!r} should be"


def has(text, part):
    assert part in text, f"no {part!r} in {text!r}"


def step():
    """The selected step; all that tells of it must agree."""
    shown = int(re.match(r"Step (\d+):", browser.text("#step")).group(1))
    selected = browser.run("""
        return [...document.querySelectorAll('.pane.active [aria-selected=true]')].map(row => row.id)""")
    active = browser.run("""
        return document.querySelector('.pane.active .scroll').getAttribute('aria-activedescendant')""")
    same(selected, [active])
    assert active.endswith(f"s{shown}"), active
    has(browser.text("#live"), f"step {shown},")
    return shown


def address():
    return browser.run("return location.hash")


def task_state(name):
    return browser.run("""
        for (const row of document.querySelectorAll('#tasks tbody tr'))
            if (row.cells[0].textContent === arguments[0]) return row.cells[1].textContent""", name)


def object_state(name):
    return browser.run("""
        for (const row of document.querySelectorAll('#objects tbody tr'))
            if (row.cells[0].textContent.startsWith(arguments[0])) return row.cells[1].innerText""", name)


def choices():
    return browser.run("""
        return [...document.querySelectorAll('#choice li:not(.plain)')].map(li => li.textContent)""")


def visible():
    """The steps whose rows are in the document, those that are not faint among them."""
    return browser.run("""
        return [...document.querySelectorAll('.pane.active .row:not(.off) .number')].map(n => Number(n.textContent))""")


def no_complaints():
    same([text for text in browser.complaints() if "favicon" not in text], [])


def go_to(number):
    browser.run("location.hash = '#s=' + arguments[0]", number)
    browser.wait(lambda: browser.text("#step").startswith(f"Step {number}:"))


# ---- Tests ----------------------------------------------------------------------------------

tests = []


def test(title):
    return lambda function: tests.append((title, function))


@test("it opens at the finding, with the words of pirn explain")
def _():
    make_trace("orders.db", "tests/traces/orders.sql")
    browser.open(view("orders.db"))
    no_complaints()
    same(step(), 32)
    same(browser.text("#headline"), "Deadlock: 3 tasks wait for each other (D1)")
    has(browser.run("return document.title"), "orders.db run 4117: deadlock")
    explained = pirn("explain", path("orders.db")).stdout
    words = browser.text("#explanation")
    told = [line for line in explained.split("The way there:")[0].split("\n")[1:] if line.strip()]
    assert len(told) > 6
    for line in told:
        has(words, line)


@test("keys step forward, back, to the ends, and along a task")
def _():
    browser.open(view("orders.db"), "#s=5")
    same(step(), 5)
    for keys, wanted in ((["j"], 6), (["j", "j"], 8), (["k"], 7), ([DOWN], 8), ([UP, UP], 6),
                         ([END], 37), (["j"], 37), ([HOME], 1), (["k"], 1)):
        browser.press(*keys)
        same(step(), wanted)
    go_to(27)
    browser.press(LEFT)
    same(step(), 26)
    browser.press(LEFT, LEFT, RIGHT)
    same(step(), 23)
    browser.press(HOME, PAGE_DOWN)
    assert step() > 5
    browser.wait(lambda: address() == f"#s={step()}")
    no_complaints()


@test("the address names the step")
def _():
    page = view("orders.db")
    browser.open(page, "#s=19")
    same(step(), 19)
    go_to(7)
    same(step(), 7)
    # The page may be about to write the address of the step before.
    browser.run("location.hash = '#s=12'; history.replaceState(null, '', '#s=7')")
    browser.wait(lambda: step() == 12)
    browser.open(page, "#s=999999")
    same(step(), 37)
    browser.open(page, "#s=<script>")
    same(step(), 32)
    browser.press("k")
    browser.wait(lambda: address() == "#s=31")


@test("clicks on a row, a link and a button select")
def _():
    browser.open(view("orders.db"), "#s=32")
    browser.click("[id=r0s30]")
    same(step(), 30)
    browser.run("[...document.querySelectorAll('#tasks .link')].find(l => l.textContent === 'since step 27').focus()")
    browser.press(ENTER)
    same(step(), 27)
    browser.click("#jumps button:last-child")
    same(step(), 32)
    browser.press("e")
    same(step(), 27)


@test("it searches for tasks, objects, places, and goes from hit to hit")
def _():
    db = make_trace("search.db", "tests/traces/orders.sql")
    browser.open(view("search.db"), "#s=1")
    browser.press("/", *"mu_state")
    wanted = [n for n, in rows(db, "SELECT step FROM steps WHERE object = 'mu_state' ORDER BY step")]
    assert len(wanted) > 1
    browser.wait(lambda: step() == wanted[0])
    browser.press(ENTER)
    same(step(), wanted[1])
    has(browser.text("#hits"), f"2 of {len(wanted)}")
    browser.run("document.querySelector('.scroll').focus()")
    browser.press("n")
    same(step(), wanted[2 % len(wanted)])
    browser.press(SHIFT + "N")
    same(step(), wanted[1])
    browser.press("/", *"REAPER lock")
    wanted = rows(db, "SELECT count(*) FROM steps WHERE task = 'reaper' AND op LIKE '%lock%'")[0][0]
    browser.wait(lambda: str(wanted) in browser.text("#hits"))
    browser.press("/", *"no such thing")
    browser.wait(lambda: browser.text("#hits") == "0 hits")
    browser.press(ESCAPE)
    same(browser.run("return [query.value, document.activeElement.className]"), ["", "scroll"])


def reachable(db, number, forward):
    """The causal past or future of a step, found another way: by the view of the schema."""
    ends = ("before", "after") if forward else ("after", "before")
    return {n for n, in rows(db, f"""WITH RECURSIVE reached(step) AS (VALUES(?) UNION
        SELECT {ends[1]} FROM happens_before, reached WHERE {ends[0]} = reached.step)
        SELECT step FROM reached""", number)}


@test("p and f show the causal past and future alone")
def _():
    db = make_trace("causes.db", "tests/traces/orders.sql")
    browser.open(view("causes.db"), "#s=24")
    browser.run("document.querySelector('#finding').open = false")
    for number in (24, 17, 33):
        go_to(number)
        past, future = reachable(db, number, False), reachable(db, number, True)

        def shown(wanted):
            everything = {int(n) for n in browser.run("return [...document.querySelectorAll('.row .number')].map(n => n.textContent)")}
            return len(everything) > 10 and set(visible()) == everything & wanted

        browser.press("p")
        browser.wait(lambda: shown(past))
        same(browser.run("return past.getAttribute('aria-pressed')"), "true")
        browser.press("f")
        browser.wait(lambda: shown(future))
        browser.press("f")
        browser.wait(lambda: shown(past | future | set(range(38))))
        has(browser.text("#facts"), f"{len(past) - 1} steps before it, {len(future) - 1} after it")


@test("each task's state and what it waits for is told at each step")
def _():
    browser.open(view("orders.db"), "#s=1")
    same(task_state("producer"), "not started yet")
    go_to(30)
    has(task_state("worker"), "waits: lock mu_state, held by reaper")
    has(task_state("producer"), "waits: send jobs")
    same(task_state("reaper"), "could run")
    go_to(37)
    same(task_state("logger"), "ended")
    has(task_state("main"), "waits: wait workers, 2 left")
    has(object_state("mu_table"), "held by producer since step 22")
    has(object_state("mu_table"), "blocked in lock: reaper")
    has(object_state("jobs"), "1 of 1 queued\nblocked in send: producer")


@test("the final state is below the last step, with who waits for whom")
def _():
    browser.open(view("orders.db"))
    browser.press(END)
    texts = browser.run("return [...document.querySelectorAll('.pane svg text')].map(t => t.textContent)")
    for text in ("stuck: lock mu_state", "stuck: send jobs", "mu_state (holder)", "jobs (only receiver)", "exited"):
        assert text in texts, texts
    same(browser.run("return document.querySelectorAll('.pane svg .arc.bad').length"), 3)


@test("the two sides of a race are joined by a double line, and tagged")
def _():
    db = make_trace("race.db", "tests/traces/orders.sql")
    db.execute("INSERT INTO finding VALUES(4117, 99, 'race', 18, 20, NULL, 'stats.total is written by both')")
    db.commit()
    browser.open(view("race.db"), "#s=18")
    has(browser.text("#step"), "R1")
    same(browser.run("return document.querySelectorAll('svg .race').length"), 2)
    ends = browser.run("const r = document.querySelector('svg .race'); return ['x1', 'y1', 'x2', 'y2'].map(n => Number(r.getAttribute(n)))")
    dots = browser.run("""
        return [...document.querySelectorAll('svg .shape.evil')].map(s => s.getAttribute('transform').match(/[\\d.]+/g).map(Number))""")
    assert ends[:2] in dots and ends[2:] in dots, (ends, dots)
    has(browser.text("#explanation"), "stats.total is written by both")
    browser.press("e")
    same(step(), 20)


@test("a channel is as long as len says it is, at every step of real runs")
def _():
    db = explore("hello.db", "hello", "-n", "10", "--keep-going")
    seen = 0
    for run, in rows(db, "SELECT id FROM run"):
        browser.open(view(f"hello.db#{run}", "--with=none"))
        for number, result in rows(db, "SELECT step, result FROM event WHERE run = ? AND op = 'len'", run):
            go_to(number)
            has(object_state("channel 1"), f"{result} of 5 queued")
            seen += 1
    assert seen > 20


def schedule_choices(text):
    """How many choices a schedule has: the second number behind its 8 bytes."""
    code = text.removeprefix("pirn1:")
    data, numbers, at = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)), [], 8
    while len(numbers) < 2:
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        numbers.append(value)
    return numbers[1]


@test("where the scheduler had alternatives is where the schedule has a choice")
def _():
    # None of these has timers, or anything else to choose than tasks.
    for name, example in (("hello2.db", "hello"), ("pool.db", "worker-pool"), ("late.db", "late-start")):
        db = explore(name, example, "-n", "2")
        for run, schedule, steps in rows(db, "SELECT id, schedule, steps FROM run"):
            browser.open(view(f"{name}#{run}", "--with=none"), "#s=1")
            open_steps = 0
            for number in range(1, steps + 1):
                offered = choices()
                open_steps += len(offered) > 1
                task = rows(db, "SELECT task FROM steps WHERE run = ? AND step = ?", run, number)[0][0]
                assert f"{task} \u2190 chosen" in offered, (number, offered)
                browser.press("j")
            same(open_steps, schedule_choices(schedule))


@test("a timer that could fire is among the alternatives, and only then")
def _():
    steps = [("start", 1, None, 0, 0), ("arm", 1, 1, 0, 0), ("sleep", 1, None, None, 0), ("fire", 0, 1, 0, 1000), ("sleep", 1, None, 0, 1000),
             ("arm", 1, 2, 0, 1000), ("yield", 1, None, 0, 1000), ("stop", 1, 2, 1, 1000), ("exit", 1, None, 0, 1000)]
    db = make_trace("timers.db", """
        INSERT INTO program VALUES(1, '/timers', 'x', '["timers"]', '2026-01-01T00:00:00Z', '1');
        INSERT INTO run VALUES(1, 1, 'random', 1, '', 'ok', '', 9, 1, 0, 0, 1000, 1, 1, NULL);
        INSERT INTO task VALUES(1, 1, NULL, 'main', NULL, 1, 9, 'exited', 0);
        INSERT INTO object VALUES(1, 1, 'timer', NULL, NULL, NULL, NULL), (1, 2, 'timer', NULL, NULL, NULL, NULL);
        INSERT INTO edge VALUES(1, 2, 4, 'timer');""")
    for number, (op, task, obj, result, now) in enumerate(steps, 1):
        db.execute("INSERT INTO event VALUES(1, ?, ?, ?, ?, ?, NULL, ?)", (number, task, op, obj, result, now))
    db.commit()
    browser.open(view("timers.db", "--with=none"), "#s=1")
    offered = []
    for number in range(1, 10):
        if any(text.startswith("a timer") for text in choices()):
            offered.append(number)
        browser.press("j")
    same(offered, [3, 7, 8])


@test("a timer is no alternative in runs in which timers are late")
def _():
    for when, example in (("early", "cancel"), ("late", "cancel"), ("early", "service"), ("late", "service")):
        name = f"{example}-{when}.db"
        program = [os.path.join(EXAMPLES, example + "-sim")] + (["2", "2"] if example == "service" else [])
        done = pirn("run", "--seed", "3", "--strategy=random", f"--timers={when}", "--trace", path(name), *program)
        assert done.returncode in (0, 1), done.stderr
        browser.open(view(name + "#1", "--with=none"), "#s=1")
        steps = rows(sqlite3.connect(path(name)), "SELECT steps FROM run")[0][0]
        offered = 0
        for _ in range(min(steps, 150)):
            offered += any(text.startswith("a timer") for text in choices())
            browser.press("j")
        assert (offered > 0) == (when == "early"), (example, when, offered)


@test("the nearest passing run stands beside it, and where they part")
def _():
    db = explore("bank.db", "transactions", "-n", "200")
    failed = rows(db, "SELECT id FROM run WHERE outcome = 'deadlock'")[0][0]
    events = {}
    for run, task, op, obj, result in rows(db, "SELECT run, task, op, object, result FROM event ORDER BY run, step"):
        events.setdefault(run, []).append((task, op, obj, result))

    def shared(run):
        pairs = zip(events[run], events[failed])
        return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(events[run]), len(events[failed])))

    passing = [run for run, in rows(db, "SELECT id FROM run WHERE outcome = 'ok' ORDER BY id")]
    nearest = max(passing, key=lambda run: (shared(run), -run))
    browser.open(view("bank.db"))
    has(browser.text("#about"), f"nearest to it run {nearest}: ok")
    same(browser.run("return document.querySelectorAll('.pane:not([hidden])').length"), 1)
    browser.press("d")
    same(step(), shared(nearest) + 1)
    has(browser.text("#facts"), f"up to here run {nearest} (ok) is the same")
    browser.press("b")
    same(browser.run("return document.querySelectorAll('.pane:not([hidden])').length"), 2)
    browser.wait(lambda: browser.run("return document.querySelectorAll('.row.differs').length") == 2)
    has(browser.text(".row.differs"), "first difference")
    browser.press("k")
    same(browser.run("return [...document.querySelectorAll('[aria-selected=true] .number')].map(n => n.textContent)"),
         [str(shared(nearest))] * 2)
    browser.press("d", "x", "j")
    has(browser.text(".pane.active h2"), f"run {nearest}")
    same(step(), shared(nearest) + 2)
    browser.click(".pane [id^=r0]")
    has(browser.text(".pane.active h2"), f"run {failed}")
    browser.press("b")
    same(browser.run("return document.querySelectorAll('.pane:not([hidden])').length"), 1)
    no_complaints()


@test("--with names the run beside it, or none; what cannot be is refused")
def _():
    browser.open(view("bank.db", "--with=3"))
    same(browser.run("return document.querySelectorAll('.pane:not([hidden])').length"), 2)
    has(browser.text("#about"), "run 3")
    browser.open(view("bank.db", "--with=none"))
    assert browser.run("return beside.hidden && difference.hidden")
    for wrong, message in (("--with=99999", "it has no run 99999"), ("--with=x", "number of a run"), ("--with=0", "number of a run")):
        done = pirn("view", "-o", path("no.html"), wrong, path("bank.db"))
        same(done.returncode, 2)
        has(done.stderr, message)
        assert not os.path.exists(path("no.html"))


@test("names that try to break out are text")
def _():
    evil = '"></script><script>window.broken=1</script><img src=x onerror="window.broken=1">\u2028\u2029-->'
    db = make_trace("hostile.db", "tests/traces/hostile.sql")
    db.execute("UPDATE task SET name = ? || id", (evil,))
    db.execute("UPDATE object SET label = ?", (evil,))
    db.execute("UPDATE run SET message = ?, strategy = ?, outcome = 'panic'", (evil, evil))
    db.execute("UPDATE finding SET message = ?, kind = ? WHERE id > 3", (evil, "__proto__"))
    db.execute("UPDATE event SET op = 'constructor' WHERE step = 3")
    db.execute("UPDATE edge SET kind = '__proto__' WHERE after = 2")
    db.execute("UPDATE site SET function = ?, file = ?", (evil, "a/" + evil.replace("/", "")))
    db.commit()
    page = view("hostile.db")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    same(len(re.findall("<script", text)), 2)
    same(len(re.findall("</script", text)), 2)
    same(re.findall("[\u2028\u2029]", text), [])
    browser.open(page, "#s=1")
    no_complaints()
    for _ in range(18):
        browser.press("j")
    browser.press("p", "f", "f", "/", *"script", ENTER)
    has(browser.text("#step"), "</script><script>")
    has(browser.text("#tasks"), "onerror=")
    same(browser.run("return [typeof window.broken, document.scripts.length, document.images.length]"), ["undefined", 2, 0])
    no_complaints()


@test("the policy lets the page's own script run, and nothing else")
def _():
    page = view("orders.db")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy, policy
    for kind, open_tag, close_tag in (("script", "<script>", "</script>"), ("style", "<style>", "</style>")):
        content = text.split(open_tag)[1].split(close_tag)[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        has(policy, f"{kind}-src 'sha256-{digest}'")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    browser.open(page)
    same(browser.run("""
        const found = [];
        const attempt = act => { try { act(); } catch (error) { found.push(error.name); } };
        attempt(() => { const s = document.createElement('script'); s.append('window.broken = 1'); document.body.append(s); });
        attempt(() => { document.body.innerHTML += '<p>'; });
        return [typeof window.broken, found]"""), ["undefined", ["TypeError"]])
    same(browser.run_async("fetch('data:,x').then(() => done('fetched'), () => done('refused'))"), "refused")
    browser.complaints()


@test("the lines of the program are shown, from C sources alone")
def _():
    with open(path("code.c"), "w", encoding="utf-8") as file:
        file.write("".join(f"line {n}\n" for n in range(1, 10)) + "\t</script><b>bold</b> & co\n" + "after\n" * 20)
    with open(path("secret.txt"), "w", encoding="utf-8") as file:
        file.write("secret\n" * 20)
    os.mkdir(path("folder.c"))
    os.mkfifo(path("pipe.c"))
    db = make_trace("source.db", "tests/traces/abba.sql")
    files = ["code.c", "secret.txt", "folder.c", "pipe.c", "missing.c"]
    used = [site for site, in rows(db, "SELECT DISTINCT site FROM event WHERE site IS NOT NULL ORDER BY site")]
    for number, site in enumerate(used):
        db.execute("UPDATE OR IGNORE site SET file = ?, line = 10 WHERE id = ?", (path(files[number % len(files)]), site))
    db.execute("UPDATE program SET started_at = '2999-01-01T00:00:00Z'")
    db.commit()
    first = rows(db, "SELECT min(step) FROM event WHERE site = ?", used[0])[0][0]
    page = view("source.db")
    browser.open(page, f"#s={first}")
    same(browser.run("return [source.hidden, document.querySelector('#lines .at').textContent]"),
         [False, "   10          </script><b>bold</b> & co"])
    same(browser.run("return document.querySelectorAll('#lines span, #lines b').length"), 7)
    has(browser.text("#file"), "code.c:10")
    with open(page, encoding="utf-8") as file:
        assert "secret\\n" not in file.read().replace("secret.txt", "")
    assert "has changed" not in browser.text("#file")
    db.execute("UPDATE program SET started_at = '2001-02-03T04:05:06Z'")
    db.commit()
    browser.open(view("source.db"), f"#s={first}")
    has(browser.text("#file"), "the file has changed since the run")
    other = rows(db, "SELECT min(step) FROM event WHERE site = ?", used[1])[0][0]
    go_to(other)
    assert browser.run("return source.hidden")
    with open(view("source.db", "--no-source"), encoding="utf-8") as file:
        assert "line 9" not in file.read()


def contrast(one, other):
    def light(color):
        parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@test("light and dark, every text stands out from its ground")
def _():
    grounds = {"ink": ["paper", "pale", "head", "chosen", "hit"], "dim": ["paper", "pale", "chosen"],
               "blue": ["paper", "chosen"], "red": ["paper", "pale-red", "chosen"]}
    papers = set()
    for scheme in ("light", "dark"):
        browser.emulate(scheme)
        browser.open(view("orders.db"))
        colors = browser.run("""
            const style = getComputedStyle(document.documentElement);
            return Object.fromEntries(arguments[0].map(name => [name, style.getPropertyValue('--' + name).trim()]))""",
            sorted({name for pair in grounds.items() for name in [pair[0], *pair[1]]}))
        papers.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
        for text, behind in grounds.items():
            for ground in behind:
                ratio = contrast(colors[text], colors[ground])
                assert ratio >= 4.5, f"{scheme}: {text} on {ground} is {ratio:.2f}"
    browser.emulate("light")
    same(len(papers), 2)


@test("the keyboard alone reaches everything, and help")
def _():
    browser.open(view("bank.db"))
    same(browser.run("return document.activeElement.className"), "scroll")
    reached = set()
    for _ in range(200):
        browser.press(TAB)
        reached.add(browser.run("const e = document.activeElement; return e.id || e.className || e.tagName"))
    for wanted in ("query", "difference", "beside", "past", "future", "keys", "scroll", "side", "words", "link", "SUMMARY"):
        assert wanted in reached, (wanted, reached)
    browser.run("document.querySelector('.scroll').focus()")
    before = step()
    browser.press("?")
    assert browser.run("return help.open")
    browser.press("k")
    same(step(), before)
    browser.press(ESCAPE)
    assert not browser.run("return help.open")
    same(browser.run("return document.activeElement.className"), "scroll")
    browser.press("k")
    same(step(), before - 1)


@test("a screen reader finds roles, names and the step")
def _():
    browser.open(view("orders.db"), "#s=30")
    unnamed = browser.run("""
        return [...document.querySelectorAll('button, input, [role=listbox], [role=option], [role=region], aside, main, section')]
            .filter(e => !e.closest('[hidden]') && !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length || e.getAttribute('aria-labelledby')))
            .map(e => e.outerHTML.slice(0, 80))""")
    same(unnamed, [])
    option = browser.run("""
        const row = document.querySelector('[aria-selected=true]');
        return ['role', 'aria-label', 'aria-posinset', 'aria-setsize'].map(name => row.getAttribute(name))""")
    same(option, ["option", "step 30, worker: lock mu_state at worker.c:52, falls asleep, finding D1", "30", "37"])
    same(browser.run("return live.getAttribute('aria-live')"), "polite")
    has(browser.text("#live"), "step 30, worker: lock mu_state at worker.c:52, falls asleep, finding D1")
    ids = browser.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    same(len(ids), len(set(ids)))


def long_trace(name, tasks, steps):
    """Tasks that lock, send and receive, round and round."""
    make_trace(name, f"""
        INSERT INTO program VALUES(1, './p', '', '["./p"]', '', '');
        INSERT INTO site VALUES(1, 'p', 1, 'work', 'p.c', 10);
        INSERT INTO object VALUES(1, 1, 'channel', 'ring', 4, 8, 1), (1, 2, 'mutex', 'mu', NULL, NULL, 1);
        WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {steps})
        INSERT INTO event SELECT 1, i, (i / 4) % {tasks} + 1,
            CASE i % 4 WHEN 0 THEN 'lock' WHEN 1 THEN 'unlock' WHEN 2 THEN 'send' ELSE 'recv' END, iif(i % 4 < 2, 2, 1), 0, 1, i FROM n;
        INSERT INTO edge SELECT 1, step - 3, step, 'unlock' FROM event WHERE op = 'lock' AND step > 4;
        INSERT INTO edge SELECT 1, step - 1, step, 'message' FROM event WHERE op = 'recv' AND step > 3;
        INSERT INTO task SELECT 1, task, iif(task = 1, NULL, 1), 'task number ' || task, 1, min(step), max(step), 'runnable', 0 FROM event GROUP BY task;
        INSERT INTO run VALUES(1, 1, 'fifo', 1, 'pirn1:', 'livelock', 'it does not end', {steps}, {tasks}, 0, 0, 0, 0, 0, NULL);
        INSERT INTO finding VALUES(1, 1, 'livelock', {steps}, NULL, NULL, 'it does not end');""")


@test("50,000 steps and 50 tasks: what is on the screen is in the document, and no more")
def _():
    long_trace("long.db", 50, 50000)
    page = view("long.db")
    began = time.monotonic()
    browser.open(page)
    same(step(), 50000)
    print(f"# 50,000 steps opened in {time.monotonic() - began:.2f} s")
    count = "return [document.querySelectorAll('.row').length, document.querySelectorAll('*').length]"
    seen = []
    for key in (HOME, END, "k", HOME, PAGE_DOWN):
        browser.press(key)
        step()
        row_count, element_count = browser.run(count)
        seen.append(row_count)
        assert 10 < row_count < 100 and element_count < 3000, (row_count, element_count)
    took = browser.run("""
        const began = performance.now();
        for (let i = 0; i < 100; i++) document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
        return (performance.now() - began) / 100""")
    print(f"# a step took {took:.1f} ms")
    go_to(25000)
    same(step(), 25000)
    browser.run("document.querySelector('.scroll').scrollTop = 500000")
    browser.wait(lambda: min(visible()) > 22000)
    browser.press("/", *"number 17 lock")
    browser.wait(lambda: "500" in browser.text("#hits"))
    browser.press(ENTER)
    has(browser.text("#step"), ": task number 17, ")
    no_complaints()


@test("it prints every step of a short run")
def _():
    browser.open(view("orders.db"), "#s=3")
    assert len(visible()) < 37
    browser.run("dispatchEvent(new Event('beforeprint'))")
    same(visible(), list(range(1, 38)))
    texts = browser.run("return [...document.querySelectorAll('.pane svg text')].map(t => t.textContent)")
    assert "stuck: lock mu_state" in texts
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert len(visible()) < 37
    same(step(), 3)
    assert browser.pdf().startswith(b"%PDF-")


@test("each kind of finding has a page that opens without a complaint")
def _():
    for name in ("abba", "group", "hostile", "leak", "panic"):
        make_trace(name + "-kind.db", f"tests/traces/{name}.sql")
        browser.open(view(name + "-kind.db"))
        step()
        assert browser.text("#headline") != ""
        browser.press(HOME, "j", "j", END)
        step()
        no_complaints()


# ---- Running them ---------------------------------------------------------------------------

def main():
    global browser, folder
    failures = 0
    folder = tempfile.mkdtemp(prefix="pirn-page.")
    try:
        browser = Browser()
        for number, (title, function) in enumerate(tests, 1):
            try:
                function()
                print(f"ok {number} - {title}", flush=True)
            except Exception:
                failures += 1
                print(f"not ok {number} - {title}")
                for line in traceback.format_exc().splitlines():
                    print("# " + line)
        print(f"1..{len(tests)}")
    finally:
        if browser:
            browser.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failures else 0


sys.exit(main())
