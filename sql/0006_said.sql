-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0006_said.sql - what clients said to a decoy that talks.

-- Whoever had mail for a domain that is not ours: excused until then.
CREATE TABLE foreign_sender (
	sender		INTEGER PRIMARY KEY,	-- an IPv4 address or a /64
	until_s		INTEGER NOT NULL	-- excused until then
) STRICT;

-- A sender's words, for its story.
CREATE INDEX event_said ON event (addr, id) WHERE kind = 11;
