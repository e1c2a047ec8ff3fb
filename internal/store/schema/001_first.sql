-- The state of one installation. Times are Unix milliseconds, amounts decimal
-- numbers as text, {{id}} is the database's own kind of growing key.

CREATE TABLE installation (
    id          TEXT   NOT NULL PRIMARY KEY, -- random; part of every key and marker
    created_at  BIGINT NOT NULL
);

-- The four tables that everyone can read -------------------------------------

-- One row per thing a scan recommends, repeated or not.
CREATE TABLE recommendations (
    id             {{id}},
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
CREATE INDEX recommendations_by_scan ON recommendations (scan_id);
CREATE INDEX recommendations_by_episode ON recommendations (episode_id, id);

-- One row per scan. last_successful_recommendation_generated advances only
-- when a scan has finished whole and complete; an incomplete one repeats it.
CREATE TABLE recommendations_generated (
    id          {{id}},
    last_successful_recommendation_generated BIGINT,
    started_at  BIGINT  NOT NULL,
    ended_at    BIGINT,
    complete    INTEGER NOT NULL DEFAULT 0,
    rules       TEXT    NOT NULL DEFAULT '',  -- hash of the rule set
    detail      TEXT    NOT NULL DEFAULT '{}' -- sources, counts, errors, as JSON
);

CREATE TABLE tickets (
    id          {{id}},
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

-- Repeats share the first one's ticket.
CREATE TABLE recommendation_ticket_map (
    recommendation_id       BIGINT NOT NULL PRIMARY KEY,
    first_recommendation_id BIGINT NOT NULL,
    ticket_id               BIGINT
);
CREATE INDEX map_by_first ON recommendation_ticket_map (first_recommendation_id);

-- The life of a recommendation ------------------------------------------------

CREATE TABLE episodes (
    id          {{id}},
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
CREATE UNIQUE INDEX episodes_open ON episodes (key) WHERE open = 1;
CREATE UNIQUE INDEX episodes_number ON episodes (key, number);

-- One link per episode that is to have a ticket, written before the ticket.
CREATE TABLE links (
    id          {{id}},
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
CREATE UNIQUE INDEX links_by_episode ON links (episode_id);
CREATE INDEX links_by_remote ON links (tracker, remote_id);

-- The outbox: every write to a tracker, decided in the transaction that needs it.
CREATE TABLE ops (
    id          {{id}},
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
CREATE INDEX ops_by_state ON ops (state, not_before);
CREATE UNIQUE INDEX ops_create ON ops (link_id) WHERE kind = 'create';

CREATE TABLE watermarks (
    scope       TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    seen        TEXT   NOT NULL DEFAULT '{}'
);

-- What was verified, and what came back.
CREATE TABLE savings_ledger (
    id          {{id}},
    at          BIGINT NOT NULL,
    episode_id  BIGINT NOT NULL,
    kind        TEXT   NOT NULL, -- verified, regressed
    baseline    TEXT   NOT NULL,
    observed    TEXT   NOT NULL,
    realised    TEXT   NOT NULL,
    currency    TEXT   NOT NULL,
    basis       TEXT   NOT NULL
);

-- Who did what, when: the timeline of an episode.
CREATE TABLE timeline (
    id          {{id}},
    at          BIGINT NOT NULL,
    episode_id  BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    what        TEXT   NOT NULL,
    detail      TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX timeline_by_episode ON timeline (episode_id, id);

-- The last complete batch of each source, for rules diff and a cold start.
CREATE TABLE gathered (
    source      TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    until       BIGINT NOT NULL DEFAULT 0,
    facts       {{bytes}} NOT NULL -- gzip of one JSON object a line
);

-- The embedded board: tickets for a team without a tracker.
CREATE TABLE board_issues (
    id          {{id}},
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
CREATE INDEX board_issues_by_marker ON board_issues (marker);
CREATE INDEX board_issues_by_update ON board_issues (installation, updated_at);
