/* replay.c - runs a fuzz target without libFuzzer: over its seeds, then over mutations of them that are the
 * same in every run. An input that ends the program is left in ./NAME-crash, for the debugger and for the
 * corpus.
 *
 *   replay ROUNDS CORPUS-FOLDER     ROUNDS mutations in all
 *   replay FILE                     that input alone
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#include "base/clock.h"

enum { SEEDS_MAX = 2000, SEED_BYTES_MAX = 1 << 20, STEPS_MAX = 6 };

struct seed {
    uint8_t *data;
    size_t size;
};

static struct seed seeds[SEEDS_MAX];
static size_t seed_count;
static struct seed current; /* what the target is looking at */
static char crash_path[256];

static void keep_current(void)
{
    int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    ssize_t written = write(fd, current.data, current.size);
    close(fd);
    fprintf(stderr, "replay: the input (%zd bytes) is in %s\n", written, crash_path);
}

static void on_abort(int signal_number)
{
    keep_current();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* The target gets a copy of exactly the input's size, so that the sanitizer sees a read past its end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    MUST(copy != NULL);
    memcpy(copy, data, size);
    current = (struct seed){ copy, size };
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void read_seed(const char *path)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = malloc(SEED_BYTES_MAX);
    MUST(in != NULL && data != NULL && seed_count < SEEDS_MAX);
    size_t size = fread(data, 1, SEED_BYTES_MAX, in);
    fclose(in);
    seeds[seed_count++] = (struct seed){ data, size };
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_corpus(const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, by_name);
    for (int i = 0; i < count; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            read_seed(path);
        free(names[i]);
    }
    free(names);
    if (seed_count == 0)
        seeds[seed_count++] = (struct seed){ calloc(1, 1), 0 };
}

/* ---- mutations ---- */

struct work {
    uint8_t *data;
    size_t size, cap;
    struct cw_random *chance;
};

static size_t below(struct work *work, size_t bound)
{
    return bound == 0 ? 0 : (size_t)cw_random_below(work->chance, bound);
}

static void insert(struct work *work, size_t at, const uint8_t *data, size_t size)
{
    if (size > work->cap - work->size)
        size = work->cap - work->size;
    memmove(work->data + at + size, work->data + at, work->size - at);
    memmove(work->data + at, data, size);
    work->size += size;
}

static void erase(struct work *work, size_t at, size_t size)
{
    memmove(work->data + at, work->data + at + size, work->size - at - size);
    work->size -= size;
}

static void insert_run(struct work *work)
{
    uint8_t piece[64];
    static const char telling[] = "<>&\"'{}[]:,.0123456789-+eE%\\/|=;#!?@*\n\r\t \x7F\x80\xC3\xFF";
    size_t len = 1 + below(work, below(work, 4) == 0 ? sizeof piece - 1 : 3);
    uint8_t byte =
        below(work, 2) == 0 ? (uint8_t)telling[below(work, sizeof telling)] : (uint8_t)below(work, 256);
    memset(piece, byte, len);
    insert(work, below(work, work->size + 1), piece, len);
}

static void insert_of_other(struct work *work)
{
    const struct seed *other = &seeds[below(work, seed_count)];
    size_t from = below(work, other->size + 1);
    size_t len = below(work, other->size - from + 1);
    insert(work, below(work, work->size + 1), other->data + from, len);
}

static void step(struct work *work)
{
    size_t at = below(work, work->size);
    switch (below(work, 7)) {
    case 0:
        if (work->size > 0)
            work->data[at] ^= (uint8_t)(1u << below(work, 8));
        break;
    case 1:
        if (work->size > 0)
            work->data[at] = (uint8_t)below(work, 256);
        break;
    case 2:
        erase(work, at, below(work, work->size - at + 1));
        break;
    case 3:
        if (work->size > 0)
            erase(work, at, 1);
        break;
    case 4:
        insert_of_other(work);
        break;
    default:
        insert_run(work);
        break;
    }
}

static void mutate(size_t rounds)
{
    struct cw_random chance;
    uint8_t *data = malloc(SEED_BYTES_MAX);
    MUST(data != NULL);
    cw_random_seed(&chance, 1);
    for (size_t i = 0; i < rounds; i++) {
        const struct seed *seed = &seeds[i % seed_count];
        struct work work = { data, seed->size, SEED_BYTES_MAX, &chance };
        memcpy(data, seed->data, seed->size);
        for (size_t steps = 1 + below(&work, STEPS_MAX); steps > 0; steps--)
            step(&work);
        run(work.data, work.size);
    }
    free(data);
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: %s ROUNDS CORPUS-FOLDER | FILE\n", argv[0]);
        return 2;
    }
    const char *name = strrchr(argv[0], '/');
    snprintf(crash_path, sizeof crash_path, "%.200s-crash", name != NULL ? name + 1 : argv[0]);
    signal(SIGABRT, on_abort);
    __sanitizer_set_death_callback(keep_current);
    if (argc == 2)
        read_seed(argv[1]);
    else
        read_corpus(argv[2]);
    for (size_t i = 0; i < seed_count; i++)
        run(seeds[i].data, seeds[i].size);
    if (argc == 3)
        mutate(strtoul(argv[1], NULL, 10));
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].data);
    return 0;
}
