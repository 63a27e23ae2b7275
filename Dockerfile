# syntax=docker/dockerfile:1
# Readiness: one image for the service, the worker, training and deployment. Nothing is fetched when it runs.

FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/readiness
COPY requirements/runtime.txt requirements/runtime.txt
COPY requirements/postgres.txt requirements/postgres.txt
RUN /opt/readiness/bin/pip install --require-hashes -r requirements/runtime.txt \
    && /opt/readiness/bin/pip install --require-hashes --no-deps -r requirements/postgres.txt
COPY pyproject.toml README.md LICENSE ./
COPY data data
COPY features features
COPY models models
COPY training training
COPY serving serving
RUN /opt/readiness/bin/pip install --no-deps --no-build-isolation . \
    && /opt/readiness/bin/python -m compileall -q /opt/readiness/lib

FROM python:3.12-slim-bookworm
# LightGBM needs OpenMP.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 readiness \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/readiness --create-home --shell /usr/sbin/nologin readiness
COPY --from=build /opt/readiness /opt/readiness
ENV PATH=/opt/readiness/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    NUMBA_CACHE_DIR=/var/cache/readiness
# The compiled engine for this image's instruction set, so that the first lead does not wait.
# Volumes take their owner from these folders.
RUN mkdir -p /var/cache/readiness /var/lib/mlflow /var/lib/readiness/.readiness \
    && python -m features.warm \
    && chown -R readiness:readiness /var/cache/readiness /var/lib/mlflow /var/lib/readiness
USER 10001:10001
WORKDIR /var/lib/readiness
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["readiness"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
