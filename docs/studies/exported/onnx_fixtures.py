#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write small ONNX models of the kinds that TensorFlow's, Keras', MATLAB's, Unity's, CNTK's and quantising exporters
write, and what they compute for one input, node by node with PyTorch. Random weights.

    /usr/bin/python3 docs/studies/exported/onnx_fixtures.py --directory tests/data/onnx

Needs Debian's python3-torch and python3-numpy, but no package for ONNX: the few messages of its format are written here
(onnx.proto). reference.json has for each model the input as the file declares it, the input in the order in which
spinet lists it, and the output in the order of the operation that gives it, each without the batch axis. Rounding of
computed values to integers (QuantizeLinear, DynamicQuantizeLinear) is left out, as spinet leaves it out.

    /usr/bin/python3 docs/studies/exported/onnx_fixtures.py --large resnet50.onnx

writes a ResNet-50 of 25.6 million random weights instead: a test of size.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FLOAT, UINT8, INT8, INT32, INT64, FLOAT16, UINT4 = 1, 2, 3, 6, 7, 10, 21
KINDS = {"float32": FLOAT, "uint8": UINT8, "int8": INT8, "int32": INT32, "int64": INT64, "float16": FLOAT16}


# --- the format: protobuf's wire types, and the numbers of onnx.proto ----------------------------------------------


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def number(field, n):
    return varint(field << 3) + varint(n)


def block(field, payload):
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def tensor(name, values, kind=None):
    values = np.asarray(values)
    dims, kind = values.shape, kind or KINDS[str(values.dtype)]
    raw = values.tobytes()
    if kind == UINT4:  # two in a byte, the first in the lower half
        flat = np.append(values.ravel(), [0] * (values.size % 2)).astype(np.uint8)
        raw = (flat[0::2] | flat[1::2] << 4).tobytes()
    return b"".join(number(1, d) for d in dims) + number(2, kind) + block(8, name) + block(9, raw)


def attribute(name, value):
    head = block(1, name)
    if isinstance(value, str):
        return head + block(4, value) + number(20, 3)
    if isinstance(value, float):
        return head + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return head + number(3, value) + number(20, 2)
    if isinstance(value, np.ndarray):
        return head + block(5, tensor("", value)) + number(20, 4)
    return head + b"".join(number(8, v) for v in value) + number(20, 7)


def value_info(name, shape, kind=FLOAT):
    dims = b"".join(block(1, number(1, d) if isinstance(d, int) else block(2, d)) for d in shape)
    return block(1, name) + block(2, block(1, number(1, kind) + block(2, dims)))


