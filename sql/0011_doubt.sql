-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0011_doubt.sql - what watch doubts, so that no restart ends a doubt.

-- Doubts, when they end, and what decoys do wrong: replaced as they change, read back at the start.
CREATE TABLE doubt (
	kind		INTEGER NOT NULL,	-- enum doubt_row_kind
	n		INTEGER NOT NULL,	-- which of several
	addr		BLOB NOT NULL,		-- of a target, 16 bytes, network order; zeros: of none
	a		INTEGER NOT NULL,	-- as its kind says
	b		INTEGER NOT NULL,	-- as its kind says
	c		INTEGER NOT NULL,	-- as its kind says
	d		INTEGER NOT NULL,	-- as its kind says
	PRIMARY KEY (kind, n, addr)
) STRICT, WITHOUT ROWID;

-- Its own last SYN at the real MX went unanswered, or it was put off: 1; NULL: no.
ALTER TABLE memory ADD COLUMN unanswered INTEGER;
