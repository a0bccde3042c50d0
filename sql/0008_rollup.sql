-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0008_rollup.sql - sums for those who look at it all: few rows, however many senders there are.
--
-- The writer adds to them as it stores what they are the sums of, by the time that a row
-- tells, never by the clock.  Filled here from what is stored.

-- tally, by role instead of target, so that its size does not grow with the addresses; a role is the one of then.
CREATE TABLE tally_role (
	span_s		INTEGER NOT NULL,	-- 3600: an hour; 86400: a day (UTC)
	start_s		INTEGER NOT NULL,	-- its start
	role		INTEGER NOT NULL,	-- enum role
	attempts	INTEGER NOT NULL,	-- as in tally
	proven		INTEGER NOT NULL,	-- as in tally
	refused		INTEGER NOT NULL,	-- as in tally
	silent		INTEGER NOT NULL,	-- as in tally
	first_seen	INTEGER NOT NULL,	-- as in tally
	not_kept	INTEGER NOT NULL,	-- as in tally
	PRIMARY KEY (span_s, start_s, role)
) STRICT, WITHOUT ROWID;
INSERT INTO tally_role SELECT 86400, hour_s - hour_s % 86400, coalesce(role, 3), sum(attempts), sum(proven), sum(refused),
    sum(silent), sum(first_seen), sum(not_kept) FROM tally LEFT JOIN mx_target ON id = target GROUP BY 2, 3;
INSERT INTO tally_role SELECT 3600, hour_s, coalesce(role, 3), sum(attempts), sum(proven), sum(refused), sum(silent),
    sum(first_seen), sum(not_kept) FROM tally LEFT JOIN mx_target ON id = target
    WHERE hour_s > (SELECT max(hour_s) FROM tally) - 100 * 86400 GROUP BY 2, 3;

-- How many were on the list when a day (UTC) ended, or now; a day without a change has no row.
CREATE TABLE list_day (
	day_s		INTEGER PRIMARY KEY,	-- the day's start
	listed		INTEGER,		-- NULL: as on the day before
	suspects	INTEGER,		-- likewise
	cleared		INTEGER			-- likewise; senders whose sum is that low
) STRICT;
INSERT INTO list_day (day_s, listed, suspects)
    SELECT day_s, n_listed - coalesce(sum(listed) OVER later, 0), n_suspect - coalesce(sum(suspects) OVER later, 0)
    FROM meta, (SELECT time_us / 86400000000 * 86400 AS day_s, sum((new_state = 4) - (old_state = 4)) AS listed,
	sum((new_state = 3) - (old_state = 3)) AS suspects FROM list_change GROUP BY 1)
    WINDOW later AS (ORDER BY day_s DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

-- Visits by their route, and the hour in which they began.
CREATE TABLE route_hour (
	hour_s		INTEGER NOT NULL,	-- the hour's start
	route		INTEGER NOT NULL,	-- as in visit
	visits		INTEGER NOT NULL,	-- how many
	real_proven	INTEGER NOT NULL,	-- of them completed a handshake at a real exchanger
	PRIMARY KEY (hour_s, route)
) STRICT, WITHOUT ROWID;
INSERT INTO route_hour SELECT start_us / 3600000000 * 3600, route, count(*), sum(real_proven) FROM visit
    WHERE id > (SELECT max(id) FROM visit) - 1000000 GROUP BY 1, 2;

-- About how many different senders a target saw (sketch.h), of those whose attempts are kept one by one.
CREATE TABLE rung_day (
	day_s		INTEGER NOT NULL,	-- the day's start (UTC)
	target		INTEGER NOT NULL,	-- an id of mx_target
	senders		INTEGER NOT NULL,	-- on that day
	recent		INTEGER NOT NULL,	-- within five minutes of newest_s
	newest_s	INTEGER NOT NULL,	-- the day's newest attempt
	PRIMARY KEY (day_s, target)
) STRICT, WITHOUT ROWID;

-- The MX sets that a sender came to: a bit an index, the highest (31) for all beyond.  NULL: not known yet.
ALTER TABLE sender ADD COLUMN sets INTEGER;

-- Suspects and allowed ones among very many that are listed.
CREATE INDEX listing_other ON listing (sender) WHERE marks & 15 <> 4;
