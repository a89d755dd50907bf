-- Version 5 of a store's tables, for SQLite.
--
-- Pieces of an order's line that will not be sent.

ALTER TABLE order_lines ADD COLUMN cancelled TEXT;
