"""DVC with GTO: artefacts of `dvc.yaml` at the commits that tags of GTO register. Needs neither of the two."""
