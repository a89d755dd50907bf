/* fault_vfs.c - see fault_vfs.h. */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { FILES_MAX = 8, NAME_MAX_BYTES = 128, REGIONS_MAX = 16, SECTOR = 512 };

/* A write, or with data NULL a truncation to `offset`. */
struct change {
    size_t offset, len;
    char *data;
};

struct bytes {
    char *data;
    size_t len, cap;
};

struct file {
    char name[NAME_MAX_BYTES]; /* "" = the slot is free */
    struct bytes now, synced;
    struct change *changes; /* since the last sync, in order */
    size_t change_count;
    bool was_synced; /* ever: else the file itself may be gone after a power cut */
    void *regions[REGIONS_MAX];
    int handles;
};

struct handle {
    sqlite3_file base; /* first */
    struct file *file;
};

static struct {
    struct file files[FILES_MAX], saved[FILES_MAX];
    struct fault_plan plan;
    long count;
    bool fired, stopped;
    sqlite3_vfs *system;
} disk;

/* --- bytes --- */

static void must(bool ok)
{
    if (!ok)
        abort(); /* the test's own memory, not what is tested */
}

static void resize(struct bytes *bytes, size_t len)
{
    if (len > bytes->cap) {
        bytes->cap = len * 2;
        bytes->data = realloc(bytes->data, bytes->cap);
        must(bytes->data != NULL);
    }
    if (len > bytes->len)
        memset(bytes->data + bytes->len, 0, len - bytes->len);
    bytes->len = len;
}

static void write_bytes(struct bytes *bytes, size_t offset, const char *data, size_t len)
{
    if (offset + len > bytes->len)
        resize(bytes, offset + len);
    if (len > 0)
        memcpy(bytes->data + offset, data, len);
}

static void copy_bytes(struct bytes *to, const struct bytes *from)
{
    to->len = 0;
    write_bytes(to, 0, from->data != NULL ? from->data : "", from->len);
}

static void apply(struct bytes *bytes, const struct change *change)
{
    if (change->data != NULL)
        write_bytes(bytes, change->offset, change->data, change->len);
    else
        resize(bytes, change->offset);
}

static void note_change(struct file *file, size_t offset, const void *data, size_t len)
{
    struct change *change;
    file->changes = realloc(file->changes, (file->change_count + 1) * sizeof *file->changes);
    must(file->changes != NULL);
    change = &file->changes[file->change_count++];
    *change = (struct change){ offset, len, NULL };
    if (data == NULL)
        return;
    change->data = malloc(len + 1);
    must(change->data != NULL);
    memcpy(change->data, data, len);
}

static void forget_changes(struct file *file)
{
    for (size_t i = 0; i < file->change_count; i++)
        free(file->changes[i].data);
    free(file->changes);
    file->changes = NULL;
    file->change_count = 0;
}

static void forget_regions(struct file *file)
{
    for (int i = 0; i < REGIONS_MAX; i++)
        free(file->regions[i]);
    memset(file->regions, 0, sizeof file->regions);
}

static void forget_file(struct file *file)
{
    forget_changes(file);
    forget_regions(file);
    free(file->now.data);
    free(file->synced.data);
    memset(file, 0, sizeof *file);
}

/* --- faults --- */

/* SQLITE_OK, or how the operation fails. */
static int strike(enum fault_operation operation, int io_error)
{
    if (disk.stopped)
        return io_error;
    if ((disk.plan.operations & operation) == 0 || disk.plan.at == 0)
        return SQLITE_OK;
    disk.count++;
    if (disk.count != disk.plan.at && !(disk.plan.sticky && disk.count > disk.plan.at))
        return SQLITE_OK;
    disk.fired = true;
    disk.stopped = disk.plan.effect == FAULT_STOP;
    return disk.plan.effect == FAULT_DISK_FULL ? SQLITE_FULL : io_error;
}

/* --- one file --- */

static struct file *file_of(sqlite3_file *base)
{
    return ((struct handle *)base)->file;
}

static int fault_close(sqlite3_file *base)
{
    struct file *file = file_of(base);
    if (--file->handles == 0)
        forget_regions(file);
    return SQLITE_OK;
}

