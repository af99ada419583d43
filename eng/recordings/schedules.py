"""Records the rates and momenta of PyTorch's schedulers, and of DeepSpeed's by their formulas, as JSON.

    python3 eng/recordings/schedules.py tests/Raijin.Training.Tests/Optimization/Recordings/schedules.json

A case holds the base rate (the optimizer's, ours: the schedule's 1.0), and for each of a number of updates what the optimizer would use in it.
Needs PyTorch 1.13.
"""
import json
import math
import sys
import warnings

import torch
from torch.optim import lr_scheduler as S
from torch.optim.swa_utils import SWALR

warnings.simplefilter("ignore")
cases = {}


def steps_of(last, edges=()):
    near = {s + d for s in edges for d in (-1, 0, 1) if 0 <= s + d <= last}
    return sorted(set(range(min(last, 12))) | set(range(0, last + 1, 9)) | near | {last})


def record(name, make, last=400, edges=(), base=0.1, ours=None, momentum=None, per_epoch=None, observe=None):
    """Runs a real scheduler. momentum: None, "momentum" (SGD) or "betas" (Adam). per_epoch: updates between two scheduler steps."""
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([p], lr=base) if momentum == "betas" else torch.optim.SGD([p], lr=base, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for n in range(last + 1):
        group = optimizer.param_groups[0]
        rates.append(group["lr"])
        if momentum:
            momenta.append(group["betas"][0] if momentum == "betas" else group["momentum"])
        p.grad = torch.zeros(1)
        optimizer.step()
        if observe is not None:
            scheduler.step(observe[n])
        elif callable(scheduler):
            scheduler(n)
        elif per_epoch is None or (n + 1) % per_epoch == 0:
            scheduler.step()
    keep(name, ours if ours is not None else base, last, edges, rates, momenta)


def keep(name, base, last, edges, rates, momenta=()):
    steps = steps_of(last, edges)
    assert name not in cases, name
    cases[name] = {"base": base, "steps": steps, "rates": [rates[s] for s in steps]}
    if momenta:
        cases[name]["momenta"] = [momenta[s] for s in steps]


record("step/30", lambda o: S.StepLR(o, 30, 0.5), edges=[30, 390])
record("step/7", lambda o: S.StepLR(o, 7, 0.9), base=3.0)
record("multistep", lambda o: S.MultiStepLR(o, [50, 120, 120, 300], 0.3), edges=[50, 120, 300])
record("exponential/0.99", lambda o: S.ExponentialLR(o, 0.99))
record("exponential/1.01", lambda o: S.ExponentialLR(o, 1.01), base=1e-4)
record("linear/third", lambda o: S.LinearLR(o, total_iters=5), last=60, edges=[5])
record("linear/down", lambda o: S.LinearLR(o, 1.0, 0.05, 350), edges=[350])
record("constant", lambda o: S.ConstantLR(o, 0.25, 40), last=100, edges=[40])
record("polynomial/1", lambda o: S.PolynomialLR(o, 300, 1.0), edges=[300])
record("polynomial/2.5", lambda o: S.PolynomialLR(o, 350, 2.5), edges=[350])
record("cosine/400", lambda o: S.CosineAnnealingLR(o, 400, 0.001), edges=[400])
record("cosine/60 and back", lambda o: S.CosineAnnealingLR(o, 60, 0.01), last=300, edges=[60, 120, 180])
record("cosine/to 0", lambda o: S.CosineAnnealingLR(o, 200), last=200, edges=[200])
record("restarts/50", lambda o: S.CosineAnnealingWarmRestarts(o, 50), last=300, edges=[50, 100, 250])
record("restarts/10x2", lambda o: S.CosineAnnealingWarmRestarts(o, 10, 2, 0.002), edges=[10, 30, 70, 150, 310])
record("restarts/5x3", lambda o: S.CosineAnnealingWarmRestarts(o, 5, 3, 0.05), edges=[5, 20, 65, 200])
record("lambda", lambda o: S.LambdaLR(o, lambda n: 1 / (1 + 0.1 * n)))
record("multiplicative", lambda o: S.MultiplicativeLR(o, lambda n: 1 - 0.2 / (n + 3)))

record("onecycle/cosine", lambda o: S.OneCycleLR(o, 0.1, total_steps=401), edges=[119, 400], momentum="momentum")
record("onecycle/linear", lambda o: S.OneCycleLR(o, 0.1, total_steps=301, pct_start=0.25, anneal_strategy="linear", div_factor=10, final_div_factor=100, base_momentum=0.7, max_momentum=0.9), last=300, edges=[74, 300], momentum="momentum")
record("onecycle/three phases", lambda o: S.OneCycleLR(o, 0.1, total_steps=401, pct_start=0.4, three_phase=True), edges=[159, 319, 400], momentum="betas")
record("onecycle/short", lambda o: S.OneCycleLR(o, 0.5, total_steps=7, three_phase=True), last=6, base=0.5, momentum="momentum")

record("cyclic/triangular", lambda o: S.CyclicLR(o, 0.01, 0.1, 40), ours=0.1, edges=[40, 80, 120], momentum="momentum")
record("cyclic/triangular2", lambda o: S.CyclicLR(o, 0.002, 0.1, 30, 50, mode="triangular2", base_momentum=0.6, max_momentum=0.95), ours=0.1, edges=[30, 80, 110, 160], momentum="momentum")
record("cyclic/exp_range", lambda o: S.CyclicLR(o, 0.001, 0.5, 25, 10, mode="exp_range", gamma=0.995), ours=0.5, edges=[25, 35, 60, 70], momentum="momentum")

record("sequential/two", lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 20), S.CosineAnnealingLR(o, 280, 0.001)], [20]), last=300, edges=[20, 300])
record("sequential/three", lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 1000), S.ExponentialLR(o, 0.97), S.StepLR(o, 40, 0.5)], [15, 100]), edges=[15, 100, 140])
record("chained/two", lambda o: S.ChainedScheduler([S.LinearLR(o, 0.2, 1.0, 50), S.ExponentialLR(o, 0.99)]), edges=[50])
record("chained/three", lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.1, 30), S.StepLR(o, 60, 0.5), S.CosineAnnealingLR(o, 400)]), last=380, edges=[30, 60, 120])
record("epochs/step", lambda o: S.StepLR(o, 4, 0.5), per_epoch=17, edges=[17, 68, 136])
record("epochs/cosine", lambda o: S.CosineAnnealingLR(o, 20, 0.001), per_epoch=20, edges=[20, 200, 380])


