-- What is remembered of following a ticket, as JSON.
ALTER TABLE links ADD COLUMN sync TEXT NOT NULL DEFAULT '{}';

-- An episode has one ticket at a time. Links to tickets that are gone are kept: the markers
-- of later ones differ by them.
DROP INDEX links_by_episode;
CREATE UNIQUE INDEX links_by_episode ON links (episode_id) WHERE state <> 'gone';
CREATE INDEX links_of_episode ON links (episode_id);
CREATE INDEX links_by_ticket ON links (ticket_id) WHERE ticket_id IS NOT NULL;

-- Fields that both sides had changed, or where one lost what the other said.
CREATE TABLE conflicts (
    id          {{id}},
    link_id     BIGINT NOT NULL,
    field       TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    base        TEXT   NOT NULL DEFAULT '', -- what both had agreed on
    ours        TEXT   NOT NULL DEFAULT '',
    theirs      TEXT   NOT NULL DEFAULT '',
    author      TEXT   NOT NULL DEFAULT '', -- who changed it on the tracker
    why         TEXT   NOT NULL DEFAULT '',
    winner      TEXT   NOT NULL DEFAULT '', -- tracker, trimtab, agreed; '' while a person is asked
    decided_by  TEXT   NOT NULL DEFAULT '', -- a rule, or a person
    decided_at  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX conflicts_by_link ON conflicts (link_id, id);
CREATE INDEX conflicts_open ON conflicts (id) WHERE winner = '';
