-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0013_paused.sql - what an allowance ended.

-- A listing that an allowance ended, and that goes on until its own end if the allowance is removed before; written with
-- the change of the list that ended it, deleted with the one that follows.
CREATE TABLE paused (
	sender		INTEGER PRIMARY KEY,	-- as in listing, where it is allowed meanwhile
	since_s		INTEGER NOT NULL,	-- when it began
	expires_s	INTEGER NOT NULL,	-- when it ends; 0: it was listed by hand alone
	hand_s		INTEGER NOT NULL	-- when what was listed by hand ends; 0: it was not
) STRICT;
