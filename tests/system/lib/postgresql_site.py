"""A private PostgreSQL, and sites whose stores are in it. Their rows are read with psql; to compare whole stores they are
copied to SQLite, whose books the tests know how to read."""
import atexit
import glob
import os
import shutil
import subprocess
import sys
import tempfile

from own_site import Site, run

TOOL = os.path.join(sys.path[0], "postgresql")  # sys.path[0] is the folder of this file


def _tool(*arguments, check=True):
    return subprocess.run([TOOL, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=check,
                          env={**os.environ, "CW_PG_OWNER": str(os.getpid())})


class Server:
    """Running until the test ends. None of it is shared with other tests."""

    def __init__(self):
        self.folder = _tool("new").stdout.strip()
        atexit.register(self._remove)
        self.databases = 0
        self.start()

    def _remove(self):
        _tool("remove", self.folder, check=False)
        shutil.rmtree(self.folder, True)

    def start(self):
        _tool("start", self.folder)

    def stop(self, how="INT"):
        """INT ends all sessions, QUIT is as after a crash."""
        _tool("stop", self.folder, how)

    def create(self):
        """A new database: its name and its address."""
        self.databases += 1
        name = "site%d" % self.databases
        return name, _tool("create", self.folder, name).stdout.strip()

    def query(self, database, sql):
        """Rows as lists of texts; None when the server does not answer."""
        done = _tool("query", self.folder, database, sql, check=False)
        if done.returncode != 0:
            return None
        return [line.split("|") for line in done.stdout.split("\n")[:-1]]


def is_installed():
    return bool(glob.glob("/usr/lib/postgresql/*/bin/postgres"))


class PostgresSite(Site):
    def __init__(self, server, shop=None, **options):
        self.server = server
        self.database, uri = server.create()
        super().__init__(shop, store=uri, **options)
        self.address = uri

    def rows(self, sql):
        return self.server.query(self.database, sql)

    def value(self, sql):
        """Of the one row that the query gives; None when there is none, or nobody answers."""
        rows = self.rows(sql)
        return rows[0][0] if rows else None

    def copy_to_sqlite(self):
        """What `query`, `check_holds` and `contents` read from now on."""
        folder = tempfile.mkdtemp(prefix="cartwright-test-")
        atexit.register(shutil.rmtree, folder, True)
        self.store = os.path.join(folder, "copy.db")
        result = run(["store", "copy", self.address, self.store])
        assert result.code == 0, result
        return self
