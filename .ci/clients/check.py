"""What the programs of this folder share: results are compared, every public method has to be tried, known faults stay known.

A fault that a package has against the C reference as well is written down with `broken` (its error is compared, so that a
fault that goes away or changes is seen) or `hangs` (not called). What is neither, and was not tried, fails the run.
"""
import importlib
import os
import sys
import tempfile
import time

PATIENCE_SECS = 20  # A change reaches the other storage of the group a moment later, and any of the two may be asked.


def text(value):
    return value.decode() if isinstance(value, bytes) else value


class Checks:
    def __init__(self, package, make):
        """`make` gives a new client: a call that fails half-way leaves its connection in disorder."""
        self.package, self.make = package, make
        self.tried, self.count, self.faults = set(), 0, 0
        self.folder = tempfile.mkdtemp()

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path

    def call(self, method, *args, **named):
        self.tried.add(method)
        return getattr(self.make(), method)(*args, **named)

    def equal(self, what, got, expected):
        if got != expected:
            raise SystemExit(f'{self.package}, {what}: expected {expected!r:.200}, got {got!r:.200}')
        self.count += 1

    def becomes(self, what, call, expected):
        """What a replica answers as well, in the end."""
        deadline = time.monotonic() + PATIENCE_SECS
        while (got := call()) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        self.equal(what, got, expected)

    def fails(self, what, said, call, in_the_end=False):
        """The server refuses: the words of the status are in the error."""
        deadline = time.monotonic() + PATIENCE_SECS
        while True:
            try:
                answer = call()
            except Exception as error:
                self.equal(f'{what}: {said!r} in {error!r:.200}', said in str(error), True)
                return
            if not in_the_end or time.monotonic() > deadline:
                raise SystemExit(f'{self.package}, {what}: should have failed, answered {answer!r:.200}')
            time.sleep(0.05)

    def broken(self, method, said, *args, **named):
        """A fault of the package, the same against the C reference. `said` is the error that Python raises in it."""
        try:
            answer = self.call(method, *args, **named)
        except Exception as error:
            self.equal(f'fault of {method}: {said!r} in {error!r:.200}', said in repr(error), True)
            self.faults += 1
        else:
            raise SystemExit(f'{self.package}: {method} works after all, answered {answer!r:.200}')

    def hangs(self, method):
        """Never ends, against the C reference as well, so it is not called."""
        self.tried.add(method)
        self.faults += 1

    def finish(self, *ours):
        """`ours` are names that are no requests: settings and the like."""
        client = self.make()
        public = {name for name in dir(client) if not name.startswith('_') and callable(getattr(client, name))}
        missing = public - self.tried - set(ours)
        if missing:
            raise SystemExit(f'{self.package}: not tried: {", ".join(sorted(missing))}')
        print(f'{self.package}: {self.count} checks, {self.faults} faults of the package itself')


def arguments():
    """PROGRAM FOLDER PACKAGE HOST PORT: the folder holds the package."""
    folder, package, host, port = sys.argv[1:5]
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    return package, host, int(port)
