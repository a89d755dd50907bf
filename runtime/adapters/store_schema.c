/* store_schema.c - the tables of a store. Names and columns are the same in every engine, for whoever reads the
 * store with the database's own tools; the documents' columns follow base/document.h, and a test holds them to it.
 *
 * Money and decimals are exact text; times are text of fixed width in UTC, "2024-03-31T02:30:00.000000Z", which sorts;
 * truth is 0 or 1. Large columns stand last in their row, so that reading the others does not fetch them. */
#include "adapters/store_schema.h"

/* The fields of an address after its name; with a prefix for one that is flattened into its document. The name of
 * a flattened one is PREFIX_address_name, because the order's own shipping_name is the name of the method. */
#define ADDRESS(prefix)                                                                                      \
    prefix "first_name TEXT, " prefix "last_name TEXT, " prefix "company TEXT, " prefix "vat_number TEXT, "  \
    prefix "street TEXT, " prefix "street2 TEXT, " prefix "postcode TEXT, " prefix "city TEXT, "             \
    prefix "region TEXT, " prefix "country TEXT, " prefix "phone TEXT, " prefix "mobile TEXT, "              \
    prefix "email TEXT, " prefix "note TEXT, "
#define FLAT_ADDRESS(prefix) prefix "external_id TEXT, " prefix "address_name TEXT, " ADDRESS(prefix)

/* How a document starts and ends. `id` is its number in this store. */
#define DOCUMENT "id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, "
#define DOCUMENT_END                                                                                         \
    "first_run INTEGER NOT NULL, last_run INTEGER NOT NULL, first_stored_at TEXT NOT NULL, "                 \
    "last_stored_at TEXT NOT NULL, custom TEXT, UNIQUE (cart, external_id)) STRICT;"

/* A list of a document: its rows go with it. */
#define LIST(parent)                                                                                         \
    parent "_id INTEGER NOT NULL REFERENCES " parent "s (id) ON DELETE CASCADE, position INTEGER NOT NULL, "
#define LIST_END(parent) "custom TEXT, PRIMARY KEY (" parent "_id, position)) STRICT, WITHOUT ROWID;"

