-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0007_consumer.sql - who fetches the list, and up to where they have it.

-- The 256 that came last; one row for each document that one of them fetches.
CREATE TABLE consumer (
	who		TEXT NOT NULL,		-- the name of its token, else its address (a name has no ':' and begins with a letter)
	what		TEXT NOT NULL,		-- the export and its options, "changes", "lapi" or "api"
	agent		TEXT NOT NULL,		-- what it calls itself (User-Agent); printable ASCII
	first_s		INTEGER NOT NULL,	-- when it came first
	last_s		INTEGER NOT NULL,	-- when it came last
	n		INTEGER NOT NULL,	-- how often it came, not modified included
	generation	INTEGER NOT NULL,	-- of the list, when it came last
	serial		INTEGER NOT NULL,	-- of the list that it has since then; 0: nothing
	before		INTEGER NOT NULL,	-- and that it had before: a lost answer is told again (lapi)
	PRIMARY KEY (who, what)
) STRICT, WITHOUT ROWID;
