"""An EverShop of our own: its catalog, its shoppers, its staff, and what stands in its books, all through its APIs."""
import itertools
import os
import shutil
from decimal import Decimal

from live_shop import CONOR, LUKASZ, TARO, ZOE, LiveShop

EMAIL, PASSWORD = "admin@example.test", "admin-pw-1"

# name, SKU, price, tax, pieces, size of the shirts, whether stock is kept of it
CATALOG = [("T-shirt “Größe” S", "TS-S", "19.90", "standard", 50, "S", True),
           ("T-shirt “Größe” M", "TS-M", "19.90", "standard", 55, "M", True),
           ("T-shirt “Größe” L", "TS-L", "21.90", "standard", 5, "L", True),
           ("Żurek in a jar, 1 kg", "ZUREK-1000", "8.99", "reduced", 150, None, True),
           ("抹茶 Matcha", "MATCHA/80", "24.99", "reduced", 50, None, True),
           ("Gift card ½", "GIFT-½", "8.33", "standard", 0, None, False)]
RATES = {"standard": {"DE": 19, "PL": 23, "IE": 23}, "reduced": {"DE": 7, "PL": 8, "IE": 9}}


def address(person):
    return {"full_name": "%(first)s %(last)s" % person, "telephone": person["phone"], "address_1": person["street"],
            "address_2": person["street2"], "city": person["city"], "province": person["province"],
            "country": person["country"], "postcode": person["zip"]}


def eq(key, value):
    return {"key": key, "operation": "eq", "value": value}


