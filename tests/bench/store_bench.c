/* store_bench.c - what the store costs beside plain SQLite: raw record (6 KB), order and three lines, 250 to
 * a transaction, into the same tables, in one run. Prints orders per CPU second and the ratio.
 *
 *   store_bench [ORDERS]            default 50000; half as many warm up before anything is measured
 *   store_bench ORDERS URI PID      the same orders into PostgreSQL; PID is the server's first process, whose
 *                                   CPU time and that of its children counts too */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "adapters/store.h"

enum { PAGE = 250, RAW_BYTES = 6144, LINES = 3, ROUNDS = 3 };
#define SCRIPT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *const path = "store-bench.db";
static const char *uri = "store-bench.db";
static char cart[16] = "shop"; /* a new one each round, where the store stays */
static char raw_bytes[RAW_BYTES];

static void fail(const char *what)
{
    fprintf(stderr, "store_bench: %s\n", what);
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void remove_store(void)
{
    unlink("store-bench.db");
    unlink("store-bench.db-wal");
    unlink("store-bench.db-shm");
}

static struct cw_store *open_store(void)
{
    struct cw_error err;
    struct cw_store_config config = { .uri = uri, .create = true };
    struct cw_store *store = cw_store_open(&config, NULL, &err);
    if (store == NULL)
        fail(err.text);
    return store;
}

/* --- through the store --- */

static struct cw_value *set(struct cw_document *doc, const char *field)
{
    struct cw_value *value = &doc->values[cw_kind_field(doc->kind, cw_slice(field))];
    value->is_set = true;
    return value;
}

static void set_money(struct cw_document *doc, const char *field, int64_t cents)
{
    struct cw_value *value = set(doc, field);
    value->decimal = cw_decimal_from_int(cents);
    value->decimal.scale = 2;
}

static struct cw_document *make_address(struct cw_arena *arena)
{
    static const char *const fields[] = { "first_name", "last_name", "street", "postcode",
                                          "city",       "country",   "phone",  "email" };
    struct cw_document *address = cw_document_create(arena, &cw_kind_address);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        set(address, fields[i])->text = cw_slice("Lovelace Street 12");
    return address;
}

/* As full as an order of PrestaShop: 21 fields, two addresses of 8, three lines of 7. */
static struct cw_document *make_order(struct cw_arena *arena)
{
    static const char *const texts[] = { "number",          "status",       "payment_status", "cart_status",
                                         "customer_id",     "email",        "payment_method", "payment_name",
                                         "shipping_method", "shipping_name" };
    static const char *const amounts[] = { "goods_total", "discount_total", "shipping_total",
                                           "tax_total",   "total",          "paid_total" };
    struct cw_document *order = cw_document_create(arena, &cw_kind_order);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        set(order, texts[i])->text = cw_slice("processing");
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
        set_money(order, amounts[i], 6301);
    set(order, "currency")->text = cw_slice("EUR");
    set(order, "placed_at")->time = 1711852200 * CW_SECOND;
    set(order, "changed_at")->time = 1711852200 * CW_SECOND;
    set(order, "paid_at")->time = 1711852200 * CW_SECOND;
    set(order, "tax_included")->boolean = true;
    set(order, "billing")->record = make_address(arena);
    set(order, "shipping")->record = make_address(arena);
    struct cw_value *lines = set(order, "lines");
    for (int i = 0; i < LINES; i++) {
        struct cw_document *line = cw_document_create(arena, &cw_kind_line);
        set(line, "external_id")->text = cw_slice("1001-1");
        set(line, "sku")->text = cw_slice("SKU-123456");
        set(line, "name")->text = cw_slice("Hummingbird printed sweater, M");
        set(line, "item_id")->text = cw_slice("42");
        set(line, "quantity")->decimal = cw_decimal_from_int(2);
        set_money(line, "unit_price", 1050);
        set_money(line, "total", 2100);
        line->next = lines->list.first;
        lines->list.first = line;
    }
    return order;
}

struct page {
    struct cw_document *order;
    int first;
};

static void take_known(void *arg, const struct cw_raw_known *known, size_t count, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL || (count > 0 && known[0].exists))
        fail("a new record is known already");
}

static void page_done(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail(err->text);
}

static void find_page(struct cw_txn *txn, int first)
{
    static char ids[PAGE][16];
    struct cw_record_key keys[PAGE];
    for (int i = 0; i < PAGE; i++) {
        snprintf(ids[i], sizeof ids[i], "%d", first + i);
        keys[i] = (struct cw_record_key){ cw_slice(cart), cw_slice("orders"), cw_slice(ids[i]) };
    }
    cw_txn_find_raw(txn, keys, PAGE, take_known, NULL);
}

