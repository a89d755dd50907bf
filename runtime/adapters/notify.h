/* notify.h - telling the service manager how this process does: the protocol of sd_notify(3), one datagram to
 * NOTIFY_SOCKET. Without that variable nobody asks, and nothing is sent.
 */
#ifndef CW_ADAPTERS_NOTIFY_H
#define CW_ADAPTERS_NOTIFY_H

#include "base/clock.h"

/* "READY=1", "STATUS=...": one assignment a line. False when it could not be sent. Never waits. */
bool cw_notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How long the manager waits for WATCHDOG=1 of this process before it ends it; 0 = it does not. */
cw_time cw_notify_watchdog(void);

#endif
