"""Records trajectories of torch.optim in float64 for Raijin.Tensors.Tests/Optimizers: python3 optimizers.py > …/Recorded/optimizers.json (PyTorch 1.13)."""
import json, math, sys, torch

torch.set_default_dtype(torch.float64)      # scalar tensors of the optimizers too (NAdam's product, ASGD's eta)
torch.set_num_threads(1)
SIZES, STEPS, KEEP = [5, 12], 12, (1, 6, 12)

def values(seed, count, scale):             # any smooth, irregular numbers; both sides read them from the file
    return [round(scale * math.sin(12.9898 * (i + 1) + 78.233 * seed), 6) for i in range(count)]

start = [values(i, n, 1.0) for i, n in enumerate(SIZES)]
gradients = [[values(10 + 7 * s + i, n, 0.8) for i, n in enumerate(SIZES)] for s in range(STEPS)]

def record(name, options, make, decay=0.1):
    parameters = [torch.nn.Parameter(torch.tensor(v)) for v in start]
    optimizer = make([{"params": parameters[:1], "lr": 0.02, "weight_decay": decay}, {"params": parameters[1:], "lr": 0.05, "weight_decay": 0.0}])
    kept = []
    for s in range(STEPS):
        for p, g in zip(parameters, gradients[s]): p.grad = torch.tensor(g)
        optimizer.step()
        if s + 1 in KEEP: kept.append([p.detach().tolist() for p in parameters])
    return {"algorithm": {"algorithm": name, **options}, "decay": decay, "parameters": kept}

O = torch.optim
runs = [
    record("nadam", {}, lambda g: O.NAdam(g, foreach=True)),   # its loop has a defect in 1.13: μₜ enters the next product twice
    record("nadam", {"Beta1": 0.8, "MomentumDecay": 0.5}, lambda g: O.NAdam(g, betas=(0.8, 0.999), momentum_decay=0.5, foreach=True)),
    record("radam", {}, lambda g: O.RAdam(g)),
    record("radam", {"Beta2": 0.9}, lambda g: O.RAdam(g, betas=(0.9, 0.9))),
    record("adamax", {}, lambda g: O.Adamax(g)),
    record("adadelta", {}, lambda g: O.Adadelta(g)),
    record("asgd", {}, lambda g: O.ASGD(g)),
    record("asgd", {"Lambda": 0.5, "Alpha": 0.6, "AverageFrom": 2}, lambda g: O.ASGD(g, lambd=0.5, alpha=0.6, t0=2)),
    record("rprop", {}, lambda g: O.Rprop(g), decay=0.0),
]

def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

def record_lbfgs(options, lr, steps, **arguments):
    a = torch.nn.Parameter(torch.tensor([-1.2, 1.0, 0.3, -0.5]))
    b = torch.nn.Parameter(torch.tensor([[0.7, 1.1], [-0.2, 0.4]]))
    optimizer = O.LBFGS([a, b], lr=lr, **arguments)
    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(torch.cat([a, b.reshape(-1)]))
        loss.backward()
        return loss
    kept = [{"loss": float(optimizer.step(closure)), "x": a.tolist() + b.reshape(-1).tolist(), "evaluations": optimizer.state[a]["func_evals"], "iterations": optimizer.state[a]["n_iter"]}
            for _ in range(steps)]
    return {"options": options, "learningRate": lr, "steps": kept}

lbfgs = [
    record_lbfgs({"StrongWolfe": True, "History": 3, "MaxEvaluations": 9}, 0.8, 8, max_iter=8, max_eval=9, history_size=3, line_search_fn="strong_wolfe"),
    record_lbfgs({}, 0.1, 5, max_iter=8),
    record_lbfgs({"StrongWolfe": True}, 1.0, 12, max_iter=8, line_search_fn="strong_wolfe"),
]
for run in lbfgs: run["options"]["MaxIterations"] = 8
json.dump({"torch": torch.__version__, "keep": KEEP, "start": start, "gradients": gradients, "runs": runs, "lbfgs": lbfgs}, sys.stdout, indent=None)
print()
