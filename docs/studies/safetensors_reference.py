# SPDX-License-Identifier: BSD-3-Clause
"""Safetensors files without spinet: writes those of the tests, and says what is in a file.

Needs NumPy and python3-torch (for bfloat16). Run from the top of the repository:

    python3 docs/studies/safetensors_reference.py                 # writes tests/data/four_types*
    python3 docs/studies/safetensors_reference.py --show FILE     # checks FILE and lists its tensors

The layout is that of the reference implementation, https://github.com/huggingface/safetensors: 8 bytes with the
length of the header; the header, JSON without blanks, padded with spaces to a multiple of 8 bytes; the data of the
tensors, those of wider types first, then by name.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from pathlib import Path

import numpy as np

DATA = Path("tests/data")
WIDTH = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2}  # in the order of the file
NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def layers() -> dict[str, tuple[str, np.ndarray]]:
    """A network 4-3-5-2-3, a type for each layer: random weights, and what is special in each type."""
    import torch

    random = np.random.default_rng(1)
    sizes = [4, 3, 5, 2, 3]
    special = {"F16": [65504, 2.0**-24, -0.0], "BF16": [2.0**-133, 255 * 2.0**120, -0.0],
               "F32": [2.0**-149, -3.4028234663852886e38, -0.0], "F64": [5e-324, 1.7976931348623157e308, -0.0]}
    result = {}
    for layer, dtype in enumerate(["F16", "BF16", "F32", "F64"]):
        for name, shape in (("weight", (sizes[layer + 1], sizes[layer])), ("bias", (sizes[layer + 1],))):
            values = random.standard_normal(shape)
            if name == "weight":
                values.flat[: len(special[dtype])] = special[dtype]
            if dtype == "BF16":
                stored = torch.tensor(values).to(torch.bfloat16).view(torch.int16).numpy().view("<u2")
            else:
                stored = values.astype(NUMPY[dtype])
            result[f"{2 * layer}.{name}"] = (dtype, stored)
    return result


def file_bytes(tensors: dict[str, tuple[str, np.ndarray]], metadata: dict[str, str] | None = None) -> bytes:
    order = sorted(tensors, key=lambda name: (list(WIDTH).index(tensors[name][0]), name))
    header: dict = {"__metadata__": metadata} if metadata else {}
    data = b""
    for name in order:
        dtype, values = tensors[name]
        end = len(data) + values.nbytes
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [len(data), end]}
        data += values.tobytes()
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def show(path: Path) -> None:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0 and content[8:9] == b"{", "the header is not padded, or is none"
    header = json.loads(content[8 : 8 + length])
    data = content[8 + length :]
    print("metadata:", header.pop("__metadata__", None))
    covered = 0
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert begin == covered, f"{name} begins at {begin}, not at {covered}"
        covered = end
        values = np.frombuffer(data[begin:end], NUMPY[entry["dtype"]]).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        print(f"{name}: {entry['dtype']} {values.shape}, sum {values.astype(np.float64).sum():.17g}, "
              f"first {values.flat[0] if values.size else None}")
    assert covered == len(data), f"{len(data) - covered} bytes belong to no tensor"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.show:
        return show(options.show)
    tensors = layers()
    (DATA / "four_types.safetensors").write_bytes(file_bytes(tensors, {"made by": "safetensors_reference.py", "é": "ü\n"}))
    shards = [f"four_types-0000{k}-of-00002.safetensors" for k in (1, 2)]
    halves = [{n: t for n, t in tensors.items() if (n[0] in "04") == first} for first in (True, False)]
    for shard, half in zip(shards, halves):
        (DATA / shard).write_bytes(file_bytes(half, {"format": "pt"}))
    index = {"metadata": {"total_size": sum(t.nbytes for _, t in tensors.values())},
             "weight_map": {name: shards[0] if name in halves[0] else shards[1] for name in sorted(tensors)}}
    (DATA / "four_types.safetensors.index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")
    lines = []
    for name, (dtype, values) in sorted(tensors.items()):
        wide = (values.astype(np.uint32) << 16).view(np.float32) if dtype == "BF16" else values
        lines.append(" ".join([name, dtype] + [float(x).hex() for x in wide.flat]))
    (DATA / "four_types.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
