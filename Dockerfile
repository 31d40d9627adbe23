# human-mesh-zoo for the command line. With pip's default PyTorch, which brings CUDA libraries:
#   docker build -t human-mesh-zoo .
# PyTorch's CPU build is several gigabytes smaller; pytorch.org names the options that pip needs for it:
#   docker build -t human-mesh-zoo --build-arg TORCH_OPTIONS="..." .
#   docker run --rm -v "$PWD":/work human-mesh-zoo predict photo.jpg --out out
FROM python:3.12-slim
ARG TORCH_OPTIONS=""
RUN pip install --no-cache-dir torch torchvision $TORCH_OPTIONS
COPY . /src
RUN pip install --no-cache-dir /src && rm -rf /src
RUN useradd --create-home zoo && mkdir /work && chown zoo /work
USER zoo
WORKDIR /work
ENTRYPOINT ["zoo"]
CMD ["--help"]
