# The service and the released bundles: no compiler, no test, nothing of the training job.
# the version in paths; images are named in full, for updates by digest
ARG PYTHON=3.13
FROM python:3.13-slim-bookworm AS build
ARG PYTHON
# tracing for an image with OpenTelemetry, as in docs/how-to/tracing.md; it is 11 MB larger. grpc for one
# with gRPC, as in docs/how-to/grpc.md; 22 MB
ARG REQUIREMENTS=service
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/${REQUIREMENTS}.txt requirements.txt
RUN python -m pip install --quiet --require-hashes --only-binary=:all: --no-compile \
        --target=packages -r requirements.txt \
 # files that only the authors of these packages use
 && find packages -type d -name tests -prune -exec rm -r {} + \
 && find packages -type f -regextype posix-egrep -regex '.*\.(pyi|pyx|pxd|pxi|c|h|a)' -delete \
 && rm -r packages/bin packages/fastapi_offline/static/redoc.standalone.js packages/numpy/f2py packages/onnxruntime/quantization \
        packages/onnxruntime/tools packages/onnxruntime/transformers \
 # packages that only these import: flatbuffers, and protobuf, which traces and gRPC need
        packages/flatbuffers \
 && if [ "${REQUIREMENTS}" = service ]; then rm -r packages/google; fi
COPY requirements/compiler.txt .
RUN python -m pip install --quiet --require-hashes --only-binary=:all: --no-compile -r compiler.txt
COPY service service
RUN python service/model/compile_encoder.py
# compiled here, because a read-only root cannot keep byte code that is compiled at startup
RUN python -m compileall -q --invalidation-mode unchecked-hash \
        -s packages -p "/usr/local/lib/python${PYTHON}/site-packages" packages \
 && python -m compileall -q --invalidation-mode unchecked-hash -p /app service

FROM python:3.13-slim-bookworm
ARG PYTHON
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="newswire-topics" \
      org.opencontainers.image.description="Which topics is this news text about?" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# modules come from /app and from what is installed, never from the working folder
ENV PYTHONSAFEPATH=1 PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ORT_DISABLE_TELEMETRY=1 NEWSWIRE_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /build/packages /usr/local/lib/python${PYTHON}/site-packages
COPY --from=build /build/service service
# a volume at the same place replaces the released bundles
COPY models/reuters models/reuters
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-m", "service.healthcheck"]
CMD ["python", "-m", "service"]
