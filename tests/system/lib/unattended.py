"""`cartwright run` at work on a site: its log read line by line, its workers found, its end made sure of.

Nothing here sleeps for the sake of sleeping: wait_for looks until something is so, or a deadline is over.
"""
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from own_site import PROGRAM

ONLY_ORDERS = "switches = { customers = false, items = false, stock = false }"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(what, condition, seconds=40, say=lambda: ""):
    """What the condition gives, as soon as that is something."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "not within %d s: %s\n%s" % (seconds, what, say())
        time.sleep(0.02)


def seconds_of(line):
    """The time of a line of the log, in seconds of some day."""
    clock = line["time"].split("T")[1].rstrip("Z").split(":")
    return int(clock[0]) * 3600 + int(clock[1]) * 60 + float(clock[2])


def between(first, second):
    return (seconds_of(second) - seconds_of(first)) % 86400


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def state_of(pid):
    """The letter that the kernel has for it: R, S, D, T (stopped)..."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None


class Run:
    """`cartwright run` on a site until the end of a `with`. `site` is a Site, or a folder."""

    def __init__(self, site, *arguments, name="run", environment=None):
        self.folder = getattr(site, "folder", site)
        self.arguments = arguments
        self.log_path = os.path.join(self.folder, name + ".log")
        self.environment = {**os.environ, **(environment or {})}
        self.process, self.from_byte = None, 0

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def start(self):
        """Lines of an earlier time count no more."""
        with open(self.log_path, "ab") as log:
            self.from_byte = log.tell()
            self.process = subprocess.Popen(
                [PROGRAM, "run", "--site", self.folder, "--log-format", "json", *map(str, self.arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        return self

    def wait_ready(self, times=1, seconds=40):
        self.wait_line("ready", times=times, seconds=seconds)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=30):
        """By SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("SIGTERM did not end it within %d s\n%s" % (seconds, self.said())) from None

    def kill(self):
        """Whatever state it and its workers are in; they die with it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # What it says -----------------------------------------------------------------------------------------------------

    def said(self):
        with open(self.log_path, "rb") as log:
            log.seek(self.from_byte)
            return log.read().decode("utf-8", "replace")

    def lines(self, event=None, **fields):
        """The lines of that event with those fields; what is no line of the log is left out."""
        found = []
        for text in self.said().split("\n")[:-1]:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if (event is None or line.get("event") == event) and fields.items() <= line.items():
                found.append(line)
        return found

    def wait_line(self, event, times=1, seconds=40, **fields):
        """The line that says it for the `times`th time."""
        def has():
            found = self.lines(event, **fields)
            return found[times - 1] if len(found) >= times else None
        return wait_for("%s of %s" % (event, fields), has, seconds, self.said)

    def wait(self, what, condition, seconds=40):
        return wait_for(what, condition, seconds, self.said)

    # Its workers ------------------------------------------------------------------------------------------------------

    def workers(self):
        """The processes that work, by number of worker."""
        found = {}
        for line in self.lines():
            if line.get("event") in ("worker-started", "worker-replaced"):
                found[int(line["worker"])] = int(line["pid"])
        return {number: pid for number, pid in found.items() if is_alive(pid)}

    def worker(self, number=1):
        return wait_for("worker %d" % number, lambda: self.workers().get(number), 20, self.said)

    def states(self):
        """What SIGUSR1 prints: a line for each worker."""
        before = len(self.lines("worker-state"))
        self.signal(signal.SIGUSR1)
        wait_for("an answer to SIGUSR1", lambda: len(self.lines("worker-state")) > before, 20, self.said)
        return self.lines("worker-state")[before:]

    def _freeze_when(self, what, is_so, number, seconds):
        """Stops the worker (SIGSTOP) at a moment in which what the supervisor says of it is so; its process."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid = self.worker(number)
            os.kill(pid, signal.SIGSTOP)
            wait_for("a stopped worker", lambda pid=pid: state_of(pid) in ("T", "Z", None), 10)
            state = next((line for line in self.states() if line.get("pid") == str(pid)), {})
            if is_so(state):
                return pid
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.003)
        raise AssertionError("the worker is never %s\n%s" % (what, self.said()))

    def freeze_in_script(self, cart, number=1, seconds=30):
        return self._freeze_when("in the script of " + cart, lambda state: (
            state.get("cart") == cart and state.get("state") == "busy"), number, seconds)

    def freeze_at_rest(self, number=1, seconds=30):
        return self._freeze_when("at rest", lambda state: state.get("state", "busy") != "busy", number, seconds)


# What is served --------------------------------------------------------------------------------------------------------

def get(port, path, seconds=10):
    """Status and text of an answer; status None when nobody answers."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=seconds) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as err:
        return err.code, err.read().decode()
    except OSError as err:
        return None, str(err)
