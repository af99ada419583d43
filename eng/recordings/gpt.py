"""Records a small GPT-2 in plain PyTorch, in float64, for Raijin.Models.Tests/Gpt: python3 gpt.py tests/Raijin.Models.Tests/Gpt/Recordings (PyTorch 1.13).

For each configuration: NAME.json and NAME.safetensors, a checkpoint as Hugging Face writes GPT-2's (Conv1D weights [in, out], causal masks among the tensors),
and NAME-expected.safetensors: tokens, targets, logits, loss, and the gradient of every parameter by our names and in our layout ([out, in])."""
import json, math, struct, sys, torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

def save(path, tensors):
    names = {torch.float32: "F32", torch.int64: "I64", torch.uint8: "U8"}
    header, parts, offset = {}, [], 0
    for name, t in tensors.items():
        t = t.detach().contiguous()
        if t.dtype == torch.float64: t = t.float()
        data = t.numpy().tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [offset, offset + len(data)]}
        parts.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f: f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))

class Rows:                                     # smooth, irregular numbers that float32 holds exactly
    def __init__(self, seed): self.generator = torch.Generator().manual_seed(seed)
    def __call__(self, *shape, scale=0.2): return (torch.randn(*shape, generator=self.generator) * scale).float().double()

def weights(c, rows):
    d, inner, w = c["n_embd"], c["n_inner"] or 4 * c["n_embd"], {}
    w["wte.weight"], w["wpe.weight"] = rows(c["vocab_size"], d), rows(c["n_positions"], d)
    for i in range(c["n_layer"]):
        for norm in "ln_1", "ln_2": w[f"h.{i}.{norm}.weight"], w[f"h.{i}.{norm}.bias"] = 1 + rows(d), rows(d)
        for name, a, b in ("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, inner), ("mlp.c_proj", inner, d):
            w[f"h.{i}.{name}.weight"], w[f"h.{i}.{name}.bias"] = rows(a, b), rows(b)
    w["ln_f.weight"], w["ln_f.bias"] = 1 + rows(d), rows(d)
    if not c["tie_word_embeddings"]: w["lm_head.weight"] = rows(c["vocab_size"], d)
    return w

def logits(c, w, tokens):                       # by the definition: no fused operator
    d, heads, eps = c["n_embd"], c["n_head"], c["layer_norm_epsilon"]
    B, T = tokens.shape
    def norm(x, name):
        m = x.mean(-1, keepdim=True)
        return (x - m) / ((x - m) ** 2).mean(-1, keepdim=True).add(eps).sqrt() * w[name + ".weight"] + w[name + ".bias"]
    def gelu(x):
        if c["activation_function"] == "gelu_new": return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
        return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
    x = w["wte.weight"][tokens] + w["wpe.weight"][:T]
    mask = torch.full((T, T), -math.inf).triu(1)
    for i in range(c["n_layer"]):
        def linear(x, name): return x @ w[f"h.{i}.{name}.weight"] + w[f"h.{i}.{name}.bias"]
        q, k, v = (t.reshape(B, T, heads, d // heads).permute(0, 2, 1, 3) for t in linear(norm(x, f"h.{i}.ln_1"), "attn.c_attn").chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / math.sqrt(d // heads) + mask
        x = x + linear((torch.softmax(scores, -1) @ v).permute(0, 2, 1, 3).reshape(B, T, d), "attn.c_proj")
        x = x + linear(gelu(linear(norm(x, f"h.{i}.ln_2"), "mlp.c_fc")), "mlp.c_proj")
    return norm(x, "ln_f") @ w["wte.weight" if c["tie_word_embeddings"] else "lm_head.weight"].T

def record(folder, name, prefix, seed, **changes):
    c = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 61, "n_positions": 12, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_inner": None,
         "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True, "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1, "bos_token_id": 60}
    c.update(changes)
    w = {k: v.requires_grad_() for k, v in weights(c, Rows(seed)).items()}
    generator = torch.Generator().manual_seed(seed + 1)
    tokens = torch.randint(c["vocab_size"], (2, 10), generator=generator)
    targets = torch.randint(c["vocab_size"], (2, 10), generator=generator)
    targets[1, 7:] = -100                       # padding: not counted
    out = logits(c, w, tokens)
    loss = F.cross_entropy(out.reshape(-1, c["vocab_size"]), targets.reshape(-1))
    loss.backward()

    json.dump(c, open(f"{folder}/{name}.json", "w"), indent=2)
    hub = {k if k.startswith("lm_head") else prefix + k: v for k, v in w.items()}
    for i in range(c["n_layer"]): hub[f"{prefix}h.{i}.attn.bias"] = torch.ones(c["n_positions"], c["n_positions"], dtype=torch.uint8).tril()[None, None]
    save(f"{folder}/{name}.safetensors", hub)
    conv1d = lambda k: ".c_" in k and k.endswith(".weight")
    ours = {"grad." + ("" if k.startswith("lm_head") else "transformer.") + k: v.grad.T if conv1d(k) else v.grad for k, v in w.items()}
    save(f"{folder}/{name}-expected.safetensors", {"tokens": tokens, "targets": targets, "logits": out, "loss": loss.reshape(()), **ours})

folder = sys.argv[1]
record(folder, "tied", "", 1)
record(folder, "untied", "transformer.", 2, vocab_size=31, n_embd=8, n_head=2, n_inner=20, activation_function="gelu", layer_norm_epsilon=1e-3, tie_word_embeddings=False)
