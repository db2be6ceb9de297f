-- A deadlock of two mutexes and a channel among three tasks; main waits behind it. A logger comes and goes.
INSERT INTO program VALUES(1, '/home/user/orders/orders', '5eed', '["./orders","--jobs","3 or 4"]',
    '2025-01-01T00:00:00Z', '0.1.0');
INSERT INTO run VALUES
    (1, 1, 'random', 24301, 'pirn1:AAAA', 'ok', '', 44, 5, 20, 9, 50000000, 81000, 1, NULL),
    (4117, 1, 'random', 24302, 'pirn1:AAAB', 'deadlock', 'producer, worker, reaper and main are stuck',
     37, 5, 21, 11, 50000000, 92000, 2, NULL);
INSERT INTO site VALUES
    (1, 'orders', 4096, 'main_task', 'src/main.c', 80), (2, 'orders', 4100, 'main_task', 'src/main.c', 84),
    (3, 'orders', 4104, 'main_task', 'src/main.c', 85), (4, 'orders', 4108, 'main_task', 'src/main.c', 86),
    (5, 'orders', 4112, 'main_task', 'src/main.c', 87), (6, 'orders', 4200, 'producer', 'src/producer.c', 12),
    (7, 'orders', 4204, 'producer', 'src/producer.c', 18), (8, 'orders', 4208, 'producer', 'src/producer.c', 22),
    (9, 'orders', 4212, 'producer', 'src/producer.c', 24), (10, 'orders', 4300, 'worker', 'src/worker.c', 30),
    (11, 'orders', 4304, 'worker', 'src/worker.c', 33), (12, 'orders', 4308, 'worker', 'src/worker.c', 40),
    (13, 'orders', 4312, 'worker', 'src/worker.c', 41), (14, 'orders', 4316, 'worker', 'src/worker.c', 43),
    (15, 'orders', 4320, 'worker', 'src/worker.c', 46), (16, 'orders', 4324, 'worker', 'src/worker.c', 52),
    (17, 'orders', 4400, 'logger', 'src/logger.c', 9), (18, 'orders', 4404, 'logger', 'src/logger.c', 14),
    (19, 'orders', 4408, 'logger', 'src/logger.c', 30), (20, 'orders', 4500, 'reaper', 'src/reaper.c', 7),
    (21, 'orders', 4504, 'reaper', 'src/reaper.c', 10), (22, 'orders', 4508, 'reaper', 'src/reaper.c', 14),
    (23, 'orders', 4512, 'reaper', 'src/reaper.c', 16), (24, 'orders', 4116, 'main_task', 'src/main.c', 95),
    (25, 'orders', 4120, 'main_task', 'src/main.c', 98), (26, 'orders', 4124, 'main_task', 'src/main.c', 101);
INSERT INTO task VALUES
    (4117, 1, NULL, 'main', 1, 1, 37, 'blocked', 0), (4117, 2, 1, 'producer', 2, 8, 27, 'blocked', 0),
    (4117, 3, 1, 'worker', 3, 9, 30, 'blocked', 0), (4117, 4, 1, 'logger', 4, 11, 36, 'exited', 0),
    (4117, 5, 1, 'reaper', 5, 15, 32, 'blocked', 0);
INSERT INTO object VALUES
    (4117, 1, 'channel', 'jobs', 1, 4, 1), (4117, 2, 'channel', 'log', 0, 64, 1),
    (4117, 3, 'mutex', 'mu_state', NULL, NULL, 21), (4117, 4, 'mutex', 'mu_table', NULL, NULL, 12),
    (4117, 5, 'waitgroup', 'workers', NULL, NULL, 2), (4117, 6, 'channel', NULL, 0, 0, 1);
INSERT INTO event(run, step, task, op, object, result, site, time) VALUES
    (4117, 1, 1, 'start', NULL, 0, 1, 0),
    (4117, 2, 1, 'add', 5, 1, 2, 0),
    (4117, 3, 1, 'go', NULL, 2, 2, 0),
    (4117, 4, 1, 'add', 5, 2, 3, 0),
    (4117, 5, 1, 'go', NULL, 3, 3, 0),
    (4117, 6, 1, 'go', NULL, 4, 4, 0),
    (4117, 7, 1, 'go', NULL, 5, 5, 0),
    (4117, 8, 2, 'start', NULL, 0, 6, 0),
    (4117, 9, 3, 'start', NULL, 0, 10, 0),
    (4117, 10, 3, 'recv', 1, NULL, 11, 0),
    (4117, 11, 4, 'start', NULL, 0, 17, 0),
    (4117, 12, 4, 'recv', 2, NULL, 18, 0),
    (4117, 13, 2, 'send', 1, 0, 7, 0),
    (4117, 14, 3, 'recv', 1, 0, 11, 0),
    (4117, 15, 5, 'start', NULL, 0, 20, 0),
    (4117, 16, 5, 'lock', 3, 0, 21, 0),
    (4117, 17, 3, 'lock', 4, 0, 12, 0),
    (4117, 18, 3, 'yield', NULL, 0, 13, 0),
    (4117, 19, 3, 'send', 2, 0, 14, 0),
    (4117, 20, 4, 'recv', 2, 0, 18, 0),
    (4117, 21, 3, 'unlock', 4, 0, 15, 0),
    (4117, 22, 2, 'lock', 4, 0, 8, 0),
    (4117, 23, 2, 'send', 1, 0, 7, 0),
    (4117, 24, 3, 'recv', 1, 0, 11, 0),
    (4117, 25, 4, 'recv', 2, NULL, 18, 0),
    (4117, 26, 2, 'send', 1, 0, 7, 0),
    (4117, 27, 2, 'send', 1, NULL, 9, 0),
    (4117, 28, 1, 'select', NULL, NULL, 24, 0),
    (4117, 29, 3, 'choose', NULL, 2, 13, 0),
    (4117, 30, 3, 'lock', 3, NULL, 16, 0),
    (4117, 31, 5, 'yield', NULL, 0, 22, 0),
    (4117, 32, 5, 'lock', 4, NULL, 23, 0),
    (4117, 33, 1, 'select', NULL, -110, 24, 50000000),
    (4117, 34, 1, 'send', 2, 0, 25, 50000000),
    (4117, 35, 4, 'recv', 2, 0, 18, 50000000),
    (4117, 36, 4, 'exit', NULL, 0, 19, 50000000),
    (4117, 37, 1, 'wait', 5, NULL, 26, 50000000);
INSERT INTO select_case VALUES(4117, 28, 0, 'recv', 6), (4117, 28, 1, 'recv', NULL);
INSERT INTO edge VALUES
    (4117, 3, 8, 'go'), (4117, 5, 9, 'go'), (4117, 6, 11, 'go'), (4117, 7, 15, 'go'),
    (4117, 13, 14, 'message'), (4117, 12, 19, 'slot'), (4117, 19, 20, 'message'), (4117, 21, 22, 'unlock'),
    (4117, 14, 23, 'slot'), (4117, 23, 24, 'message'), (4117, 24, 26, 'slot'), (4117, 25, 34, 'slot'),
    (4117, 34, 35, 'message');
INSERT INTO finding VALUES
    (4117, 1, 'deadlock', 37, NULL, 5, 'main waits for workers'),
    (4117, 2, 'deadlock', 27, NULL, 1, 'producer sends on jobs'),
    (4117, 3, 'deadlock', 30, NULL, 3, 'worker locks mu_state'),
    (4117, 4, 'deadlock', 32, NULL, 4, 'reaper locks mu_table');
