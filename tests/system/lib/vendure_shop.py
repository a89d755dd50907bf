"""A Vendure of our own: its catalog, its shoppers, its staff, and what stands in its books, all through its APIs."""
from decimal import Decimal

from live_shop import CONOR, LUKASZ, TARO, ZOE, LiveShop, Refused

ADMIN = {"ADMIN_USER": "superadmin", "ADMIN_PASSWORD": "superadmin-pw"}
REFUSAL = "...on ErrorResult{errorCode message}"

# name, option, tax, [(option's value, SKU, price in cents, pieces in the north, in the south)]
CATALOG = [
    ("T-shirt “Größe”", "Size", "standard", [("S", "TS-S", 1990, 40, 10), ("M", "TS-M", 1990, 40, 15),
                                             ("L", "TS-L", 2190, 5, 0)]),
    ("Żurek in a jar", "Weight", "reduced", [("500 g", "ZUREK-0500", 499, 200, 100),
                                             ("1 kg", "ZUREK-1000", 899, 100, 50)]),
    ("抹茶 Matcha", None, "reduced", [(None, "MATCHA/80", 2499, 25, 25)]),
    ("Gift card ½", None, "standard", [(None, "GIFT-½", 833, 0, 0)]),
]


def in_english(name):
    return [{"languageCode": "en", "name": name, "description": ""}]


def address(person):
    return {"fullName": "%(first)s %(last)s" % person, "company": person["company"], "streetLine1": person["street"],
            "streetLine2": person["street2"], "city": person["city"], "province": person["province"],
            "postalCode": person["zip"], "countryCode": person["country"], "phoneNumber": person["phone"]}


class Shopper:
    """A session of the shop's own API, as its web page would have one."""

    def __init__(self, shop):
        self.shop, self.token = shop, None

    def ask(self, query, **variables):
        data, token = self.shop.graphql("/shop-api", query, variables, self.token)
        self.token = token or self.token
        return data

    def add(self, sku, quantity):
        return self.ask("mutation($v:ID!,$n:Int!){addItemToOrder(productVariantId:$v,quantity:$n){...on Order{id} %s}}"
                        % REFUSAL, v=self.shop.variants[sku], n=quantity)["addItemToOrder"]

    def log_in(self, person):
        self.ask("mutation($i:RegisterCustomerInput!){registerCustomerAccount(input:$i){...on Success{success} %s}}"
                 % REFUSAL, i={"emailAddress": person["email"], "firstName": person["first"], "lastName": person["last"],
                               "phoneNumber": person["phone"], "password": person["password"]})
        self.ask("mutation($u:String!,$p:String!){login(username:$u,password:$p){...on CurrentUser{id} %s}}" % REFUSAL,
                 u=person["email"], p=person["password"])
        self.is_known = True

    is_known = False

    def fill_in(self, person, coupon=None, shipping="standard", bill=None):
        if not self.is_known:
            self.ask("mutation($i:CreateCustomerInput!){setCustomerForOrder(input:$i){...on Order{id} %s}}" % REFUSAL,
                     i={"firstName": person["first"], "lastName": person["last"], "emailAddress": person["email"],
                        "phoneNumber": person["phone"]})
        for what, who in (("Shipping", person), ("Billing", bill)):
            if who:
                self.ask("mutation($i:CreateAddressInput!){setOrder%sAddress(input:$i){...on Order{id} %s}}" % (
                    what, REFUSAL), i=address(who))
        if coupon:
            self.ask("mutation($c:String!){applyCouponCode(couponCode:$c){...on Order{id} %s}}" % REFUSAL, c=coupon)
        methods = self.ask("{eligibleShippingMethods{id code}}")["eligibleShippingMethods"]
        self.ask("mutation($m:[ID!]!){setOrderShippingMethod(shippingMethodId:$m){...on Order{id} %s}}" % REFUSAL,
                 m=[next(method["id"] for method in methods if method["code"] == shipping)])

    def pay(self, method="card"):
        """The order's id."""
        self.ask('mutation{transitionOrderToState(state:"ArrangingPayment"){...on Order{id} %s}}' % REFUSAL)
        return self.ask("mutation($i:PaymentInput!){addPaymentToOrder(input:$i){...on Order{id} %s}}" % REFUSAL,
                        i={"method": method, "metadata": {}})["addPaymentToOrder"]["id"]


