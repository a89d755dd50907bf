-- The site of the quickstart: one PrestaShop, recorded. `./examples/quickstart/run` makes a copy of it in the folder
-- .work, puts a free port into it, and keeps the store and the secret there. By hand, in this folder:
--   cartwright serve-replay recording --port 8099 &
--   echo CARTWRIGHTQUICKSTART000000000000 | cartwright secret shop key
--   cartwright sync
return {
  -- Carts write local times without a zone unless their type says otherwise: this one is in France.
  zone = "Europe/Paris",

  -- Where everything is kept: a SQLite file in the folder of the site.
  store = "store.db",

  -- Scripts reach their own shop and these hosts. An address of this machine or its network must stand here, or a
  -- script could be talked into reaching what only this machine can see.
  allow = { "127.0.0.1:8099" },

  carts = {
    -- The name is yours, the type is a file in carts/. What else stands here are settings of that type; its secrets
    -- are set with `cartwright secret shop key` and never stand in a file that is shared.
    shop = { type = "prestashop", url = "http://127.0.0.1:8099" },
  },
}
