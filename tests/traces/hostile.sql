-- Names that try to break out of every format, and a wait of everything on everything.
INSERT INTO program VALUES(1, '', '', 'not JSON', '', '');
INSERT INTO run VALUES(1, 99, char(27) || '[31mred', 0, '', 'deadlock', 'line' || char(10) || 'break "quoted" </svg>', 20,
    5, 0, 0, 0, 0, 0, NULL);
INSERT INTO site VALUES
    (1, '', -1, '', '', 0), (2, 'm', 9223372036854775807, '', '', 9), (3, 'm', 1, '', 'a/b/"><script>alert(1)</script>.c', 9223372036854775807),
    (4, 'm', 2, '\N\G\T\l' || char(13), '', 0);
INSERT INTO task VALUES
    (1, 1, NULL, '"><script>alert(1)</script>', 1, 1, 18, 'blocked', 0),
    (1, 2, 1, '\N \\ \" \', 2, 2, 15, 'blocked', 0),
    (1, 3, 1, 'a' || char(10) || 'b' || char(27) || ']0;title' || char(7), 3, 3, 16, 'blocked', 0),
    (1, 9223372036854775807, 1, CAST(zeroblob(0) || x'ff41c3' AS TEXT), 4, 4, 17, 'blocked', 0),
    (1, 4, 1, '', NULL, NULL, NULL, 'no such state', 1);
INSERT INTO object VALUES
    (1, 1, 'channel', '<B>&lt;&amp;"]; evil [', -5, -5, 1),
    (1, 2, 'mutex', replace(printf('%10000s', ''), ' ', 'x'), NULL, NULL, 3),
    (1, 3, 'no such kind', NULL, NULL, NULL, NULL), (1, 4, 'sem', '-->', NULL, NULL, NULL),
    (1, 5, 'cond', '日本語の名前' || char(8238) || 'abc', NULL, NULL, NULL),
    (1, 6, 'rwmutex', '${HOME} `id` $(id)', NULL, NULL, NULL);
INSERT INTO event(run, step, task, op, object, result, site, time) VALUES
    (1, 1, 1, 'start', NULL, 0, 1, -1), (1, 2, 2, 'go', NULL, 77, 2, 0), (1, 3, 3, 'no such op "', 3, -9223372036854775808, 3, 0),
    (1, 4, 9223372036854775807, 'lock', 2, 0, 4, 0), (1, 5, 2, 'rlock', 6, 0, NULL, 0), (1, 6, 3, 'select', 1, 0, 1, 0),
    (1, 7, 1, 'select', 1, 5, 1, 0), (1, 8, 2, 'unlock', 2, 0, 1, 0), (1, 9, 2, 'lock', 2, 0, 1, 0),
    (1, 10, 2, 'release', 4, 0, 1, 0), (1, 11, 2, 'signal', 5, 3, 1, 0), (1, 12, 3, 'recv', NULL, 0, 1, 0),
    (1, 13, 0, 'fire', 1, 0, 1, 0), (1, 14, 0, 'send', NULL, NULL, 1, 0),
    (1, 15, 2, 'rlock', 6, NULL, 3, 0), (1, 16, 3, 'lock', 6, NULL, 3, 0), (1, 17, 9223372036854775807, 'lock', 2, NULL, 4, 0),
    (1, 9223372036854775807, 1, 'wait', 5, NULL, 3, 9223372036854775807);
INSERT INTO select_case VALUES(1, 1, 0, 'neither', NULL), (1, 18446744073709551615 % 3 + 1, 1, 'send', 1);
INSERT INTO edge VALUES
    (1, 1, 2, 'no such edge'), (1, 6, 7, 'message'), (1, 14, 15, 'unlock'), (1, 1, 9223372036854775807, '"];}');
INSERT INTO finding VALUES
    (1, -1, 'deadlock', 9223372036854775807, NULL, 5, ''), (1, 1, 'deadlock', 15, NULL, 6, ''),
    (1, 2, 'deadlock', 16, NULL, 6, ''), (1, 3, 'deadlock', 17, NULL, 2, ''), (1, 4, 'deadlock', 14, NULL, NULL, 'the clock'),
    (1, 5, 'race', 5, 8, 2, 'two' || char(10) || 'lines'), (1, 6, 'race', NULL, NULL, NULL, '');
