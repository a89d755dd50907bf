/* upload_ftp_test.c - uploads to vsftpd, in clear and through TLS. */
#include "upload_bed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_file(const struct file_server *server, const char *name, struct cw_slice bytes)
{
    struct cw_buffer text = file_server_read(server, name);
    if (text.data == NULL)
        fail_msg("%s is not there, but %s", name, file_server_names(server));
    assert_int_equal(text.len, bytes.len);
    assert_memory_equal(text.data, bytes.len > 0 ? bytes.data : "", bytes.len);
    cw_buffer_fini(&text);
}

static char *many_bytes(size_t len)
{
    char *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    return bytes;
}

static void a_whole_file_stands_under_its_final_name_alone(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct file_server *server = vsftpd_start(NULL);
    upload_bed_open(&bed, "ftp", server->port, "in");
    assert_ok(upload_bed_put(&bed, "orders-17.csv", cw_slice("sku;quantity\r\nA1;3\r\n")), bed.err);
    assert_false(bed.may_exist);
    assert_string_equal(file_server_names(server), "orders-17.csv ");
    assert_file(server, "in/orders-17.csv", cw_slice("sku;quantity\r\nA1;3\r\n"));
    upload_bed_close(&bed);
    file_server_stop(server);
}

static void five_megabytes_and_no_byte_at_all_arrive(void **state)
{
    (void)state;
    enum { LEN = 5 * 1024 * 1024 };
    struct upload_bed bed;
    struct file_server *server = vsftpd_start(NULL);
    char *bytes = many_bytes(LEN);
    upload_bed_open(&bed, "ftp", server->port, "in/");
    assert_ok(upload_bed_put(&bed, "large", (struct cw_slice){ bytes, LEN }), bed.err);
    assert_file(server, "in/large", (struct cw_slice){ bytes, LEN });
    assert_ok(upload_bed_put(&bed, "empty", (struct cw_slice){ NULL, 0 }), bed.err);
    assert_file(server, "in/empty", (struct cw_slice){ NULL, 0 });
    free(bytes);
    upload_bed_close(&bed);
    file_server_stop(server);
}

int main(void)
{
    file_server_need("/usr/sbin/vsftpd", "vsftpd");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_stands_under_its_final_name_alone),
        cmocka_unit_test(five_megabytes_and_no_byte_at_all_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
