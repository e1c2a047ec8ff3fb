-- What a scan has gathered and not judged yet: it goes on from here after a crash. When it
-- is judged, it takes the place of what was gathered before.
CREATE TABLE staged (
    scan_id     BIGINT NOT NULL,
    source      TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    until       BIGINT NOT NULL DEFAULT 0,
    facts       {{bytes}} NOT NULL,
    PRIMARY KEY (scan_id, source)
);
