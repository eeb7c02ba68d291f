"""Undo: what was there before every call that may write, and the steps back."""

import contextlib
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.checkpoints.blobs import Blobs
from ally.checkpoints.index import load_index, save_index, touch_index
from ally.checkpoints.locks import Hold, try_exclusive
from ally.checkpoints.node import Change, Delta, Outcome, Tops, locate, missing_above
from ally.checkpoints.prune import drop_temporaries
from ally.checkpoints.reading import Index
from ally.checkpoints.revert import Plan, carry_out, make_plan
from ally.checkpoints.scan import MAX_ENTRIES, Scanner, Snapshot, TooMuch, compare
from ally.checkpoints.show import write_diff
from ally.checkpoints.steps import OpenCapture, OpenRevert, Step, Steps, merge_deltas
from ally.checkpoints.tree import Tree
from ally.errors import StorageError
from ally.storage.lock import locked

_LOCK_S = 120.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What an open capture holds until it is recorded."""

    opened: OpenCapture
    file: Path
    alive: Hold
    busy: Hold
    since: float


@dataclass(frozen=True, slots=True)
class Capture:
    """What was there before one call. `notices` is what the user should know of it, each said once in a session.

    Without a `watch` this call cannot be undone, and the notices say why.
    """

    call_id: str
    notices: tuple[str, ...] = ()
    watch: Watch | None = None


class Checkpoints:
    """The steps of one session in one folder. Every method blocks; several processes may work in one folder."""

    def __init__(
        self, folder: Path, root: Path, session_id: str, *, own: Sequence[Path] = (), max_entries: int = MAX_ENTRIES
    ) -> None:
        """`folder` holds the checkpoints of all roots. Nothing is read or written before the first capture.

        In a root with more than `max_entries` files and folders, only file tools are covered. Neither `folder` nor
        what is in `own`, which are Ally's files and folders, is ever looked into, or an undo would take that back.
        """
        self._own = frozenset(os.path.realpath(os.fsencode(path)) for path in (folder, *own))
        self._max_entries = max_entries
        self._root = os.fsencode(root.resolve())
        self._folder = folder / hashlib.sha256(self._root).hexdigest()[:32]
        self._session = session_id
        self._steps = Steps(self._folder)
        self._blobs = Blobs(self._folder)
        self._index: Index | None = None
        self._epoch = b""
        self._label = ""
        self._number: int | None = None
        self._said: set[str] = set()
        self._is_too_much = False
        self._stop = threading.Event()
        self._one_at_a_time = threading.RLock()

    def begin(self, label: str) -> None:
        """What is recorded from now on is a new step, for one message of the user."""
        with self._one_at_a_time:
            self._label, self._number = label, None

    def stop(self) -> None:
        """End a capture that is running in another thread: it raises StorageError."""
        self._stop.set()

    def capture(self, call_id: str, paths: Sequence[Path] | None) -> Capture:
        """Store what is there before a call: at `paths` and in the folders they name, or in the whole root (None).

        It never stands in the way of the call: what cannot be stored is told in the notices.

        Raises:
            StorageError: `stop` was called.
        """
        with self._one_at_a_time:
            self._stop.clear()
            tops = self._tops(paths)
            if tops.is_root and self._is_too_much:
                return Capture(call_id, self._say(_too_much(self._max_entries)))
            try:
                return self._capture(call_id, tops)
            except TooMuch:
                self._is_too_much = tops.is_root
                return Capture(call_id, self._say(_too_much(self._max_entries)))
            except OSError as exc:
                reason = (exc.strerror or str(exc)).lower()
                return Capture(call_id, self._say(f"This call cannot be undone: {reason}."))
            finally:
                self._blobs.abandon()

    def _capture(self, call_id: str, tops: Tops) -> Capture:
        since = time.time()
        busy = self._enter()
        try:
            before = self._scan(tops)
            self._blobs.commit()
            opened = OpenCapture(secrets.token_hex(8), self._session, self._label, self._number, tops, before)
            file, alive = self._steps.open(opened)
        except BaseException:
            busy.close()
            raise
        notices = self._say(_unstored(before.unstored)) if before.unstored else ()
        return Capture(call_id, notices, Watch(opened, file, alive, busy, since))

    def record(self, capture: Capture) -> tuple[Change, ...]:
        """What changed since the capture, now part of the step; also after a call that failed or was stopped.

        Raises:
            StorageError: it cannot be written; `recover` tries again at the next start.
        """
        watch = capture.watch
        if watch is None:
            return ()
        with self._one_at_a_time:
            try:
                self._stop.clear()
                deltas = self._changes(watch.opened)
                if watch.opened.tops.is_root:
                    deltas = self._without_others(deltas, watch.since)
                with self._bookkeeping():
                    self._number = self._add(watch.opened, deltas, self._number) or self._number
                watch.file.unlink(missing_ok=True)
            except OSError as exc:
                raise StorageError(self._folder, f"What the call changed cannot be recorded: {exc}") from exc
            finally:
                self._blobs.abandon()
                watch.alive.close()
                watch.busy.close()
            return tuple(self._change(delta) for delta in deltas)

    def undo(self) -> Outcome:
        """Take back the last step of this session that is in force, but for what was changed since.

        Raises:
            StorageError: the steps cannot be read or written.
        """
        with self._revising():
            steps = [step for step in self._steps.list(self._session) if step.undone is None]
            return self._revert(steps[-1], is_undo=True) if steps else Outcome(is_found=False)

    def redo(self) -> Outcome:
        """Take back the last undo, if nothing was recorded after it.

        Raises:
            StorageError: the steps cannot be read or written.
        """
        with self._revising():
            steps = self._steps.list(self._session)
            last = max((step.number for step in steps if step.undone is None), default=0)
            undone = [step for step in steps if step.undone is not None and step.number > last]
            return self._revert(undone[0], is_undo=False) if undone else Outcome(is_found=False)

    def in_force(self) -> list[tuple[str, float]]:
        """The label of each step that `undo` would take back one after the other, and when it was made, newest first.

        Raises:
            StorageError: the steps cannot be read.
        """
        with self._revising():
            steps = [step for step in self._steps.list(self._session) if step.undone is None]
            return [(step.label, step.at) for step in reversed(steps)]

    def diff(self, steps: int | None = 1) -> str:
        """What the last steps that are in force changed, as a unified diff; None: all of the session."""
        with self._one_at_a_time:
            found = [step for step in self._steps.list(self._session) if step.undone is None]
            joined: list[Delta] = []
            for step in found[-steps:] if steps else found:
                joined = merge_deltas(joined, step.deltas)
            return write_diff(joined, self._blobs)

    def recover(self) -> None:
        """Make a step of what killed processes changed, finish what an undo had begun, remove what is half written.

        Raises:
            StorageError: the steps cannot be read or written.
        """
        if self._folder.is_dir():
            with contextlib.suppress(OSError), try_exclusive(self._folder / "busy") as is_alone:
                if is_alone:
                    drop_temporaries(self._folder)
            with self._revising():
                pass

    @contextlib.contextmanager
    def _revising(self) -> Generator[None, None, None]:
        """Alone with the steps, after what dead processes left was put in order."""
        with self._one_at_a_time:
            busy: Hold | None = None
            try:
                busy = self._enter()
                with self._bookkeeping():
                    self._stop.clear()
                    for file, left in self._steps.dead():
                        self._clear_up(left)
                        file.unlink(missing_ok=True)
                    yield
            except OSError as exc:
                raise StorageError(self._folder, f"The checkpoints cannot be used: {exc}") from exc
            finally:
                self._blobs.abandon()
                if busy:
                    busy.close()

    def _clear_up(self, left: OpenCapture | OpenRevert) -> None:
        if isinstance(left, OpenCapture):
            for path in left.tops.whole:
                Tree(self._root, self._blobs).tidy(path)
            self._add(left, self._changes(left), left.number, is_uncertain=left.tops.is_root)
            return
        tree = Tree(self._root, self._blobs, left.token)
        failed = carry_out(left.planned, tree, is_resumed=True)
        if step := self._steps.get(left.session, left.number):
            self._settle(step, left, failed)

    def _revert(self, step: Step, *, is_undo: bool) -> Outcome:
        token = secrets.token_hex(6)
        tree = Tree(self._root, self._blobs, token)
        plan = make_plan(step.deltas if is_undo else step.undone or [], tree)
        self._blobs.commit()
        opened = OpenRevert(step.session, step.number, is_undo, token, plan.deltas)
        file, alive = self._steps.open(opened)
        try:
            failed = carry_out(plan.deltas, tree)
            self._settle(step, opened, failed)
            file.unlink(missing_ok=True)
        finally:
            alive.close()
        self._number = None
        return self._outcome(step, plan, failed)

    def _settle(self, step: Step, opened: OpenRevert, failed: dict[bytes, str]) -> None:
        done = [delta for delta in opened.planned if delta.path not in failed]
        step.undone = done if opened.is_undo else None
        self._steps.save(step)

    def _outcome(self, step: Step, plan: Plan, failed: dict[bytes, str]) -> Outcome:
        done = [delta.path for delta in plan.deltas if delta.path not in failed]
        kept = sorted({**plan.kept, **failed}.items())
        return Outcome(
            label=step.label,
            restored=tuple(self._path(path) for path in done if path not in plan.merged),
            merged=tuple(self._path(path) for path in done if path in plan.merged),
            kept=tuple((self._path(path), why) for path, why in kept),
            notices=(_UNCERTAIN,) if step.is_uncertain else (),
        )

    def _add(
        self, opened: OpenCapture, deltas: list[Delta], number: int | None, *, is_uncertain: bool = False
    ) -> int | None:
        """Put changes into the step `number`, or a new one; returns its number, None if there is none."""
        step = self._steps.get(opened.session, number) if number else None
        if step is not None and opened.id in step.captures:
            return step.number
        if not deltas:
            return None
        if step is None or step.undone is not None:
            step = Step(opened.session, self._steps.next_number(opened.session), opened.label, time.time())
        step.deltas = merge_deltas(step.deltas, deltas)
        step.captures.append(opened.id)
        step.is_uncertain = step.is_uncertain or is_uncertain
        if step.deltas:
            self._steps.save(step)
            return step.number
        self._steps.remove(step)
        return None

    def _changes(self, opened: OpenCapture) -> list[Delta]:
        """What is different from before a call, its new contents stored."""
        try:
            after = self._scan(opened.tops, opened.before)
        except TooMuch:  # the call made very many files: look only at what was there before
            known = [path for path, node in opened.before.nodes.items() if node.kind != "heavy"]
            after = self._scan(Tops(is_root=False, shallow=known), opened.before)
            heavy = {path: node for path, node in opened.before.nodes.items() if node.kind == "heavy"}
            after.nodes.update(heavy)
        self._blobs.commit()
        return compare(opened.before, after, is_exact=not opened.tops.is_root)

    def _scan(self, tops: Tops, like: Snapshot | None = None) -> Snapshot:
        if tops.is_root and self._index is None:
            self._blobs.load()
            index = load_index(self._folder)
            touch_index(self._folder)
            self._index = {path: seen for path, seen in index.items() if seen.node.content in self._blobs}
        scanner = Scanner(self._root, self._blobs, self._index or {}, self._stop, like, self._max_entries, self._own)
        found = scanner.scan(tops)
        if tops.is_root:
            is_changed = scanner.read_count > 0 or len(scanner.fresh) != len(self._index or {})
            self._index = scanner.fresh
            if is_changed:
                self._blobs.commit()
                save_index(self._folder, scanner.fresh)
        return found

    def _without_others(self, deltas: list[Delta], since: float) -> list[Delta]:
        """Leave out what other sessions recorded as theirs meanwhile."""
        if not deltas:
            return deltas
        theirs: set[tuple[bytes, bytes]] = set()
        for step in self._steps.of_others(self._session, since):
            exact = [delta for delta in step.deltas if delta.is_exact] if step.undone is None else step.undone
            theirs |= {_end(delta) for delta in exact}
        return [delta for delta in deltas if _end(delta) not in theirs]

    def _tops(self, paths: Sequence[Path] | None) -> Tops:
        if paths is None:
            return Tops()
        names = [name for path in paths for name in locate(self._root, os.fsencode(path))]
        if b"" in names or b"/" in names:
            return Tops()
        above = [folder for name in names for folder in missing_above(self._root, name)]
        return Tops(is_root=False, whole=list(dict.fromkeys(names)), shallow=list(dict.fromkeys(above)))

    def _enter(self) -> Hold:
        """Make the folder, and keep what is stored from being pruned until the hold is closed."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        busy = Hold(self._folder / "busy", is_shared=True)
        with contextlib.suppress(FileNotFoundError):
            epoch = (self._folder / "epoch").read_bytes()
            if epoch != self._epoch:
                self._epoch, self._index = epoch, None
                self._blobs.forget()
        return busy

    @contextlib.contextmanager
    def _bookkeeping(self) -> Generator[None, None, None]:
        with locked(self._folder / "lock", timeout_s=_LOCK_S):
            yield

    def _say(self, text: str) -> tuple[str, ...]:
        is_new = text not in self._said
        self._said.add(text)
        return (text,) if is_new else ()

    def _path(self, name: bytes) -> Path:
        return Path(os.fsdecode(self._root), os.fsdecode(name))

    def _change(self, delta: Delta) -> Change:
        nodes = [node for node in (delta.before, delta.after) if node and node.unstored]
        return Change(self._path(delta.path), delta.kind, nodes[0].unstored if nodes else "")


_UNCERTAIN = (
    "Ally was killed while a command ran: what changed until it was started again counts as done by the command."
)


def _too_much(max_entries: int) -> str:
    return (
        f"This folder holds more than {max_entries:,} files, or is too slow to look through: "
        "undo covers the file tools here, not what shell commands do."
    )


def _unstored(count: int) -> str:
    why = "too large, unreadable, or too many at once"
    return f"{count} files are not stored yet ({why}): a change of them cannot be undone."


def _end(delta: Delta) -> tuple[bytes, bytes]:
    return delta.path, repr(delta.after).encode()
