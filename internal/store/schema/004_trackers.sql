-- What a ticket of the embedded board has besides, as JSON.
ALTER TABLE board_issues ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';
