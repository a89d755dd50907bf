"""Runs the cases of a test: each function of the file whose name begins with test_ is one, and its name is a sentence.

Cases have sites and shops of their own, so several may run at once; the first line of a failure says what is wrong.
`FILE NAME...` runs only the cases whose names contain one of the words.
"""
import concurrent.futures
import signal
import sys
import time
import traceback


def _run(name, function):
    started = time.monotonic()
    try:
        note = function()
        return name, time.monotonic() - started, note, None
    except Exception:  # any error in a case is that case's failure, and the others go on
        return name, time.monotonic() - started, None, traceback.format_exc()


def main(names, at_once=4):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that folders are removed
    cases = [(name, function) for name, function in names.items() if name.startswith("test_") and callable(function)]
    if len(sys.argv) > 1:
        cases = [case for case in cases if any(word in case[0] for word in sys.argv[1:])]
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for done in concurrent.futures.as_completed([pool.submit(_run, *case) for case in cases]):
            name, seconds, note, failure = done.result()
            failures += failure is not None
            print("%s %s (%.1f s)%s" % ("FAILED" if failure else "ok    ", name.removeprefix("test_").replace("_", " "),
                                        seconds, ": %s" % note if note else ""), flush=True)
            if failure:
                print(failure, flush=True)
    print("%d of %d cases passed" % (len(cases) - failures, len(cases)))
    sys.exit(1 if failures or not cases else 0)
