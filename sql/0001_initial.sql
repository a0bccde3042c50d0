-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0001_initial.sql - all tables, as version 1 has them.
--
-- One writer thread (daemon/store) fills them, readers open read-only.  Times end
-- in _us (Unix time in microseconds) or _s (in seconds).  A sender is an IPv4 address
-- (0x0000ffff00000000 + address) or the upper half of an IPv6 address, as a signed
-- 64-bit integer; host is the lower half of an IPv6 address, 0 for IPv4 or for the
-- whole /64.  Numbers of kinds, states, grades, roles and causes are those of
-- include/mxtrap/*.h ("values are stored").

-- The one row that names a state of the list.
CREATE TABLE meta (
	id		INTEGER PRIMARY KEY CHECK (id = 1),
	generation	INTEGER NOT NULL,	-- random; another one means: fetch all
	serial		INTEGER NOT NULL,	-- the newest committed transaction of list_change
	horizon		INTEGER NOT NULL,	-- the newest serial whose rows were deleted
	created_s	INTEGER NOT NULL,	-- when this database was made
	changed_s	INTEGER NOT NULL,	-- when serial was committed
	clock_us	INTEGER NOT NULL,	-- where a replay ended; 0: lives by the wall clock
	n_listed	INTEGER NOT NULL,	-- rows of listing that are listed
	n_suspect	INTEGER NOT NULL	-- rows of listing that are suspect
) STRICT;

-- The list is a log: every change, in order.
CREATE TABLE list_change (
	id		INTEGER PRIMARY KEY,	-- in order of change
	serial		INTEGER NOT NULL,	-- the transaction that it was committed in
	time_us		INTEGER NOT NULL,	-- when it was judged
	sender		INTEGER NOT NULL,	-- whom it is about
	host		INTEGER NOT NULL,	-- lower half of a single IPv6 address; else 0
	len		INTEGER NOT NULL,	-- prefix length of 128 bits: 128 or 64
	old_state	INTEGER NOT NULL,	-- enum sender_state before
	new_state	INTEGER NOT NULL,	-- and after
	cause		INTEGER NOT NULL,	-- enum change_cause
	score		REAL NOT NULL,		-- the sum that may list, then
	hint		REAL NOT NULL,		-- the sum over the full route, then
	since_s		INTEGER NOT NULL,	-- when the state began
	expires_s	INTEGER NOT NULL,	-- when it ends; 0: not by itself
	first_seen_s	INTEGER NOT NULL,	-- the sender's first attempt
	last_seen_s	INTEGER NOT NULL,	-- and its last one
	kinds		INTEGER NOT NULL,	-- 1 << enum evidence_kind of all that it did
	grade		INTEGER NOT NULL,	-- enum grade: how sure we are that it was the sender
	klass		INTEGER NOT NULL,	-- enum sender_class
	term_days	INTEGER NOT NULL	-- length of the listing's term
) STRICT;
CREATE INDEX list_change_serial ON list_change (serial);

-- The fold of list_change at meta.serial: who is listed, suspect or allowed.  A million rows
-- must leave for a consumer in less than half a second, so that numbers are packed; the view
-- `list` below tells them one by one.
CREATE TABLE listing (
	sender		INTEGER PRIMARY KEY,	-- an IPv4 address or a /64
	term		INTEGER NOT NULL,	-- since_s << 32 | expires_s (0: not by itself; readers compare)
	seen		INTEGER NOT NULL,	-- first_seen_s << 32 | last_seen_s
	sums		INTEGER NOT NULL,	-- score << 32 | hint, signed, 1/1000 nat, as of changed_s
	marks		INTEGER NOT NULL,	-- state | grade << 4 | klass << 8 | term_days << 16 | kinds << 24
	changed_s	INTEGER NOT NULL	-- when it was judged
) STRICT;
-- The same for single addresses of a /64 in which others are honest.
CREATE TABLE listing_host (
	sender		INTEGER NOT NULL,	-- the /64
	host		INTEGER NOT NULL,	-- lower half of the address
	term		INTEGER NOT NULL,	-- as in listing
	seen		INTEGER NOT NULL,	-- as in listing
	sums		INTEGER NOT NULL,	-- as in listing
	marks		INTEGER NOT NULL,	-- as in listing
	changed_s	INTEGER NOT NULL,	-- as in listing
	PRIMARY KEY (sender, host)
) STRICT, WITHOUT ROWID;
-- For people with the sqlite3 shell, and for the start.
CREATE VIEW list (sender, host, single, state, since_s, expires_s, score, hint, kinds, grade, klass,
    term_days, first_seen_s, last_seen_s, changed_s) AS
SELECT sender, host, single, marks & 15, term >> 32 & 0xffffffff, term & 0xffffffff, (sums >> 32) / 1000.0,
    ((sums & 0xffffffff) - (sums << 1 & 0x100000000)) / 1000.0, marks >> 24, marks >> 4 & 15, marks >> 8 & 255,
    marks >> 16 & 255, seen >> 32 & 0xffffffff, seen & 0xffffffff, changed_s
FROM (SELECT sender, 0 AS host, 0 AS single, term, seen, sums, marks, changed_s FROM listing
    UNION ALL SELECT sender, host, 1, term, seen, sums, marks, changed_s FROM listing_host);

-- What is known of each sender; written as snapshots, read back at start.  Small numbers
-- cost little: sums are thousandths of a nat, times are told from first_seen_s.  None but
-- sums_before_s is ever NULL; saying so would cost a third of the time of a big flush.
CREATE TABLE sender (
	key		INTEGER PRIMARY KEY,	-- the sender
	first_seen_s	INTEGER,		-- first attempt
	last_after_s	INTEGER,		-- last attempt, seconds after the first
	sums_before_s	INTEGER,		-- age of the sums, seconds before the last attempt; NULL: none
	score		INTEGER,		-- sum on the proven route, 1/1000 nat
	hint		INTEGER,		-- sum on the full route, 1/1000 nat
	blame		INTEGER,		-- the part of score that may list, 1/1000 nat
	listed_s	INTEGER,		-- begin of the open or of the last listing; 0: never
	expires_s	INTEGER,		-- its end
	climbed_s	INTEGER,		-- last climb or delivery; 0: never
	kinds		INTEGER,		-- 1 << enum evidence_kind
	fingerprint	INTEGER,		-- newest, an id of fingerprint; 0: none
	state		INTEGER,		-- enum sender_state
	klass		INTEGER,		-- enum sender_class
	grade		INTEGER,		-- enum grade
	flags		INTEGER,		-- the core's own
	caps		INTEGER,		-- the core's own: what was used up of "at most in all"
	relapses	INTEGER		-- how often it was listed again
) STRICT;
-- Only who stands out: forged senders never reach it.
CREATE INDEX sender_state ON sender (state) WHERE state >= 2;

-- Who touched a lower rung when: read back at start.
CREATE TABLE memory (
	sender		INTEGER NOT NULL,	-- a sender, or a pool's key
	mx_set		INTEGER NOT NULL,	-- index of the MX set
	is_pool		INTEGER NOT NULL,	-- 1: a pool
	memory_at_s	INTEGER NOT NULL,	-- last touch that refreshes the memory; 0: never
	lower_before_s	INTEGER,		-- last lower touch, seconds before it; NULL: never
	last_after_s	INTEGER,		-- last touch of all, seconds after it; NULL: never
	real_before_s	INTEGER,		-- last touch of a real rung, before it; NULL: never
	PRIMARY KEY (sender, mx_set, is_pool)
) STRICT, WITHOUT ROWID;

-- Connection attempts, raw; deleted after the configured time.
CREATE TABLE attempt (
	id		INTEGER PRIMARY KEY,	-- counted up
	time_us		INTEGER NOT NULL,	-- first SYN
	sender		INTEGER NOT NULL,	-- who
	host		INTEGER NOT NULL,	-- lower half of an IPv6 address
	target		INTEGER NOT NULL,	-- which address of ours, an id of mx_target
	sport		INTEGER NOT NULL,	-- source port
	n_syns		INTEGER NOT NULL,	-- SYNs, retransmissions too
	rtt_us		INTEGER NOT NULL,	-- SYN-ACK to ACK; 0: not completed
	grade		INTEGER NOT NULL,	-- enum grade
	outcome		INTEGER NOT NULL,	-- enum outcome
	fingerprint	INTEGER NOT NULL	-- an id of fingerprint; 0: not kept
) STRICT;

-- Visits, when they end.
CREATE TABLE visit (
	id		INTEGER PRIMARY KEY,	-- counted up
	sender		INTEGER NOT NULL,	-- who
	start_us	INTEGER NOT NULL,	-- first touch
	lasted_us	INTEGER NOT NULL,	-- last touch, from the first
	mx_set		INTEGER NOT NULL,	-- index of the MX set
	n_attempts	INTEGER NOT NULL,	-- attempts
	route		INTEGER NOT NULL,	-- roles as first touched, a digit each: 1 nolisting 2 real 3 bogus 4 control
	proven_route	INTEGER NOT NULL,	-- the same without what could have been proven and was not
	klass		INTEGER NOT NULL,	-- enum sender_class
	real_proven	INTEGER NOT NULL	-- 1: completed a handshake at a real exchanger
) STRICT;

-- Evidence, and what takes it back.
CREATE TABLE evidence (
	id		INTEGER PRIMARY KEY,	-- counted up
	time_us		INTEGER NOT NULL,	-- when it was judged
	sender		INTEGER NOT NULL,	-- whom it is about
	host		INTEGER NOT NULL,	-- lower half of the very address; 0: unknown
	visit_us	INTEGER NOT NULL,	-- start of the visit that earned it; 0: none
	mx_set		INTEGER NOT NULL,	-- index of the MX set
	kind		INTEGER NOT NULL,	-- enum evidence_kind
	grade		INTEGER NOT NULL,	-- enum grade of the touch that tells
	score		REAL NOT NULL,		-- points added; 0 where excused
	hint		REAL NOT NULL,		-- points added on the full route
	score_sum	REAL NOT NULL,		-- the sums after it
	hint_sum	REAL NOT NULL,		-- on the full route
	excused		INTEGER NOT NULL,	-- enum doubt, bits; 0: it counts
	revision	INTEGER NOT NULL	-- 1: takes back what an earlier row gave
) STRICT;

-- Where a sender's rows are: attempt, visit, evidence and list_change are cut into segments
-- of 16384 rows by id; a full segment is sorted by sender and its index written once, in
-- chunks, so that no index on a random key is ever grown row by row.  Rows behind the last
-- segment are scanned.  Senders in them are 8 bytes, big-endian, sign bit flipped.
CREATE TABLE segment (
	of		INTEGER NOT NULL,	-- 1 attempt, 2 visit, 3 evidence, 4 list_change
	number		INTEGER NOT NULL,	-- counted up
	first_id	INTEGER NOT NULL,	-- the segment's first row
	last_id		INTEGER NOT NULL,	-- and its last one
	last_us		INTEGER NOT NULL,	-- no row in it is newer
	fences		BLOB NOT NULL,		-- the first sender of each of its chunks
	PRIMARY KEY (of, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE segment_chunk (
	id		INTEGER PRIMARY KEY,	-- of << 48 | number << 8 | which chunk
	entries		BLOB NOT NULL		-- 256 times: a sender, and its row's id from first_id (2 bytes)
) STRICT;

-- Events that are not from the wire, as applied: a replay can merge them again.
CREATE TABLE event (
	id		INTEGER PRIMARY KEY,	-- in the order applied
	time_us		INTEGER NOT NULL,	-- when
	source		INTEGER NOT NULL,	-- order among equal times
	seq		INTEGER NOT NULL,	-- counted up per source
	kind		INTEGER NOT NULL,	-- enum event_kind
	addr		BLOB NOT NULL,		-- 16 bytes, network order
	len		INTEGER NOT NULL,	-- prefix length of 128 bits
	port		INTEGER NOT NULL,	-- the client's port
	target		INTEGER NOT NULL,	-- an id of mx_target
	expires_s	INTEGER NOT NULL,	-- of an allow entry
	since_us	INTEGER NOT NULL,	-- as its kind says
	value		INTEGER NOT NULL,	-- as its kind says
	who		TEXT,			-- who asked for it
	note		TEXT			-- and why
) STRICT;

-- What happened that is not a sender's.
CREATE TABLE note (
	id		INTEGER PRIMARY KEY,	-- counted up
	time_us		INTEGER NOT NULL,	-- when
	kind		INTEGER NOT NULL,	-- enum note_kind
	target		INTEGER,		-- an id of mx_target; NULL: none
	from_us		INTEGER NOT NULL,	-- the span that it tells about; 0: none
	to_us		INTEGER NOT NULL	-- and its end
) STRICT;
CREATE INDEX note_health ON note (target, id) WHERE kind IN (2, 3);

-- Counts by the hour and target, for ever.
CREATE TABLE tally (
	hour_s		INTEGER NOT NULL,	-- the hour's start
	target		INTEGER NOT NULL,	-- an id of mx_target
	attempts	INTEGER NOT NULL,	-- attempts in all
	proven		INTEGER NOT NULL,	-- handshakes completed
	refused		INTEGER NOT NULL,	-- refused
	silent		INTEGER NOT NULL,	-- not answered
	first_seen	INTEGER NOT NULL,	-- senders new to us
	not_kept	INTEGER NOT NULL,	-- attempts that have no row of their own
	PRIMARY KEY (hour_s, target)
) STRICT, WITHOUT ROWID;

-- Fingerprints of SYNs, and how often each was sighted.
CREATE TABLE fingerprint (
	id		INTEGER PRIMARY KEY,	-- what the other tables hold
	text		TEXT NOT NULL UNIQUE,	-- in p0f's notation
	first_us	INTEGER NOT NULL,	-- first sighting
	last_us		INTEGER NOT NULL,	-- last one that was stored
	sightings	INTEGER NOT NULL	-- attempts stored with it
) STRICT;

-- The operator's allow-list.
CREATE TABLE allow (
	addr		BLOB NOT NULL,		-- 16 bytes, network order
	len		INTEGER NOT NULL,	-- prefix length of 128 bits
	expires_s	INTEGER NOT NULL,	-- 0: for ever
	added_s		INTEGER NOT NULL,	-- when
	who		TEXT NOT NULL,		-- by whom
	note		TEXT NOT NULL,		-- and why
	PRIMARY KEY (addr, len)
) STRICT, WITHOUT ROWID;

-- What people did.
CREATE TABLE audit (
	id		INTEGER PRIMARY KEY,	-- counted up
	time_us		INTEGER NOT NULL,	-- when
	who		TEXT NOT NULL,		-- by whom
	what		TEXT NOT NULL,		-- "allow", "forget", ...
	addr		BLOB,			-- 16 bytes, network order; NULL: about nobody
	len		INTEGER,		-- prefix length of 128 bits
	note		TEXT NOT NULL		-- and why
) STRICT;

-- Counters and health, by name.
CREATE TABLE status (
	name		TEXT PRIMARY KEY,	-- "packets"
	value		TEXT NOT NULL		-- as text
) STRICT, WITHOUT ROWID;

-- The ladder of the last start, so that readers need no configuration.
CREATE TABLE mx_target (
	id		INTEGER PRIMARY KEY,	-- index into the ladder's targets
	mx_set		INTEGER,		-- index of the MX set; NULL: control
	set_name	TEXT NOT NULL,		-- its name; "" for control
	exchanger	TEXT NOT NULL,		-- host name
	addr		BLOB NOT NULL,		-- 16 bytes, network order
	preference	INTEGER NOT NULL,	-- as in the MX record
	role		INTEGER NOT NULL,	-- enum role
	answer		INTEGER NOT NULL,	-- enum answer
	last_us		INTEGER NOT NULL	-- the newest attempt that was stored
) STRICT;
