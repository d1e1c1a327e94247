# docker build -f docker/cuda.Dockerfile -t videogen:cuda .
# docker run --rm --gpus all --ipc host -v "$PWD/runs:/videogen/runs" videogen:cuda \
#   accelerate launch --config_file configs/accelerate/one_gpu.yaml tools/train.py experiment=actors/video_vae
#
# torch's wheel brings the CUDA libraries; the host brings the driver. g++ is for torch.compile.
FROM python:3.11-slim

# libegl1 and libgl1-mesa-dri: OpenGL in software, with which VTK draws the embedded chairs.
RUN apt-get update && apt-get install -y --no-install-recommends make g++ libegl1 libgl1-mesa-dri && rm -rf /var/lib/apt/lists/*

WORKDIR /videogen
COPY . .
RUN make .venv/installed
ENV PATH=/videogen/.venv/bin:$PATH
CMD ["accelerate", "launch", "--config_file", "configs/accelerate/one_gpu.yaml", "tools/train.py"]
