/* run_inboxes.c - what the process that reads the site tells the workers of inboxes, by way of the
 * supervisor, which does not look at it: lines "inbox CART" of carts that have one, and "drop PATH" of the
 * folders of this machine that files are taken from. So a worker knows them before it gives up all other
 * files. */
#include <string.h>
#include <sys/stat.h>

#include "cli/run.h"

void cw_cli_inbox_lines(const struct cw_lua_cart *cart, GString *lines)
{
    if (!cart->has_inbox)
        return;
    g_string_append_printf(lines, "inbox %s\n", cart->name);
    for (size_t i = 0; i < cart->drop_count; i++) {
        mkdir(cart->drops[i], 0777); /* one that cannot be made is told by the run that looks into it */
        g_string_append_printf(lines, "drop %s\n", cart->drops[i]);
    }
}

GPtrArray *cw_cli_inbox_values(const char *lines, const char *word)
{
    GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
    char **each = g_strsplit(lines != NULL ? lines : "", "\n", -1);
    size_t len = strlen(word);
    for (size_t i = 0; each[i] != NULL; i++)
        if (strncmp(each[i], word, len) == 0 && each[i][len] == ' ')
            g_ptr_array_add(values, g_strdup(each[i] + len + 1));
    g_strfreev(each);
    g_ptr_array_add(values, NULL);
    return values;
}
