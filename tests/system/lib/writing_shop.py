"""A PrestaShop that is told things, strict where the real one is: PUT replaces, what it computes is refused, a state
comes by its history. `shop.effects` are its books: every change that took effect, in order, and `shop.mails` what buyers
were written. Faults: shop.spoil(method, resource) is asked at each request that writes, and returns None or one of
"refuse" (500, nothing done), "fail after" (500, done), "lose" (done, no answer), "drop" (no answer, nothing done), "late"
(no answer, and done a second later), "slow down" (429), "away" (503).
"""
import re
import socket
import threading
import urllib.parse
import xml.etree.ElementTree as tree

from fake_shop import Answer, Record, Shop, error_of_the_shop, stamp

REQUIRED = {
    "stock_availables": {"id_product", "id_product_attribute", "quantity", "depends_on_stock", "out_of_stock"},
    "order_carriers": {"id_order", "id_carrier"},
    "order_histories": {"id_order", "id_order_state"},
    "customers": {"lastname", "firstname", "email", "passwd"},
    "products": {"price"},
    "combinations": {"id_product", "minimal_quantity"},
}
REFUSED = {"products": {"manufacturer_name", "quantity"}}
COMPUTED = {"products": {"position_in_category", "type", *REFUSED["products"]}}
DEFAULTS = {
    "customers": {"id_default_group": "3", "is_guest": "0", "active": "0", "deleted": "0", "date_add": "", "date_upd": ""},
    "products": {"state": "0", "active": "0", "type": "simple", "position_in_category": "0", "quantity": "0",
                 "date_add": "", "date_upd": ""},
}
MAKES = {"order_histories", "customers", "products"}


def broken(connection):
    connection.shutdown(socket.SHUT_RDWR)


