-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0014_inputs.sql - how far back a replay has all that was not on the wire.

-- The newest time of an event that was deleted, by its age or because the database was at its size; 0: none was.
ALTER TABLE meta ADD COLUMN inputs_us INTEGER NOT NULL DEFAULT 0;
