-- A cart that can do all that the standard tests ask for, and its shop: for tests of these tests.
return { zone = "UTC", carts = { tea = { type = "tea", url = "https://tea.example.com/shop" } } }
