"""What is generated in the Helm chart: the Grafana dashboards and the README.

`python -m pennant_chart --write` writes the files, `--check` fails if one is stale.
"""
