"""Fails unless an operator is ready and has metrics. The argument is the URL of its Service."""

import sys
import time
import urllib.request

SECONDS = 60


def get(url):
    """Return the text of a page; an operator that was just installed gets a minute."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError as error:
            print(f"{url}: {error}", flush=True)
            if time.monotonic() > deadline:
                sys.exit(1)
            time.sleep(2)


get(f"{sys.argv[1]}/readyz")
metrics = get(f"{sys.argv[1]}/metrics")
if "pennant_build_info{" not in metrics:
    sys.exit(f"{sys.argv[1]}/metrics has no metrics of Pennant")
print("the operator is ready, and has metrics")