def swa(anneal, steps, start):
    def make(o):
        scheduler, averaging = S.ExponentialLR(o, 0.99), []

        def step(n):
            # Made only now: one without annealing sets its rate when it is made.
            if n == start:
                averaging.append(SWALR(o, 0.05, steps, anneal))
            (averaging[0] if averaging else scheduler).step()

        return step
    return make


# After update n comes a step of SWALR from n = start on, of the other scheduler before.
record("swa/cosine", swa("cos", 20, 150), edges=[150, 170])
record("swa/linear", swa("linear", 35, 100), edges=[100, 135])
record("swa/at once", swa("cos", 0, 60), last=120, edges=[60])


def noise(n, seed):
    state = seed
    for _ in range(n):
        state = (state * 1103515245 + 12345) % 2147483648
        yield state / 2147483648


falling = [round(1 / (1 + 0.03 * min(k, 120)) + 0.05 * r, 4) for k, r in enumerate(noise(301, 1))]
rising = [round(100 * (1 - 1 / (1 + 0.05 * k)) + 3 * r, 3) for k, r in enumerate(noise(301, 2))]
odd = [float("nan") if k % 11 == 5 else m for k, m in enumerate(falling)]
for name, metrics, arguments in [
    ("plateau/min rel", falling, dict(patience=5, factor=0.5)),
    ("plateau/min abs", falling, dict(patience=3, factor=0.3, threshold=0.01, threshold_mode="abs", cooldown=4)),
    ("plateau/max rel", rising, dict(mode="max", patience=4, factor=0.7, threshold=0.02, min_lr=0.004)),
    ("plateau/max abs", rising, dict(mode="max", patience=0, factor=0.8, threshold=0.5, threshold_mode="abs", cooldown=7, eps=1e-3)),
    ("plateau/defaults", falling, dict()),
    ("plateau/nan", odd, dict(patience=2, factor=0.6, min_lr=1e-5)),
]:
    record(name, lambda o: S.ReduceLROnPlateau(o, **arguments), last=300, observe=metrics)


