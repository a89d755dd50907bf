"""The soak test: two hundred carts in scaled time, shops that fail (../soak/), processes killed at random; at the end the
shops' ledgers and the store are compared.

SOAK_SEED=n makes other orders, faults and kills; SOAK_SECONDS=n lets the storm last so long. Orders depend on the seed
alone; what a kill interrupts depends on the machine too.
"""
import atexit
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import soak_check
import stores

PROGRAM = os.environ.get("CARTWRIGHT") or sys.exit("set CARTWRIGHT to the program, such as build/test/cartwright")
SHOPS_PROGRAM = os.path.join(os.path.dirname(PROGRAM), "tests", "soak_shop")
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "soak")
CARTS = 200
HOSTS = 8  # WIRE_HOSTS in ../soak/wire.h
FACTOR = 60
LEASE_MINUTES = int(os.environ.get("SOAK_LEASE", "3"))  # three seconds here; one is lost when the machine is busy
IDLE_MINUTES = 1  # after which PostgreSQL ends a session that does not go on with its transaction
SETTLE_SECONDS = 180  # of the machine's; a settled site needs a third of it
STOP_SECONDS = 90     # the supervisor kills workers that are not done within a minute

SITE = """\
return {
  store = "%(store)s",
  run = { lease = "%(lease)dm" },
  allow = { %(allow)s },
  schedules = {
    { every = "1m", jitter = "20s" },
    { job = "refresh orders", every = "8m", jitter = "4m" },
    { job = "reconcile orders", every = "12m", jitter = "6m" },
    { job = "tidy", every = "30m" },
  },
  carts = {
%(carts)s
  },
}
"""


def key_of(seed, number):
    return "canary-%d-of-shop-%d" % (seed, number)


