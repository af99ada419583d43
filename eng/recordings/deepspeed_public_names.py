"""Writes the public names of a DeepSpeed checkout, one group a line: what docs/coming-from-deepspeed.md has a row for.

    python3 eng/recordings/deepspeed_public_names.py /path/to/DeepSpeed > tests/Raijin.House.Tests/Recordings/deepspeed-names.txt
"""
import ast
import os
import sys

root = sys.argv[1]


def parse(path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return ast.parse(file.read())


def is_public(name):
    return not name.startswith("_")


def functions(path, classes=False):
    kinds = (ast.FunctionDef, ast.ClassDef) if classes else ast.FunctionDef
    return [node.name for node in parse(path).body if isinstance(node, kinds) and is_public(node.name)]


def methods(path, owner):
    cls = next(node for node in parse(path).body if isinstance(node, ast.ClassDef) and node.name == owner)
    return [node for node in cls.body if isinstance(node, ast.FunctionDef) and is_public(node.name)]


def is_accessor(method):
    """One statement that returns something of the configuration."""
    body = [s for s in method.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return len(body) == 1 and isinstance(body[0], ast.Return) and len(method.args.args) == 1 and "config" in ast.dump(body[0])


def imported(path):
    return [alias.asname or alias.name for node in parse(path).body if isinstance(node, ast.ImportFrom) for alias in node.names if is_public(alias.asname or alias.name) and alias.name != "*"]


engine = methods("deepspeed/runtime/engine.py", "DeepSpeedEngine")
groups = {
    "module": functions("deepspeed/__init__.py"),
    "engine": [m.name for m in engine if not is_accessor(m)],
    "accessors": [m.name for m in engine if is_accessor(m)],
    "utils": [name for name in imported("deepspeed/utils/__init__.py") if name.startswith("safe_")] + [name for name in functions("deepspeed/utils/z3_leaf_module.py") if name in imported("deepspeed/utils/__init__.py")],
    "zero": imported("deepspeed/runtime/zero/__init__.py"),
    "comm": functions("deepspeed/comm/comm.py"),
    "groups": functions("deepspeed/utils/groups.py"),
    "checkpointing": [name for name in functions("deepspeed/runtime/activation_checkpointing/checkpointing.py")],
    "pipe": imported("deepspeed/pipe/__init__.py") + [m.name for m in methods("deepspeed/runtime/pipe/engine.py", "PipelineEngine")],
    "bin": sorted(name for name in os.listdir(os.path.join(root, "bin"))),
}
for group, names in groups.items():
    print(f"{group}: {' '.join(dict.fromkeys(names))}")
