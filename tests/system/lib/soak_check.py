"""What must hold when the soak test is over: the shops' books against the store, and the store against itself."""
import collections
import os


def check(soak):
    """Lines to be printed; raises AssertionError with what is wrong first."""
    ledger = read_ledger(soak.ask_shops("ledger"))
    store = soak.store
    store.check_sound()
    keep_up_to_date(ledger, store)
    check_received(ledger, store)
    check_documents(ledger, store)
    check_waiting(ledger, store)
    check_versions(store)
    runs = check_runs(store)
    check_single_flight(store)
    held = store.query("SELECT name, holder FROM leases WHERE holder <> '' AND expires_at > '%s'" % soak.stopped_at)
    assert not held, "leases that nobody gave back: %s" % held[:5]
    check_shops(soak.shops_report, soak.minutes)
    canaries = check_secrets(soak)
    fates = collections.Counter(order["fate"] for order in ledger.values())
    return ["the ledgers agree: %d orders, of which %s; %s" % (
        len(ledger), ", ".join("%d %s" % (n, fate) for fate, n in sorted(fates.items())), runs),
        "no secret in %d bytes of store, logs and folder" % canaries]


def read_ledger(text):
    ledger = {}
    for line in text.splitlines():
        cart, number, version, fate, total, sent = line.split("\t")
        ledger[cart, number] = {"version": version, "fate": fate, "total": total, "bytes": sent}
    return ledger


def keep_up_to_date(ledger, store):
    """A skip rule decides about orders that are not there yet: one that was posted before waits, since its status means
    nothing here."""
    for key in store.query("SELECT cart, external_id FROM orders"):
        if key in ledger and ledger[key]["fate"] == "skips":
            ledger[key]["fate"] = "parks"


def compare(what, expected, actual):
    """Rows (key, value...) against a table by key: each once, none missing, none too many, none different."""
    found = {}
    for cart, number, *rest in actual:
        assert (cart, number) not in found, "%s: order %s of %s is there twice" % (what, number, cart)
        found[cart, number] = tuple(rest)
    missing = [key for key in expected if key not in found]
    surplus = [key for key in found if key not in expected]
    differ = [(key, expected[key], found[key]) for key in expected if key in found and found[key] != expected[key]]
    assert not (missing or surplus or differ), "%s: %d missing %s, %d too many %s, %d different %s" % (
        what, len(missing), missing[:5], len(surplus), surplus[:5], len(differ), differ[:3])


OUTCOMES = {"posts": "posted", "parks": "parked", "holds": "parked", "skips": "skipped"}


def check_received(ledger, store):
    """The newest version of each record is that of the shop, byte for byte, and ended as it must."""
    expected = {key: (order["bytes"], OUTCOMES[order["fate"]]) for key, order in ledger.items()}
    healed = "came under its own id"  # what had broken a list, and has been read since
    compare("orders received", expected, store.query(
        "SELECT r.cart, r.external_id, %s, r.outcome FROM raw_heads h JOIN raw_records r ON r.id = h.raw_id "
        "WHERE h.stream = 'orders' AND r.reason <> '%s'" % (store.text_of("r.bytes"), healed)))


def check_documents(ledger, store):
    """Each order that posts, once, in its last version and equal to the cent; no order that the shops do not have."""
    rows = store.query("SELECT cart, external_id, number, total, custom FROM orders")
    posted = {key: ("N-" + key[1], order["total"], '{"version":%s}' % order["version"])
              for key, order in ledger.items() if order["fate"] == "posts"}
    unknown = [row for row in rows if row[:2] not in ledger]
    assert not unknown, "orders that no shop has: %s" % unknown[:5]
    compare("orders", posted, [row for row in rows if row[:2] in posted])
    lines = store.query("SELECT o.cart, o.external_id, l.total FROM orders o JOIN order_lines l ON l.order_id = o.id")
    sums = collections.Counter()
    for cart, number, total in lines:
        sums[cart, number] += cents(total)
    compare("sums of lines", {key: (cents(value[1]),) for key, value in posted.items()},
            [(*key, total) for key, total in sums.items() if key in posted])


