-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0010_listing_order.sql - the list by time: the newest listing and the next to end are found without a walk through it.

CREATE INDEX listing_since ON listing (marks & 15, (term >> 32) & 4294967295);
CREATE INDEX listing_host_since ON listing_host (marks & 15, (term >> 32) & 4294967295);
CREATE INDEX listing_ends ON listing (term & 4294967295) WHERE marks & 15 = 4;
CREATE INDEX listing_host_ends ON listing_host (term & 4294967295) WHERE marks & 15 = 4;
