-- Version 1 of a store's tables, for SQLite. Frozen: a change is a new file with the next number.
--
-- Names and columns are the same in every engine, for whoever reads the store with the database's own tools; the
-- documents' columns follow base/document.h, and a test holds them to it. Money and decimals are exact text; times are
-- text of fixed width in UTC, "2024-03-31T02:30:00.000000Z", which sorts; truth is 0 or 1. Large columns stand last in
-- their row, so that reading the others does not fetch them.

-- Exactly what was received, every version of it.
CREATE TABLE raw_records (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL,
    version INTEGER NOT NULL, hash BLOB NOT NULL, format TEXT NOT NULL, encoding TEXT NOT NULL,
    received_at TEXT NOT NULL, run_id INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('posted', 'parked', 'skipped')), reason TEXT NOT NULL,
    script_version TEXT NOT NULL, bytes BLOB NOT NULL, UNIQUE (cart, stream, external_id, version)
) STRICT;

CREATE TABLE raw_parts (
    raw_id INTEGER NOT NULL REFERENCES raw_records (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    name TEXT NOT NULL, format TEXT NOT NULL, encoding TEXT NOT NULL, bytes BLOB NOT NULL,
    UNIQUE (raw_id, position)
) STRICT;

-- The newest version of each key: small, so that a record read again costs one look-up. sort_key is the
-- external_id in a form that sorts numbers by value.
CREATE TABLE raw_heads (
    cart TEXT NOT NULL, stream TEXT NOT NULL, sort_key TEXT NOT NULL, external_id TEXT NOT NULL,
    raw_id INTEGER NOT NULL REFERENCES raw_records (id), version INTEGER NOT NULL, hash BLOB NOT NULL,
    outcome TEXT NOT NULL, script_version TEXT NOT NULL, PRIMARY KEY (cart, stream, sort_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX raw_heads_parked ON raw_heads (cart, stream, sort_key) WHERE outcome = 'parked';

-- What waits, and why.
CREATE TABLE staged_records (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL,
    kind TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('parked', 'held')), staged_at TEXT NOT NULL,
    run_id INTEGER NOT NULL, document TEXT NOT NULL, UNIQUE (cart, stream, external_id)
) STRICT;

CREATE TABLE staged_issues (
    staged_id INTEGER NOT NULL REFERENCES staged_records (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    code TEXT NOT NULL, field TEXT NOT NULL, path TEXT NOT NULL, message TEXT NOT NULL,
    PRIMARY KEY (staged_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX staged_issues_code ON staged_issues (code);

-- Documents. `id` is the number of a document in this store. The name of a flattened address is
-- PREFIX_address_name, because the order's own shipping_name is the name of the method.
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, number TEXT, status TEXT,
    payment_status TEXT, fulfilment_status TEXT, cart_status TEXT, placed_at TEXT, changed_at TEXT,
    paid_at TEXT, channel TEXT, language TEXT, currency TEXT, tax_included INTEGER, goods_total TEXT,
    discount_total TEXT, shipping_total TEXT, fee_total TEXT, tax_total TEXT, total TEXT, paid_total TEXT,
    rounding TEXT, rounding_mode TEXT, customer_id TEXT, email TEXT, billing_external_id TEXT,
    billing_address_name TEXT, billing_first_name TEXT, billing_last_name TEXT, billing_company TEXT,
    billing_vat_number TEXT, billing_street TEXT, billing_street2 TEXT, billing_postcode TEXT,
    billing_city TEXT, billing_region TEXT, billing_country TEXT, billing_phone TEXT, billing_mobile TEXT,
    billing_email TEXT, billing_note TEXT, shipping_external_id TEXT, shipping_address_name TEXT,
    shipping_first_name TEXT, shipping_last_name TEXT, shipping_company TEXT, shipping_vat_number TEXT,
    shipping_street TEXT, shipping_street2 TEXT, shipping_postcode TEXT, shipping_city TEXT,
    shipping_region TEXT, shipping_country TEXT, shipping_phone TEXT, shipping_mobile TEXT,
    shipping_email TEXT, shipping_note TEXT, payment_method TEXT, payment_name TEXT, shipping_method TEXT,
    shipping_name TEXT, tracking_number TEXT, note TEXT, gift_message TEXT, first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL, first_stored_at TEXT NOT NULL, last_stored_at TEXT NOT NULL, custom TEXT,
    UNIQUE (cart, external_id)
) STRICT;

CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    external_id TEXT, parent_id TEXT, sku TEXT, name TEXT, barcode TEXT, item_id TEXT, variant_id TEXT,
    quantity TEXT, unit_price TEXT, total TEXT, tax TEXT, tax_rate TEXT, custom TEXT,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_discounts (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, position INTEGER NOT NULL, code TEXT,
    name TEXT, amount TEXT, tax TEXT, custom TEXT, PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_payments (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    external_id TEXT, method TEXT, amount TEXT, reference TEXT, paid_at TEXT, custom TEXT,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_fees (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, position INTEGER NOT NULL, name TEXT,
    amount TEXT, tax TEXT, custom TEXT, PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_taxes (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, position INTEGER NOT NULL, name TEXT,
    rate TEXT, amount TEXT, custom TEXT, PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, number TEXT, email TEXT,
    first_name TEXT, last_name TEXT, company TEXT, vat_number TEXT, phone TEXT, language TEXT,
    customer_group TEXT, guest INTEGER, active INTEGER, note TEXT, created_at TEXT, changed_at TEXT,
    first_run INTEGER NOT NULL, last_run INTEGER NOT NULL, first_stored_at TEXT NOT NULL,
    last_stored_at TEXT NOT NULL, custom TEXT, UNIQUE (cart, external_id)
) STRICT;

CREATE TABLE customer_addresses (
    customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    external_id TEXT, name TEXT, first_name TEXT, last_name TEXT, company TEXT, vat_number TEXT, street TEXT,
    street2 TEXT, postcode TEXT, city TEXT, region TEXT, country TEXT, phone TEXT, mobile TEXT, email TEXT,
    note TEXT, custom TEXT, PRIMARY KEY (customer_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE items (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, sku TEXT, name TEXT,
    description TEXT, type TEXT, barcode TEXT, vendor_sku TEXT, active INTEGER, currency TEXT, price TEXT,
    cost TEXT, weight TEXT, tax_class TEXT, created_at TEXT, changed_at TEXT, first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL, first_stored_at TEXT NOT NULL, last_stored_at TEXT NOT NULL, custom TEXT,
    UNIQUE (cart, external_id)
) STRICT;

CREATE TABLE item_variants (
    item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    external_id TEXT, sku TEXT, name TEXT, barcode TEXT, price TEXT, weight TEXT, active INTEGER, custom TEXT,
    PRIMARY KEY (item_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE stock_levels (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, sku TEXT, item_id TEXT,
    variant_id TEXT, warehouse TEXT, quantity TEXT, changed_at TEXT, first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL, first_stored_at TEXT NOT NULL, last_stored_at TEXT NOT NULL, custom TEXT,
    UNIQUE (cart, external_id)
) STRICT;

-- How far each stream has come.
CREATE TABLE cursors (
    cart TEXT NOT NULL, stream TEXT NOT NULL, done_until TEXT, window_from TEXT, window_to TEXT,
    position TEXT NOT NULL, changed_at TEXT NOT NULL, PRIMARY KEY (cart, stream)
) STRICT, WITHOUT ROWID;

-- The sync log.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, cart TEXT NOT NULL, stream TEXT NOT NULL, job TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed')), started_at TEXT NOT NULL, ended_at TEXT,
    records_read INTEGER NOT NULL, records_posted INTEGER NOT NULL, records_unchanged INTEGER NOT NULL,
    records_parked INTEGER NOT NULL, records_skipped INTEGER NOT NULL, pages INTEGER NOT NULL,
    requests INTEGER NOT NULL, bytes_in INTEGER NOT NULL, message TEXT NOT NULL, script_version TEXT NOT NULL
) STRICT;
CREATE INDEX runs_of_stream ON runs (cart, stream, id);

CREATE TABLE run_notes (
    id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    level TEXT NOT NULL, message TEXT NOT NULL, cart TEXT NOT NULL, stream TEXT NOT NULL,
    external_id TEXT NOT NULL, noted_at TEXT NOT NULL
) STRICT;
CREATE INDEX run_notes_of_run ON run_notes (run_id);

-- Who may run a job.
CREATE TABLE leases (
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, token INTEGER NOT NULL, expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The outbox.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL,
    is_level INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'failed', 'superseded')),
    attempts INTEGER NOT NULL, created_at TEXT NOT NULL, changed_at TEXT NOT NULL, error TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;
CREATE INDEX messages_of_key ON messages (cart, stream, external_id);
CREATE INDEX messages_waiting ON messages (cart, stream, id) WHERE state IN ('queued', 'sending', 'unknown');

-- What people and scripts keep.
CREATE TABLE tables (
    cart TEXT NOT NULL, table_name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    changed_at TEXT NOT NULL, PRIMARY KEY (cart, table_name, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
    cart TEXT NOT NULL, key TEXT NOT NULL, changed_at TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (cart, key)
) STRICT;

CREATE TABLE users (
    name TEXT PRIMARY KEY, password_hash TEXT NOT NULL, user_groups TEXT NOT NULL, changed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, happened_at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL,
    object TEXT NOT NULL, value_before TEXT NOT NULL, value_after TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is only ever added to');

END;
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is only ever added to');

END;

CREATE TABLE meta (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta VALUES ('site', lower(hex(randomblob(16))));

INSERT INTO meta VALUES ('schema', '1');
