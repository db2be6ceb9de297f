-- Two tasks take two mutexes in opposite orders; places are known only as far as a stripped program gives them.
INSERT INTO program VALUES(1, './bank', 'abba', '["./bank"]', '2025-01-01T00:00:00Z', '0.1.0');
INSERT INTO run VALUES(1, 1, 'pct:depth=3', -1, 'pirn1:BBBB', 'deadlock', 'main, transfer and transfer#2 are stuck',
    13, 3, 6, 2, 0, 41000, -5, NULL);
INSERT INTO site VALUES
    (1, 'bank', 4660, 'main_task', '', 0), (2, 'bank', 4670, 'main_task', '', 0), (3, 'bank', 4700, '', '', 0),
    (4, 'bank', 4710, 'transfer', 'bank.c', 20), (5, 'bank', 4720, 'transfer', 'bank.c', 21);
INSERT INTO task VALUES
    (1, 1, NULL, 'main', 1, 1, 13, 'blocked', 0), (1, 2, 1, 'transfer', 2, 4, 9, 'blocked', 0),
    (1, 3, 1, 'transfer#2', 2, 6, 11, 'blocked', 0);
INSERT INTO object VALUES
    (1, 1, 'mutex', 'account A', NULL, NULL, 4), (1, 2, 'mutex', 'account B', NULL, NULL, 4),
    (1, 3, 'channel', NULL, 0, 4, 1);
INSERT INTO event(run, step, task, op, object, result, site, time) VALUES
    (1, 1, 1, 'start', NULL, 0, 1, 0), (1, 2, 1, 'go', NULL, 2, 2, 0), (1, 3, 1, 'go', NULL, 3, 2, 0),
    (1, 4, 2, 'start', NULL, 0, 3, 0), (1, 5, 2, 'lock', 1, 0, 4, 0),
    (1, 6, 3, 'start', NULL, 0, 3, 0), (1, 7, 3, 'lock', 2, 0, 4, 0), (1, 8, 3, 'yield', NULL, 0, 4, 0),
    (1, 9, 2, 'lock', 2, NULL, 5, 0), (1, 10, 3, 'trylock', 1, -16, NULL, 0), (1, 11, 3, 'lock', 1, NULL, 5, 0),
    (1, 12, 1, 'yield', NULL, 0, 2, 0), (1, 13, 1, 'recv', 3, NULL, 2, 0);
INSERT INTO edge VALUES(1, 2, 4, 'go'), (1, 3, 6, 'go');
INSERT INTO finding VALUES
    (1, 1, 'deadlock', 13, NULL, 3, 'main receives from channel 3'),
    (1, 2, 'deadlock', 9, NULL, 2, 'transfer locks account B'),
    (1, 3, 'deadlock', 11, NULL, 1, 'transfer#2 locks account A');
