#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the weights of a transformer encoder that nobody trained, of 108 million parameters by default, and its
architecture: a test of size.

    ./large.py [--directory DIR] [--layers 12] [--features 768] [--words 30522] [--tokens 4] [--type BF16]

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


def matrix(generator, rows, columns):
    values = generator.standard_normal((rows, columns), dtype=np.float32) / np.float32(np.sqrt(columns))
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=pathlib.Path, default=pathlib.Path("large"))
    for name, value in (("layers", 12), ("features", 768), ("words", 30522), ("tokens", 4), ("seed", 1)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--type", choices=SIZES, default="BF16")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)

    header, end = {}, 0
    for name, shape in tensors(options):
        size = int(np.prod(shape)) * SIZES[options.type]
        header[name] = {"dtype": options.type, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    generator = np.random.default_rng(options.seed)
    with open(options.directory / "large.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors(options):
            if len(shape) == 2:
                values = matrix(generator, *shape)
            elif "norm" in name and name.endswith("weight"):
                values = np.ones(shape, np.float32)
            else:
                values = 0.02 * generator.standard_normal(shape, dtype=np.float32)
            file.write(encoded(values, options.type))
    (options.directory / "large.json").write_text(json.dumps(architecture(options), indent=1) + "\n")
    print(f"{end // SIZES[options.type]} parameters in {options.directory / 'large.safetensors'}")


if __name__ == "__main__":
    main()
