-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0002_purge.sql - which piece of evidence a revision takes back.
--
-- A purge takes back the points of evidence however old it is, and must not take any twice.

-- Revisions: evidence.time_us of the row taken back; NULL in others, and in revisions older than this column.
ALTER TABLE evidence ADD COLUMN of_us INTEGER;
