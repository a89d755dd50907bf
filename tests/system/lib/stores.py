"""A site's store read by other means than the program: SQLite's own library, or psql. Values are texts, NULL is ""."""
import os
import sqlite3
import subprocess
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "postgresql")


class Sqlite:
    name = "SQLite"

    def __init__(self, path):
        self.uri, self.path = os.path.basename(path), path

    def query(self, sql):
        connection = sqlite3.connect("file:%s?mode=ro" % self.path, uri=True, timeout=20)
        try:
            return [tuple("" if value is None else str(value) for value in row) for row in connection.execute(sql)]
        finally:
            connection.close()

    @staticmethod
    def text_of(column):
        """SQL for bytes of a column that are UTF-8."""
        return "CAST(%s AS TEXT)" % column

    def check_sound(self):
        found = self.query("PRAGMA integrity_check")
        assert found == [("ok",)], "the store is damaged: %s" % found[:5]
        found = self.query("PRAGMA foreign_key_check")
        assert found == [], "rows refer to rows that are not there: %s" % found[:5]

    def end_idle(self, seconds):
        """Nobody waits for another process's transaction for long."""

    def dump(self):
        """Every byte that is kept."""
        for name in os.listdir(os.path.dirname(self.path)):
            if name.startswith(os.path.basename(self.path)):
                with open(os.path.join(os.path.dirname(self.path), name), "rb") as file:
                    yield file.read()


class Postgresql:
    name = "PostgreSQL"

    def __init__(self, server, database, scale=""):
        self.server, self.database = server, database
        self.uri = control("create", server, database, scale).strip()

    def query(self, sql):
        text = subprocess.run(["psql", "-X", "-q", "-At", "-F", "\x1f", "-R", "\x1e", "-v", "ON_ERROR_STOP=1", self.uri,
                               "-c", sql], check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.decode()
        rows = text.removesuffix("\n").removesuffix("\x1e")
        return [tuple(row.split("\x1f")) for row in rows.split("\x1e")] if rows else []

    @staticmethod
    def text_of(column):
        return "convert_from(%s, 'UTF8')" % column

    def check_sound(self):
        """Constraints are the server's; that every index agrees with its table is asked for."""
        self.query("CREATE EXTENSION IF NOT EXISTS amcheck")
        self.query("SELECT bt_index_check(c.oid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                   "JOIN pg_am a ON a.oid = c.relam JOIN pg_namespace n ON n.oid = c.relnamespace "
                   "WHERE a.amname = 'btree' AND n.nspname = 'public'")

    def end_idle(self, seconds):
        """As idle_in_transaction_session_timeout would; in scaled time the session's own comes late."""
        self.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                   "AND state LIKE 'idle in transaction%%' AND state_change < now() - interval '%s seconds'" % seconds)

    def dump(self):
        for table, in self.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"):
            yield repr(self.query("SELECT t::text FROM %s t" % table)).encode()
            for column, in self.query("SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' "
                                      "AND table_name = '%s' AND data_type = 'bytea'" % table):
                yield repr(self.query("SELECT encode(%s, 'escape') FROM %s" % (column, table))).encode()


def control(*arguments):
    """The script `postgresql` beside this file; where it is not installed, the test is skipped."""
    done = subprocess.run([SCRIPT, *arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          env={**os.environ, "CW_PG_OWNER": str(os.getpid())})
    if done.returncode == 77:
        sys.exit(77)
    assert done.returncode == 0, "postgresql %s failed; see above" % arguments[0]
    return done.stdout.decode()