static int fault_read(sqlite3_file *base, void *out, int len, sqlite3_int64 offset)
{
    struct file *file = file_of(base);
    size_t from = (size_t)offset, want = (size_t)len;
    int rc = strike(FAULT_READ, SQLITE_IOERR_READ);
    if (rc != SQLITE_OK)
        return rc;
    size_t there = from >= file->now.len ? 0 : file->now.len - from;
    if (there > want)
        there = want;
    memset(out, 0, want);
    if (there > 0)
        memcpy(out, file->now.data + from, there);
    return there == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int fault_write(sqlite3_file *base, const void *data, int len, sqlite3_int64 offset)
{
    struct file *file = file_of(base);
    bool was_stopped = disk.stopped;
    int rc = strike(FAULT_WRITE, SQLITE_IOERR_WRITE);
    if (rc == SQLITE_OK || (disk.stopped && !was_stopped)) { /* the write in hand may be half done */
        note_change(file, (size_t)offset, data, (size_t)len);
        write_bytes(&file->now, (size_t)offset, data, (size_t)len);
    }
    return rc;
}

static int fault_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *file = file_of(base);
    int rc = strike(FAULT_WRITE, SQLITE_IOERR_TRUNCATE);
    if (rc != SQLITE_OK)
        return rc;
    note_change(file, (size_t)size, NULL, 0);
    resize(&file->now, (size_t)size);
    return SQLITE_OK;
}

static int fault_sync(sqlite3_file *base, int flags)
{
    struct file *file = file_of(base);
    int rc = strike(FAULT_SYNC, SQLITE_IOERR_FSYNC);
    (void)flags;
    if (rc != SQLITE_OK)
        return rc;
    for (size_t i = 0; i < file->change_count; i++)
        apply(&file->synced, &file->changes[i]);
    forget_changes(file);
    file->was_synced = true;
    return SQLITE_OK;
}

static int fault_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)file_of(base)->now.len;
    return strike(FAULT_OTHER, SQLITE_IOERR_FSTAT);
}

static int fault_lock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int fault_is_reserved(sqlite3_file *base, int *out)
{
    (void)base;
    *out = 0;
    return SQLITE_OK;
}

static int fault_control(sqlite3_file *base, int op, void *arg)
{
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int fault_sector_size(sqlite3_file *base)
{
    (void)base;
    return 4096; /* what the system's own file systems say */
}

static int fault_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as theirs */
}

static int fault_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    struct file *file = file_of(base);
    int rc = strike(FAULT_OTHER, SQLITE_IOERR_SHMMAP);
    *out = NULL;
    if (rc != SQLITE_OK)
        return rc;
    must(region < REGIONS_MAX);
    if (file->regions[region] == NULL && extend) {
        file->regions[region] = calloc(1, (size_t)size);
        must(file->regions[region] != NULL);
    }
    *out = file->regions[region];
    return SQLITE_OK;
}

static int fault_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    (void)base, (void)offset, (void)count, (void)flags;
    return SQLITE_OK;
}

static void fault_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static int fault_shm_unmap(sqlite3_file *base, int delete)
{
    (void)base, (void)delete; /* with the last handle */
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_file_size,
    .xLock = fault_lock,
    .xUnlock = fault_lock,
    .xCheckReservedLock = fault_is_reserved,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector_size,
    .xDeviceCharacteristics = fault_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

/* --- the folder --- */

/* The file of that name; "" finds a free slot. */
static struct file *find_file(const char *name)
{
    for (int i = 0; i < FILES_MAX; i++)
        if (strcmp(disk.files[i].name, name) == 0)
            return &disk.files[i];
    return NULL;
}

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
    struct file *file = find_file(name);
    int rc = strike(FAULT_OPEN, SQLITE_CANTOPEN);
    (void)vfs;
    base->pMethods = NULL;
    if (rc != SQLITE_OK)
        return rc;
    if (file == NULL && (flags & SQLITE_OPEN_CREATE) == 0)
        return SQLITE_CANTOPEN;
    if (file == NULL) {
        file = find_file("");
        must(file != NULL && strlen(name) < NAME_MAX_BYTES);
        strcpy(file->name, name);
    }
    file->handles++;
    ((struct handle *)base)->file = file;
    base->pMethods = &methods;
    if (out_flags != NULL)
        *out_flags = flags;
    return SQLITE_OK;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct file *file = find_file(name);
    int rc = strike(FAULT_OTHER, SQLITE_IOERR_DELETE);
    (void)vfs, (void)sync_folder;
    if (rc != SQLITE_OK)
        return rc;
    if (file == NULL)
        return SQLITE_IOERR_DELETE_NOENT;
    must(file->handles == 0);
    forget_file(file);
    return SQLITE_OK;
}

static int fault_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const struct file *file = find_file(name);
    (void)vfs;
    /* as the system's: an empty log does not count as one */
    *out = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->now.len > 0);
    return strike(FAULT_OTHER, SQLITE_IOERR_ACCESS);
}

