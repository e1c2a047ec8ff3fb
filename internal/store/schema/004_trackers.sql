-- What a ticket of the embedded board has besides, as JSON.
ALTER TABLE board_issues ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';

-- Raised by each recovery: tickets say in which epoch they were filed, so that an old copy
-- of the state finds out that it is one.
ALTER TABLE installation ADD COLUMN epoch BIGINT NOT NULL DEFAULT 1;
ALTER TABLE installation ADD COLUMN recovered_at BIGINT NOT NULL DEFAULT 0;

-- The brake: what no run has released is not sent. run_id is the run that decided it.
ALTER TABLE ops ADD COLUMN released INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ops ADD COLUMN run_id BIGINT NOT NULL DEFAULT 0;
UPDATE ops SET released = 1;

-- What a person has stopped, a rule or a board.
CREATE TABLE pauses (
    kind        TEXT    NOT NULL, -- rule, board
    name        TEXT    NOT NULL,
    since       BIGINT  NOT NULL,
    until       BIGINT  NOT NULL DEFAULT 0, -- 0 is until somebody resumes it
    actor       TEXT    NOT NULL DEFAULT '',
    why         TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (kind, name)
);

-- How far each rule is let: shadow, canary, live; of the text with this hash.
CREATE TABLE rule_stages (
    rule        TEXT    NOT NULL PRIMARY KEY,
    hash        TEXT    NOT NULL,
    stage       TEXT    NOT NULL,
    since       BIGINT  NOT NULL,
    actor       TEXT    NOT NULL DEFAULT ''
);

-- What trackers have granted us for a while, sealed with a secret that is not here.
CREATE TABLE grants (
    name        TEXT    NOT NULL PRIMARY KEY,
    version     BIGINT  NOT NULL,
    sealed      {{bytes}} NOT NULL
);

-- One ticket with a checklist is about several episodes: the link of the first leads, the
-- others' name it. The key says what may join: board, owner and rule.
ALTER TABLE links ADD COLUMN lead_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN group_key TEXT NOT NULL DEFAULT '';
CREATE INDEX links_by_lead ON links (lead_id) WHERE lead_id <> 0;
CREATE INDEX links_by_group ON links (group_key) WHERE group_key <> '';
CREATE INDEX episodes_by_ticket ON episodes (ticket_id) WHERE ticket_id IS NOT NULL;

-- What webhooks have said: an issue may have changed. A hint, which the next pull follows.
CREATE TABLE inbox (
    tracker     TEXT    NOT NULL,
    delivery    TEXT    NOT NULL, -- the same over all tries of one
    issue       TEXT    NOT NULL,
    received_at BIGINT  NOT NULL,
    heard       INTEGER NOT NULL DEFAULT 0, -- kept for a while, so that a late repeat is known
    PRIMARY KEY (tracker, delivery)
);
