import errno
import json
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from rnn_tf.export import versions
from rnn_tf.export.versions import (
    checked_version,
    draft,
    model_folders,
    newest_version,
    prune,
    publish,
    rollback,
    version_folders,
    version_numbers,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows can neither lock a folder nor fork")


def export(directory, text="model", version=None):
    with draft(directory) as folder:
        write(folder, text)
        return publish(folder, directory, version)


def write(folder, text="model"):
    (folder / "variables").mkdir(parents=True)
    (folder / "variables" / "variables.index").write_text(text)
    (folder / "saved_model.pb").write_text(text)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def text(version):
    return Path(version, "saved_model.pb").read_text() + Path(version, "variables", "variables.index").read_text()


def test_names_are_read_as_tf_serving_reads_them(tmp_path):
    assert version_numbers(tmp_path / "none") == []
    for name in ("10", "9", "007", "0", "-3", "+4", "1.5", "٣", "²", "1e3", ".5", "notes", str(2**63)):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("no folder")
    assert version_folders(tmp_path) == {
        number: tmp_path / name for number, name in [(0, "0"), (7, "007"), (9, "9"), (10, "10")]
    }
    assert version_numbers(tmp_path) == [0, 7, 9, 10]
    (tmp_path / "7").mkdir()
    assert version_folders(tmp_path)[7] == tmp_path / "7"


def test_newest_version(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match=r"no exported model in .*rnn-tf train"):
            newest_version(folder)
    for name in ("9", "010"):
        write(tmp_path / name)
    (tmp_path / "11").mkdir()
    assert newest_version(tmp_path) == tmp_path / "010"
    assert newest_version(tmp_path / "9") == tmp_path / "9"


def test_versions_count_up_and_leave_others_alone(tmp_path):
    folder = tmp_path / "new" / "sales"
    assert [export(folder), export(folder), export(folder, version=20)] == [folder / "1", folder / "2", folder / "20"]
    (folder / "notes").mkdir()
    (folder / "30").write_text("a file takes its number, too: a server would try it")
    assert export(folder) == folder / "31"
    assert names(folder) == ["1", "2", "20", "30", "31", "notes"]
    assert export(folder, version=3) == folder / "3"
    assert {text(folder / name) for name in ("1", "3", "31")} == {"modelmodel"}


def test_a_version_is_checked(tmp_path):
    assert checked_version(tmp_path / "none", None) == 1
    assert checked_version(tmp_path / "none", 2**63 - 1) == 2**63 - 1
    for version in (0, -1, True, 1.0, "latest", "3"):
        with pytest.raises(ValueError, match=f"`version` must be a positive integer. Received: version={version!r}"):
            checked_version(tmp_path, version)
    with pytest.raises(ValueError, match=r"below 2\^63. Received: 9223372036854775808. Choose a smaller one"):
        checked_version(tmp_path, 2**63)
    write(tmp_path / "05")
    with pytest.raises(FileExistsError, match=r"never overwritten.*version=5, and .*05 exists. Choose another number"):
        export(tmp_path, version=5)
    (tmp_path / str(2**63 - 1)).mkdir()
    with pytest.raises(ValueError, match=r"below 2\^63"):
        export(tmp_path)
    assert names(tmp_path) == ["05", str(2**63 - 1)]


def test_an_empty_version_is_not_taken_over(tmp_path):
    (tmp_path / "4").mkdir()
    with pytest.raises(FileExistsError, match="version=4"):
        export(tmp_path, version=4)
    assert export(tmp_path) == tmp_path / "5"
    assert list((tmp_path / "4").iterdir()) == []


@pytest.mark.parametrize("version", [None, 3])
def test_a_number_that_is_taken_in_the_last_moment(tmp_path, monkeypatch, version):
    rename = Path.rename

    def late(self, target):
        if not target.exists() and target.name == "3":
            write(target, "other")
        return rename(self, target)

    (tmp_path / "2").mkdir()
    monkeypatch.setattr(Path, "rename", late)
    if version is None:
        assert export(tmp_path) == tmp_path / "4"
    else:
        with pytest.raises(FileExistsError, match="version=3"):
            export(tmp_path, version=3)
    assert text(tmp_path / "3") == "otherother"
    assert not list(tmp_path.glob(".*"))


def test_twenty_threads_give_twenty_versions(tmp_path):
    barrier, paths = threading.Barrier(20), []

    def work(i):
        barrier.wait()
        paths.append(export(tmp_path / "new" / "m", f"model {i};"))

    threads = [threading.Thread(target=work, args=[i]) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(paths) == sorted(tmp_path / "new" / "m" / str(i) for i in range(1, 21))
    assert names(tmp_path / "new" / "m") == sorted(str(i) for i in range(1, 21))
    assert {text(path) for path in paths} == {2 * f"model {i};" for i in range(20)}


def test_threads_that_export_and_prune(tmp_path):
    errors = []

    def work():
        try:
            for _ in range(5):
                export(tmp_path)
                prune(tmp_path, 2)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    prune(tmp_path, 2)
    assert names(tmp_path) == ["39", "40"]
    export(tmp_path)
    assert names(tmp_path) == ["39", "40", "41"]


PROCESSES = """
import json, os, signal, sys
from pathlib import Path
from rnn_tf.export.versions import draft, prune, publish, rollback

folder = Path(sys.argv[-1])

def fork(work):
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    return child

def export():
    os.read(start, 1)
    with draft(folder) as one:
        (one / "saved_model.pb").write_text(str(os.getpid()))
        publish(one, folder)

def stay(ready):
    with draft(folder) as one:
        (one / "saved_model.pb").write_text("half a mod")
        os.write(ready, one.name.encode())
        signal.pause()

# 20 at once, none has made the folder yet
start, go = os.pipe()
children = [fork(export) for _ in range(20)]
os.write(go, bytes(20))
for child in children:
    os.waitpid(child, 0)
published = {path.name: (path / "saved_model.pb").read_text() for path in folder.iterdir()}

# two that are open: one of them is killed
drafts = []
for _ in range(2):
    read, write = os.pipe()
    drafts.append((fork(lambda: stay(write)), os.read(read, 100).decode()))
(killed, killed_name), (alive, alive_name) = drafts
os.kill(killed, signal.SIGKILL)
os.waitpid(killed, 0)
before = sorted(path.name for path in folder.glob(".*"))
with draft(folder) as one:
    after = sorted(path.name for path in folder.glob(".*") if path != one)
os.kill(alive, signal.SIGKILL)
os.waitpid(alive, 0)
rollback(folder)
end = sorted(path.name for path in folder.glob(".*"))
print(json.dumps([children, published, killed_name, alive_name, before, after, end]))
"""


@posix
def test_processes(tmp_path, run_python):
    printed = run_python(f"import sys; sys.argv.append({str(tmp_path / 'new' / 'm')!r})\n{PROCESSES}")
    children, published, killed, alive, before, after, end = json.loads(printed.splitlines()[-1])
    assert sorted(published) == sorted(str(i) for i in range(1, 21))
    assert sorted(map(int, published.values())) == sorted(children)
    assert before == sorted([killed, alive])
    assert after == [alive]
    assert end == []


@posix
def test_what_killed_processes_left_is_removed_but_no_open_draft(tmp_path):
    write(tmp_path / ".rnn_tf-dead")
    write(tmp_path / ".other")
    (tmp_path / ".rnn_tf-file").write_text("none of ours")
    with draft(tmp_path) as one, draft(tmp_path) as other:
        assert names(tmp_path) == sorted([".other", ".rnn_tf-file", one.name, other.name])
        assert publish(one, tmp_path) == tmp_path / "1"
        assert export(tmp_path) == tmp_path / "2"
        assert other.is_dir()
    assert names(tmp_path) == [".other", ".rnn_tf-file", "1", "2"]


@posix
def test_a_process_forked_meanwhile_does_not_keep_the_lock(tmp_path, monkeypatch):
    copies, flock = [], versions.fcntl.flock

    def flock_and_fork(descriptor, operation):
        copies.append(os.dup(descriptor))  # as a forked process would have it
        flock(descriptor, operation)

    with monkeypatch.context() as patch:
        patch.setattr(versions.fcntl, "flock", flock_and_fork)
        with versions._locked(tmp_path) as held:
            assert held
            patch.undo()
            with versions._locked(tmp_path, wait=False) as twice:
                assert not twice
    with versions._locked(tmp_path, wait=False) as held:
        assert held
    for descriptor in copies:
        os.close(descriptor)


def test_a_folder_taken_back_by_another_export_is_made_again(tmp_path, monkeypatch):
    locked, folder = versions._locked, tmp_path / "new" / "m"

    def late(path, **arguments):
        if path == folder and not removed:
            removed.append(path)
            path.rmdir()
        return locked(path, **arguments)

    removed = []
    monkeypatch.setattr(versions, "_locked", late)
    assert export(folder) == folder / "1"
    assert removed


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, GeneratorExit])
def test_a_failure_leaves_nothing_behind(tmp_path, error):
    def fail(directory):
        with draft(directory) as folder:
            assert folder.parent == directory
            assert folder.name.startswith(".rnn_tf-")
            write(folder)
            raise error

    with pytest.raises(error):
        fail(tmp_path / "new" / "m")
    assert names(tmp_path) == []
    write(tmp_path / "m" / "1")
    with pytest.raises(error):
        fail(tmp_path / "m")
    assert names(tmp_path / "m") == ["1"]
    with draft(tmp_path / "new"):
        pass  # not published
    assert names(tmp_path) == ["m"]


