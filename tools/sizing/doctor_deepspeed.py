"""Read a DeepSpeed configuration: keys that 0.19 rejects or ignores, and settings that contradict.

The key lists are those of the pydantic models of DeepSpeed 0.19.8.
"""

from __future__ import annotations

import json
from typing import Any, cast

from tools.charts import Text
from tools.sizing.doctor_words import Reading

Config = dict[str, Any]

_REMOVED = frozenset(
    "amp sparse_gradients elasticity curriculum_learning compression_training nebula eigenvalue "
    "sparse_attention progressive_layer_drop graph_harvesting quantize_training".split()
)
_RENAMED = {
    "stage3_gather_fp16_weights_on_model_save": "stage3_gather_16bit_weights_on_model_save",
    "cpu_offload": "offload_optimizer",
    "cpu_offload_param": "offload_param",
    "cpu_offload_use_pin_memory": "offload_optimizer.pin_memory",
    "stage3_gather_fp16_weights": "stage3_gather_16bit_weights_on_model_save",
}
_ZERO = frozenset(
    "stage contiguous_gradients reduce_scatter reduce_bucket_size use_multi_rank_bucket_allreduce "
    "allgather_partitions allgather_bucket_size overlap_comm load_from_fp32_weights "
    "elastic_checkpoint offload_param offload_optimizer zenflow sub_group_size cpu_offload_param "
    "cpu_offload_use_pin_memory cpu_offload prefetch_bucket_size param_persistence_threshold "
    "model_persistence_threshold max_live_parameters max_reuse_distance "
    "gather_16bit_weights_on_model_save module_granularity_threshold "
    "use_all_reduce_for_fetch_params stage3_gather_fp16_weights_on_model_save "
    "ignore_unused_parameters legacy_stage1 round_robin_gradients zero_hpz_partition_size "
    "zero_quantized_weights zero_quantized_nontrainable_weights zero_quantized_gradients "
    "memory_efficient_linear pipeline_loading_checkpoint override_module_apply "
    "log_trace_cache_warnings enable_sanity_checks compute_grad_norm allgather_sequential "
    "leaf_module parameter_alignment save_muon_momentum_buffer_in_memory "
    "stage3_prefetch_bucket_size stage3_param_persistence_threshold "
    "stage3_model_persistence_threshold stage3_max_live_parameters stage3_max_reuse_distance "
    "stage3_gather_16bit_weights_on_model_save stage3_module_granularity_threshold "
    "stage3_use_all_reduce_for_fetch_params stage3_allgather_sequential".split()
)
_OFFLOAD = {
    "offload_optimizer": frozenset(
        "buffer_count cpuadam_cores_perc device fast_init nvme_path pin_memory pipeline_read "
        "pipeline_write ratio super_offload pipeline".split()
    ),
    "offload_param": frozenset(
        "buffer_count buffer_size device max_in_cpu nvme_path pin_memory".split()
    ),
}
_PRECISION = {
    "bf16": frozenset(
        "enabled immediate_grad_update check_grad_overflow bf16_master_weights_and_grads "
        "bf16_optimizer_states".split()
    ),
    "fp16": frozenset(
        "enabled auto_cast loss_scale initial_scale_power loss_scale_window hysteresis "
        "consecutive_hysteresis min_loss_scale fp16_master_weights_and_grads".split()
    ),
}
_TOP = frozenset(
    "train_batch_size train_micro_batch_size_per_gpu gradient_accumulation_steps optimizer "
    "scheduler fp16 bf16 zero_optimization gradient_clipping steps_per_print wall_clock_breakdown "
    "zero_allow_untested_optimizer zero_force_ds_cpu_optimizer communication_data_type "
    "prescale_gradients gradient_predivide_factor activation_checkpointing aio comms_logger "
    "tensorboard wandb csv_monitor flops_profiler autotuning data_types checkpoint dump_state "
    "disable_allgather memory_breakdown data_efficiency pipeline compile tensor_parallel "
    "sequence_parallel_size hybrid_engine torch_autocast comet "
    "seq_parallel_communication_data_type "
    "use_node_local_storage timers zero_init load_universal_checkpoint".split()
)
_DEFAULT_BUCKET = 500_000_000
_OLD_GPUS = ("v100", "t4", "t4g", "p3", "g4dn", "g5g")


