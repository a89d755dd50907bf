---The site of "Batches as files" in README.md: stock as CSV files on a server. `cartwright secret wholesaler password`
---sets the password.
return {
  carts = {
    wholesaler = {
      type = "wholesaler",
      folder = "ftpes://files.example.com/in/",
      user = "shop",
      out = { stock = { threshold = 1, unlisted = true, brake = false } },
    },
  },
}
