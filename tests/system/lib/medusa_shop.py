"""A Medusa of our own: its catalog, its shoppers, its staff, and what stands in its books, all through its APIs."""
import base64
import os
import urllib.parse
from decimal import ROUND_HALF_UP, Decimal

from live_shop import CONOR, LUKASZ, TARO, ZOE, LiveShop

EMAIL, PASSWORD = "admin@example.test", "admin-pw-1"
COUNTRIES = {"de": 19, "pl": 23, "ie": 23, "jp": 0}

# title, option, [(its value, SKU, price, pieces in the north, in the south)]; None: no stock is kept
CATALOG = [
    ("T-shirt “Größe”", "Size", [("S", "TS-S", 19.9, 40, 10), ("M", "TS-M", 19.9, 40, 15), ("L", "TS-L", 21.9, 5, 0)]),
    ("Żurek in a jar", "Weight", [("500 g", "ZUREK-0500", 4.99, 200, 100), ("1 kg", "ZUREK-1000", 8.99, 100, 50)]),
    ("抹茶 Matcha", "Weight", [("80 g", "MATCHA/80", 24.99, 25, 25)]),
    ("Gift card ½", "Kind", [("Paper", "GIFT-½", 8.333, None, None)]),
]


def address(person):
    return {"first_name": person["first"], "last_name": person["last"], "company": person["company"],
            "phone": person["phone"], "address_1": person["street"], "address_2": person["street2"],
            "city": person["city"], "province": person["province"], "postal_code": person["zip"],
            "country_code": person["country"].lower()}


