"""A site at work under `cartwright run`, for benchmarks: what its processes use, and a PostgreSQL of its own."""
import atexit
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent.parent
BUILD = Path(os.environ.get("CW_BENCH_BUILD", HOME / "build/bench"))
PROGRAM = BUILD / "cartwright"
TICK = 1 / os.sysconf("SC_CLK_TCK")


def need(*programs):
    for program in programs:
        if not program.exists():
            sys.exit("%s is missing; make it with: tests/bench/run" % program)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def temporary_folder():
    folder = Path(tempfile.mkdtemp(prefix="cartwright-bench-"))
    atexit.register(shutil.rmtree, folder, True)
    return folder


# What processes use -----------------------------------------------------------------------------------------------------

def read(path):
    """Nothing of a process that has just ended."""
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid):
    found = []
    for task in glob.glob("/proc/%d/task/*/children" % pid):
        found += [int(child) for child in read(task).split()]
    return found


def tree(pid):
    return [pid] + [below for child in children(pid) for below in tree(child)]


def cpu_seconds(pids, with_ended=False):
    """Of these processes; with those of their children that have ended where `with_ended` is set."""
    ticks = 0
    for pid in pids:
        fields = read("/proc/%d/stat" % pid).rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15 if with_ended else 13])
    return ticks * TICK


def cpu_precise(pids):
    """Seconds of all threads, to the nanosecond."""
    schedstats = [path for pid in pids for path in glob.glob("/proc/%d/task/*/schedstat" % pid)]
    return sum(int((read(path) or "0").split()[0]) for path in schedstats) * 1e-9


def wake_ups(pids):
    """How often their threads have waited of their own accord, and so were woken."""
    statuses = [path for pid in pids for path in glob.glob("/proc/%d/task/*/status" % pid)]
    return sum(int(count) for path in statuses
               for count in re.findall(r"^voluntary_ctxt_switches:\s*(\d+)", read(path), re.M))


def memory(pids):
    """(proportional, private) KiB."""
    proportional = private = 0
    for pid in pids:
        text = Path("/proc/%d/smaps_rollup" % pid).read_text()
        kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
        proportional += kib["Pss"]
        private += kib["Private_Clean"] + kib["Private_Dirty"]
    return proportional, private


# A site at work ---------------------------------------------------------------------------------------------------------

class Unattended:
    """`cartwright run` on a folder, until the end of a `with`; it has begun when its workers are ready."""

    def __init__(self, folder, workers=1, environment=None):
        self.folder, self.port = Path(folder), free_port()
        self.arguments = [str(PROGRAM), "run", "--site", str(folder), "--workers", str(workers), "--log-level", "warning",
                          "--metrics", "127.0.0.1:%d" % self.port]
        self.environment = environment or {}

    def __enter__(self):
        address = self.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, open(self.folder / "log", "wb") as log:
            told.bind(str(address))
            told.settimeout(120)
            self.started = time.monotonic()
            self.process = subprocess.Popen(self.arguments, stdout=log, stderr=log,
                                            env={**os.environ, "NOTIFY_SOCKET": str(address), **self.environment})
            try:
                while b"READY=1" not in told.recv(4096):
                    pass
            except TimeoutError:
                sys.exit("the workers are not ready after 120 s: %s" % self.said())
            self.ready_s = time.monotonic() - self.started
        address.unlink()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def pids(self):
        return tree(self.process.pid)

    def metrics(self):
        """Sums over all labels, by name."""
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.port, timeout=30) as answer:
            text = answer.read().decode()
        sums = {}
        for name, value in re.findall(r"^(\w+)(?:\{[^\n]*\})? ([0-9.e+]+)$", text, re.M):
            sums[name] = sums.get(name, 0) + float(value)
        return sums

    def wait_for(self, name, least, longest_s=600, pause_s=0.1):
        """Until the sum of a metric is at least so much; seconds since the start."""
        while self.metrics().get(name, 0) < least:
            if time.monotonic() - self.started > longest_s or self.process.poll() is not None:
                sys.exit("%s stays at %s, not %s: %s" % (name, self.metrics().get(name), least, self.said()))
            time.sleep(pause_s)
        return time.monotonic() - self.started


# PostgreSQL -------------------------------------------------------------------------------------------------------------

class Postgres:
    """A server of its own, durable, with the settings that the README advises; ends with the program."""

    def __init__(self, *settings):
        binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not binaries:
            sys.exit("PostgreSQL is missing: apt-get install postgresql")
        self.folder, self.port, self.count = temporary_folder(), free_port(), 0
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        (self.folder / "password").write_text("shop\n")
        data, log = str(self.folder / "data"), open(self.folder / "log", "wb")
        subprocess.run(self.as_user(binaries[-1] + "/initdb", "-D", data, "-U", "shop", "-A", "scram-sha-256", "--pwfile",
                                    str(self.folder / "password"), "-E", "UTF8", "--locale=C.UTF-8"),
                       check=True, stdout=log, stderr=log, cwd="/")
        options = ["listen_addresses=127.0.0.1", "unix_socket_directories=%s" % self.folder, *settings]
        self.process = subprocess.Popen(self.as_user(binaries[-1] + "/postgres", "-D", data, "-p", str(self.port),
                                                     *[word for option in options for word in ("-c", option)]),
                                        stdout=log, stderr=log, cwd="/")
        atexit.register(self.stop)
        while subprocess.run([binaries[-1] + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            if self.process.poll() is not None:
                sys.exit((self.folder / "log").read_text())
            time.sleep(0.05)

    @staticmethod
    def as_user(*command):
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
        return [*(as_postgres if os.geteuid() == 0 else []), *command]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def uri(self, database):
        return "postgresql://shop:shop@127.0.0.1:%d/%s" % (self.port, database)

    def ask(self, sql, database="postgres"):
        return subprocess.run(["psql", "-qAtX", "-c", sql, self.uri(database)], check=True, capture_output=True,
                              text=True).stdout.strip()

    def new_database(self):
        """The address of an empty one; what was there before is settled, so that nobody pays for it later."""
        self.count += 1
        name = "bench_%d" % self.count
        self.ask("CREATE DATABASE " + name)
        self.ask("CHECKPOINT")
        return self.uri(name)

    def cpu_seconds(self):
        """Of the server's processes, also of those that have ended."""
        return cpu_seconds(tree(self.process.pid), with_ended=True)
