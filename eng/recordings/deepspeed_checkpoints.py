"""Writes tiny checkpoints in the layouts of DeepSpeed 0.19 for Raijin.Parallel.Tests/Checkpoints/Import: python3 deepspeed_checkpoints.py FOLDER (PyTorch 1.13).

DeepSpeed itself is not run: a plain model is trained with Adam, and its float32 weights and moments are laid out in files as DeepSpeed's public source lays them out for two ranks
(stages 1, 2 and 3, bf16 and fp32, elastic or not, and the universal form). expected.json holds the weights and moments by name, from the model itself.
"""
import collections, dataclasses, enum, json, math, os, sys, types, torch

# Stand-ins for DeepSpeed's classes under their own module names, so that the pickles name them.
def module(name):
    sys.modules[name] = types.ModuleType(name)
    return sys.modules[name]

for name in ("deepspeed", "deepspeed.runtime", "deepspeed.runtime.zero", "deepspeed.runtime.zero.config", "deepspeed.runtime.fp16", "deepspeed.runtime.fp16.loss_scaler", "deepspeed.utils", "deepspeed.utils.tensor_fragment"): module(name)

class ZeroStageEnum(int, enum.Enum):
    disabled, optimizer_states, gradients, weights = 0, 1, 2, 3

class LossScaler:
    def __init__(self): self.cur_scale, self.dynamic, self.dtype = 1.0, False, torch.bfloat16

@dataclasses.dataclass
class fragment_address:
    numel: int
    start: int

for cls, where in ((ZeroStageEnum, "deepspeed.runtime.zero.config"), (LossScaler, "deepspeed.runtime.fp16.loss_scaler"), (fragment_address, "deepspeed.utils.tensor_fragment")):
    cls.__module__ = where
    setattr(sys.modules[where], cls.__name__, cls)

RANKS = 2
out = sys.argv[1]
torch.manual_seed(3)

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(5, 3)
        self.frozen = torch.nn.Linear(3, 3)
        self.norm = torch.nn.BatchNorm1d(3)
        self.body = torch.nn.Linear(3, 3, bias=True)
        self.scale = torch.nn.Parameter(torch.tensor(1.5))
        self.head = torch.nn.Linear(3, 5, bias=False)
        self.head.weight = self.embed.weight
        for p in self.frozen.parameters(): p.requires_grad = False
    def forward(self, x):
        return self.head(self.body(self.norm(self.frozen(self.embed(x)))) * self.scale)

net = Net()
trained = [(n, p) for n, p in net.named_parameters() if p.requires_grad]
decay = [(n, p) for n, p in trained if p.dim() > 1]
plain = [(n, p) for n, p in trained if p.dim() <= 1]
groups = [decay, plain]
adam = torch.optim.Adam([{"params": [p for _, p in decay], "weight_decay": 0.1}, {"params": [p for _, p in plain]}], lr=0.02)
for i in range(4):
    adam.zero_grad()
    torch.nn.functional.cross_entropy(net(torch.arange(5).repeat(2)), torch.arange(5).repeat(2).flip(0)).backward()
    adam.step()

