"""What is checked of every live shop: its books against the store, and that nothing is lost or doubled while shop and
workers are killed. A shop has, beside what live_shop.py says:

  books()         {order's id: {"number", "total", "currency", "email", "lines": {SKU: quantity}}} by its own API
  sellable(SKU)   how much of it the shop would sell
  parcels(id)     [(tracking number, {SKU: quantity})] of an order, those called off left out
"""
import json
import os
import random
import time
from decimal import Decimal

from own_site import Site
from unattended import Run

# As shipped, without the limit to requests a second, and with the patience that a clock needs which runs fast.
PATIENT = """local shop = require("shipped.%s"):extend()
local usual = shop.http
shop.http = function(settings)
  local http = usual(settings)
  http.rate, http.burst, http.attempts, http.connect, http.stall, http.timeout = nil, nil, 3, 200, 600, 2400
  return http
end
%s
return shop
"""
SCALE = 20  # two minutes, after which the shop is asked about a lost answer, are six seconds


def open_site(shop, cart, secrets, settings="", script=""):
    site = Site(url=shop.url, cart=PATIENT % (cart, script), settings=settings, key=None)
    for name, value in secrets.items():
        result = site.run("secret", "shop", name, stdin=value.encode() + b"\n")
        assert result.code == 0, result
    return site


def must(site, *arguments, **options):
    result = site.run(*arguments, **options)
    assert result.code == 0, result
    return result


def put(site, kind, *fields, **options):
    return must(site, "put", kind, *fields, "--reason", "test", **options)


def level(site, sku, quantity, **options):
    put(site, "stock_level", "sku=" + sku, "warehouse=MAIN", "quantity=%d" % quantity, **options)


def put_shipment(site, number, order_id, tracking, lines=None, **options):
    """lines: {SKU: quantity}; without, the whole order."""
    if lines is None:
        return put(site, "shipment", "number=" + number, "order_cart=shop", "order_id=" + order_id, "carrier=DHL",
                   "tracking_number=" + tracking, "confirmed=true", **options)
    rows = "".join("%s,shop,%s,DHL,%s,true,%s,%d\n" % (number, order_id, tracking, sku, quantity)
                   for sku, quantity in lines.items())
    file = site.write(number + ".csv", "number,order_cart,order_id,carrier,tracking_number,confirmed,lines.sku,"
                      "lines.quantity\n" + rows)
    return put(site, "shipment", file, **options)


def documents(site):
    """The orders of the store, in the form of the shop's books."""
    found = {}
    for key, number, total, currency, email in site.query(
            "SELECT external_id, number, total, currency, email FROM orders WHERE cart = 'shop'"):
        found[key] = {"number": number, "total": Decimal(total), "currency": currency, "email": email, "lines": {}}
    for key, sku, quantity in site.query("SELECT o.external_id, l.sku, l.quantity FROM order_lines l JOIN orders o "
                                         "ON o.id = l.order_id WHERE o.cart = 'shop'"):
        lines = found[key]["lines"]
        lines[sku] = lines.get(sku, 0) + int(Decimal(quantity))
    return found


def check_books(site, shop):
    """Every order of the shop is a document with the shop's own figures, and there is no other."""
    expected, actual = shop.books(), documents(site)
    assert set(expected) == set(actual), "orders %s of the shop, %s of the store; what waits: %s" % (
        sorted(expected), sorted(actual), site.query("SELECT external_id, state FROM staged_records"))
    for key, order in expected.items():
        assert order == actual[key], "order %s:\nthe shop %s\nthe store %s" % (key, order, actual[key])
    site.check_sound()


def unsettled(site):
    return site.query("SELECT stream, external_id, state, error FROM messages "
                      "WHERE state NOT IN ('sent', 'superseded')")


def tell(site, *streams, **options):
    for stream in streams:
        must(site, "sync", "shop", stream, **options)
    assert not unsettled(site), unsettled(site)


# The storm ------------------------------------------------------------------------------------------------------------