class MedusaShop(LiveShop):
    name = "medusa"
    is_up = "/health"

    def tool(self):
        return os.path.join(self.folder, "node_modules/@medusajs/cli/cli.js")

    def command(self):
        return [self.tool(), "start", "--host", "127.0.0.1", "--port", str(self.port)]

    def environment(self):
        return {"MEDUSA_DISABLE_TELEMETRY": "true"}

    def post(self, path, body):
        return self.call("POST", "/admin" + path, body, self.staff)[0]

    def get(self, path, **query):
        return self.call("GET", "/admin%s?%s" % (path, urllib.parse.urlencode(query, True)), None, self.staff)[0]

    # Setting up -------------------------------------------------------------------------------------------------------

    def open(self):
        os.makedirs(os.path.join(self.folder, "src"))
        self.node(self.tool(), "db:migrate")
        self.node(self.tool(), "user", "-e", EMAIL, "-p", PASSWORD)
        self.start()
        token = self.call("POST", "/auth/user/emailpass", {"email": EMAIL, "password": PASSWORD})[0]["token"]
        self.staff = {"Authorization": "Bearer " + token}
        self._set_up_shop()
        self._set_up_places()
        self._set_up_catalog()
        return self

    def _set_up_shop(self):
        store = self.get("/stores")["stores"][0]
        self.post("/stores/" + store["id"], {"name": "Żółw & Größe", "supported_currencies": [
            {"currency_code": "eur", "is_default": True}]})
        self.channel = store["default_sales_channel_id"]
        public = self.post("/api-keys", {"title": "shoppers", "type": "publishable"})["api_key"]
        self.post("/api-keys/%s/sales-channels" % public["id"], {"add": [self.channel]})
        self.shopper = {"x-publishable-api-key": public["token"]}
        self.key = self.post("/api-keys", {"title": "integration", "type": "secret"})["api_key"]["token"]
        self.staff = {"Authorization": "Basic " + base64.b64encode((self.key + ":").encode()).decode()}
        self.region = self.post("/regions", {
            "name": "Everywhere", "currency_code": "eur", "countries": list(COUNTRIES), "automatic_taxes": True,
            "payment_providers": ["pp_system_default"]})["region"]["id"]
        for country, rate in COUNTRIES.items():
            self.post("/tax-regions", {"country_code": country, "provider_id": "tp_system", "default_tax_rate": {
                "name": "VAT " + country, "code": "vat-" + country, "rate": rate}})
        self.post("/promotions", {"code": "TEN", "type": "standard", "status": "active", "is_automatic": False,
                                  "application_method": {"type": "percentage", "target_type": "order", "value": 10,
                                                         "currency_code": "eur"}})

    def _set_up_places(self):
        profiles = self.get("/shipping-profiles")["shipping_profiles"]
        self.profile = (profiles or [self.post("/shipping-profiles", {"name": "Default", "type": "default"})
                                     .get("shipping_profile")])[0]["id"]
        self.places = {}
        for name, country in (("North", "pl"), ("South", "de")):
            place = self.post("/stock-locations", {"name": name + " warehouse", "address": {
                "address_1": "Hafenstraße 1", "city": "Gdańsk", "country_code": country}})["stock_location"]["id"]
            self.post("/stock-locations/%s/sales-channels" % place, {"add": [self.channel]})
            self.post("/stock-locations/%s/fulfillment-providers" % place, {"add": ["manual_manual"]})
            self.places[name] = place
        self.north, self.south = self.places["North"], self.places["South"]
        made = self.post("/stock-locations/%s/fulfillment-sets?fields=*fulfillment_sets" % self.north,
                         {"name": "Parcels", "type": "shipping"})["stock_location"]["fulfillment_sets"][0]["id"]
        zone = self.post("/fulfillment-sets/%s/service-zones" % made, {"name": "Everywhere", "geo_zones": [
            {"type": "country", "country_code": country} for country in COUNTRIES]})["fulfillment_set"]
        for name, code, amount in (("Standard parcel", "standard", 4.9), ("Express – next day", "express", 12.9)):
            self.post("/shipping-options", {
                "name": name, "service_zone_id": zone["service_zones"][0]["id"], "shipping_profile_id": self.profile,
                "provider_id": "manual_manual", "price_type": "flat", "prices": [{"currency_code": "eur", "amount": amount}],
                "type": {"label": name, "description": name, "code": code},
                "rules": [{"attribute": "enabled_in_store", "operator": "eq", "value": "true"},
                          {"attribute": "is_return", "operator": "eq", "value": "false"}]})

    def _set_up_catalog(self):
        self.variants, self.items = {}, {}
        for title, option, rows in CATALOG:
            made = self.post("/products?fields=*variants,*variants.inventory_items", {
                "title": title, "handle": rows[0][1].lower().replace("½", "half").replace("/", "-"), "status": "published",
                "shipping_profile_id": self.profile, "sales_channels": [{"id": self.channel}],
                "options": [{"title": option, "values": [row[0] for row in rows]}],
                "variants": [{"title": "%s %s" % (title, value), "sku": sku, "manage_inventory": north is not None,
                              "options": {option: value}, "prices": [{"currency_code": "eur", "amount": price}]}
                             for value, sku, price, north, _ in rows]})["product"]
            for variant in made["variants"]:
                sku = variant["sku"]
                self.variants[sku] = (made["id"], variant["id"])
                north, south = next(row[3:] for row in rows if row[1] == sku)
                if north is None:
                    continue
                self.items[sku] = variant["inventory_items"][0]["inventory_item_id"]
                for place, pieces in ((self.north, north), (self.south, south)):
                    self.post("/inventory-items/%s/location-levels" % self.items[sku],
                              {"location_id": place, "stocked_quantity": pieces})

    # Ordering ---------------------------------------------------------------------------------------------------------

    def shop(self, path, body=None, headers=None):
        return self.call("GET" if body is None else "POST", "/store" + path, body,
                         {**self.shopper, **(headers or {})})[0]

    def order(self, person, *items, coupon=None, shipping="Standard parcel", bill=None, known=False):
        """An order as a shopper places it; its id. items: (SKU, quantity)."""
        headers = self._register(person) if known else {}
        cart = self.shop("/carts", {"region_id": self.region, "email": person["email"], "shipping_address":
                                    address(person), "billing_address": address(bill or person)}, headers)["cart"]["id"]
        for sku, quantity in items:
            self.shop("/carts/%s/line-items" % cart, {"variant_id": self.variants[sku][1], "quantity": quantity}, headers)
        if coupon:
            self.shop("/carts/%s/promotions" % cart, {"promo_codes": [coupon]}, headers)
        options = self.shop("/shipping-options?cart_id=" + cart)["shipping_options"]
        self.shop("/carts/%s/shipping-methods" % cart, {
            "option_id": next(option["id"] for option in options if option["name"] == shipping)}, headers)
        payment = self.shop("/payment-collections", {"cart_id": cart}, headers)["payment_collection"]["id"]
        self.shop("/payment-collections/%s/payment-sessions" % payment, {"provider_id": "pp_system_default"}, headers)
        done = self.shop("/carts/%s/complete" % cart, {}, headers)
        assert done["type"] == "order", done
        return done["order"]["id"]

    def _register(self, person):
        """The headers of somebody who has logged in."""
        who = {"email": person["email"], "password": person["password"]}
        token = self.call("POST", "/auth/customer/emailpass/register", who, self.shopper)[0]["token"]
        self.shop("/customers", {"email": person["email"], "first_name": person["first"], "last_name": person["last"],
                                 "phone": person["phone"], "company_name": person["company"]},
                  {"Authorization": "Bearer " + token})
        token = self.call("POST", "/auth/customer/emailpass", who, self.shopper)[0]["token"]
        return {"Authorization": "Bearer " + token}

    def place_samples(self):
        """Four orders, and a cart that is never completed."""
        first = self.order(LUKASZ, ("TS-M", 2))
        second = self.order(ZOE, ("TS-S", 1), ("ZUREK-1000", 3), ("MATCHA/80", 1), known=True, coupon="TEN",
                            shipping="Express – next day")
        third = self.order(TARO, ("MATCHA/80", 2), ("GIFT-½", 1), shipping="Express – next day")
        fourth = self.order(CONOR, ("ZUREK-0500", 7), bill=LUKASZ)
        cart = self.shop("/carts", {"region_id": self.region, "email": "x@example.test"})["cart"]["id"]
        self.shop("/carts/%s/line-items" % cart, {"variant_id": self.variants["TS-L"][1], "quantity": 1})
        return [first, second, third, fourth]

    # The books --------------------------------------------------------------------------------------------------------

    def books(self):
        """What was ordered, by the shop's own reckoning, in cents that can be paid."""
        found = self.get("/orders", limit=1000, fields="id,display_id,email,currency_code,total,*items")["orders"]
        return {order["id"]: {"number": str(order["display_id"]), "currency": order["currency_code"].upper(),
                              "total": Decimal(str(order["total"])).quantize(Decimal("0.01"), ROUND_HALF_UP),
                              "email": order["email"],
                              "lines": {item["variant_sku"]: item["quantity"] for item in order["items"]}}
                for order in found}

    def order_of(self, order_id):
        return self.get("/orders/" + order_id, fields="id,status,payment_status,fulfillment_status,updated_at,*items,"
                        "*items.detail,*fulfillments,*fulfillments.items,*fulfillments.labels,*payment_collections,"
                        "*payment_collections.payments")["order"]

    def parcels(self, order_id):
        order = self.order_of(order_id)
        return [(parcel["labels"][0]["tracking_number"], {item["sku"]: item["quantity"] for item in parcel["items"]})
                for parcel in order["fulfillments"] if parcel["canceled_at"] is None and parcel["shipped_at"]]

    def packed(self, order_id):
        """How many parcels stand, sent or not."""
        return sum(parcel["canceled_at"] is None for parcel in self.order_of(order_id)["fulfillments"])

    def levels(self, sku):
        found = self.get("/inventory-items/" + self.items[sku], fields="id,*location_levels")["inventory_item"]
        return found["location_levels"]

    def sellable(self, sku):
        return sum(level["stocked_quantity"] - level["reserved_quantity"] for level in self.levels(sku))

    def prices_of(self, sku):
        product, variant = self.variants[sku]
        found = self.get("/products/" + product, fields="id,*variants,*variants.prices")["product"]["variants"]
        return {price["currency_code"]: price["amount"] for one in found if one["id"] == variant
                for price in one["prices"]}

    def empty_south(self):
        """All is sold from one place from now on, as the cart is told of one."""
        for item in self.items.values():
            self.post("/inventory-items/%s/location-levels/%s" % (item, self.south), {"stocked_quantity": 0})
