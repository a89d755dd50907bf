/* notify.c - see notify.h. */
#include "adapters/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_MAX = 512 };

/* A path, or "@name" for one in the kernel's own space, whose first byte is NUL. 0 = no address. */
static socklen_t read_address(const char *text, struct sockaddr_un *out)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len < 2 || len >= sizeof out->sun_path || (text[0] != '/' && text[0] != '@'))
        return 0;
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(out->sun_path, text, len);
    if (text[0] == '@')
        out->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/' ? 1 : 0));
}

static bool send_text(const char *text, size_t len)
{
    struct sockaddr_un to;
    socklen_t to_len = read_address(getenv("NOTIFY_SOCKET"), &to);
    int fd = to_len > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return false;
    ssize_t sent = sendto(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to, to_len);
    close(fd);
    return sent == (ssize_t)len;
}

bool cw_notify(const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return len > 0 && send_text(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

/* A number that is whole and positive, else 0. */
static long long read_number(const char *text)
{
    char *end = NULL;
    long long number = text != NULL ? strtoll(text, &end, 10) : 0;
    return text != NULL && *text != '\0' && *end == '\0' && number > 0 ? number : 0;
}

cw_time cw_notify_watchdog(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    if (pid != NULL && read_number(pid) != getpid())
        return 0;
    return read_number(getenv("WATCHDOG_USEC")) * CW_MICROS;
}
