-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0004_correspondent.sql - hosts that we send mail to.

-- Whoever answered a SYN of ours to its port 25; read back at start, deleted after seven days.
CREATE TABLE correspondent (
	sender		INTEGER PRIMARY KEY,	-- an IPv4 address or a /64
	answered_s	INTEGER NOT NULL	-- when it last did, to the hour
) STRICT;
