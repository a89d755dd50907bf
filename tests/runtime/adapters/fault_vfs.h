/* fault_vfs.h - a file system for SQLite in memory, on which any operation can fail and the power can be cut.
 *
 * Every file remembers what was synced and each change since. When the power comes back, any of those changes
 * may be there, missing, torn at sectors, or applied in another order; what was synced is always there. One
 * connection at a time: locks are not kept.
 */
#ifndef CW_TESTS_FAULT_VFS_H
#define CW_TESTS_FAULT_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_VFS "fault"

enum fault_operation {
    FAULT_OPEN = 1,
    FAULT_READ = 2,
    FAULT_WRITE = 4, /* also truncating */
    FAULT_SYNC = 8,
    FAULT_OTHER = 16, /* sizes, access, delete, shared memory */
    FAULT_ANY = 31
};

enum fault_effect {
    FAULT_IO_ERROR,
    FAULT_DISK_FULL,
    FAULT_STOP /* the machine stops: this and everything after fails until fault_vfs_power_on */
};

struct fault_plan {
    unsigned operations; /* those that count */
    long at;             /* the operation that fails, 1 = the first; 0 = none */
    bool sticky;         /* and all after it */
    enum fault_effect effect;
};

/* Registers the file system, once a process. */
void fault_vfs_register(void);
/* Forgets all files. */
void fault_vfs_format(void);
/* Starts counting from 0. */
void fault_vfs_arm(struct fault_plan plan);
long fault_vfs_count(void);
/* Whether the plan has struck. */
bool fault_vfs_fired(void);

enum fault_loss {
    FAULT_KEEP, /* the process was killed: the system still wrote everything */
    FAULT_LOSE  /* the power was cut */
};
/* Ends a stop. All files must be closed. */
void fault_vfs_power_on(enum fault_loss loss, uint64_t seed);

/* Overwrites bytes of a file, as a failing disk would. */
void fault_vfs_damage(const char *name, size_t offset, size_t len);

/* All files as they are, to come back to later. One copy is kept. */
void fault_vfs_save(void);
void fault_vfs_restore(void);

#endif
