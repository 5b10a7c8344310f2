# SPDX-License-Identifier: BSD-3-Clause
"""Make networks of the usual kinds with PyTorch and write each in every format that spinet reads.

Needs Debian's packages python3-torch, python3-onnx and python3-h5py; dataset-fashion-mnist where it is there (without
it, training sees random images). Run from the top of the repository:

    /usr/bin/python3 docs/studies/exported/export.py --directory build/exported
    /usr/bin/python3 docs/studies/exported/export.py --small --directory tests/data/exported

Per network NAME it writes NAME.pt, NAME.safetensors, NAME.npz, NAME.onnx, NAME.json (its architecture), for the
multilayer perceptron NAME.h5 (as Keras lays it out), of some also variants in ONNX, and NAME.reference.json, what PyTorch says of it:

    input     {"shape": [...], "rule": "sine" or "tokens"}: value k, row-major from 0, is sin(k + 1) or (7 k + 3) % words
    tensors   NAME: {"shape", "sum" (in double), "first" (up to 4 values)}
    values    MODULE: {"shape", "sum", "every", "values"}: its result for that input, without the batch axis; every n-th
              value, row-major
    output    the whole result
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import struct
import sys
import warnings
from pathlib import Path

try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as missing:
    sys.exit(f"error: {missing}. On Debian: apt-get install python3-torch python3-onnx, then /usr/bin/python3")

DATA_DIRECTORY = Path("/usr/share/datasets/fashion-mnist")
LARGEST_LISTED = 24  # values of one module in the reference file


# --- the networks -----------------------------------------------------------------------------------------------
# Each has `shape` (of one sample), `words` (of an alphabet, where it takes tokens) and `architecture()`.


def node(name, op, *inputs, **more):
    return {"name": name, "op": op, "inputs": list(inputs), **more}


def source(shape):
    return {"name": "x", "op": "input", "shape": list(shape)}


class Mlp(nn.Module):
    def __init__(self, side, widths):
        super().__init__()
        self.shape = (side * side,)
        for i, (before, after) in enumerate(zip((side * side, *widths[:-1]), widths), 1):
            setattr(self, f"fc{i}", nn.Linear(before, after))
            if i < len(widths):
                setattr(self, f"relu{i}", nn.ReLU())
        self.depth = len(widths)

    def forward(self, x):
        for i in range(1, self.depth):
            x = getattr(self, f"relu{i}")(getattr(self, f"fc{i}")(x))
        return getattr(self, f"fc{self.depth}")(x)

    def architecture(self):
        nodes, last = [source(self.shape)], "x"
        for i in range(1, self.depth + 1):
            nodes.append(node(f"fc{i}", "dense", last))
            last = f"fc{i}"
            if i < self.depth:
                nodes.append(node(f"relu{i}", "activation", last, kind="relu"))
                last = f"relu{i}"
        return nodes


class LeNet(nn.Module):
    """After LeCun et al. 1998, with rectifiers; the first pooling takes maxima, the second averages."""

    def __init__(self, channels, widths):
        super().__init__()
        self.shape = (1, 28, 28)
        self.conv1 = nn.Conv2d(1, channels[0], 5, padding=2)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(channels[0], channels[1], 5)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.AvgPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(channels[1] * 25, widths[0])
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(widths[0], widths[1])
        self.relu4 = nn.ReLU()
        self.fc3 = nn.Linear(widths[1], 10)

    def forward(self, x):
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.flatten(self.pool2(self.relu2(self.conv2(x))))
        return self.fc3(self.relu4(self.fc2(self.relu3(self.fc1(x)))))

    def architecture(self):
        return [source(self.shape),
                node("conv1", "convolution", "x", padding=[2, 2], stride=[1, 1], dilation=[1, 1], groups=1),
                node("relu1", "activation", "conv1", kind="relu"),
                node("pool1", "pooling", "relu1", kind="maximum", window=[2, 2], stride=[2, 2], padding=[0, 0]),
                node("conv2", "convolution", "pool1", padding=[0, 0], stride=[1, 1], dilation=[1, 1], groups=1),
                node("relu2", "activation", "conv2", kind="relu"),
                node("pool2", "pooling", "relu2", kind="average", window=[2, 2], stride=[2, 2], padding=[0, 0]),
                node("flatten", "flatten", "pool2"),
                node("fc1", "dense", "flatten"), node("relu3", "activation", "fc1", kind="relu"),
                node("fc2", "dense", "relu3"), node("relu4", "activation", "fc2", kind="relu"),
                node("fc3", "dense", "relu4")]


class BasicBlock(nn.Module):
    """The basic block of He et al. 2015; a 1x1 convolution on the shortcut where shapes change."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False),
                                          nn.BatchNorm2d(after))
        self.relu2 = nn.ReLU()

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y + self.shortcut(x))

    def architecture(self, name, last):
        def convolution(part, source_node, stride, padding):
            return node(f"{name}.{part}", "convolution", source_node, padding=[padding] * 2, stride=[stride] * 2,
                        dilation=[1, 1], groups=1)

        def normalised(part, of):
            return node(f"{name}.{part}", "batch_normalisation", f"{name}.{of}", epsilon=1e-5)

        nodes = [convolution("conv1", last, self.stride, 1), normalised("bn1", "conv1"),
                 node(f"{name}.relu1", "activation", f"{name}.bn1", kind="relu"),
                 convolution("conv2", f"{name}.relu1", 1, 1), normalised("bn2", "conv2")]
        if len(self.shortcut) > 0:
            nodes += [convolution("shortcut.0", last, self.stride, 0), normalised("shortcut.1", "shortcut.0")]
            last = f"{name}.shortcut.1"
        return nodes + [node(f"{name}.add", "addition", f"{name}.bn2", last),
                        node(f"{name}.relu2", "activation", f"{name}.add", kind="relu")]


