"""Checking claims: plans the trials that a verdict needs, runs what is not recorded yet, and judges look by look."""

import contextlib
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field, replace
from typing import Any, Final

from paperwright.claims.catalogue import Entry
from paperwright.claims.containment import GRACE_SECONDS, real_interrupts
from paperwright.claims.evidence.store import Key, Lease, Record, Store, StoreError
from paperwright.claims.evidence.valid_records import revisions_of
from paperwright.claims.fingerprint.context import context_of
from paperwright.claims.fingerprint.reached_code import code_of
from paperwright.claims.judgement import Judgement, came_to, judge, trials_of
from paperwright.claims.trial import PILOT_SEEDS, Outcome, Task, lost, run
from paperwright.data import DataCorrupted, DataUnavailable
from paperwright.executors import InProcess, Place, Unreachable

POLL_SECONDS: Final = 0.2

ASK_SECONDS: Final = 5.0
"""How often a place where nothing finishes is asked whether it can work."""

PATIENCE_SECONDS: Final = 60.0
"""How long a place that cannot work is waited for."""


class UsageError(ValueError):
    """What was asked for cannot be done as asked; the message says what can."""

    exit_code = 2


@dataclass(frozen=True)
class Progress:
    """How far a check has come; handed to `on_progress` whenever something changes.

    Attributes:
        judgements: every claim as it stands.
        running: the trials that run now.
        done: the trials finished or found recorded, of `planned` (which shrinks when a claim is decided early).
        seconds_left: an estimate from the trials that ran; None before the first.
        last: the trial that just finished, if one did.
        note: what a user should know of the place or the store, when it comes up.
    """

    judgements: tuple[Judgement, ...]
    running: tuple[Task, ...]
    done: int
    planned: int
    seconds_left: float | None
    last: tuple[Task, Outcome] | None = None
    note: str | None = None


class Interrupted(KeyboardInterrupt):
    """The check was interrupted; what had finished is recorded. `judgements` is how things stand."""

    def __init__(self, judgements: tuple[Judgement, ...]) -> None:
        super().__init__("interrupted; every finished trial is recorded, and the same command goes on from there")
        self.judgements = judgements


@dataclass(frozen=True)
class Plan:
    """How a check is to be made.

    Attributes:
        budget: smoke, desk or paper.
        seeds: at most so many seeds, to stop at an earlier look than the last; None for all.
        device: a torch device string.
        pilot: run pilot seeds, which never count for a verdict.
        config: changes to the budget's settings, for pilots only.
        timeout: seconds that a trial may run, if its claim states no fewer; None for no limit.
    """

    budget: str = "desk"
    seeds: int | None = None
    device: str = "cpu"
    pilot: bool = False
    config: Mapping[str, Any] | None = None
    timeout: float | None = None


def check(
    entries: Iterable[Entry],
    store: Store,
    plan: Plan = Plan(),
    place: Place | None = None,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Judgement]:
    """Tries claims and says of each whether it holds.

    Trials that the store holds in the same context are not run again; the others run wherever `place` says, each
    recorded as it finishes. After each look that is complete the claim is judged, and a claim that is decided stops.

    Returns:
        A judgement for each entry, in their order. A claim whose data cannot be had, or whose trial raises, has no
        verdict and says why; the other claims go on.

    Raises:
        UsageError: the plan does not fit a claim.
        StoreError: the store cannot be written; what was recorded before is safe.
        Unreachable: the place cannot work any more; likewise, and the same call goes on from there.
        Interrupted: by Ctrl-C.
    """
    if plan.timeout is not None and not 0 < plan.timeout < math.inf:
        raise UsageError(f"--timeout {plan.timeout:g}: expected seconds above 0")
    campaigns = [Campaign(entry, store, plan) for entry in entries]
    return _Check(campaigns, store, place or Place(InProcess(), 1), on_progress).run()


