/* who.c - see who.h. */
#include "cli/who.h"

#include <glib.h>

const char *cw_cli_who(void)
{
    const char *named = g_getenv("CARTWRIGHT_USER");
    return named != NULL && *named != '\0' ? named : g_get_user_name();
}