static void write_page(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct page *page = arg;
    char id[16];
    if (txn == NULL)
        fail(err->text);
    find_page(txn, page->first);
    for (int i = page->first; i < page->first + PAGE; i++) {
        snprintf(id, sizeof id, "%d", i);
        struct cw_raw raw = { .key = { cw_slice(cart), cw_slice("orders"), cw_slice(id) },
                              .format = cw_slice("xml"),
                              .encoding = cw_slice("UTF-8"),
                              .bytes = { raw_bytes, RAW_BYTES },
                              .received_at = 1711852200 * CW_SECOND,
                              .run = 1,
                              .reason = cw_slice(""),
                              .script_version = cw_slice(SCRIPT) };
        memcpy(raw.hash.bytes, &i, sizeof i);
        page->order->external_id = cw_slice(id);
        if (!cw_txn_put_raw(txn, &raw) ||
            !cw_txn_put_document(txn, cw_slice(cart), page->order, 1711852200 * CW_SECOND, 1))
            fail(cw_txn_error(txn)->text);
    }
    cw_txn_commit(txn, page_done, NULL);
}

static double through_store(int orders)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    remove_store();
    struct cw_store *store = open_store();
    struct page page = { .order = make_order(&arena) };
    double start = cpu_seconds();
    for (page.first = 1000; page.first < 1000 + orders; page.first += PAGE) {
        cw_txn_begin(store, (struct cw_fence){ 0 }, write_page, &page);
        cw_store_wait(store);
    }
    cw_store_close(store);
    double seconds = cpu_seconds() - start;
    cw_arena_fini(&arena);
    return seconds;
}

/* --- plain SQLite --- */

static sqlite3 *db;

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
    return stmt;
}

static void step(sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        fail(sqlite3_errmsg(db));
    sqlite3_reset(stmt);
}

static void execute(const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
}

static void bind(sqlite3_stmt *stmt, int at, const char *text)
{
    sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static const char find_head_sql[] = "SELECT hash FROM raw_heads WHERE cart = 'shop' AND stream = 'orders' "
                                    "AND sort_key = ?1";
static const char raw_sql[] =
    "INSERT INTO raw_records (cart, stream, external_id, version, hash, format, encoding, received_at, "
    "run_id, "
    "outcome, reason, script_version, bytes) VALUES ('shop', 'orders', ?1, 1, ?2, 'xml', 'UTF-8', "
    "'2024-03-31T02:30:00.000000Z', 1, 'posted', '', '" SCRIPT "', ?3)";
static const char head_sql[] = "INSERT INTO raw_heads (cart, stream, sort_key, external_id, raw_id, version, "
                               "hash, outcome, script_version) "
                               "VALUES ('shop', 'orders', ?1, ?2, ?3, 1, ?4, 'posted', '" SCRIPT "')";
static const char find_order_sql[] = "SELECT id FROM orders WHERE cart = 'shop' AND external_id = ?1";
static const char order_sql[] = "INSERT INTO orders (cart, external_id, first_run, last_run, "
                                "first_stored_at, last_stored_at, number, status, "
                                "payment_status, cart_status, customer_id, email, payment_method, "
                                "payment_name, shipping_method, shipping_name, "
                                "currency, goods_total, discount_total, shipping_total, tax_total, total, "
                                "paid_total, placed_at, changed_at, "
                                "paid_at, tax_included, billing_first_name, billing_last_name, "
                                "billing_street, billing_postcode, billing_city, "
                                "billing_country, billing_phone, billing_email, shipping_first_name, "
                                "shipping_last_name, shipping_street, "
                                "shipping_postcode, shipping_city, shipping_country, shipping_phone, "
                                "shipping_email) VALUES ('shop', ?1, 1, 1, "
                                "?24, ?24, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
                                "?16, ?17, ?18, ?19, ?20, ?21, 1, ?22, "
                                "?23, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38)";
static const char line_sql[] =
    "INSERT INTO order_lines (order_id, position, external_id, sku, name, item_id, "
    "quantity, unit_price, total) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

static struct {
    sqlite3_stmt *find_head, *raw, *head, *find_order, *order, *line;
} plain;

static void prepare_plain(void)
{
    plain.find_head = prepare(find_head_sql);
    plain.raw = prepare(raw_sql);
    plain.head = prepare(head_sql);
    plain.find_order = prepare(find_order_sql);
    plain.order = prepare(order_sql);
    plain.line = prepare(line_sql);
}

static void plain_raw(int i, const char *id)
{
    char key[24];
    unsigned char hash[CW_HASH_BYTES] = { 0 };
    memcpy(hash, &i, sizeof i);
    snprintf(key, sizeof key, "%02d%s", (int)strlen(id), id);
    bind(plain.find_head, 1, key);
    step(plain.find_head);
    bind(plain.raw, 1, id);
    sqlite3_bind_blob(plain.raw, 2, hash, sizeof hash, SQLITE_STATIC);
    sqlite3_bind_blob(plain.raw, 3, raw_bytes, RAW_BYTES, SQLITE_STATIC);
    step(plain.raw);
    bind(plain.head, 1, key);
    bind(plain.head, 2, id);
    sqlite3_bind_int64(plain.head, 3, sqlite3_last_insert_rowid(db));
    sqlite3_bind_blob(plain.head, 4, hash, sizeof hash, SQLITE_STATIC);
    step(plain.head);
}

static void plain_order(const char *id)
{
    static const char *const line[] = { "1001-1", "SKU-123456", "Hummingbird printed sweater, M", "42", "2",
                                        "10.50",  "21.00" };
    bind(plain.find_order, 1, id);
    step(plain.find_order);
    bind(plain.order, 1, id);
    for (int i = 2; i <= 38; i++)
        bind(plain.order, i,
             i <= 11              ? "processing"
             : i == 12            ? "EUR"
             : i <= 18            ? "63.01"
             : i <= 21 || i == 24 ? "2024-03-31T02:30:00.000000Z"
                                  : "Lovelace Street 12");
    step(plain.order);
    int64_t number = sqlite3_last_insert_rowid(db);
    for (int i = 1; i <= LINES; i++) {
        sqlite3_bind_int64(plain.line, 1, number);
        sqlite3_bind_int(plain.line, 2, i);
        for (int j = 0; j < 7; j++)
            bind(plain.line, j + 3, line[j]);
        step(plain.line);
    }
}

static double through_sqlite(int orders)
{
    char id[16];
    remove_store();
    cw_store_close(open_store()); /* makes the tables */
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        fail("cannot open");
    execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -6000; "
            "PRAGMA secure_delete = FAST;");
    prepare_plain();
    double start = cpu_seconds();
    for (int i = 1000; i < 1000 + orders;) {
        execute("BEGIN IMMEDIATE");
        for (int end = i + PAGE; i < end; i++) {
            snprintf(id, sizeof id, "%d", i);
            plain_raw(i, id);
            plain_order(id);
        }
        execute("COMMIT");
    }
    for (sqlite3_stmt *stmt; (stmt = sqlite3_next_stmt(db, NULL)) != NULL;)
        sqlite3_finalize(stmt);
    sqlite3_close(db);
    return cpu_seconds() - start;
}

