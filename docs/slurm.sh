#!/bin/bash
# Train on several nodes under Slurm, one process a GPU, and go on by itself after an interruption:
#
#     sbatch docs/slurm.sh --dataset cifar10 --data-dir DIR --preset paper
#
# The run folder is named after the job, so a job that is put back into the queue (--requeue, or
# `scontrol requeue`) finds its checkpoint: keep it on a disk that all nodes see.
#SBATCH --job-name=gbm
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# Two minutes before the end of the time: SIGTERM to the steps of the job, which torchrun hands on;
# the training writes a checkpoint after the current step and ends.
#SBATCH --signal=TERM@120
set -euo pipefail

first_node=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
out=${GBM_RUNS:-runs}
mkdir -p "$out"
# A new store of addresses at each attempt: in the old one are those of processes that have died.
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1

srun torchrun \
    --nnodes "$SLURM_NNODES" \
    --nproc-per-node "${SLURM_GPUS_ON_NODE:-1}" \
    --rdzv-id "$SLURM_JOB_ID" \
    --rdzv-backend c10d \
    --rdzv-endpoint "$first_node:29500" \
    --max-restarts 3 \
    -m gbm_fast.train "$@" --run-dir "$out/slurm-$SLURM_JOB_ID" --resume auto
