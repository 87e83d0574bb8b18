# The training job: trains, evaluates, and releases into the mounted folder models/.
#   docker compose run --rm training train --seed 1
FROM python:3.13-slim-bookworm
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements/training.txt requirements.txt
RUN python -m pip install --quiet --require-hashes --only-binary=:all: -r requirements.txt
COPY service/__init__.py service/console.py service/labels.py service/process.py service/rows.py service/
# the encoder in C is not compiled: the job encodes each text once
COPY service/model service/model
COPY training training
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="newswire-topics-training" \
      org.opencontainers.image.description="Trains the classifier of newswire-topics" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# any user may write downloads to /cache; everything else is written to models/
RUN mkdir -m 1777 /cache
# modules come from /app and from what is installed, never from the working folder
ENV PYTHONSAFEPATH=1 PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ORT_DISABLE_TELEMETRY=1 \
    HOME=/cache MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "training"]
CMD ["train"]