class ResNetBlock(nn.Module):
    def __init__(self, side, channels):
        super().__init__()
        self.shape = (1, side, side)
        self.conv1 = nn.Conv2d(1, channels[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        self.relu1 = nn.ReLU()
        self.block1 = BasicBlock(channels[0], channels[1], 2)
        self.block2 = BasicBlock(channels[1], channels[1], 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels[1], 10)

    def forward(self, x):
        x = self.block2(self.block1(self.relu1(self.bn1(self.conv1(x)))))
        return self.fc(self.flatten(self.pool(x)))

    def architecture(self):
        return [source(self.shape),
                node("conv1", "convolution", "x", padding=[1, 1], stride=[1, 1], dilation=[1, 1], groups=1),
                node("bn1", "batch_normalisation", "conv1", epsilon=1e-5),
                node("relu1", "activation", "bn1", kind="relu"),
                *self.block1.architecture("block1", "relu1"), *self.block2.architecture("block2", "block1.relu2"),
                node("pool", "pooling", "block2.relu2", kind="average"),  # without a window: global
                node("flatten", "flatten", "pool"), node("fc", "dense", "flatten")]


class Recurrent(nn.Module):
    def __init__(self, kind, steps, features, units, layers, batch_first=True):
        super().__init__()
        self.shape, self.kind, self.layers = (steps, features), kind, layers
        self.batch_axis = 0 if batch_first else 1
        make = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind]
        setattr(self, kind, make(features, units, layers, batch_first=batch_first))
        self.fc = nn.Linear(units, 5)

    def forward(self, x):
        y, _ = getattr(self, self.kind)(x)
        return self.fc(y[:, -1, :] if self.batch_axis == 0 else y[-1])

    def architecture(self):
        nodes, last = [source(self.shape)], "x"
        for i in range(self.layers):
            more = {"activation": "tanh"} if self.kind == "rnn" else {}
            nodes.append(node(f"{self.kind}.{i}", "recurrent", last, kind=self.kind, weights=self.kind, layer=i, **more))
            last = f"{self.kind}.{i}"
        return nodes + [node("last", "select_step", last), node("fc", "dense", "last")]


class Transformer(nn.Module):
    """Tokens, learnt positions, an encoder with normalisation after each part, the mean over steps, a head."""

    def __init__(self, words, steps, width, heads, hidden, layers=2, activation="relu"):
        super().__init__()
        self.shape, self.words, self.heads, self.activation = (steps,), words, heads, activation
        self.mask = None
        self.embedding = nn.Embedding(words, width)
        self.positions = nn.Parameter(0.1 * torch.randn(steps, width))
        # Steps first: batch first would take a path in eval mode that torch.onnx cannot export.
        layer = nn.TransformerEncoderLayer(width, heads, hidden, dropout=0.1, activation=activation)
        self.encoder = nn.TransformerEncoder(layer, layers)
        with torch.no_grad():  # the copies start equal, with zero biases: tell them apart
            for parameter in self.encoder.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        y = self.embedding(x) + self.positions
        return self.head(self.encoder(y.transpose(0, 1), self.mask).mean(0))

    def architecture(self):
        nodes = [source(self.shape), node("embedding", "embedding", "x"),
                 node("positions", "offset", "embedding", weights="positions")]
        last = "positions"
        for i in range(len(self.encoder.layers)):
            at = f"encoder.layers.{i}."
            nodes += [node(at + "self_attn", "attention", last, weights=at + "self_attn", heads=self.heads),
                      node(at + "add1", "addition", last, at + "self_attn"),
                      node(at + "norm1", "layer_normalisation", at + "add1", epsilon=1e-5),
                      node(at + "linear1", "dense", at + "norm1"),
                      node(at + "activation", "activation", at + "linear1", kind=self.activation),
                      node(at + "linear2", "dense", at + "activation"),
                      node(at + "add2", "addition", at + "norm1", at + "linear2"),
                      node(at + "norm2", "layer_normalisation", at + "add2", epsilon=1e-5)]
            last = at + "norm2"
        return nodes + [node("mean", "mean_over_steps", last), node("head", "dense", "mean")]


def networks(small):
    """Name to (network, whether it is trained on images)."""
    if small:
        return {"mlp": lambda: (Mlp(8, (12, 8, 10)), True),
                "lenet": lambda: (LeNet((2, 3), (8, 9)), True),
                "resnet_block": lambda: (ResNetBlock(12, (4, 6)), True),
                "lstm": lambda: (Recurrent("lstm", 5, 6, 7, 2), False),
                "gru": lambda: (Recurrent("gru", 5, 6, 7, 1, batch_first=False), False),
                "rnn": lambda: (Recurrent("rnn", 5, 6, 7, 1), False),
                "transformer": lambda: (Transformer(11, 6, 8, 2, 12), False)}
    return {"mlp": lambda: (Mlp(28, (128, 64, 10)), True),
            "lenet": lambda: (LeNet((6, 16), (120, 84)), True),
            "resnet_block": lambda: (ResNetBlock(28, (16, 32)), True),
            "lstm": lambda: (Recurrent("lstm", 28, 28, 64, 2), False),
            "gru": lambda: (Recurrent("gru", 28, 28, 64, 1, batch_first=False), False),
            "rnn": lambda: (Recurrent("rnn", 28, 28, 64, 1), False),
            "transformer": lambda: (Transformer(64, 24, 32, 4, 64, activation="gelu"), False)}


# --- training ---------------------------------------------------------------------------------------------------


def images_and_labels(count):
    """Of Fashion-MNIST, or random ones, in [0, 1], of shape (count, 1, 28, 28)."""
    try:
        images = gzip.decompress((DATA_DIRECTORY / "train-images-idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((DATA_DIRECTORY / "train-labels-idx1-ubyte.gz").read_bytes())
    except OSError:
        print("no Fashion-MNIST: training sees random images", file=sys.stderr)
        return torch.rand(count, 1, 28, 28), torch.randint(10, (count,))
    pixels = np.frombuffer(images, np.uint8, count * 784, 16).reshape(count, 1, 28, 28)
    return (torch.from_numpy(pixels.astype(np.float32) / 255),
            torch.from_numpy(np.frombuffer(labels, np.uint8, count, 8).astype(np.int64)))


def train(network, images, labels, steps=150, batch=64):
    """A few seconds of Adam: enough that the statistics of batch normalisation are not those at the start."""
    side = network.shape[-1] if len(network.shape) == 3 else math.isqrt(network.shape[0])
    images = nn.functional.adaptive_avg_pool2d(images, side).reshape(-1, *network.shape)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    network.train()
    for step in range(steps):
        start = step * batch % (len(images) - batch)
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(images[start:start + batch]), labels[start:start + batch])
        loss.backward()
        optimiser.step()
    return float(loss)


# --- writing ----------------------------------------------------------------------------------------------------


def write_safetensors(path, state):
    """https://huggingface.co/docs/safetensors: a length, a header in JSON, the bytes of the tensors."""
    names = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64"}
    header, blocks, at = {}, [], 0
    for name, values in sorted(state.items(), key=lambda entry: (-entry[1].itemsize, entry[0])):
        block = np.ascontiguousarray(values).tobytes()
        header[name] = {"dtype": names[str(values.dtype)], "shape": list(values.shape),
                        "data_offsets": [at, at + len(block)]}
        blocks.append(block)
        at += len(block)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def write_keras(path, network, state):
    """A Sequential of Dense layers as Keras 2's `model.save("x.h5")` lays it out; kernels are (in, out)."""
    try:
        import h5py
    except ImportError:
        print(f"no h5py: {path} is not written", file=sys.stderr)
        return
    dense = [f"fc{i}" for i in range(1, network.depth + 1)]
    layers = [{"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, *network.shape]}}]
    for name in dense:
        layers.append({"class_name": "Dense", "config": {
            "name": name, "units": state[name + ".weight"].shape[0], "use_bias": True,
            "activation": "linear" if name == dense[-1] else "relu"}})
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.11.0", "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential",
                                                 "config": {"name": "sequential", "layers": layers}})
        weights = file.create_group("model_weights")
        weights.attrs["keras_version"], weights.attrs["backend"] = "2.11.0", "tensorflow"
        weights.attrs["layer_names"] = np.array([n.encode() for n in dense])
        for name in dense:
            group = weights.create_group(name)
            group.attrs["weight_names"] = np.array([f"{name}/{part}:0".encode() for part in ("kernel", "bias")])
            group.create_dataset(f"{name}/kernel:0", data=np.ascontiguousarray(state[name + ".weight"].T))
            group.create_dataset(f"{name}/bias:0", data=state[name + ".bias"])


def example(network):
    count = math.prod(network.shape)
    if hasattr(network, "words"):
        return torch.tensor([(7 * k + 3) % network.words for k in range(count)]).reshape(network.shape)
    return torch.tensor([math.sin(k + 1) for k in range(count)]).reshape(network.shape)


def with_batch(network, x):
    return x.unsqueeze(getattr(network, "batch_axis", 0))


def listed(values):
    flat = values.detach().double().reshape(-1)
    every = -(-len(flat) // LARGEST_LISTED)
    return {"shape": list(values.shape), "sum": float(flat.sum()), "every": every,
            "values": [float(f"{v:.8g}") for v in flat[::every].tolist()]}


def reference(network, state):
    """What the tests compare with; see the top of this file."""
    seen = {}

    def without_batch(name, value):
        if value.dim() > 1:  # steps come first within the encoder and where batch_first is not set
            steps_first = name.startswith("encoder") or getattr(network, "batch_axis", 0) == 1
            value = value.squeeze(1 if steps_first and value.dim() == 3 else 0)
        seen[name] = listed(value)

    def hook(name):
        def record(_module, _inputs, result):
            without_batch(name, result[0] if isinstance(result, tuple) else result)
        return record

    handles = [module.register_forward_hook(hook(name)) for name, module in network.named_modules()
               if name and not list(module.children()) or name.endswith("self_attn")]
    with torch.no_grad():
        output = network(with_batch(network, example(network)))
    for handle in handles:
        handle.remove()
    rule = {"rule": "tokens", "words": network.words} if hasattr(network, "words") else {"rule": "sine"}
    return {"input": {"shape": list(network.shape), **rule},
            "tensors": {name: {"shape": list(values.shape), "sum": float(values.astype(np.float64).sum()),
                               "first": [float(v) for v in values.reshape(-1)[:4]]}
                        for name, values in state.items()},
            "values": seen, "output": [float(f"{v:.8g}") for v in output.double().reshape(-1).tolist()]}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=None, separators=(",", ":")) + "\n")


def write_onnx(path, network, dynamic, free=None, **more):
    """`free`: names of further axes of the input that have no size in the file."""
    x = with_batch(network, example(network))
    axes = {"x": {getattr(network, "batch_axis", 0): "batch"} | (free or {}), "y": {0: "batch"}} if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (x,), str(path), input_names=["x"], output_names=["y"], dynamic_axes=axes,
                          **{"opset_version": 14, **more})


