-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0005_token.sql - who may ask for more than reading.

-- Tokens of the API, by their hash: what is stored opens nothing.
CREATE TABLE token (
	id		INTEGER PRIMARY KEY,	-- counted up
	name		TEXT NOT NULL UNIQUE,	-- what the audit calls its bearer
	scope		TEXT NOT NULL,		-- what it may do: "admin"
	hash		BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),	-- SHA-256 of it
	created_s	INTEGER NOT NULL,	-- when it was made
	expires_s	INTEGER NOT NULL	-- when it ends; 0: never
) STRICT;
