/* upload_private.h - what the files of uploads share: upload.c is the loop's side, and hands each upload to a
 * thread; upload_steps.c says in that thread what is done one after the other; upload_link.c is the
 * connection in libcurl's hands and what is seen of it; upload_url.c takes addresses and names apart. */
#ifndef CW_ADAPTERS_UPLOAD_PRIVATE_H
#define CW_ADAPTERS_UPLOAD_PRIVATE_H

#include <curl/curl.h>
#include <pthread.h>

#include "adapters/body.h"
#include "adapters/http_url.h"
#include "adapters/upload.h"

enum { CW_UPLOAD_NAME_MAX = 200, CW_UPLOAD_SOCKETS_MAX = 8, CW_LISTING_MAX = 1024 * 1024 }; /* bytes */
enum { CW_UPLOAD_READ_MAX_GIB = 16 }; /* of one file that is fetched */

/* --- upload_url.c --- */

enum cw_upload_kind { CW_FTP, CW_FTPES, CW_FTPS, CW_SFTP };

struct cw_upload_url {
    enum cw_upload_kind kind;
    unsigned port;
    char host[CW_URL_HOST_MAX];   /* lower case, without brackets */
    char where[CW_URL_WHERE_MAX]; /* "sftp://host:22/in/" for messages */
    char *folder;                 /* as libcurl takes it; ends in a slash */
    char *path;                   /* its path, decoded; ends in a slash */
};

bool cw_upload_url_parse(const char *text, struct cw_upload_url *out, struct cw_error *err);
void cw_upload_url_fini(struct cw_upload_url *url);
bool cw_upload_name_check(const char *name, struct cw_error *err);
/* ".NAME.part" */
bool cw_upload_part_name(const char *name, struct cw_buffer *out, struct cw_error *err);
bool cw_upload_is_part_name(struct cw_slice name);

/* --- upload_link.c --- */

/* LIST brings names, LONG what else the server shows of the files, STAT the time of one, READ its bytes. */
enum cw_upload_step {
    CW_STEP_LOOK,
    CW_STEP_WRITE,
    CW_STEP_RENAME,
    CW_STEP_LIST,
    CW_STEP_REMOVE,
    CW_STEP_LONG,
    CW_STEP_STAT,
    CW_STEP_READ
};

/* What a transfer of libcurl is to do. */
struct cw_upload_order {
    enum cw_upload_step step;
    const char *name;            /* of the file; NULL = the folder itself */
    struct curl_slist *commands; /* of a rename, or a removal */
};

struct cw_upload_link {
    struct cw_upload_url url;
    CURL *easy;
    char message[CURL_ERROR_SIZE];
    int key_fd; /* the private key in memory; -1 = none */
    int64_t begun_ns;
    cw_time stall, total;
    enum cw_upload_step step;

    /* The lock guards what the loop's side may take away by cancelling: everything up to `sockets`. */
    pthread_mutex_t lock;
    bool cancelled, ended;
    const struct cw_egress *egress;
    struct cw_slice bytes;
    int sockets[CW_UPLOAD_SOCKETS_MAX]; /* open ones, oldest first */
    size_t socket_count;

    size_t sent;             /* of bytes */
    struct cw_buffer answer; /* a listing */
    struct cw_body *body;    /* borrowed: where a file goes that is read */
    struct cw_error err;     /* why a callback stopped it; code CW_OK = none did */

    curl_off_t moved; /* bytes of this step, at moved_ns */
    int64_t moved_ns;

    /* Of the conversation by FTP; what SFTP says only libcurl's message tells. */
    bool is_greeted;  /* by SFTP: the two have agreed on their keys */
    char command[8];  /* the last one that was sent, without what came behind it: "STOR" */
    char reply[320];  /* the answer to it so far, all lines; "" = none yet */
    bool is_answered; /* finally: with a code other than 1xx */
    bool is_lost;     /* SFTP: the server closed the connection */
};

/* Borrows egress and bytes. The lock is made before anything can fail; fini accepts what is left of that. */
bool cw_upload_link_init(struct cw_upload_link *link, const struct cw_upload_place *place,
                         struct cw_slice bytes, struct cw_error *err);
void cw_upload_link_fini(struct cw_upload_link *link);

/* Waits until it is done, or ends early when cancelled. */
CURLcode cw_upload_link_perform(struct cw_upload_link *link, const struct cw_upload_order *order);
/* The thread's last word: makes the eventfd `tell` readable. False when it was cancelled: nobody waits. */
bool cw_upload_link_end(struct cw_upload_link *link, int tell);
/* From any thread: everything that waits ends at once, and nothing borrowed is touched any more. True when
 * the thread had ended before. */
bool cw_upload_link_cancel(struct cw_upload_link *link);
/* Whether the server of an SFTP connection is still there. */
bool cw_upload_link_lives(struct cw_upload_link *link);

/* --- upload_talk.c --- */

/* Watches the conversation; arg is the link. A CURLOPT_DEBUGFUNCTION. */
int cw_upload_listen(CURL *easy, curl_infotype type, char *data, size_t len, void *arg);
/* Reads what the server said that libcurl is about to throw away with the connection. */
void cw_upload_last_words(struct cw_upload_link *link, int fd);
/* The code of the answer, such as 550; 0 = there is none. */
int cw_upload_reply_code(const struct cw_upload_link *link);
/* Turns the end of a step into words. Always false. */
bool cw_upload_explain(struct cw_upload_link *link, CURLcode result, struct cw_error *err);

/* --- upload_steps.c --- */

/* All of an upload; *may_exist as in upload.h. */
bool cw_upload_put(struct cw_upload_link *link, const char *name, bool *may_exist, struct cw_error *err);
/* Leaves the names in link->answer, a line each. */
bool cw_upload_read_names(struct cw_upload_link *link, struct cw_error *err);
/* Lists of commands, NULL without memory; free them with curl_slist_free_all. Names may have folders before
 * them. That a folder is there already is no error. */
struct curl_slist *cw_upload_rename_commands(const struct cw_upload_link *link, const char *from,
                                             const char *to);
struct curl_slist *cw_upload_remove_commands(const struct cw_upload_link *link, const char *name);
struct curl_slist *cw_upload_folder_commands(const struct cw_upload_link *link, const char *name);
/* Whether there is a file of that name. */
bool cw_upload_is_there(struct cw_upload_link *link, const char *name, bool *is_there, struct cw_error *err);

/* --- upload.c --- */

/* What a thread does with a connection, and whom the loop tells then. The job is freed behind that, or when
 * the thread has ended of one that was cancelled. */
struct cw_upload_job {
    bool (*work)(struct cw_upload_link *link, void *job, struct cw_error *err);
    void *job;
    void (*free)(void *job);
    void (*done)(void *arg, void *job, const struct cw_error *err);
    void *arg;
};
/* Takes over the job, also on failure. */
struct cw_upload *cw_upload_run(struct cw_loop *loop, const struct cw_upload_place *place,
                                const struct cw_upload_job *job, struct cw_error *err);

/* The next name of an answer; false at its end. */
bool cw_upload_next_name(struct cw_slice *answer, struct cw_slice *name);

#endif
