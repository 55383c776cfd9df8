"""Steps a second of the reference experiment (docs/parameters.md, section 6) in PyTorch, beside `cargo bench --bench compare`.

Networks, batch, losses, rates and order of the updates are those of scenarios/gaussian-1d.toml. The natural gradient is solved in sample space
from the Gram matrix of a dense network, (h.h' + 1)(d.d') layer by layer: the fastest way that PyTorch has, without a Jacobian.

    pip install torch
    python3 benches/pytorch.py [--runs 2] [--steps 2000]
"""

import argparse
import multiprocessing
import time

import torch

BATCH = 128
DAMPING = 1e-4
RATES = {"sgd": 1e-2, "adam": 1e-3, "natural": 1e-3}


def euclidean(name, parameters):
    if name == "sgd":
        return torch.optim.SGD(parameters, RATES[name])
    return torch.optim.Adam(parameters, RATES["adam"], betas=(0.5, 0.999))


def natural_step(generator, critic, latents, loss, ones):
    """One step theta <- theta - rate J'(JJ' + B damping)^-1 v of the generator."""
    first, _, second = generator
    with torch.no_grad():
        before = first(latents)
        hidden = before.relu()
        samples = second(hidden)
    samples.requires_grad_(True)
    (force,) = torch.autograd.grad(BATCH * loss(critic(samples), ones), samples)
    with torch.no_grad():
        delta = (before > 0).to(latents.dtype) * second.weight
        gram = (latents @ latents.T + 1) * (delta @ delta.T) + (hidden @ hidden.T + 1)
        gram.diagonal().add_(BATCH * DAMPING)
        solution = torch.cholesky_solve(force, torch.linalg.cholesky(gram))
        pulled = solution * delta
        changes = [pulled.T @ latents, pulled.sum(0), solution.T @ hidden, solution.sum(0)]
        for parameter, change in zip(generator.parameters(), changes):
            parameter -= RATES["natural"] * change


def steps_a_second(name, seed, steps):
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(seed)
    generator = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
    critic = torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.LeakyReLU(0.2), torch.nn.Linear(32, 1))
    generator_rule = euclidean(name, generator.parameters())
    critic_rule = euclidean(name, critic.parameters())
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

    def step():
        data = 8 + 1.25 * torch.randn(BATCH, 1)
        with torch.no_grad():
            samples = generator(torch.randn(BATCH, 16))
        critic_rule.zero_grad()
        (loss(critic(data), ones) + loss(critic(samples), zeros)).backward()
        critic_rule.step()
        latents = torch.randn(BATCH, 16)
        if name == "natural":
            natural_step(generator, critic, latents, loss, ones)
        else:
            generator_rule.zero_grad()
            loss(critic(generator(latents)), ones).backward()
            generator_rule.step()

    for _ in range(steps // 20):
        step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return steps / (time.perf_counter() - start)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=2, help="runs at once, one thread each (default 2)")
    arguments.add_argument("--steps", type=int, default=2000, help="steps of each run (default 2000)")
    arguments = arguments.parse_args()
    with multiprocessing.get_context("spawn").Pool(arguments.runs) as pool:
        for name in RATES:
            runs = [(name, seed, arguments.steps) for seed in range(arguments.runs)]
            rates = pool.starmap(steps_a_second, runs)
            print(f"{name:8} {sum(rates):8.0f} steps/s of {len(rates)} runs together", flush=True)


if __name__ == "__main__":
    main()