slots = {"fp32": lambda p: p.detach(), "exp_avg": lambda p: adam.state[p]["exp_avg"], "exp_avg_sq": lambda p: adam.state[p]["exp_avg_sq"]}
options = [{"lr": 0.02, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": wd, "params": [i]} for i, wd in enumerate((0.1, 0.0))]
frozen = [(n, p.detach()) for n, p in net.named_parameters() if not p.requires_grad]
buffers = [n for n, _ in net.named_buffers()]
common = {"buffer_names": buffers, "optimizer": None, "lr_scheduler": None, "skipped_steps": 0, "global_steps": 4, "global_samples": 40, "dp_world_size": RANKS, "mp_world_size": 1,
          "shared_params": {"head.weight": "embed.weight"}, "ds_config": {"zero_optimization": {"stage": 0}}, "ds_version": "0.19.6"}

def save(value, *path):
    path = os.path.join(out, *path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    torch.save(value, path)

def scaler(stage): return {"loss_scaler": LossScaler(), "dynamic_loss_scale": False, "overflow": False, "zero_stage": stage, "partition_count": [RANKS] * 2, "ds_version": "0.19.6"}

# Stages 1 and 2: a flat vector a group, padded to 2 x ranks, a rank's part contiguous; weights without their padding, the optimizer's own state with it.
def flat_parts(stage, prefix, elastic, padded_weights, enumerated=True):
    shapes = [collections.OrderedDict((n, p.shape) for n, p in g) for g in groups]
    state = {**common, "module": {k: v.bfloat16() if v.is_floating_point() and k not in buffers and (stage > 1 or k in dict(trained)) else v for k, v in net.state_dict().items()}, "param_shapes": shapes,
             "frozen_param_shapes": collections.OrderedDict((n, p.shape) for n, p in frozen) if stage > 1 else None, "frozen_param_fragments": collections.OrderedDict(frozen) if stage > 1 else None}
    tag = f"stage{stage}{'-elastic' if elastic else ''}{'-bf16' if prefix else ''}/global_step4"
    save(state, tag, "mp_rank_00_model_states.pt")
    for rank in range(RANKS):
        parts, paddings, mappings = {s: [] for s in slots}, [], []
        for g in groups:
            total = sum(p.numel() for _, p in g)
            size = math.ceil(total / (2 * RANKS)) * 2 * RANKS // RANKS
            padding = max(0, min(size, (rank + 1) * size - total))
            paddings.append(padding)
            for s, of in slots.items():
                flat = torch.cat([of(p).flatten() for _, p in g] + [torch.zeros(size * RANKS - total)])[rank * size:(rank + 1) * size].clone()
                lean = elastic if s != "fp32" else not padded_weights
                parts[s].append(flat[:size - padding].clone() if lean else flat)
            mapping, at = collections.OrderedDict(), 0
            for n, p in g:
                start, end = max(at, rank * size), min(at + p.numel(), (rank + 1) * size)
                if start < end: mapping[n] = fragment_address(numel=end - start, start=start - rank * size)
                at += p.numel()
            mappings.append(mapping)
        states = [{"step": torch.tensor(4.0), "exp_avg": m, "exp_avg_sq": v} for m, v in zip(parts["exp_avg"], parts["exp_avg_sq"])]
        inner = scaler(ZeroStageEnum(stage)) if enumerated else {k: v for k, v in scaler(None).items() if k not in ("zero_stage", "loss_scaler")}
        inner.update({"clip_grad": 0.0, "base_optimizer_state": states if elastic else {"state": dict(enumerate(states)), "param_groups": options}, "single_partition_of_fp32_groups": parts["fp32"],
                      "group_paddings": paddings, "param_slice_mappings": mappings})
        save({"optimizer_state_dict": inner, "ds_config": {}, "ds_version": "0.19.6"}, tag, f"{prefix}zero_pp_rank_{rank}_mp_rank_00_optim_states.pt")
    open(os.path.join(out, tag.split("/")[0], "latest"), "w").write("global_step4")

flat_parts(1, "bf16_", elastic=False, padded_weights=True, enumerated=False)    # BF16_Optimizer: no stage, no scaler, padding kept
flat_parts(1, "", elastic=True, padded_weights=False)
flat_parts(2, "", elastic=False, padded_weights=False)

# Stage 3: each parameter by itself, ceil(n / ranks) a rank, padded with zeros.
def divided(p, rank):
    each = math.ceil(p.numel() / RANKS)
    return torch.cat([p.flatten(), torch.zeros(each * RANKS - p.numel())])[rank * each:(rank + 1) * each].clone()

for rank in range(RANKS):
    save({**common, "module": {k: v if k in buffers else torch.zeros(0) for k, v in net.state_dict().items()}, "param_shapes": [collections.OrderedDict((n, p.shape) for n, p in g) for g in groups],
          "frozen_param_shapes": collections.OrderedDict((n, p.shape) for n, p in frozen), "frozen_param_fragments": collections.OrderedDict((n, divided(p, rank)) for n, p in frozen)},
         "stage3/global_step4", f"zero_pp_rank_{rank}_mp_rank_00_model_states.pt")
    flat = {s: [torch.cat([divided(of(p), rank) for _, p in g]) for g in groups] for s, of in slots.items()}
    inner = {**scaler(ZeroStageEnum(3)), "partition_count": RANKS, "fp32_flat_groups": flat["fp32"],
             "optimizer_state_dict": {"state": {i: {"step": torch.tensor(4.0), "exp_avg": flat["exp_avg"][i], "exp_avg_sq": flat["exp_avg_sq"][i]} for i in range(2)}, "param_groups": options}}
    save({"optimizer_state_dict": inner, "ds_config": {}, "ds_version": "0.19.6"}, "stage3/global_step4", f"zero_pp_rank_{rank}_mp_rank_00_optim_states.pt")

# Universal: a folder a parameter, a file a slot; from stages 1 and 2 with a dictionary around each tensor, from stage 3 flat.
for kind in ("universal", "universal-flat"):
    for n, p in trained:
        for s, of in slots.items():
            save({"param": of(p).clone(), "cat_dim": 0} if kind == "universal" else of(p).flatten().clone(), kind, "zero", n, s + ".pt")
        if kind == "universal": save(torch.tensor(4.0), kind, "zero", n, "step.pt")
    save({"param_groups": options, "loss_scaler": LossScaler()}, kind, "zero", "optimizer_state.pt")
    save({**common, "module": net.state_dict(), "param_shapes": [collections.OrderedDict((n, p.shape) for n, p in g) for g in groups]}, kind, "mp_rank_00_model_states.pt")

save({**common, "module": net.state_dict()}, "stage0/global_step4", "mp_rank_00_model_states.pt")

def describe(t): return {"shape": list(t.shape), "values": t.detach().double().flatten().tolist()}
json.dump({"model": {k: describe(v) for k, v in net.state_dict().items()}, **{s: {n: describe(of(p)) for n, p in trained} for s, of in slots.items()}}, open(os.path.join(out, "expected.json"), "w"))