def find_config(text: str) -> tuple[Config, str] | None:
    """Return the first JSON object of a text that holds settings, and the text around it."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            start = text.find("{", start + 1)
            continue
        if isinstance(value, dict) and value:
            return cast("Config", value), f"{text[:start]}\n{text[end:]}"
        start = text.find("{", end)
    return None


def is_deepspeed(config: Config) -> bool:
    """Whether a JSON object is a DeepSpeed configuration."""
    return bool(
        config.keys() & {"zero_optimization", "train_micro_batch_size_per_gpu", "train_batch_size"}
    )


def read_deepspeed(config: Config, around: str = "") -> Reading:
    """Return what is wrong with a configuration; `around` is what was said beside it."""
    found = Reading()
    zero = _section(config, "zero_optimization")
    _keys(found, config, zero)
    _batch(found, config)
    _precision(found, config, around)
    _stage(found, config, zero)
    _buckets(found, zero)
    _schedule(found, config)
    if not found.findings:
        found.find(
            (
                "DeepSpeed 0.19 が拒む設定は見つかりません",
                "Nothing here that DeepSpeed 0.19 rejects",
            ),
            (
                "キーの名前、バッチの式、精度、オフロードを確かめました",
                "keys, batch identity, precision and offload were checked",
            ),
        )
    return found


def _section(config: Config, name: str) -> Config:
    value = config.get(name)
    return cast("Config", value) if isinstance(value, dict) else {}


def _keys(found: Reading, config: Config, zero: Config) -> None:
    for key in sorted(config.keys() & _REMOVED):
        found.find(
            (f"`{key}` は廃止されています", f"`{key}` was removed"),
            ("enabled: false でもエラーになります", "an error even with enabled: false"),
        )
        found.change(
            (f"`{key}` を削除する", f"delete `{key}`"),
            ("起動時のエラーが消えます", "it stops the start"),
        )
    for key in sorted(zero.keys() & _RENAMED.keys()):
        found.find(
            (f"`{key}` は古い名前です", f"`{key}` is an old name"),
            (f"今の名前は `{_RENAMED[key]}` です", f"now `{_RENAMED[key]}`"),
        )
        found.change(
            (f"`{key}` を `{_RENAMED[key]}` に替える", f"rename `{key}` to `{_RENAMED[key]}`"),
            ("次の版で読まれなくなります", "later versions will not read it"),
        )
    unknown = [("zero_optimization", key) for key in zero.keys() - _ZERO - _RENAMED.keys()]
    for name, known in (*_OFFLOAD.items(), *_PRECISION.items()):
        section = _section(zero if name.startswith("offload") else config, name)
        unknown += [(name, key) for key in section.keys() - known]
    for section, key in sorted(unknown):
        found.find(
            (f"`{section}.{key}` という設定はありません", f"There is no `{section}.{key}`"),
            ("知らないキーは起動時にエラーになります", "unknown keys stop the start"),
        )
        found.change(
            (f"`{section}.{key}` を削除する", f"delete `{section}.{key}`"), ("同上", "same")
        )
    for key in sorted(config.keys() - _TOP - _REMOVED):
        found.find(
            (f"最上位の `{key}` は読まれません", f"The top-level `{key}` is not read"),
            (
                "綴りの間違いでも警告なしに無視されます",
                "a misspelling is ignored without a warning",
            ),
        )


def _batch(found: Reading, config: Config) -> None:
    names = ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps")
    total, micro, steps = (config.get(name) for name in names)
    numbers = [value for value in (total, micro, steps) if isinstance(value, int)]
    if len(numbers) != 3 or not isinstance(total, int):
        return
    product = int(numbers[1]) * int(numbers[2])
    found.figures |= {"train_batch_size": float(total), "micro_times_accumulation": float(product)}
    if product and total % product == 0:
        world = total // product
        found.figures["world_size"] = float(world)
        found.find(
            (
                f"バッチの式は {world} GPU のときだけ成り立ちます({total} = {numbers[1]} × "
                f"{numbers[2]} × {world})",
                f"The batch identity holds for {world} GPUs only ({total} = {numbers[1]} × "
                f"{numbers[2]} × {world})",
            ),
            ("GPU 数が違うと起動時に止まります", "with another number of GPUs the start fails"),
        )
        return
    found.find(
        (
            f"train_batch_size {total} が {numbers[1]} × {numbers[2]} の倍数ではありません",
            f"train_batch_size {total} is no multiple of {numbers[1]} × {numbers[2]}",
        ),
        (
            "train_batch_size = マイクロバッチ × 勾配累積 × GPU 数 でなければ起動しません",
            "it must be micro-batch × accumulation × GPUs",
        ),
    )
    found.change(
        ("train_batch_size を削除する", "delete train_batch_size"),
        ("残りの 2 つから計算されます", "it is computed from the other two"),
    )


def _precision(found: Reading, config: Config, around: str) -> None:
    enabled = {name: _section(config, name).get("enabled") for name in ("bf16", "fp16")}
    if enabled["bf16"] is True and enabled["fp16"] is True:
        found.find(
            ("bf16 と fp16 が両方有効です", "bf16 and fp16 are both enabled"),
            ("どちらか一方しか使えません", "only one of them can be"),
        )
        found.change(
            ("fp16 を無効にする", "disable fp16"),
            ("Ampere 以降なら bf16 を残します", "keep bf16 from Ampere on"),
        )
    words = around.lower()
    if enabled["bf16"] and any(gpu in words for gpu in _OLD_GPUS):
        found.find(
            ("V100・T4 で bf16 が有効です", "bf16 is enabled on a V100 or T4"),
            (
                "bf16 は Compute Capability 8.0 以降です。エミュレーションで動き、遅くなります",
                "bf16 needs compute capability 8.0; it is emulated and slow",
            ),
        )
        found.change(
            ("bf16 をやめて fp16.enabled を true にする", "enable fp16 instead of bf16"),
            (
                "この世代の Tensor コアは fp16 だけです",
                "the tensor cores of this generation do fp16 only",
            ),
        )
    if "auto" in enabled.values():
        found.find(
            ('精度が "auto" です', 'The precision is "auto"'),
            (
                "Hugging Face Trainer / accelerate の外では無視され、fp32 で動きます",
                "outside HF Trainer and accelerate it is dropped and the run is fp32",
            ),
        )


def _stage(found: Reading, config: Config, zero: Config) -> None:
    stage = zero.get("stage", 0 if zero else None)
    if stage is None:
        found.dominating = Text(ja="ZeRO なし: 状態を分けません", en="no ZeRO: nothing is split")
        return
    found.figures["zero_stage"] = float(stage) if isinstance(stage, int) else 0.0
    if "offload_param" in zero and stage != 3:
        found.find(
            (
                f"offload_param は ZeRO-{stage} では効きません",
                f"offload_param has no effect with ZeRO-{stage}",
            ),
            ("警告なしに無視されます", "it is ignored without a warning"),
        )
        found.change(
            (
                '"stage": 3 にするか、offload_param を削除する',
                'set "stage": 3, or delete offload_param',
            ),
            (
                "パラメータをホストに置けるのは ZeRO-3 だけです",
                "only ZeRO-3 keeps parameters on the host",
            ),
        )
    for name in ("offload_optimizer", "offload_param"):
        section = _section(zero, name)
        if section.get("device") == "nvme" and not section.get("nvme_path"):
            found.find(
                (f"{name} の nvme_path がありません", f"{name} lacks nvme_path"),
                ("NVMe へのオフロードには置き場所が要ります", "offload to NVMe needs a place"),
            )
    found.dominating = _STATES.get(stage if isinstance(stage, int) else 0)
    nothing = not _section(zero, "offload_optimizer")
    if isinstance(stage, int) and stage < 3:
        found.change(
            (f'"stage": {stage + 1} にする', f'set "stage": {stage + 1}'),
            (_STATES[stage + 1].ja, _STATES[stage + 1].en),
        )
    elif nothing:
        found.change(
            (
                '"offload_optimizer": {"device": "cpu"} を加える',
                'add "offload_optimizer": {"device": "cpu"}',
            ),
            ("オプティマイザの状態がホストに移ります", "the optimizer states move to the host"),
        )


_STATES = {
    0: Text(
        ja="1 パラメータ 16 バイトを全 GPU が持ちます(ZeRO-0)",
        en="every GPU holds 16 bytes a parameter (ZeRO-0)",
    ),
    1: Text(
        ja="1 パラメータ 4 + 12/N バイト(ZeRO-1、N は GPU 数)",
        en="4 + 12/N bytes a parameter (ZeRO-1 on N GPUs)",
    ),
    2: Text(
        ja="1 パラメータ 2 + 14/N バイト(ZeRO-2、N は GPU 数)",
        en="2 + 14/N bytes a parameter (ZeRO-2 on N GPUs)",
    ),
    3: Text(
        ja="1 パラメータ 16/N バイト(ZeRO-3、N は GPU 数)",
        en="16/N bytes a parameter (ZeRO-3 on N GPUs)",
    ),
}


def _buckets(found: Reading, zero: Config) -> None:
    for key, value in zero.items():
        if isinstance(value, float) and not value.is_integer() and "bucket" in key:
            found.find(
                (f"`{key}` が整数ではありません({value})", f"`{key}` is no integer ({value})"),
                ("検証で止まります", "validation stops the start"),
            )
            found.change(
                (f"`{key}` を {round(value)} にする", f"set `{key}` to {round(value)}"),
                ("整数だけ使えます", "integers only"),
            )
    size = zero.get("reduce_bucket_size")
    if isinstance(size, int | float) and size >= _DEFAULT_BUCKET:
        found.figures["bucket_gb"] = float(size) * 2 / 1e9
        found.find(
            (
                f"reduce_bucket_size {int(size):,} は 1 つで {size * 2 / 1e9:.1f} GB "
                f"のバッファです",
                f"reduce_bucket_size {int(size):,} is a buffer of {size * 2 / 1e9:.1f} GB",
            ),
            ("overlap_comm と合わせると 2 つ持ちます", "two of them with overlap_comm"),
        )
        found.change(
            (
                "reduce_bucket_size と allgather_bucket_size を 5e7 に下げる",
                "lower reduce_bucket_size and allgather_bucket_size to 5e7",
            ),
            ("バッファが 10 分の 1 になります", "a tenth of the buffer"),
        )


def _schedule(found: Reading, config: Config) -> None:
    params = _section(_section(config, "scheduler"), "params")
    if params.get("warmup_num_steps") == 0:
        found.find(
            ("warmup_num_steps が 0 です", "warmup_num_steps is 0"),
            ("0.19.6 以降は拒まれます", "rejected since 0.19.6"),
        )
        found.change(
            ("warmup_num_steps を 1 以上にする", "set warmup_num_steps to 1 or more"),
            ("0 は使えません", "0 is not allowed"),
        )
