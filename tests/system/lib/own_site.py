"""A site in a folder of its own, the program run on it, and its store read with SQLite's own library."""
import atexit
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from fake_shop import KEY

PROGRAM = os.environ.get("CARTWRIGHT") or sys.exit("set CARTWRIGHT to the program, such as build/release/cartwright")

with open(PROGRAM, "rb") as program:
    SANITIZED = b"__asan_init" in program.read()  # keeps what was freed for a while: its memory says nothing

# PrestaShop as shipped, without the limit to requests a second, and with little patience.
FAST_CART = """\
local shop = require("shipped.prestashop"):extend()
local usual = shop.http
shop.http = function(settings)
  local http = usual(settings)
  http.rate, http.burst = nil, nil
  http.attempts, http.stall, http.timeout = 2, 2, 20
  return http
end
%s
return shop
"""


class Result:
    """What a run of the program left behind."""

    def __init__(self, code, out, err, seconds, peak_kb):
        self.code, self.out, self.err, self.seconds, self.peak_kb = code, out, err, seconds, peak_kb
        self.text = out + err

    def __str__(self):
        return "exit %d\n%s%s" % (self.code, self.out, self.err)

    def lines(self):
        return [json.loads(line) for line in self.out.split("\n")[:-1]]


def read_peak(pid):
    """The most memory the process ever had, in KiB, so far; wait4 would count this interpreter's memory before exec."""
    try:
        with open("/proc/%d/status" % pid) as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), None)
    except OSError:
        return None


def run(arguments, stdin=b"", time_limit=120, environment=None, folder=None):
    """Runs the program to its end; a run that takes longer than `time_limit` seconds is an error."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        started, peak_kb = time.monotonic(), 0
        process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=given, stdout=out, stderr=err, cwd=folder,
                                   env={**os.environ, **(environment or {})})
        while True:
            peak_kb = read_peak(process.pid) or peak_kb
            if process.poll() is not None:
                break
            if time.monotonic() - started > time_limit:
                process.kill()
                process.wait()
                raise AssertionError("%s did not end within %d s" % (" ".join(map(str, arguments)), time_limit))
            time.sleep(0.005)
        out.seek(0)
        err.seek(0)
        return Result(process.returncode, out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace"),
                      time.monotonic() - started, peak_kb)


class Site:
    def __init__(self, shop=None, script="", settings="", allow=None, key=KEY, url=None, cart=None, store="store.db",
                 more=""):
        """A site with one cart, `shop`, of a type of its own: the shipped PrestaShop with `script` added, or the whole
        script `cart`. `settings` are further lines of the cart in site.lua, `more` of the site."""
        self.folder = tempfile.mkdtemp(prefix="cartwright-test-")
        atexit.register(shutil.rmtree, self.folder, True)
        self.store_uri, self.more = store, more
        self.store = os.path.join(self.folder, store)
        self.url = url or (shop.url if shop else "http://127.0.0.1:9")
        self.allow = [self.url.removeprefix("http://")] if allow is None else allow
        self.configure(settings)
        self.write("carts/fast.lua", cart or FAST_CART % script)
        if key:
            result = self.run("secret", "shop", "key", stdin=key.encode() + b"\n")
            assert result.code == 0, result

    def configure(self, settings):
        """Writes site.lua: settings may use `rules`."""
        self.write("site.lua", 'local rules = require "cartwright.rules" return { zone = "UTC", store = "%s", '
                   'allow = { %s }, %s\n  carts = { shop = { type = "fast", url = "%s", %s } } }\n'
                   % (self.store_uri, ", ".join('"%s"' % host for host in self.allow), self.more, self.url, settings))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)

    def run(self, command, *arguments, **options):
        return run([command, "--site", self.folder, *arguments], **options)

    def sync(self, *arguments, **options):
        """A sync that must succeed."""
        result = self.run("sync", "shop", *arguments, **options)
        assert result.code == 0, "sync failed: %s" % result
        return result

    def start(self, command, *arguments):
        """The command in the background, for killing."""
        return subprocess.Popen([PROGRAM, command, "--site", self.folder, *arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    # The store --------------------------------------------------------------------------------------------------------

    def query(self, sql, *values):
        connection = sqlite3.connect("file:%s?mode=ro" % self.store, uri=True)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def cursor(self, stream="orders"):
        return self.query("SELECT done_until, window_from, window_to, position FROM cursors WHERE stream = ?", stream)

    def check_sound(self):
        assert self.query("PRAGMA integrity_check") == [("ok",)], "the store is damaged"
        assert self.query("PRAGMA foreign_key_check") == [], "rows refer to rows that are not there"
        unsound = self.query("SELECT id FROM runs WHERE records_read != records_posted + records_unchanged "
                             "+ records_parked + records_skipped")
        assert unsound == [], "runs that do not add up: %s" % unsound

    def fingerprint(self):
        """Of the store's files, bytes for bytes; with a log that is being written, of that too."""
        digests = {}
        for name in sorted(os.listdir(self.folder)):
            if name.startswith("store.db") and not name.endswith("-shm"):
                with open(self.path(name), "rb") as file:
                    digests[name] = hashlib.sha256(file.read()).hexdigest()
        return digests

    def check_holds(self, shop, parked=(), cart="shop"):
        """The cart's records in the store are the orders of the shop's books, each in its newest version, and no others.
        `parked` are ids of orders that must wait instead of being posted."""
        books = {record["id"]: record for record in shop.orders.values()}
        raw = dict(self.query("SELECT h.external_id, r.bytes FROM raw_heads h JOIN raw_records r ON r.id = h.raw_id "
                              "WHERE h.stream = 'orders' AND h.cart = ?", cart))
        compare("orders received", {number: record.xml() for number, record in books.items()}, raw)
        wait = {number for number, in self.query(
            "SELECT external_id FROM staged_records WHERE stream = 'orders' AND cart = ?", cart)}
        assert wait == set(map(str, parked)), "orders that wait: %s instead of %s" % (sorted(wait), sorted(parked))
        rows = {number: rest for number, *rest in self.query(
            "SELECT external_id, number, total, note, email, billing_street FROM orders WHERE cart = ?", cart)}
        expected = {number: expect_order(shop, record) for number, record in books.items() if number not in wait}
        compare("orders", expected, rows)
        lines = {}
        for number, *line in self.query("SELECT o.external_id, l.sku, l.quantity, l.unit_price FROM order_lines l "
                                        "JOIN orders o ON o.id = l.order_id WHERE o.cart = ? ORDER BY o.id, l.position",
                                        cart):
            lines.setdefault(number, []).append(line)
        compare("lines", {number: [[row["product_reference"], str(row["product_quantity"]),
                                    row["unit_price_tax_incl"]] for row in books[number].rows]
                          for number in expected}, lines)


