-- A worker pool whose main takes the first of three answers and returns: two workers are left sending.
INSERT INTO program VALUES(1, '/usr/bin/pool', 'feed', '["/usr/bin/pool"]', '2025-01-01T00:00:00Z', '0.1.0');
INSERT INTO run VALUES(7, 1, 'fifo', 7, 'pirn1:CCCC', 'leak', '2 tasks are blocked for ever: worker#2, worker#3',
    23, 5, 9, 0, 1000000, 50000, 77, NULL);
INSERT INTO site VALUES
    (1, 'pool', 100, 'pool_main', 'pool.c', 30), (2, 'pool', 110, 'pool_main', 'pool.c', 34),
    (3, 'pool', 120, 'pool_main', 'pool.c', 36), (4, 'pool', 130, 'pool_main', 'pool.c', 38),
    (5, 'pool', 140, 'worker', 'pool.c', 10), (6, 'pool', 150, 'worker', 'pool.c', 12),
    (7, 'pool', 160, 'worker', 'pool.c', 13), (8, 'pool', 170, 'ticker', 'pool.c', 20);
INSERT INTO task VALUES
    (7, 1, NULL, 'main', 1, 1, 16, 'exited', 0), (7, 2, 1, 'worker', 2, 6, 19, 'exited', 0),
    (7, 3, 1, 'worker#2', 2, 8, 22, 'blocked', 0), (7, 4, 1, 'worker#3', 2, 10, 23, 'blocked', 0),
    (7, 5, 1, 'ticker', 2, 12, 13, 'blocked', 1);
INSERT INTO object VALUES
    (7, 1, 'channel', 'answers', 0, 8, 1), (7, 2, 'channel', 'ticks', 1, 8, 1);
INSERT INTO event(run, step, task, op, object, result, site, time) VALUES
    (7, 1, 1, 'start', NULL, 0, 1, 0), (7, 2, 1, 'go', NULL, 2, 2, 0), (7, 3, 1, 'go', NULL, 3, 2, 0),
    (7, 4, 1, 'go', NULL, 4, 2, 0), (7, 5, 1, 'go', NULL, 5, 2, 0),
    (7, 6, 2, 'start', NULL, 0, 5, 0), (7, 7, 2, 'sleep', NULL, NULL, 6, 0),
    (7, 8, 3, 'start', NULL, 0, 5, 0), (7, 9, 3, 'sleep', NULL, NULL, 6, 0),
    (7, 10, 4, 'start', NULL, 0, 5, 0), (7, 11, 4, 'sleep', NULL, NULL, 6, 0),
    (7, 12, 5, 'start', NULL, 0, 8, 0), (7, 13, 5, 'recv', 2, NULL, 8, 0),
    (7, 14, 1, 'recv', 1, NULL, 3, 0),
    (7, 15, 2, 'sleep', NULL, 0, 6, 1000000), (7, 16, 2, 'send', 1, 0, 7, 1000000),
    (7, 17, 1, 'recv', 1, 0, 3, 1000000), (7, 18, 1, 'exit', NULL, 0, 4, 1000000),
    (7, 19, 2, 'exit', NULL, 0, 7, 1000000),
    (7, 20, 3, 'sleep', NULL, 0, 6, 1000000), (7, 21, 4, 'sleep', NULL, 0, 6, 1000000),
    (7, 22, 3, 'send', 1, NULL, 7, 1000000), (7, 23, 4, 'send', 1, NULL, 7, 1000000);
INSERT INTO edge VALUES
    (7, 2, 6, 'go'), (7, 3, 8, 'go'), (7, 4, 10, 'go'), (7, 5, 12, 'go'), (7, 14, 16, 'slot'),
    (7, 16, 17, 'message');
INSERT INTO finding VALUES
    (7, 1, 'leak', 22, NULL, 1, 'worker#2 sends on answers'), (7, 2, 'leak', 23, NULL, 1, 'worker#3 sends on answers');
