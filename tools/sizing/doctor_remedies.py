"""What helps against each cause of running out of memory, smallest change first."""

from __future__ import annotations

from tools.sizing.doctor_words import Cause

NAMES: dict[Cause, tuple[str, str]] = {
    "weights": ("モデルの重みの読み込み", "loading the model weights"),
    "optimizer": ("オプティマイザの状態", "the optimizer states"),
    "gradients": ("逆伝播(勾配と保存した中間値)", "the backward pass (gradients and activations)"),
    "activations": ("中間値(アクティベーション)", "the activations"),
    "attention": (
        "注意機構の中間行列(系列長の 2 乗)",
        "the attention matrix (square of the length)",
    ),
    "logits": (
        "ロジットと損失(語彙サイズ × トークン数)",
        "the logits and the loss (vocabulary × tokens)",
    ),
    "kv_cache": ("KV キャッシュ", "the KV cache"),
    "live_parameters": ("ZeRO-3 が集めるパラメータ", "the parameters that ZeRO-3 gathers"),
    "fragmentation": ("断片化(確保済みで未使用の領域)", "fragmentation (reserved, not in use)"),
    "other_process": ("同じ GPU を使う別のプロセス", "another process on the same GPU"),
    "host": ("ホスト(CPU)のメモリ", "the memory of the host (CPU)"),
}

Row = tuple[tuple[str, str], tuple[str, str]]
_SHORTER: Row = (
    ("系列長(max_length)を半分にする", "halve the sequence length (max_length)"),
    ("中間値とロジットは系列長に比例して減ります", "activations and logits shrink with the length"),
)
_MICRO: Row = (
    (
        "per_device_train_batch_size を半分にし、gradient_accumulation_steps を 2 倍にする",
        "halve per_device_train_batch_size and double gradient_accumulation_steps",
    ),
    (
        "1 ステップの学習量は変わらず、中間値とロジットが半分になります",
        "the step stays the same; activations and logits halve",
    ),
)
_CHECKPOINT: Row = (
    (
        "勾配チェックポイント(activation_checkpointing=True)を使う",
        "set activation_checkpointing=True",
    ),
    (
        "各層の中間値を捨てて再計算します。時間は 2〜3 割増えます",
        "blocks are recomputed instead of kept; 20-30 % more time",
    ),
)
_FUSED: Row = (
    (
        "損失を融合カーネルにする(use_liger_kernel=True、または TRL の SFTTrainer)",
        "use a fused loss (use_liger_kernel=True, or TRL's SFTTrainer)",
    ),
    (
        "fp32 のロジットを丸ごと持たずに済み、この項がほぼなくなります",
        "the fp32 logits are never held whole, so this term nearly vanishes",
    ),
)
_FLASH: Row = (
    (
        'attn_implementation="sdpa"(Ampere 以降は "flash_attention_2")にする',
        'set attn_implementation="sdpa" ("flash_attention_2" from Ampere on)',
    ),
    ("系列長の 2 乗の行列を作らなくなります", "the matrix of length squared is never built"),
)
_STATES: tuple[Row, ...] = (
    (
        ('optim="adamw_8bit" にする', 'set optim="adamw_8bit"'),
        (
            "Adam の状態が 1 パラメータ 8(または 4)バイトから 2 バイトになります",
            "Adam's states take 2 bytes a parameter instead of 8 (or 4)",
        ),
    ),
    (
        ("LoRA または QLoRA にする", "tune with LoRA or QLoRA"),
        (
            "勾配とオプティマイザの状態がアダプタの分だけになります",
            "gradients and optimizer states are kept for the adapters only",
        ),
    ),
    (
        (
            "複数 GPU なら ZeRO-2 / ZeRO-3、1 枚なら optimizer の CPU オフロードを使う",
            "use ZeRO-2 or ZeRO-3 on several GPUs, CPU offload of the optimizer on one",
        ),
        (
            "状態を GPU 間で分けるか、ホストに置きます",
            "states are split over GPUs or kept on the host",
        ),
    ),
)
REMEDIES: dict[Cause, tuple[Row, ...]] = {
    "weights": (
        (
            ("16 ビットで読み込む(dtype=torch.bfloat16)", "load in 16 bits (dtype=torch.bfloat16)"),
            ("fp32 の半分で済みます", "half of fp32"),
        ),
        (
            ("4 ビット量子化(BitsAndBytesConfig)で読み込む", "load in 4 bits (BitsAndBytesConfig)"),
            ("線形層の重みが約 4 分の 1 になります", "linear weights take about a quarter"),
        ),
        (
            (
                "device_map か ZeRO-3 / テンソル並列で複数 GPU に分ける",
                "split over GPUs: device_map, ZeRO-3 or tensor parallel",
            ),
            ("1 枚に重みが収まらない場合です", "for weights that do not fit one GPU"),
        ),
    ),
    "optimizer": _STATES,
    "gradients": (_MICRO, _CHECKPOINT, _SHORTER, *_STATES[1:]),
    "activations": (_MICRO, _CHECKPOINT, _SHORTER),
    "attention": (_FLASH, _MICRO, _SHORTER),
    "logits": (_FUSED, _MICRO, _SHORTER),
    "kv_cache": (
        (
            ("max_model_len(文脈長)を下げる", "lower max_model_len (the context)"),
            (
                "KV キャッシュは 文脈長 × 同時実行数 に比例します",
                "the KV cache grows with context × concurrent requests",
            ),
        ),
        (
            ("max_num_seqs(同時実行数)を下げる", "lower max_num_seqs (concurrent requests)"),
            ("同上", "same reason"),
        ),
        (
            ('kv_cache_dtype="fp8" にする(対応 GPU)', 'set kv_cache_dtype="fp8" (where supported)'),
            ("KV キャッシュが半分になります", "half the KV cache"),
        ),
    ),
    "live_parameters": (
        (
            (
                "stage3_max_live_parameters と stage3_prefetch_bucket_size を下げる",
                "lower stage3_max_live_parameters and stage3_prefetch_bucket_size",
            ),
            (
                "同時に集めておくパラメータ(既定 1e9 個 = 約 2 GB)が減ります",
                "fewer parameters are gathered at a time (default 1e9, about 2 GB)",
            ),
        ),
        _MICRO,
        _CHECKPOINT,
    ),
    "host": (
        (
            ("ホストメモリの大きいサイズに替える", "use a size with more host memory"),
            (
                "CPU オフロードは 1 パラメータあたり約 16 バイトの 1.5 倍をホストに要します",
                "CPU offload needs about 1.5 × 16 bytes a parameter on the host",
            ),
        ),
        (
            ("DataLoader の num_workers を減らす", "use fewer DataLoader workers"),
            ("ワーカーごとにデータの写しを持ちます", "each worker holds a copy of the data"),
        ),
        (
            ("ZeRO-3 では zero.Init で読み込む", "load under zero.Init with ZeRO-3"),
            (
                "GPU ごとに全モデルをホストへ読む二重持ちがなくなります",
                "no full copy per GPU on the host",
            ),
        ),
    ),
    "fragmentation": (),
    "other_process": (),
}
