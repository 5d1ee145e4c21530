"""The workspace of a session: two linked worktrees beside the user's checkout, which is never written.

    <cache>/<repository>-<hash>/<session>/incumbent     the best code so far
                                         /candidate     what the current experiment proposes
                                         /rival-1 ...   what others propose beside it; nothing is measured there
                                         /state         our indexes, the submodules' git directories

The two paths have the same length and every file in them is of one commit, so that what is measured is the code.
Ignored files stay through `sync`: they are what builds leave (`build/`, `target/`, `node_modules/`) and what makes
the next build take seconds. So does what the setup command left. Which of it may stay is the engine's to say
(`leftovers`). The exception is Python's bytecode of a changed source, which could be taken for that of another
version.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NewType

from autotune_tui.errors import WorkspaceError
from autotune_tui.scope import ScopeMatcher
from autotune_tui.workspace import traces
from autotune_tui.workspace.attach import Attached
from autotune_tui.workspace.bytecode import is_bytecode, remove_all, remove_stale
from autotune_tui.workspace.changes import find_changes
from autotune_tui.workspace.commits import Commits
from autotune_tui.workspace.contents import Contents
from autotune_tui.workspace.folders import as_workspace_error, is_folder, remove_tree, session_folder
from autotune_tui.workspace.git import GitError
from autotune_tui.workspace.leftovers import Mark, marks, remove
from autotune_tui.workspace.messages import compose, parse_commit
from autotune_tui.workspace.refs import SessionRefs, check_session
from autotune_tui.workspace.refusals import refuse_unusable
from autotune_tui.workspace.registration import reconnect, register, unregister
from autotune_tui.workspace.repository import Repository, exclude_session_files, find_repository, uncommitted
from autotune_tui.workspace.status import Change
from autotune_tui.workspace.submodules import Submodule, SubmoduleTrees, find_submodules
from autotune_tui.workspace.tree import Tree

if TYPE_CHECKING:
    from autotune_tui import config

Side = Literal["incumbent", "candidate"]
SIDES: tuple[Side, ...] = ("incumbent", "candidate")
Rival = NewType("Rival", str)
"""The name of a worktree for an agent that proposes beside another."""
Place = Side | Rival
_RIVAL = "rival-"


class Workspace:
    """Made by `open`. For one thread at a time; the engine's lock keeps other processes away."""

    def __init__(
        self, repository: Repository, refs: SessionRefs, scope: ScopeMatcher, attached: Attached, folder: Path
    ) -> None:
        self.root = repository.root
        self.branch = f"autotune/{refs.session}"
        self.folder = folder
        self.incumbent = folder / "incumbent"
        self.candidate = folder / "candidate"
        self.base_commit = refs.read().get(refs.candidate(0), repository.head)
        self.warnings: tuple[str, ...] = ()
        self.fresh: frozenset[Place] = frozenset()
        """Worktrees that were made, not found, since `open`: they lack what the setup command makes."""
        self._repository = repository
        self._git = repository.git
        self.contents = Contents(repository.git)
        self.commits = Commits(repository.git, self.contents)
        self._refs = refs
        self._scope = scope
        self._narrowed = scope
        self._attached = attached
        self._trees: dict[Place, Tree] = {}
        self._submodules: list[Submodule] = []
        self._inner: dict[Place, SubmoduleTrees] = {}
        self._files: tuple[str, tuple[str, ...]] | None = None
        self._last_tip = ""
        self._beside: set[str] = set()
        self._made: dict[Place, frozenset[str]] = {}

    @classmethod
    def open(
        cls,
        repo: Path,
        session: str,
        options: config.WorkspaceOptions,
        scope: config.Scope,
        locked: Sequence[str] = (),
    ) -> Workspace:
        """The workspace of a session, new or resumed. Makes nothing yet but the line `.autotune/` in .git/info/exclude.

        Raises WorkspaceError when git, the repository, the session's name or the options cannot work, ConfigError for
        a pattern.
        """
        matcher = ScopeMatcher(scope.include, scope.exclude, locked)
        repository = find_repository(repo)
        check_session(repository.git, session)
        refs = SessionRefs(repository.git, repository.common, session)
        attached = Attached.of(repository.root, options.link, options.copy_)
        workspace = cls(repository, refs, matcher, attached, session_folder(repository.root, session, options.cache))
        exclude_session_files(repository.common)
        warning = uncommitted(repository)
        workspace.warnings = (warning,) if warning else ()
        return workspace

    def create(self) -> None:
        """Make the branch and both worktrees, or mend what is left of them; afterwards both are at the branch's tip.

        May be called again at any time, also after the process was killed at any point. Raises WorkspaceError for
        what cannot be worked with: LFS content that is missing, a submodule without its commit, a tracked path that
        is to be linked.
        """
        with as_workspace_error():
            self._refs.remove_stale_locks()
            self._remove_rivals()
            new = self._refs.start(self.base_commit)
            try:
                self._make_worktrees(self.tip())
            except BaseException:
                if new:
                    self.remove()
                    self._refs.delete()
                raise

    @property
    def git_folder(self) -> Path:
        """The repository's git directory, which both worktrees share."""
        return self._repository.common

    def tip(self) -> str:
        """The commit of the session's branch."""
        self._last_tip = self._refs.tip()
        return self._last_tip

    def sync(self, place: Place, commit: str, *, held: str = "") -> dict[str, Mark]:
        """Make the worktree the commit: tracked files as committed, no untracked ones but ignored, linked and copied
        paths, and those that setup made. Returns what `leftovers` would.

        Believes nothing of what was done in the worktree meanwhile (HEAD, index, `.git`, the folder itself), and
        makes it anew when it cannot be mended. But what is known of it, that its tracked files are those of the commit
        `held`, is not looked through again.
        """
        with as_workspace_error():
            try:
                return self._sync(place, commit, held)
            except (GitError, OSError):
                self._rebuild(place, commit)
                return self._sync(place, commit)

    def sync_both(self, commit: str, held: Mapping[Side, str] | None = None) -> dict[Side, dict[str, Mark]]:
        """`sync` of both sides at once: each is mostly one git process that looks at every file, and they share
        nothing. `held`: as of `sync`, by side.
        """
        known = held or {}
        with ThreadPoolExecutor(max_workers=len(SIDES)) as pool:
            working = {side: pool.submit(self.sync, side, commit, held=known.get(side, "")) for side in SIDES}
            return {side: done.result() for side, done in working.items()}

    def rival(self, number: int, commit: str) -> Rival:
        """A further worktree at the commit, for an agent that proposes beside another; made the first time."""
        name = Rival(f"{_RIVAL}{number}")
        with as_workspace_error():
            if name not in self._trees:
                self._rebuild(name, commit)
        self.sync(name, commit)
        return name

    def set_up(self, place: Place, commit: str) -> None:
        """Take what lies in the worktree as made by the setup command: from now on it stays and is no change, whether or not
        git ignores it. Tracked files are put back.
        """
        with as_workspace_error():
            self._made[place] = frozenset(each.path for each in self._tree(place).entries() if not each.tracked)
        self.sync(place, commit)

    def is_set_up(self, place: Place) -> bool:
        """Whether `set_up` was said of the worktree, and it was not made anew since."""
        return place in self._made

    def renew(self, side: Side, commit: str) -> None:
        """Make the worktree anew, without anything that git does not have; it is `fresh` then."""
        with as_workspace_error():
            self._rebuild(side, commit)
            self._sync(side, commit)

    def leftovers(self, side: Side, commit: str) -> dict[str, Mark]:
        """The files of a worktree that the commit does not have, each with its mark. Linked paths are not looked into."""
        with as_workspace_error():
            tree = self._tree(side)
            return marks(tree.path, tree.others(commit), self._attached.linked)

    def left_by_edit(self) -> dict[str, Mark]:
        """`leftovers` of the candidate and the commit last written, as `changes` saw them before."""
        with as_workspace_error():
            return marks(self._tree("candidate").path, self._beside, self._attached.linked)

    def remove_leftovers(self, side: Side, paths: Sequence[str]) -> None:
        with as_workspace_error():
            remove(self._tree(side).path, paths)

    def look(self, files: bool = True) -> dict[str, Mark]:
        """All that is in the candidate's worktree, for `restore`; without `files` only for one without files."""
        with as_workspace_error():
            return traces.look(self._tree("candidate").path, self._attached.paths, files)

    def restore(self, seen: Mapping[str, Mark], files: Iterable[str] | None = None) -> None:
        """Take away what was left in the candidate's worktree since `look` where git sees nothing of it. Given the `files`
        of the candidate's commit, also modes, times and attributes of tracked files.
        """
        with as_workspace_error():
            tree = self._tree("candidate")
            tracked = () if files is None else {*tree.tracked(), *files}
            traces.restore(tree.path, seen, tracked, self._attached.paths)

    def files(self) -> tuple[str, ...]:
        """Tracked files in scope at the branch's tip, as it was last asked for or moved to, sorted. No links: to edit one is
        to edit another file.
        """
        tip = self._last_tip or self.tip()
        if self._files is None:
            files = self.contents.tree(tip).values()
            self._files = (tip, tuple(sorted(file.path for file in files if self._is_file(file.path, file.mode))))
        elif self._files[0] != tip:
            # Matching 20,000 paths takes 200 ms: after a keep only what it changed is matched.
            changed, known = self.contents.differences(self._files[0], tip), self._files[1]
            before = {change.path for change in changed if self._is_file(change.path, change.old_mode)}
            after = {change.path for change in changed if self._is_file(change.path, change.new_mode)}
            self._files = (tip, known if before == after else tuple(sorted({*known} - before | after)))
        if self._narrowed is self._scope:  # matching takes its time
            return self._files[1]
        return tuple(path for path in self._files[1] if self._narrowed.included(path))

    def narrow(self, paths: Sequence[str]) -> None:
        """From now on candidates may change only these files of the scope; without any, all of it."""
        self._narrowed = self._scope.narrowed(paths) if paths else self._scope

    def locked_in_scope(self) -> tuple[str, ...]:
        """Tracked files that the scope has but a lock keeps from being changed, sorted."""
        files = self.contents.tree(self.base_commit)
        return tuple(sorted(path for path in files if self._scope.included(path) and self._scope.locked(path)))

    def locked_files(self, commit: str) -> dict[str, str]:
        """Every tracked file that nobody may change, with the object name of its content in the commit."""
        return {path: file.blob for path, file in self.contents.tree(commit).items() if self._scope.locked(path)}

    @property
    def linked(self) -> tuple[str, ...]:
        """The paths of the user's checkout that the worktrees only link to."""
        return self._attached.linked

    def altered(self, side: Side, commit: str) -> tuple[str, ...]:
        """Tracked files of a worktree that are not as the commit has them, and submodules, sorted.

        `changes` tells what the candidate's agent did; this tells, at any time, whether a worktree is what it is
        measured as. Costs three processes at most.
        """
        with as_workspace_error():
            tree = self._tree(side)
            base = tree.at or commit
            tree.adopt(base)
            now = {entry.path for entry in tree.entries(only_tracked=True)}
            wanted = {change.path: change for change in self.contents.differences(base, commit)}
            held = tree.holds({path: (change.new_mode, change.new_blob) for path, change in wanted.items()})
            now = (now | wanted.keys()) - held
            return tuple(sorted({*now, *(change.path for change in self._inner[side].changes())}))

    def git_version(self) -> str:
        return self._git.line("version")

    def is_locked(self, path: str) -> bool:
        return self._scope.locked(path)

    def changes(self, place: Place = "candidate") -> list[Change]:
        """What differs in a worktree from the commit it was synced to, committed or not, sorted by path."""
        with as_workspace_error():
            tree = self._tree(place)
            if not is_folder(tree.path):
                raise WorkspaceError(f"The {place} worktree is gone", str(tree.path), "sync makes it anew.")
            base = tree.at or self.tip()
            tree.adopt(base)
            tree.detach_at(base)
            entries = tree.entries(ignored=True)
            if place == "candidate":
                self._beside = {entry.path for entry in entries if not entry.tracked}
            entries = [
                each for each in entries if each.tracked or not (each.ignored or self._is_kept(place, each.path))
            ]
            found = find_changes(tree, entries, self._narrowed)
            found += [
                Change(path, "modified", in_scope=False, problem="a linked or copied path was replaced")
                for path in self._attached.broken(tree.path)
            ]
            found += self._inner[place].changes()
            return sorted(found, key=lambda change: change.path)

    def commit(
        self, experiment: int, message: str, trailers: Mapping[str, str], found: Sequence[Change] | None = None
    ) -> str:
        """Commit the candidate's allowed changes on the commit it was synced to; others are put back, so that what is
        measured is what is committed. The commit is kept as refs/autotune/<session>/<experiment>.

        `found`: what `changes()` said, when nothing was edited since; to look again costs as much as `git status`.
        Again for the same experiment after a rework: one commit with all changes; the earlier attempt stays as
        <experiment>.1. Raises WorkspaceError when there is nothing to commit.
        """
        sha = self.write(message, trailers, found)
        self.keep(experiment, sha)
        return sha

    def write(
        self,
        message: str,
        trailers: Mapping[str, str],
        found: Sequence[Change] | None = None,
        place: Place = "candidate",
    ) -> str:
        """The commit of `commit`, which no ref names yet."""
        with as_workspace_error():
            wanted = self._put_back(self.changes(place) if found is None else found, place)
            paths = [path for change in wanted for path in change.paths]
            if not paths:
                raise WorkspaceError("There is nothing to commit", "No file in scope differs from the incumbent.")
            tree = self._tree(place)
            base = tree.at or self.tip()
            sha = self.commits.write(tree.stage(paths), (base,), compose(message, trailers))
            if place == "candidate":
                self._beside.difference_update(paths)
            remove_stale(tree.path, paths)
            return sha

    def keep(self, experiment: int, commit: str) -> None:
        """Point refs/autotune/<session>/<experiment>, and the candidate's HEAD, at a commit; again does no harm."""
        with as_workspace_error():
            self._refs.keep_candidate(experiment, commit, self._git.at(self._tree("candidate").git_dir))

    def reword(self, experiment: int, commit: str, message: str, trailers: Mapping[str, str]) -> str:
        """A new commit with the same tree, parents, author and author date; the experiment's ref moves to it, no
        branch does.
        """
        with as_workspace_error():
            head = parse_commit(self._git.run("cat-file", "commit", commit))
            author = {"GIT_AUTHOR_NAME": head.name, "GIT_AUTHOR_EMAIL": head.email, "GIT_AUTHOR_DATE": head.date}
            sha = self.commits.write(head.tree, head.parents, compose(message, trailers), author)
            self._refs.update([(self._refs.candidate(experiment), sha, commit)])
            self.contents.same_files(sha, commit)
            return sha

    def advance(self, old: str, new: str) -> None:
        """Keep: move the branch from `old` to `new` in one compare-and-swap. Raises WorkspaceError when it is not at
        `old`.
        """
        self._refs.advance(old, new)
        self._last_tip = new

    def lay(self, commit: str, base: str) -> None:
        """Give the candidate the files of `commit`, as uncommitted changes of `base`."""
        self.sync("candidate", commit)
        with as_workspace_error():
            self._tree("candidate").adopt(base)

    def milestone(self, number: int) -> str:
        """The ref of a milestone."""
        return self._refs.milestone(number)

    def set_milestone(self, number: int, commit: str) -> None:
        """Point a milestone's ref at a commit, unless it is there already."""
        with as_workspace_error():
            self._refs.set_milestone(number, commit)

    def remove(self) -> None:
        """Unregister and delete the worktrees and the session's cache folder. The branch and the candidates' refs
        stay.
        """
        with as_workspace_error():
            self._remove_rivals()
            for side in SIDES:
                unregister(self._repository.common, self.folder / side)
            remove_tree(self.folder)
            _remove_if_empty(self.folder.parent)
            if self.folder.parent.parent.name == "autotune-tui":  # ours; a configured cache folder is the user's
                _remove_if_empty(self.folder.parent.parent)
            self._trees = {}

    def discard(self) -> None:
        """`remove`, and the branch as well: for a session that was only tried. A branch that has gone on stays."""
        self.remove()
        with as_workspace_error():
            self._refs.delete()

    def _make_worktrees(self, tip: str) -> None:
        files = list(self.contents.tree(tip).values())
        self._attached.refuse_tracked(file.path for file in files)
        self._submodules, empty = find_submodules(files, self.root)
        if empty:
            text = f"Submodules that your checkout has not initialised stay empty: {', '.join(empty)}."
            self.warnings = tuple(dict.fromkeys((*self.warnings, text)))
        for side in SIDES:
            self._prepare(side, tip)
            self.sync(side, tip)
        if self.fresh:
            refuse_unusable(self._trees["incumbent"], files, self._repository.common)

    def _remove_rivals(self) -> None:
        for path in self.folder.glob(f"{_RIVAL}*"):
            unregister(self._repository.common, path)
            self._trees.pop(Rival(path.name), None)

    def _prepare(self, place: Place, commit: str) -> None:
        """Register the worktree and take away what a killed process left."""
        path = self.folder / place
        git_dir, made = register(self._git, self._repository.common, path, commit)
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        index = state / f"{place}.index"
        if made:
            self.fresh |= {place}
            index.unlink(missing_ok=True)
            remove_tree(state / place)
        tree = Tree(self._git, git_dir, path, index, self.contents)
        tree.remove_stale_locks()
        self._trees[place] = tree
        self._inner[place] = SubmoduleTrees(self._submodules, path, state / place)

    def _rebuild(self, place: Place, commit: str) -> None:
        self._made.pop(place, None)
        unregister(self._repository.common, self.folder / place)
        self._prepare(place, commit)

    def _tree(self, place: Place) -> Tree:
        if place not in self._trees:
            raise WorkspaceError(f"The {place} worktree is not made yet", hint="create() makes it.")
        return self._trees[place]

    def _sync(self, place: Place, commit: str, held: str = "") -> dict[str, Mark]:
        tree = self._tree(place)
        reconnect(tree.path, tree.git_dir)
        with self._opened(tree) if place != "incumbent" else nullcontext():
            synced = (tree.move(held, commit) if held else None) or tree.sync(
                commit, functools.partial(self._is_kept, place)
            )
            self._forget_bytecode(tree.path, synced.touched)
            for inner, touched in self._inner[place].sync():
                self._forget_bytecode(inner, touched)
            self._attached.attach(tree.path, self.folder / "state")
            left = tree.others(commit) if synced.left is None or self._attached.copied else synced.left
        return marks(tree.path, left, self._attached.linked)

    @contextmanager
    def _opened(self, tree: Tree) -> Iterator[None]:
        """Give the owner the rights back that an agent may have taken away; files are looked at while git works."""
        traces.open_folders(tree.path, tree.tracked())
        with ThreadPoolExecutor(max_workers=1) as pool:
            closed = pool.submit(traces.closed_files, tree.path, tree.tracked())
            yield
        tracked = tree.tracked()
        traces.open_files(tree.path, (path for path in closed.result() if path in tracked))

    def _forget_bytecode(self, tree: Path, touched: set[str] | None) -> None:
        if touched is None:
            remove_all(tree, self._attached.paths)
        else:
            remove_stale(tree, touched)

    def _is_kept(self, place: Place, path: str) -> bool:
        """Untracked paths that are no change, whether or not git ignores them."""
        return path in self._made.get(place, ()) or self._attached.has(path.rstrip("/")) or is_bytecode(path)

    def _is_file(self, path: str, mode: str) -> bool:
        return mode.startswith("100") and self._scope.allows(path)

    def _put_back(self, found: Sequence[Change], place: Place) -> Sequence[Change]:
        """Undo what may not be changed; the changes that are left. Anew, since a changed .gitignore had hidden
        others.
        """
        for _ in range(4):
            wrong = [change for change in found if not change.allowed]
            if not wrong:
                return found
            tree = self._tree(place)
            tree.restore(path for change in wrong for path in change.paths)
            self._inner[place].sync()
            self._attached.attach(tree.path, self.folder / "state")
            found = self.changes(place)
        raise WorkspaceError("The candidate keeps changing", f"{wrong[0].path} was put back and changed again.")


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
