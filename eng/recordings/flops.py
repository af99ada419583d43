"""FLOPs that PyTorch's own profiler counts (with_flops) of matrix products and convolutions, forward and backward, for three small models.

python3 eng/recordings/flops.py > tests/Raijin.Training.Tests/Profiling/Recordings/flops.json

Its counter knows no backward of a convolution, so the CNN's backward is left out.
"""
import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

COUNTED = {"aten::conv2d", "aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"}


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 3 * 3, 10))

    def forward(self, x):
        return self.net(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 5, num_layers=2)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


class Block(nn.Module):
    def __init__(self, width=16, heads=4):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, w = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        scores = q.matmul(k.transpose(-2, -1)) / (w // self.heads) ** 0.5
        x = x + self.out(scores.softmax(-1).matmul(v).transpose(1, 2).reshape(b, t, w))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


def flops(action):
    with torch.autograd.profiler.profile(with_flops=True) as profile:
        result = action()
    return sum(event.flops or 0 for event in profile.function_events if event.name in COUNTED), result


def record(model, shape, backward):
    forward, output = flops(lambda: model(torch.rand(shape)))
    entry = {"parameters": sum(p.numel() for p in model.parameters()), "forward": forward}
    if backward:
        entry["backward"] = flops(lambda: output.sum().backward())[0]
    return entry


torch.manual_seed(0)
json.dump({
    "torch": torch.__version__,
    "cnn": record(Cnn(), (4, 3, 16, 16), backward=False),
    "lstm": record(Recurrent(), (7, 2, 6), backward=True),
    "block": record(Block(), (2, 5, 16), backward=True),
}, sys.stdout, indent=2)
print()
