/* cmd_secret.c - `cartwright secret CART SETTING`: asks twice on a terminal, else reads a line from standard
 * input. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/commands.h"

enum { SECRET_MAX = 4096 };

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* One line as it was typed: what cannot be kept whole is refused, since a shop only says that a key is wrong.
 */
static bool read_line(char *out, struct cw_error *err)
{
    size_t len = 0;
    int c;
    while ((c = getc(stdin)) != EOF && c != '\n') {
        if (c == '\0')
            return cw_fail(err, CW_INVALID, "the secret has a zero byte, which no secret holds");
        if (len + 1 == SECRET_MAX)
            return cw_fail(err, CW_LIMIT, "the secret is longer than %d bytes", SECRET_MAX - 1);
        out[len++] = (char)c;
    }
    if (len > 0 && out[len - 1] == '\r')
        len--;
    out[len] = '\0';
    if (len == 0)
        return cw_fail(err, CW_INVALID, c == EOF ? "no secret was given" : "the secret is empty");
    return true;
}

static bool ask(const char *prompt, char *out, struct cw_error *err)
{
    struct termios old, silent;
    bool hidden = tcgetattr(STDIN_FILENO, &old) == 0;
    fputs(prompt, stderr);
    if (hidden) {
        silent = old;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool ok = read_line(out, err);
    if (hidden)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    fputc('\n', stderr);
    return ok;
}

static bool read_secret(char *out, struct cw_error *err)
{
    char again[SECRET_MAX];
    if (!isatty(STDIN_FILENO))
        return read_line(out, err);
    bool ok = ask("Secret: ", out, err) && ask("Once more: ", again, err);
    if (ok && strcmp(out, again) != 0)
        ok = cw_fail(err, CW_INVALID, "the two entries differ; nothing was changed");
    explicit_bzero(again, sizeof again);
    return ok;
}

/* Names as site.lua and scripts have them; a misspelt one would be kept for nobody. */
static bool check_names(const struct cw_site_config *config, const char *cart, const char *setting,
                        struct cw_error *err)
{
    bool known = false;
    for (size_t i = 0; i < config->cart_count; i++)
        known = known || strcmp(config->carts[i].name, cart) == 0;
    if (!known)
        return cw_fail(err, CW_USAGE, "site.lua has no cart %s", cart);
    if (setting[0] == '\0' || setting[strspn(setting, NAME_LETTERS)] != '\0')
        return cw_fail(err, CW_USAGE,
                       "\"%s\" is no name of a setting; cartwright check names those that are missing",
                       setting);
    return true;
}

int cw_cmd_secret(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct cw_error err;
    char secret[SECRET_MAX];
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART SETTING",
        "Sets a secret of a cart. It is kept in the site's file `secrets`, which only you may read,\n"
        "and reaches no script, log or error. On a terminal it is asked for twice; otherwise one\n"
        "line is read from standard input.",
        NULL, 2, 2);
    if (code >= 0)
        return code;
    if (!cw_cli_open(&cli, 0)) {
        cw_cli_close(&cli);
        return 1;
    }
    char *name = g_strdup_printf("%s.%s", argv[1], argv[2]);
    bool ok = check_names(&cli.site->config, argv[1], argv[2], &err) && read_secret(secret, &err) &&
              cw_site_set_secret(cli.site->folder, name, cw_slice(secret), &err);
    explicit_bzero(secret, sizeof secret);
    code = ok ? 0 : cw_cli_fail(&cli, &err);
    g_free(name);
    cw_cli_close(&cli);
    return code;
}
