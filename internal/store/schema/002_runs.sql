-- Durable executions: runs, what they have done, and numbers by name. Times are Unix
-- milliseconds.

CREATE TABLE runs (
    id          {{id}},
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
CREATE UNIQUE INDEX runs_key ON runs (key) WHERE key <> '' AND status NOT IN ('done', 'partial', 'failed', 'cancelled');
CREATE INDEX runs_due ON runs (wake_at, id) WHERE status IN ('pending', 'waiting', 'running');
CREATE INDEX runs_ended ON runs (ended_at) WHERE status IN ('done', 'partial', 'failed', 'cancelled');

CREATE TABLE run_records (
    seq         {{id}},
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

CREATE TABLE marks (
    name        TEXT    NOT NULL PRIMARY KEY,
    value       BIGINT  NOT NULL
);
