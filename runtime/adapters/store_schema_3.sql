-- Version 3 of a store's tables, for SQLite. Frozen: a change is a new file with the next number.
--
-- What runs unattended: jobs and when they are due, carts that were stopped, notices that shops sent, and more about
-- each run.

-- A job is what is run at one time: a stream of a cart ("orders"), or work beside it ("reconcile orders"). cart '' = the
-- site's own. ready_at is the earlier of due_at and woken_at: from then on it may be claimed.
CREATE TABLE jobs (
    cart TEXT NOT NULL, name TEXT NOT NULL, schedule TEXT NOT NULL, ready_at TEXT, due_at TEXT, woken_at TEXT,
    served_at TEXT, began_at TEXT, ended_at TEXT, lease_token INTEGER NOT NULL, failures INTEGER NOT NULL,
    message TEXT NOT NULL, PRIMARY KEY (cart, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_ready ON jobs (ready_at) WHERE ready_at IS NOT NULL;

-- Carts (stream '') and streams that somebody stopped or started; deaths counts workers that died of the cart.
CREATE TABLE controls (
    cart TEXT NOT NULL, stream TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('running', 'stopped')),
    why TEXT NOT NULL, who TEXT NOT NULL, changed_at TEXT NOT NULL, deaths INTEGER NOT NULL,
    PRIMARY KEY (cart, stream)
) STRICT, WITHOUT ROWID;

-- Notices as they were received, once their signature was found right. delivery_id is the shop's, or a hash.
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, cart TEXT NOT NULL, delivery_id TEXT NOT NULL, topic TEXT NOT NULL,
    received_at TEXT NOT NULL, headers TEXT NOT NULL, bytes BLOB NOT NULL, UNIQUE (cart, delivery_id)
) STRICT;
CREATE INDEX webhooks_received ON webhooks (received_at);

-- Versions of raw records that a newer one has taken the place of, in the order in which they may go.
CREATE TABLE raw_superseded (
    raw_id INTEGER PRIMARY KEY REFERENCES raw_records (id) ON DELETE CASCADE, superseded_at TEXT NOT NULL
) STRICT;
CREATE INDEX raw_superseded_at ON raw_superseded (superseded_at);
INSERT INTO raw_superseded
    SELECT r.id, n.received_at FROM raw_records r JOIN raw_records n
        ON n.cart = r.cart AND n.stream = r.stream AND n.external_id = r.external_id AND n.version = r.version + 1;

-- A head does not hold its record any more: removing one version would look through the heads of all records.
CREATE TABLE new_heads (
    cart TEXT NOT NULL, stream TEXT NOT NULL, sort_key TEXT NOT NULL, external_id TEXT NOT NULL,
    raw_id INTEGER NOT NULL, version INTEGER NOT NULL, hash BLOB NOT NULL, outcome TEXT NOT NULL,
    script_version TEXT NOT NULL, PRIMARY KEY (cart, stream, sort_key)
) STRICT, WITHOUT ROWID;
INSERT INTO new_heads SELECT * FROM raw_heads;
DROP TABLE raw_heads;
ALTER TABLE new_heads RENAME TO raw_heads;
CREATE INDEX raw_heads_parked ON raw_heads (cart, stream, sort_key) WHERE outcome = 'parked';

-- Counts of each stage and where the time went; what began the run, and which worker did it.
ALTER TABLE runs ADD COLUMN records_stored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN records_held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN warnings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN errors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN fetch_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN store_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN began_by TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN worker TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;
-- A run stays as long as records wait that it left.
CREATE INDEX staged_records_run ON staged_records (run_id);

-- How many orders come when, and which a stretch of time holds.
CREATE INDEX orders_placed ON orders (cart, placed_at) WHERE placed_at IS NOT NULL;

-- The newest run that brought customers or items: what waits for them is mapped again when it changes.
CREATE INDEX runs_news ON runs (id) WHERE records_posted > 0 AND stream IN ('customers', 'items');