class WritingShop(Shop):
    """Every order has a parcel's row; `patches` tells whether it is 8.0 or newer."""

    def __init__(self, seed=1, patches=True, **how):
        self.patches = patches
        self.effects, self.mails = [], []
        self.spoil = lambda method, resource: None
        super().__init__(seed, **how)
        self.tables.setdefault("order_carriers", {})
        self.tables["order_histories"] = {}
        for row in self.tables["stock_availables"].values():
            row["depends_on_stock"], row["out_of_stock"] = "0", "2"
        for product in self.tables["products"].values():
            product["position_in_category"], product["quantity"], product["ean13"] = "0", "0", ""
        for customer in self.tables["customers"].values():
            customer["passwd"] = "$2y$10$hash-of-%s" % customer["id"]

    def add_order(self, date_upd=None):
        order = super().add_order(date_upd)
        self._add("order_carriers", "order_carrier", id_order=order["id"], id_carrier="1", id_order_invoice="0",
                  weight="0.300000", shipping_cost_tax_excl="4.990000", shipping_cost_tax_incl="5.990000",
                  tracking_number="", date_add=stamp(self.clock))
        return order

    def add_combination(self, product, reference, price="0.000000", quantity=0):
        """A variant of the product, with its stock row; the product's own row is the sum from now on."""
        product["cache_default_attribute"] = "1"
        made = self._add("combinations", "combination", id_product=product["id"], reference=reference, ean13="", upc="",
                         price=price, weight="0.000000", minimal_quantity="1")
        self._add_stock(product["id"], made["id"], quantity)
        return made

    def _add_stock(self, product, combination, quantity=0, id_shop="1"):
        return self._add("stock_availables", "stock_available", id_product=product, id_product_attribute=combination,
                         id_shop=id_shop, quantity=quantity, depends_on_stock="0", out_of_stock="2")

    def add_shop(self, number):
        """Another shop of a multistore, with stock rows of its own."""
        for row in list(self.tables["stock_availables"].values()):
            self._add_stock(row["id_product"], row["id_product_attribute"], id_shop=number)

    def add_state(self, name, template="", **flags):
        """The number of a new order state."""
        return self._add("order_states", "order_state", **{
            "name": [name], "template": [template], "send_email": "0", "paid": "1", "shipped": "0", "delivery": "0",
            "deleted": "0", **flags})["id"]

    def _make_constants(self):
        super()._make_constants()
        for state in self.tables["order_states"].values():
            state["deleted"] = "0"
        for language in self.tables["languages"].values():
            language["active"] = "1"

    def _root(self):
        rights = 'get="true" put="true" post="true"' + (' patch="true"' if self.patches else "")
        names = "".join("<%s %s/>" % (name, rights) for name in self.tables)
        version = "8.1.5" if self.patches else "1.6.1.22"
        return Answer(body="<prestashop><api>%s</api></prestashop>" % names, headers=[("PSWS-Version", version)])

    # Changing the books -----------------------------------------------------------------------------------------------

    def write(self, method, target, body):
        address = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(address.query))
        resource, _, number = address.path.removeprefix("/api/").partition("/")
        with self.lock:
            self.requests.append((method + " " + resource, query))
            fault = self.spoil(method, resource)
            if fault == "refuse":
                return Answer(500, error_of_the_shop(46, "it could not be saved"))
            if fault == "slow down":
                return Answer(429, "slow down", headers=[("Retry-After", "1")])
            if fault == "away":
                return Answer(503, "<html>maintenance</html>")
            if fault == "drop":
                return Answer(send=broken)
            if fault == "late":
                threading.Timer(1, self._later, (method, resource, number, body, query)).start()
                return Answer(send=broken)
            answer = self._carry_out(method, resource, number, body, query)
            if fault == "fail after" and answer.status < 300:
                return Answer(500, error_of_the_shop(8, "[PHP Notice #8] behind the change"))
            return Answer(send=broken) if fault == "lose" else answer

    def _later(self, *request):
        with self.lock:
            self._carry_out(*request)

    def _carry_out(self, method, resource, number, body, query):
        if method == "PATCH" and not self.patches or method == "DELETE":
            return Answer(405, error_of_the_shop(25, "Method %s is not valid" % method))
        if method == "POST" and resource not in MAKES:
            return Answer(405, error_of_the_shop(25, "%s are made with their product" % resource))
        answers = [self._one(method, resource, element, query) for element in tree.fromstring(body)]
        refused = [answer for answer in answers if answer.status >= 300]
        if refused or len(answers) == 1:
            return (refused or answers)[0]
        records = b"".join(re.search(rb"<prestashop>(.*)</prestashop>", answer.body, re.S)[1] for answer in answers)
        return Answer(200, b"<prestashop><%s>%s</%s></prestashop>" % (resource.encode(), records, resource.encode()))

    def _one(self, method, resource, element, query):
        fields = {field.tag: self._value(field) for field in element}
        if REFUSED.get(resource, set()) & set(fields):
            return Answer(400, error_of_the_shop(93, "a parameter is not writable"))
        if method == "POST":
            return self._make(resource, element.tag, fields, query)
        return self._change(method, resource, fields, query)

    def _value(self, field):
        languages = field.findall("language")
        return [language.text or "" for language in languages] if languages else (field.text or "")

    def _missing(self, resource, fields):
        missing = sorted(REQUIRED.get(resource, set()) - set(fields))
        return missing and Answer(400, error_of_the_shop(41, "parameter %s is required" % missing[0]))

    def _make(self, resource, element, fields, query):
        if "id" in fields:
            return Answer(400, error_of_the_shop(91, "id is forbidden when adding"))
        refused = self._missing(resource, fields)
        if refused:
            return refused
        made = self._add(resource, element, **{**DEFAULTS.get(resource, {}), **fields})
        if resource == "order_histories":
            order = self.tables["orders"][int(fields["id_order"])]
            order["current_state"], order["date_upd"] = fields["id_order_state"], self._tick()
        if resource == "products":
            self._add_stock(made["id"], "0")
        return self._done(201, "make", resource, made, fields, query)

    def _change(self, method, resource, fields, query):
        if "id" not in fields:
            return Answer(400, error_of_the_shop(90, "id is required when modifying"))
        record = self.tables[resource].get(int(fields["id"]))
        if record is None:
            return Answer(404, error_of_the_shop(92, "invalid id"))
        refused = method == "PUT" and self._missing(resource, fields)
        if refused:
            return refused
        changes = {}
        for name in set(record.fields) - COMPUTED.get(resource, set()) - {"id"}:
            replaced = fields.get(name, record.fields[name] if method == "PATCH" else "")
            if str(record.fields[name]) != str(replaced):
                changes[name] = replaced
                record[name] = replaced
        return self._done(200, "change", resource, record, changes, query)

    def _done(self, status, what, resource, record, fields, query):
        self.effects.append((what, resource, int(record["id"]), fields))
        if query.get("sendemail") == "1":
            self.mails.append((resource, fields))
        body = b'<?xml version="1.0" encoding="UTF-8"?>\n<prestashop>\n%s\n</prestashop>\n' % record.xml()
        return Answer(status, body)
