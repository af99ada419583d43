"""Records files of torch.save for Raijin.Tensors.Tests/Serialization/Pickle: python3 pickles.py FOLDER (PyTorch 1.13).

values.pt / values-legacy.pt   tensors of every type, tied, sliced, transposed, empty, and plain values, in both formats
training.ckpt                  a Lightning-like checkpoint: model, Adam, hyper-parameters in a Namespace, an object of an own class
protocol-N.pt                  the plain values in pickle protocols 0 to 5
expected.json                  shapes, types, strides and elements of the tensors, by key
"""
import argparse, collections, enum, json, sys, torch

folder = sys.argv[1]
torch.manual_seed(1)

class Scale:                                # stands for a class that only its writer knows
    def __init__(self): self.cur_scale, self.history = 65536.0, [1, 2]

class Stage(int, enum.Enum):
    two = 2

base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
tensors = collections.OrderedDict()
for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool):
    tensors[str(dtype)[6:]] = (torch.arange(10) % 5).to(dtype)
tensors["base"] = base
tensors["tied"] = base
tensors["row"] = base[1]
tensors["transposed"] = base.t()
tensors["columns"] = base[:, 1::2]
tensors["expanded"] = base[:1, :1].expand(3, 2)
tensors["scalar"] = torch.tensor(2.5)
tensors["empty"] = torch.zeros(0, 3)
tensors["parameter"] = torch.nn.Parameter(torch.ones(2, 2))
tensors["buffer"] = torch.nn.Parameter(torch.ones(3), requires_grad=False)

plain = {
    "none": None, "true": True, "false": False, "int": 7, "negative": -70000, "long": 2 ** 40, "huge": 2 ** 100, "float": 0.1, "infinite": float("-inf"),
    "text": "Grüße, 世界 𝄞\n'\"\\", "empty text": "", "bytes": b"\x00\xffab", "list": [1, [2, []]], "tuple": (1, "a"), "one": (1,), "three": (1, 2, 3), "set": {4}, "frozen": frozenset([5]),
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]), 3: "number key", (1, 2): "tuple key", "size": torch.Size([2, 3]), "dtype": torch.bfloat16, "device": torch.device("cpu"),
    "many": list(range(1200)), "default": collections.defaultdict(list, {"x": [1]}), "stage": Stage.two,
}
cycle = []
cycle.append(cycle)
plain["cycle"] = cycle

torch.save({"tensors": tensors, "plain": plain}, folder + "/values.pt")
torch.save({"tensors": tensors, "plain": plain}, folder + "/values-legacy.pt", _use_new_zipfile_serialization=False)
for protocol in range(6):
    # Protocol 0 writes references to storages as the text of a Python object, which nothing reads back.
    torch.save({"plain": plain, "tensors": {"base": base} if protocol else {}}, f"{folder}/protocol-{protocol}.pt", pickle_protocol=protocol)

model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
optimizer = torch.optim.Adam([{"params": model[0].parameters(), "lr": 0.01}, {"params": list(model[1].parameters()) + list(model[2].parameters())}], weight_decay=0.1)
for _ in range(3):
    optimizer.zero_grad()
    model(torch.randn(8, 3)).square().mean().backward()
    optimizer.step()
torch.save({
    "epoch": 2, "global_step": 3, "pytorch-lightning_version": "1.9.5", "state_dict": model.state_dict(), "loops": {"fit_loop": {"state_dict": {}}},
    "callbacks": {"ModelCheckpoint{'monitor': 'loss'}": {"best_model_score": torch.tensor(0.25), "best_k_models": {}}},
    "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [], "hparams_name": "kwargs",
    "hyper_parameters": {"lr": 0.01, "arguments": argparse.Namespace(batch=32, names=["a", "b"]), "scale": Scale()},
}, folder + "/training.ckpt")

def describe(t):
    t = t.detach()
    return {"shape": list(t.shape), "dtype": str(t.dtype)[6:], "strides": list(t.stride()), "values": t.double().flatten().tolist()}

state = model.state_dict()
moments = {n: optimizer.state[p] for n, p in model.named_parameters()}
json.dump({
    "tensors": {k: describe(t) for k, t in tensors.items()},
    "model": {k: describe(t) for k, t in state.items()},
    "exp_avg": {n: describe(s["exp_avg"]) for n, s in moments.items()},
    "exp_avg_sq": {n: describe(s["exp_avg_sq"]) for n, s in moments.items()},
}, open(folder + "/expected.json", "w"))
