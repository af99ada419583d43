using System.Collections.Frozen;

namespace Raijin.DeepSpeed;

/// <summary>Every key of DeepSpeed's configuration, each in one class. The page of the documentation is generated from it.</summary>
static partial class KeyTable
{
    /// <summary>All keys, section by section.</summary>
    public static IReadOnlyList<DeepSpeedKey> All { get; } =
    [
        .. Top.Keys, .. Optimizer.Keys, .. OptimizerParams.Keys, .. Scheduler.Keys, .. SchedulerParams.Keys, .. Float16.Keys, .. BFloat16.Keys, .. Autocast.Keys, .. Amp.Keys, .. DataTypes.Keys,
        .. Zero.Keys, .. OffloadParam.Keys, .. OffloadOptimizer.Keys, .. Loco.Keys, .. LeafModule.Keys, .. ZenFlow.Keys, .. Aio.Keys,
        .. Tools.SelectMany(rows => rows.Keys), .. Elastic.Keys, .. Saving.SelectMany(rows => rows.Keys), .. Model.SelectMany(rows => rows.Keys), .. Data.SelectMany(rows => rows.Keys), .. Compression.SelectMany(rows => rows.Keys),
    ];

    /// <summary>Keys by their paths, older names included.</summary>
    public static FrozenDictionary<string, DeepSpeedKey> ByPath { get; } = All.SelectMany(key => key.OldNames.Append(key.Path).Select(path => KeyValuePair.Create(path, key))).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Every section with the names in it, older ones included; the top is the empty one.</summary>
    public static FrozenDictionary<string, IReadOnlyList<string>> Sections { get; } = All.SelectMany(key => key.OldNames.Prepend(key.Path)).SelectMany(Steps)
        .GroupBy(step => step.Section, step => step.Name, StringComparer.Ordinal)
        .ToFrozenDictionary(group => group.Key, group => (IReadOnlyList<string>)[.. group.Distinct(StringComparer.Ordinal)], StringComparer.Ordinal);

    /// <summary>The paths of the keys with this name, whatever their section.</summary>
    public static FrozenDictionary<string, IReadOnlyList<string>> ByName { get; } = ByPath.Keys
        .GroupBy(path => path[(path.LastIndexOf('.') + 1)..], StringComparer.Ordinal)
        .ToFrozenDictionary(group => group.Key, group => (IReadOnlyList<string>)[.. group], StringComparer.Ordinal);

    // zero_optimization.offload_param.device: in "" zero_optimization, in it offload_param, in that device.
    static IEnumerable<(string Section, string Name)> Steps(string path)
    {
        var start = 0;
        while (true)
        {
            var dot = path.IndexOf('.', start);
            yield return (start == 0 ? "" : path[..(start - 1)], dot < 0 ? path[start..] : path[start..dot]);
            if (dot < 0) yield break;
            start = dot + 1;
        }
    }
}
