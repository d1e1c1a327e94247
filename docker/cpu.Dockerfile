# docker build -f docker/cpu.Dockerfile -t videogen:cpu .
# docker run --rm -v "$PWD/runs:/videogen/runs" videogen:cpu make demo
#
# The default package index serves torch with CUDA inside. To save gigabytes, point pip at an index with CPU builds:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=<that index> ...
FROM python:3.11-slim

ARG PIP_EXTRA_INDEX_URL=""
# libegl1 and libgl1-mesa-dri: OpenGL in software, with which VTK draws the embedded chairs.
RUN apt-get update && apt-get install -y --no-install-recommends make g++ libegl1 libgl1-mesa-dri && rm -rf /var/lib/apt/lists/*

WORKDIR /videogen
COPY . .
RUN make .venv/installed
ENV PATH=/videogen/.venv/bin:$PATH ACCELERATE_USE_CPU=true
CMD ["make", "demo"]
