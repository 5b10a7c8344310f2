#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes tiny random models as Hugging Face's transformers saves them, and what each computes.

    ./huggingface_fixtures.py [--directory ../../tests/data/huggingface]

Each model is a folder with config.json, model.safetensors (llama: two shards and their index) and reference.json:
an input and the results of all layers, under the names that spinet gives them. The forward passes below are
written with NumPy, in double precision, from the equations of transformers' modeling files
(https://github.com/huggingface/transformers, src/transformers/models); transformers itself is not needed.
"""

import argparse
import json
import pathlib
import struct

import numpy as np

HIDDEN, INNER, WORDS, HEADS, LAYERS, TOKENS = 8, 12, 11, 4, 2, 3


# --- files


def to_bytes(values, kind):
    if kind == "F32":
        return values.astype("<f4").tobytes()
    bits = values.astype("<f4").view("<u4")  # bfloat16: the upper half of a float, rounded to nearest
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def write_safetensors(path, tensors, kind="F32"):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name in sorted(tensors):
        whole = tensors[name].dtype == np.int64
        piece = tensors[name].astype("<i8").tobytes() if whole else to_bytes(tensors[name], kind)
        header[name] = {"dtype": "I64" if whole else kind, "shape": list(tensors[name].shape),
                        "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Model:
    """Random tensors, made when they are first asked for, and the results of its layers."""

    def __init__(self, name, config, seed, kind="F32"):
        self.name, self.config, self.kind = name, config, kind
        self.generator = np.random.default_rng(seed)
        self.tensors, self.results, self.input = {}, {}, None

    def tensor(self, name, *shape, around=0.0, scale=0.5):
        if name not in self.tensors:
            values = around + scale * self.generator.standard_normal(shape)
            if self.kind == "BF16":
                bits = values.astype("<f4").view("<u4")
                values = (((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16) << 16).astype("<u4").view("<f4")
            self.tensors[name] = values.astype(np.float32)
        return self.tensors[name].astype(np.float64)

    def keep(self, name, values):
        self.results[name] = values
        return values

    def dense(self, name, x, out, bias=True):
        w = self.tensor(name + ".weight", out, x.shape[-1])
        y = x @ w.T
        return self.keep(name, y + self.tensor(name + ".bias", out) if bias else y)

    def conv1d(self, name, x, out):
        """transformers' Conv1D: the weight is stored (in, out)."""
        return self.keep(name, x @ self.tensor(name + ".weight", x.shape[-1], out) + self.tensor(name + ".bias", out))

    def layer_norm(self, name, x, epsilon, parts=("weight", "bias")):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        n = x.shape[-1]
        g, b = self.tensor(f"{name}.{parts[0]}", n, around=1), self.tensor(f"{name}.{parts[1]}", n)
        return self.keep(name, g * (x - mean) / np.sqrt(variance + epsilon) + b)

    def write(self, directory):
        folder = directory / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config, indent=2) + "\n")
        if self.name == "llama":
            names = sorted(self.tensors)
            index = {}
            for k in range(2):
                file = f"model-0000{k + 1}-of-00002.safetensors"
                part = {name: self.tensors[name] for name in names[k::2]}
                index.update({name: file for name in part})
                write_safetensors(folder / file, part, self.kind)
            size = sum(values.nbytes for values in self.tensors.values())
            (folder / "model.safetensors.index.json").write_text(
                json.dumps({"metadata": {"total_size": size}, "weight_map": dict(sorted(index.items()))}, indent=1))
        else:
            write_safetensors(folder / "model.safetensors", self.tensors, self.kind)
        short = lambda values: [float(f"{v:.8g}") for v in np.asarray(values).ravel()]
        reference = {"input": short(self.input), "layers": {k: short(v) for k, v in self.results.items()}}
        (folder / "reference.json").write_text(json.dumps(reference) + "\n")


# --- equations


def erf(x):
    import math
    return np.vectorize(math.erf)(x)


