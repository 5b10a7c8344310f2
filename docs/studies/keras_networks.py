#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes small networks as Keras 2 and 3 save them, and what they compute, for tests/readers/keras_networks.cpp.

    /usr/bin/python3 docs/studies/keras_networks.py tests/data/keras/networks

Needs Debian's python3-h5py and python3-numpy; Keras is not needed. What each layer computes is written here from the
equations in its documentation (keras.io/api/layers), with channels last, and knows nothing of spinet. The layouts of the
files are those of keras/src/legacy/saving/legacy_h5_format.py (NAME.h5) and keras/src/saving/saving_lib.py (NAME.keras,
NAME.weights.h5), the configurations those that Keras 2.11 and 3.5 write, without initialisers and regularisers.
NAME.json holds one input and what the layers give for it, the channels of maps first, as spinet has them.
"""
import io
import json
import pathlib
import re
import sys
import zipfile

import h5py
import numpy as np

rng = np.random.default_rng(24)


def random(*shape, scale=0.5):
    return (scale * rng.standard_normal(shape)).astype("<f4")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    y = np.exp(x - x.max(-1, keepdims=True))
    return y / y.sum(-1, keepdims=True)


FUNCTIONS = {"linear": lambda x: x, "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": sigmoid,
             "softmax": softmax, "softplus": lambda x: np.log1p(np.exp(x))}


def pair(x, axes):
    return list(x) if isinstance(x, (list, tuple)) else [x] * axes


def windows(x, size, strides, padding, dilation, outside):
    """x (positions..., channels) -> (results..., window..., channels); 'same' as TensorFlow defines it."""
    axes = x.ndim - 1
    pads, results = [], []
    for a in range(axes):
        n, span = x.shape[a], (size[a] - 1) * dilation[a] + 1
        if padding == "same":
            total = max((-(-n // strides[a]) - 1) * strides[a] + span - n, 0)
            pads.append((total // 2, total - total // 2))
        else:
            pads.append((span - 1, 0) if padding == "causal" else (0, 0))
        results.append((n + sum(pads[-1]) - span) // strides[a] + 1)
    x = np.pad(x, pads + [(0, 0)], constant_values=outside)
    out = np.empty(results + list(size) + [x.shape[-1]])
    for at in np.ndindex(*results):
        out[at] = x[tuple(slice(i * s, i * s + (k - 1) * d + 1, d) for i, s, k, d in zip(at, strides, size, dilation))]
    return out


def convolve(x, kernel, config, groups=1, depthwise=False, one=False):
    axes = x.ndim - 1
    get = lambda key: [1] * axes if one else pair(config.get(key, 1), axes)
    seen = windows(x, kernel.shape[:axes], get("strides"), "valid" if one else config.get("padding", "valid"),
                   get("dilation_rate"), 0.0)
    spots = seen.shape[:axes]
    if depthwise:  # output channel c * multiplier + m
        y = np.einsum("nkc,kcm->ncm", seen.reshape(np.prod(spots), -1, x.shape[-1]),
                      kernel.reshape(-1, *kernel.shape[axes:]).astype(float))
        return y.reshape(*spots, -1)
    parts = []
    for g in range(groups):
        n, m = x.shape[-1] // groups, kernel.shape[-1] // groups
        part = seen[..., g * n:(g + 1) * n].reshape(np.prod(spots), -1)
        parts.append(part @ kernel[..., g * m:(g + 1) * m].reshape(-1, m).astype(float))
    return np.concatenate(parts, -1).reshape(*spots, -1)


def recur(kind, x, config, w, backwards):
    """The states of all steps in the order in which they are computed; gates i, f, c, o and z, r, h."""
    units = w["recurrent_kernel"].shape[0]
    W, U = w["kernel"].astype(float), w["recurrent_kernel"].astype(float)
    b = np.atleast_2d(w["bias"].astype(float)) if "bias" in w else np.zeros((2, W.shape[1]))
    h, c, states = np.zeros(units), np.zeros(units), []
    f = FUNCTIONS[config.get("activation", "tanh")]
    part = lambda v, k: v[..., k * units:(k + 1) * units]
    for xt in (x[::-1] if backwards else x):
        if kind == "SimpleRNN":
            h = f(xt @ W + h @ U + b[0])
        elif kind == "LSTM":
            z = xt @ W + h @ U + b[0]
            i, forget, o = (sigmoid(part(z, k)) for k in (0, 1, 3))
            c = forget * c + i * f(part(z, 2))
            h = o * f(c)
        else:
            zx = xt @ W + b[0]
            inner = h @ U + (b[1] if len(b) == 2 else 0)
            z, r = sigmoid(part(zx, 0) + part(inner, 0)), sigmoid(part(zx, 1) + part(inner, 1))
            if config.get("reset_after", True):
                hh = f(part(zx, 2) + r * part(inner, 2))
            else:
                hh = f(part(zx, 2) + (r * h) @ part(U, 2))
            h = z * h + (1 - z) * hh
        states.append(h)
    return np.array(states)


class Layer:
    """One layer: what it is, what it reads, its weights, and what it gives."""

    def __init__(self, class_name, name, inputs=None, weights=None, **config):
        self.class_name, self.name, self.inputs = class_name, name, inputs
        self.weights, self.config = weights or {}, {"name": name, "trainable": True, "dtype": "float32", **config}

    def give(self, *xs):
        """The result, and what it was before the function."""
        x, c, w, kind = xs[0], self.config, self.weights, self.class_name
        first = c.get("data_format") == "channels_first"
        if first and kind.startswith(("Conv", "MaxPool")):
            x = np.moveaxis(x, 0, -1)
        axes = x.ndim - 1
        bias = w.get("bias", np.zeros(1)).astype(float)
        if kind == "Dense" or kind == "TimeDistributed":
            y = x @ w["kernel"].astype(float) + bias
        elif kind in ("Conv1D", "Conv2D"):
            y = convolve(x, w["kernel"], c, c.get("groups", 1)) + bias
        elif kind == "DepthwiseConv2D":
            y = convolve(x, w["depthwise_kernel"], c, depthwise=True) + bias
        elif kind.startswith("SeparableConv"):
            y = convolve(convolve(x, w["depthwise_kernel"], c, depthwise=True), w["pointwise_kernel"], c, one=True) + bias
        elif kind.startswith(("MaxPooling", "AveragePooling")):
            size = pair(c.get("pool_size", 2), axes)
            outside = np.nan
            seen = windows(x, size, pair(c.get("strides") or size, axes), c.get("padding", "valid"), [1] * axes, outside)
            over = tuple(range(axes, 2 * axes))
            y = np.nanmax(seen, over) if kind[0] == "M" else np.nanmean(seen, over)
        elif kind.startswith("Global"):
            over = tuple(range(axes))
            y = x.max(over, keepdims=c.get("keepdims", False)) if "Max" in kind else \
                x.mean(over, keepdims=c.get("keepdims", False))
        elif kind.startswith("ZeroPadding"):
            p = c["padding"]
            p = [[p, p]] * axes if isinstance(p, int) else [[q, q] if isinstance(q, int) else q for q in p]
            y = np.pad(x, [list(q) for q in p] + [(0, 0)])
        elif kind == "BatchNormalization":
            y = (x - w["moving_mean"]) / np.sqrt(w["moving_variance"] + c["epsilon"]) * w.get("gamma", 1) + w.get("beta", 0)
        elif kind == "LayerNormalization":
            y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + c["epsilon"])
            y = y * w.get("gamma", 1) + w.get("beta", 0)
        elif kind == "Rescaling":
            y = x * c["scale"] + c["offset"]
        elif kind == "Normalization":
            y = (x - w["mean"]) / np.maximum(np.sqrt(w["variance"]), 1e-7)
        elif kind == "Activation" or kind == "ReLU":
            y = FUNCTIONS[c.get("activation", "relu")](x)
            return y, y
        elif kind == "Flatten":
            y = (np.moveaxis(x, 0, -1) if first else x).reshape(-1)
        elif kind == "Reshape":
            y = x.reshape(c["target_shape"])
        elif kind == "Add":
            y = sum(xs)
        elif kind == "Concatenate":
            axis = c.get("axis", -1)
            y = np.concatenate(xs, axis - (axis > 0))  # the batch is axis 0
        elif kind == "Embedding":
            y = w["embeddings"].astype(float)[x.astype(int)]
        elif kind in ("LSTM", "GRU", "SimpleRNN"):
            y = recur(kind, x, c, w, c.get("go_backwards", False))
            return (y, y) if c.get("return_sequences") else (y[-1], y[-1])
        elif kind == "Bidirectional":
            inner = c["layer"]
            ys = []
            for side, back in (("forward", False), ("backward", True)):
                own = {n[len(side) + 1:]: v for n, v in w.items() if n.startswith(side)}
                ys.append(recur(inner["class_name"], x, inner["config"], own, back))
            if inner["config"].get("return_sequences"):
                ys[1] = ys[1][::-1]
            else:
                ys = [y[-1] for y in ys]
            y = sum(ys) if c["merge_mode"] == "sum" else np.concatenate(ys, -1)
        else:  # Dropout
            y = x
        if first and kind.startswith(("Conv", "MaxPool")):
            y = np.moveaxis(y, -1, 0)
        before = y
        return FUNCTIONS[c.get("activation", "linear")](y), before


# ---- the layouts of files


def snake(name):
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def as_model(layers, version, name="model"):
    """Sequential where no layer says what it reads."""
    sequential = all(layer.inputs is None for layer in layers)
    listed, before = [], None
    for layer in layers:
        config = dict(layer.config)
        if layer.class_name == "InputLayer":
            key = "batch_shape" if version == 3 else "batch_input_shape"
            config = {"name": layer.name, key: [None] + layer.config["shape"], "dtype": "float32"}
        of = {"class_name": layer.class_name, "config": config}
        if layer.class_name == "Functional":
            of = as_model(layer.config["layers"], version, layer.name)
        if version == 3:
            of = {"module": "keras.layers", "registered_name": None, **of}
        if not sequential:
            of["name"] = layer.name
            inputs = layer.inputs or []
            if version == 3:
                tensors = [{"class_name": "__keras_tensor__",
                            "config": {"shape": [None], "dtype": "float32", "keras_history": [i, 0, 0]}} for i in inputs]
                args = tensors if len(tensors) == 1 else [tensors]
                of["inbound_nodes"] = [{"args": args, "kwargs": {}}] if inputs else []
            else:
                of["inbound_nodes"] = [[[i, 0, 0, {}] for i in inputs]] if inputs else []
        listed.append(of)
    config = {"name": name, "layers": listed}
    if not sequential:
        config["input_layers"] = [[x.name, 0, 0] for x in layers if x.class_name == "InputLayer"]
        config["output_layers"] = [[layers[-1].name, 0, 0]]
        if version == 3 and len(config["input_layers"]) == 1:  # as it writes a single one
            config["input_layers"] = config["input_layers"][0]
            config["output_layers"] = config["output_layers"][0]
    return {"class_name": "Sequential" if sequential else "Functional", "config": config}


def paths(layer, within=""):
    """The names of weights as Keras 2 writes them, such as lstm/lstm_cell/kernel:0."""
    found = {}
    if layer.class_name == "Functional":
        for inner in layer.config["layers"]:
            found.update(paths(inner))
    for name, values in layer.weights.items():
        part = name
        if layer.class_name in ("LSTM", "GRU", "SimpleRNN"):
            part = f"{snake(layer.class_name)}_cell/{name}"
        if layer.class_name == "Bidirectional":
            side, part = name.split("_", 1)
            part = f"{side}_lstm/lstm_cell_1/{part}"
        found[f"{layer.name}/{part}:0"] = values
    return found


def write_h5(path, layers):
    path.unlink(missing_ok=True)
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.11.0", b"tensorflow"
        file.attrs["model_config"] = json.dumps(as_model(layers, 2)).encode()
        write_named(file.create_group("model_weights"), layers)


def write_named(group, layers):
    group.attrs["layer_names"] = [layer.name.encode() for layer in layers]
    for layer in sorted(layers, key=lambda each: each.name):
        own, weights = group.create_group(layer.name), paths(layer)
        own.attrs["weight_names"] = [name.encode() for name in weights]
        for name, values in weights.items():
            own.create_dataset(name, data=values)


def write_numbered(file, layers, within=""):
    counted = {}
    for layer in layers:
        kind = snake(layer.class_name)
        number = counted[kind] = counted.get(kind, -1) + 1
        group = f"{within}layers/{kind}" + (f"_{number}" if number else "")
        if layer.class_name == "Functional":
            write_numbered(file, layer.config["layers"], group + "/")
            continue
        file.create_group(group + "/vars").attrs["name"] = layer.name
        sides = {"": layer.weights}
        if layer.class_name in ("LSTM", "GRU", "SimpleRNN"):
            sides = {"cell/": layer.weights}
            file.create_group(f"{group}/cell/seed_generator/vars")["0"] = np.array([1, 2], "<u4")
        if layer.class_name == "Bidirectional":
            sides = {f"{side}_layer/cell/": {n: v for n, v in layer.weights.items() if n.startswith(side)}
                     for side in ("forward", "backward")}
        if layer.class_name == "TimeDistributed":
            sides = {"layer/": layer.weights}
        for side, weights in sides.items():
            for k, values in enumerate(weights.values()):
                file[f"{group}/{side}vars/{k}"] = values


def image_of(layers):
    image = io.BytesIO()
    with h5py.File(image, "w", libver="latest") as file:
        write_numbered(file, layers)
    return image.getvalue()


def write_keras(path, layers):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (("metadata.json", json.dumps({"keras_version": "3.5.0"})),
                           ("config.json", json.dumps({"module": "keras", **as_model(layers, 3)})),
                           ("model.weights.h5", image_of(layers))):
            archive.writestr(zipfile.ZipInfo(name), data)


# ---- the networks


def spinet_order(x, maps):
    """Channels first, in a row, as many digits as make 1e-7."""
    x = np.moveaxis(x, -1, 0) if maps and x.ndim > 1 else x
    return [float(f"{v:.9g}") for v in np.asarray(x, float).ravel()]


MAPS = ("Conv", "Depthwise", "Separable", "MaxPool", "AveragePool", "ZeroPadding")


def evaluate(layers, given, results=None, steps=False):
    """(result, before the function, whether it is maps) of each layer, by name; `steps`: what has one axis is no maps."""
    results = {} if results is None else results
    inner_inputs = [layer.name for layer in layers if layer.class_name == "InputLayer"]
    before = None
    for layer in layers:
        if layer.class_name == "InputLayer":
            results[layer.name] = given[inner_inputs.index(layer.name)]
        else:
            read = [results[i] for i in (layer.inputs or [before])] if (layer.inputs or before) else [given[0]]
            maps = not steps and (read[0][2] or layer.class_name.startswith(MAPS))
            if layer.class_name == "Functional":
                evaluate(layer.config["layers"], read, results)
                results[layer.name] = results[layer.config["layers"][-1].name]
            else:
                y, plain = layer.give(*[r[0] for r in read])
                results[layer.name] = (y, plain, maps and layer.class_name not in ("Flatten", "Reshape") and
                                       layer.config.get("data_format") != "channels_first")
        before = layer.name
    return results


def write_network(directory, name, layers, shape, maps=False, tokens=None, steps=False):
    given = random(*shape, scale=1.0).astype(float) if tokens is None else rng.integers(0, tokens, shape).astype(float)
    results = evaluate(layers, [(given, given, maps)], steps=steps)
    values = {}
    for key, (y, plain, as_maps) in results.items():
        values[key] = spinet_order(plain, as_maps)
        if y is not plain:
            values[key + " activation"] = spinet_order(y, as_maps)
    (directory / f"{name}.json").write_text(json.dumps({"input": spinet_order(given, maps), "values": values}))
    write_h5(directory / f"{name}.h5", layers)
    write_keras(directory / f"{name}.keras", layers)


def dense(name, n, m, inputs=None, **config):
    return Layer("Dense", name, inputs, {"kernel": random(n, m), "bias": random(m)}, units=m, use_bias=True, **config)


def conv(name, kernel, bias=True, inputs=None, kind="Conv2D", **config):
    weights = {"kernel": random(*kernel)}
    if bias:
        weights["bias"] = random(kernel[-1])
    return Layer(kind, name, inputs, weights, filters=kernel[-1], kernel_size=list(kernel[:-2]), use_bias=bias, **config)


def normalised(name, n, inputs=None, **config):
    weights = {"gamma": random(n) + 1, "beta": random(n), "moving_mean": random(n),
               "moving_variance": np.abs(random(n)) + np.float32(0.01)}
    if config.get("scale") is False:
        del weights["gamma"]
    return Layer("BatchNormalization", name, inputs, weights, axis=[-1], epsilon=1e-3, momentum=0.99, **config)


def recurrent(kind, name, n, units, gates, bias, inputs=None, **config):
    return Layer(kind, name, inputs, {"kernel": random(n, gates * units), "recurrent_kernel": random(units, gates * units),
                                      "bias": random(*bias)}, units=units, use_bias=True, **config)


def given(*shape, name="input_1"):
    return Layer("InputLayer", name, shape=list(shape))


def layer_norm(name, n):
    return Layer("LayerNormalization", name, None, {"gamma": random(n) + 1, "beta": random(n)}, axis=[-1], epsilon=1e-3)


def networks():
    images = [
        given(13, 8, 2), Layer("Rescaling", "rescaling", scale=0.25, offset=-0.5),
        Layer("ZeroPadding2D", "pad", padding=[[1, 0], [2, 1]], data_format="channels_last"),
        conv("first", (3, 2, 2, 4), bias=False, strides=[2, 1], padding="valid"), normalised("bn", 4, axis_note=None),
        Layer("ReLU", "relu", max_value=None, negative_slope=0.0, threshold=0.0),
        conv("grouped", (3, 3, 2, 6), groups=2, padding="same", dilation_rate=[1, 2], activation="tanh"),
        Layer("DepthwiseConv2D", "deep", None, {"depthwise_kernel": random(2, 3, 6, 2), "bias": random(12)},
              kernel_size=[2, 3], strides=[2, 2], padding="same", depth_multiplier=2, use_bias=True),
        Layer("SeparableConv2D", "apart", None, {"depthwise_kernel": random(3, 3, 12, 1),
              "pointwise_kernel": random(1, 1, 12, 5), "bias": random(5)}, kernel_size=[3, 3], strides=[1, 1],
              padding="same", depth_multiplier=1, activation="tanh", use_bias=True),
        Layer("MaxPooling2D", "most", pool_size=[2, 2], strides=None, padding="same"),
        Layer("AveragePooling2D", "mean", pool_size=[2, 2], strides=[1, 1], padding="same"),
        Layer("Flatten", "flat", data_format="channels_last"), Layer("Dropout", "drop", rate=0.5),
        normalised("flat_bn", 5 * 2 * 3, scale=False), layer_norm("flat_norm", 30),
        dense("hidden", 30, 4, activation="sigmoid"), dense("last", 4, 3, activation="softmax")]
    yield "images", images, (13, 8, 2), dict(maps=True)

    series = [
        given(11, 3), conv("causal", (3, 3, 4), kind="Conv1D", padding="causal", dilation_rate=[2], activation="relu"),
        conv("grouped", (2, 2, 4), kind="Conv1D", padding="same", strides=[2], groups=2, dilation_rate=[1]),
        Layer("MaxPooling1D", "most", pool_size=[2], strides=[2], padding="valid"),
        Layer("SeparableConv1D", "apart", None, {"depthwise_kernel": random(2, 4, 2), "pointwise_kernel": random(1, 8, 3),
              "bias": random(3)}, kernel_size=[2], strides=[1], padding="valid", depth_multiplier=2, use_bias=True),
        Layer("GlobalAveragePooling1D", "mean", data_format="channels_last", keepdims=False), dense("last", 3, 2)]
    yield "series", series, (11, 3), dict(maps=True)

    block = [given(4, 5, 3, name="inner_input"), conv("inner", (1, 1, 3, 2), inputs=["inner_input"], activation="relu"),
             normalised("inner_bn", 2, inputs=["inner"])]
    graph = [
        given(4, 5, 2), conv("a", (3, 3, 2, 3), inputs=["input_1"], padding="same", activation="relu"),
        conv("b", (1, 1, 2, 3), inputs=["input_1"]), conv("c", (3, 3, 2, 1), inputs=["input_1"], padding="same"),
        Layer("Add", "sum", ["a", "b"]), Layer("Functional", "block", ["sum"], layers=block),
        Layer("Concatenate", "joined", ["sum", "c", "block"], axis=-1),
        conv("d", (2, 2, 6, 2), inputs=["joined"], activation="tanh"),
        Layer("MaxPooling2D", "most", ["joined"], pool_size=[2, 2], strides=[2, 2], padding="valid"),
        Layer("Flatten", "flat", ["d"]), Layer("Flatten", "flat_most", ["most"]),
        Layer("GlobalMaxPooling2D", "top", ["joined"]), dense("narrow", 24, 3, inputs=["flat"], activation="tanh"),
        Layer("Concatenate", "row", ["flat_most", "narrow", "top"], axis=1),
        dense("last", 24 + 3 + 6, 2, inputs=["row"], activation="softmax")]
    yield "graph", graph, (4, 5, 2), dict(maps=True)

    states = [
        given(5, 3), recurrent("LSTM", "lstm", 3, 4, 4, (16,), return_sequences=True, activation="tanh",
                               recurrent_activation="sigmoid"),
        recurrent("GRU", "gru", 4, 3, 3, (2, 9), return_sequences=True, reset_after=True, activation="tanh",
                  recurrent_activation="sigmoid"),
        recurrent("GRU", "gru_before", 3, 2, 3, (6,), return_sequences=True, reset_after=False, activation="tanh",
                  recurrent_activation="sigmoid"),
        recurrent("SimpleRNN", "rnn", 2, 3, 1, (3,), go_backwards=True, activation="relu"), dense("last", 3, 1)]
    yield "states", states, (5, 3), {}

    inner = {"class_name": "LSTM", "config": {"name": "lstm", "units": 3, "activation": "tanh", "use_bias": True,
                                              "recurrent_activation": "sigmoid", "return_sequences": False}}
    both = {f"{side}_{part}": random(*shape) for side in ("forward", "backward")
            for part, shape in (("kernel", (4, 12)), ("recurrent_kernel", (3, 12)), ("bias", (12,)))}
    words = [
        given(6), Layer("Embedding", "words", None, {"embeddings": random(7, 4)}, input_dim=7, output_dim=4, mask_zero=False),
        Layer("TimeDistributed", "each", None, {"kernel": random(4, 4), "bias": random(4)},
              layer={"class_name": "Dense", "config": {"name": "of_each", "units": 4, "activation": "linear"}}),
        layer_norm("norm", 4), Layer("Bidirectional", "both", None, both, merge_mode="concat", layer=inner),
        dense("last", 6, 1, activation="sigmoid")]
    yield "words", words, (6,), dict(tokens=7)

    inner = {"class_name": "LSTM", "config": {**inner["config"], "return_sequences": True}}
    both = {f"{side}_{part}": random(*shape) for side in ("forward", "backward")
            for part, shape in (("kernel", (3, 12)), ("recurrent_kernel", (3, 12)), ("bias", (12,)))}
    mixed = [
        given(9, 2), conv("first", (3, 2, 4), kind="Conv1D", padding="same", strides=[2], activation="relu"),
        normalised("bn", 4), Layer("MaxPooling1D", "most", pool_size=[2], strides=[1], padding="valid"),
        conv("second", (2, 4, 3), kind="Conv1D", padding="causal", dilation_rate=[2]), layer_norm("norm", 3),
        Layer("Bidirectional", "both", None, both, merge_mode="concat", layer=inner), normalised("bn_2", 6),
        recurrent("LSTM", "lstm", 6, 3, 4, (12,), return_sequences=True, activation="tanh"),
        Layer("AveragePooling1D", "mean", pool_size=[2], strides=[2], padding="same"),
        Layer("GlobalMaxPooling1D", "top"), dense("last", 3, 2)]
    yield "mixed", mixed, (9, 2), dict(steps=True)
    yield "text", [given(7), Layer("Embedding", "words", None, {"embeddings": random(9, 3)}, input_dim=9, output_dim=3),
                   conv("first", (3, 3, 5), kind="Conv1D", padding="valid", activation="relu"),
                   Layer("MaxPooling1D", "most", pool_size=[2], strides=None, padding="valid"), Layer("Flatten", "flat"),
                   dense("last", 10, 1, activation="sigmoid")], (7,), dict(tokens=9, steps=True)
    yield "branches", [
        given(6, 2), recurrent("GRU", "gru", 2, 3, 3, (2, 9), inputs=["input_1"], return_sequences=True, reset_after=True),
        Layer("TimeDistributed", "each", ["input_1"], {"kernel": random(2, 4), "bias": random(4)},
              layer={"class_name": "Dense", "config": {"name": "of_each", "units": 4, "activation": "linear"}}),
        Layer("Concatenate", "joined", ["gru", "each"], axis=-1), conv("over", (2, 7, 2), kind="Conv1D", inputs=["joined"]),
        recurrent("SimpleRNN", "rnn", 7, 2, 1, (2,), inputs=["joined"]), Layer("GlobalAveragePooling1D", "mean", ["over"]),
        Layer("Concatenate", "row", ["rnn", "mean"], axis=-1), dense("last", 4, 1, inputs=["row"])], (6, 2), dict(steps=True)

    first = dict(data_format="channels_first")
    yield "channels_first", [
        given(2, 5, 4), conv("first", (2, 2, 2, 3), activation="relu", **first),
        Layer("MaxPooling2D", "most", pool_size=[2, 1], strides=[2, 1], padding="valid", **first),
        Layer("Flatten", "flat", data_format="channels_last"), dense("last", 3 * 2 * 3, 2)], (2, 5, 4), {}
    yield "channels_moved", [
        given(2, 5, 4), conv("first", (2, 2, 2, 3), activation="relu", **first),
        Layer("Flatten", "flat", **first), dense("last", 3 * 4 * 3, 2)], (2, 5, 4), {}

    table = [given(5), Layer("Normalization", "scaled", None, {"mean": random(5), "variance": np.abs(random(5)),
                             "count": np.int64(3)}, axis=[-1], mean=None, variance=None),
             dense("hidden", 5, 4, activation="softplus"), normalised("bn", 4), dense("last", 4, 1)]
    yield "table", table, (5,), {}


def exported(directory, out):
    """The networks that PyTorch exported, in Keras's order of axes: the same weights in other files."""
    lenet = np.load(directory / "lenet.npz")
    at = lambda name: {"kernel": np.moveaxis(lenet[f"{name}.weight"], (2, 3, 1, 0), (0, 1, 2, 3)),
                       "bias": lenet[f"{name}.bias"]}
    matrix = lambda name: {"kernel": lenet[f"{name}.weight"].T.copy(), "bias": lenet[f"{name}.bias"]}
    flat = matrix("fc1")
    flat["kernel"] = flat["kernel"].reshape(3, 25, 8).swapaxes(0, 1).reshape(75, 8)  # columns with channels last
    layers = [given(28, 28, 1, name="x"), Layer("Conv2D", "conv1", None, at("conv1"), padding="same", activation="relu"),
              Layer("MaxPooling2D", "pool1", pool_size=[2, 2], strides=[2, 2]),
              Layer("Conv2D", "conv2", None, at("conv2"), padding="valid", activation="relu"),
              Layer("AveragePooling2D", "pool2", pool_size=[2, 2], strides=[2, 2]), Layer("Flatten", "flatten"),
              Layer("Dense", "fc1", None, flat, activation="relu"),
              Layer("Dense", "fc2", None, matrix("fc2"), activation="relu"), Layer("Dense", "fc3", None, matrix("fc3"))]
    gru = np.load(directory / "gru.npz")
    order = lambda rows: np.concatenate([np.split(rows, 3)[k] for k in (1, 0, 2)])
    weights = {"kernel": order(gru["gru.weight_ih_l0"]).T.copy(), "recurrent_kernel": order(gru["gru.weight_hh_l0"]).T.copy(),
               "bias": np.stack([order(gru["gru.bias_ih_l0"]), order(gru["gru.bias_hh_l0"])])}
    steps = [given(5, 6, name="x"), Layer("GRU", "gru.0", None, weights, reset_after=True, return_sequences=False),
             Layer("Dense", "fc", None, {"kernel": gru["fc.weight"].T.copy(), "bias": gru["fc.bias"]})]
    for name, network in (("lenet", layers), ("gru", steps)):
        write_h5(out / f"exported_{name}.h5", network)
        write_keras(out / f"exported_{name}.keras", network)
        (out / f"exported_{name}.weights.h5").write_bytes(image_of(network))
        path = out / f"exported_{name}_named.weights.h5"
        path.unlink(missing_ok=True)
        with h5py.File(path, "w", libver="latest") as file:
            write_named(file, network)


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, layers, shape, options in networks():
        write_network(directory, name, layers, shape, **options)
    exported(directory.parent.parent / "exported", directory)
    for path in sorted(directory.iterdir()):
        if path.stat().st_size > 30_000:
            print(f"{path} has {path.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