class Soak:
    def __init__(self, workers):
        self.workers = workers
        self.seed = int(os.environ.get("SOAK_SEED", "20261122"))
        self.minutes = max(int(os.environ.get("SOAK_SECONDS", "40")) * FACTOR // 60, 1)
        self.chance = random.Random(self.seed)
        self.origin = int(time.time())
        self.scale = "%d@%d" % (FACTOR, self.origin)
        self.folder = tempfile.mkdtemp(prefix="cartwright-soak-", dir=quick_folder())
        atexit.register(self._clean_up)
        self.supervisor = self.shops = None
        self.counts = dict.fromkeys(("killed workers", "killed supervisors", "frozen workers", "started carts"), 0)
        self.frozen = {}   # process -> when it goes on
        self.history = []  # what was done to whom
        self.begun = time.monotonic()

    def _clean_up(self):
        for process in (self.supervisor, self.shops):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        for pid in self.frozen:
            send(pid, signal.SIGKILL)
        if "SOAK_KEEP" not in os.environ:
            shutil.rmtree(self.folder, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def now(self):
        """Seconds since 1970 by the clock of the site."""
        return self.origin + (time.time() - self.origin) * FACTOR

    # The shops and the site -------------------------------------------------------------------------------------------

    def open_shops(self):
        self.shops = subprocess.Popen([SHOPS_PROGRAM, str(self.seed), str(CARTS), self.scale, str(self.minutes),
                                       self.path("port")], stdin=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.path("port")), 20, "the shops do not open")
        with open(self.path("port")) as file:
            self.port = int(file.read())

    def ask_shops(self, what):
        with urllib.request.urlopen("http://127.0.0.1:%d/control/%s" % (self.port, what), timeout=60) as answer:
            return answer.read().decode()

    def make_site(self, store):
        self.store = store
        self.write("lib/soak.lua", open(os.path.join(SOURCES, "cart.lua")).read())
        self.write("carts/plain.lua", 'return require "lib.soak"\n')
        self.write("carts/listing.lua", 'return require("lib.soak").with_ids()\n')
        hosts = ["127.0.0.%d:%d" % (n + 1, self.port) for n in range(HOSTS)]
        carts = ['    ["shop-%d"] = { type = "%s", url = "http://%s/shop-%d", page_size = %d },'
                 % (n, "listing" if n % 2 else "plain", hosts[n % HOSTS], n, 5 + n % 16) for n in range(1, CARTS + 1)]
        self.write("site.lua", SITE % {"store": store.uri, "lease": LEASE_MINUTES, "carts": "\n".join(carts),
                                       "allow": ", ".join('"%s"' % host for host in hosts)})
        self.write("secrets", "".join("shop-%d.key = %s\n" % (n, key_of(self.seed, n)) for n in range(1, CARTS + 1)))

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(text)

    def environment(self):
        return {**os.environ, "CARTWRIGHT_TIME_SCALE": self.scale}

    def run(self, *arguments):
        subprocess.run([PROGRAM, arguments[0], "--site", self.folder, *arguments[1:]], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=self.environment())

    # Processes --------------------------------------------------------------------------------------------------------

    def start(self):
        with open(self.path("log"), "a") as log:
            self.supervisor = subprocess.Popen([PROGRAM, "run", "--site", self.folder, "--workers", str(self.workers)],
                                               stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment())

    def note(self, what, pid):
        self.history.append("%s %s %d" % (time.strftime("%H:%M:%S"), what, pid))
        self.counts[what + "s"] += 1

    def worker_pids(self):
        return [pid for pid in children_of(self.supervisor.pid) if b"--worker=" in command_of(pid)]

    def kill_worker(self):
        pids = [pid for pid in self.worker_pids() if pid not in self.frozen]
        if pids:
            pid = self.chance.choice(pids)
            send(pid, signal.SIGKILL)
            self.note("killed worker", pid)

    def kill_supervisor(self):
        """Its workers die with it."""
        pids = self.worker_pids()
        self.note("killed supervisor", self.supervisor.pid)
        self.supervisor.kill()
        self.supervisor.wait()
        wait_until(lambda: not any(b"--worker=" in command_of(pid) for pid in pids), 10,
                   "workers outlived their supervisor")
        self.frozen.clear()
        self.start()

    def freeze_worker(self):
        """For longer than its leases last."""
        pids = [pid for pid in self.worker_pids() if pid not in self.frozen]
        if pids and not self.frozen:
            pid = self.chance.choice(pids)
            send(pid, signal.SIGSTOP)
            self.frozen[pid] = time.monotonic() + LEASE_MINUTES * 60 / FACTOR * self.chance.uniform(1.2, 2)
            self.note("frozen worker", pid)

    def thaw(self, everybody=False):
        for pid, until in list(self.frozen.items()):
            if everybody or time.monotonic() >= until:
                send(pid, signal.SIGCONT)
                del self.frozen[pid]

    # The test ---------------------------------------------------------------------------------------------------------

    def storm(self):
        """Kills until the shops' time of trouble is over."""
        acts = [self.kill_worker] * 14 + [self.kill_supervisor] * 2
        if self.workers > 1:
            acts += [self.freeze_worker] * 5
        end, next_act = self.origin + self.minutes * 60, time.monotonic() + 1
        while self.now() < end:
            time.sleep(0.1)
            assert self.supervisor.poll() is None, "the supervisor ended by itself: %s" % self.supervisor.returncode
            self.thaw()
            if self.frozen:
                self.store.end_idle(IDLE_MINUTES * 60 / FACTOR)
            if time.monotonic() >= next_act:
                self.chance.choice(acts)()
                next_act = time.monotonic() + self.chance.uniform(0.2, 2.5)
        self.thaw(everybody=True)

    def start_stopped(self):
        """A kill in the middle of a script counts as the cart's fault; after the second one a person starts it again."""
        for cart, in self.store.query("SELECT cart FROM controls WHERE state = 'stopped'"):
            self.run("start", cart)
            self.counts["started carts"] += 1

    def settle(self):
        """Until every job of every cart has run well since the shops work again."""
        since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.origin + self.minutes * 60 + 120))
        waiting = "SELECT cart, name, failures, message FROM jobs WHERE name <> 'tidy' AND " \
                  "(served_at IS NULL OR served_at < '%s' OR failures > 0)" % since
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            self.start_stopped()
            left = self.store.query(waiting)
            if not left:
                return
            assert self.supervisor.poll() is None, "the supervisor ended by itself: %s" % self.supervisor.returncode
            assert time.monotonic() < end, "%d jobs have not run well %d s after the storm, such as %s" % (
                len(left), SETTLE_SECONDS, left[:5])
            time.sleep(0.5)

    def stop(self):
        pids = self.worker_pids()
        self.stopped_at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.now()))
        self.supervisor.terminate()
        try:
            code = self.supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError("the program did not end within %d s of TERM" % STOP_SECONDS) from None
        assert code == 0, "the program ended with status %d" % code
        assert not any(b"--worker=" in command_of(pid) for pid in pids), "workers were left behind"

    def report(self):
        print("seed %d, %s, %d workers, %d carts, %d minutes of storm in scaled time, %.0f s in all" % (
            self.seed, self.store.name, self.workers, CARTS, self.minutes, time.monotonic() - self.begun))
        print(", ".join("%d %s" % (count, what) for what, count in self.counts.items()))
        print("the shops: " + ", ".join(self.ask_shops("report").splitlines()), flush=True)

    def soak(self, store):
        """The whole of it."""
        print("SOAK_SEED=%d SOAK_SECONDS=%d" % (self.seed, self.minutes * 60 // FACTOR), flush=True)
        self.open_shops()
        self.make_site(store)
        self.start()
        try:
            self.storm()
            self.settle()
            self.stop()
        finally:
            self.report()
        self.shops_report = dict(reversed(line.split(" ", 1)) for line in self.ask_shops("report").splitlines())
        for line in soak_check.check(self):
            print(line)


# The machine ----------------------------------------------------------------------------------------------------------


def quick_folder():
    """In memory where there is room: what is killed here are processes, and a disk's syncs would be the bottleneck."""
    memory = "/dev/shm"
    return memory if os.path.isdir(memory) and shutil.disk_usage(memory).free > 512 << 20 else None


def children_of(pid):
    text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], stdout=subprocess.PIPE, text=True).stdout
    return [int(number) for number in text.split()]


def command_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read()
    except OSError:
        return b""


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def wait_until(is_so, seconds, complaint):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, complaint
        time.sleep(0.02)


def main(workers, make_store):
    soak = Soak(workers)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that processes and folders go
    try:
        soak.soak(make_store(soak))
    except AssertionError as error:
        print("FAILED: %s" % error)
        print("what was done: " + ", ".join(soak.history))
        if os.path.exists(soak.path("log")):
            print("the end of the log:")
            with open(soak.path("log")) as log:
                print("".join(log.readlines()[-40:]))
        print("again with the same orders, faults and kills: SOAK_SEED=%d %s" % (soak.seed, sys.argv[0]))
        sys.exit(1)
