PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_migrations (name TEXT NOT NULL PRIMARY KEY);
INSERT INTO schema_migrations VALUES('schema/001_first.sql');
INSERT INTO schema_migrations VALUES('schema/002_runs.sql');
INSERT INTO schema_migrations VALUES('schema/003_staged.sql');
CREATE TABLE installation (
    id          TEXT   NOT NULL PRIMARY KEY, -- random; part of every key and marker
    created_at  BIGINT NOT NULL
);
INSERT INTO installation VALUES('ca67ccccd2f67d2facb8',1795830934098);
CREATE TABLE recommendations (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at     BIGINT NOT NULL,
    recommendation TEXT   NOT NULL, -- the action
    resource       TEXT   NOT NULL,
    variant        TEXT   NOT NULL DEFAULT '',
    scan_id        BIGINT NOT NULL,
    episode_id     BIGINT NOT NULL,
    title          TEXT   NOT NULL DEFAULT '',
    rule           TEXT   NOT NULL DEFAULT '',
    account        TEXT   NOT NULL DEFAULT '',
    owner          TEXT   NOT NULL DEFAULT '',
    board          TEXT   NOT NULL DEFAULT '',
    savings        TEXT   NOT NULL DEFAULT '0',
    monthly_cost   TEXT   NOT NULL DEFAULT '0',
    currency       TEXT   NOT NULL DEFAULT '',
    detail         TEXT   NOT NULL DEFAULT '{}'  -- the whole of it, as JSON
);
INSERT INTO recommendations VALUES(1,1788242400102,'stop','vm-1','',1,1,'Stop vm-1','p/idle','plat-dev','ann@example.com','plat','60','0','USD','{"id":0,"created_at":"2026-09-01T06:00:00.10209126Z","key":"10ced818840403c40b3b7582c64776aa","recommendation":"stop","subject":{"resource":"vm-1","raw":"vm-1","account":"plat-dev"},"title":"Stop vm-1","monthly_cost":"","savings":"60.00 USD","reasons":[{"rule":"p/idle","hash":"69dff4f5742a526b19281056","priority":0,"title":"Stop vm-1","evidence":[{"name":"r","type":"Resource","fields":{"account":"plat-dev","cost":"60.00 USD","id":"vm-1","state":"idle"}}]}],"owner":{"name":"ann@example.com","source":"fallback"},"board":"plat"}');
INSERT INTO recommendations VALUES(2,1788242400102,'stop','vm-2','',1,2,'Stop vm-2','p/idle','shop','ann@example.com','fin','70','0','USD','{"id":0,"created_at":"2026-09-01T06:00:00.102966055Z","key":"b39458fa290d12e82bf6b216a3786de2","recommendation":"stop","subject":{"resource":"vm-2","raw":"vm-2","account":"shop"},"title":"Stop vm-2","monthly_cost":"","savings":"70.00 USD","reasons":[{"rule":"p/idle","hash":"69dff4f5742a526b19281056","priority":0,"title":"Stop vm-2","evidence":[{"name":"r","type":"Resource","fields":{"account":"shop","cost":"70.00 USD","id":"vm-2","state":"idle"}}]}],"owner":{"name":"ann@example.com","source":"fallback"},"board":"fin"}');
CREATE TABLE recommendations_generated (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    last_successful_recommendation_generated BIGINT,
    started_at  BIGINT  NOT NULL,
    ended_at    BIGINT,
    complete    INTEGER NOT NULL DEFAULT 0,
    rules       TEXT    NOT NULL DEFAULT '',  -- hash of the rule set
    detail      TEXT    NOT NULL DEFAULT '{}' -- sources, counts, errors, as JSON
);
INSERT INTO recommendations_generated VALUES(1,1788242400103,1788242400014,1788242400103,1,'7b77f3a7da8a1f9a','{"sources":[{"source":"vms","rows":4,"facts":4},{"source":"exempt","rows":1,"facts":1}],"recommendations":2,"repeats":0,"unknown":0,"firings":{"p/idle":2}}');
CREATE TABLE tickets (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at  BIGINT NOT NULL, -- on the tracker's clock
    status      TEXT   NOT NULL, -- created, in_progress, closed
    tracker     TEXT   NOT NULL,
    board       TEXT   NOT NULL,
    remote_id   TEXT   NOT NULL,
    remote_key  TEXT   NOT NULL,
    url         TEXT   NOT NULL DEFAULT '',
    assignee    TEXT   NOT NULL DEFAULT '',
    updated_at  BIGINT NOT NULL,
    UNIQUE (tracker, remote_id)
);
CREATE TABLE recommendation_ticket_map (
    recommendation_id       BIGINT NOT NULL PRIMARY KEY,
    first_recommendation_id BIGINT NOT NULL,
    ticket_id               BIGINT
);
INSERT INTO recommendation_ticket_map VALUES(1,1,NULL);
INSERT INTO recommendation_ticket_map VALUES(2,2,NULL);
CREATE TABLE episodes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT    NOT NULL,
    number      INTEGER NOT NULL, -- 1 for the first of its key
    open        INTEGER NOT NULL, -- 1 while it takes the key's place
    action      TEXT    NOT NULL,
    resource    TEXT    NOT NULL,
    variant     TEXT    NOT NULL DEFAULT '',
    condition   TEXT    NOT NULL,
    workflow    TEXT    NOT NULL,
    first_recommendation_id BIGINT NOT NULL DEFAULT 0,
    last_recommendation_id  BIGINT NOT NULL DEFAULT 0,
    ticket_id   BIGINT,
    owner       TEXT    NOT NULL DEFAULT '',
    board       TEXT    NOT NULL DEFAULT '',
    savings     TEXT    NOT NULL DEFAULT '0',
    currency    TEXT    NOT NULL DEFAULT '',
    rules       TEXT    NOT NULL DEFAULT '', -- ids of its reasons, space between
    state       TEXT    NOT NULL             -- the machine's state, as JSON
);
INSERT INTO episodes VALUES(1,'10ced818840403c40b3b7582c64776aa',1,1,'stop','vm-1','','present','ticketed',1,1,NULL,'ann@example.com','plat','60','USD','p/idle','{"Condition":"present","Workflow":"ticketed","FirstSeen":"2026-09-01T06:00:00.10209126Z","LastSeen":"2026-09-01T06:00:00.10209126Z","Seen":1,"Streak":1,"Missed":0,"MissedAt":"0001-01-01T00:00:00Z","Savings":"60.00 USD","Cost":"","Fingerprint":"","Filed":true,"Shown":"60.00 USD","Baseline":"","BaselineAt":"0001-01-01T00:00:00Z","ClaimedAt":"0001-01-01T00:00:00Z","CannotTell":false,"Reopened":false,"Noted":false,"Until":"0001-01-01T00:00:00Z","At":"","ClosedAt":"0001-01-01T00:00:00Z","Reason":"","By":""}');
INSERT INTO episodes VALUES(2,'b39458fa290d12e82bf6b216a3786de2',1,1,'stop','vm-2','','present','ticketed',2,2,NULL,'ann@example.com','fin','70','USD','p/idle','{"Condition":"present","Workflow":"ticketed","FirstSeen":"2026-09-01T06:00:00.102966055Z","LastSeen":"2026-09-01T06:00:00.102966055Z","Seen":1,"Streak":1,"Missed":0,"MissedAt":"0001-01-01T00:00:00Z","Savings":"70.00 USD","Cost":"","Fingerprint":"","Filed":true,"Shown":"70.00 USD","Baseline":"","BaselineAt":"0001-01-01T00:00:00Z","ClaimedAt":"0001-01-01T00:00:00Z","CannotTell":false,"Reopened":false,"Noted":false,"Until":"0001-01-01T00:00:00Z","At":"","ClosedAt":"0001-01-01T00:00:00Z","Reason":"","By":""}');
CREATE TABLE links (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    episode_id  BIGINT NOT NULL,
    marker      TEXT   NOT NULL UNIQUE,
    tracker     TEXT   NOT NULL,
    board       TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- wanted, filed, gone
    reason      TEXT   NOT NULL DEFAULT '',
    ticket_id   BIGINT,
    remote_id   TEXT   NOT NULL DEFAULT '',
    base        TEXT   NOT NULL DEFAULT '{}', -- field values both sides agreed on
    remote_updated BIGINT NOT NULL DEFAULT 0
);
INSERT INTO links VALUES(1,2,'tt-pe5rjx3rpyzs3wibqbldhif4rv','local','fin','wanted','',NULL,'','{}',0);
INSERT INTO links VALUES(2,1,'tt-qljxhg4hvcg4pq3qp55m5uvn6l','local','plat','wanted','',NULL,'','{}',0);
CREATE TABLE ops (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    link_id     BIGINT  NOT NULL,
    kind        TEXT    NOT NULL, -- create, reopen, close, comment, refresh, push
    payload     TEXT    NOT NULL DEFAULT '{}',
    state       TEXT    NOT NULL, -- planned, sent, unknown, done, blocked
    attempts    INTEGER NOT NULL DEFAULT 0,
    created_at  BIGINT  NOT NULL,
    not_before  BIGINT  NOT NULL DEFAULT 0,
    sent_at     BIGINT  NOT NULL DEFAULT 0,
    settled_at  BIGINT  NOT NULL DEFAULT 0, -- when the failed call ended or was taken over
    error       TEXT    NOT NULL DEFAULT ''
);
INSERT INTO ops VALUES(1,1,'create','{"project":"FIN","type":"Task","summary":"Stop vm-2 (saves 70.00 USD a month)","description":"**Estimated saving: 70.00 USD a month**, of 0.00 that the resource costs.\n\n- Resource: `vm-2`\n- Account: shop\n- Owner: ann@example.com (from: fallback)\n\n## Why this ticket\n\nConcluded by `p/idle` from:\n\n| fact | what it says |\n| --- | --- |\n| Resource | cost 70.00 USD, state idle |\n\n## What happens next\n\nMove this ticket as you work on it. When it is done, the saving is verified in later cost data; if the cost is still there, the ticket comes back once.\nIf it should stay as it is, close it as \"won''t do\": it is left alone for 180 days.\n","assignee":"ann@example.com"}','sent',0,1788242400113,0,1788242400123,0,'');
INSERT INTO ops VALUES(2,2,'create','{"project":"PLAT","type":"Task","summary":"Stop vm-1 (saves 60.00 USD a month)","description":"**Estimated saving: 60.00 USD a month**, of 0.00 that the resource costs.\n\n- Resource: `vm-1`\n- Account: plat-dev\n- Owner: ann@example.com (from: fallback)\n\n## Why this ticket\n\nConcluded by `p/idle` from:\n\n| fact | what it says |\n| --- | --- |\n| Resource | cost 60.00 USD, state idle |\n\n## What happens next\n\nMove this ticket as you work on it. When it is done, the saving is verified in later cost data; if the cost is still there, the ticket comes back once.\nIf it should stay as it is, close it as \"won''t do\": it is left alone for 180 days.\n","assignee":"ann@example.com"}','sent',0,1788242400113,0,1788242400123,0,'');
CREATE TABLE watermarks (
    scope       TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    seen        TEXT   NOT NULL DEFAULT '{}'
);
CREATE TABLE savings_ledger (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          BIGINT NOT NULL,
    episode_id  BIGINT NOT NULL,
    kind        TEXT   NOT NULL, -- verified, regressed
    baseline    TEXT   NOT NULL,
    observed    TEXT   NOT NULL,
    realised    TEXT   NOT NULL,
    currency    TEXT   NOT NULL,
    basis       TEXT   NOT NULL
);
CREATE TABLE timeline (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          BIGINT NOT NULL,
    episode_id  BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    what        TEXT   NOT NULL,
    detail      TEXT   NOT NULL DEFAULT ''
);
INSERT INTO timeline VALUES(1,1788242400102,1,'scan','new/present','');
INSERT INTO timeline VALUES(2,1788242400102,2,'scan','new/present','');
INSERT INTO timeline VALUES(3,1788242400113,2,'distribute','new/present → ticketed/present','');
INSERT INTO timeline VALUES(4,1788242400113,1,'distribute','new/present → ticketed/present','');
CREATE TABLE gathered (
    source      TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    until       BIGINT NOT NULL DEFAULT 0,
    facts       BLOB NOT NULL -- gzip of one JSON object a line
);
INSERT INTO gathered VALUES('vms',1788242400014,0,X'1f8b08000000000004ffaccebb0ac23018c5f1bd4f21674e255ef092d927507c80987c62209ae097144ac9bb4b273b6410e97a86dff90f487d24289c89437e1b82c0dd91b70c35401b13f22b41217a9d5a4b1d044ce071d9c9a5948bebe5040167a1d03ddb150438e93482ce7a4229cdaf0ffc08f1abef2bfa7a36fd50d13713fd96b9ffbffd58d1b713dd594f28a5f9040000ffffcfef62877c010000');
INSERT INTO gathered VALUES('exempt',1788242400014,0,X'1f8b08000000000004ff003200cdff7b2274797065223a224578656d7074696f6e222c226669656c6473223a7b227265736f75726365223a22766d2d34227d7d0a010000ffff08a8ad6e32000000');
CREATE TABLE board_issues (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     TEXT   NOT NULL,
    marker      TEXT   NOT NULL,
    installation TEXT  NOT NULL,
    status      TEXT   NOT NULL,
    summary     TEXT   NOT NULL,
    description TEXT   NOT NULL DEFAULT '',
    assignee    TEXT   NOT NULL DEFAULT '',
    priority    TEXT   NOT NULL DEFAULT '',
    labels      TEXT   NOT NULL DEFAULT '[]',
    comments    TEXT   NOT NULL DEFAULT '[]',
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
INSERT INTO board_issues VALUES(1,'FIN','tt-pe5rjx3rpyzs3wibqbldhif4rv','ca67ccccd2f67d2facb8','open','Stop vm-2 (saves 70.00 USD a month)',replace('**Estimated saving: 70.00 USD a month**, of 0.00 that the resource costs.\n\n- Resource: `vm-2`\n- Account: shop\n- Owner: ann@example.com (from: fallback)\n\n## Why this ticket\n\nConcluded by `p/idle` from:\n\n| fact | what it says |\n| --- | --- |\n| Resource | cost 70.00 USD, state idle |\n\n## What happens next\n\nMove this ticket as you work on it. When it is done, the saving is verified in later cost data; if the cost is still there, the ticket comes back once.\nIf it should stay as it is, close it as "won''t do": it is left alone for 180 days.\n','\n',char(10)),'ann@example.com','','null','null',1788242400124,1788242400124);
CREATE TABLE runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    workflow    TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    key         TEXT    NOT NULL DEFAULT '', -- at most one run that has not ended has it
    queue       TEXT    NOT NULL DEFAULT '',
    input       TEXT    NOT NULL DEFAULT '',
    output      TEXT    NOT NULL DEFAULT '',
    error       TEXT    NOT NULL DEFAULT '', -- JSON
    status      TEXT    NOT NULL, -- pending, running, waiting, done, partial, failed, cancelled, parked
    reason      TEXT    NOT NULL DEFAULT '',
    awaits      TEXT    NOT NULL DEFAULT '', -- the signal that wakes it
    wake_at     BIGINT  NOT NULL DEFAULT 0,
    cancel      INTEGER NOT NULL DEFAULT 0,
    epoch       BIGINT  NOT NULL DEFAULT 0,  -- raised by each claim; every write checks it
    owner       TEXT    NOT NULL DEFAULT '',
    lease       BIGINT  NOT NULL DEFAULT 0,
    crashes     INTEGER NOT NULL DEFAULT 0,
    progress    TEXT    NOT NULL DEFAULT '', -- JSON
    created_at  BIGINT  NOT NULL,
    started_at  BIGINT  NOT NULL DEFAULT 0,
    ended_at    BIGINT  NOT NULL DEFAULT 0
);
INSERT INTO runs VALUES(1,'run',1,'run','jobs','{"Approved":false,"Unblock":false}','','','running','','',0,0,1,'host/5181/6614c78e754a0.1',1795830964101,0,'{"sources":{"done":2,"total":2}}',1795830934099,1795830934101,0);
CREATE TABLE run_records (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id      BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    kind        TEXT    NOT NULL, -- step, timer, signal, job
    outcome     TEXT    NOT NULL DEFAULT '',
    after       TEXT    NOT NULL DEFAULT '', -- JSON: the jobs that a job depends on
    shape       TEXT    NOT NULL DEFAULT '',
    hash        TEXT    NOT NULL DEFAULT '',
    input       TEXT    NOT NULL DEFAULT '',
    output      TEXT    NOT NULL DEFAULT '',
    error       TEXT    NOT NULL DEFAULT '',
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at     BIGINT  NOT NULL DEFAULT 0,
    started_at  BIGINT  NOT NULL DEFAULT 0,
    ended_at    BIGINT  NOT NULL DEFAULT 0,
    UNIQUE (run_id, name)
);
INSERT INTO run_records VALUES(1,1,'scan','job','done','','','e3b0c44298fc1c14','','','',0,0,1795830934104,1795830934201);
INSERT INTO run_records VALUES(2,1,'distribute','job','pending','["scan"]','','e3b0c44298fc1c14','','','',0,0,0,0);
INSERT INTO run_records VALUES(3,1,'scan/now[started]','step','done','','2301001dfdb646e8','44136fa355b3678a','{}','"2026-09-01T06:00:00.014Z"','',1,0,1795830934104,1795830934105);
INSERT INTO run_records VALUES(4,1,'scan/begin','step','done','','c60fd3de75618c45','8dbb4bdd8d460f87','"2026-09-01T06:00:00.014Z"','1','',1,0,1795830934105,1795830934106);
INSERT INTO run_records VALUES(5,1,'scan/source vms','job','done','','','e3b0c44298fc1c14','','','',0,0,1795830934108,1795830934185);
INSERT INTO run_records VALUES(6,1,'scan/source exempt','job','done','','','e3b0c44298fc1c14','','','',0,0,1795830934108,1795830934189);
INSERT INTO run_records VALUES(7,1,'scan/source vms/gather','step','done','','dfb04bea9306e2f2','7c00e95e764cb104','{"Scan":1,"At":"2026-09-01T06:00:00.014Z"}','{"Rows":4,"Facts":4,"Until":"0001-01-01T00:00:00Z","Warnings":null}','',1,0,1795830934108,1795830934177);
INSERT INTO run_records VALUES(8,1,'scan/source exempt/gather','step','done','','dfb04bea9306e2f2','7c00e95e764cb104','{"Scan":1,"At":"2026-09-01T06:00:00.014Z"}','{"Rows":1,"Facts":1,"Until":"0001-01-01T00:00:00Z","Warnings":null}','',1,0,1795830934109,1795830934181);
INSERT INTO run_records VALUES(11,1,'scan/keep','step','done','','254d1e99182f94cc','6b86b273ff34fce1','1','{"ID":1,"Complete":true,"Recommended":2,"Detail":{"sources":[{"source":"vms","rows":4,"facts":4},{"source":"exempt","rows":1,"facts":1}],"recommendations":2,"repeats":0,"unknown":0,"firings":{"p/idle":2}},"Gross":{"USD":"130.00 USD"},"Net":{"USD":"130.00 USD"},"Spend":{}}','',1,0,1795830934191,1795830934193);
INSERT INTO run_records VALUES(13,1,'distribute/plan','step','done','','1513661f9204d13e','fcbcf165908dd18a','false','{"Planned":2,"Held":{}}','',1,0,1795830934204,1795830934205);
INSERT INTO run_records VALUES(14,1,'distribute/tracker local','job','pending','','','e3b0c44298fc1c14','','','',0,0,0,0);
CREATE TABLE marks (
    name        TEXT    NOT NULL PRIMARY KEY,
    value       BIGINT  NOT NULL
);
INSERT INTO marks VALUES('queue jobs',0);
CREATE TABLE staged (
    scan_id     BIGINT NOT NULL,
    source      TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    until       BIGINT NOT NULL DEFAULT 0,
    facts       BLOB NOT NULL,
    PRIMARY KEY (scan_id, source)
);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('runs',1);
INSERT INTO sqlite_sequence VALUES('run_records',14);
INSERT INTO sqlite_sequence VALUES('recommendations_generated',1);
INSERT INTO sqlite_sequence VALUES('episodes',2);
INSERT INTO sqlite_sequence VALUES('timeline',4);
INSERT INTO sqlite_sequence VALUES('recommendations',2);
INSERT INTO sqlite_sequence VALUES('links',2);
INSERT INTO sqlite_sequence VALUES('ops',2);
INSERT INTO sqlite_sequence VALUES('board_issues',1);
CREATE INDEX recommendations_by_scan ON recommendations (scan_id);
CREATE INDEX recommendations_by_episode ON recommendations (episode_id, id);
CREATE INDEX map_by_first ON recommendation_ticket_map (first_recommendation_id);
CREATE UNIQUE INDEX episodes_open ON episodes (key) WHERE open = 1;
CREATE UNIQUE INDEX episodes_number ON episodes (key, number);
CREATE UNIQUE INDEX links_by_episode ON links (episode_id);
CREATE INDEX links_by_remote ON links (tracker, remote_id);
CREATE INDEX ops_by_state ON ops (state, not_before);
CREATE UNIQUE INDEX ops_create ON ops (link_id) WHERE kind = 'create';
CREATE INDEX timeline_by_episode ON timeline (episode_id, id);
CREATE INDEX board_issues_by_marker ON board_issues (marker);
CREATE INDEX board_issues_by_update ON board_issues (installation, updated_at);
CREATE UNIQUE INDEX runs_key ON runs (key) WHERE key <> '' AND status NOT IN ('done', 'partial', 'failed', 'cancelled');
CREATE INDEX runs_due ON runs (wake_at, id) WHERE status IN ('pending', 'waiting', 'running');
CREATE INDEX runs_ended ON runs (ended_at) WHERE status IN ('done', 'partial', 'failed', 'cancelled');
COMMIT;
