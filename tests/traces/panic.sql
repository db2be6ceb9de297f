-- A long run that ends in a panic: a server takes 30 requests from a client and fails at the last. Long enough for a slice,
-- with a clock, a semaphore, a condition variable and a once beside it.
INSERT INTO program VALUES(1, './server', '9a1c', '["./server", "it''s", "a\nb"]', '2025-01-01T00:00:00Z', '0.1.0');
INSERT INTO run VALUES(3, 1, 'random', 255, 'pirn1:DDDD', 'panic', 'assertion failed: n < 30 (server.c:52)',
    164, 4, 70, 20, 2000000, 99000, 12, NULL);
INSERT INTO site VALUES
    (1, 'server', 10, 'server_main', 'server.c', 60), (2, 'server', 20, 'server_main', 'server.c', 64),
    (3, 'server', 30, 'client', 'server.c', 20), (4, 'server', 40, 'client', 'server.c', 23),
    (5, 'server', 50, 'serve', 'server.c', 40), (6, 'server', 60, 'serve', 'server.c', 44),
    (7, 'server', 70, 'serve', 'server.c', 47), (8, 'server', 80, 'serve', 'server.c', 52),
    (9, 'server', 90, 'idle', 'server.c', 30);
INSERT INTO task VALUES
    (3, 1, NULL, 'main', 1, 1, 6, 'blocked', 0), (3, 2, 1, 'client', 2, 7, 150, 'runnable', 0),
    (3, 3, 1, 'serve', 2, 8, 164, 'runnable', 0), (3, 4, 1, 'idle', 2, 9, 10, 'sleeping', 0);
INSERT INTO object VALUES
    (3, 1, 'channel', 'requests', 4, 8, 1), (3, 2, 'waitgroup', 'all', NULL, NULL, 1), (3, 3, 'sem', 'slots', NULL, NULL, 5),
    (3, 4, 'once', 'setup', NULL, NULL, 5), (3, 5, 'channel', 'tick', 1, 8, 5);
INSERT INTO event(run, step, task, op, object, result, site, time) VALUES
    (3, 1, 1, 'start', NULL, 0, 1, 0), (3, 2, 1, 'add', 2, 3, 1, 0), (3, 3, 1, 'go', NULL, 2, 2, 0),
    (3, 4, 1, 'go', NULL, 3, 2, 0), (3, 5, 1, 'go', NULL, 4, 2, 0), (3, 6, 1, 'wait', 2, NULL, 2, 0),
    (3, 7, 2, 'start', NULL, 0, 3, 0), (3, 8, 3, 'start', NULL, 0, 5, 0), (3, 9, 4, 'start', NULL, 0, 9, 0),
    (3, 10, 4, 'sleep', NULL, NULL, 9, 0), (3, 11, 3, 'once', 4, 1, 5, 0), (3, 12, 3, 'once_done', 4, 0, 5, 0),
    (3, 13, 3, 'acquire', 3, 0, 6, 0), (3, 14, 0, 'fire', 5, 0, NULL, 1000000);
-- Five steps a request: the client sends, the server receives and works by itself.
WITH RECURSIVE round(n) AS (VALUES(0) UNION ALL SELECT n + 1 FROM round WHERE n < 28)
INSERT INTO event(run, step, task, op, object, result, site, time)
SELECT 3, 15 + 5 * n + k, CASE k WHEN 0 THEN 2 ELSE 3 END,
    CASE k WHEN 0 THEN 'send' WHEN 1 THEN 'recv' WHEN 2 THEN 'choose' ELSE 'yield' END,
    CASE WHEN k < 2 THEN 1 END, CASE k WHEN 2 THEN n ELSE 0 END, CASE k WHEN 0 THEN 4 WHEN 1 THEN 6 ELSE 7 END, 1000000
FROM round, (SELECT 0 AS k UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4);
INSERT INTO event(run, step, task, op, object, result, site, time) VALUES
    (3, 160, 2, 'send', 1, 0, 4, 1000000), (3, 161, 3, 'recv', 1, 0, 6, 1000000),
    (3, 162, 3, 'try_recv', 5, 0, 7, 1000000), (3, 163, 3, 'try_recv', 5, -11, 7, 1000000),
    (3, 164, 3, 'yield', NULL, 0, 8, 1000000);
INSERT INTO edge SELECT 3, step, step + 1, 'message' FROM event WHERE op = 'send';
INSERT INTO edge VALUES(3, 3, 7, 'go'), (3, 4, 8, 'go'), (3, 5, 9, 'go'), (3, 13, 14, 'timer'), (3, 14, 162, 'message');
INSERT INTO finding VALUES(3, 1, 'panic', 164, NULL, NULL, 'assertion failed: n < 30');
