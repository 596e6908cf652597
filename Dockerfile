# The operator's image: the packages of requirements-runtime.lock, each by its hash, and the package itself. Pods run
# `pennant fetch` from it.
# The Python is the one that the tests run on.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONPATH=/app

COPY requirements-runtime.lock /app/
RUN pip install --no-cache-dir --require-hashes --requirement /app/requirements-runtime.lock \
        --constraint /app/requirements-runtime.lock
COPY operator/pennant /app/pennant
# When it runs, nothing can be written.
RUN python -m compileall -q /app/pennant

# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
ENTRYPOINT ["python", "-m", "pennant"]
CMD ["run"]
