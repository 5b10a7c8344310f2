#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes small HDF5 files as Keras 1, 2 and 3 lay them out, and some that are to be refused, for tests/readers/keras.cpp.

    /usr/bin/python3 docs/studies/keras_fixtures.py tests/data/keras

Needs Debian's python3-h5py (3.7, HDF5 1.10.8); Keras itself is not needed. The layout is that of Keras's sources,
keras/src/legacy/saving/legacy_h5_format.py and keras/src/saving/saving_lib.py. Every kernel of shape (in, out) holds
kernel[i, j] = (out i + j - 3) / 8 and every bias bias[j] = (1 - j) / 4, which every type of numbers holds exactly.
"""
import json
import pathlib
import sys
import zlib

import h5py
import numpy as np


def kernel(inputs, outputs, dtype="<f4"):
    return ((np.arange(inputs * outputs) - 3.0) / 8).reshape(inputs, outputs).astype(dtype)


def bias(outputs, dtype="<f4"):
    return ((1.0 - np.arange(outputs)) / 4).astype(dtype)


def dense(name, inputs, outputs, activation="linear"):
    config = {"name": name, "trainable": True, "dtype": "float32", "units": outputs, "activation": activation,
              "use_bias": True}
    weights = {f"{name}/kernel:0": kernel(inputs, outputs), f"{name}/bias:0": bias(outputs)}
    return {"class_name": "Dense", "config": config}, weights


def other(class_name, name, weights=None, **config):
    return {"class_name": class_name, "config": {"name": name, **config}}, weights or {}


def chain():
    """Five inputs, layers of 4, 3 and 2."""
    return [other("InputLayer", "input_1", batch_input_shape=[None, 5]),
            dense("first", 5, 4, "relu"),
            other("Dropout", "dropout", rate=0.5),
            dense("dense", 4, 3),
            other("Activation", "act", activation="tanh"),
            other("Flatten", "flatten"),
            dense("a_last", 3, 2, {"class_name": "function", "config": "softmax", "registered_name": "softmax"})]


def file_at(path, **options):
    path.unlink(missing_ok=True)
    return h5py.File(path, "w", **options)


def write_weights(group, layers, version=b"2.11.0", split=None):
    names = [layer["config"]["name"].encode() for layer, _ in layers]
    if split:
        group.attrs["layer_names0"], group.attrs["layer_names1"] = names[:split], names[split:]
    else:
        group.attrs["layer_names"] = names
    group.attrs["backend"], group.attrs["keras_version"] = b"tensorflow", version
    for layer, weights in sorted(layers, key=lambda each: each[0]["config"]["name"]):
        of_layer = group.create_group(layer["config"]["name"])
        of_layer.attrs["weight_names"] = [name.encode() for name in weights]  # an empty list becomes one of numbers
        for name, values in weights.items():
            of_layer.create_dataset(name, data=values)
    group.create_group("top_level_model_weights").attrs["weight_names"] = []


def write_model(path, layers, config=None, config_type=None, **options):
    with file_at(path, **options) as file:
        config = config or {"class_name": "Sequential",
                            "config": {"name": "sequential", "layers": [layer for layer, _ in layers]}}
        text = config if isinstance(config, str) else json.dumps(config)
        file.attrs["keras_version"], file.attrs["backend"] = b"2.11.0", b"tensorflow"
        file.attrs.create("model_config", np.bytes_(text) if config_type == "fixed" else text.encode())
        write_weights(file.create_group("model_weights"), layers)


def functional(layers, new_style=False, more=()):
    """The layers in another order than they are used in, with who takes whose result."""
    listed, before = [], None
    for layer, _ in layers:
        if before is None:
            nodes = []
        elif new_style:
            tensor = {"class_name": "__keras_tensor__",
                      "config": {"shape": [None, 4], "dtype": "float32", "keras_history": [before, 0, 0]}}
            nodes = [{"args": [tensor], "kwargs": {"training": False}}]
        else:
            nodes = [[[before, 0, 0, {}]]]
        before = layer["config"]["name"]
        listed.append({**layer, "name": before, "inbound_nodes": nodes})
    return {"class_name": "Functional", "config": {"name": "model", "layers": listed[::-1] + list(more),
                                                   "input_layers": [["input_1", 0, 0]],
                                                   "output_layers": [[before, 0, 0]]}}


def write_numbered(path, layers, root="layers", bfloat16=False):
    """Keras 3: groups named after classes; the name of a layer is beside."""
    with file_at(path) as file:
        for group, name, values in layers:
            below = file.create_group(f"{root}/{group}/vars")
            below.attrs["name"] = name
            for k, each in enumerate(values):
                if bfloat16:  # as h5py stores ml_dtypes.bfloat16: two bytes without a meaning
                    halves = (np.asarray(each, "<f4").view("<u4") >> 16).astype("<u2").view("V2")
                    below.create_dataset(str(k), data=halves)
                    below[str(k)].attrs["dtype"] = "bfloat16"
                else:
                    below[str(k)] = each
        file.create_group("optimizer/vars")["0"] = np.int64(7)
        seeds = file.create_group(f"{root}/dropout/seed_generator/vars")
        seeds["0"] = np.array([1, 2], "<u4")


def write_types(path):
    """Every type and order of bytes, contiguous, in chunks, packed; weights only."""
    made = {"a": dict(dtype="<f2"), "b": dict(dtype=">f2", chunks=(3, 2)), "c": dict(dtype=">f4", compression="gzip"),
            "d": dict(dtype="<f8", chunks=(2, 3), compression="gzip", shuffle=True),
            "e": dict(dtype=">f8", chunks=(4, 4), shuffle=True, fletcher32=True),
            "f": dict(dtype="<f4", chunks=(3, 3), compression="gzip", fletcher32=True)}
    with file_at(path, libver="latest") as file:
        file.attrs["layer_names"] = [name.encode() for name in made]
        for name, options in made.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode()]
            group.create_dataset(f"{name}/kernel:0", data=kernel(4, 4, options["dtype"]), **options)


def one_kernel(path, make):
    """Weights of a single layer, whose kernel `make(group)` makes; name, "kernel:0"."""
    with file_at(path, libver="latest") as file:
        file.attrs["layer_names"] = [b"dense"]
        group = file.create_group("dense")
        group.attrs["weight_names"] = [b"kernel:0"]
        make(group)


def write_refused(directory):
    def at(name, make):
        one_kernel(directory / f"refused_{name}.h5", make)

    values = kernel(4, 4)
    at("soft", lambda g: (g.create_dataset("real", data=values), g.__setitem__("kernel:0", h5py.SoftLink("/dense/real"))))
    at("dangling", lambda g: g.__setitem__("kernel:0", h5py.SoftLink("/nowhere")))
    at("cycle", lambda g: g.__setitem__("kernel:0", h5py.SoftLink("/dense/kernel:0")))
    at("external_link", lambda g: g.__setitem__("kernel:0", h5py.ExternalLink("refused_integers.h5", "/dense/kernel:0")))
    at("external_storage", lambda g: g.create_dataset("kernel:0", (4, 4), "<f4", external=[("/etc/hostname", 0, 64)]))
    at("integers", lambda g: g.create_dataset("kernel:0", data=values.astype("<i4")))
    at("texts", lambda g: g.create_dataset("kernel:0", (4, 4), h5py.string_dtype()))
    at("references", lambda g: g.create_dataset("kernel:0", (4, 4), h5py.ref_dtype))
    at("complex", lambda g: g.create_dataset("kernel:0", data=values.astype("<c8")))
    at("long_double", lambda g: g.create_dataset("kernel:0", data=values.astype(np.longdouble)))
    at("group", lambda g: g.create_group("kernel:0"))
    at("missing", lambda g: None)
    at("unwritten", lambda g: g.create_dataset("kernel:0", (4, 4), "<f4"))
    at("huge", lambda g: g.create_dataset("kernel:0", (2**30, 2**30), "<f4", chunks=(64, 64), compression="gzip"))
    at("overflow", lambda g: g.create_dataset("kernel:0", (2**33, 2**33), "<f8", chunks=(64, 64)))
    at("zeros", lambda g: g.create_dataset("kernel:0", (2**13, 2**13), "<f4", chunks=(2**13, 2**13), compression="gzip"))
    at("partly", lambda g: g.create_dataset("kernel:0", (4, 4), "<f4", chunks=(2, 2)).__setitem__((0, 0), 1.0))
    at("lzf", lambda g: g.create_dataset("kernel:0", data=values, compression="lzf"))
    at("scalar", lambda g: g.create_dataset("kernel:0", data=1.0))
    at("empty", lambda g: g.create_dataset("kernel:0", data=h5py.Empty("<f4")))
    at("nan", lambda g: g.create_dataset("kernel:0", data=np.where(values == 0, np.nan, values)))

    def virtual(group):
        layout = h5py.VirtualLayout((4, 4), "<f4")
        layout[:] = h5py.VirtualSource("refused_integers.h5", "/dense/kernel:0", (4, 4))
        group.create_virtual_dataset("kernel:0", layout)

    def badly_packed(packed):
        def make(group):
            made = group.create_dataset("kernel:0", (4, 4), "<f4", chunks=(4, 4), compression="gzip")
            made.id.write_direct_chunk((0, 0), packed)
        return make

    at("virtual", virtual)
    at("short_chunk", badly_packed(zlib.compress(b"\0" * 32)))
    at("long_chunk", badly_packed(zlib.compress(b"\0" * 4_000_000)))
    at("no_zlib", badly_packed(b"not packed at all"))


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    layers = chain()
    write_model(directory / "model.h5", layers)
    write_model(directory / "fixed_config.h5", layers[1:2], config_type="fixed", libver="latest")
    write_model(directory / "functional.h5", layers, functional(layers), libver="latest")
    write_model(directory / "functional_3.h5", layers, functional(layers, True), libver="latest")
    add = {"class_name": "Add", "name": "add", "config": {"name": "add"},
           "inbound_nodes": [[["first", 0, 0, {}], ["dropout", 0, 0, {}]]]}
    write_model(directory / "branch.h5", layers, functional(layers, more=[add]), libver="latest")
    write_model(directory / "refused_deep.h5", layers[1:2], "[" * 5_000, libver="latest")
    normalised = layers[:2] + [other("BatchNormalization", "bn", {
        f"bn/{part}:0": abs(bias(4)) for part in ("gamma", "beta", "moving_mean", "moving_variance")}), *layers[3:]]
    write_model(directory / "normalised.h5", normalised, libver="latest")
    unknown = [*layers[:2], other("Lambda", "times_two", function="x"), *layers[3:]]
    write_model(directory / "refused_class.h5", unknown, libver="latest")
    write_model(directory / "refused_more.h5", [*layers[:1], (layers[1][0], {**layers[1][1], "first/more:0": bias(2)})],
                libver="latest")
    write_model(directory / "unknown_function.h5", [dense("x", 3, 3, "hard_sigmoid"), dense("y", 3, 2),
                                                          other("LeakyReLU", "leaky", alpha=0.1)], libver="latest")
    with file_at(directory / "weights.h5") as file:
        write_weights(file, layers)
    with file_at(directory / "split_names.h5", libver="latest") as file:
        write_weights(file, layers, split=3)
    with file_at(directory / "keras_1.h5", libver="latest") as file:
        write_weights(file, [({"config": {"name": "dense_1"}}, {"dense_1_W": kernel(3, 2), "dense_1_b": bias(2)})], b"1.2.1")
    sizes = [(f"dense_{k}" if k else "dense", f"name{k}", [kernel(2 + k % 2, 2 + (k + 1) % 2), bias(2 + (k + 1) % 2)])
             for k in range(11)]
    few = [sizes[0], sizes[1], ("dense_10", "last", [kernel(2, 2), bias(2)]), ("dense_2", "middle", [kernel(2, 2)])]
    write_numbered(directory / "numbered.weights.h5", few)
    write_numbered(directory / "dependencies.weights.h5", sizes[:2], "_layer_checkpoint_dependencies")
    write_numbered(directory / "bfloat16.weights.h5", sizes[:2], bfloat16=True)
    write_numbered(directory / "refused_convolution.weights.h5", sizes[:1] + [("conv2d", "c", [np.zeros((3, 3, 1, 2), "<f4")])])
    write_types(directory / "types.h5")
    write_refused(directory)
    for path in sorted(directory.glob("*.h5")):
        if path.stat().st_size > 30_000:
            print(f"{path} has {path.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
