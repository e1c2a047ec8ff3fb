-- The outbox is read in the order of its ids, some at a time: creations, then the rest.
DROP INDEX ops_by_state;
CREATE INDEX ops_by_state ON ops (state, id);
CREATE INDEX ops_to_create ON ops (state, id) WHERE kind = 'create';
CREATE INDEX ops_by_link ON ops (link_id, id);
-- Which tickets there were when a creation was sent: what is looked up comes after them.
CREATE INDEX ops_by_sending ON ops (kind, state, sent_at);
