"""What the whole suite shares: signals, threads, and how far hypothesis looks."""

import os
import signal

import executed_annotations
from hypothesis import settings

executed_annotations.quicken()

# A shell starts its background jobs with Ctrl-C ignored, and children inherit that: the tests of interrupts would wait.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Workers that share the cores each compute on one, and so do the processes that their tests start.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

# How long an example takes on a busy machine is no property of the code. CI tries the same examples each time, so that
# a failure there is of the change; whoever works on the code tries new ones, and is told how to repeat what fails.
settings.register_profile("here", deadline=None, max_examples=60, print_blob=True)
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")
