"""What counts as a leak."""

from dataclasses import replace

import pytest

from benchmarks.leaks import Held, Snapshot, leaks

JAVA, FRONT, WORKER = 10, 11, 12
BEFORE = Snapshot(
    {
        JAVA: Held("java", 100, 90.0),
        FRONT: Held("python", 30, 40.0),
        WORKER: Held("python", 12, 60.0),
    },
    frozenset({"mms-1/mms.sock", "mms-1/.mms.sock.9000"}),
)


def changed(**held: Held) -> Snapshot:
    """BEFORE with other processes; their keys are their numbers after a letter."""
    numbered = {int(key[1:]): value for key, value in held.items()}
    return replace(BEFORE, processes=BEFORE.processes | numbered)


def test_the_same_is_no_leak() -> None:
    """Nor is what comes and goes a little, or a file of another name."""
    assert leaks(BEFORE, BEFORE) == []
    assert leaks(BEFORE, changed(p11=Held("python", 34, 55.0), p10=Held("java", 92, 190.0))) == []
    renamed = frozenset({"mms-1/mms.sock", "mms-1/.mms.sock.9001"})
    assert leaks(BEFORE, replace(BEFORE, files=renamed)) == []


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        (
            changed(p13=Held("python", 3, 1.0)),
            "there are processes that were not there before: 1 x python.",
        ),
        (
            replace(BEFORE, processes={JAVA: BEFORE.processes[JAVA]}),
            "processes are gone that should have stayed: 2 x python.",
        ),
        (
            changed(p11=Held("python", 70, 40.0)),
            "python (11) has 70 open descriptors instead of 30; 10 more are allowed.",
        ),
        (
            changed(p11=Held("python", 30, 65.0)),
            "python (11) has 65 MB written of its own instead of 40; 24 more are allowed.",
        ),
        (
            changed(p10=Held("java", 100, 251.0)),
            "java (10) has 251 MB written of its own instead of 90; 160 more are allowed.",
        ),
        (
            replace(BEFORE, files=BEFORE.files | {"mms-1/.mms.sock.9001"}),
            "TMPDIR has 3 files and sockets instead of 2, such as mms-1/.mms.sock.9001.",
        ),
    ],
)
def test_more_is_a_leak(after: Snapshot, sentence: str) -> None:
    """Of processes, descriptors, memory, files; and a process that died is no good end either."""
    assert leaks(BEFORE, after) == [sentence]


def test_memory_may_be_left_out() -> None:
    """Not the rest."""
    after = changed(p11=Held("python", 70, 400.0))
    [sentence] = leaks(BEFORE, after, with_memory=False)
    assert "descriptors" in sentence