def test_everything_is_on_the_disk_before_it_is_published(tmp_path, monkeypatch):
    flushed = []

    def fsync(descriptor):
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        flushed.append(path.name)
        assert path == tmp_path or not version_numbers(tmp_path)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    monkeypatch.setattr(os, "fsync", fsync)
    with draft(tmp_path) as folder:
        write(folder)
        publish(folder, tmp_path)
    assert sorted(flushed[:-1]) == sorted([folder.name, "saved_model.pb", "variables", "variables.index"])
    assert flushed[-1] == tmp_path.name


@pytest.mark.parametrize("call", ["fsync", "mkdir", "rename"])
def test_a_full_disk(tmp_path, monkeypatch, call):
    def fail(*arguments, **named):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "m").mkdir()
    monkeypatch.setattr(Path if call == "rename" else os, call, fail)
    with pytest.raises(OSError, match=r"Cannot .* No space left on device") as caught:
        export(tmp_path / "m")
    monkeypatch.undo()
    assert caught.value.errno == errno.ENOSPC
    assert names(tmp_path / "m") == []


@posix
def test_a_rollback_that_the_disk_does_not_take(tmp_path):
    import resource

    for version in ("1", "2"):
        write(tmp_path / version, 5000 * "model")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"Cannot copy version 1 of .*: .*File too large.*. Nothing was published."):
            rollback(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == ["1", "2"]


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Cannot write to .*: Not a directory. Choose a folder that you may write to."):
        export(tmp_path / "file" / "m")
    if Path("/proc").is_dir():  # not even for the superuser
        with pytest.raises(OSError, match=r"Cannot write to /proc/m: .* Choose a folder"):
            export(Path("/proc/m"))
    assert names(tmp_path) == ["file"]


def test_prune(tmp_path):
    for name in ("1", "02", "5", "9", "10"):
        write(tmp_path / name)
    (tmp_path / "11").mkdir()  # somebody copies a version to its place, its saved_model.pb last
    (tmp_path / "notes").mkdir()
    prune(tmp_path, 6)
    assert len(names(tmp_path)) == 7
    prune(tmp_path, 3)
    assert names(tmp_path) == ["10", "11", "5", "9", "notes"]
    prune(tmp_path, 1)
    assert names(tmp_path) == ["10", "11", "notes"]
    prune(tmp_path, 1)
    assert names(tmp_path) == ["10", "11", "notes"]
    with pytest.raises(OSError, match=r"Cannot remove the old versions in .*none: No such file"):
        prune(tmp_path / "none", 1)
    assert text(tmp_path / "10") == "modelmodel"


@posix
def test_a_pruned_link_keeps_what_it_leads_to(tmp_path):
    write(tmp_path / "elsewhere")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "1").symlink_to(tmp_path / "elsewhere")
    write(tmp_path / "m" / "2")
    prune(tmp_path / "m", 1)
    assert names(tmp_path / "m") == ["2"]
    assert text(tmp_path / "elsewhere") == "modelmodel"