class Campaign:
    """The trials of one claim on their way to a verdict, a look at a time."""

    def __init__(self, entry: Entry, store: Store, plan: Plan) -> None:
        self.entry, self.plan = entry, plan
        self.outcomes: dict[tuple[str, int], Outcome] = {}
        self.seconds = 0.0  # what its trials took so far
        self.problem: str | None = None
        self.todo: deque[Task] = deque()
        self.looks = self._looks()
        self.revision, self.earlier = revisions_of(entry, plan.budget, None if self.decides_nothing else store)
        if plan.pilot:
            self.revision = replace(self.revision, first_seed=PILOT_SEEDS)
        self.judgement = self._judged()
        try:
            self.context = context_of(entry, plan.budget, plan.device)
        except (DataUnavailable, DataCorrupted) as error:
            self.problem = str(error)
            self.refresh()
            return
        self.source = code_of(entry.module, entry.claim).fingerprint
        self.config = dict(entry.claim.budget(plan.budget).config) | dict(plan.config or {})
        if not self.decides_nothing:
            self.revision = store.register(entry.paper, entry.name, plan.budget, self.revision)
        self._recall(store)
        self.advance()

    @property
    def decides_nothing(self) -> bool:
        """Pilot seeds and smoke runs: they belong to no revision."""
        return self.plan.pilot or self.plan.budget == "smoke"

    def _looks(self) -> list[int]:
        plan, entry = self.plan, self.entry
        if plan.budget not in entry.claim.budgets:
            raise UsageError(f"{entry.path} has no budget {plan.budget!r}; it has {', '.join(entry.claim.budgets)}")
        if plan.config and not plan.pilot:
            raise UsageError("settings may be changed for pilot runs only: add --pilot")
        known = entry.claim.budget(plan.budget).config
        if unknown := sorted(set(plan.config or {}) - set(known)):
            raise UsageError(
                f"{entry.path} has no setting {', '.join(unknown)}; its settings: {', '.join(sorted(known))}"
            )
        try:
            entry.claim.check_settings(dict(known) | dict(plan.config or {}), "--set")
        except TypeError as error:
            raise UsageError(str(error)) from None
        looks = list(entry.claim.budget(plan.budget).looks)
        if plan.seeds is None:
            return looks
        if plan.seeds < 1:
            raise UsageError(f"--seeds {plan.seeds}: expected at least 1")
        if plan.pilot:
            return [plan.seeds]
        if plan.seeds > looks[-1]:
            raise UsageError(
                f"{entry.path} plans at most {looks[-1]} seeds at {plan.budget} (looks at {looks}), got --seeds"
                f" {plan.seeds}. Looking again after the last look would inflate the verdict's error: change the"
                " claim's looks instead"
            )
        return [look for look in looks if look < plan.seeds] + [plan.seeds]

    def key(self, task: Task) -> Key:
        """The store's name for a trial."""
        return Key(task.paper, task.name, self.plan.budget, task.arm, task.seed, self.context, self.config)

    def _recall(self, store: Store) -> None:
        for record in store.records(self.entry.paper, self.entry.name, self.plan.budget):
            same = record.key.context == self.context and record.key.config == self.config
            same &= self.plan.pilot or record.key.seed in self.revision.seeds
            if same and record.key.pilot == self.plan.pilot and record.ok and record.key.arm in self.entry.claim.arms:
                self.finish(record.key.arm, record.key.seed, record.outcome)

    def finish(self, arm: str, seed: int, outcome: Outcome) -> None:
        """Counts a finished trial."""
        before = self.outcomes.get((arm, seed))
        self.seconds += outcome.seconds - (before.seconds if before is not None else 0.0)
        self.outcomes[arm, seed] = outcome

    @property
    def failed(self) -> list[tuple[str, int]]:
        """The trials that raised."""
        return [trial for trial, outcome in self.outcomes.items() if outcome.numbers is None]

    def refresh(self) -> None:
        """Judges what is at hand."""
        self.judgement = self._judged()

    def _judged(self) -> Judgement:
        entry, plan = self.entry, self.plan
        trials = trials_of((arm, seed, outcome) for (arm, seed), outcome in self.outcomes.items())
        revision, earlier = self.revision, self.earlier
        judgement = judge(entry.path, entry.claim, plan.budget, trials, revision=revision, earlier=earlier)
        if self.problem is not None:
            return judgement.without_verdict(self.problem)
        return judgement.without_verdict("pilot seeds never count for a verdict") if plan.pilot else judgement

    def advance(self) -> None:
        """Judges what is at hand; fills `todo` with the trials of the next look, if one is needed."""
        self.refresh()
        self.todo.clear()
        if self.judgement.verdict.decided or self.failed:
            return
        for look in self.looks:
            if missing := list(self._missing(look)):
                self.todo.extend(missing)
                return

    @property
    def timeout(self) -> float | None:
        """Seconds that a trial may run: the lesser of what the claim states and what was asked for."""
        given = [limit for limit in (self.entry.claim.timeout, self.plan.timeout) if limit is not None]
        return min(given, default=None)

    def _missing(self, look: int) -> Iterator[Task]:
        entry, plan = self.entry, self.plan
        for seed in range(self.revision.first_seed, self.revision.first_seed + look):
            for arm in entry.claim.arms:
                if (arm, seed) not in self.outcomes:
                    name = (entry.paper, entry.name, entry.module)
                    yield Task(*name, plan.budget, arm, seed, self.config, plan.device, self.source, self.timeout)

    @property
    def done(self) -> int:
        return len(self.outcomes)

    @property
    def planned(self) -> int:
        if self.problem is not None or self.judgement.verdict.decided:
            return self.done
        return max(self.done, self.looks[-1] * len(self.entry.claim.arms))


