/* idle_baseline.c - what idle carts are measured beside: the bare libraries.
 *
 *   idle_baseline timers COUNT        libevent with COUNT one-minute timers, spread over the minute, until
 * ended idle_baseline states COUNT FILE   bare Lua states that have each run FILE; prints what one more of
 * them costs, in KiB: "proportional private lua", the last as Lua itself counts */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <lauxlib.h>
#include <lualib.h>

static void fail(const char *what)
{
    fprintf(stderr, "idle_baseline: %s\n", what);
    exit(1);
}

/* --- timers --- */

static void fire(evutil_socket_t fd, short events, void *arg)
{
    (void)fd, (void)events, (void)arg;
}

static void begin_minutes(evutil_socket_t fd, short events, void *arg)
{
    const struct timeval minute = { .tv_sec = 60 };
    struct event_base *base = arg;
    struct event *timer = event_new(base, -1, EV_PERSIST, fire, NULL);
    (void)fd, (void)events;
    if (timer == NULL || event_add(timer, &minute) != 0)
        fail("no timer");
}

static void run_timers(int count)
{
    struct event_base *base = event_base_new();
    for (int i = 0; i < count; i++) {
        const struct timeval delay = { .tv_sec = i * 60L / count,
                                       .tv_usec = i * 60000000L / count % 1000000 };
        if (base == NULL || event_base_once(base, -1, EV_TIMEOUT, begin_minutes, base, &delay) != 0)
            fail("no timer");
    }
    event_base_dispatch(base);
}

/* --- states --- */

struct memory {
    long proportional, private; /* KiB */
};

static struct memory used(void)
{
    struct memory memory = { 0, 0 };
    char line[256];
    long kib;
    FILE *in = fopen("/proc/self/smaps_rollup", "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        if (sscanf(line, "Pss: %ld", &kib) == 1)
            memory.proportional = kib;
        else if (sscanf(line, "Private_Clean: %ld", &kib) == 1 ||
                 sscanf(line, "Private_Dirty: %ld", &kib) == 1)
            memory.private += kib;
    }
    if (in == NULL)
        fail("no memory map");
    fclose(in);
    return memory;
}

static lua_State *make_state(const char *file)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    if (luaL_dofile(L, file) != LUA_OK)
        fail(lua_tostring(L, -1));
    lua_settop(L, 0);
    lua_gc(L, LUA_GCCOLLECT);
    return L;
}

static void make_states(int count, const char *file)
{
    const lua_State *first = make_state(file);
    struct memory before = used();
    lua_State *last = NULL;
    for (int i = 0; i < count; i++)
        last = make_state(file);
    struct memory after = used();
    if (first == NULL || last == NULL)
        fail("no state");
    printf("%.1f %.1f %d\n", (double)(after.proportional - before.proportional) / count,
           (double)(after.private - before.private) / count, lua_gc(last, LUA_GCCOUNT));
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : 0;
    if (count > 0 && argc == 3 && strcmp(argv[1], "timers") == 0)
        run_timers(count);
    else if (count > 0 && argc == 4 && strcmp(argv[1], "states") == 0)
        make_states(count, argv[3]);
    else
        fail("usage: idle_baseline timers COUNT, or states COUNT FILE");
    return 0;
}
