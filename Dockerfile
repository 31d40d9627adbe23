# The zoo's command line. pip's default PyTorch brings CUDA libraries (docs/guide/install.md has sizes and the CPU build):
#   docker build -t human-mesh-zoo .
#   docker run --rm -v "$PWD":/work human-mesh-zoo predict photo.jpg --out out
FROM python:3.12-slim AS build
COPY . /src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /src

FROM python:3.12-slim
LABEL org.opencontainers.image.title="human-mesh-zoo" org.opencontainers.image.licenses="Apache-2.0"
# options of pip for another build of PyTorch, such as its CPU build
ARG TORCH_OPTIONS=""
# of pyproject.toml
ARG EXTRAS="video"
ARG PIP_ROOT_USER_ACTION=ignore
# hadolint ignore=DL3013,SC2086
RUN pip install --no-cache-dir torch torchvision $TORCH_OPTIONS
# hadolint ignore=DL3013
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir "human-mesh-zoo[$EXTRAS] @ file://$(echo /wheels/*.whl)"
RUN useradd --create-home --uid 1000 zoo && mkdir /work && chown zoo:zoo /work
USER 1000
WORKDIR /work
ENTRYPOINT ["zoo"]
CMD ["--help"]