class EverShop(LiveShop):
    name = "evershop"
    is_up = "/up.txt"  # a static file of ours: pages need a build that the APIs do not
    addresses = itertools.count(1)

    def command(self):
        return [os.path.join(self.folder, "node_modules/@evershop/evershop/dist/bin/evershop.js"), "start"]

    def environment(self):
        password, rest = self.database_url.split("://shop:")[1].split("@")
        return {"DB_HOST": "127.0.0.1", "DB_PORT": rest.split(":")[1].split("/")[0], "DB_NAME": self.database,
                "DB_USER": "shop", "DB_PASSWORD": password, "DB_SSLMODE": "disable", "SUPPRESS_NO_CONFIG_WARNING": "1",
                "JWT_ADMIN_SECRET": "a", "JWT_ADMIN_REFRESH_SECRET": "b", "JWT_CUSTOMER_SECRET": "c",
                "JWT_CUSTOMER_REFRESH_SECRET": "d", "JWT_ADMIN_TOKEN_EXPIRY": "15m"}

    def from_somewhere(self):
        """The shop counts requests by address, and believes this header: each call has a quota of its own."""
        number = next(self.addresses)
        return {"X-Forwarded-For": "127.%d.%d.%d" % (2 + number // 65025, number // 255 % 255, number % 255)}

    def ask(self, query, **variables):
        body = {"query": query, "variables": variables}
        return self.call("POST", "/api/admin/graphql", body, {**self.from_somewhere(), **self.staff})[0]["data"]

    def post(self, path, body, method="POST"):
        return self.call(method, "/api" + path, body, {**self.from_somewhere(), **self.staff})[0]["data"]

    def log_in(self):
        answer = self.call("POST", "/api/user/tokens", {"email": EMAIL, "password": PASSWORD}, self.from_somewhere())[0]
        self.staff = {"Authorization": "Bearer " + answer["data"]["accessToken"]}

    # Setting up -------------------------------------------------------------------------------------------------------

    def open(self):
        for folder in ("config", "media", "public"):
            os.makedirs(os.path.join(self.folder, folder))
        shutil.move(os.path.join(self.folder, "config.json"), os.path.join(self.folder, "config/default.json"))
        with open(os.path.join(self.folder, "public/up.txt"), "w") as up:
            up.write("up\n")
        self.start()
        self.node(self.command()[0], "user:create", "--name", "Admin", "--email", EMAIL, "--password", PASSWORD)
        self.log_in()
        self._set_up_shop()
        self._set_up_catalog()
        return self

    def _set_up_shop(self):
        self.post("/settings", {"storeName": "Żółw & Größe", "storeCurrency": "EUR", "storeCountry": "DE",
                                "storeTimeZone": "UTC", "weightUnit": "kg", "codPaymentStatus": 1,
                                "codDisplayName": "Cash on delivery", "allowGuestCheckout": 1})
        zone = self.post("/shippingZones", {"name": "Everywhere", "countries": ["DE", "PL", "IE", "JP"]})["uuid"]
        for name, cost in (("Standard parcel", "4.90"), ("Express – next day", "12.90")):
            method = self.post("/shippingProviders/core/methods", {"name": name, "is_enabled": True})["uuid"]
            self.post("/shippingProviders/core/rates", {"method_id": method, "zone_id": zone, "is_enabled": True,
                                                        "cost": cost})
        self.taxes = {}
        for name, rates in RATES.items():
            made = self.post("/tax/classes", {"name": name})
            self.taxes[name] = made.get("tax_class_id") or made["insertId"]
            for priority, (country, rate) in enumerate(rates.items()):
                self.post("/tax/classes/%s/rates" % made["uuid"], {
                    "name": "VAT " + country, "country": country, "province": "*", "postcode": "*", "rate": rate,
                    "is_compound": 0, "priority": priority})
        self.post("/coupons", {"coupon": "TEN", "status": 1, "description": "10 % off the order",
                               "discount_amount": "10", "discount_type": "percentage_discount_to_entire_order",
                               "condition": {"order_total": "", "order_qty": "", "required_products": []},
                               "user_condition": {"groups": [], "emails": []}})

    def _set_up_catalog(self):
        package = self.ask("{packages{packageId}}")["packages"][0]["packageId"]
        self.post("/attributes", {
            "attribute_name": "Size", "attribute_code": "shirt_size", "type": "select", "is_required": 0,
            "display_on_frontend": 1, "is_filterable": 1, "sort_order": 1, "groups": [1],
            "options": [{"option_text": size} for size in "SML"]})
        found = self.ask("query($f:[FilterInput]){attributes(filters:$f){items{attributeCode options{attributeOptionId "
                         "optionText}}}}", f=[eq("code", "shirt_size")])["attributes"]["items"]
        sizes = {option["optionText"]: str(option["attributeOptionId"]) for attribute in found
                 if attribute["attributeCode"] == "shirt_size" for option in attribute["options"]}
        shirts = self.post("/variantGroups", {"attribute_codes": ["shirt_size"], "attribute_group_id": 1})["uuid"]
        self.products = {}
        for name, sku, price, tax, pieces, size, is_kept in CATALOG:
            made = self.post("/products", {
                "name": name, "sku": sku, "price": price, "weight": "0.25", "qty": str(pieces), "status": 1,
                "visibility": 1, "group_id": "1", "url_key": "p-" + sku.encode().hex(),
                "tax_class": str(self.taxes[tax]),
                "manage_stock": int(is_kept), "stock_availability": 1, "no_shipping_required": int(not is_kept),
                "package_id": package, "description": [], "images": [],
                "attributes": [{"attribute_code": "shirt_size", "value": sizes[size]}] if size else []})
            self.products[sku] = made.get("product_id") or made["insertId"]
            if size:
                self.post("/variantGroups/%s/items" % shirts, {"product_id": made["uuid"]})

    # Ordering ---------------------------------------------------------------------------------------------------------

    def order(self, person, *items, coupon=None, shipping="Standard parcel", bill=None, note=None, known=False):
        """An order as a shopper places it; its id. items: (SKU, quantity)."""
        headers = self.from_somewhere()
        if known:
            headers.update(self._register(person))
        full_name = "%(first)s %(last)s" % person
        cart = self.call("POST", "/api/carts", {
            "customer_full_name": full_name, "customer_email": person["email"],
            "items": [{"sku": sku, "qty": quantity} for sku, quantity in items]}, headers)[0]["data"]["cartId"]
        self.call("POST", "/api/carts/%s/addresses" % cart, {"type": "shipping", "address": address(person)}, headers)
        if coupon:
            self.call("POST", "/api/carts/%s/coupons" % cart, {"coupon": coupon}, headers)
        methods = self.call("POST", "/api/graphql", {
            "query": "query($id:String!){cart(id:$id){availableShippingMethods{code name providerCode}}}",
            "variables": {"id": cart}}, headers)[0]["data"]["cart"]["availableShippingMethods"]
        method = next(method for method in methods if method["name"] == shipping)
        done = self.call("POST", "/api/carts/%s/checkout" % cart, {
            "cart_id": cart, "customer": {"email": person["email"], "fullName": full_name}, "paymentMethod": "cod",
            "shippingAddress": address(person), "billingAddress": address(bill or person), "note": note,
            "shippingMethod": method["code"], "shippingProvider": method["providerCode"]}, headers)[0]["data"]
        return self.id_of(done["order_number"])

    def _register(self, person):
        """The headers of somebody who has logged in."""
        self.call("POST", "/api/customers", {"full_name": "%(first)s %(last)s" % person, "email": person["email"],
                                             "password": person["password"], "status": 1, "group_id": 1},
                  self.from_somewhere())
        token = self.call("POST", "/api/customer/tokens", {"email": person["email"], "password": person["password"]},
                          self.from_somewhere())[0]["data"]["accessToken"]
        return {"Authorization": "Bearer " + token}

    def id_of(self, number):
        found = self.ask("query($f:[FilterInput]){orders(filters:$f){items{uuid orderNumber}}}",
                         f=[eq("number", number)])
        (order,) = found["orders"]["items"]
        assert order["orderNumber"] == number
        return order["uuid"]

    def place_samples(self):
        """Four orders, and a cart that is never checked out."""
        first = self.order(LUKASZ, ("TS-M", 2))
        second = self.order(ZOE, ("TS-S", 1), ("ZUREK-1000", 3), ("MATCHA/80", 1), known=True, coupon="TEN",
                            shipping="Express – next day", note="Bitte klingeln bei „Müller“ & Co.")
        third = self.order(TARO, ("MATCHA/80", 2), ("GIFT-½", 1), shipping="Express – next day")
        fourth = self.order(CONOR, ("ZUREK-1000", 7), bill=LUKASZ)
        self.call("POST", "/api/carts", {"customer_full_name": "x", "customer_email": "x@example.test",
                                         "items": [{"sku": "TS-L", "qty": 1}]}, self.from_somewhere())
        return [first, second, third, fourth]

    # The books --------------------------------------------------------------------------------------------------------

    def books(self):
        """What was ordered, by the shop's own reckoning."""
        found = self.ask("query($f:[FilterInput]){orders(filters:$f){items{uuid orderNumber currency customerEmail "
                         "grandTotal{value} items{productSku qty}}}}", f=[eq("page", "1"), eq("limit", "1000")])
        return {order["uuid"]: {"number": order["orderNumber"], "total": Decimal(str(order["grandTotal"]["value"])),
                                "currency": order["currency"], "email": order["customerEmail"],
                                "lines": {item["productSku"]: item["qty"] for item in order["items"]}}
                for order in found["orders"]["items"]}

    def order_of(self, order_id):
        return self.ask("query($u:String!){order(uuid:$u){uuid status{code} paymentStatus{code} shipmentStatus{code} "
                        "taxAmount{value} items{orderItemId productSku qty} shipments{uuid carrier trackingNumber status{"
                        "code} items{orderItemId qty}}}}", u=order_id)["order"]

    def parcels(self, order_id):
        order = self.order_of(order_id)
        skus = {int(item["orderItemId"]): item["productSku"] for item in order["items"]}
        return [(parcel["trackingNumber"], {skus[int(item["orderItemId"])]: item["qty"] for item in parcel["items"]})
                for parcel in order["shipments"] if parcel["status"]["code"] != "canceled"]

    def product_of(self, sku):
        return self.ask("query($id:ID){product(id:$id){sku taxClass description price{regular{value}} inventory{qty}}}",
                        id=self.products[sku])["product"]

    def sellable(self, sku):
        return self.product_of(sku)["inventory"]["qty"]

    def ship(self, order_id, tracking, quantities):
        """The staff sends a parcel by hand. quantities: {SKU: quantity}."""
        items = {item["productSku"]: int(item["orderItemId"]) for item in self.order_of(order_id)["items"]}
        self.post("/orders/%s/shipments" % order_id, {"carrier": "custom", "tracking_number": tracking, "items": [
            {"order_item_id": items[sku], "qty": quantity} for sku, quantity in quantities.items()]})
