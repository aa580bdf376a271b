"""Run each test that failed once more, alone, and tell the flaky ones from the broken ones.

    python .ci/flaky.py STATUS [OPTION ...]

STATUS is the exit status of the run before, whose failures pytest noted down in `.pytest_cache`; the options are handed
on to pytest. A test that passes now is printed as FLAKY, and the run goes on; a test that fails again fails the run,
and so do three flaky ones: then it is the suite that cannot be trusted.
"""

import json
import subprocess
import sys
from pathlib import Path

FAILED = 1  # pytest's status where tests failed; every other one but 0 means that it did not run to its end
TOO_MANY = 3
TRIED = 10  # past so many failures nobody asks which are flaky
NOTED = Path(".pytest_cache/v/cache/lastfailed")


def failures() -> list[str]:
    """Return the ids of the tests that failed in the run before."""
    return sorted(json.loads(NOTED.read_text("utf-8"))) if NOTED.is_file() else []


def passes(test: str, options: list[str]) -> bool:
    """Whether the test passes in a process of its own."""
    alone = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.run([sys.executable, "-m", "pytest", *alone, *options, test], check=False).returncode == 0


def main(status: int, options: list[str]) -> int:
    """Return the status that the run comes to."""
    failed = failures()
    if status != FAILED or not failed:
        return status
    if len(failed) > TRIED:
        print(f"{len(failed)} tests failed, too many to try again")
        return FAILED
    flaky = [test for test in failed if passes(test, options)]
    for test in failed:
        print(f"{'FLAKY' if test in flaky else 'FAILED AGAIN'} {test}")
    if len(flaky) >= TOO_MANY:
        print(f"{len(flaky)} flaky tests; fewer than {TOO_MANY} are let pass, and each is a fault to mend")
    return int(len(flaky) < len(failed) or len(flaky) >= TOO_MANY)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), sys.argv[2:]))