class Graph:
    """A model that is written and evaluated."""

    def __init__(self, shape, opset=13, kind=FLOAT):
        self.inputs, self.opset, self.nodes, self.weights, self.kinds = [("x", shape, kind)], opset, [], {}, {}
        self.outputs, self.order, self.output_order = ["y"], None, None

    def weight(self, name, values, kind=None):
        self.weights[name] = np.asarray(values)
        self.kinds[name] = kind
        return name

    def random(self, name, *shape, scale=0.5):
        return self.weight(name, (scale * generator.standard_normal(shape)).astype(np.float32))

    def ints(self, name, *values):
        return self.weight(name, np.array(values, dtype=np.int64))

    def node(self, op, inputs, outputs, domain="", **attributes):
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append((op, inputs.split() if isinstance(inputs, str) else inputs, outputs, domain, attributes))
        return outputs[0]

    def bytes(self):
        graph = b""
        for k, (op, inputs, outputs, domain, attributes) in enumerate(self.nodes):
            one = b"".join(block(1, i) for i in inputs) + b"".join(block(2, o) for o in outputs)
            one += block(3, f"{op}_{k}") + block(4, op)
            one += b"".join(block(5, attribute(n, v)) for n, v in attributes.items())
            graph += block(1, one + (block(7, domain) if domain else b""))
        graph += block(2, "fixture")
        graph += b"".join(block(5, tensor(n, v, self.kinds[n])) for n, v in self.weights.items())
        graph += b"".join(block(11, value_info(*each)) for each in self.inputs)
        graph += b"".join(block(12, value_info(o, ["n"])) for o in self.outputs)
        opsets = block(8, block(1, "") + number(2, self.opset)) + block(8, block(1, "com.microsoft") + number(2, 1))
        return number(1, 8) + block(2, "spinet's fixtures") + block(7, graph) + opsets

    # --- what it computes

    def run(self, x):
        values = {n: torch.from_numpy(v.astype(np.float64) if v.dtype != np.int64 else v)
                  for n, v in self.weights.items()}
        values[""] = None
        values["x"] = x
        for name, shape, _ in self.inputs[1:]:
            values[name] = torch.zeros([d if isinstance(d, int) else 1 for d in shape], dtype=torch.float64)
        left = list(self.nodes)
        while left:  # in any order
            k = next(k for k, n in enumerate(left) if all(i in values for i in n[1]))
            op, inputs, outputs, _, attributes = left.pop(k)
            results = getattr(self, "op_" + op)([values[i] for i in inputs], **attributes)
            results = results if isinstance(results, tuple) else (results,)
            values.update(zip(outputs, results))
        return values

    @staticmethod
    def op_Constant(_, value):
        return torch.from_numpy(value.astype(np.float64))

    @staticmethod
    def op_Transpose(i, perm):
        return i[0].permute(*perm)

    @staticmethod
    def op_Reshape(i):
        shape = [i[0].shape[k] if d == 0 else int(d) for k, d in enumerate(i[1])]
        return i[0].reshape(shape)

    @staticmethod
    def op_Flatten(i, axis=1):
        return i[0].reshape(int(np.prod(i[0].shape[:axis])), -1)

    @staticmethod
    def op_Squeeze(i):
        return i[0].squeeze(int(i[1][0]))

    @staticmethod
    def op_Concat(i, axis):
        return torch.cat(i, axis)

    @staticmethod
    def op_Split(i, axis):
        return tuple(torch.split(i[0], [int(d) for d in i[1]], axis))

    @staticmethod
    def op_Identity(i):
        return i[0]

    @staticmethod
    def op_Clip(i):
        return i[0].clamp(float(i[1]), float(i[2]))

    @staticmethod
    def op_Add(i, broadcast=0, axis=None):
        b = i[1]
        if axis is not None:
            b = b.reshape(list(b.shape) + [1] * (i[0].dim() - axis - b.dim()))
        return i[0] + b

    op_Sum = staticmethod(lambda i: sum(i))
    op_Sub = staticmethod(lambda i: i[0] - i[1])
    op_Mul = staticmethod(lambda i: i[0] * i[1])
    op_Div = staticmethod(lambda i: i[0] / i[1])
    op_Neg = staticmethod(lambda i: -i[0])
    op_Sqrt = staticmethod(lambda i: torch.sqrt(i[0]))
    op_Relu = staticmethod(lambda i: torch.relu(i[0]))
    op_Tanh = staticmethod(lambda i: torch.tanh(i[0]))
    op_Sigmoid = staticmethod(lambda i: torch.sigmoid(i[0]))
    op_Softmax = staticmethod(lambda i, axis=-1: torch.softmax(i[0], axis))
    op_MatMul = staticmethod(lambda i: i[0] @ i[1])
    op_Gather = staticmethod(lambda i: i[0][i[1].long()])
    op_Cast = staticmethod(lambda i, to: i[0])

    @staticmethod
    def op_Gemm(i, transA=0, transB=0, alpha=1.0, beta=1.0, broadcast=0):
        a, b = i[0].T if transA else i[0], i[1].T if transB else i[1]
        return alpha * a @ b + (beta * i[2] if len(i) > 2 else 0)

    @staticmethod
    def padded(x, pads, same, window, stride, value=0.0):
        axes = len(window)
        if same:
            total = [max((-(-n // s) - 1) * s + w - n, 0) for n, w, s in zip(x.shape[2:], window, stride)]
            pads = [t // 2 for t in total] + [t - t // 2 for t in total]
        flat = [p for a in reversed(range(axes)) for p in (pads[a], pads[axes + a])]
        return F.pad(x, flat, value=value)

    @classmethod
    def op_Conv(cls, i, pads=None, strides=None, dilations=None, group=1, auto_pad="NOTSET", kernel_shape=None):
        window = i[1].shape[2:]
        axes = len(window)
        x = cls.padded(i[0], pads or [0] * 2 * axes, auto_pad == "SAME_UPPER", window, strides or [1] * axes)
        conv = F.conv1d if axes == 1 else F.conv2d
        return conv(x, i[1], i[2] if len(i) > 2 else None, strides or 1, 0, dilations or 1, group)

    @staticmethod
    def op_ConvTranspose(i, pads=None, dilations=None, group=1, strides=None):
        axes = i[1].dim() - 2
        conv = F.conv_transpose1d if axes == 1 else F.conv_transpose2d
        return conv(i[0], i[1], i[2] if len(i) > 2 else None, 1, (pads or [0] * 2 * axes)[:axes], 0, group,
                    tuple(dilations or [1] * axes))

    @classmethod
    def op_MaxPool(cls, i, kernel_shape, strides=None, pads=None, auto_pad="NOTSET", ceil_mode=0):
        axes = len(kernel_shape)
        pool = F.max_pool1d if axes == 1 else F.max_pool2d
        x = cls.padded(i[0], pads or [0] * 2 * axes, auto_pad == "SAME_UPPER", kernel_shape, strides or [1] * axes,
                       -np.inf)
        return pool(x, kernel_shape, strides or 1, ceil_mode=bool(ceil_mode))

    @staticmethod
    def op_GlobalAveragePool(i):
        return i[0].mean(tuple(range(2, i[0].dim())), keepdim=True)

    @staticmethod
    def op_ReduceMean(i, axes, keepdims=1):
        return i[0].mean(tuple(axes), keepdim=bool(keepdims))

    @staticmethod
    def op_Pad(i, mode="constant"):
        pads = [int(p) for p in i[1]]
        axes = len(pads) // 2
        return F.pad(i[0], [p for a in reversed(range(axes)) for p in (pads[a], pads[axes + a])])

    @staticmethod
    def op_LSTM(i, hidden_size):
        """ONNX's equations, forward, gates i o f c; the batch is the second axis."""
        x, w, r, b = i[0], i[1][0], i[2][0], i[3][0]
        h = c = torch.zeros(x.shape[1], hidden_size, dtype=torch.float64)
        steps = []
        for t in range(x.shape[0]):
            sums = x[t] @ w.T + h @ r.T + b[: 4 * hidden_size] + b[4 * hidden_size :]
            gate_i, gate_o, gate_f, cell = sums.chunk(4, 1)
            c = torch.sigmoid(gate_f) * c + torch.sigmoid(gate_i) * torch.tanh(cell)
            h = torch.sigmoid(gate_o) * torch.tanh(c)
            steps.append(h)
        return torch.stack(steps)[:, None], h[None], c[None]

    @staticmethod
    def op_GRU(i, hidden_size, linear_before_reset=0):
        """Gates z r h."""
        x, w, r, b = i[0], i[1][0], i[2][0], i[3][0]
        h = torch.zeros(x.shape[1], hidden_size, dtype=torch.float64)
        of_x, of_h = b.reshape(2, -1)
        rz, rr, rh = r.split(hidden_size)
        bz, br, bh = of_h.split(hidden_size)
        steps = []
        for t in range(x.shape[0]):
            z, reset, new = (x[t] @ w.T + of_x).split(hidden_size, 1)
            z, reset = torch.sigmoid(z + h @ rz.T + bz), torch.sigmoid(reset + h @ rr.T + br)
            new = torch.tanh(new + (reset * (h @ rh.T + bh) if linear_before_reset else (reset * h) @ rh.T + bh))
            h = (1 - z) * new + z * h
            steps.append(h)
        return torch.stack(steps)[:, None], h[None]

    # quantised: the integers times their scales; computed values stay as they are
    op_QuantizeLinear = staticmethod(lambda i: i[0])
    op_DynamicQuantizeLinear = staticmethod(lambda i: (i[0], torch.tensor(1.0), torch.tensor(0.0)))

    @staticmethod
    def op_DequantizeLinear(i, axis=1, block_size=0):
        if len(i) < 3 or i[0].grad_fn is not None or not torch.equal(i[0], i[0].round()):
            return i[0]
        scale, zero = i[1], i[2]
        if scale.dim() == 1 and i[0].dim() > 1:
            shape = [1] * i[0].dim()
            shape[axis] = -1
            scale, zero = scale.reshape(shape), zero.reshape(shape)
        if block_size:
            scale, zero = (v.repeat_interleave(block_size, axis) for v in (scale, zero))
        return (i[0] - zero) * scale

    @staticmethod
    def op_MatMulInteger(i):
        return i[0] @ (i[1] - i[3])

    @classmethod
    def op_QLinearConv(cls, i, **more):
        scale = i[4].reshape(-1, *[1] * (i[3].dim() - 1))
        return cls.op_Conv([i[0], (i[3] - i[5].reshape(scale.shape)) * scale, i[8] * i[1] * i[4]], **more)

    @staticmethod
    def op_MatMulNBits(i, N, K, bits, block_size, **_):
        low_first = torch.stack([i[1] % 16, i[1] // 16], -1).reshape(N, -1)
        scale = i[2].reshape(N, -1).repeat_interleave(block_size, 1)
        return i[0] @ ((low_first - 8) * scale)[:, :K].T


# --- the models ----------------------------------------------------------------------------------------------------


def tf2onnx(g):
    """Channels last; transpositions around each operation, a bias added in between."""
    g.random("conv/kernel", 4, 2, 3, 3), g.random("conv/bias", 4), g.ints("shape", -1, 64)
    g.random("dense/kernel", 64, 3), g.random("dense/bias", 3)
    g.node("Transpose", "x", "a", perm=[0, 3, 1, 2])
    g.node("Conv", "a conv/kernel", "b", auto_pad="SAME_UPPER", strides=[1, 1])
    g.node("Transpose", "b", "c", perm=[0, 2, 3, 1])
    g.node("Add", "c conv/bias", "d")
    g.node("Relu", "d", "e")
    g.node("Transpose", "e", "f", perm=[0, 3, 1, 2])
    g.node("MaxPool", "f", "h", kernel_shape=[2, 2], strides=[2, 2])
    g.node("Transpose", "h", "i", perm=[0, 2, 3, 1])
    g.node("Reshape", "i shape", "j")
    g.node("MatMul", "j dense/kernel", "k")
    g.node("Add", "k dense/bias", "l")
    g.node("Softmax", "l", "y")
    g.order = (2, 0, 1)


def zero_padding(g):
    """Keras' ZeroPadding2D before the transposition, a layer for each pixel, a mean over positions."""
    g.ints("pads", 0, 1, 1, 0, 0, 1, 2, 0)
    g.random("k", 4, 2, 3, 3), g.random("b", 4), g.random("w", 4, 5), g.random("v", 5), g.random("d", 5, 3)
    g.node("Pad", "x pads", "p", mode="constant")
    g.node("Transpose", "p", "a", perm=[0, 3, 1, 2])
    g.node("Conv", "a k b", "c", strides=[2, 2])
    g.node("Transpose", "c", "e", perm=[0, 2, 3, 1])
    g.node("Tanh", "e", "f")
    g.node("MatMul", "f w", "h")
    g.node("Add", "h v", "i")
    g.node("Relu", "i", "j")
    g.node("ReduceMean", "j", "m", axes=[1, 2], keepdims=0)
    g.node("MatMul", "m d", "y")
    g.order = (2, 0, 1)


def standardised(g, pads):
    """Images less a mean, by a deviation, per channel."""
    g.weight("mean", np.array([0.5, -0.25], np.float32).reshape(1, 2, 1, 1))
    g.weight("deviation", np.array([0.2, 4.0], np.float32).reshape(1, 2, 1, 1))
    g.random("k", 4, 2, 3, 3), g.random("b", 4), g.random("w", 3, 4 * (4 + 2 * pads) ** 2)
    g.node("Sub", "x mean", "a")
    g.node("Div", "a deviation", "c")
    g.node("Conv", "c k b", "d", pads=[pads] * 4)
    g.node("Relu", "d", "e")
    g.node("Flatten", "e", "f")
    g.node("Gemm", "f w", "y", transB=1)


def normalised_by_hand(g):
    """Batch normalisation in elementary nodes, with its constants still to be calculated; channels last."""
    g.random("k", 4, 2, 3, 3), g.random("mean", 4), g.random("gamma", 4), g.random("beta", 4)
    g.weight("variance", np.array([0.5, 1, 2, 3], np.float32)), g.weight("epsilon", np.float32(0.001))
    g.random("w", 64, 3)
    g.node("Transpose", "x", "a", perm=[0, 3, 1, 2])
    g.node("Conv", "a k", "b")
    g.node("Transpose", "b", "c", perm=[0, 2, 3, 1])
    g.node("Add", "variance epsilon", "v")
    g.node("Sqrt", "v", "s")
    g.node("Div", "gamma s", "m")
    g.node("Mul", "mean m", "o")
    g.node("Sub", "beta o", "n")
    g.node("Mul", "c m", "d")
    g.node("Add", "d n", "e")
    g.node("Relu", "e", "f")
    g.node("Flatten", "f", "h")
    g.node("MatMul", "h w", "y")
    g.order = (2, 0, 1)


def unity(g):
    """ML-Agents: a normaliser, a concatenation of one, x sigmoid(x), constants as outputs; nodes out of order."""
    g.outputs = ["version_number", "memory_size", "y"]
    g.weight("version", np.array([3], np.float32)), g.weight("memory", np.array([0], np.float32))
    g.random("mean", 6), g.weight("steps", np.array([2, 3, 4, 5, 6, 7], np.float32))
    for name, shape in (("w1", (8, 6)), ("b1", (8,)), ("w2", (3, 8)), ("b2", (3,))):
        g.random(name, *shape)
    g.weight("three", np.float32(3))
    g.node("Identity", "version", "version_number")
    g.node("Identity", "memory", "memory_size")
    g.node("Div", "t three", "y")
    g.node("Gemm", "c w1 b1", "h", transB=1)
    g.node("Sigmoid", "h", "s")
    g.node("Mul", "h s", "m")
    g.node("Gemm", "m w2 b2", "t", transB=1)
    g.node("Sub", "x mean", "a")
    g.node("Sqrt", "steps", "r")
    g.node("Div", "a r", "b")
    g.node("Concat", "b", "c", axis=-1)


def columns(g):
    """W x + b with columns, as MATLAB and verification benchmarks have it."""
    for name, shape in (("w1", (8, 6)), ("b1", (8, 1)), ("w2", (5, 8)), ("b2", (5, 1)), ("w3", (3, 5))):
        g.random(name, *shape)
    g.random("mean", 6, 1)
    g.node("Sub", "x mean", "a")
    g.node("MatMul", "w1 a", "b")
    g.node("Add", "b1 b", "c")
    g.node("Relu", "c", "d")
    g.node("Gemm", "w2 d b2", "e")
    g.node("Relu", "e", "f")
    g.node("MatMul", "w3 f", "y")


def cntk(g):
    """The MNIST model of the model zoo: biases of shape (channels, 1, 1), weights that are reshaped first."""
    g.random("k", 2, 1, 5, 5), g.random("b", 2, 1, 1), g.random("w", 2, 4, 4, 3), g.random("v", 1, 3)
    g.ints("s", 32, 3), g.ints("t", 1, 32)
    g.node("Reshape", "w s", "wr")
    g.node("Conv", "x k", "a", auto_pad="SAME_UPPER", kernel_shape=[5, 5], strides=[1, 1])
    g.node("Add", "a b", "c")
    g.node("Relu", "c", "d")
    g.node("MaxPool", "d", "e", kernel_shape=[2, 2], strides=[2, 2], auto_pad="NOTSET", pads=[0, 0, 0, 0])
    g.node("Reshape", "e t", "f")
    g.node("MatMul", "f wr", "h")
    g.node("Add", "h v", "y")


def keras_lstm(g):
    """Batch first around a layer with steps first, initial states as inputs."""
    g.inputs += [("h0", (1, 1, 4), FLOAT), ("c0", (1, 1, 4), FLOAT)]
    g.random("lstm_w", 1, 16, 3), g.random("lstm_r", 1, 16, 4), g.random("lstm_b", 1, 32), g.ints("axis", 0)
    g.random("mean", 3), g.random("w", 4, 2)
    g.node("Sub", "x mean", "m")
    g.node("Transpose", "m", "a", perm=[1, 0, 2])
    g.node("LSTM", ["a", "lstm_w", "lstm_r", "lstm_b", "", "h0", "c0"], ["b", "c", "d"], hidden_size=4)
    g.node("Squeeze", "c axis", "e")
    g.node("MatMul", "e w", "y")


def split(g):
    """A policy's means and deviations of one layer; the means are the output."""
    g.random("w", 8, 6), g.random("b", 8), g.random("v", 6, 8), g.random("c", 6), g.ints("sizes", 2, 4)
    g.node("Gemm", "x w b", "a", transB=1)
    g.node("Tanh", "a", "d")
    g.node("Gemm", "d v c", "e", transB=1)
    g.node("Split", "e sizes", ["deviations", "f"], axis=1)
    g.node("Tanh", "f", "y")
    g.outputs = ["y", "deviations"]


def transposed(g):
    g.random("k", 4, 3, 3, 2), g.random("b", 6), g.random("w", 3, 6, 1, 1)
    g.node("ConvTranspose", "x k b", "a", group=2, pads=[1, 0, 1, 0], dilations=[2, 1])
    g.node("Relu", "a", "c")
    g.node("Conv", "c w", "y")


def opset6(g):
    g.random("k", 4, 2, 3, 3), g.random("b", 4), g.random("w", 3, 64), g.random("v", 3)
    g.node("Conv", "x k", "a")
    g.node("Add", "a b", "c", broadcast=1, axis=1)
    g.node("Relu", "c", "d")
    g.node("Flatten", "d", "e")
    g.node("Gemm", "e w v", "y", transB=1, broadcast=1)


def residuals(g):
    """Sum of three, a difference, a constant less a value."""
    for name in ("a", "b", "c"):
        g.random("w" + name, 6, 6), g.node("MatMul", f"x w{name}", "l" + name)
    g.random("one", 6), g.random("v", 6, 3)
    g.node("Relu", "la", "ra")
    g.node("Sum", "ra lb lc", "s")
    g.node("Sub", "one s", "d")
    g.node("Tanh", "d", "e")
    g.node("Sub", "e ra", "f")
    g.node("Neg", "f", "h")
    g.node("MatMul", "h v", "y")


def scaled_embedding(g):
    g.random("words", 7, 4), g.random("positions", 5, 4), g.weight("root", np.float32(2)), g.random("w", 4, 3)
    g.node("Gather", "words x", "a")
    g.node("Mul", "a root", "b")
    g.node("Add", "b positions", "c")
    g.node("MatMul", "c w", "d")
    g.node("ReduceMean", "d", "y", axes=[1], keepdims=0)


def per_channel(g):
    """QDQ with a scale for each output."""
    g.weight("q", generator.integers(-128, 128, (4, 2, 3, 3)).astype(np.int8))
    g.weight("s", np.array([0.01, 0.02, 0.003, 0.04], np.float32)), g.weight("z", np.zeros(4, np.int8))
    g.weight("sx", np.float32(0.05)), g.weight("zx", np.uint8(128))
    g.weight("bias_q", generator.integers(-900, 900, (4,)).astype(np.int32))
    g.weight("bias_s", np.array([5e-4, 1e-3, 1.5e-4, 2e-3], np.float32)), g.weight("bias_z", np.zeros(4, np.int32))
    g.node("QuantizeLinear", "x sx zx", "xq")
    g.node("DequantizeLinear", "xq sx zx", "xd")
    g.node("DequantizeLinear", "q s z", "w", axis=0)
    g.node("DequantizeLinear", "bias_q bias_s bias_z", "b", axis=0)
    g.node("Conv", "xd w b", "y", pads=[1, 1, 1, 1])


def dynamic(g):
    """ONNX Runtime's dynamic quantisation."""
    g.weight("q", generator.integers(0, 256, (6, 4)).astype(np.uint8)), g.weight("z", np.uint8(120))
    g.weight("s", np.float32(0.01)), g.random("b", 4)
    g.node("DynamicQuantizeLinear", "x", ["xq", "xs", "xz"])
    g.node("MatMulInteger", "xq q xz z", "m")
    g.node("Cast", "m", "f", to=1)
    g.node("Mul", "xs s", "scales")
    g.node("Mul", "f scales", "p")
    g.node("Add", "p b", "y")


def integer_operators(g):
    g.weight("q", generator.integers(0, 256, (4, 2, 3, 3)).astype(np.uint8))
    g.weight("s", np.array([0.01, 0.02, 0.003, 0.04], np.float32))
    g.weight("z", np.array([1, 128, 100, 20], np.uint8))
    g.weight("sx", np.float32(0.5)), g.weight("zx", np.uint8(3)), g.weight("sy", np.float32(0.5))
    g.weight("zy", np.uint8(3)), g.weight("b", generator.integers(-90, 90, (4,)).astype(np.int32))
    g.node("QuantizeLinear", "x sx zx", "xq")
    g.node("QLinearConv", "xq sx zx q s z sy zy b", "yq", strides=[2, 2])
    g.node("DequantizeLinear", "yq sy zy", "y")


def blocks_of_four_bits(g):
    g.weight("q", generator.integers(0, 16, (8, 6)).astype(np.uint8), UINT4)
    g.weight("s", generator.uniform(0.01, 0.1, (2, 6)).astype(np.float32))
    g.weight("z", generator.integers(0, 16, (2, 6)).astype(np.uint8), UINT4)
    g.node("DequantizeLinear", "q s z", "w", axis=0, block_size=4)
    g.node("MatMul", "x w", "y")


def n_bits(g):
    g.weight("q", generator.integers(0, 256, (5, 2, 8)).astype(np.uint8))
    g.weight("s", generator.uniform(0.01, 0.1, (10,)).astype(np.float32))
    g.node("MatMulNBits", "x q s", "y", domain="com.microsoft", N=5, K=20, bits=4, block_size=16)


def fire(g):
    """SqueezeNet's module, with channels last around the concatenation; pooling that rounds up."""
    g.random("s", 3, 2, 1, 1), g.random("e1", 4, 3, 1, 1), g.random("e3", 2, 3, 3, 3), g.random("w", 5, 6, 1, 1)
    g.node("Transpose", "x", "a", perm=[0, 3, 1, 2])
    g.node("Conv", "a s", "b")
    g.node("Relu", "b", "c")
    g.node("Conv", "c e1", "d")
    g.node("Conv", "c e3", "e", pads=[1] * 4)
    for k in "de":
        g.node("Transpose", k, k + "t", perm=[0, 2, 3, 1])
        g.node("Relu", k + "t", k + "r")
    g.node("Concat", "dr er", "f", axis=3)
    g.node("Transpose", "f", "h", perm=[0, 3, 1, 2])
    g.node("MaxPool", "h", "i", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    g.node("Conv", "i w", "j")
    g.node("GlobalAveragePool", "j", "k")
    g.node("Flatten", "k", "y")
    g.order = (2, 0, 1)


def branches(g):
    """Two layers of the input, one behind the other, with the second's values first in the last layer."""
    g.random("a", 6, 4), g.random("b", 6, 3), g.random("c", 7, 2)
    g.node("MatMul", "x a", "d")
    g.node("Relu", "d", "e")
    g.node("MatMul", "x b", "f")
    g.node("Tanh", "f", "h")
    g.node("Concat", "h e", "i", axis=1)
    g.node("MatMul", "i c", "y")


def text_windows(g):
    """Windows over embedded words, the largest of each: channels are the second axis for the windows alone."""
    g.random("words", 7, 4), g.random("k3", 3, 4, 3), g.random("k2", 2, 4, 2), g.random("w", 5, 2)
    g.node("Gather", "words x", "a")
    g.node("Transpose", "a", "t", perm=[0, 2, 1])
    for k in "32":
        g.node("Conv", f"t k{k}", "c" + k)
        g.node("Relu", "c" + k, "r" + k)
        g.node("MaxPool", "r" + k, "p" + k, kernel_shape=[8 - int(k)])
        g.node("Flatten", "p" + k, "f" + k)
    g.node("Concat", "f3 f2", "f", axis=1)
    g.node("MatMul", "f w", "y")


def windows_then_gru(g):
    """A convolution of channels first, whose positions are the steps of a recurrent layer."""
    g.random("k", 4, 2, 3), g.random("b", 4), g.random("gru_w", 1, 9, 4), g.random("gru_r", 1, 9, 3)
    g.random("gru_b", 1, 18), g.ints("axis", 0), g.random("w", 3, 2)
    g.node("Conv", "x k b", "a")
    g.node("Relu", "a", "c")
    g.node("MaxPool", "c", "d", kernel_shape=[2], strides=[2])
    g.node("Transpose", "d", "e", perm=[2, 0, 1])
    g.node("GRU", "e gru_w gru_r gru_b", ["f", "h"], hidden_size=3)
    g.node("Squeeze", "h axis", "i")
    g.node("MatMul", "i w", "y")
    g.order = (1, 0)


def models():
    yield "fire", Graph(["n", 6, 6, 2]), fire
    yield "branches", Graph(["n", 6]), branches
    yield "text_windows", Graph([1, 7], kind=INT64), text_windows
    yield "windows_then_gru", Graph(["n", 2, 12]), windows_then_gru
    yield "tf2onnx", Graph(["batch", 8, 8, 2]), tf2onnx
    yield "zero_padding", Graph(["batch", 6, 6, 2]), zero_padding
    yield "standardised", Graph(["n", 2, 6, 6]), lambda g: standardised(g, 0)
    yield "standardised_padded", Graph(["n", 2, 6, 6]), lambda g: standardised(g, 1)
    yield "normalised_by_hand", Graph(["n", 6, 6, 2]), normalised_by_hand
    yield "unity", Graph(["batch", 6], 9), unity
    yield "columns", Graph([6, 1]), columns
    yield "cntk", Graph([1, 1, 8, 8], 8), cntk
    yield "keras_lstm", Graph([1, 5, 3]), keras_lstm
    yield "split", Graph(["n", 6]), split
    yield "transposed", Graph(["n", 4, 6, 5]), transposed
    yield "opset6", Graph(["n", 2, 6, 6], 6), opset6
    yield "residuals", Graph([32, 6]), residuals
    yield "scaled_embedding", Graph([1, 5], kind=INT64), scaled_embedding
    yield "per_channel", Graph(["n", 2, 5, 5]), per_channel
    yield "dynamic", Graph(["n", 6], 11), dynamic
    yield "integer_operators", Graph(["n", 2, 7, 7]), integer_operators
    yield "blocks_of_four_bits", Graph(["n", 8], 21), blocks_of_four_bits
    yield "n_bits", Graph(["n", 20]), n_bits


def reference(graph):
    _, shape, kind = graph.inputs[0]
    sample = [d if isinstance(d, int) else 1 for d in shape]
    if shape[0] not in (1, 6) or isinstance(shape[0], str):
        sample[0] = 1
    count = int(np.prod(sample))
    x = torch.tensor([(7 * k + 3) % 7 if kind == INT64 else np.sin(k + 1) for k in range(count)], dtype=torch.float64)
    x = x.reshape(sample)
    values = graph.run(x)
    output = values["y"].double()
    listed = x[0].permute(*graph.order) if graph.order else x
    return {"input": x.flatten().tolist(), "listed": listed.flatten().tolist(), "output": output.flatten().tolist()}


def resnet50(path):
    """Convolutions without a bias, followed by batch normalisation, as PyTorch exports it in training mode's names."""
    g = Graph(["batch", 3, 224, 224])
    count = [0]

    def convolution(x, out, inside, window, stride, pad):
        count[0] += 1
        name = f"layer{count[0]}"
        g.weight(name + ".weight", (generator.standard_normal((out, inside, window, window), dtype=np.float32)
                                    / np.float32(np.sqrt(inside * window * window))))
        for part, value in (("bn.weight", 1), ("bn.bias", 0), ("bn.running_mean", 0), ("bn.running_var", 1)):
            g.weight(f"{name}.{part}", np.full(out, value, np.float32))
        g.node("Conv", f"{x} {name}.weight", name + "c", pads=[pad] * 4, strides=[stride] * 2)
        g.node("BatchNormalization", " ".join([name + "c"] + [f"{name}.{p}" for p in (
            "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")]), name + "n", epsilon=1e-5)
        return name + "n"

    def relu(x):
        return g.node("Relu", x, x + "r")

    x = relu(convolution("x", 64, 3, 7, 2, 3))
    x = g.node("MaxPool", x, "pooled", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    inside = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for k in range(blocks):
            s = stride if k == 0 else 1
            y = relu(convolution(x, width, inside, 1, 1, 0))
            y = relu(convolution(y, width, width, 3, s, 1))
            y = convolution(y, 4 * width, width, 1, 1, 0)
            short = convolution(x, 4 * width, inside, 1, s, 0) if k == 0 else x
            x = relu(g.node("Add", f"{y} {short}", f"sum{count[0]}"))
            inside = 4 * width
    g.node("GlobalAveragePool", x, "mean")
    g.node("Flatten", "mean", "flat")
    g.random("fc.weight", 1000, 2048, scale=0.02), g.random("fc.bias", 1000)
    g.node("Gemm", "flat fc.weight fc.bias", "y", transB=1)
    path.write_bytes(g.bytes())
    print(path, sum(v.size for v in g.weights.values()), "numbers")


generator = np.random.default_rng(24)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, default=Path("tests/data/onnx"))
    parser.add_argument("--large", type=Path)
    options = parser.parse_args()
    if options.large:
        return resnet50(options.large)
    options.directory.mkdir(parents=True, exist_ok=True)
    references = {}
    for name, graph, build in models():
        build(graph)
        (options.directory / f"{name}.onnx").write_bytes(graph.bytes())
        references[name] = reference(graph)
    text = ",\n".join(f'"{name}": {json.dumps(each)}' for name, each in references.items())
    (options.directory / "reference.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
