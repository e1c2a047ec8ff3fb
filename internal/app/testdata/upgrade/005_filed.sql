BEGIN TRANSACTION;
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
, extra TEXT NOT NULL DEFAULT '{}');
INSERT INTO "board_issues" VALUES(1,'FIN','tt-7p6yagz7mde3gixros3tjhggo2','bb7f7511b36ebc26ba37','open','Stop vm-2 (saves 70.00 USD a month)','**Estimated saving: 70.00 USD a month**, of 0.00 that the resource costs.

- Resource: `vm-2`
- Account: shop
- Owner: ann@example.com (from: fallback)

## Why this ticket

Concluded by `p/idle` from:

| fact | what it says |
| --- | --- |
| Resource | cost 70.00 USD, state idle |

## What happens next

Move this ticket as you work on it. When it is done, the saving is verified in later cost data; if the cost is still there, the ticket comes back once.
If it should stay as it is, close it as "won''t do": it is left alone for 180 days.
','ann@example.com','','null','null',1788847200000,1788847200000,'{"op":"op-1"}');
INSERT INTO "board_issues" VALUES(2,'PLAT','tt-gcjlzg6jmaelrov6hjk2rviqs3','bb7f7511b36ebc26ba37','open','Stop vm-1 (saves 60.00 USD a month)','**Estimated saving: 60.00 USD a month**, of 0.00 that the resource costs.

- Resource: `vm-1`
- Account: plat-dev
- Owner: ann@example.com (from: fallback)

## Why this ticket

Concluded by `p/idle` from:

| fact | what it says |
| --- | --- |
| Resource | cost 60.00 USD, state idle |

## What happens next

Move this ticket as you work on it. When it is done, the saving is verified in later cost data; if the cost is still there, the ticket comes back once.
If it should stay as it is, close it as "won''t do": it is left alone for 180 days.
','ann@example.com','','null','null',1788847200000,1788847200000,'{"op":"op-2"}');
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
INSERT INTO "episodes" VALUES(1,'39dfc796b161b1d77619f8226ef4fc5e',1,1,'stop','vm-1','','present','ticketed',1,3,2,'ann@example.com','plat','60','USD','p/idle','{"Condition":"present","Workflow":"ticketed","FirstSeen":"2026-09-08T06:00:00Z","LastSeen":"2026-09-15T06:00:00Z","Seen":2,"Streak":2,"Missed":0,"MissedAt":"0001-01-01T00:00:00Z","Savings":"60.00 USD","Cost":"","Fingerprint":"","Proposal":"","Filed":true,"Shown":"60.00 USD","ShownWords":"","Baseline":"","BaselineAt":"0001-01-01T00:00:00Z","ClaimedAt":"0001-01-01T00:00:00Z","CannotTell":false,"Reopened":false,"Noted":false,"Until":"0001-01-01T00:00:00Z","At":"","ClosedAt":"0001-01-01T00:00:00Z","Reason":"","By":""}');
INSERT INTO "episodes" VALUES(2,'7ef6edc035b1b4897e5e209035155182',1,1,'stop','vm-2','','present','ticketed',2,4,1,'ann@example.com','fin','70','USD','p/idle','{"Condition":"present","Workflow":"ticketed","FirstSeen":"2026-09-08T06:00:00Z","LastSeen":"2026-09-15T06:00:00Z","Seen":2,"Streak":2,"Missed":0,"MissedAt":"0001-01-01T00:00:00Z","Savings":"70.00 USD","Cost":"","Fingerprint":"","Proposal":"","Filed":true,"Shown":"70.00 USD","ShownWords":"","Baseline":"","BaselineAt":"0001-01-01T00:00:00Z","ClaimedAt":"0001-01-01T00:00:00Z","CannotTell":false,"Reopened":false,"Noted":false,"Until":"0001-01-01T00:00:00Z","At":"","ClosedAt":"0001-01-01T00:00:00Z","Reason":"","By":""}');
CREATE TABLE gathered (
    source      TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    until       BIGINT NOT NULL DEFAULT 0,
    facts       BLOB NOT NULL -- gzip of one JSON object a line
);
INSERT INTO "gathered" VALUES('vms',1789452000000,0,X'1F8B08000000000004FFACCEBB0AC23018C5F1BD4F21674E255EF092D927507C80987C62209AE097144AC9BB4B273B6410E97A86DFF90F487D24289C89437E1B82C0DD91B70C35401B13F22B41217A9D5A4B1D044CE071D9C9A5948BEBE5040167A1D03DDB150438E93482CE7A4229CDAF0FFC08F1ABEF2BFA7A36FD50D13713FD96B9FFBFFD58D1B713DD594F28A5F9040000FFFFCFEF62877C010000');
INSERT INTO "gathered" VALUES('exempt',1789452000000,0,X'1F8B08000000000004FF003200CDFF7B2274797065223A224578656D7074696F6E222C226669656C6473223A7B227265736F75726365223A22766D2D34227D7D0A010000FFFF08A8AD6E32000000');
CREATE TABLE grants (
    name        TEXT    NOT NULL PRIMARY KEY,
    version     BIGINT  NOT NULL,
    sealed      BLOB NOT NULL
);
CREATE TABLE inbox (
    tracker     TEXT    NOT NULL,
    delivery    TEXT    NOT NULL, -- the same over all tries of one
    issue       TEXT    NOT NULL,
    received_at BIGINT  NOT NULL,
    heard       INTEGER NOT NULL DEFAULT 0, -- kept for a while, so that a late repeat is known
    PRIMARY KEY (tracker, delivery)
);
CREATE TABLE installation (
    id          TEXT   NOT NULL PRIMARY KEY, -- random; part of every key and marker
    created_at  BIGINT NOT NULL
, epoch BIGINT NOT NULL DEFAULT 1, recovered_at BIGINT NOT NULL DEFAULT 0);
INSERT INTO "installation" VALUES('bb7f7511b36ebc26ba37',1795863684481,1,0);
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
, lead_id BIGINT NOT NULL DEFAULT 0, group_key TEXT NOT NULL DEFAULT '');
INSERT INTO "links" VALUES(1,2,'tt-7p6yagz7mde3gixros3tjhggo2','local','fin','filed','',1,'1','{"assignee":"ann@example.com","priority":"","status":"open","summary":"Stop vm-2 (saves 70.00 USD a month)"}',1788847200000,0,'');
INSERT INTO "links" VALUES(2,1,'tt-gcjlzg6jmaelrov6hjk2rviqs3','local','plat','filed','',2,'2','{"assignee":"ann@example.com","priority":"","status":"open","summary":"Stop vm-1 (saves 60.00 USD a month)"}',1788847200000,0,'');
CREATE TABLE marks (
    name        TEXT    NOT NULL PRIMARY KEY,
    value       BIGINT  NOT NULL
);
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
, released INTEGER NOT NULL DEFAULT 0, run_id BIGINT NOT NULL DEFAULT 0);
INSERT INTO "ops" VALUES(1,1,'create','{"project":"FIN","type":"Task","summary":"Stop vm-2 (saves 70.00 USD a month)","description":"**Estimated saving: 70.00 USD a month**, of 0.00 that the resource costs.\n\n- Resource: `vm-2`\n- Account: shop\n- Owner: ann@example.com (from: fallback)\n\n## Why this ticket\n\nConcluded by `p/idle` from:\n\n| fact | what it says |\n| --- | --- |\n| Resource | cost 70.00 USD, state idle |\n\n## What happens next\n\nMove this ticket as you work on it. When it is done, the saving is verified in later cost data; if the cost is still there, the ticket comes back once.\nIf it should stay as it is, close it as \"won''t do\": it is left alone for 180 days.\n","assignee":"ann@example.com"}','done',0,1788847200000,0,1788847200000,0,'',1,1);
INSERT INTO "ops" VALUES(2,2,'create','{"project":"PLAT","type":"Task","summary":"Stop vm-1 (saves 60.00 USD a month)","description":"**Estimated saving: 60.00 USD a month**, of 0.00 that the resource costs.\n\n- Resource: `vm-1`\n- Account: plat-dev\n- Owner: ann@example.com (from: fallback)\n\n## Why this ticket\n\nConcluded by `p/idle` from:\n\n| fact | what it says |\n| --- | --- |\n| Resource | cost 60.00 USD, state idle |\n\n## What happens next\n\nMove this ticket as you work on it. When it is done, the saving is verified in later cost data; if the cost is still there, the ticket comes back once.\nIf it should stay as it is, close it as \"won''t do\": it is left alone for 180 days.\n","assignee":"ann@example.com"}','done',0,1788847200000,0,1788847200000,0,'',1,1);
CREATE TABLE pauses (
    kind        TEXT    NOT NULL, -- rule, board
    name        TEXT    NOT NULL,
    since       BIGINT  NOT NULL,
    until       BIGINT  NOT NULL DEFAULT 0, -- 0 is until somebody resumes it
    actor       TEXT    NOT NULL DEFAULT '',
    why         TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (kind, name)
);
CREATE TABLE recommendation_ticket_map (
    recommendation_id       BIGINT NOT NULL PRIMARY KEY,
    first_recommendation_id BIGINT NOT NULL,
    ticket_id               BIGINT
);
INSERT INTO "recommendation_ticket_map" VALUES(1,1,2);
INSERT INTO "recommendation_ticket_map" VALUES(2,2,1);
INSERT INTO "recommendation_ticket_map" VALUES(3,1,2);
INSERT INTO "recommendation_ticket_map" VALUES(4,2,1);
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
INSERT INTO "recommendations" VALUES(1,1788847200000,'stop','vm-1','',1,1,'Stop vm-1','p/idle','plat-dev','ann@example.com','plat','60','0','USD','{"id":0,"created_at":"2026-09-08T06:00:00Z","key":"39dfc796b161b1d77619f8226ef4fc5e","recommendation":"stop","subject":{"resource":"vm-1","raw":"vm-1","account":"plat-dev"},"title":"Stop vm-1","monthly_cost":"","savings":"60.00 USD","reasons":[{"rule":"p/idle","hash":"69dff4f5742a526b19281056","priority":0,"title":"Stop vm-1","evidence":[{"name":"r","type":"Resource","fields":{"account":"plat-dev","cost":"60.00 USD","id":"vm-1","state":"idle"}}]}],"owner":{"name":"ann@example.com","source":"fallback"},"board":"plat"}');
INSERT INTO "recommendations" VALUES(2,1788847200000,'stop','vm-2','',1,2,'Stop vm-2','p/idle','shop','ann@example.com','fin','70','0','USD','{"id":0,"created_at":"2026-09-08T06:00:00Z","key":"7ef6edc035b1b4897e5e209035155182","recommendation":"stop","subject":{"resource":"vm-2","raw":"vm-2","account":"shop"},"title":"Stop vm-2","monthly_cost":"","savings":"70.00 USD","reasons":[{"rule":"p/idle","hash":"69dff4f5742a526b19281056","priority":0,"title":"Stop vm-2","evidence":[{"name":"r","type":"Resource","fields":{"account":"shop","cost":"70.00 USD","id":"vm-2","state":"idle"}}]}],"owner":{"name":"ann@example.com","source":"fallback"},"board":"fin"}');
INSERT INTO "recommendations" VALUES(3,1789452000000,'stop','vm-1','',2,1,'Stop vm-1','p/idle','plat-dev','ann@example.com','plat','60','0','USD','{"id":0,"created_at":"2026-09-15T06:00:00Z","key":"39dfc796b161b1d77619f8226ef4fc5e","recommendation":"stop","subject":{"resource":"vm-1","raw":"vm-1","account":"plat-dev"},"title":"Stop vm-1","monthly_cost":"","savings":"60.00 USD","reasons":[{"rule":"p/idle","hash":"69dff4f5742a526b19281056","priority":0,"title":"Stop vm-1","evidence":[{"name":"r","type":"Resource","fields":{"account":"plat-dev","cost":"60.00 USD","id":"vm-1","state":"idle"}}]}],"owner":{"name":"ann@example.com","source":"fallback"},"board":"plat"}');
INSERT INTO "recommendations" VALUES(4,1789452000000,'stop','vm-2','',2,2,'Stop vm-2','p/idle','shop','ann@example.com','fin','70','0','USD','{"id":0,"created_at":"2026-09-15T06:00:00Z","key":"7ef6edc035b1b4897e5e209035155182","recommendation":"stop","subject":{"resource":"vm-2","raw":"vm-2","account":"shop"},"title":"Stop vm-2","monthly_cost":"","savings":"70.00 USD","reasons":[{"rule":"p/idle","hash":"69dff4f5742a526b19281056","priority":0,"title":"Stop vm-2","evidence":[{"name":"r","type":"Resource","fields":{"account":"shop","cost":"70.00 USD","id":"vm-2","state":"idle"}}]}],"owner":{"name":"ann@example.com","source":"fallback"},"board":"fin"}');
CREATE TABLE recommendations_generated (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    last_successful_recommendation_generated BIGINT,
    started_at  BIGINT  NOT NULL,
    ended_at    BIGINT,
    complete    INTEGER NOT NULL DEFAULT 0,
    rules       TEXT    NOT NULL DEFAULT '',  -- hash of the rule set
    detail      TEXT    NOT NULL DEFAULT '{}' -- sources, counts, errors, as JSON
);
INSERT INTO "recommendations_generated" VALUES(1,1788847200000,1788847200000,1788847200000,1,'7b77f3a7da8a1f9a','{"sources":[{"source":"vms","rows":4,"facts":4},{"source":"exempt","rows":1,"facts":1}],"recommendations":2,"repeats":0,"unknown":0,"firings":{"p/idle":2}}');
INSERT INTO "recommendations_generated" VALUES(2,1789452000000,1789452000000,1789452000000,1,'7b77f3a7da8a1f9a','{"sources":[{"source":"vms","rows":4,"facts":4},{"source":"exempt","rows":1,"facts":1}],"recommendations":2,"repeats":2,"unknown":0,"firings":{"p/idle":2}}');
CREATE TABLE rule_stages (
    rule        TEXT    NOT NULL PRIMARY KEY,
    hash        TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    since       BIGINT  NOT NULL,
    actor       TEXT    NOT NULL DEFAULT ''
);
INSERT INTO "rule_stages" VALUES('p/idle','69dff4f5742a526b19281056','live',1788847200000,'distribute');
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
INSERT INTO "run_records" VALUES(1,1,'scan','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684484,1795863684513);
INSERT INTO "run_records" VALUES(2,1,'distribute','job','done','["scan"]','','e3b0c44298fc1c14','','','',0,0,1795863684512,1795863684520);
INSERT INTO "run_records" VALUES(3,1,'scan/now[started]','step','done','','2301001dfdb646e8','44136fa355b3678a','{}','"2026-09-08T06:00:00Z"','',1,0,1795863684483,1795863684484);
INSERT INTO "run_records" VALUES(4,1,'scan/begin','step','done','','c60fd3de75618c45','49847003443c52e7','"2026-09-08T06:00:00Z"','1','',1,0,1795863684484,1795863684485);
INSERT INTO "run_records" VALUES(5,1,'scan/source vms','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684485,1795863684510);
INSERT INTO "run_records" VALUES(6,1,'scan/source exempt','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684485,1795863684511);
INSERT INTO "run_records" VALUES(7,1,'scan/source vms/gather','step','done','','dfb04bea9306e2f2','7249772023ff1b23','{"Scan":1,"At":"2026-09-08T06:00:00Z"}','{"Rows":4,"Facts":4,"Until":"0001-01-01T00:00:00Z","Warnings":null}','',1,0,1795863684485,1795863684508);
INSERT INTO "run_records" VALUES(9,1,'scan/source exempt/gather','step','done','','dfb04bea9306e2f2','7249772023ff1b23','{"Scan":1,"At":"2026-09-08T06:00:00Z"}','{"Rows":1,"Facts":1,"Until":"0001-01-01T00:00:00Z","Warnings":null}','',1,0,1795863684485,1795863684511);
INSERT INTO "run_records" VALUES(11,1,'scan/keep','step','done','','254d1e99182f94cc','6b86b273ff34fce1','1','{"ID":1,"Complete":true,"Recommended":2,"Detail":{"sources":[{"source":"vms","rows":4,"facts":4},{"source":"exempt","rows":1,"facts":1}],"recommendations":2,"repeats":0,"unknown":0,"firings":{"p/idle":2}},"Gross":{"USD":"130.00 USD"},"Net":{"USD":"130.00 USD"},"Spend":{}}','',1,0,1795863684511,1795863684512);
INSERT INTO "run_records" VALUES(13,1,'distribute/plan','step','done','','1513661f9204d13e','fcbcf165908dd18a','false','{"Planned":2,"Held":{}}','',1,0,1795863684513,1795863684514);
INSERT INTO "run_records" VALUES(14,1,'distribute/brake','step','done','','690ec086458b6c8c','fcbcf165908dd18a','false','{"Create":2,"Close":0,"Edit":0,"Tickets":2,"Limit":25,"Last":2,"Braked":false}','',1,0,1795863684513,1795863684514);
INSERT INTO "run_records" VALUES(15,1,'distribute/tracker local','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684515,1795863684520);
INSERT INTO "run_records" VALUES(16,1,'distribute/tracker local/send','step','done','','f8cf5c35f60ed2eb','ea17e25c6c7aa6ef','"local"','{"Filed":2,"Adopted":0,"Written":0}','',1,0,1795863684514,1795863684519);
INSERT INTO "run_records" VALUES(18,1,'distribute/count','step','done','','78c0bca0f1a12c7f','44136fa355b3678a','{}','{"Waiting":0,"Blocked":0,"Problems":null}','',1,0,1795863684519,1795863684520);
INSERT INTO "run_records" VALUES(20,1,'monitor','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684520,1795863684523);
INSERT INTO "run_records" VALUES(21,1,'monitor/tracker local','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684521,1795863684523);
INSERT INTO "run_records" VALUES(22,1,'monitor/tracker local/pull','step','done','','cc093cd60cf256cd','ea17e25c6c7aa6ef','"local"','{"Changed":0,"Conflicts":0,"Events":null,"Duplicates":0,"Missing":0}','',1,0,1795863684520,1795863684522);
INSERT INTO "run_records" VALUES(25,2,'scan','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684530,1795863684561);
INSERT INTO "run_records" VALUES(26,2,'distribute','job','done','["scan"]','','e3b0c44298fc1c14','','','',0,0,1795863684561,1795863684566);
INSERT INTO "run_records" VALUES(27,2,'scan/now[started]','step','done','','2301001dfdb646e8','44136fa355b3678a','{}','"2026-09-15T06:00:00Z"','',1,0,1795863684530,1795863684531);
INSERT INTO "run_records" VALUES(28,2,'scan/begin','step','done','','c60fd3de75618c45','18675a5cfa7265a8','"2026-09-15T06:00:00Z"','2','',1,0,1795863684531,1795863684532);
INSERT INTO "run_records" VALUES(29,2,'scan/source vms','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684532,1795863684550);
INSERT INTO "run_records" VALUES(30,2,'scan/source exempt','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684532,1795863684558);
INSERT INTO "run_records" VALUES(31,2,'scan/source vms/gather','step','done','','dfb04bea9306e2f2','2c80870b9c3843dd','{"Scan":2,"At":"2026-09-15T06:00:00Z"}','{"Rows":4,"Facts":4,"Until":"0001-01-01T00:00:00Z","Warnings":null}','',1,0,1795863684532,1795863684549);
INSERT INTO "run_records" VALUES(33,2,'scan/source exempt/gather','step','done','','dfb04bea9306e2f2','2c80870b9c3843dd','{"Scan":2,"At":"2026-09-15T06:00:00Z"}','{"Rows":1,"Facts":1,"Until":"0001-01-01T00:00:00Z","Warnings":null}','',1,0,1795863684531,1795863684557);
INSERT INTO "run_records" VALUES(35,2,'scan/keep','step','done','','254d1e99182f94cc','d4735e3a265e16ee','2','{"ID":2,"Complete":true,"Recommended":2,"Detail":{"sources":[{"source":"vms","rows":4,"facts":4},{"source":"exempt","rows":1,"facts":1}],"recommendations":2,"repeats":2,"unknown":0,"firings":{"p/idle":2}},"Gross":{"USD":"130.00 USD"},"Net":{"USD":"130.00 USD"},"Spend":{}}','',1,0,1795863684560,1795863684561);
INSERT INTO "run_records" VALUES(37,2,'distribute/plan','step','done','','1513661f9204d13e','fcbcf165908dd18a','false','{"Planned":0,"Held":{}}','',1,0,1795863684561,1795863684562);
INSERT INTO "run_records" VALUES(38,2,'distribute/brake','step','done','','690ec086458b6c8c','fcbcf165908dd18a','false','{"Create":0,"Close":0,"Edit":0,"Tickets":0,"Limit":25,"Last":0,"Braked":false}','',1,0,1795863684562,1795863684563);
INSERT INTO "run_records" VALUES(39,2,'distribute/tracker local','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684563,1795863684565);
INSERT INTO "run_records" VALUES(40,2,'distribute/tracker local/send','step','done','','f8cf5c35f60ed2eb','ea17e25c6c7aa6ef','"local"','{"Filed":0,"Adopted":0,"Written":0}','',1,0,1795863684563,1795863684565);
INSERT INTO "run_records" VALUES(42,2,'distribute/count','step','done','','78c0bca0f1a12c7f','44136fa355b3678a','{}','{"Waiting":0,"Blocked":0,"Problems":null}','',1,0,1795863684565,1795863684566);
INSERT INTO "run_records" VALUES(44,2,'monitor','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684567,1795863684572);
INSERT INTO "run_records" VALUES(45,2,'monitor/tracker local','job','done','','','e3b0c44298fc1c14','','','',0,0,1795863684567,1795863684571);
INSERT INTO "run_records" VALUES(46,2,'monitor/tracker local/pull','step','done','','cc093cd60cf256cd','ea17e25c6c7aa6ef','"local"','{"Changed":0,"Conflicts":0,"Events":null,"Duplicates":0,"Missing":0}','',1,0,1795863684567,1795863684571);
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
INSERT INTO "runs" VALUES(1,'run',1,'run','jobs','{"Approved":false,"Unblock":false}','{"Scan":{"ID":1,"Complete":true,"Recommended":2,"Detail":{"sources":[{"source":"vms","rows":4,"facts":4},{"source":"exempt","rows":1,"facts":1}],"recommendations":2,"repeats":0,"unknown":0,"firings":{"p/idle":2}},"Gross":{"USD":"130.00 USD"},"Net":{"USD":"130.00 USD"},"Spend":{}},"Distribute":{"Planned":2,"Filed":2,"Adopted":0,"Written":0,"Held":{},"Waiting":0,"Blocked":0,"Problems":null},"Monitor":{"Changed":0,"Conflicts":0,"Events":null,"Duplicates":0,"Missing":0}}','','done','','',0,0,1,'',0,0,'{"sources":{"done":2,"total":2},"tickets of local":{"done":2,"total":2}}',1795863684481,1795863684483,1795863684523);
INSERT INTO "runs" VALUES(2,'run',1,'run','jobs','{"Approved":false,"Unblock":false}','{"Scan":{"ID":2,"Complete":true,"Recommended":2,"Detail":{"sources":[{"source":"vms","rows":4,"facts":4},{"source":"exempt","rows":1,"facts":1}],"recommendations":2,"repeats":2,"unknown":0,"firings":{"p/idle":2}},"Gross":{"USD":"130.00 USD"},"Net":{"USD":"130.00 USD"},"Spend":{}},"Distribute":{"Planned":0,"Filed":0,"Adopted":0,"Written":0,"Held":{},"Waiting":0,"Blocked":0,"Problems":null},"Monitor":{"Changed":0,"Conflicts":0,"Events":null,"Duplicates":0,"Missing":0}}','','done','','',0,0,1,'',0,0,'{"sources":{"done":2,"total":2}}',1795863684528,1795863684530,1795863684572);
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
CREATE TABLE schema_migrations (name TEXT NOT NULL PRIMARY KEY);
INSERT INTO "schema_migrations" VALUES('schema/001_first.sql');
INSERT INTO "schema_migrations" VALUES('schema/002_runs.sql');
INSERT INTO "schema_migrations" VALUES('schema/003_staged.sql');
INSERT INTO "schema_migrations" VALUES('schema/004_trackers.sql');
INSERT INTO "schema_migrations" VALUES('schema/005_queue.sql');
CREATE TABLE staged (
    scan_id     BIGINT NOT NULL,
    source      TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    until       BIGINT NOT NULL DEFAULT 0,
    facts       BLOB NOT NULL,
    PRIMARY KEY (scan_id, source)
);
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
INSERT INTO "tickets" VALUES(1,1788847200000,'created','local','fin','1','FIN-1','','ann@example.com',1788847200000);
INSERT INTO "tickets" VALUES(2,1788847200000,'created','local','plat','2','PLAT-2','','ann@example.com',1788847200000);
CREATE TABLE timeline (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          BIGINT NOT NULL,
    episode_id  BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    what        TEXT   NOT NULL,
    detail      TEXT   NOT NULL DEFAULT ''
);
INSERT INTO "timeline" VALUES(1,1788847200000,1,'scan','new/present','');
INSERT INTO "timeline" VALUES(2,1788847200000,2,'scan','new/present','');
INSERT INTO "timeline" VALUES(3,1788847200000,2,'distribute','new/present → ticketed/present','');
INSERT INTO "timeline" VALUES(4,1788847200000,1,'distribute','new/present → ticketed/present','');
INSERT INTO "timeline" VALUES(5,1788847200000,2,'distribute','filed as FIN-1','');
INSERT INTO "timeline" VALUES(6,1788847200000,1,'distribute','filed as PLAT-2','');
CREATE TABLE watermarks (
    scope       TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    seen        TEXT   NOT NULL DEFAULT '{}'
);
INSERT INTO "watermarks" VALUES('tracker local',1788847200000,'{"1":"2026-09-08T06:00:00Z\u001fopen\u001fopen\u001fann@example.com\u001f\u001fStop vm-2 (saves 70.00 USD a month)\u001f","2":"2026-09-08T06:00:00Z\u001fopen\u001fopen\u001fann@example.com\u001f\u001fStop vm-1 (saves 60.00 USD a month)\u001f"}');
INSERT INTO "watermarks" VALUES('sweep local',1789452000000,'{}');
CREATE INDEX recommendations_by_scan ON recommendations (scan_id);
CREATE INDEX recommendations_by_episode ON recommendations (episode_id, id);
CREATE INDEX map_by_first ON recommendation_ticket_map (first_recommendation_id);
CREATE UNIQUE INDEX episodes_open ON episodes (key) WHERE open = 1;
CREATE UNIQUE INDEX episodes_number ON episodes (key, number);
CREATE UNIQUE INDEX links_by_episode ON links (episode_id);
CREATE INDEX links_by_remote ON links (tracker, remote_id);
CREATE UNIQUE INDEX ops_create ON ops (link_id) WHERE kind = 'create';
CREATE INDEX timeline_by_episode ON timeline (episode_id, id);
CREATE INDEX board_issues_by_marker ON board_issues (marker);
CREATE INDEX board_issues_by_update ON board_issues (installation, updated_at);
CREATE UNIQUE INDEX runs_key ON runs (key) WHERE key <> '' AND status NOT IN ('done', 'partial', 'failed', 'cancelled');
CREATE INDEX runs_due ON runs (wake_at, id) WHERE status IN ('pending', 'waiting', 'running');
CREATE INDEX runs_ended ON runs (ended_at) WHERE status IN ('done', 'partial', 'failed', 'cancelled');
CREATE INDEX links_by_lead ON links (lead_id) WHERE lead_id <> 0;
CREATE INDEX links_by_group ON links (group_key) WHERE group_key <> '';
CREATE INDEX episodes_by_ticket ON episodes (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX ops_by_state ON ops (state, id);
CREATE INDEX ops_to_create ON ops (state, id) WHERE kind = 'create';
CREATE INDEX ops_by_link ON ops (link_id, id);
CREATE INDEX ops_by_sending ON ops (kind, state, sent_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',2);
INSERT INTO "sqlite_sequence" VALUES('run_records',48);
INSERT INTO "sqlite_sequence" VALUES('recommendations_generated',2);
INSERT INTO "sqlite_sequence" VALUES('episodes',2);
INSERT INTO "sqlite_sequence" VALUES('timeline',6);
INSERT INTO "sqlite_sequence" VALUES('recommendations',4);
INSERT INTO "sqlite_sequence" VALUES('links',2);
INSERT INTO "sqlite_sequence" VALUES('ops',2);
INSERT INTO "sqlite_sequence" VALUES('board_issues',2);
INSERT INTO "sqlite_sequence" VALUES('tickets',2);
COMMIT;