static const char version_1[] =
    /* Exactly what was received, every version of it. */
    "CREATE TABLE raw_records ("
    "id INTEGER PRIMARY KEY, cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL, "
    "version INTEGER NOT NULL, hash BLOB NOT NULL, format TEXT NOT NULL, encoding TEXT NOT NULL, "
    "received_at TEXT NOT NULL, run_id INTEGER NOT NULL, "
    "outcome TEXT NOT NULL CHECK (outcome IN ('posted', 'parked', 'skipped')), reason TEXT NOT NULL, "
    "script_version TEXT NOT NULL, bytes BLOB NOT NULL, "
    "UNIQUE (cart, stream, external_id, version)) STRICT;"
    "CREATE TABLE raw_parts ("
    "raw_id INTEGER NOT NULL REFERENCES raw_records (id) ON DELETE CASCADE, position INTEGER NOT NULL, "
    "name TEXT NOT NULL, format TEXT NOT NULL, encoding TEXT NOT NULL, bytes BLOB NOT NULL, "
    "UNIQUE (raw_id, position)) STRICT;"
    /* The newest version of each key: small, so that a record read again costs one look-up. sort_key is the
     * external_id in a form that sorts numbers by value. */
    "CREATE TABLE raw_heads ("
    "cart TEXT NOT NULL, stream TEXT NOT NULL, sort_key TEXT NOT NULL, external_id TEXT NOT NULL, "
    "raw_id INTEGER NOT NULL REFERENCES raw_records (id), version INTEGER NOT NULL, hash BLOB NOT NULL, "
    "outcome TEXT NOT NULL, script_version TEXT NOT NULL, PRIMARY KEY (cart, stream, sort_key)) "
    "STRICT, WITHOUT ROWID;"
    "CREATE INDEX raw_heads_parked ON raw_heads (cart, stream, sort_key) WHERE outcome = 'parked';"

    /* What waits, and why. */
    "CREATE TABLE staged_records ("
    "id INTEGER PRIMARY KEY, cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL, "
    "kind TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('parked', 'held')), staged_at TEXT NOT NULL, "
    "run_id INTEGER NOT NULL, document TEXT NOT NULL, UNIQUE (cart, stream, external_id)) STRICT;"
    "CREATE TABLE staged_issues ("
    "staged_id INTEGER NOT NULL REFERENCES staged_records (id) ON DELETE CASCADE, position INTEGER NOT NULL, "
    "code TEXT NOT NULL, field TEXT NOT NULL, path TEXT NOT NULL, message TEXT NOT NULL, "
    "PRIMARY KEY (staged_id, position)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX staged_issues_code ON staged_issues (code);"

    /* Documents. */
    "CREATE TABLE orders (" DOCUMENT
    "number TEXT, status TEXT, payment_status TEXT, fulfilment_status TEXT, cart_status TEXT, placed_at TEXT, "
    "changed_at TEXT, paid_at TEXT, channel TEXT, language TEXT, currency TEXT, tax_included INTEGER, "
    "goods_total TEXT, discount_total TEXT, shipping_total TEXT, fee_total TEXT, tax_total TEXT, total TEXT, "
    "paid_total TEXT, rounding TEXT, rounding_mode TEXT, customer_id TEXT, email TEXT, "
    FLAT_ADDRESS("billing_") FLAT_ADDRESS("shipping_")
    "payment_method TEXT, payment_name TEXT, shipping_method TEXT, shipping_name TEXT, tracking_number TEXT, "
    "note TEXT, gift_message TEXT, " DOCUMENT_END
    "CREATE TABLE order_lines (" LIST("order")
    "external_id TEXT, parent_id TEXT, sku TEXT, name TEXT, barcode TEXT, item_id TEXT, variant_id TEXT, "
    "quantity TEXT, unit_price TEXT, total TEXT, tax TEXT, tax_rate TEXT, " LIST_END("order")
    "CREATE TABLE order_discounts (" LIST("order")
    "code TEXT, name TEXT, amount TEXT, tax TEXT, " LIST_END("order")
    "CREATE TABLE order_payments (" LIST("order")
    "external_id TEXT, method TEXT, amount TEXT, reference TEXT, paid_at TEXT, " LIST_END("order")
    "CREATE TABLE order_fees (" LIST("order") "name TEXT, amount TEXT, tax TEXT, " LIST_END("order")
    "CREATE TABLE order_taxes (" LIST("order") "name TEXT, rate TEXT, amount TEXT, " LIST_END("order")
    "CREATE TABLE customers (" DOCUMENT
    "number TEXT, email TEXT, first_name TEXT, last_name TEXT, company TEXT, vat_number TEXT, phone TEXT, "
    "language TEXT, customer_group TEXT, guest INTEGER, active INTEGER, note TEXT, created_at TEXT, "
    "changed_at TEXT, " DOCUMENT_END
    "CREATE TABLE customer_addresses (" LIST("customer") "external_id TEXT, name TEXT, " ADDRESS("") LIST_END("customer")
    "CREATE TABLE items (" DOCUMENT
    "sku TEXT, name TEXT, description TEXT, type TEXT, barcode TEXT, vendor_sku TEXT, active INTEGER, "
    "currency TEXT, price TEXT, cost TEXT, weight TEXT, tax_class TEXT, created_at TEXT, changed_at TEXT, "
    DOCUMENT_END
    "CREATE TABLE item_variants (" LIST("item")
    "external_id TEXT, sku TEXT, name TEXT, barcode TEXT, price TEXT, weight TEXT, active INTEGER, "
    LIST_END("item")
    "CREATE TABLE stock_levels (" DOCUMENT
    "sku TEXT, item_id TEXT, variant_id TEXT, warehouse TEXT, quantity TEXT, changed_at TEXT, " DOCUMENT_END

    /* How far each stream has come, who may run it, and what ran. */
    "CREATE TABLE cursors ("
    "cart TEXT NOT NULL, stream TEXT NOT NULL, done_until TEXT, window_from TEXT, window_to TEXT, "
    "position TEXT NOT NULL, changed_at TEXT NOT NULL, PRIMARY KEY (cart, stream)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE runs ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT, cart TEXT NOT NULL, stream TEXT NOT NULL, job TEXT NOT NULL, "
    "state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed')), started_at TEXT NOT NULL, ended_at TEXT, "
    "records_read INTEGER NOT NULL, records_posted INTEGER NOT NULL, records_unchanged INTEGER NOT NULL, "
    "records_parked INTEGER NOT NULL, records_skipped INTEGER NOT NULL, pages INTEGER NOT NULL, "
    "requests INTEGER NOT NULL, bytes_in INTEGER NOT NULL, message TEXT NOT NULL, "
    "script_version TEXT NOT NULL) STRICT;"
    "CREATE INDEX runs_of_stream ON runs (cart, stream, id);"
    "CREATE TABLE run_notes ("
    "id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, "
    "level TEXT NOT NULL, message TEXT NOT NULL, cart TEXT NOT NULL, stream TEXT NOT NULL, "
    "external_id TEXT NOT NULL, noted_at TEXT NOT NULL) STRICT;"
    "CREATE INDEX run_notes_of_run ON run_notes (run_id);"
    /* A lease given back keeps its row, because its token must never come again. */
    "CREATE TABLE leases ("
    "name TEXT PRIMARY KEY, holder TEXT NOT NULL, token INTEGER NOT NULL, expires_at TEXT NOT NULL) "
    "STRICT, WITHOUT ROWID;"

    /* The outbox. */
    "CREATE TABLE messages ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT, cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL, "
    "is_level INTEGER NOT NULL, state TEXT NOT NULL "
    "CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'failed', 'superseded')), "
    "attempts INTEGER NOT NULL, created_at TEXT NOT NULL, changed_at TEXT NOT NULL, error TEXT NOT NULL, "
    "payload TEXT NOT NULL) STRICT;"
    "CREATE INDEX messages_of_key ON messages (cart, stream, external_id);"
    "CREATE INDEX messages_waiting ON messages (cart, stream, id) WHERE state IN ('queued', 'sending', 'unknown');"

    /* What people and scripts keep. */
    "CREATE TABLE tables ("
    "cart TEXT NOT NULL, table_name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
    "changed_at TEXT NOT NULL, PRIMARY KEY (cart, table_name, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE state ("
    "cart TEXT NOT NULL, key TEXT NOT NULL, changed_at TEXT NOT NULL, value TEXT NOT NULL, "
    "PRIMARY KEY (cart, key)) STRICT;"
    "CREATE TABLE users ("
    "name TEXT PRIMARY KEY, password_hash TEXT NOT NULL, user_groups TEXT NOT NULL, changed_at TEXT NOT NULL) "
    "STRICT, WITHOUT ROWID;"
    "CREATE TABLE audit ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT, happened_at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, "
    "object TEXT NOT NULL, value_before TEXT NOT NULL, value_after TEXT NOT NULL) STRICT;"
    "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail is only ever added to'); END;"
    "CREATE TRIGGER audit_keeps BEFORE DELETE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail is only ever added to'); END;"

    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('site', lower(hex(randomblob(16))));"
    "INSERT INTO meta VALUES ('schema', '1');";

static const struct cw_schema_step steps[] = { { 1, version_1 } };

const struct cw_schema cw_store_schema = { steps, sizeof steps / sizeof *steps };
