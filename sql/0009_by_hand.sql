-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0009_by_hand.sql - what the operator lists by hand, and what would undo a decision.

-- Who listed what, and why; the list itself says whether it still is.
CREATE TABLE by_hand (
	addr		BLOB NOT NULL,		-- 16 bytes, network order
	len		INTEGER NOT NULL,	-- prefix length of 128 bits: 128 or 64
	expires_s	INTEGER NOT NULL,	-- when it ends
	added_s		INTEGER NOT NULL,	-- when
	who		TEXT NOT NULL,		-- by whom
	note		TEXT NOT NULL,		-- and why
	PRIMARY KEY (addr, len)
) STRICT, WITHOUT ROWID;

-- What was decided, and what stood before it; NULL: no entry, or a row older than these columns.
ALTER TABLE audit ADD COLUMN expires_s INTEGER;		-- of allow and list; 0: never
ALTER TABLE audit ADD COLUMN was_expires_s INTEGER;	-- of the entry of the same addr and len that was there before
ALTER TABLE audit ADD COLUMN was_note TEXT;		-- and its note
CREATE INDEX audit_about ON audit (addr, len, id) WHERE addr IS NOT NULL;