class Storm:
    """Shoppers order, levels and shipments are put, and meanwhile workers, their supervisor and the shop itself are
    killed. LIVE_SEED and LIVE_SECONDS change it."""

    def __init__(self, shop, site, order, skus, seconds=8, least_kills=2, is_whole=True):
        self.shop, self.site, self.order, self.skus, self.least_kills = shop, site, order, skus, least_kills
        self.is_whole = is_whole  # what the shop does it does in one transaction
        self.seed = int(os.environ.get("LIVE_SEED", "20261122"))
        self.seconds = float(os.environ.get("LIVE_SECONDS", seconds))
        self.pick = random.Random(self.seed)
        self.scale = {"CARTWRIGHT_TIME_SCALE": "%d@%d" % (SCALE, time.time())}
        self.levels, self.shipped, self.worker_kills, self.shop_kills = {}, {}, 0, 0

    def put_level(self):
        sku = self.pick.choice(self.skus)
        self.levels[sku] = self.pick.randint(50, 90)
        level(self.site, sku, self.levels[sku], environment=self.scale)

    def put_shipment(self):
        there = [key for key, in self.site.query("SELECT external_id FROM orders WHERE cart = 'shop' AND status NOT IN "
                                                 "('shipped', 'completed', 'cancelled')") if key not in self.shipped]
        if there:
            key = self.pick.choice(there)
            self.shipped[key] = "TN-%d" % (len(self.shipped) + 1)
            put_shipment(self.site, "S-%d" % len(self.shipped), key, self.shipped[key], environment=self.scale)

    def kill_worker(self, run):
        if self.pick.random() < 0.2:
            run.kill()
            run.start()
        else:
            for pid in run.workers().values():
                os.kill(pid, 9)
        self.worker_kills += 1
        self.site.run("start", "shop", environment=self.scale)  # a cart that ended its worker twice is stopped

    def kill_shop(self):
        self.shop.kill()
        time.sleep(self.pick.random())
        self.shop.start()
        self.shop_kills += 1

    def rage(self, run):
        ends = time.monotonic() + self.seconds
        acts = [self.order, self.order, self.put_level, self.put_level, self.put_shipment, self.put_shipment,
                lambda: self.kill_worker(run), lambda: self.kill_worker(run), self.kill_shop]
        while time.monotonic() < ends or not (self.shop_kills >= self.least_kills and self.worker_kills >= 2 and
                                              len(self.shipped) >= 2):
            self.pick.choice(acts)()
            time.sleep(self.pick.random() / 4)

    def is_quiet(self):
        """All that the shop has is here, and all that was put is there."""
        return not unsettled(self.site) and set(documents(self.site)) == set(self.shop.books())

    def come_to_rest(self, run):
        self.site.run("start", "shop", environment=self.scale)
        run.wait("all is here and told", self.is_quiet, 90)
        assert run.stop() == 0, run.said()

    def check(self):
        for command in (("orders",), ("stock_out",), ("shipments_out",)):
            must(self.site, "sync", "shop", *command, environment=self.scale)
        check_books(self.site, self.shop)
        books = self.shop.books()
        for key in books:
            parcels = self.shop.parcels(key)
            wanted = [(self.shipped[key], books[key]["lines"])] if key in self.shipped else []
            assert parcels == wanted, "parcels of order %s: %s instead of %s" % (key, parcels, wanted)
        for sku, quantity in self.levels.items():
            open_orders = sum(order["lines"].get(sku, 0) for key, order in books.items() if key not in self.shipped)
            sold = self.shop.sellable(sku)
            if sold != quantity - open_orders and not self.is_whole:
                must(self.site, "stock", "send", "shop", sku, "--reason", "the shop died", environment=self.scale)
                must(self.site, "sync", "shop", "stock_out", environment=self.scale)
                sold = self.shop.sellable(sku)
            assert sold == quantity - open_orders, "of %s the shop sells %s, of %d with %d in open orders" % (
                sku, sold, quantity, open_orders)

    def run(self):
        with Run(self.site, environment=self.scale) as run:
            run.wait_ready()
            self.rage(run)
            self.come_to_rest(run)
        self.check()
        states = dict(self.site.query("SELECT state, count(*) FROM messages GROUP BY state"))
        return "%d orders, %d shipments, the shop killed %d times, workers %d times, messages %s, seed %d" % (
            len(self.shop.books()), len(self.shipped), self.shop_kills, self.worker_kills, json.dumps(states),
            self.seed)
