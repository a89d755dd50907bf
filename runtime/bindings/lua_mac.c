/* lua_mac.c - cartwright.native.mac: signatures of texts, for fakes that sign what they send. */
#include <lauxlib.h>

#include "base/hmac.h"
#include "bindings/modules.h"

static struct cw_slice check_text(lua_State *L, int arg)
{
    struct cw_slice text;
    text.data = luaL_checklstring(L, arg, &text.len);
    return text;
}

static void push_hex(lua_State *L, const unsigned char *bytes, size_t len)
{
    char hex[2 * CW_HMAC_BYTES_MAX];
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    lua_pushlstring(L, hex, 2 * len);
}

/* mac(algorithm, key, text, is_hex) -> string, else base64. Raises for an algorithm that there is not. */
static int mac(lua_State *L)
{
    enum cw_hmac algorithm;
    struct cw_slice key = check_text(L, 2), text = check_text(L, 3);
    luaL_argcheck(L, cw_hmac_named(check_text(L, 1), &algorithm), 1, "an algorithm expected");
    unsigned char bytes[CW_HMAC_BYTES_MAX];
    char base64[CW_HMAC_BASE64_MAX];
    if (lua_toboolean(L, 4)) {
        push_hex(L, bytes, cw_hmac_of(algorithm, key, text, bytes));
    } else {
        cw_hmac_base64(algorithm, key, text, base64);
        lua_pushstring(L, base64);
    }
    return 1;
}

int cw_lua_open_mac(lua_State *L)
{
    lua_pushcfunction(L, mac);
    return 1;
}
