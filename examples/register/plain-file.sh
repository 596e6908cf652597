#!/bin/sh
# Registers a file that any program made, with its metrics and parameters in files. Run it in a git checkout.
set -eu

echo "${1:-weights}" > model.bin
echo '{"validation": {"auc": 0.91}, "test": {"auc": 0.90}}' > metrics.json
echo 'learning_rate: 0.1' > params.yaml
printf '12.5,0\n99.9,1\n' > transactions.csv

pennant register fraud \
  --artifact model.bin --uri 's3://models/{model}/{version}/model.bin' \
  --metrics metrics.json --maximize auc --params params.yaml --env requirements.lock \
  --dataset transactions=transactions.csv --uri 'transactions=s3://data/{sha256}.csv' \
  --reason "First training" --write manifests
