import io
from dataclasses import dataclass, field

from rig.progress import Progress, spell


@dataclass
class Clock:
    now: float = 0

    def __call__(self) -> float:
        return self.now


@dataclass
class Terminal(io.StringIO):
    said: list[str] = field(default_factory=list)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.said.append(text)
        return len(text)


def test_it_says_which_program_how_many_how_long_and_what_is_left() -> None:
    clock = Clock()
    progress = Progress(3, 1000, io.StringIO(), clock)
    progress.begin("kube-apiserver")
    progress.compiled(250)
    clock.now = 65
    assert progress.line() == ("building kube-apiserver (1 of 3), 1m05s so far, 250 of 1000 packages, about 3m15s left")


def test_it_does_not_guess_before_it_has_seen_enough() -> None:
    clock = Clock()
    progress = Progress(1, 1000, io.StringIO(), clock)
    progress.begin("etcd")
    progress.compiled(49)
    clock.now = 60
    assert "left" not in progress.line()
    progress.compiled(1)
    assert "left" in progress.line()


def test_what_is_linked_only_has_no_packages_left_to_count() -> None:
    progress = Progress(1, 0, io.StringIO(), Clock())
    progress.begin("etcd")
    assert progress.line() == "building etcd (1 of 1), 0s so far"


def test_a_log_gets_a_line_per_program_and_a_heartbeat() -> None:
    clock, log = Clock(), io.StringIO()
    progress = Progress(1, 10, log, clock)
    progress.begin("etcd")
    for clock.now in range(1, 62):
        progress.tick()
    progress.finish()
    assert [line.partition(",")[0] for line in log.getvalue().splitlines()] == [
        "building etcd (1 of 1)",
        "building etcd (1 of 1)",
        "building etcd (1 of 1)",
        "built 1 programs in 1m01s",
    ]


def test_a_terminal_gets_one_line_that_changes() -> None:
    clock, terminal = Clock(), Terminal()
    progress = Progress(1, 10, terminal, clock)
    progress.begin("etcd")
    clock.now = 1
    progress.tick()
    progress.finish()
    assert all(text.startswith("\r\033[K") for text in terminal.said)
    assert [text.endswith("\n") for text in terminal.said] == [False, False, True]


def test_durations_read_well() -> None:
    assert [spell(each) for each in (0.4, 59.4, 60, 605)] == ["0s", "59s", "1m00s", "10m05s"]