@dataclass
class _Running:
    """A trial that was submitted: whose it is, where it runs, and since when."""

    campaign: Campaign
    task: Task
    executor: Executor
    since: float = field(default_factory=time.monotonic)
    submitted: float = field(default_factory=time.time)

    @property
    def over_time(self) -> bool:
        """Whether it should have stopped itself by now."""
        return self.task.timeout is not None and time.monotonic() > self.since + self.task.timeout + GRACE_SECONDS


class _Check:
    """One run of the engine over some campaigns."""

    def __init__(
        self, campaigns: list[Campaign], store: Store, place: Place, on_progress: Callable[[Progress], None]
    ) -> None:
        self.campaigns, self.store, self.place, self.on_progress = campaigns, store, place, on_progress
        self.executor = place.executor
        self.running: dict[Future[Outcome], _Running] = {}
        self.elsewhere: list[tuple[Campaign, Task]] = []  # leased by another process
        self.suspects: set[Task] = set()  # trials that ran or waited when a worker died; each is tried again alone
        self.last: tuple[Task, Outcome] | None = None
        self.stuck = 0  # places of workers that are lost to a trial over its limit
        self.asked = self.well = time.monotonic()  # when the place was asked how it is, and when it was well

    def run(self) -> list[Judgement]:
        stop = threading.Event()
        keeper = threading.Thread(target=self._keep_leases, args=(stop,), daemon=True)
        keeper.start()
        try:
            with real_interrupts() as interrupts:
                self._report()
                while self._fill() or self.running or self.elsewhere:
                    self._collect()
                    self._look_elsewhere()
                    if interrupts:  # one that came where Python drops exceptions
                        raise KeyboardInterrupt
        except KeyboardInterrupt:
            with _deaf_to_interrupts():
                self._abandon()
                raise Interrupted(self._judgements()) from None
        except Unreachable as error:
            self._abandon()
            raise Unreachable(f"{error}; every finished trial is recorded, and the same command goes on") from None
        finally:
            stop.set()
            keeper.join()
            self.store.release_leases()
        self._note()
        return list(self._judgements())

    def _note(self) -> None:
        """Writes down what each revision came to."""
        for campaign in self.campaigns:
            if campaign.judgement.verdict.given:
                entry, plan = campaign.entry, campaign.plan
                said = came_to(campaign.judgement, campaign.source)
                self.store.note(entry.paper, entry.name, plan.budget, campaign.revision.digest, said)

    def _abandon(self) -> None:
        """Record what has finished and let go of the rest."""
        for future, running in list(self.running.items()):
            if future.done() and not future.cancelled() and future.exception() is None:
                self._record(running.campaign, running.task, future.result(), future)
        self.place.close(True)
        for campaign in self.campaigns:
            campaign.refresh()
        with contextlib.suppress(StoreError):  # what was recorded is safe; the next check notes it
            self._note()

    def _judgements(self) -> tuple[Judgement, ...]:
        return tuple(campaign.judgement for campaign in self.campaigns)

    def _keep_leases(self, stop: threading.Event) -> None:
        while not stop.wait(10):
            with contextlib.suppress(Exception):  # the next write says what is wrong
                self.store.renew_leases()

    def _fill(self) -> bool:
        """Submits trials until as many run as the place can take; whether any was."""
        submitted = False
        for campaign in self.campaigns:
            while campaign.todo and len(self.running) < self._room(campaign):
                task = campaign.todo.popleft()
                if not self._lease(campaign, task):
                    self.elsewhere.append((campaign, task))
                    continue
                self._submit(campaign, task)
                submitted = True
                if isinstance(self.executor, InProcess):
                    return True
        return submitted

    def _room(self, campaign: Campaign) -> int:
        """How many trials may be submitted at once: some wait there, unless each must be timed from here."""
        if self.suspects:
            return 1
        if campaign.timeout is not None and not self.place.stops_trials:
            return self.place.width - self.stuck
        return 2 * self.place.width - 1

    def _lease(self, campaign: Campaign, task: Task) -> bool:
        leased = self.store.lease(campaign.key(task))
        if leased is Lease.TAKEN_OVER:
            self._report(
                note=f"{task} was begun by a process that ended without finishing it, and runs again. If it ends this"
                " process too, its code does: --on processes:1 survives that and says so"
            )
        return bool(leased)

    def _submit(self, campaign: Campaign, task: Task) -> None:
        self._report(starting=(task,))
        try:
            future = self.executor.submit(run, task)
        except BrokenExecutor:
            self._renew_place(self.executor)
            future = self.executor.submit(run, task)
        except Exception:
            self.place.ailment()  # raises what is wrong, if the place is
            raise
        self.running[future] = _Running(campaign, task, self.executor)

    def _collect(self) -> None:
        if self.running:
            wait(self.running, timeout=POLL_SECONDS if self.elsewhere else 1.0, return_when=FIRST_COMPLETED)
            if any(future.done() for future in self.running):
                self.asked = self.well = time.monotonic()
                self._collect_finished()
            else:
                self._ask_place()
                self._give_up_late()
        elif self.elsewhere:
            time.sleep(POLL_SECONDS)

    def _collect_finished(self) -> None:
        for future in [future for future in self.running if future.done()]:
            running = self.running[future]
            try:
                outcome = future.result()
            except BrokenExecutor:
                del self.running[future]
                self._worker_died(running)
                continue
            except CancelledError:
                self.place.ailment()
                outcome = lost(running.task, "the trial was cancelled by the place where it ran")
            except Exception as error:
                self.place.ailment()
                outcome = lost(running.task, f"the place where it ran gave up: {type(error).__name__}: {error}")
            # By the clock that registered the terms: the worker's may be ahead or behind.
            self._record(running.campaign, running.task, replace(outcome, started=running.submitted), future)

    def _ask_place(self) -> None:
        """Where nothing finishes, ask the place how it is; wait for it a while, and not for ever."""
        now = time.monotonic()
        if now - self.asked < ASK_SECONDS:
            return
        self.asked = now
        ailment = self.place.ailment()
        if ailment is None:
            self.well = now
        elif now - self.well > PATIENCE_SECONDS:
            raise Unreachable(f"{ailment}; waited {PATIENCE_SECONDS:g} s")
        else:
            self._report(note=f"{ailment}; waiting {PATIENCE_SECONDS:g} s for it")

    def _give_up_late(self) -> None:
        """Record the trials that are over their limit, do not stop, and cannot be made to."""
        if self.place.stops_trials:
            return
        for future, running in list(self.running.items()):
            if running.over_time:
                future.cancel()
                self.stuck += 1
                said = (
                    f"over its time limit of {running.task.timeout:g} s; it does not stop, and its worker is left to it"
                )
                self._record(running.campaign, running.task, lost(running.task, said), future)
        if self.stuck >= self.place.width:
            raise Unreachable("every worker is taken by a trial that is over its time limit")

    def _record(self, campaign: Campaign, task: Task, outcome: Outcome, future: Future[Outcome] | None = None) -> None:
        self.store.add(campaign.key(task), outcome)
        if future is not None:
            del self.running[future]  # only now: an interrupt before this line finds the trial here and records it
        self.suspects.discard(task)
        campaign.finish(task.arm, task.seed, outcome)
        self.last = (task, outcome)
        self._advance(campaign)
        self._report()
        self.last = None

    def _advance(self, campaign: Campaign) -> None:
        """Once nothing of a campaign is left to run or to wait for, the next look (or none) is due."""
        waiting = (*(running.campaign for running in self.running.values()), *(other for other, _ in self.elsewhere))
        busy = any(other is campaign for other in waiting)
        if not campaign.todo and not busy:
            campaign.advance()

    def _worker_died(self, running: _Running) -> None:
        """A dead worker takes the whole pool with it; the trial that killed it is the one that does so alone."""
        campaign, task = running.campaign, running.task
        alone = task in self.suspects
        self._renew_place(running.executor)
        if alone or self.place.renew is None:
            said = "the worker process died under this trial (out of memory? a crash?)"
            if running.over_time:
                said = f"over its time limit of {task.timeout:g} s, and did not stop: its worker process was ended"
            self._record(campaign, task, lost(task, said))
        else:
            self.suspects.add(task)
            campaign.todo.appendleft(task)

    def _renew_place(self, broken: Executor) -> None:
        if self.place.renew is not None and self.executor is broken:
            self.executor = self.place.renew()

    def _look_elsewhere(self) -> None:
        """Takes in what other processes recorded meanwhile, and takes over what they gave up."""
        if not self.elsewhere:
            return
        waiting, self.elsewhere = self.elsewhere, []
        recorded: dict[int, dict[str, Record]] = {}
        for campaign, task in waiting:
            if id(campaign) not in recorded:
                there = self.store.records(campaign.entry.paper, campaign.entry.name, campaign.plan.budget)
                recorded[id(campaign)] = {str(record.key): record for record in there if record.ok}
            record = recorded[id(campaign)].get(str(campaign.key(task)))
            if record is not None:
                campaign.finish(task.arm, task.seed, record.outcome)
            elif len(self.running) < self.place.width and self._lease(campaign, task):
                self._submit(campaign, task)
            else:
                self.elsewhere.append((campaign, task))
        for campaign in {id(campaign): campaign for campaign, _ in waiting}.values():
            self._advance(campaign)
        self._report()

    def _report(self, starting: tuple[Task, ...] = (), note: str | None = None) -> None:
        done = sum(campaign.done for campaign in self.campaigns)
        left = None
        if done:
            overall = sum(campaign.seconds for campaign in self.campaigns) / done
            rest = (
                (campaign.planned - campaign.done) * (campaign.seconds / campaign.done if campaign.done else overall)
                for campaign in self.campaigns
            )
            left = sum(rest) / self.place.width
        self.on_progress(
            Progress(
                judgements=self._judgements(),
                running=(*(running.task for running in self.running.values()), *starting),
                done=done,
                planned=sum(campaign.planned for campaign in self.campaigns),
                seconds_left=left,
                last=self.last,
                note=note,
            )
        )


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """After the first Ctrl-C the rest of an impatient row is not heard while things are put in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