/* --- PostgreSQL --- */

/* The fields of /proc/PID/stat behind the name, from the state (field 3) on. */
static bool read_stat(const char *pid, char state[512])
{
    char name[64], line[1024] = "";
    snprintf(name, sizeof name, "/proc/%s/stat", pid);
    FILE *in = fopen(name, "r");
    bool ok = in != NULL && fgets(line, sizeof line, in) != NULL;
    if (in != NULL)
        fclose(in);
    const char *end = ok ? strrchr(line, ')') : NULL;
    if (end == NULL)
        return false;
    snprintf(state, 512, "%s", end + 2);
    return true;
}

/* Ticks of a process and of the children it has waited for; with `parent`, only when that is its parent. */
static long ticks_of(const char *pid, long parent)
{
    char stat[512];
    long ppid, user, system, child_user, child_system;
    if (!read_stat(pid, stat) || sscanf(stat, "%*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %ld %ld",
                                        &ppid, &user, &system, &child_user, &child_system) != 5)
        return 0;
    return parent == 0 || ppid == parent ? user + system + child_user + child_system : 0;
}

static double server_seconds(const char *pid)
{
    long ticks = ticks_of(pid, 0);
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            ticks += ticks_of(entry->d_name, atol(pid));
    closedir(processes);
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static double wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void measure_postgresql(int orders, const char *pid)
{
    double ours = 1e9, server = 1e9, wall = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(cart, sizeof cart, "shop%d", round);
        double before = server_seconds(pid), start = wall_seconds(), seconds = through_store(orders);
        double elapsed = wall_seconds() - start, served = server_seconds(pid) - before;
        ours = seconds < ours ? seconds : ours;
        server = served < server ? served : server;
        wall = elapsed < wall ? elapsed : wall;
    }
    printf("PostgreSQL    %5.1f us an order: %.1f ours and %.1f of the server; %.1f us on the clock\n",
           (ours + server) * 1e6 / orders, ours * 1e6 / orders, server * 1e6 / orders, wall * 1e6 / orders);
}

/* The best of several rounds, taken in turn, so that a noisy neighbour hurts both or neither. */
int main(int argc, char **argv)
{
    int orders = argc > 1 ? atoi(argv[1]) : 50000;
    double store = 1e9, sqlite = 1e9;
    orders -= orders % PAGE;
    if (orders <= 0)
        fail("ORDERS is a number, 250 at least");
    memset(raw_bytes, 'x', sizeof raw_bytes);
    if (argc == 4) {
        uri = argv[2];
        measure_postgresql(orders, argv[3]);
        return 0;
    }
    through_store(orders / 2 / PAGE * PAGE + PAGE);
    for (int round = 0; round < ROUNDS; round++) {
        double seconds = through_sqlite(orders);
        sqlite = seconds < sqlite ? seconds : sqlite;
        seconds = through_store(orders);
        store = seconds < store ? seconds : store;
    }
    remove_store();
    printf("plain SQLite  %7.0f orders per CPU second  %5.1f us an order\n", orders / sqlite,
           sqlite * 1e6 / orders);
    printf("the store     %7.0f orders per CPU second  %5.1f us an order\n", orders / store,
           store * 1e6 / orders);
    printf("ratio         %.2f times the CPU time of plain SQLite\n", store / sqlite);
    return 0;
}
