-- The trace: what simulated runs did, in one SQLite file. README.md beside this file tells what each
-- word in it means. The writer (sim/) creates a new file from this text; the reader (viz/) refuses a
-- file whose application_id or user_version differ.

PRAGMA application_id = 0x5049524E; -- "PIRN"
PRAGMA user_version = 1;

CREATE TABLE program(
    id           INTEGER PRIMARY KEY,
    path         TEXT NOT NULL,    -- of the executable
    build_id     TEXT NOT NULL,    -- the linker's, in hexadecimal, else a hash of the file
    arguments    TEXT NOT NULL,    -- JSON array of strings, the program's name first
    started_at   TEXT NOT NULL,    -- UTC, ISO 8601
    pirn_version TEXT NOT NULL
) STRICT;

CREATE TABLE exploration(          -- many runs with seeds that follow each other
    id          INTEGER PRIMARY KEY,
    program     INTEGER NOT NULL REFERENCES program(id),
    strategy    TEXT NOT NULL,     -- with its parameters
    seed        INTEGER NOT NULL,  -- of run 0, stored as signed
    shard       INTEGER NOT NULL,  -- the part of the runs that is recorded here, from 1
    shards      INTEGER NOT NULL,  -- of so many
    allow       INTEGER NOT NULL,  -- bits: 1 leak, 2 send-on-closed, 4 double-close, 8 race
    max_steps   INTEGER NOT NULL,
    late_timers INTEGER NOT NULL,
    next        INTEGER NOT NULL,  -- of the runs before this one, those of the shard are done
    position    TEXT               -- for --resume: where a search stands, or what has raced; or NULL
) STRICT;

CREATE TABLE run(
    id          INTEGER PRIMARY KEY,
    program     INTEGER NOT NULL REFERENCES program(id),
    strategy    TEXT NOT NULL,
    seed        INTEGER NOT NULL,  -- an unsigned 64-bit number, stored as signed
    schedule    TEXT NOT NULL,     -- "pirn1:..."
    outcome     TEXT NOT NULL,
    message     TEXT NOT NULL,     -- one line; "" when "ok", and the recording was whole
    steps       INTEGER NOT NULL,
    tasks       INTEGER NOT NULL,
    switches    INTEGER NOT NULL,
    preemptions INTEGER NOT NULL,  -- switches away from a task that could have gone on
    virtual_ns  INTEGER NOT NULL,
    wall_ns     INTEGER NOT NULL,
    graph       INTEGER NOT NULL,  -- hash of the happens-before graph, stored as signed
    shrunk_from INTEGER REFERENCES run(id)
) STRICT;

