-- Two writes that nothing orders, one of them under a lock that the other does not take.
INSERT INTO program VALUES(1, './p', '', '["./p"]', '', '');
INSERT INTO site VALUES(1, 'p', 1, 'f', 'p.c', 10), (2, 'p', 2, 'f', 'p.c', 20), (3, 'p', 3,'f', 'p.c', 30);
INSERT INTO object VALUES(1, 1, 'channel', 'ch', 1, 4, 1), (1, 2, 'mutex', 'mu', NULL, NULL,1), (1,3,'memory','total',NULL,4,NULL);
INSERT INTO task VALUES(1,1,NULL,'main',NULL,1,9,'exited',0),
    (1,2,1,'anna',1,4,6,'exited',0),
    (1,3,1,'bert',1,7,9,'exited',0);
INSERT INTO event VALUES(1,1,1,'start',NULL,0,1,0),
    (1,2,1,'go',NULL,2,1,0),
    (1,3,1,'go',NULL,3,1,0),
    (1,4,2,'start',NULL,0,1,0),
    (1,5,2,'lock',2,0,1,0),
    (1,6,2,'write',3,0,1,0),
    (1,7,2,'unlock',2,0,1,0),
    (1,8,2,'exit',NULL,0,1,0),
    (1,9,3,'start',NULL,0,1,0),
    (1,10,3,'send',1,0,1,0),
    (1,11,3,'write',3,0,2,0),
    (1,12,3,'exit',NULL,0,1,0),
    (1,13,1,'recv',1,0,1,0),
    (1,14,1,'exit',NULL,0,1,0);
INSERT INTO edge VALUES(1,2,4,'go'),
    (1,3,9,'go'),
    (1,10,13,'message');
INSERT INTO run VALUES(1,1,'fifo',1,'pirn1:','race','two writes of total are not ordered',14,3,1,1,1,1,1,NULL);
INSERT INTO finding VALUES(1,1,'race',11,6,3,'two writes of total are not ordered');
