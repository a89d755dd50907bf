-- Version 2 of a store's tables, for SQLite. Frozen: a change is a new file with the next number.
--
-- What rules decide about a document, shipments and kits; what people changed (document_edits) and let pass (releases),
-- both kept apart from what the cart said. Columns that came with this version stand behind the older ones.

ALTER TABLE orders ADD COLUMN type TEXT;
ALTER TABLE orders ADD COLUMN state TEXT;
ALTER TABLE orders ADD COLUMN second_status TEXT;
ALTER TABLE orders ADD COLUMN cart_type TEXT;
ALTER TABLE orders ADD COLUMN archived INTEGER;
ALTER TABLE orders ADD COLUMN reference TEXT;
ALTER TABLE orders ADD COLUMN location TEXT;
ALTER TABLE orders ADD COLUMN class TEXT;
ALTER TABLE orders ADD COLUMN sales_rep TEXT;
ALTER TABLE orders ADD COLUMN taxable INTEGER;
ALTER TABLE orders ADD COLUMN tax_code TEXT;
ALTER TABLE orders ADD COLUMN shipping_tax_code TEXT;
ALTER TABLE orders ADD COLUMN customer TEXT;
ALTER TABLE orders ADD COLUMN ship_to TEXT;
ALTER TABLE orders ADD COLUMN payment_term TEXT;
ALTER TABLE orders ADD COLUMN carrier TEXT;
ALTER TABLE order_lines ADD COLUMN type TEXT;
ALTER TABLE order_lines ADD COLUMN options TEXT;
ALTER TABLE order_lines ADD COLUMN item TEXT;
ALTER TABLE order_lines ADD COLUMN variant TEXT;
ALTER TABLE order_lines ADD COLUMN discount TEXT;
ALTER TABLE order_lines ADD COLUMN tax_code TEXT;
ALTER TABLE order_discounts ADD COLUMN item TEXT;
ALTER TABLE customers ADD COLUMN type TEXT;
ALTER TABLE customers ADD COLUMN sales_rep TEXT;
ALTER TABLE customers ADD COLUMN taxable INTEGER;
ALTER TABLE customers ADD COLUMN payment_term TEXT;
ALTER TABLE items ADD COLUMN item_group TEXT;

-- An order that came before there were rules was taken in for good.
UPDATE orders SET type = 'sales_order', state = 'released';

CREATE TABLE item_components (
    item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE, position INTEGER NOT NULL, sku TEXT,
    component_item_id TEXT, variant_id TEXT, quantity TEXT, custom TEXT, PRIMARY KEY (item_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE shipments (
    id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, number TEXT, order_id TEXT,
    shipped_at TEXT, carrier TEXT, method TEXT, tracking_number TEXT, tracking_url TEXT, warehouse TEXT,
    note TEXT, changed_at TEXT, first_run INTEGER NOT NULL, last_run INTEGER NOT NULL,
    first_stored_at TEXT NOT NULL, last_stored_at TEXT NOT NULL, custom TEXT, UNIQUE (cart, external_id)
) STRICT;

CREATE TABLE shipment_lines (
    shipment_id INTEGER NOT NULL REFERENCES shipments (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    line_id TEXT, sku TEXT, quantity TEXT, custom TEXT, PRIMARY KEY (shipment_id, position)
) STRICT, WITHOUT ROWID;

-- By what documents are found when rules ask for them: without case first of all, as people type them.
CREATE INDEX orders_number ON orders (cart, number COLLATE NOCASE) WHERE number IS NOT NULL;
CREATE INDEX customers_number ON customers (cart, number COLLATE NOCASE) WHERE number IS NOT NULL;
CREATE INDEX customers_email ON customers (cart, email COLLATE NOCASE) WHERE email IS NOT NULL;
CREATE INDEX customers_phone ON customers (cart, phone COLLATE NOCASE) WHERE phone IS NOT NULL;
CREATE INDEX customers_vat_number ON customers (cart, vat_number COLLATE NOCASE) WHERE vat_number IS NOT NULL;
CREATE INDEX customers_company ON customers (cart, company COLLATE NOCASE) WHERE company IS NOT NULL;
CREATE INDEX items_sku ON items (cart, sku COLLATE NOCASE) WHERE sku IS NOT NULL;
CREATE INDEX items_barcode ON items (cart, barcode COLLATE NOCASE) WHERE barcode IS NOT NULL;
CREATE INDEX items_vendor_sku ON items (cart, vendor_sku COLLATE NOCASE) WHERE vendor_sku IS NOT NULL;
CREATE INDEX item_variants_external_id ON item_variants (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX item_variants_sku ON item_variants (sku COLLATE NOCASE) WHERE sku IS NOT NULL;
CREATE INDEX item_variants_barcode ON item_variants (barcode COLLATE NOCASE) WHERE barcode IS NOT NULL;
CREATE INDEX shipments_order ON shipments (cart, order_id) WHERE order_id IS NOT NULL;

-- What a person or a script set in the place of what the cart says; value NULL = nothing.
CREATE TABLE document_edits (
    cart TEXT NOT NULL, kind TEXT NOT NULL, external_id TEXT NOT NULL, field TEXT NOT NULL, value TEXT,
    cart_value TEXT, is_contested INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
    edited_at TEXT NOT NULL, PRIMARY KEY (cart, kind, external_id, field)
) STRICT, WITHOUT ROWID;

-- Issues that a person let pass.
CREATE TABLE releases (
    cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL, code TEXT NOT NULL,
    field TEXT NOT NULL, message TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
    released_at TEXT NOT NULL, PRIMARY KEY (cart, stream, external_id, code, field, message)
) STRICT, WITHOUT ROWID;

-- Why it was done.
ALTER TABLE audit ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- All that wait for the same, in the order of raw_heads, page by page.
ALTER TABLE staged_issues ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE staged_issues ADD COLUMN cart TEXT NOT NULL DEFAULT '';
ALTER TABLE staged_issues ADD COLUMN stream TEXT NOT NULL DEFAULT '';
ALTER TABLE staged_issues ADD COLUMN sort_key TEXT NOT NULL DEFAULT '';
UPDATE staged_issues SET subject = substr(message, instr(message, '"') + 1, instr(message, '" has no row in table') -
    instr(message, '"') - 1) WHERE code LIKE 'unknown-%' AND instr(message, '" has no row in table') > 0;
UPDATE staged_issues SET cart = w.cart, stream = w.stream, sort_key = w.sort_key FROM (
    SELECT s.id, h.cart, h.stream, h.sort_key FROM raw_heads h CROSS JOIN staged_records s
    ON s.cart = h.cart AND s.stream = h.stream AND s.external_id = h.external_id WHERE h.outcome = 'parked'
) w WHERE w.id = staged_issues.staged_id;
DROP INDEX staged_issues_code;
CREATE INDEX staged_issues_code ON staged_issues (code, cart, stream, sort_key);
CREATE INDEX staged_issues_subject ON staged_issues (code, subject, cart, stream, sort_key);
