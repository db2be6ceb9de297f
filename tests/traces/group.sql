-- A group with room for two: a deadline is seen, then both tasks wait for what nobody does, and main for room.
INSERT INTO program VALUES(1, '/usr/bin/crawl', 'feed', '["/usr/bin/crawl"]', '2025-01-01T00:00:00Z', '0.1.0');
INSERT INTO run VALUES(9, 1, 'random', 1, 'pirn1:DDDD', 'deadlock', '3 tasks are blocked for ever, first task 1 (main) acquiring sem uploads in crawl at crawl.c:18',
    21, 3, 6, 4, 1000000, 50000, 88, NULL);
INSERT INTO site VALUES
    (1, 'crawl', 100, 'crawl', 'crawl.c', 10), (2, 'crawl', 110, 'crawl', 'crawl.c', 11),
    (3, 'crawl', 120, 'crawl', 'crawl.c', 12), (4, 'crawl', 130, 'crawl', 'crawl.c', 13),
    (5, 'crawl', 140, 'crawl', 'crawl.c', 14), (6, 'crawl', 150, 'crawl', 'crawl.c', 15),
    (7, 'crawl', 160, 'crawl', 'crawl.c', 16), (8, 'crawl', 170, 'crawl', 'crawl.c', 17),
    (9, 'crawl', 180, 'crawl', 'crawl.c', 18), (10, 'crawl', 190, 'fetch', 'crawl.c', 4),
    (11, 'crawl', 200, 'fetch', 'crawl.c', 5), (12, 'crawl', 210, 'store', 'crawl.c', 8);
INSERT INTO task VALUES
    (9, 1, NULL, 'main', NULL, 1, 21, 'blocked', 0), (9, 2, 1, 'fetch', 7, 14, 18, 'blocked', 0),
    (9, 3, 1, 'store', 8, 17, 20, 'blocked', 0);
INSERT INTO object VALUES
    (9, 1, 'context', NULL, NULL, NULL, 1), (9, 2, 'context', 'request', NULL, NULL, 2),
    (9, 3, 'context', 'uploads', NULL, NULL, 3), (9, 4, 'group', 'uploads', NULL, NULL, 3),
    (9, 5, 'sem', 'uploads', NULL, NULL, 4), (9, 6, 'context', NULL, NULL, NULL, 5),
    (9, 7, 'context', NULL, NULL, NULL, 5);
INSERT INTO event(run, step, task, op, object, result, site, time) VALUES
    (9, 1, 1, 'start', NULL, 0, 1, 0), (9, 2, 1, 'recv', 2, NULL, 6, 0),
    (9, 3, 0, 'fire', 1, 0, NULL, 1000000), (9, 4, 1, 'recv', 2, -32, 6, 1000000),
    (9, 5, 1, 'cancel', 2, 0, 6, 1000000), (9, 6, 1, 'err', 2, -110, 6, 1000000),
    (9, 7, 1, 'cancel', 6, 1, 6, 1000000), (9, 8, 1, 'err', 6, -125, 6, 1000000),
    (9, 9, 1, 'acquire', 5, 0, 7, 1000000), (9, 10, 1, 'add', 4, 1, 7, 1000000),
    (9, 11, 1, 'go', NULL, 2, 7, 1000000), (9, 12, 1, 'acquire', 5, 0, 8, 1000000),
    (9, 13, 1, 'add', 4, 2, 8, 1000000), (9, 14, 2, 'start', NULL, 0, 10, 1000000),
    (9, 15, 2, 'err', 3, 0, 10, 1000000), (9, 16, 1, 'go', NULL, 3, 8, 1000000),
    (9, 17, 3, 'start', NULL, 0, 12, 1000000), (9, 18, 2, 'recv', 3, NULL, 11, 1000000),
    (9, 19, 3, 'err', 3, 0, 12, 1000000), (9, 20, 3, 'select', NULL, NULL, 12, 1000000),
    (9, 21, 1, 'acquire', 5, NULL, 9, 1000000);
INSERT INTO select_case VALUES(9, 20, 0, 'recv', 3), (9, 20, 1, 'recv', 7);
INSERT INTO edge VALUES
    (9, 2, 3, 'timer'), (9, 3, 4, 'close'), (9, 3, 5, 'close'), (9, 3, 6, 'close'), (9, 11, 14, 'go'),
    (9, 16, 17, 'go');
INSERT INTO finding VALUES
    (9, 1, 'deadlock', 21, NULL, 5, 'main acquires uploads'), (9, 2, 'deadlock', 18, NULL, 3, 'fetch waits for uploads'),
    (9, 3, 'deadlock', 20, NULL, NULL, 'store waits in a select');
