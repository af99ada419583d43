# torch.save and torch.load of the same state, a call at a time: reads "save" or "load" on standard input, answers with nothing but a line.
import os
import sys

import torch

path, count, elements = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
state = {f"layer.{i}.weight": torch.rand(elements) for i in range(count)}
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "save":
        with open(path, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
    else:
        loaded = torch.load(path)
    print("done", flush=True)
    loaded = None
