"""Shops that people really run: installed from npm once, started on the loopback with a PostgreSQL of their own, killed
and started again. What each shop's own API is like stands in vendure_shop.py and its siblings.

A test that cannot have its shop is skipped, and says which shop, and why."""
import atexit
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from postgresql_site import Server, is_installed
from unattended import free_port

SOURCES = os.path.join(os.getcwd(), "tests/live")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cartwright-tests")
OLDEST_NODE = (20, 19)
INSTALL_SECONDS, START_SECONDS = 400, 120


def skip(shop, why):
    print("skipped: the shop %s: %s" % (shop, why), flush=True)
    sys.exit(77)


def available_mb():
    with open("/proc/meminfo") as info:
        return next(int(line.split()[1]) // 1024 for line in info if line.startswith("MemAvailable"))


def check_machine(shop, memory_mb):
    if not is_installed():
        skip(shop, "PostgreSQL is not installed (package postgresql)")
    for program in ("node", "npm"):
        if not shutil.which(program):
            skip(shop, "%s is not installed; it needs Node.js %d.%d or newer, and npm" % (program, *OLDEST_NODE))
    said = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if version < OLDEST_NODE:
        skip(shop, "Node.js is %s; it needs %d.%d or newer" % (said, *OLDEST_NODE))
    if available_mb() < memory_mb:
        skip(shop, "%d MB of memory are free; it needs %d" % (available_mb(), memory_mb))


# Installing -----------------------------------------------------------------------------------------------------------

def digest_of(source):
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        with open(os.path.join(source, name), "rb") as file:
            digest.update(file.read())
    digest.update(subprocess.run(["node", "-p", "process.versions.modules"], capture_output=True).stdout)
    return digest.hexdigest()[:16]


def run_npm(shop, folder):
    npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(npm, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        skip(shop, "npm could not install it within %d s" % INSTALL_SECONDS)
    if done.returncode != 0:
        lines = [line for line in done.stderr.split("\n") if "npm error" in line.lower()] or ["npm failed"]
        skip(shop, "npm cannot install it: %s" % " / ".join(lines[:3]))


def install(shop):
    """The folder that holds its node_modules. Of two tests one installs, and the other waits for it."""
    source = os.path.join(SOURCES, shop)
    folder = os.path.join(CACHE, "%s-%s" % (shop, digest_of(source)))
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, shop + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            for name in os.listdir(CACHE):  # of other versions, or left half-made
                if name.startswith(shop + "-"):
                    shutil.rmtree(os.path.join(CACHE, name))
            half = folder + ".half"
            os.mkdir(half)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(os.path.join(source, name), half)
            try:
                run_npm(shop, half)
                os.rename(half, folder)
            finally:
                shutil.rmtree(half, True)
    return folder


# Running --------------------------------------------------------------------------------------------------------------

class Refused(Exception):
    """The shop said no."""

    def __init__(self, status, text):
        super().__init__("HTTP %d: %s" % (status, text[:500]))
        self.status, self.text = status, text


class LiveShop:
    """One shop with an empty database. Those that extend it have a name, `command`, `environment` and `is_up`."""
    name = None
    memory_mb = 1500

    def __init__(self):
        check_machine(self.name, self.memory_mb)
        packages = install(self.name)
        self.folder = tempfile.mkdtemp(prefix="cartwright-live-")
        atexit.register(shutil.rmtree, self.folder, True)
        os.symlink(os.path.join(packages, "node_modules"), os.path.join(self.folder, "node_modules"))
        shutil.copytree(os.path.join(SOURCES, self.name), self.folder, dirs_exist_ok=True)
        self.postgresql = Server()
        self.database, self.database_url = self.postgresql.create()
        self.port, self.process = free_port(), None
        self.url = "http://127.0.0.1:%d" % self.port
        atexit.register(self.kill)

    def node(self, *arguments, check=True):
        """Runs a program of the shop to its end."""
        with open(os.path.join(self.folder, "tools.log"), "ab") as log:
            done = subprocess.run(["node", *arguments], cwd=self.folder, env=self._environment(), stdout=log,
                                  stderr=log, stdin=subprocess.DEVNULL, timeout=START_SECONDS)
        assert not check or done.returncode == 0, self.said("tools.log")

    def _environment(self):
        loopback = "--require=" + os.path.join(SOURCES, "loopback-only.cjs")
        return {**os.environ, "NODE_ENV": "production", "NODE_OPTIONS": loopback, "PORT": str(self.port),
                "DATABASE_URL": self.database_url, **self.environment()}

    def start(self):
        with open(os.path.join(self.folder, "shop.log"), "ab") as log:
            self.process = subprocess.Popen(["node", *self.command()], cwd=self.folder, env=self._environment(),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, "%s died:\n%s" % (self.name, self.said())
            assert time.monotonic() < deadline, "%s is not up after %d s:\n%s" % (self.name, START_SECONDS, self.said())
            time.sleep(0.1)
        return self

    def _answers(self):
        try:
            with urllib.request.urlopen(self.url + self.is_up, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self):
        """As the kernel would, when memory runs out: it and what it started, with no time to say anything."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process = None

    def said(self, name="shop.log"):
        with open(os.path.join(self.folder, name), errors="replace") as log:
            return log.read()[-3000:]

    def call(self, method, path, body=None, headers=None):
        """The answer's JSON and headers; Refused for another status than 2xx."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Accept": "application/json",
                                         "Content-Type": "application/json", **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null"), answer.headers
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode("utf-8", "replace")) from None


# The people who order: names, streets and towns outside ASCII, outside Latin-1 and outside the BMP.
ZOE = {"first": "Zoë", "last": "Müller-Østergård", "email": "zoe.muller@example.test", "password": "customer-pw",
       "phone": "+49 30 1234567", "company": "Käse & Söhne GmbH", "street": "Straße des 17. Juni 135",
       "street2": "Hinterhaus, 3. OG", "city": "Köln", "province": "Nordrhein-Westfalen", "zip": "50667",
       "country": "DE"}
LUKASZ = {"first": "Łukasz", "last": "Żółć", "email": "lukasz@example.test", "phone": "+48 22 123 45 67", "company": "",
          "street": "ul. Świętokrzyska 12/3", "street2": "", "city": "Łódź", "province": "łódzkie", "zip": "90-001",
          "country": "PL"}
TARO = {"first": "太郎", "last": "山田", "email": "taro.yamada@example.test", "phone": "+81 3-1234-5678",
        "company": "株式会社テスト", "street": "千代田1-1", "street2": "𠮷野ビル 2F", "city": "東京", "province": "東京都",
        "zip": "100-0001", "country": "JP"}
CONOR = {"first": "Conor", "last": "O'Brien \"Con\" & Sons", "email": "conor.o'brien+shop@example.test",
         "phone": "00353 1 234 5678", "company": "O'Brien & Sons <Ltd>", "street": "1 Main St; Flat \"B\"",
         "street2": "", "city": "Dún Laoghaire", "province": "Dublin", "zip": "A96 XY12", "country": "IE"}