# DeepSpeed: update 0 has what the scheduler is made with, update n what iteration i = n - 1 gives.
def gamma(i, w, kind):
    return math.log(i + 1) / math.log(w) if kind == "log" else i / w


def warmup(n, low, high, w, kind, total=None):
    w = max(2, w)
    i = n - 1
    if i < 0:
        return low
    if i < w:
        g = gamma(i, w, kind)
    else:
        g = 1.0 if total is None else max(0.0, (total - i) / max(1, total - w))
    return low + (high - low) * g


def warmup_cosine(n, base, total, r0, w, c, kind):
    w = max(2, w)
    i = n - 1
    if i < 0:
        return 0.0
    if i < w:
        return base * (r0 + (1 - r0) * gamma(i, w, kind))
    progress = min(1.0, (i - w + 1) / max(1, total - w))
    return base * max(0.0, c + (1 - c) * (1 + math.cos(math.pi * progress)) / 2)


def one_cycle(n, low, high, first, second=None, stairs1=0, stairs2=None, decay_steps=0, decay=0.0, momentum_decay=0.0, moms=(0.8, 0.9)):
    second = first if second is None else second
    stairs2 = stairs1 if stairs2 is None else stairs2
    total = first + second
    if n > total:
        interval = (n - total) / decay_steps if decay_steps else 0.0
        return low / (1 + decay * interval), moms[1] * (1 + momentum_decay * interval)
    at = n % total
    scale, stairs = (at / first, stairs1) if at <= first else ((total - at) / second, stairs2)
    if stairs:
        scale = math.floor(at * stairs / first if at <= first else (total - at) * stairs / second) / stairs
    return low + (high - low) * scale, moms[1] - (moms[1] - moms[0]) * scale


def formula(name, base, f, last=400, edges=()):
    values = [f(n) for n in range(last + 1)]
    paired = isinstance(values[0], tuple)
    keep(name, base, last, edges, [v[0] for v in values] if paired else values, [v[1] for v in values] if paired else ())


formula("deepspeed/range", 1e-3, lambda n: 1e-3 * (1 + 2.5 * n / 50))
formula("deepspeed/range stairs", 1e-4, lambda n: 1e-4 * (1 + 3.0 * math.floor(n / 60)), edges=[60, 120])
formula("deepspeed/warmup log", 0.01, lambda n: warmup(n, 1e-5, 0.01, 100, "log"), edges=[100])
formula("deepspeed/warmup linear", 0.01, lambda n: warmup(n, 0.0, 0.01, 150, "linear"), edges=[150])
formula("deepspeed/warmup 1", 0.01, lambda n: warmup(n, 0.0, 0.01, 1, "log"), last=20)
formula("deepspeed/decay log", 0.002, lambda n: warmup(n, 1e-4, 0.002, 80, "log", 300), edges=[80, 300])
formula("deepspeed/decay linear", 0.002, lambda n: warmup(n, 0.0, 0.002, 80, "linear", 380), edges=[80, 380])
formula("deepspeed/cosine log", 0.003, lambda n: warmup_cosine(n, 0.003, 350, 0.0, 60, 1e-4, "log"), edges=[60, 350])
formula("deepspeed/cosine linear", 0.003, lambda n: warmup_cosine(n, 0.003, 400, 0.1, 90, 0.02, "linear"), edges=[90, 400])
formula("deepspeed/onecycle", 0.1, lambda n: one_cycle(n, 0.01, 0.1, 100), edges=[100, 200])
formula("deepspeed/onecycle decay", 0.1, lambda n: one_cycle(n, 0.005, 0.1, 80, 120, decay_steps=20, decay=0.5, momentum_decay=0.005, moms=(0.85, 0.9)), edges=[80, 200])
formula("deepspeed/onecycle stairs", 0.1, lambda n: one_cycle(n, 0.02, 0.1, 60, 90, stairs1=5, stairs2=3), edges=[12, 60, 90, 150])

with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.write("{\n")
    file.write('"metrics": ' + json.dumps({"falling": falling, "rising": rising}) + ",\n")
    file.write('"cases": {\n')
    file.write(",\n".join(json.dumps(name) + ": " + json.dumps(case) for name, case in cases.items()))
    file.write("\n}}\n")
print(len(cases), "cases, PyTorch", torch.__version__)
