import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from rig.node.process import Process, Work
from rig.processes import Identity
from unit.rig.conftest import until

NODE = """
import asyncio, sys
from pathlib import Path
from rig.node.process import Process, Work
async def main():
    process = await Process.start(["/bin/sleep", "60"], Work(Path(sys.argv[1]), {}))
    print(process.pid, flush=True)
    await process.wait()
asyncio.run(main())
"""


def a_work(directory: Path) -> Work:
    return Work(directory / "made" / "for it", {"PATH": "/usr/bin:/bin", "ONLY": "this"})


async def run(script: str, work: Work) -> Process:
    return await Process.start(["sh", "-c", script], work)


async def said(work: Work, text: str) -> None:
    """Wait until the process has written this: from then on it does what it was made for."""
    log = work.directory / work.log
    async with asyncio.timeout(10):
        while text not in log.read_text():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9)])
async def test_it_ends_with_its_code(tmp_path: Path, script: str, code: int) -> None:
    assert await (await run(script, a_work(tmp_path))).wait() == code


async def test_it_sees_what_it_was_given_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_NODE", "secret")
    work = a_work(tmp_path)
    await (await Process.start(["env"], work)).wait()
    assert (work.directory / "log").read_text() == "PATH=/usr/bin:/bin\nONLY=this\n"


async def test_its_output_is_added_to_the_log_of_its_directory(tmp_path: Path) -> None:
    work = a_work(tmp_path)
    for number in (1, 2):
        await (await run(f"echo out {number}; echo err {number} >&2; pwd", work)).wait()
    lines = [f"out 1\nerr 1\n{work.directory}\n", f"out 2\nerr 2\n{work.directory}\n"]
    assert (work.directory / "log").read_text() == "".join(lines)


async def test_a_command_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await Process.start(["no-such-command"], a_work(tmp_path))


async def test_one_that_obeys_ends_before_its_grace(tmp_path: Path) -> None:
    work = a_work(tmp_path)
    process = await run("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done", work)
    await said(work, "ready")
    process.end(grace_seconds=60)
    assert await asyncio.wait_for(process.wait(), 5) == 7


async def test_one_that_ignores_the_question_is_killed_after_its_grace(tmp_path: Path) -> None:
    work = a_work(tmp_path)
    process = await run("trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done", work)
    await said(work, "ready")
    begun = asyncio.get_running_loop().time()
    process.end(grace_seconds=0.5)
    assert await process.wait() == -9
    assert asyncio.get_running_loop().time() - begun >= 0.5
    assert (work.directory / "log").read_text().count("asked") == 1


async def test_the_grace_can_be_shortened_and_the_question_comes_once(tmp_path: Path) -> None:
    work = a_work(tmp_path)
    process = await run("trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done", work)
    await said(work, "ready")
    process.end(grace_seconds=60)
    await said(work, "asked")
    process.end(grace_seconds=0.2)
    assert await asyncio.wait_for(process.wait(), 5) == -9
    assert (work.directory / "log").read_text().count("asked") == 1


async def test_one_that_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    work = a_work(tmp_path)
    process = await run("echo ready; sleep 60", work)
    await said(work, "ready")
    seen = Identity.of(process.pid)
    assert seen is not None
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.wait(), 0.1)
    assert not seen.runs


async def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    work = a_work(tmp_path)
    process = await run("sleep 60 & echo $!", work)
    await said(work, "\n")
    other = Identity.of(int((work.directory / "log").read_text()))
    await process.wait()
    assert other is None or await asyncio.to_thread(other.ended_within, 5)


def test_it_ends_with_the_node_however_that_ends(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", NODE, str(tmp_path)], stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        process = Identity.of(int(node.stdout.readline()))
        assert process is not None
        node.kill()
    until(lambda: not process.runs, 5)
