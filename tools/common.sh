# What the dist_*.sh and slurm_*.sh scripts share; to be sourced.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PYTHONPATH="$CHECKOUT${PYTHONPATH:+:$PYTHONPATH}"

if [ -z "${PYTHON:-}" ]; then
    PYTHON=python
    if [ -x "$CHECKOUT/.venv/bin/python" ]; then
        PYTHON="$CHECKOUT/.venv/bin/python"
    fi
fi

# launch PROCESSES SCRIPT ARGUMENTS...: the script once per process, on this machine as one of NNODES.
launch() {
    local processes=$1 cores
    shift
    case $processes in
        '' | *[!0-9]* | 0)
            echo "the number of processes must be a positive integer, but got '$processes'" >&2
            return 2
            ;;
    esac
    NNODES=${NNODES:-1}
    NODE_RANK=${NODE_RANK:-0}
    MASTER_ADDR=${MASTER_ADDR:-127.0.0.1}
    if [ -z "${PORT:-}" ]; then
        if [ "$NNODES" -gt 1 ]; then
            # All machines have to name the same one.
            PORT=29500
        else
            PORT=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
        fi
    fi
    if [ -z "${OMP_NUM_THREADS:-}" ]; then
        cores=$(nproc)
        OMP_NUM_THREADS=$((cores > processes ? cores / processes : 1))
        export OMP_NUM_THREADS
        echo "$processes processes on $cores cores: OMP_NUM_THREADS=$OMP_NUM_THREADS each"
    fi
    exec "$PYTHON" "$CHECKOUT/tools/torchrun.py" --nnodes "$NNODES" --node_rank "$NODE_RANK" \
        --master_addr "$MASTER_ADDR" --master_port "$PORT" --nproc_per_node "$processes" "$@" --launcher pytorch
}

# slurm PARTITION JOB_NAME SCRIPT ARGUMENTS...: the script once per GPU, as a job.
slurm() {
    local partition=$1 job=$2 gpus=${GPUS:-8} per_node
    shift 2
    per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
    # SRUN_ARGS is a list of options.
    # shellcheck disable=SC2086
    exec srun --partition "$partition" --job-name "$job" --gres "gpu:$per_node" --ntasks "$gpus" \
        --ntasks-per-node "$per_node" --cpus-per-task "${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
        "$PYTHON" -u "$@" --launcher slurm
}