CREATE TABLE explored(             -- the runs of each exploration
    exploration INTEGER NOT NULL REFERENCES exploration(id),
    run         INTEGER NOT NULL REFERENCES run(id),
    PRIMARY KEY(exploration, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE site(                 -- a place in the program
    id       INTEGER PRIMARY KEY,
    module   TEXT NOT NULL,        -- file name of the executable or library
    offset   INTEGER NOT NULL,     -- in the module
    function TEXT NOT NULL,        -- "" when unknown
    file     TEXT NOT NULL,        -- "" when unknown
    line     INTEGER NOT NULL,     -- 0 when unknown
    UNIQUE(module, offset, function, file, line)
) STRICT;

CREATE TABLE task(
    run        INTEGER NOT NULL REFERENCES run(id),
    id         INTEGER NOT NULL,   -- main is 1
    parent     INTEGER,            -- the task that started it; NULL for main and where a timer did
    name       TEXT NOT NULL,      -- unique within the run
    site       INTEGER REFERENCES site(id), -- where it was started
    first_step INTEGER,            -- NULL when it never ran
    last_step  INTEGER,
    state      TEXT NOT NULL,      -- at the end: "exited", "blocked", "sleeping", "runnable"
    daemon     INTEGER NOT NULL,
    PRIMARY KEY(run, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE object(
    run        INTEGER NOT NULL REFERENCES run(id),
    id         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    label      TEXT,               -- from pirn_label
    capacity   INTEGER,            -- of a channel
    value_size INTEGER,            -- of a channel
    site       INTEGER REFERENCES site(id), -- where it was made, or first used
    PRIMARY KEY(run, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event(                -- one step of one task
    run    INTEGER NOT NULL REFERENCES run(id),
    step   INTEGER NOT NULL,       -- 1, 2, ...
    task   INTEGER NOT NULL,
    op     TEXT NOT NULL,
    object INTEGER,                -- what it is done to; of a select, the channel of the case that ran
    result INTEGER,                -- NULL: the task went to sleep in this step
    site   INTEGER REFERENCES site(id),
    time   INTEGER NOT NULL,       -- virtual, in ns
    PRIMARY KEY(run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE select_case(          -- the cases of a select, at its first step
    run      INTEGER NOT NULL,
    step     INTEGER NOT NULL,
    position INTEGER NOT NULL,     -- in the program's array, from 0
    op       TEXT NOT NULL,        -- "send" or "recv"
    object   INTEGER,              -- NULL: a NULL channel
    PRIMARY KEY(run, step, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE edge(                 -- step `before` happens before step `after`, beside program order
    run    INTEGER NOT NULL REFERENCES run(id),
    before INTEGER NOT NULL,
    after  INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    PRIMARY KEY(run, after, before, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE finding(
    run        INTEGER NOT NULL REFERENCES run(id),
    id         INTEGER NOT NULL,   -- 1, 2, ...
    kind       TEXT NOT NULL,      -- an outcome's word
    step       INTEGER,            -- where it shows
    other_step INTEGER,            -- the other one of a pair
    object     INTEGER,
    message    TEXT NOT NULL,
    PRIMARY KEY(run, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE certainty(            -- where the failure of a run became inevitable
    run     INTEGER PRIMARY KEY REFERENCES run(id),
    step    INTEGER NOT NULL,      -- with which it did; 0: it was from the beginning
    samples INTEGER NOT NULL,      -- of what may follow, all of which failed from there on
    before  INTEGER NOT NULL       -- of as many, failed from one step earlier
) STRICT;

CREATE TABLE call_order(           -- in which order calls were seen that concern each other
    program     INTEGER NOT NULL REFERENCES program(id),
    before_op   TEXT NOT NULL,
    before_site INTEGER NOT NULL REFERENCES site(id),
    after_op    TEXT NOT NULL,
    after_site  INTEGER NOT NULL REFERENCES site(id),
    runs        INTEGER NOT NULL,  -- in which the one came right before the other, on one object
    run         INTEGER REFERENCES run(id), -- one of them, where they are recorded
    PRIMARY KEY(program, before_site, before_op, after_site, after_op)
) STRICT, WITHOUT ROWID;

-- Each run that found something, with its first finding.
CREATE VIEW failures AS
SELECT run.id AS run, run.outcome, run.message, run.strategy, run.seed, run.steps, run.schedule
FROM run WHERE run.outcome <> 'ok';

-- Every immediate happens-before pair, program order included.
CREATE VIEW happens_before AS
SELECT run, before, after, kind FROM edge
UNION ALL
SELECT run, previous, step, 'program' FROM (
    SELECT run, step, lag(step) OVER (PARTITION BY run, task ORDER BY step) AS previous FROM event
) WHERE previous IS NOT NULL;

-- Events with their names spelt out.
CREATE VIEW steps AS
SELECT event.run, event.step, task.name AS task, event.op,
       coalesce(object.label, object.kind || ' ' || object.id) AS object,
       event.result, site.function, site.file, site.line, event.time
FROM event
JOIN task ON task.run = event.run AND task.id = event.task
LEFT JOIN object ON object.run = event.run AND object.id = event.object
LEFT JOIN site ON site.id = event.site;
