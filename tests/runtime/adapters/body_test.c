/* body_test.c - bodies in memory, in temporary files, in files of others. */
#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/body.h"

static struct cw_error err;

static char pattern_at(uint64_t offset)
{
    return (char)(offset * 2654435761u >> 13);
}

static struct cw_body *body_of(uint64_t size, size_t piece, uint64_t limit)
{
    struct cw_body *body = cw_body_create(limit, &err);
    char *bytes = malloc(piece);
    assert_non_null(body);
    for (uint64_t done = 0; done < size;) {
        size_t n = size - done < piece ? (size_t)(size - done) : piece;
        for (size_t i = 0; i < n; i++)
            bytes[i] = pattern_at(done + i);
        assert_ok(cw_body_write(body, (struct cw_slice){ bytes, n }, &err), err);
        done += n;
    }
    free(bytes);
    return body;
}

static void assert_reads_back(struct cw_body *body, uint64_t offset, size_t len)
{
    char *bytes = malloc(len + 1);
    assert_ok(cw_body_read(body, offset, bytes, len, &err), err);
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != pattern_at(offset + i))
            fail_msg("byte %zu differs", (size_t)offset + i);
    free(bytes);
}

static void what_is_skipped_is_left_out(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { 100000, CW_BODY_MEMORY_MAX + 100000 }; /* in memory, in a file */
    for (size_t i = 0; i < 2; i++) {
        struct cw_body *body = body_of(sizes[i], 777, 64 << 20);
        char first;
        cw_body_skip(body, 5000);
        assert_int_equal(cw_body_size(body), sizes[i] - 5000);
        assert_ok(cw_body_read(body, 0, &first, 1, &err), err);
        assert_int_equal(first, pattern_at(5000));
        assert_ok(cw_body_read(body, sizes[i] - 5001, &first, 1, &err), err);
        assert_int_equal(first, pattern_at(sizes[i] - 1));
        assert_false(cw_body_read(body, sizes[i] - 5000, &first, 1, &err));
        assert_false(cw_body_write(body, cw_slice("x"), &err));
        struct cw_slice memory = cw_body_memory(body);
        assert_true(memory.data == NULL ||
                    (memory.len == sizes[i] - 5000 && memory.data[0] == pattern_at(5000)));
        cw_body_skip(body, UINT64_MAX);
        assert_int_equal(cw_body_size(body), 0);
        cw_body_free(body);
    }
}

static void a_small_body_stays_in_memory(void **state)
{
    (void)state;
    struct cw_body *body = body_of(100000, 777, 1 << 20);
    assert_int_equal(cw_body_size(body), 100000);
    assert_int_equal(cw_body_memory(body).len, 100000);
    assert_reads_back(body, 0, 100000);
    assert_reads_back(body, 99999, 1);
    assert_reads_back(body, 100000, 0);
    cw_body_free(body);
}

static void an_empty_body_is_in_memory(void **state)
{
    (void)state;
    struct cw_body *body = body_of(0, 1, 10);
    assert_non_null(cw_body_memory(body).data);
    assert_int_equal(cw_body_memory(body).len, 0);
    cw_body_free(body);
}

static void a_large_body_moves_to_a_file_and_reads_back(void **state)
{
    (void)state;
    uint64_t size = CW_BODY_MEMORY_MAX * 2 + 12345;
    struct cw_body *body = body_of(size, 100003, size);
    assert_null(cw_body_memory(body).data);
    assert_int_equal(cw_body_size(body), size);
    assert_reads_back(body, 0, (size_t)size);
    assert_reads_back(body, CW_BODY_MEMORY_MAX - 5, 10);
    cw_body_free(body);
}

static void the_last_byte_in_memory_is_the_limit_of_memory(void **state)
{
    (void)state;
    struct cw_body *body = body_of(CW_BODY_MEMORY_MAX, 65536, UINT64_MAX);
    assert_non_null(cw_body_memory(body).data);
    char last = pattern_at(CW_BODY_MEMORY_MAX);
    assert_ok(cw_body_write(body, (struct cw_slice){ &last, 1 }, &err), err);
    assert_null(cw_body_memory(body).data);
    assert_reads_back(body, CW_BODY_MEMORY_MAX - 1, 2);
    cw_body_free(body);
}

