/* fake_shop.h - a shop in virtual time, as a transport: orders that come and change while it is read, and
 * every kind of bad answer, drawn from a seed. It keeps a ledger of what it has, to be compared with a store.
 */
#ifndef CW_TESTS_FAKE_SHOP_H
#define CW_TESTS_FAKE_SHOP_H

#include "adapters/http.h"
#include "base/hash.h"

enum {
    FAKE_ORDERS_MAX = 600,
    FAKE_JSON_MAX = 2048 /* bytes of one order */
};

/* How an order ends in the store when it is mapped by the simulator's cart script. */
enum fake_fate {
    FAKE_POSTS,
    FAKE_PARKS, /* a status without a row */
    FAKE_HOLDS, /* the total is off by a cent */
    FAKE_SKIPS  /* the rule "test" */
};

/* What a list call gives that has the order on its page. */
enum fake_poison {
    FAKE_SOUND,
    FAKE_FAILS,     /* HTTP 500 */
    FAKE_UNREADABLE /* 200 with a notice in front of the JSON */
};

struct fake_order {
    int id, version;
    uint64_t content; /* what lines and amounts are made from */
    enum fake_fate fate;
    enum fake_poison poison;
    bool is_gone;    /* deleted in the shop: neither listed nor sent */
    cw_time placed;  /* by the shop's clock */
    cw_time stamp;   /* of the last change, by the shop's clock */
    cw_time visible; /* our time from which the list shows it: later than its change where it was committed
                        late */
};

enum fake_fault {
    FAKE_FINE,
    FAKE_NO_CONNECTION,
    FAKE_LOST, /* no answer until the transport's time is over */
    FAKE_CUT,
    FAKE_500,
    FAKE_502,
    FAKE_503,
    FAKE_503_LATER, /* with Retry-After */
    FAKE_429,       /* without */
    FAKE_429_SECONDS,
    FAKE_429_DATE,
    FAKE_429_ABSURD,
    FAKE_HTML,     /* 200 with a page for people */
    FAKE_EMPTY,    /* 200 with no body */
    FAKE_PREFIX,   /* 200 with the beginning of the JSON, as announced */
    FAKE_REPEATED, /* the page before once more */
    FAKE_SHORT,    /* the last records of the page are missing */
    FAKE_SHUFFLED,
    FAKE_DOUBLED, /* a record twice in the page */
    FAKE_SLOW,
    FAKE_FAULTS
};
const char *fake_fault_name(enum fake_fault fault);

struct fake_shop {
    struct cw_transport transport; /* first */
    struct cw_loop *loop;
    struct cw_random random;
    struct cw_hasher trace; /* of everything that happened */
    struct fake_order orders[FAKE_ORDERS_MAX];
    int count;
    cw_time skew;             /* the shop's clock less ours */
    unsigned faults_per_1000; /* answers that are bad */
    enum fake_fault next;     /* the next answer; FAKE_FINE = drawn */
    unsigned next_count;      /* and as many after it are the same */
    int fail_status;          /* every answer has this status; 0 = none */
    bool tells_total;         /* the header X-Total */
    bool lists_badly;         /* ids twice, of other times, and shuffled */
    bool ids_break;           /* a poisoned order breaks the list of ids too */
    uint64_t requests, faults[FAKE_FAULTS];
    uint64_t calls; /* requests but for those that repeat the one before, and for windows that end after: */
    cw_time counts_until;
    uint64_t last_call;
    cw_time quiet_until;         /* nothing may be asked before: it was told so */
    unsigned impatient;          /* requests that came all the same */
    void (*answered)(void *arg); /* before each answer; NULL = nobody */
    void *arg;
    struct cw_buffer last_page; /* of the list between last_from and last_to, at last_offset */
    cw_time last_from, last_to;
    int last_offset;
    struct fake_request *running;
};

void fake_shop_init(struct fake_shop *shop, struct cw_loop *loop, uint64_t seed);
void fake_shop_fini(struct fake_shop *shop);

/* A new order, or a change of one, stamped now, and listed `late` after that. */
struct fake_order *fake_shop_add(struct fake_shop *shop, enum fake_fate fate, cw_time late);
void fake_shop_change(struct fake_shop *shop, struct fake_order *order, enum fake_fate fate, cw_time late);

/* A change that the shop does not stamp. */
void fake_shop_change_silently(struct fake_shop *shop, struct fake_order *order, enum fake_fate fate);

/* The bytes of an order as the shop sends it; its total as it should stand in a document. */
void fake_order_json(const struct fake_order *order, char out[FAKE_JSON_MAX]);
void fake_order_total(const struct fake_order *order, char out[32]);

/* Adds a line to the trace. */
void fake_shop_note(struct fake_shop *shop, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A cart script for this shop, as the file carts/fake.lua of a site, and a site.lua. */
extern const char fake_cart_script[];
extern const char fake_site_script[];

/* More of that cart, to stand before its last line: it lists ids and reads by them. */
extern const char fake_ids_script[];
/* The same cart without paging: each window is one request. */
extern const char fake_plain_script[];
/* The cart script with `more` before its last line. */
void fake_cart_with(const char *more, char out[8192]);

#endif
