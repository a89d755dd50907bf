-- A site with one cart of its own: carts/teashop.lua. Start the recorded shop first:
--   cartwright serve-replay recording --port 8090
--   echo lapsang-souchong | cartwright secret tea token
--   cartwright sync tea
return {
  zone = "Europe/London",
  store = "store.db",
  allow = { "127.0.0.1:8090" }, -- the recorded shop; without this line nothing on this machine can be reached
  carts = {
    tea = { type = "teashop", url = "http://127.0.0.1:8090" },
  },
}
