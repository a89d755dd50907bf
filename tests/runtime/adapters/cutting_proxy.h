/* cutting_proxy.h - a relay in front of a server of the loopback, in a process of its own, that cuts
 * connections when told to: before what the client says next has arrived, or after it was answered.
 */
#ifndef CW_TESTS_CUTTING_PROXY_H
#define CW_TESTS_CUTTING_PROXY_H

enum cut {
    CUT_NOTHING,
    CUT_BEFORE_REQUEST, /* the next thing that a client says does not arrive */
    CUT_WITH_REQUEST,   /* it arrives, and nobody waits for the answer */
    CUT_AFTER_ANSWER,   /* it arrives and is answered, but the answer does not */
    CUT_UNSEEN          /* it does not arrive, and the server does not learn that the client is gone */
};

struct cutting_proxy {
    int port;
    int pid;
    volatile int *cut; /* shared with the proxy, which sets it back to CUT_NOTHING when it has cut */
};

void cutting_proxy_start(struct cutting_proxy *proxy, int server_port);
void cutting_proxy_stop(struct cutting_proxy *proxy);

#endif
