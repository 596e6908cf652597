"""A model that an init container fetches, beside a native sidecar."""

from cluster.scenario import Manifest, Scenario

MOUNT = {"name": "models", "mountPath": "/models"}
FETCH = 'echo "fetches $MODEL_URI"; test ! -e {directory}/$MODEL_VERSION.gone || exit 4; echo "$MODEL_URI" > models/uri'


def a_fetched_model(scenario: Scenario) -> Manifest:
    """Return a ModelDeployment whose server starts only with the model that its init container has fetched."""
    manifest = scenario.a_deployment(rollout={"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 3})
    pod = manifest["spec"]["template"]["spec"]
    (server,) = pod["containers"]
    read = f'cat models/uri > {scenario.directory}/$MODEL_VERSION.read && exec "$@"'
    server |= {"command": ["sh", "-c", read, "sh", *server["command"]], "volumeMounts": [MOUNT]}
    fetch = {"name": "fetch", "image": "fetch:1", "command": ["sh", "-c", FETCH.format(directory=scenario.directory)]}
    proxy = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always", "command": ["sleep", "3600"]}
    pod["initContainers"] = [
        proxy | {"startupProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1}},
        fetch | {"volumeMounts": [MOUNT]},
    ]
    pod["volumes"] = [{"name": "models", "emptyDir": {}}]
    return manifest


def test_a_model_is_fetched_by_an_init_container_and_a_failed_fetch_is_named(scenario: Scenario) -> None:
    """Rule: R18.

    Rule: R20.
    """
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    scenario.apply(a_fetched_model(scenario))
    scenario.until_verified("1.0.0")
    assert (scenario.directory / "1.0.0.read").read_text() == "file:///models/fraud/1.0.0\n"
    (pod,) = scenario.all_of("pod")
    states = {each["name"]: each["state"] for each in pod["status"]["initContainerStatuses"]}
    assert states["fetch"]["terminated"]["reason"] == "Completed"
    assert "running" in states["proxy"]

    (scenario.directory / "1.1.0.gone").touch()
    scenario.version("1.1.0")
    scenario.move_tag("1.0.0", "1.1.0")
    scenario.until_rolled_back_to("1.0.0")
    failed, (entry,) = scenario.history[-2], scenario.status["quarantine"]
    assert (failed["version"], failed["outcome"]) == ("1.1.0", "Failed")
    assert (entry["version"], entry["reason"]) == ("1.1.0", "ProgressDeadlineExceeded")
    assert "init container fetch of pod fraud-" in entry["message"]
    assert "terminated with exit code 4" in entry["message"]
    assert "init container fetch" in scenario.message("RolledBack")
    assert not (scenario.directory / "1.1.0.read").exists()
