# SPDX-License-Identifier: BSD-3-Clause
"""Write the files of tests/readers/torch_kinds.cpp, tests/data/torch/*, with PyTorch.

Needs Debian's package python3-torch. Run from the top of the repository:

    /usr/bin/python3 docs/studies/torch_fixtures.py

Each file holds the weights of a small network in one of the ways in which PyTorch keeps them. forward.json has, for each
file, the input sin(k + 1) and what PyTorch computes from it: the output of each Linear module.
"""

import argparse
import io
import json
import math
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

try:
    import numpy as np
    import torch
    from torch import nn
    from torch.nn.utils import prune
except ImportError as missing:
    sys.exit(f"error: {missing}. On Debian: apt-get install python3-torch, then /usr/bin/python3")

DIRECTORY = Path("tests/data/torch")
FORWARD = {}


def save(name, what, **options):
    torch.save(what, DIRECTORY / name, **options)


def record(file, network, size):
    """What each Linear module of the network gives for the input, under its name in the file."""
    network.eval()
    seen = {}

    def hook(name):
        def keep(_module, _inputs, result):
            seen[name] = [float(f"{value:.9g}") for value in result.double().tolist()[0]]
        return keep

    handles = [module.register_forward_hook(hook(name)) for name, module in network.named_modules()
               if isinstance(module, nn.Linear)]
    with torch.no_grad():
        network(torch.tensor([[math.sin(k + 1) for k in range(size)]]))
    for handle in handles:
        handle.remove()
    FORWARD[file] = {"inputs": size, "fields": seen}


def trained(network, size):
    """Statistics and scales other than those at the start."""
    network.train()
    with torch.no_grad():
        for _ in range(20):
            network(2 * torch.randn(32, size) + 0.5)
        for name, parameter in network.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return network.eval()


def normalised():
    bn = trained(nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 5), nn.ReLU(),
                               nn.BatchNorm1d(5, affine=False), nn.Linear(5, 3)), 6)
    ln = trained(nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3),
                               nn.LayerNorm(3)), 6)
    named = trained(nn.Sequential(OrderedDict(fc1=nn.Linear(6, 8), bn1=nn.BatchNorm1d(8), relu1=nn.ReLU(),
                                              fc2=nn.Linear(8, 8), bn2=nn.BatchNorm1d(8), relu2=nn.ReLU(),
                                              fc3=nn.Linear(8, 3))), 6)
    prelu = nn.Sequential(nn.Linear(6, 8), nn.PReLU(), nn.Linear(8, 3))
    channels = nn.Sequential(nn.Linear(6, 8), nn.PReLU(8), nn.Linear(8, 3))
    for name, network in ("bn", bn), ("ln", ln), ("bn_named", named), ("prelu", prelu), ("prelu_channels", channels):
        save(f"{name}.pt", network.state_dict())
        record(f"{name}.pt", network, 6)


def parametrised():
    def fresh():
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))

    def write(name, network, state=None):
        for _ in range(3):
            network(torch.randn(4, 6))
        save(f"{name}.pt", state or network.state_dict())
        record(f"{name}.pt", network, 6)

    weight = fresh()
    for at in 0, 2:
        nn.utils.weight_norm(weight[at])
        with torch.no_grad():
            weight[at].weight_g.mul_(1.7)
    write("weight_norm", weight)
    renamed = {key.replace("weight_g", "parametrizations.weight.original0").replace(
        "weight_v", "parametrizations.weight.original1"): value for key, value in weight.state_dict().items()}
    write("weight_norm_2", weight, renamed)  # the names since PyTorch 2.1
    columns = fresh()
    nn.utils.weight_norm(columns[0], dim=1)
    nn.utils.weight_norm(columns[2], dim=None)
    with torch.no_grad():
        columns[0].weight_g.mul_(0.6)
    write("weight_norm_columns", columns)
    spectral = fresh()
    for at in 0, 2:
        nn.utils.spectral_norm(spectral[at])
    write("spectral_norm", spectral)
    spectral = fresh()
    for at in 0, 2:
        nn.utils.parametrizations.spectral_norm(spectral[at])
    write("spectral_norm_2", spectral)
    pruned = fresh()
    prune.l1_unstructured(pruned[0], "weight", amount=0.5)
    prune.l1_unstructured(pruned[0], "bias", amount=0.5)
    write("pruned", pruned)
    one = torch.ones(1, dtype=torch.int8).expand(4000, 4000)  # 16 MB of integers, 64 MB of weights
    save("expanded.pt", {"0.weight": one, "0.weight_scale": torch.ones(1)})
    orthogonal = nn.utils.parametrizations.orthogonal(nn.Linear(6, 6))
    save("orthogonal.pt", orthogonal.state_dict())


def plain():
    """The same weights in every container."""
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3, bias=False))
    save("plain.pt", network.state_dict())
    save("legacy.pt", network.state_dict(), _use_new_zipfile_serialization=False)
    save("module.pt", network)
    save("legacy_module.pt", network, _use_new_zipfile_serialization=False)
    torch.jit.script(network).save(str(DIRECTORY / "script.pt"))
    torch.jit.trace(network, torch.ones(1, 6)).save(str(DIRECTORY / "trace.pt"))
    save("lightning.ckpt", {"epoch": 1, "global_step": 2, "pytorch-lightning_version": "1.9.0", "state_dict": network.state_dict(),
                            "loops": {"fit_loop": {"state_dict": {}}}, "lr_schedulers": [], "optimizer_states": [],
                            "callbacks": {"ModelCheckpoint{}": {"best_model_score": torch.tensor(0.5)}},
                            "hyper_parameters": argparse.Namespace(width=8)})
    save("parallel_compiled.pt", {"_orig_mod.module." + k: v for k, v in network.state_dict().items()})
    save("only_member.pt", {"generator": network, "step": np.float64(0.5), "args": argparse.Namespace(lr=1e-3, path=Path("a"))})
    for name in ("plain.pt", "legacy.pt", "module.pt", "legacy_module.pt", "script.pt", "trace.pt", "lightning.ckpt",
                 "parallel_compiled.pt", "only_member.pt"):
        record(name, network, 6)