static int fault_full_name(sqlite3_vfs *vfs, const char *name, int cap, char *out)
{
    (void)vfs;
    sqlite3_snprintf(cap, out, "%s", name);
    return SQLITE_OK;
}

static int fault_randomness(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs;
    return disk.system->xRandomness(disk.system, len, out);
}

static int fault_sleep(sqlite3_vfs *vfs, int micros)
{
    (void)vfs;
    return micros;
}

static int fault_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    return disk.system->xCurrentTime(disk.system, out);
}

static int fault_last_error(sqlite3_vfs *vfs, int cap, char *out)
{
    (void)vfs, (void)cap, (void)out;
    return 0;
}

void fault_vfs_register(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = NAME_MAX_BYTES,
        .zName = FAULT_VFS,
        .xOpen = fault_open,
        .xDelete = fault_delete,
        .xAccess = fault_access,
        .xFullPathname = fault_full_name,
        .xRandomness = fault_randomness,
        .xSleep = fault_sleep,
        .xCurrentTime = fault_time,
        .xGetLastError = fault_last_error,
    };
    disk.system = sqlite3_vfs_find(NULL);
    must(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

/* --- what tests do --- */

void fault_vfs_format(void)
{
    for (int i = 0; i < FILES_MAX; i++)
        forget_file(&disk.files[i]);
    fault_vfs_arm((struct fault_plan){ 0 });
    disk.stopped = false;
}

void fault_vfs_arm(struct fault_plan plan)
{
    disk.plan = plan;
    disk.count = 0;
    disk.fired = false;
}

long fault_vfs_count(void)
{
    return disk.count;
}

bool fault_vfs_fired(void)
{
    return disk.fired;
}

/* The sectors of a write that reached the disk: each one or not. */
static void apply_torn(struct bytes *bytes, const struct change *change, struct cw_random *random)
{
    for (size_t done = 0; done < change->len;) {
        size_t len = SECTOR - (change->offset + done) % SECTOR;
        if (len > change->len - done)
            len = change->len - done;
        if (cw_random_below(random, 2) == 0)
            write_bytes(bytes, change->offset + done, change->data + done, len);
        done += len;
    }
}

static void shuffle(struct change *changes, size_t count, struct cw_random *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)cw_random_below(random, i);
        struct change other = changes[i - 1];
        changes[i - 1] = changes[j];
        changes[j] = other;
    }
}

static void lose(struct file *file, struct cw_random *random)
{
    copy_bytes(&file->now, &file->synced);
    if (cw_random_below(random, 2) == 0)
        shuffle(file->changes, file->change_count, random);
    for (size_t i = 0; i < file->change_count; i++) {
        uint64_t fate = cw_random_below(random, 3);
        if (fate == 0 && file->changes[i].data != NULL)
            apply_torn(&file->now, &file->changes[i], random);
        else if (fate == 1)
            apply(&file->now, &file->changes[i]);
    }
}

void fault_vfs_power_on(enum fault_loss loss, uint64_t seed)
{
    struct cw_random random;
    cw_random_seed(&random, seed);
    for (int i = 0; i < FILES_MAX; i++) {
        struct file *file = &disk.files[i];
        must(file->handles == 0);
        if (loss == FAULT_LOSE && !file->was_synced && cw_random_below(&random, 2) == 0) {
            forget_file(file);
            continue;
        }
        if (loss == FAULT_LOSE)
            lose(file, &random);
        copy_bytes(&file->synced, &file->now);
        forget_changes(file);
        file->was_synced = true;
    }
    fault_vfs_arm((struct fault_plan){ 0 });
    disk.stopped = false;
}

static void copy_files(struct file *to, const struct file *from)
{
    for (int i = 0; i < FILES_MAX; i++) {
        must(from[i].handles == 0);
        forget_file(&to[i]);
        strcpy(to[i].name, from[i].name);
        copy_bytes(&to[i].now, &from[i].now);
        copy_bytes(&to[i].synced, &from[i].now);
        to[i].was_synced = true;
    }
}

void fault_vfs_damage(const char *name, size_t offset, size_t len)
{
    struct file *file = find_file(name);
    must(file != NULL && offset + len <= file->now.len);
    memset(file->now.data + offset, 0xff, len);
    copy_bytes(&file->synced, &file->now);
}

void fault_vfs_save(void)
{
    copy_files(disk.saved, disk.files);
}

void fault_vfs_restore(void)
{
    copy_files(disk.files, disk.saved);
    fault_vfs_arm((struct fault_plan){ 0 });
    disk.stopped = false;
}