def cents(text):
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def check_waiting(ledger, store):
    """What waits is what must wait, for its own reason."""
    reasons = {"parks": ("parked", "unknown-status"), "holds": ("held", "totals")}
    compare("orders that wait", {key: reasons[order["fate"]] for key, order in ledger.items() if order["fate"] in reasons},
            store.query("SELECT s.cart, s.external_id, s.state, i.code FROM staged_records s JOIN staged_issues i "
                        "ON i.staged_id = s.id WHERE i.position = (SELECT min(position) FROM staged_issues m "
                        "WHERE m.staged_id = s.id)"))


def check_versions(store):
    """The same bytes again are no new version, and versions have no gaps."""
    again = store.query("SELECT a.cart, a.external_id, a.version FROM raw_records a JOIN raw_records b ON a.cart = b.cart "
                        "AND a.stream = b.stream AND a.external_id = b.external_id AND b.version = a.version + 1 "
                        "WHERE a.bytes = b.bytes")
    assert not again, "the same bytes were stored as a new version: %s" % again[:5]
    gaps = store.query("SELECT cart, external_id FROM raw_records GROUP BY cart, stream, external_id "
                       "HAVING count(*) <> max(version)")
    assert not gaps, "versions are missing: %s" % gaps[:5]


def check_runs(store):
    """Each run accounts for what it read and stored, those that were killed too."""
    wrong = store.query("SELECT id, cart, job, records_read, records_posted, records_unchanged, records_parked, "
                        "records_skipped FROM runs WHERE records_read <> records_posted + records_unchanged "
                        "+ records_parked + records_skipped")
    assert not wrong, "runs that do not add up: %s" % wrong[:5]
    wrong = store.query("SELECT r.id, r.cart, r.job, r.state, r.records_stored, count(w.id) FROM runs r LEFT JOIN "
                        "raw_records w ON w.run_id = r.id GROUP BY r.id, r.cart, r.job, r.state, r.records_stored "
                        "HAVING r.records_stored <> count(w.id)")
    details = [store.query("SELECT * FROM runs WHERE id = %s" % row[0]) + store.query(
        "SELECT external_id, version, outcome, received_at FROM raw_records WHERE run_id = %s" % row[0]) + store.query(
        "SELECT message FROM run_notes WHERE run_id = %s" % row[0]) for row in wrong[:3]]
    assert not wrong, "runs that stored something else than they say: %s: %s" % (wrong[:5], details)
    opened = store.query("SELECT id, cart, job, worker FROM runs WHERE state = 'open' AND job = 'sync'")
    assert not opened, "runs that nobody ended: %s" % opened[:5]
    return ", ".join("%s %s %s" % (n, job, state) for job, state, n in store.query(
        "SELECT job, state, count(*) FROM runs GROUP BY job, state ORDER BY job, state"))


def check_single_flight(store):
    """Runs of one cart that ended well in different processes never lie over each other."""
    last = {}
    for cart, worker, began, ended, number in store.query(
            "SELECT cart, worker, started_at, ended_at, id FROM runs WHERE state = 'done' AND cart <> '' "
            "ORDER BY cart, started_at, id"):
        before = last.get(cart)
        assert before is None or before[0] == worker or before[1] <= began, \
            "runs %s and %s of %s were made at the same time by %s and %s" % (before[2], number, cart, before[0], worker)
        if before is None or ended > before[1]:
            last[cart] = (worker, ended, number)


def check_shops(report, minutes):
    """The shops saw nothing that they should not have seen, and the test was a test."""
    assert report["requests with a wrong key"] == "0", report
    assert report["requests that make no sense"] == "0", report
    idle = [what for what, times in report.items() if what.startswith("times ") and times == "0"]
    assert len(idle) <= 2 or minutes < 30, "faults that never happened: %s" % idle


def check_secrets(soak):
    """The keys of the carts stand in the file `secrets` alone."""
    canary, size = b"canary-%d-of" % soak.seed, 0
    for folder, _, names in os.walk(soak.folder):
        for name in names:
            if name == "secrets" or name.startswith("store.db"):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                text = file.read()
            assert canary not in text, "a secret stands in the file %s" % name
            size += len(text)
    for part in soak.store.dump():
        assert canary not in part, "a secret stands in the store"
        size += len(part)
    return size
