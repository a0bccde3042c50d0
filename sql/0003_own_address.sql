-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0003_own_address.sql - this host's own addresses, as watch last saw them.
--
-- The fold of the events that tell of them (enum event_kind, EVENT_NEVER), emptied when watching
-- begins: an export asks it, so that none of them leaves whatever the list says.

CREATE TABLE own_address (
	addr		BLOB NOT NULL,		-- 16 bytes, network order
	len		INTEGER NOT NULL,	-- prefix length of 128 bits
	why		INTEGER NOT NULL,	-- enum never_why, bits: an interface's, a gateway, a resolver
	PRIMARY KEY (addr, len)
) STRICT, WITHOUT ROWID;