def write_variants(name, network, directory):
    """What else torch.onnx makes of the same weights."""
    if name == "resnet_block":  # batch normalisation not folded into convolutions
        write_onnx(directory / "resnet_block_unfolded.onnx", network, False,
                   training=torch.onnx.TrainingMode.PRESERVE)
        write_onnx(directory / "resnet_block_free.onnx", network, True, {2: "rows", 3: "columns"})
    if name == "rnn":  # an initial state whose shape is computed
        write_onnx(directory / "rnn_dynamic.onnx", network, True)
    if name == "transformer":  # causal, LayerNormalization as one node, GELU as five
        network.mask = nn.Transformer.generate_square_subsequent_mask(network.shape[0])
        for layer in network.encoder.layers:
            layer.activation = nn.functional.gelu
        write_onnx(directory / "transformer_causal.onnx", network, False, opset_version=17)
        with torch.no_grad():
            output = network(with_batch(network, example(network)))
        write_json(directory / "transformer_causal.reference.json", {
            "input": {"shape": list(network.shape), "rule": "tokens", "words": network.words},
            "output": [float(f"{v:.8g}") for v in output.double().reshape(-1).tolist()]})


def export(name, network, directory, dynamic):
    network.eval()
    state = {key: value.detach().numpy() for key, value in network.state_dict().items()}
    torch.save(network.state_dict(), directory / f"{name}.pt")
    write_safetensors(directory / f"{name}.safetensors", state)
    np.savez(directory / f"{name}.npz", **state)
    write_onnx(directory / f"{name}.onnx", network, dynamic)
    write_json(directory / f"{name}.json", {"nodes": network.architecture()})
    write_json(directory / f"{name}.reference.json", reference(network, state))
    if isinstance(network, Mlp):
        write_keras(directory / f"{name}.h5", network, state)
    write_variants(name, network, directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", type=Path, default=Path("build/exported"))
    parser.add_argument("--names", default="", help="separated by commas; default: all")
    parser.add_argument("--small", action="store_true", help="the narrow networks of tests/data/exported")
    parser.add_argument("--dynamic", action="store_true", help="leave the size of the batch open in ONNX files")
    parser.add_argument("--untrained", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.directory.mkdir(parents=True, exist_ok=True)
    known = networks(options.small)
    for name in options.names.split(",") if options.names else known:
        if name not in known:
            sys.exit(f"error: no network {name!r}; there are {', '.join(known)}")
        torch.manual_seed(1)
        network, on_images = known[name]()
        if on_images and not options.untrained:
            print(f"{name}: loss {train(network, *images_and_labels(6000)):.3f}")
        export(name, network, options.directory, options.dynamic)


if __name__ == "__main__":
    main()