def quantised():
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    dynamic = torch.quantization.quantize_dynamic(network, {nn.Linear})
    save("dynamic.pt", dynamic.state_dict())
    exact = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))  # activations are not quantised
    with torch.no_grad():
        for at in 0, 2:
            exact[at].weight.copy_(dynamic[at].weight().dequantize())
            exact[at].bias.copy_(dynamic[at].bias())
    record("dynamic.pt", exact, 6)
    state = exact.state_dict()
    scales = torch.rand(8, dtype=torch.float64) / 50 + 0.01
    state["0.weight"] = torch.quantize_per_channel(network[0].weight.detach(), scales, torch.arange(8) - 3, 0, torch.qint8)
    state["2.weight"] = torch.quantize_per_tensor(network[2].weight.detach(), 0.01, 100, torch.quint8)
    save("channels.pt", state)
    with torch.no_grad():
        exact[0].weight.copy_(state["0.weight"].dequantize())
        exact[2].weight.copy_(state["2.weight"].dequantize())
    record("channels.pt", exact, 6)


def tower(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers)


class Policy(nn.Module):
    """Modules by name; forward runs those of `path`."""

    def __init__(self, path, **modules):
        super().__init__()
        self.path = path
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        for name in self.path:
            x = self.get_submodule(name)(x)
        return x


def group(**modules):
    return nn.ModuleDict(modules)


def write_zip(name, policy, **more):
    """As stable_baselines3/common/save_util.py does."""
    with zipfile.ZipFile(DIRECTORY / name, "w") as archive:
        archive.writestr("data", json.dumps({"policy_class": {":type:": "<class 'abc.ABCMeta'>"}, "gamma": 0.99}))
        for entry, what in {"pytorch_variables": None, "policy": policy.state_dict(), **more}.items():
            with archive.open(entry.replace("_optimizer", ".optimizer") + ".pth", "w") as file:
                buffer = io.BytesIO()
                torch.save(what, buffer)
                file.write(buffer.getvalue())
        archive.writestr("_stable_baselines3_version", "1.7.0")
        archive.writestr("system_info.txt", "OS: Linux")


def baselines():
    ppo = Policy(["mlp_extractor.policy_net", "action_net"],
                 mlp_extractor=group(policy_net=tower(4, 8, 8), value_net=tower(4, 8, 8)),
                 action_net=nn.Linear(8, 8), value_net=nn.Linear(8, 1))
    ppo.log_std = nn.Parameter(torch.zeros(8))
    write_zip("ppo.zip", ppo, policy_optimizer=torch.optim.Adam(ppo.parameters()).state_dict())
    record("ppo.zip", ppo, 4)

    dqn = Policy(["q_net.q_net"], q_net=group(q_net=tower(4, 8, 8, 2)), q_net_target=group(q_net=tower(4, 8, 8, 2)))
    write_zip("dqn.zip", dqn, policy_optimizer=torch.optim.Adam(dqn.q_net.parameters()).state_dict())
    record("dqn.zip", dqn.q_net.q_net, 4)

    td3 = Policy(["actor.mu"], actor=group(mu=tower(3, 8, 8, 1)), actor_target=group(mu=tower(3, 8, 8, 1)),
                 critic=group(qf0=tower(4, 8, 8, 1), qf1=tower(4, 8, 8, 1)),
                 critic_target=group(qf0=tower(4, 8, 8, 1), qf1=tower(4, 8, 8, 1)))
    write_zip("td3.zip", td3)
    record("td3.zip", td3.actor.mu, 3)

    sac = Policy(["actor.latent_pi", "actor.mu"],
                 actor=group(latent_pi=tower(3, 8, 8), mu=nn.Linear(8, 2), log_std=nn.Linear(8, 2)),
                 critic=group(qf0=tower(5, 8, 8, 1), qf1=tower(5, 8, 8, 1)),
                 critic_target=group(qf0=tower(5, 8, 8, 1), qf1=tower(5, 8, 8, 1)))
    write_zip("sac.zip", sac, ent_coef_optimizer={})
    record("sac.zip", sac, 3)

    actor, critic = tower(4, 8, 4), tower(4, 8, 4)  # of one shape: no order of the layers tells them apart
    save("training.pt", {"iteration": 7, "actor": actor.state_dict(), "critic": critic.state_dict(),
                         "log_alpha": torch.zeros(1), "actor_optimizer": torch.optim.Adam(actor.parameters()).state_dict(),
                         "args": argparse.Namespace(env="x"), "score": np.float32(1.5)})
    record("training.pt", critic, 4)
    save("ema.pt", {"model": actor.state_dict(), "ema": critic.state_dict(), "optimizer": torch.optim.Adam(actor.parameters()).state_dict()})
    record("ema.pt", actor, 4)
    convolutional = torch.load("tests/data/exported/lenet.pt")
    save("online_target.pt", {"online": {k: v + 1 for k, v in convolutional.items()}, "target": convolutional})


if __name__ == "__main__":
    torch.manual_seed(24)
    torch.set_num_threads(1)
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for part in (normalised, parametrised, plain, quantised, baselines):
        part()
    (DIRECTORY / "forward.json").write_text(json.dumps(FORWARD, separators=(",", ":")) + "\n")
