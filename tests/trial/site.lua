-- Carts that can do all that the standard tests ask for, and their shops: for tests of these tests.
return {
  zone = "UTC",
  carts = {
    tea = { type = "tea", url = "https://tea.example.com/shop" },
    keyed = { type = "keyed", url = "https://tea.example.com/shop" },
    letters = { type = "letters" },
  },
}
