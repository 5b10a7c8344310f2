#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the weights of a transformer that nobody trained: a test of size. By default an encoder of 108 million
parameters and its architecture; with --llama, a Llama as transformers saves it, in one file for each layer.

    ./large.py [--directory DIR] [--layers 12] [--features 768] [--words 30522] [--tokens 4] [--type BF16]
    ./large.py --llama --directory llama-7b --layers 32 --features 4096 --inner 11008 --words 32000

Each matrix is Gaussian noise of variance 1 / columns with four planted modes of singular values 6, 5, 4 and 3 (the
bulk ends near 2), so that there is something to find. Needs NumPy. Memory: one matrix.
"""

import argparse
import json
import pathlib
import struct

import numpy as np

SIZES = {"F32": 4, "F16": 2, "BF16": 2}


def encoded(values, kind):
    if kind == "F16":
        return values.astype("<f2").tobytes()
    if kind == "F32":
        return values.astype("<f4").tobytes()
    # bfloat16 is the upper half of a float, rounded to nearest
    bits = values.astype("<f4").view("<u4")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


BANK = {}  # of noise, from which large matrices take each row at another place


def noise(generator, rows, columns):
    if rows * columns < 5_000_000:
        return generator.standard_normal((rows, columns), dtype=np.float32)
    if not BANK:
        BANK[0] = np.random.default_rng(0).standard_normal(1 << 24, dtype=np.float32)
    values = np.empty((rows, columns), np.float32)
    for row, start in zip(values, generator.integers(0, BANK[0].size - columns, rows)):
        row[:] = BANK[0][start:start + columns]
    return values * generator.choice(np.array([-1, 1], np.float32), (rows, 1))


def matrix(generator, rows, columns):
    values = noise(generator, rows, columns) / np.float32(np.sqrt(columns))
    for strength in (6, 5, 4, 3):
        left, right = generator.standard_normal(rows), generator.standard_normal(columns)
        values += np.outer(strength * left / np.linalg.norm(left), right / np.linalg.norm(right)).astype(np.float32)
    return values


def tensors(options):
    """Name and shape of each, in the order of the file."""
    d, inner = options.features, 4 * options.features
    yield "embedding.weight", (options.words, d)
    yield "positions", (512, d)
    for k in range(options.layers):
        layer = f"encoder.layers.{k}."
        yield layer + "self_attn.in_proj_weight", (3 * d, d)
        yield layer + "self_attn.in_proj_bias", (3 * d,)
        yield layer + "self_attn.out_proj.weight", (d, d)
        yield layer + "self_attn.out_proj.bias", (d,)
        yield layer + "linear1.weight", (inner, d)
        yield layer + "linear1.bias", (inner,)
        yield layer + "linear2.weight", (d, inner)
        yield layer + "linear2.bias", (d,)
        for norm in ("norm1", "norm2"):
            yield layer + norm + ".weight", (d,)
            yield layer + norm + ".bias", (d,)
    yield "head.weight", (2, d)
    yield "head.bias", (2,)


def architecture(options):
    nodes = [{"name": "tokens", "op": "input", "shape": [options.tokens]},
             {"name": "embedding", "op": "embedding"},
             {"name": "positions", "op": "offset"}]
    nodes += [{"name": f"encoder.layers.{k}", "op": "transformer_encoder_layer", "heads": 12, "activation": "gelu"}
              for k in range(options.layers)]
    return {"nodes": nodes + [{"name": "mean", "op": "mean_over_steps"}, {"name": "head", "op": "dense"}]}


def llama_tensors(options):
    """Lists of name and shape, one for each file."""
    d, inner, width = options.features, options.inner, options.features // options.heads
    yield [("model.embed_tokens.weight", (options.words, d))]
    for k in range(options.layers):
        p = f"model.layers.{k}."
        yield [(p + "input_layernorm.weight", (d,)), (p + "post_attention_layernorm.weight", (d,)),
               (p + "self_attn.q_proj.weight", (d, d)), (p + "self_attn.k_proj.weight", (options.kv_heads * width, d)),
               (p + "self_attn.v_proj.weight", (options.kv_heads * width, d)), (p + "self_attn.o_proj.weight", (d, d)),
               (p + "mlp.gate_proj.weight", (inner, d)), (p + "mlp.up_proj.weight", (inner, d)),
               (p + "mlp.down_proj.weight", (d, inner))]
    yield [("model.norm.weight", (d,)), ("lm_head.weight", (options.words, d))]


def write_file(path, listed, options, generator):
    header, end = {}, 0
    for name, shape in listed:
        size = int(np.prod(shape)) * SIZES[options.type]
        header[name] = {"dtype": options.type, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in listed:
            if len(shape) == 2:
                values = matrix(generator, *shape)
            elif "norm" in name and name.endswith("weight"):
                values = np.ones(shape, np.float32)
            else:
                values = 0.02 * generator.standard_normal(shape, dtype=np.float32)
            file.write(encoded(values, options.type))
    return end // SIZES[options.type]


def write_llama(options):
    generator = np.random.default_rng(options.seed)
    index, parameters, files = {}, 0, list(llama_tensors(options))
    for k, listed in enumerate(files):
        file = f"model-{k + 1:05}-of-{len(files):05}.safetensors"
        parameters += write_file(options.directory / file, listed, options, generator)
        index.update({name: file for name, _ in listed})
    (options.directory / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": parameters * SIZES[options.type]}, "weight_map": index}, indent=1))
    (options.directory / "config.json").write_text(json.dumps(
        {"architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": options.features,
         "intermediate_size": options.inner, "max_position_embeddings": 4096, "model_type": "llama",
         "num_attention_heads": options.heads, "num_hidden_layers": options.layers,
         "num_key_value_heads": options.kv_heads, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
         "torch_dtype": "bfloat16", "vocab_size": options.words}, indent=2))
    print(f"{parameters} parameters in {options.directory}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=pathlib.Path, default=pathlib.Path("large"))
    for name, value in (("layers", 12), ("features", 768), ("words", 30522), ("tokens", 4), ("seed", 1)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--type", choices=SIZES, default="BF16")
    parser.add_argument("--llama", action="store_true")
    for name, value in (("inner", 2048), ("heads", 32), ("kv_heads", 32)):
        parser.add_argument("--" + name, type=int, default=value)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    if options.llama:
        return write_llama(options)

    parameters = write_file(options.directory / "large.safetensors", list(tensors(options)), options,
                            np.random.default_rng(options.seed))
    (options.directory / "large.json").write_text(json.dumps(architecture(options), indent=1) + "\n")
    print(f"{parameters} parameters in {options.directory / 'large.safetensors'}")


if __name__ == "__main__":
    main()
