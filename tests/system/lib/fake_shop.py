"""A PrestaShop with books: what it holds is known, what it answers can be spoilt.

Shop(seed, orders=...) makes a shop; shop.open() serves it on a free port of the loopback. `shop.tables` are its books:
tests change them while it runs, and compare a store with them, never with what the program says about itself.
Faults: shop.fail(resource, answer) answers requests for that resource so, for ever or a number of times; shop.arrange
changes lists before they are cut into pages; record.spoil changes the bytes of one record.
"""
import datetime
import http.server
import itertools
import random
import re
import socket
import threading
import urllib.parse
from decimal import Decimal

KEY = "SYSTEMTESTKEYSYSTEMTESTKEY000000"
ZERO_DATE = "0000-00-00 00:00:00"
LONG_AGO = datetime.datetime(2024, 3, 1, 8, 0, 0)


def stamp(moment):
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def seconds_ago(seconds):
    return stamp(datetime.datetime.utcnow() - datetime.timedelta(seconds=seconds))


def text_of(value):
    return "<![CDATA[%s]]>" % value if value != "" else ""


class Record:
    """One record of the books: fields in order, and for orders their rows."""

    def __init__(self, element, **fields):
        self.element, self.fields, self.rows, self.spoil = element, fields, None, None

    def __getitem__(self, name):
        return str(self.fields[name])

    def __setitem__(self, name, value):
        self.fields[name] = value

    def _rows_xml(self):
        rows = "".join(
            "<order_row>%s</order_row>" % "".join("<%s>%s</%s>" % (n, text_of(v), n) for n, v in row.items())
            for row in self.rows)
        return '<associations><order_rows nodeType="order_row">%s</order_rows></associations>' % rows

    def xml(self, wanted=None):
        """The element's bytes as the shop writes them; `wanted` names fields, None means all."""
        parts = []
        for name, value in self.fields.items():
            if wanted is not None and name not in wanted:
                continue
            if isinstance(value, list):  # a field in several languages
                value = "".join('<language id="%d">%s</language>' % (i + 1, text_of(v)) for i, v in enumerate(value))
                parts.append("<%s>%s</%s>" % (name, value, name))
            else:
                parts.append("<%s>%s</%s>" % (name, text_of(value), name))
        if self.rows is not None and wanted is None:
            parts.append(self._rows_xml())
        made = ("<%s>\n%s\n</%s>" % (self.element, "\n".join(parts), self.element)).encode()
        return self.spoil(made) if self.spoil else made


