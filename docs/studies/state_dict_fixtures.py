# SPDX-License-Identifier: BSD-3-Clause
"""Write the files of tests/readers/state_dict.cpp, tests/data/state_dict_*.pt, with PyTorch.

Needs Debian's package python3-torch. Run from the top of the repository:

    /usr/bin/python3 docs/studies/state_dict_fixtures.py

All values are multiples of 1/4 below 64 which follow from their place, so that each type of element holds them exactly
and the test can write down what to expect: element k of a tensor that begins with f is f + k / 4.
"""

import sys
from pathlib import Path

try:
    import torch
    from torch import nn
except ImportError as missing:
    sys.exit(f"error: {missing}. On Debian: apt-get install python3-torch, then /usr/bin/python3")

DIRECTORY = Path("tests/data")


def counted(first, *shape, dtype=torch.float32):
    size = torch.Size(shape).numel()
    return (first + torch.arange(size, dtype=torch.float64) / 4).reshape(shape).to(dtype)


def write(name, what, **options):
    path = DIRECTORY / f"state_dict_{name}.pt"
    torch.save(what, path, **options)
    print(path, path.stat().st_size)


def chain(first=0):
    return {
        "0.weight": counted(first, 2, 3),
        "0.bias": counted(first + 10, 2),
        "2.weight": counted(first + 20, 1, 2),
    }


class Network(nn.Module):
    """Its weights are those of `chain`."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
        self.layers.load_state_dict(chain())

    def forward(self, x):
        return self.layers(x)


def types():
    write(
        "types",
        {
            "0.weight": counted(1, 4, 3, dtype=torch.float16),
            "0.bias": counted(-2, 4, dtype=torch.bfloat16),
            "1.weight": counted(2, 3, 4, dtype=torch.float64),
            "1.bias": counted(-3, 3, dtype=torch.float32),
            "2.weight": counted(3, 2, 3, dtype=torch.bfloat16),
            "a": torch.tensor(7),
            "b": torch.ones(2, dtype=torch.int32),
            "c": torch.ones(2, dtype=torch.int16),
            "d": torch.ones(2, dtype=torch.int8),
            "e": torch.ones(2, dtype=torch.uint8),
            "f": torch.ones(2, dtype=torch.bool),
        },
    )


def views():
    base = counted(0, 9, 12)
    write(
        "views",
        {
            "0.weight": counted(1, 3, 4).t(),  # (4, 3)
            "1.weight": base[1:7:2, 2:10:2],  # (3, 4)
            "1.bias": base[3:6, 5],
            "2.weight": counted(5, 1, 3).expand(2, 3),  # strides (0, 1)
            "2.bias": torch.tensor(3.0).expand(2),
            "3.weight": counted(7, 4).as_strided((1, 2), (77, 1), 1),
            "4.weight": counted(9, 2, 2).permute(1, 0).reshape(4)[:1].reshape(1, 1),
        },
    )


def shared():
    weight = counted(1, 3, 3)
    write(
        "shared",
        {"0.weight": weight, "1.weight": weight, "2.weight": weight[1:], "2.bias": weight.reshape(9)[7:]},
    )


def nested():
    network = Network()
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser.step()
    network.load_state_dict(before)
    write(
        "checkpoint",
        {
            "epoch": 12,
            "model_state_dict": network.layers.state_dict(),
            "optimizer": optimiser.state_dict(),
            "loss": [0.5, 0.25],
            "best": 0.125,
            "comment": "by hand",
            "bytes": b"abc",
            "big": 2**70,
            "device": torch.device("cpu"),
        },
    )
    write("two_networks", {"model": chain(), "net": chain(1), "a.b": {"c": chain(2), "c.d": chain(3)}})
    write("beside", {**chain(), "epoch": 3, "size": torch.Size([2]), "none": None, "x._extra_state": {"a": [1]}})


def ways():
    network = Network()
    write("parallel", nn.DataParallel(network.layers).state_dict())
    write("parameters", {name: nn.Parameter(value) for name, value in chain().items()})
    for protocol in (0, 3, 4, 5):
        write(f"protocol_{protocol}", network.layers.state_dict(), pickle_protocol=protocol)
    write("small", {"w.weight": counted(1, 1, 2)})
    write("legacy", chain(), _use_new_zipfile_serialization=False)
    write("module", network.layers)
    write("quantised", {"0.weight": torch.quantize_per_tensor(counted(1, 2, 3), 0.25, 0, torch.qint8)})
    path = DIRECTORY / "state_dict_script.pt"
    torch.jit.script(network.layers).save(str(path))
    print(path, path.stat().st_size)


def refused():
    write("tensor", counted(0, 2, 3))
    write("complex", {"0.weight": torch.complex(counted(1, 2, 3), counted(1, 2, 3))})
    write("sparse", {"0.weight": counted(1, 2, 3).to_sparse()})
    write("infinite", {"0.weight": torch.tensor([[1.0, 2.0], [3.0, float("inf")]]).t()})


if __name__ == "__main__":
    for part in (types, views, shared, nested, ways, refused):
        part()