def test_a_version_disappears_at_once(tmp_path, monkeypatch):
    for name in "123":
        write(tmp_path / name)
    remove = shutil.rmtree

    def interrupted(path, **arguments):
        Path(path, "saved_model.pb").unlink()
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(OSError, match=r"Cannot remove the old versions in .*: Permission denied. Remove them yourself"):
        prune(tmp_path, 1)
    assert version_numbers(tmp_path) == [3]
    monkeypatch.setattr(shutil, "rmtree", remove)
    export(tmp_path)
    assert names(tmp_path) == ["3", "4"]  # what was left of the others went, too


def test_what_to_keep_is_checked(tmp_path):
    for keep in (0, -1, True, 1.5, "2"):
        with pytest.raises(ValueError, match=f"`keep` must be a positive integer. Received: keep={keep!r}"):
            prune(tmp_path, keep)


@pytest.mark.parametrize("name", ["golden_retriever", "golden_", "golden", "sales"])
def test_versions_of_every_model_can_be_removed(tmp_path, name):
    for number in "123":
        write(tmp_path / name / number)
    prune(str(tmp_path / name), 1)
    assert names(tmp_path / name) == ["3"]


def test_rollback(tmp_path):
    for number in (1, 2, 3):
        export(tmp_path, f"model {number} ")
    assert rollback(tmp_path) == str(tmp_path / "4")
    assert text(tmp_path / "4") == "model 2 model 2 "
    assert rollback(str(tmp_path), 1) == str(tmp_path / "5")
    assert text(tmp_path / "5") == "model 1 model 1 "
    assert names(tmp_path) == ["1", "2", "3", "4", "5"]
    (tmp_path / "5" / "saved_model.pb").unlink()  # a copy shares nothing with its source
    assert text(tmp_path / "1") == "model 1 model 1 "
    with pytest.raises(FileNotFoundError, match=r"needs version 5 with a saved_model.pb in .* Received: 1, 2, 3, 4. "):
        rollback(tmp_path, 5)