class Answer:
    """What goes back on the wire. `send(socket)` instead of a body takes the connection into its own hands."""

    def __init__(self, status=200, body=b"", headers=(), send=None):
        self.status, self.headers, self.send = status, list(headers), send
        self.body = body if isinstance(body, bytes) else body.encode()

    def head(self, length):
        lines = ["HTTP/1.1 %d Answer" % self.status,
                 "Connection: close" if length is None else "Content-Length: %d" % length]
        names = [name.lower() for name, _ in self.headers]
        if "content-type" not in names:
            lines.append("Content-Type: text/xml;charset=utf-8")
        lines += ["%s: %s" % pair for pair in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Fault:
    def __init__(self, resource, answer, times, when):
        self.resource, self.answer, self.left, self.when = resource, answer, times, when

    def takes(self, resource, query):
        if resource != self.resource or self.left == 0 or (self.when and not self.when(query)):
            return False
        if self.left is not None:
            self.left -= 1
        return True


def read_filter(wanted):
    """What a filter takes, as the real one reads it: [TEXT]% a beginning, [A,B] of digits an interval, [A|B] a list; all
    without case."""
    wanted = wanted.lower()
    if wanted.endswith("]%"):
        return lambda text: text.lower().startswith(wanted[1:-2])
    between = re.fullmatch(r"\[([\d.:\s-]+),([\d.:\s-]+)\]", wanted)
    if between:
        return lambda text: between[1] <= text <= between[2]
    texts = set(wanted[1:-1].split("|"))
    return lambda text: text.lower() in texts


class Shop:
    def __init__(self, seed=1, orders=0, customers=20, products=8, first_stamp=LONG_AGO):
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.faults, self.arrange = [], None
        self.before = None          # called with (resource, query) before a request is answered
        self.requests = []          # (resource, query) of every request, in order
        self.asked = threading.Condition()
        self.ledger = {}            # id of an order -> the bytes of every version ever listed, in order
        self.clock = first_stamp
        self.tables = {}
        self._make_constants()
        for _ in range(products):
            self._add_product()
        for _ in range(customers):
            self.add_customer()
        for _ in range(orders):
            self.add_order()

    # The books --------------------------------------------------------------------------------------------------------

    def _add(self, resource, element, **fields):
        table = self.tables.setdefault(resource, {})
        number = max(table, default=0) + 1
        table[number] = Record(element, id=number, **fields)
        return table[number]

    def _make_constants(self):
        for code in ("FR", "DE"):
            self._add("countries", "country", iso_code=code)
        self._add("states", "state", iso_code="")
        self._add("currencies", "currency", iso_code="EUR", conversion_rate="1")
        self._add("languages", "language", iso_code="fr")
        for name, template, flags in (("Paid", "payment", "paid"), ("Sent", "shipped", "paid shipped"),
                                      ("Cheque", "cheque", "")):
            self._add("order_states", "order_state", name=[name], template=[template], send_email="1",
                      paid=int("paid" in flags), shipped=int("shipped" in flags), delivery="0")
        self._add("carriers", "carrier", id_reference="1", name="Post")
        for resource in ("order_cart_rules", "order_payments", "addresses", "customers", "products", "combinations",
                         "product_option_values", "stock_availables", "orders"):
            self.tables[resource] = {}

    def _tick(self):
        self.clock += datetime.timedelta(seconds=self.random.randint(1, 90))
        return stamp(self.clock)

    def _add_product(self):
        price = Decimal(self.random.randint(100, 9999)).scaleb(-2)
        product = self._add("products", "product", reference="", name=["Thing"], description=["A thing"], price=price,
                            state="1", active="1", type="simple", date_add=self._tick(), date_upd=stamp(self.clock))
        product["reference"] = "SKU-%s" % product["id"]
        self._add("stock_availables", "stock_available", id_product=product["id"], id_product_attribute="0",
                  id_shop="1", quantity=self.random.randint(-3, 500))

    def add_customer(self):
        customer = self._add("customers", "customer", id_default_group="3", id_lang="1", lastname="Müller",
                             firstname="Zoë", email="", company="", siret="", note="", is_guest="0", active="1",
                             deleted="0", date_add=self._tick(), date_upd=stamp(self.clock))
        customer["email"] = "buyer%s@example.com" % customer["id"]
        for _ in range(self.random.randint(1, 2)):
            self._add("addresses", "address", id_customer=customer["id"], id_country=self.random.randint(1, 2),
                      id_state="0", lastname="Müller", firstname="Zoë", company="", vat_number="",
                      address1="%d rue du Port" % self.random.randint(1, 99), address2="", postcode="44000",
                      city="Nantes", phone="0200000000", phone_mobile="", other="", deleted="0")
        return customer

    def add_order(self, date_upd=None):
        """An order whose sums are right: rows, sometimes a discount, shipping, a payment."""
        with self.lock:
            pick = self.random
            customer = pick.choice(list(self.tables["customers"].values()))
            address = next(a for a in self.tables["addresses"].values() if a["id_customer"] == customer["id"])
            now = date_upd or self._tick()
            rows = [self._row(n) for n in range(1, pick.randint(1, 4) + 1)]
            goods = sum(Decimal(row["unit_price_tax_incl"]) * row["product_quantity"] for row in rows)
            discount = (goods / 10).quantize(Decimal("0.01")) if pick.random() < 0.4 else Decimal("0.00")
            shipping = Decimal(pick.choice(["0.00", "4.90", "12.00"]))
            total = goods - discount + shipping
            order = self._add(
                "orders", "order", id_address_delivery=address["id"], id_address_invoice=address["id"],
                id_currency="1", id_lang="1", id_customer=customer["id"], id_carrier="1",
                current_state=pick.randint(1, 3), module="ps_checkpayment", invoice_number="0", date_add=now,
                date_upd=now, shipping_number="", note="", id_shop="1", payment="Chèque", gift_message="",
                total_discounts_tax_incl=discount, total_paid_tax_incl=total, total_paid_tax_excl=total,
                total_paid_real=total, total_products_wt=goods, total_shipping_tax_incl=shipping,
                total_wrapping_tax_incl="0.000000", round_mode="2", round_type="2", reference="")
            order["reference"] = "REF%06d" % int(order["id"])
            order.rows = rows
            if discount:
                self._add("order_cart_rules", "order_cart_rule", id_order=order["id"], name="Spring", value=discount,
                          value_tax_excl=discount)
            self._add("order_payments", "order_payment", order_reference=order["reference"], amount=total,
                      payment_method="Chèque", transaction_id="T%s" % order["id"], date_add=now)
            return order

    def _row(self, number):
        product = self.random.choice(list(self.tables["products"].values()))
        return {"id": number, "product_id": product["id"], "product_attribute_id": 0,
                "product_quantity": self.random.randint(1, 5), "product_name": "Thing & <more>",
                "product_reference": product["reference"], "unit_price_tax_incl": product["price"]}

    def change_order(self, number, date_upd):
        """A person edits the order: a note, and the time of change."""
        with self.lock:
            order = self.tables["orders"][number]
            order["note"] = "changed %d" % self.random.randint(1, 10**9)
            order["date_upd"] = date_upd

    @property
    def orders(self):
        return self.tables["orders"]

    # Answering --------------------------------------------------------------------------------------------------------

    def fail(self, resource, answer, times=None, when=None):
        """Answers the next `times` requests for `resource` (None: all) that `when(query)` is true of with `answer`."""
        self.faults.append(Fault(resource, answer, times, when))

    def heal(self):
        self.faults, self.arrange = [], None

    def _listed(self, resource, query):
        records = list(self.tables[resource].values())
        for name, wanted in query.items():
            field = re.fullmatch(r"filter\[(\w+)\]", name)
            if not field:
                continue
            takes = read_filter(wanted)
            records = [r for r in records if takes(r[field[1]])]
        if self.arrange:
            records = self.arrange(resource, records)
        if "limit" in query:
            offset, size = map(int, query["limit"].split(","))
            records = records[offset:offset + size]
        return records

    def page(self, resource, query):
        wanted = None
        if query.get("display", "full") != "full":
            wanted = set(re.findall(r"\w+", query["display"]))
        elements = []
        for record in self._listed(resource, query):
            elements.append(record.xml(wanted))
            if resource == "orders" and wanted is None:
                versions = self.ledger.setdefault(record["id"], [])
                if elements[-1] not in versions:
                    versions.append(elements[-1])
        return Answer(body=b'<?xml version="1.0" encoding="UTF-8"?>\n<prestashop>\n<%s>\n%s\n</%s>\n</prestashop>\n' % (
            resource.encode(), b"\n".join(elements), resource.encode()))

    def _root(self):
        names = "".join('<%s get="true"/>' % name for name in self.tables)
        return Answer(body="<prestashop><api>%s</api></prestashop>" % names, headers=[("PSWS-Version", "8.1.5")])

    def answer(self, target):
        address = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(address.query))
        resource = address.path.removeprefix("/api/")
        with self.asked:
            self.requests.append((resource, query))
            self.asked.notify_all()
        if self.before:
            self.before(resource, query)
        with self.lock:
            for fault in self.faults:
                if fault.takes(resource, query):
                    return fault.answer(self, resource, query) if callable(fault.answer) else fault.answer
            if resource == "":
                return self._root()
            if resource not in self.tables:
                return Answer(404, "<prestashop><errors/></prestashop>")
            return self.page(resource, query)

    def wait_for_requests(self, count, timeout):
        """Returns when `count` requests were made since the shop opened, or the time is over."""
        with self.asked:
            self.asked.wait_for(lambda: len(self.requests) >= count, timeout)

    def write(self, method, target, body):
        """Answers a request that would change the books: this shop is only read; writing_shop.py has another."""
        return Answer(405, error_of_the_shop(25, "Method %s is not valid" % method))

    # Serving ----------------------------------------------------------------------------------------------------------

    def open(self):
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                self.send(shop.answer(self.path))

            def write(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send(shop.write(self.command, self.path, body))

            do_PUT = do_POST = do_PATCH = do_DELETE = write

            def send(self, answer):
                try:
                    if answer.send:
                        answer.send(self.connection)
                        self.close_connection = True
                    else:
                        self.wfile.write(answer.head(len(answer.body)) + answer.body)
                except OSError:  # the other side was killed or had enough
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def error_of_the_shop(code, message="it says why"):
    return ("<prestashop><errors><error><code>%s</code><message>%s</message></error></errors></prestashop>"
            % (code, message))


def endless(piece, pause=0.0, head=b""):
    """An answer that never ends: `head` of its body, then `piece` again and again."""
    def send(connection):
        connection.sendall(Answer().head(None) + head)
        for _ in itertools.count():
            connection.sendall(piece)
            if pause:
                threading.Event().wait(pause)
    return Answer(send=send)


def cut(body, keep):
    """A connection that breaks after `keep` bytes of the body."""
    def send(connection):
        connection.sendall(Answer().head(len(body)) + body[:keep])
        connection.shutdown(socket.SHUT_RDWR)
    return Answer(send=send)