def expect_order(shop, order):
    customer = shop.tables["customers"][int(order["id_customer"])]
    address = shop.tables["addresses"][int(order["id_address_invoice"])]
    return [order["reference"], order["total_paid_tax_incl"], order["note"] or None, customer["email"],
            address["address1"]]


def compare(what, expected, actual):
    """Two tables by key; says which rows are missing, too many or different."""
    missing = [key for key in expected if key not in actual]
    surplus = [key for key in actual if key not in expected]
    differ = [key for key in expected if key in actual and expected[key] != actual[key]]
    assert not (missing or surplus or differ), "%s: %d missing %s, %d too many %s, %d different %s" % (
        what, len(missing), missing[:5], len(surplus), surplus[:5], len(differ),
        [(key, expected[key], actual[key]) for key in differ[:2]])


# What two stores may differ in: when, and by which run, something was stored.
BOOKKEEPING = {"id", "run_id", "first_run", "last_run", "first_stored_at", "last_stored_at", "received_at", "staged_at",
               "raw_id", "staged_id"}
RAW_OWNER = ("raw_records", "raw_id", "stream || ' ' || p.external_id || ' ' || p.version")
OWNERS = {  # table: its parent, the column that names it, and what names the parent in any store
    "order_lines": ("orders", "order_id", "external_id"), "order_discounts": ("orders", "order_id", "external_id"),
    "order_payments": ("orders", "order_id", "external_id"), "order_fees": ("orders", "order_id", "external_id"),
    "order_taxes": ("orders", "order_id", "external_id"),
    "customer_addresses": ("customers", "customer_id", "external_id"),
    "item_variants": ("items", "item_id", "external_id"),
    "raw_parts": RAW_OWNER, "raw_heads": RAW_OWNER,
    "staged_issues": ("staged_records", "staged_id", "stream || ' ' || p.external_id"),
}
TABLES = ["orders", "customers", "items", "stock_levels", "raw_records", "staged_records", *OWNERS]


def contents(site, tables=TABLES):
    """Every row of the tables, without what may differ between two stores, in an order that does not depend on them."""
    found = {}
    for table in tables:
        columns = [name for _, name, *_ in site.query("PRAGMA table_info(%s)" % table)]
        parent, by, name = OWNERS.get(table, (None, None, None))
        kept = [c for c in columns if c not in BOOKKEEPING and c != by]
        sql = "SELECT %s%s FROM %s t%s" % (
            "p.%s, " % name if parent else "", ", ".join("t." + c for c in kept), table,
            " JOIN %s p ON p.id = t.%s" % (parent, by) if parent else "")
        found[table] = sorted(site.query(sql), key=repr)
    # How far each stream has come depends on the clock; that its window is closed does not.
    found["cursors"] = site.query("SELECT cart, stream, done_until IS NULL, window_from, window_to, position "
                                  "FROM cursors ORDER BY cart, stream")
    return found


def check_same(expected, actual):
    """Two stores' contents, row by row."""
    for table in expected:
        missing = list(set(expected[table]) - set(actual[table]))
        surplus = list(set(actual[table]) - set(expected[table]))
        assert expected[table] == actual[table], "%s differs: %d rows missing %s, %d too many %s" % (
            table, len(missing), str(missing[:1])[:600], len(surplus), str(surplus[:1])[:600])