def test_a_rollback_that_cannot_be(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match=r"needs two versions .* Received: none. Choose a version that is"):
            rollback(folder)
    write(tmp_path / "3")
    with pytest.raises(FileNotFoundError, match=r"needs two versions .* Received: 3. .* or export again"):
        rollback(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"needs version 2 .* Received: 3. "):
        rollback(tmp_path, 2)
    for version in (0, True, "latest"):
        with pytest.raises(ValueError, match="`version` must be a positive integer"):
            rollback(tmp_path, version)
    with pytest.raises(ValueError, match="must be local"):
        rollback("gs://bucket/model")
    assert names(tmp_path) == ["3"]


def test_a_rollback_that_is_interrupted_leaves_nothing_behind(tmp_path, monkeypatch):
    for name in "12":
        write(tmp_path / name)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copy2", interrupted)
    monkeypatch.setattr(versions, "_flush", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rollback(tmp_path)
    assert names(tmp_path) == ["1", "2"]


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True)
        path.touch()


def test_models_whose_names_are_numbers(tmp_path):
    touch(tmp_path / "86" / "1" / "saved_model.pb", tmp_path / "sales" / "1" / "saved_model.pb")
    touch(
        tmp_path / "007" / "2" / "variables" / "x", tmp_path / ".draft" / "1" / "saved_model.pb"
    )  # half-copied, hidden
    (tmp_path / "3").mkdir()
    assert model_folders(tmp_path) == {name: tmp_path / name for name in ("007", "86", "sales")}
    assert model_folders(tmp_path / "86") == {"86": tmp_path / "86"}
    assert model_folders(tmp_path / "007") == {"007": tmp_path / "007"}
    assert model_folders(tmp_path / "none") == model_folders(tmp_path / "3") == {}


def test_versions_and_models_side_by_side(tmp_path):
    touch(tmp_path / "1" / "saved_model.pb", tmp_path / "sales" / "1" / "saved_model.pb")
    with pytest.raises(ValueError, match=r"not both. Received: .* with the versions 1 and the models sales"):
        model_folders(tmp_path)