class VendureShop(LiveShop):
    name = "vendure"
    is_up = "/health"

    def command(self):
        return ["server.js"]

    def environment(self):
        return ADMIN

    def graphql(self, path, query, variables=None, token=None):
        """The answer's data and the session's token; Refused, also where the refusal is an answer 200."""
        headers = {"Authorization": "Bearer " + token} if token else {}
        answer, answered = self.call("POST", path, {"query": query, "variables": variables or {}}, headers)
        if answer.get("errors"):
            raise Refused(200, answer["errors"][0]["message"])
        for part in answer["data"].values():
            if isinstance(part, dict) and part.get("errorCode"):
                raise Refused(200, "%(errorCode)s: %(message)s" % part)
        return answer["data"], answered.get("vendure-auth-token")

    def ask(self, query, **variables):
        """What the shop's staff does and sees."""
        return self.graphql("/admin-api", query, variables, self.token)[0]

    def make(self, what, given, kind=None):
        kind = kind or "Create%sInput" % what[6:]
        fields = "...on Promotion{id} " + REFUSAL if what == "createPromotion" else "id"
        return self.ask("mutation($i:%s!){%s(input:$i){%s}}" % (kind, what, fields), i=given)[what]["id"]

    # Setting up -------------------------------------------------------------------------------------------------------

    def open(self):
        """Starts it, with a catalog."""
        self.start()
        self.log_in()
        self._set_up_taxes()
        self._set_up_shipping()
        self._set_up_catalog()
        made = self.ask("mutation($i:CreateApiKeyInput!){createApiKey(input:$i){apiKey}}", i={
            "roleIds": ["1"], "translations": [{"languageCode": "en", "name": "integration"}]})
        self.key = made["createApiKey"]["apiKey"]
        return self

    def log_in(self):
        self.token = self.graphql("/admin-api", "mutation($u:String!,$p:String!){login(username:$u,password:$p){"
                                  "...on CurrentUser{id} %s}}" % REFUSAL,
                                  {"u": ADMIN["ADMIN_USER"], "p": ADMIN["ADMIN_PASSWORD"]})[1]

    def _set_up_taxes(self):
        countries = {code: self.make("createCountry", {"code": code, "enabled": True, "translations": [
            {"languageCode": "en", "name": name}]}) for code, name in
            (("DE", "Germany"), ("PL", "Poland"), ("IE", "Ireland"), ("JP", "Japan"))}
        near = self.make("createZone", {"name": "EU", "memberIds": [countries[code] for code in ("DE", "PL", "IE")]})
        far = self.make("createZone", {"name": "Elsewhere", "memberIds": [countries["JP"]]})
        self.taxes = {name: self.make("createTaxCategory", {"name": name, "isDefault": name == "standard"})
                      for name in ("standard", "reduced")}
        for name, rate, tax, zone in (("VAT 19%", 19, "standard", near), ("VAT 7%", 7, "reduced", near),
                                      ("none", 0, "standard", far), ("none, reduced", 0, "reduced", far)):
            self.make("createTaxRate", {"name": name, "enabled": True, "value": rate, "categoryId": self.taxes[tax],
                                        "zoneId": zone})
        channel = self.ask("{activeChannel{id}}")["activeChannel"]["id"]
        self.ask("mutation($i:UpdateChannelInput!){updateChannel(input:$i){...on Channel{id} %s}}" % REFUSAL, i={
            "id": channel, "defaultTaxZoneId": near, "defaultShippingZoneId": near, "pricesIncludeTax": False,
            "defaultCurrencyCode": "EUR", "availableCurrencyCodes": ["EUR"], "trackInventory": True})

    def _set_up_shipping(self):
        self.north = self.ask("{stockLocations{items{id}}}")["stockLocations"]["items"][0]["id"]
        self.ask("mutation($i:UpdateStockLocationInput!){updateStockLocation(input:$i){id}}",
                 i={"id": self.north, "name": "North warehouse"})
        self.south = self.make("createStockLocation", {"name": "South warehouse"})
        for code, name, rate in (("standard", "Standard parcel", "490"), ("express", "Express – next day", "1290")):
            self.make("createShippingMethod", {
                "code": code, "fulfillmentHandler": "manual-fulfillment", "translations": in_english(name),
                "checker": {"code": "default-shipping-eligibility-checker",
                            "arguments": [{"name": "orderMinimum", "value": "0"}]},
                "calculator": {"code": "default-shipping-calculator", "arguments": [
                    {"name": "rate", "value": rate}, {"name": "includesTax", "value": "auto"},
                    {"name": "taxRate", "value": "19"}]}})
        for code, settles in (("invoice", "false"), ("card", "true")):
            self.make("createPaymentMethod", {
                "code": code, "enabled": True, "translations": in_english(code),
                "handler": {"code": "dummy-payment-handler",
                            "arguments": [{"name": "automaticSettle", "value": settles}]}})
        self.make("createPromotion", {
            "enabled": True, "couponCode": "TEN", "translations": in_english("10 % off the order"), "conditions": [],
            "actions": [{"code": "order_percentage_discount", "arguments": [{"name": "discount", "value": "10"}]}]})

    def _set_up_catalog(self):
        self.variants = {}
        for name, group, tax, rows in CATALOG:
            product = self.make("createProduct", {"enabled": True, "translations": [
                {"languageCode": "en", "name": name, "slug": rows[0][1].lower(), "description": "<p>%s</p>" % name}]})
            options = self._make_options(product, group, [row[0] for row in rows]) if group else {}
            made = self.ask("mutation($i:[CreateProductVariantInput!]!){createProductVariants(input:$i){id sku}}", i=[{
                "productId": product, "sku": sku, "price": price, "taxCategoryId": self.taxes[tax],
                "translations": [{"languageCode": "en", "name": "%s %s" % (name, value) if value else name}],
                "optionIds": [options[value]] if value else [],
                "trackInventory": "FALSE" if sku.startswith("GIFT") else "TRUE",
                "stockLevels": [{"stockLocationId": self.north, "stockOnHand": north},
                                {"stockLocationId": self.south, "stockOnHand": south}],
            } for value, sku, price, north, south in rows])["createProductVariants"]
            self.variants.update((variant["sku"], variant["id"]) for variant in made)

    def _make_options(self, product, group, values):
        made = self.ask("mutation($i:CreateProductOptionGroupInput!){createProductOptionGroup(input:$i){id options{id "
                        "name}}}", i={"code": "%s-%s" % (group.lower(), product), "translations": [
                            {"languageCode": "en", "name": group}], "options": [
                            {"code": value.lower().replace(" ", "-"), "translations": [
                                {"languageCode": "en", "name": value}]} for value in values]})["createProductOptionGroup"]
        self.ask("mutation($p:ID!,$g:ID!){addOptionGroupToProduct(productId:$p,optionGroupId:$g){id}}", p=product,
                 g=made["id"])
        return {option["name"]: option["id"] for option in made["options"]}

    # Ordering ---------------------------------------------------------------------------------------------------------

    def shopper(self):
        return Shopper(self)

    def order(self, person, *items, known=False, payment="card", **more):
        """An order as a shopper places it; its id. items: (SKU, quantity)."""
        shopper = self.shopper()
        if known:
            shopper.log_in(person)
        for sku, quantity in items:
            shopper.add(sku, quantity)
        shopper.fill_in(person, **more)
        return shopper.pay(payment)

    def place_samples(self):
        """Four orders, and a cart that is never checked out."""
        first = self.order(LUKASZ, ("TS-M", 2), payment="invoice")
        second = self.order(ZOE, ("TS-S", 1), ("ZUREK-1000", 3), ("MATCHA/80", 1), known=True, coupon="TEN",
                            shipping="express", bill=ZOE)
        third = self.order(TARO, ("MATCHA/80", 2), ("GIFT-½", 1), shipping="express")
        fourth = self.order(CONOR, ("ZUREK-0500", 7), bill=LUKASZ)
        self.shopper().add("TS-L", 1)
        return [first, second, third, fourth]

    # The books --------------------------------------------------------------------------------------------------------

    def books(self):
        """What was ordered, by the shop's own reckoning."""
        found = self.ask("query($o:OrderListOptions){orders(options:$o){items{id code currencyCode totalWithTax "
                         "customer{emailAddress} lines{quantity productVariant{sku}}}}}",
                         o={"take": 1000, "filter": {"active": {"eq": False}}})["orders"]["items"]
        return {order["id"]: {"number": order["code"], "total": Decimal(order["totalWithTax"]) / 100,
                              "currency": order["currencyCode"], "email": order["customer"]["emailAddress"],
                              "lines": {line["productVariant"]["sku"]: line["quantity"] for line in order["lines"]}}
                for order in found}

    def parcels(self, order_id):
        order = self.order_of(order_id)
        skus = {line["id"]: line["productVariant"]["sku"] for line in order["lines"]}
        return [(parcel["trackingCode"], {skus[line["orderLineId"]]: line["quantity"] for line in parcel["lines"]})
                for parcel in order["fulfillments"] if parcel["state"] != "Cancelled"]

    def sellable(self, sku):
        return sum(on_hand - allocated for on_hand, allocated in self.levels(sku).values())

    def order_of(self, order_id):
        return self.ask("query($id:ID!){order(id:$id){id state updatedAt lines{id quantity productVariant{sku}} payments{"
                        "id state} fulfillments{id state method trackingCode lines{orderLineId quantity}}}}",
                        id=order_id)["order"]

    def levels(self, sku):
        """On hand and taken by orders, by location."""
        found = self.ask("query($id:ID!){productVariant(id:$id){stockLevels{stockLocationId stockOnHand "
                         "stockAllocated}}}", id=self.variants[sku])["productVariant"]
        return {level["stockLocationId"]: (level["stockOnHand"], level["stockAllocated"])
                for level in found["stockLevels"]}

    def price_of(self, sku):
        found = self.ask("query($id:ID!){productVariant(id:$id){price}}", id=self.variants[sku])
        return found["productVariant"]["price"]

    def empty_south(self):
        """All is sold from one place from now on, as the cart is told of one."""
        self.ask("mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){id}}", i=[
            {"id": variant, "stockLevels": [{"stockLocationId": self.south, "stockOnHand": 0}]}
            for variant in self.variants.values()])

    def ship(self, order_id, lines, tracking, to="Shipped"):
        """The staff sends a parcel by hand. lines: (line's id, quantity)."""
        made = self.ask("mutation($i:FulfillOrderInput!){addFulfillmentToOrder(input:$i){...on Fulfillment{id} %s}}"
                        % REFUSAL, i={"lines": [{"orderLineId": line, "quantity": quantity} for line, quantity in lines],
                                      "handler": {"code": "manual-fulfillment", "arguments": [
                                          {"name": "method", "value": "DHL – Paket"},
                                          {"name": "trackingCode", "value": tracking}]}})["addFulfillmentToOrder"]["id"]
        self.ask("mutation($id:ID!,$s:String!){transitionFulfillmentToState(id:$id,state:$s){...on Fulfillment{id} %s}}"
                 % REFUSAL, id=made, s=to)