def gelu(x):
    return x * 0.5 * (1 + erf(x / np.sqrt(2)))


def gelu_new(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def silu(x):
    return x / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rotate_half(x):
    half = x.shape[-1] // 2
    return np.concatenate((-x[..., half:], x[..., :half]), -1)


def rotary(x, base, dims):
    """x: (heads, tokens, width); the first dims numbers of each head are rotated."""
    inverse = 1 / base ** (np.arange(0, dims, 2) / dims)
    angles = np.outer(np.arange(x.shape[1]), inverse)
    angles = np.concatenate((angles, angles), -1)
    turned, rest = x[..., :dims], x[..., dims:]
    return np.concatenate((turned * np.cos(angles) + rotate_half(turned) * np.sin(angles), rest), -1)


def heads_of(x, heads):
    return x.reshape(x.shape[0], heads, -1).transpose(1, 0, 2)


def attend(q, k, v, causal):
    """(heads, tokens, width) each."""
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
    mixed = softmax(scores) @ v
    return mixed.transpose(1, 0, 2).reshape(q.shape[1], -1)


# --- models


def bert(name, model_type, prefix, seed, heads_config, first=0, old=False):
    epsilon = 1e-12 if model_type == "bert" else 1e-5
    config = {"architectures": [heads_config], "hidden_act": "gelu", "hidden_size": HIDDEN, "intermediate_size": INNER,
              "layer_norm_eps": epsilon, "max_position_embeddings": 6, "model_type": model_type,
              "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "pad_token_id": 0 if first == 0 else 1,
              "position_embedding_type": "absolute", "type_vocab_size": 2 if first == 0 else 1, "vocab_size": WORDS}
    m = Model(name, config, seed)
    parts = ("gamma", "beta") if old else ("weight", "bias")
    m.input = np.array([3, 7, 1])
    words = m.tensor(prefix + "embeddings.word_embeddings.weight", WORDS, HIDDEN)
    x = words[m.input]
    x = x + m.tensor(prefix + "embeddings.position_embeddings.weight", 6, HIDDEN)[first:first + TOKENS]
    x = x + m.tensor(prefix + "embeddings.token_type_embeddings.weight", config["type_vocab_size"], HIDDEN)[0]
    m.tensors[prefix + "embeddings.position_ids"] = np.arange(6, dtype=np.int64)[None]
    x = m.layer_norm(prefix + "embeddings.LayerNorm", x, epsilon, parts)
    for k in range(LAYERS):
        p = f"{prefix}encoder.layer.{k}."
        q, key, v = (m.dense(p + "attention.self." + part, x, HIDDEN) for part in ("query", "key", "value"))
        a = m.dense(p + "attention.output.dense", attend(*(heads_of(t, HEADS) for t in (q, key, v)), False), HIDDEN)
        m.keep(p + "attention", a)
        x = m.layer_norm(p + "attention.output.LayerNorm", x + a, epsilon, parts)
        h = gelu(m.dense(p + "intermediate.dense", x, INNER))
        x = m.layer_norm(p + "output.LayerNorm", x + m.dense(p + "output.dense", h, HIDDEN), epsilon, parts)
    if heads_config == "BertForPreTraining":
        pooled = np.tanh(m.dense(prefix + "pooler.dense", x[0], HIDDEN))
        m.dense("cls.seq_relationship", pooled, 2)
        h = gelu(m.dense("cls.predictions.transform.dense", x, HIDDEN))
        h = m.layer_norm("cls.predictions.transform.LayerNorm", h, epsilon, parts)
        m.keep("cls.predictions.decoder", h @ words.T + m.tensor("cls.predictions.bias", WORDS))
    elif heads_config == "RobertaForSequenceClassification":
        h = np.tanh(m.dense("classifier.dense", x[0], HIDDEN))
        m.dense("classifier.out_proj", h, 3)
    elif heads_config == "BertForSequenceClassification":
        pooled = np.tanh(m.dense(prefix + "pooler.dense", x[0], HIDDEN))
        m.dense("classifier", pooled, 3)
    elif heads_config == "RobertaForMaskedLM":
        h = gelu(m.dense("lm_head.dense", x, HIDDEN))
        h = m.layer_norm("lm_head.layer_norm", h, epsilon)
        m.keep("lm_head.decoder", h @ words.T + m.tensor("lm_head.bias", WORDS))
    return m


def distilbert(seed, head):
    config = {"activation": "gelu", "architectures": [head], "dim": HIDDEN, "hidden_dim": INNER,
              "max_position_embeddings": 6, "model_type": "distilbert", "n_heads": HEADS, "n_layers": LAYERS,
              "sinusoidal_pos_embds": False, "tie_weights_": True, "vocab_size": WORDS}
    m = Model("distilbert", config, seed)
    p = "distilbert."
    m.input = np.array([0, 10, 4])
    words = m.tensor(p + "embeddings.word_embeddings.weight", WORDS, HIDDEN)
    x = words[m.input] + m.tensor(p + "embeddings.position_embeddings.weight", 6, HIDDEN)[:TOKENS]
    x = m.layer_norm(p + "embeddings.LayerNorm", x, 1e-12)
    for k in range(LAYERS):
        b = f"{p}transformer.layer.{k}."
        q, key, v = (m.dense(b + f"attention.{part}_lin", x, HIDDEN) for part in "qkv")
        a = m.dense(b + "attention.out_lin", attend(*(heads_of(t, HEADS) for t in (q, key, v)), False), HIDDEN)
        m.keep(b + "attention", a)
        x = m.layer_norm(b + "sa_layer_norm", x + a, 1e-12)
        x = m.layer_norm(b + "output_layer_norm",
                         x + m.dense(b + "ffn.lin2", gelu(m.dense(b + "ffn.lin1", x, INNER)), HIDDEN), 1e-12)
    h = gelu(m.dense("vocab_transform", x, HIDDEN))
    h = m.layer_norm("vocab_layer_norm", h, 1e-12)
    m.keep("vocab_projector", h @ words.T + m.tensor("vocab_projector.bias", WORDS))
    return m


def gpt2(seed):
    config = {"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "layer_norm_epsilon": 1e-5,
              "model_type": "gpt2", "n_ctx": 6, "n_embd": HIDDEN, "n_head": HEADS, "n_inner": None, "n_layer": LAYERS,
              "n_positions": 6, "vocab_size": WORDS}
    m = Model("gpt2", config, seed)
    m.input = np.array([2, 2, 9])
    words = m.tensor("wte.weight", WORDS, HIDDEN)
    x = words[m.input] + m.tensor("wpe.weight", 6, HIDDEN)[:TOKENS]
    for k in range(LAYERS):
        b = f"h.{k}."
        n = m.layer_norm(b + "ln_1", x, 1e-5)
        q, key, v = np.split(m.conv1d(b + "attn.c_attn", n, 3 * HIDDEN), 3, -1)
        a = m.conv1d(b + "attn.c_proj", attend(*(heads_of(t, HEADS) for t in (q, key, v)), True), HIDDEN)
        m.tensors[b + "attn.bias"] = np.tril(np.ones((6, 6), np.float32))[None, None]
        m.keep(b + "attention", a)
        x = x + a
        n = m.layer_norm(b + "ln_2", x, 1e-5)
        x = x + m.conv1d(b + "mlp.c_proj", gelu_new(m.conv1d(b + "mlp.c_fc", n, 4 * HIDDEN)), HIDDEN)
    x = m.layer_norm("ln_f", x, 1e-5)
    m.keep("lm_head", x @ words.T)
    return m


def gpt_neox(seed, parallel=True):
    config = {"architectures": ["GPTNeoXForCausalLM"], "hidden_act": "gelu", "hidden_size": 16,
              "intermediate_size": INNER, "layer_norm_eps": 1e-5, "max_position_embeddings": 6,
              "model_type": "gpt_neox", "num_attention_heads": 2, "num_hidden_layers": LAYERS,
              "rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": False,
              "use_parallel_residual": parallel, "vocab_size": WORDS}
    m = Model("gpt_neox" if parallel else "gpt_neox_serial", config, seed)
    p = "gpt_neox."
    m.input = np.array([5, 0, 8])
    x = m.tensor(p + "embed_in.weight", WORDS, 16)[m.input]
    for k in range(LAYERS):
        b = f"{p}layers.{k}."
        n = m.layer_norm(b + "input_layernorm", x, 1e-5)
        qkv = m.dense(b + "attention.query_key_value", n, 48).reshape(TOKENS, 2, 24)
        q, key, v = (qkv[..., s:s + 8].transpose(1, 0, 2) for s in (0, 8, 16))
        q, key = rotary(q, 10000, 2), rotary(key, 10000, 2)
        a = m.dense(b + "attention.dense", attend(q, key, v, True), 16)
        m.tensors[b + "attention.rotary_emb.inv_freq"] = np.ones(1, np.float32)
        m.keep(b + "attention", a)
        n = m.layer_norm(b + "post_attention_layernorm", x if parallel else x + a, 1e-5)
        x = x + a + m.dense(b + "mlp.dense_4h_to_h", gelu(m.dense(b + "mlp.dense_h_to_4h", n, INNER)), 16)
    x = m.layer_norm(p + "final_layer_norm", x, 1e-5)
    m.dense("embed_out", x, WORDS, bias=False)
    return m


def llama_like(model_type, seed, kv_heads, kind="F32"):
    """llama, mistral, qwen2 (biases of q, k and v) and gemma (norms of 1 + w, scaled embedding, tied head)."""
    gemma, qwen = model_type == "gemma", model_type == "qwen2"
    classes = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "gemma": "Gemma"}
    config = {"architectures": [classes[model_type] + "ForCausalLM"], "hidden_act": "gelu" if gemma else "silu",
              "hidden_size": HIDDEN, "intermediate_size": INNER, "max_position_embeddings": 6,
              "model_type": model_type, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS,
              "num_key_value_heads": kv_heads, "rms_norm_eps": 1e-6 if gemma or qwen else 1e-5, "rope_scaling": None,
              "rope_theta": 1000000.0 if qwen else 10000.0, "vocab_size": WORDS}
    width = HIDDEN // HEADS
    if gemma:
        width = 4  # head_dim is not hidden_size / heads
        config.update(head_dim=width, hidden_activation=None)
    else:
        config["tie_word_embeddings"] = False
    m = Model(model_type, config, seed, kind)
    m.input = np.array([1, 10, 6])

    def norm(name, x):
        w = m.tensor(name + ".weight", HIDDEN, around=0 if gemma else 1)
        root = np.sqrt((x**2).mean(-1, keepdims=True) + config["rms_norm_eps"])
        return m.keep(name, x / root * (1 + w if gemma else w))

    p = "model."
    words = m.tensor(p + "embed_tokens.weight", WORDS, HIDDEN)
    x = words[m.input] * (np.sqrt(HIDDEN) if gemma else 1)
    act = gelu_new if gemma else silu
    for k in range(LAYERS):
        b = f"{p}layers.{k}."
        n = norm(b + "input_layernorm", x)
        q = m.dense(b + "self_attn.q_proj", n, HEADS * width, qwen)
        key = m.dense(b + "self_attn.k_proj", n, kv_heads * width, qwen)
        v = m.dense(b + "self_attn.v_proj", n, kv_heads * width, qwen)
        q, key, v = heads_of(q, HEADS), heads_of(key, kv_heads), heads_of(v, kv_heads)
        q, key = rotary(q, config["rope_theta"], width), rotary(key, config["rope_theta"], width)
        key, v = (np.repeat(t, HEADS // kv_heads, 0) for t in (key, v))
        a = m.dense(b + "self_attn.o_proj", attend(q, key, v, True), HIDDEN, False)
        m.keep(b + "attention", a)
        x = x + a
        n = norm(b + "post_attention_layernorm", x)
        h = act(m.dense(b + "mlp.gate_proj", n, INNER, False)) * m.dense(b + "mlp.up_proj", n, INNER, False)
        m.keep(b + "mlp.product", h)
        x = x + m.dense(b + "mlp.down_proj", h, HIDDEN, False)
    x = norm(p + "norm", x)
    if gemma:
        m.keep("lm_head", x @ words.T)
    else:
        m.dense("lm_head", x, WORDS, False)
    return m


def vit(seed):
    config = {"architectures": ["ViTForImageClassification"], "hidden_act": "gelu", "hidden_size": HIDDEN,
              "image_size": 6, "intermediate_size": INNER, "layer_norm_eps": 1e-12, "model_type": "vit",
              "num_attention_heads": HEADS, "num_channels": 2, "num_hidden_layers": LAYERS, "patch_size": 3,
              "qkv_bias": True, "id2label": {"0": "a", "1": "b", "2": "c"}}
    m = Model("vit", config, seed)
    p = "vit."
    image = m.generator.standard_normal((2, 6, 6))
    # the input as spinet takes it: patches row by row, each (channels, rows, columns) laid flat
    m.input = np.array([image[:, 3 * r:3 * r + 3, 3 * c:3 * c + 3].ravel() for r in range(2) for c in range(2)])
    kernel = m.tensor(p + "embeddings.patch_embeddings.projection.weight", HIDDEN, 2, 3, 3)
    bias = m.tensor(p + "embeddings.patch_embeddings.projection.bias", HIDDEN)
    maps = np.empty((HIDDEN, 2, 2))
    for o in range(HIDDEN):  # Conv2d of stride 3
        for r in range(2):
            for c in range(2):
                maps[o, r, c] = (kernel[o] * image[:, 3 * r:3 * r + 3, 3 * c:3 * c + 3]).sum() + bias[o]
    x = m.keep(p + "embeddings.patch_embeddings.projection", maps.reshape(HIDDEN, -1).T)
    x = np.concatenate((m.tensor(p + "embeddings.cls_token", 1, 1, HIDDEN)[0], x))
    x = x + m.tensor(p + "embeddings.position_embeddings", 1, 5, HIDDEN)[0]
    for k in range(LAYERS):
        b = f"{p}encoder.layer.{k}."
        n = m.layer_norm(b + "layernorm_before", x, 1e-12)
        q, key, v = (m.dense(b + "attention.attention." + part, n, HIDDEN) for part in ("query", "key", "value"))
        a = m.dense(b + "attention.output.dense", attend(*(heads_of(t, HEADS) for t in (q, key, v)), False), HIDDEN)
        m.keep(b + "attention", a)
        x = x + a
        n = m.layer_norm(b + "layernorm_after", x, 1e-12)
        x = x + m.dense(b + "output.dense", gelu(m.dense(b + "intermediate.dense", n, INNER)), HIDDEN)
    x = m.layer_norm(p + "layernorm", x, 1e-12)
    m.dense("classifier", x[0], 3)
    return m


def convolve(x, w, stride, padding):
    channels, height, width = x.shape
    padded = np.zeros((channels, height + 2 * padding, width + 2 * padding))
    padded[:, padding:padding + height, padding:padding + width] = x
    size = w.shape[-1]
    rows, columns = (padded.shape[1] - size) // stride + 1, (padded.shape[2] - size) // stride + 1
    y = np.empty((w.shape[0], rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[:, r * stride:r * stride + size, c * stride:c * stride + size]
            y[:, r, c] = (w * window).sum((1, 2, 3))
    return y


def resnet(seed, layer_type):
    config = {"architectures": ["ResNetForImageClassification"], "depths": [1, 2], "downsample_in_first_stage": False,
              "embedding_size": 4, "hidden_act": "relu", "hidden_sizes": [4, 8], "layer_type": layer_type,
              "model_type": "resnet", "num_channels": 2}
    m = Model("resnet_" + layer_type, config, seed)
    m.input = m.generator.standard_normal((2, 14, 14))

    def unit(prefix, x, out, size, stride, activated):
        w = m.tensor(prefix + ".convolution.weight", out, x.shape[0], size, size, scale=0.3)
        y = m.keep(prefix + ".convolution", convolve(x, w, stride, size // 2))
        n = prefix + ".normalization."
        mean, variance = m.tensor(n + "running_mean", out), np.abs(m.tensor(n + "running_var", out)) + 0.5
        m.tensors[n + "running_var"] = variance.astype(np.float32)
        variance = m.tensors[n + "running_var"].astype(np.float64)
        m.tensors[n + "num_batches_tracked"] = np.array(7, np.int64)
        g, b = m.tensor(n + "weight", out, around=1), m.tensor(n + "bias", out)
        y = (y - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5) * g[:, None, None] + b[:, None, None]
        m.keep(prefix + ".normalization", y)
        return np.maximum(y, 0) if activated else y

    x = unit("resnet.embedder.embedder", m.input, 4, 7, 2, True)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    x = np.array([[[padded[c, 2 * r:2 * r + 3, 2 * s:2 * s + 3].max() for s in range((x.shape[2] - 1) // 2 + 1)]
                   for r in range((x.shape[1] - 1) // 2 + 1)] for c in range(4)])
    m.keep("resnet.embedder.pooler", x)
    for stage, (depth, out) in enumerate(zip(config["depths"], config["hidden_sizes"])):
        for k in range(depth):
            p = f"resnet.encoder.stages.{stage}.layers.{k}"
            stride = 2 if stage > 0 and k == 0 else 1
            residual = x
            if layer_type == "basic":
                h = unit(p + ".layer.0", x, out, 3, stride, True)
                h = unit(p + ".layer.1", h, out, 3, 1, False)
            else:
                h = unit(p + ".layer.0", x, out // 4, 1, 1, True)
                h = unit(p + ".layer.1", h, out // 4, 3, stride, True)
                h = unit(p + ".layer.2", h, out, 1, 1, False)
            if x.shape[0] != out or stride != 1:
                residual = unit(p + ".shortcut", x, out, 1, stride, False)
            x = np.maximum(h + residual, 0)
            m.keep(p + ".activation", x)
    pooled = m.keep("resnet.pooler", x.mean((1, 2)))
    m.dense("classifier.1", pooled, 3)
    return m


def write_torch(directory):
    """gpt2 as older versions of transformers saved it: pytorch_model.bin, with a prefix. Needs PyTorch."""
    import torch

    model = gpt2(7)
    folder = directory / "gpt2_torch"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(model.config, indent=2) + "\n")
    torch.save({"transformer." + name: torch.from_numpy(values) for name, values in model.tensors.items()},
               folder / "pytorch_model.bin")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--directory", type=pathlib.Path, default=here / "../../tests/data/huggingface")
    directory = parser.parse_args().directory
    for model in (bert("bert", "bert", "bert.", 1, "BertForPreTraining", old=True),
                  bert("bert_classifier", "bert", "bert.", 2, "BertForSequenceClassification"),
                  bert("bert_bare", "bert", "", 3, "BertModel"),
                  bert("roberta", "roberta", "roberta.", 4, "RobertaForMaskedLM", first=2),
                  bert("roberta_classifier", "roberta", "roberta.", 5, "RobertaForSequenceClassification", first=2),
                  distilbert(6, "DistilBertForMaskedLM"), gpt2(7), gpt_neox(8), gpt_neox(9, parallel=False),
                  llama_like("llama", 10, HEADS), llama_like("mistral", 11, 2, "BF16"), llama_like("qwen2", 12, 2),
                  llama_like("gemma", 13, 1), vit(14), resnet(15, "basic"), resnet(16, "bottleneck")):
        model.write(directory)
    write_torch(directory)


if __name__ == "__main__":
    main()
