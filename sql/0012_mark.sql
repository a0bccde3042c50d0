-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0012_mark.sql - is this the database that this host used last?

-- Of the run that opened it last; mxtrap.beat beside the database holds it too.  Another one there means that this file was
-- put here: the list gets a new generation then.
ALTER TABLE meta ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