static void the_limit_refuses_and_keeps_what_was_there(void **state)
{
    (void)state;
    struct cw_body *body = body_of(10, 10, 10);
    assert_false(cw_body_write(body, cw_slice("x"), &err));
    assert_int_equal(err.code, CW_LIMIT);
    assert_non_null(strstr(err.text, "10 bytes"));
    assert_int_equal(cw_body_size(body), 10);
    assert_ok(cw_body_write(body, cw_slice(""), &err), err);
    cw_body_free(body);
}

static void reading_past_the_end_is_refused(void **state)
{
    (void)state;
    char out[8];
    struct cw_body *body = body_of(4, 4, 4);
    assert_false(cw_body_read(body, 2, out, 3, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_false(cw_body_read(body, UINT64_MAX, out, 2, &err));
    cw_body_free(body);
}

static unsigned entries(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void a_temporary_file_has_no_name(void **state)
{
    (void)state;
    char folder[] = "/tmp/cw-body-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
    struct cw_body *body = body_of(CW_BODY_MEMORY_MAX + 1, 65536, UINT64_MAX);
    assert_int_equal(entries(folder), 0);
    cw_body_free(body);
    unsetenv("TMPDIR");
    rmdir(folder);
}

static void an_unusable_folder_is_named_and_loses_nothing(void **state)
{
    (void)state;
    setenv("TMPDIR", "/nonexistent/place", 1);
    struct cw_body *body = body_of(CW_BODY_MEMORY_MAX, 65536, UINT64_MAX);
    assert_false(cw_body_write(body, cw_slice("x"), &err));
    assert_int_equal(err.code, CW_IO);
    assert_non_null(strstr(err.text, "/nonexistent/place"));
    assert_reads_back(body, 0, CW_BODY_MEMORY_MAX);
    unsetenv("TMPDIR");
    cw_body_free(body);
}

static void write_file(const char *path, const char *text, int flags)
{
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void a_file_is_read_up_to_its_size_at_opening(void **state)
{
    (void)state;
    char path[64], out[5];
    snprintf(path, sizeof path, "/tmp/cw-body-test-%d", (int)getpid());
    write_file(path, "hello", O_TRUNC);
    struct cw_body *body = cw_body_open_file(path, &err);
    assert_non_null(body);
    write_file(path, " world", O_APPEND);
    assert_int_equal(cw_body_size(body), 5);
    assert_ok(cw_body_read(body, 0, out, 5, &err), err);
    assert_memory_equal(out, "hello", 5);
    assert_false(cw_body_read(body, 0, out, 6, &err));
    assert_false(cw_body_write(body, cw_slice("x"), &err));
    assert_int_equal(truncate(path, 3), 0);
    assert_false(cw_body_read(body, 0, out, 5, &err));
    assert_int_equal(err.code, CW_IO);
    assert_non_null(strstr(err.text, path));
    cw_body_free(body);
    unlink(path);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    char path[64];
    assert_null(cw_body_open_file("/tmp", &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_null(cw_body_open_file("/tmp/cw-no-such-file", &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
    snprintf(path, sizeof path, "/tmp/cw-body-pipe-%d", (int)getpid());
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(cw_body_open_file(path, &err));
    assert_int_equal(err.code, CW_USAGE);
    unlink(path);
}

static void borrowed_bytes_are_not_copied(void **state)
{
    (void)state;
    const char text[] = "abc";
    char out[2];
    struct cw_body *body = cw_body_borrow((struct cw_slice){ text, 3 }, &err);
    assert_ptr_equal(cw_body_memory(body).data, text);
    assert_ok(cw_body_read(body, 1, out, 2, &err), err);
    assert_memory_equal(out, "bc", 2);
    assert_false(cw_body_write(body, cw_slice("x"), &err));
    cw_body_free(body);
    cw_body_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_skipped_is_left_out),
        cmocka_unit_test(a_small_body_stays_in_memory),
        cmocka_unit_test(an_empty_body_is_in_memory),
        cmocka_unit_test(a_large_body_moves_to_a_file_and_reads_back),
        cmocka_unit_test(the_last_byte_in_memory_is_the_limit_of_memory),
        cmocka_unit_test(the_limit_refuses_and_keeps_what_was_there),
        cmocka_unit_test(reading_past_the_end_is_refused),
        cmocka_unit_test(a_temporary_file_has_no_name),
        cmocka_unit_test(an_unusable_folder_is_named_and_loses_nothing),
        cmocka_unit_test(a_file_is_read_up_to_its_size_at_opening),
        cmocka_unit_test(what_is_no_regular_file_is_refused),
        cmocka_unit_test(borrowed_bytes_are_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
