"""A fake of the program, served while a `with` lasts, and asked by its door (scripts/types/fake.lua)."""
import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from own_site import PROGRAM


class Fake:
    def __init__(self, type_name, *arguments, folder=None):
        """`folder`: of the site whose fakes/TYPE.lua it is; None: one that is shipped."""
        self.command = [PROGRAM, "fake", type_name, "--json", *map(str, arguments)]
        if folder:
            self.command += ["--site", folder]

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="cartwright-fake-")
        ready = os.path.join(self.folder.name, "port")
        self.process = subprocess.Popen([*self.command, "--ready-file", ready], cwd=self.folder.name, text=True,
                                        stdout=subprocess.PIPE, stderr=open(self.path("errors"), "w"))
        deadline = time.monotonic() + 20
        while not os.path.exists(ready):
            assert self.process.poll() is None and time.monotonic() < deadline, self.errors()
            time.sleep(0.02)
        with open(ready) as file:
            self.port = int(file.read())
        self.url = "http://127.0.0.1:%d" % self.port
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def errors(self):
        with open(self.path("errors")) as file:
            return file.read()

    def door(self, path, *body):
        """What the door says; with a body it is told something."""
        data = json.dumps(body[0]).encode() if body else None
        request = urllib.request.Request(self.url + "/_fake/" + urllib.parse.quote(path), data)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError("/_fake/%s: %s" % (path, error.read().decode())) from None

    def books(self, kind):
        return [entry for entry in self.door("books") if entry["kind"] == kind]

    def end(self):
        """Stops it as a person would; its exit code, and the ledger that it printed."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()]
