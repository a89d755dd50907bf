/* upload_bed.c - see upload_bed.h. */
#include "upload_bed.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/confine.h"

void upload_bed_open(struct upload_bed *bed, const char *scheme, unsigned port, const char *path)
{
    struct cw_error err = { 0 };
    *bed = (struct upload_bed){ .loop = cw_loop_create(&err), .egress = cw_egress_create() };
    assert_ok(bed->loop != NULL, err);
    snprintf(bed->url, sizeof bed->url, "%s://127.0.0.1:%u/%s", scheme, port, path);
    char rule[32];
    snprintf(rule, sizeof rule, "127.0.0.1:%u", port);
    assert_ok(cw_egress_allow(bed->egress, rule, &err), err);
    bed->place = (struct cw_upload_place){
        .url = bed->url,
        .user = "anonymous",
        .password = FILE_SERVER_PASSWORD,
        .stall = 2 * CW_SECOND,
        .total = 30 * CW_SECOND,
        .egress = bed->egress,
    };
}

void upload_bed_close(struct upload_bed *bed)
{
    cw_egress_free(bed->egress);
    cw_loop_free(bed->loop);
}

static void note(struct upload_bed *bed, const struct cw_error *err)
{
    bed->calls++;
    bed->ok = err == NULL;
    bed->err = err != NULL ? *err : (struct cw_error){ 0 };
    assert_null(strstr(bed->err.text, FILE_SERVER_PASSWORD));
}

static void on_uploaded(void *arg, bool may_exist, const struct cw_error *err)
{
    ((struct upload_bed *)arg)->may_exist = may_exist;
    note(arg, err);
}

static void on_name(void *arg, struct cw_slice name)
{
    struct upload_bed *bed = arg;
    size_t len = strlen(bed->names);
    snprintf(bed->names + len, sizeof bed->names - len, "%.*s ", CW_SLICE_ARG(name));
}

static void on_listed(void *arg, const struct cw_error *err)
{
    note(arg, err);
}

static bool wait_for_it(struct upload_bed *bed, const struct cw_upload *upload)
{
    assert_int_equal(bed->calls, 0); /* never from inside start */
    if (upload == NULL)
        return false;
    cw_loop_run(bed->loop);
    assert_int_equal(bed->calls, 1);
    return bed->ok;
}

bool upload_bed_put(struct upload_bed *bed, const char *name, struct cw_slice bytes)
{
    bed->calls = 0;
    bed->may_exist = false;
    return wait_for_it(bed,
                       cw_upload_start(bed->loop, &bed->place, name, bytes, on_uploaded, bed, &bed->err));
}

bool upload_bed_list(struct upload_bed *bed)
{
    bed->calls = 0;
    bed->names[0] = '\0';
    return wait_for_it(bed, cw_upload_list(bed->loop, &bed->place, on_name, on_listed, bed, &bed->err));
}

bool upload_bed_put_confined(struct upload_bed *bed, const char *name, struct cw_slice bytes)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct cw_error err = { 0 };
        struct cw_confined confined;
        const struct cw_confine walls = { 0 };
        cw_loop_free(bed->loop);
        bool ok = cw_confine_process(&walls, &confined, &err) && confined.seccomp && confined.landlock;
        bed->loop = cw_loop_create(&err);
        ok = ok && upload_bed_put(bed, name, bytes);
        fprintf(stderr, "%s%s", err.text, bed->err.text);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

void upload_bed_expect(const struct upload_bed *bed, enum cw_code code, const char *words, bool may_exist)
{
    if (bed->err.code != code || strstr(bed->err.text, words) == NULL || bed->may_exist != may_exist)
        fail_msg("expected %s with \"%s\"%s, got %s%s: %s", cw_code_name(code), words,
                 may_exist ? ", which may exist" : "", cw_code_name(bed->err.code),
                 bed->may_exist ? ", which may exist" : "", bed->err.text);
}
