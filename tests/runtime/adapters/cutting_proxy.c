/* cutting_proxy.c - see cutting_proxy.h. */
#include "cutting_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

enum { PAIRS_MAX = 16, CHUNK = 65536 };

static struct pair {
    int client, server;
    bool is_answer_cut;
} pairs[PAIRS_MAX];
static volatile int *cut;

static struct sockaddr_in at_port(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)port) };
}

static void drop(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void drop_pair(struct pair *pair)
{
    drop(&pair->client);
    drop(&pair->server);
    pair->is_answer_cut = false;
}

static bool send_all(int fd, const char *data, ssize_t len)
{
    for (ssize_t sent; len > 0; data += sent, len -= sent)
        if ((sent = send(fd, data, (size_t)len, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

/* False when the pair is to be dropped. */
static bool request(struct pair *pair, const char *data, ssize_t len)
{
    int how = *cut;
    *cut = CUT_NOTHING;
    if (how == CUT_UNSEEN)
        drop(&pair->client);
    if (how == CUT_BEFORE_REQUEST)
        return false;
    pair->is_answer_cut = how == CUT_AFTER_ANSWER;
    if (how == CUT_UNSEEN)
        return true;
    return send_all(pair->server, data, len) && how != CUT_WITH_REQUEST;
}

static bool relay(struct pair *pair, bool from_client)
{
    static char data[CHUNK];
    ssize_t len = recv(from_client ? pair->client : pair->server, data, sizeof data, 0);
    if (len <= 0)
        return false;
    if (from_client)
        return request(pair, data, len);
    if (pair->client < 0) /* nobody is there any more, and the server does not know */
        return true;
    return !pair->is_answer_cut && send_all(pair->client, data, len);
}

static void take_client(int listening, int server_port)
{
    struct sockaddr_in address = at_port(server_port);
    int client = accept(listening, NULL, NULL);
    for (size_t i = 0; client >= 0 && i < PAIRS_MAX; i++) {
        if (pairs[i].client >= 0 || pairs[i].server >= 0)
            continue;
        pairs[i].client = client;
        pairs[i].server = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(pairs[i].server, (struct sockaddr *)&address, sizeof address) != 0)
            drop_pair(&pairs[i]);
        return;
    }
}

static void serve(int listening, int server_port)
{
    struct pollfd fds[1 + 2 * PAIRS_MAX];
    for (size_t i = 0; i < PAIRS_MAX; i++)
        pairs[i] = (struct pair){ -1, -1, false };
    for (;;) {
        fds[0] = (struct pollfd){ .fd = listening, .events = POLLIN };
        for (size_t i = 0; i < PAIRS_MAX; i++) {
            fds[1 + 2 * i] = (struct pollfd){ .fd = pairs[i].client, .events = POLLIN };
            fds[2 + 2 * i] = (struct pollfd){ .fd = pairs[i].server, .events = POLLIN };
        }
        poll(fds, sizeof fds / sizeof *fds, -1);
        for (size_t i = 0; i < PAIRS_MAX; i++)
            if ((fds[1 + 2 * i].revents != 0 && !relay(&pairs[i], true)) ||
                (fds[2 + 2 * i].revents != 0 && !relay(&pairs[i], false)))
                drop_pair(&pairs[i]);
        if (fds[0].revents != 0)
            take_client(listening, server_port);
    }
}

void cutting_proxy_start(struct cutting_proxy *proxy, int server_port)
{
    struct sockaddr_in address = at_port(0);
    socklen_t len = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, PAIRS_MAX), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &len), 0);
    proxy->port = ntohs(address.sin_port);
    proxy->cut = mmap(NULL, sizeof *proxy->cut, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *proxy->cut = CUT_NOTHING;
    proxy->pid = fork();
    assert_true(proxy->pid >= 0);
    if (proxy->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        cut = proxy->cut;
        serve(listening, server_port);
    }
    close(listening);
}

void cutting_proxy_stop(struct cutting_proxy *proxy)
{
    kill(proxy->pid, SIGKILL);
    waitpid(proxy->pid, NULL, 0);
    munmap((void *)proxy->cut, sizeof *proxy->cut);
}
