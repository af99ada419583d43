using System.Text;
using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>How a file of weights and a module differ.</summary>
/// <param name="Missing">Tensors of the module that the file lacks.</param>
/// <param name="Unexpected">Tensors of the file that the module lacks.</param>
/// <param name="Mismatched">Tensors of both, with different shapes or dtypes.</param>
public sealed record StateDictDifference(IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected, IReadOnlyList<StateDictMismatch> Mismatched)
{
    const int MostListed = 20;

    /// <summary>Whether they fit exactly.</summary>
    public bool IsEmpty => Missing.Count + Unexpected.Count + Mismatched.Count == 0;

    /// <summary>All of it, a line a tensor, at most 20 of each kind.</summary>
    public override string ToString()
    {
        if (IsEmpty) return "no difference";
        var text = new StringBuilder();
        Section("missing in the file", Missing);
        Section("unknown to the module", Unexpected);
        Section("different", [.. Mismatched.Select(m => $"{m.Name}: the module has {m.Expected}, the file has {m.Found}")]);
        return text.ToString().TrimEnd('\n');

        void Section(string title, IReadOnlyList<string> lines)
        {
            if (lines.Count == 0) return;
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{title} ({lines.Count}):\n");
            foreach (var line in lines.Take(MostListed)) text.Append("  ").Append(line).Append('\n');
            if (lines.Count > MostListed) text.Append("  …\n");
        }
    }
}

/// <summary>A tensor that a file and a module describe differently.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Expected">Shape and dtype in the module.</param>
/// <param name="Found">Shape and dtype in the file.</param>
public sealed record StateDictMismatch(string Name, string Expected, string Found);

/// <summary>Brings weights from a file into a module.</summary>
public static class StateDictLoader
{
    /// <summary>Copies every tensor that fits into the module's parameters and buffers, on whatever device they are.</summary>
    /// <param name="file">Weights by the names of <c>module.state_dict()</c>.</param>
    /// <param name="module">Changed in place.</param>
    /// <param name="strict">Whether any difference refuses the whole file before anything is changed; else what fits is loaded, and the rest reported.</param>
    /// <returns>What did not fit.</returns>
    /// <exception cref="CheckpointException">They differ, and <paramref name="strict"/> is set; the message lists all differences.</exception>
    public static StateDictDifference Load(SafetensorsFile file, Module module, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(module);
        var state = module.state_dict();
        var difference = Compare(file, state);
        if (strict && !difference.IsEmpty)
            throw new CheckpointException(file.Path, $"its weights are not those of the module; load them non-strictly to take what fits.\n{difference}");

        var skipped = difference.Missing.Concat(difference.Mismatched.Select(m => m.Name)).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, tensor) in state)
            if (!skipped.Contains(name)) file.CopyTo(name, tensor);
        return difference;
    }

    /// <summary>Copies every tensor that fits from a checkpoint, whoever wrote it: a rank alone, or each of several its part.</summary>
    /// <param name="checkpoint">Weights by <c>model/</c> and the names of <c>module.state_dict()</c>.</param>
    /// <param name="stem">What stands before the slash.</param>
    /// <param name="module">Changed in place.</param>
    /// <param name="strict">As for <see cref="Load(SafetensorsFile, Module, bool)"/>.</param>
    /// <returns>What did not fit.</returns>
    /// <exception cref="CheckpointException">They differ, and <paramref name="strict"/> is set; the message lists all differences.</exception>
    public static StateDictDifference Load(ShardedCheckpoint checkpoint, string stem, Module module, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(module);
        var state = module.state_dict();
        var saved = checkpoint.Tensors.Where(t => t.Stem == stem).ToDictionary(t => t.Key, StringComparer.Ordinal);
        var difference = new StateDictDifference(
            [.. state.Keys.Where(name => !saved.ContainsKey(name))],
            [.. saved.Keys.Where(name => !state.ContainsKey(name))],
            [.. state.Where(s => saved.TryGetValue(s.Key, out var there) && (there.ScalarType != s.Value.dtype || !there.Shape.SequenceEqual(s.Value.shape)))
                .Select(s => new StateDictMismatch(s.Key, Describe(s.Value.shape, s.Value.dtype.ToString()), Describe(saved[s.Key].Shape, saved[s.Key].ScalarType?.ToString() ?? saved[s.Key].Dtype)))]);
        if (strict && !difference.IsEmpty)
            throw new CheckpointException(checkpoint.Path, $"its weights are not those of the module; load them non-strictly to take what fits.\n{difference}");

        var skipped = difference.Missing.Concat(difference.Mismatched.Select(m => m.Name)).ToHashSet(StringComparer.Ordinal);
        using var gradients = no_grad();
        foreach (var (name, tensor) in state)
        {
            if (skipped.Contains(name)) continue;
            using var scope = NewDisposeScope();
            tensor.copy_(checkpoint.Read($"{stem}/{name}"));
        }
        return difference;
    }

    static StateDictDifference Compare(SafetensorsFile file, Dictionary<string, Tensor> state)
    {
        var missing = state.Keys.Where(name => !file.Contains(name)).ToArray();
        var unexpected = file.Names.Where(name => !state.ContainsKey(name)).ToArray();
        var mismatched = new List<StateDictMismatch>();
        foreach (var (name, tensor) in state)
        {
            if (!file.Contains(name)) continue;
            var entry = file.Entry(name);
            if (entry.ScalarType != tensor.dtype || !entry.Shape.SequenceEqual(tensor.shape))
                mismatched.Add(new(name, Describe(tensor.shape, tensor.dtype.ToString()), Describe(entry.Shape, entry.ScalarType?.ToString() ?? entry.Dtype)));
        }

        return new StateDictDifference(missing, unexpected, mismatched);
    }

    static string Describe(IEnumerable<long> shape, string dtype) => $"[{string.Join(", ", shape)}] {dtype}";
}
