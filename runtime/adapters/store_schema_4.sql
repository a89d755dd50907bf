-- Version 4 of a store's tables, for SQLite.
--
-- The way out: what the back office says (documents of cart '', new kinds among them), what orders take of stock, and
-- messages to carts with what became of them.

ALTER TABLE shipments ADD COLUMN order_cart TEXT;
ALTER TABLE shipments ADD COLUMN vendor TEXT;
ALTER TABLE shipments ADD COLUMN confirmed INTEGER;
CREATE INDEX shipments_order_cart ON shipments (order_cart, order_id) WHERE order_cart IS NOT NULL;

CREATE TABLE purchase_orders (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, number TEXT, vendor TEXT, closed INTEGER,
    ordered_at TEXT, changed_at TEXT, first_run INTEGER NOT NULL, last_run INTEGER NOT NULL,
    first_stored_at TEXT NOT NULL, last_stored_at TEXT NOT NULL, custom TEXT, UNIQUE (cart, external_id)
) STRICT;

CREATE TABLE purchase_order_lines (
    purchase_order_id INTEGER NOT NULL REFERENCES purchase_orders (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    external_id TEXT, sku TEXT, quantity TEXT, received TEXT, warehouse TEXT, expected_at TEXT, custom TEXT,
    PRIMARY KEY (purchase_order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE invoices (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, number TEXT, order_cart TEXT, order_id TEXT,
    released INTEGER, invoiced_at TEXT, currency TEXT, total TEXT, note TEXT, changed_at TEXT,
    first_run INTEGER NOT NULL, last_run INTEGER NOT NULL, first_stored_at TEXT NOT NULL, last_stored_at TEXT NOT NULL,
    custom TEXT, UNIQUE (cart, external_id)
) STRICT;
CREATE INDEX invoices_order_cart ON invoices (order_cart, order_id) WHERE order_cart IS NOT NULL;

CREATE TABLE invoice_lines (
    invoice_id INTEGER NOT NULL REFERENCES invoices (id) ON DELETE CASCADE, position INTEGER NOT NULL, line_id TEXT,
    sku TEXT, quantity TEXT, custom TEXT, PRIMARY KEY (invoice_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE prices (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, sku TEXT, list TEXT, currency TEXT,
    amount TEXT, valid_from TEXT, valid_until TEXT, changed_at TEXT, first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL, first_stored_at TEXT NOT NULL, last_stored_at TEXT NOT NULL, custom TEXT,
    UNIQUE (cart, external_id)
) STRICT;

CREATE TABLE vendor_levels (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, sku TEXT, vendor TEXT, quantity TEXT,
    changed_at TEXT, first_run INTEGER NOT NULL, last_run INTEGER NOT NULL, first_stored_at TEXT NOT NULL,
    last_stored_at TEXT NOT NULL, custom TEXT, UNIQUE (cart, external_id)
) STRICT;

-- By what figures are counted.
CREATE INDEX stock_levels_sku ON stock_levels (cart, sku) WHERE sku IS NOT NULL;
CREATE INDEX vendor_levels_sku ON vendor_levels (cart, sku) WHERE sku IS NOT NULL;
CREATE INDEX prices_sku ON prices (cart, sku) WHERE sku IS NOT NULL;
CREATE INDEX purchase_order_lines_sku ON purchase_order_lines (sku) WHERE sku IS NOT NULL;
CREATE INDEX item_components_sku ON item_components (sku) WHERE sku IS NOT NULL;
CREATE INDEX items_office_sku ON items (sku) WHERE cart = '' AND sku IS NOT NULL;

-- What orders have still to get, by their state; orders that take nothing have none.
CREATE TABLE demands (
    cart TEXT NOT NULL, order_id TEXT NOT NULL, position INTEGER NOT NULL, sku TEXT NOT NULL, warehouse TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'allocated', 'shipping')), quantity TEXT NOT NULL,
    PRIMARY KEY (cart, order_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX demands_sku ON demands (sku);

-- What is to be counted again before the transaction that marked it commits; more only after work that was cut off.
-- The same SKU may stand there several times: see the other engine.
CREATE TABLE stock_marks (
    sku TEXT NOT NULL
) STRICT;
CREATE INDEX stock_marks_sku ON stock_marks (sku);

-- Of an event the key that tells it from others for ever; '' = a level. A lane is sent in the order of its ids.
-- Queries repeat the condition of the index that they mean word for word, or SQLite does not use it.
ALTER TABLE messages ADD COLUMN lane TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN event TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN is_zero INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN company INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN call_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN due_at TEXT;
ALTER TABLE messages ADD COLUMN answer TEXT NOT NULL DEFAULT '';
UPDATE messages SET stream = 'statuses_out', lane = 'order/' || external_id, event = 'rule/' || id
    WHERE stream = 'statuses';
UPDATE messages SET due_at = created_at WHERE state = 'queued';
ALTER TABLE messages DROP COLUMN is_level;
DROP INDEX messages_waiting;
DROP INDEX messages_of_key;
CREATE INDEX messages_queued ON messages (cart, stream, due_at, id) WHERE state = 'queued';
CREATE INDEX messages_unsettled ON messages (cart, lane, id) WHERE state NOT IN ('sent', 'superseded');
CREATE INDEX messages_of_level ON messages (cart, stream, external_id)
    WHERE event = '' AND state NOT IN ('sent', 'superseded');
CREATE INDEX messages_of_state ON messages (cart, stream, state, id)
    WHERE state <> 'queued' AND state NOT IN ('sent', 'superseded');
CREATE INDEX messages_settled ON messages (changed_at)
    WHERE state IN ('sent', 'superseded') AND (event = '' OR payload <> '');
CREATE UNIQUE INDEX messages_event ON messages (cart, stream, event) WHERE event <> '';
CREATE INDEX messages_of_event ON messages (cart, stream, external_id) WHERE event <> '';

-- Of each level the newest payload that was put, and what the cart has by its last answer; NULL = whatever is put next
-- counts as new. What was sent last, and when, stays.
CREATE TABLE message_levels (
    cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL, payload TEXT, sent_payload TEXT, sent_at TEXT,
    sent_zero INTEGER NOT NULL, sent_id INTEGER, PRIMARY KEY (cart, stream, external_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_levels_silent ON message_levels (stream, external_id) WHERE payload = '';
CREATE INDEX message_levels_sent ON message_levels (cart, stream, sent_at) WHERE sent_at IS NOT NULL;

-- The number of the last call to a cart.
CREATE TABLE message_calls (
    cart TEXT NOT NULL, stream TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (cart, stream)
) STRICT, WITHOUT ROWID;

-- The cart's ids of what the back office has.
CREATE TABLE links (
    cart TEXT NOT NULL, kind TEXT NOT NULL, external_id TEXT NOT NULL, link TEXT NOT NULL, linked_at TEXT NOT NULL,
    PRIMARY KEY (cart, kind, external_id)
) STRICT, WITHOUT ROWID;
