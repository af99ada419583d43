using System.Globalization;
using Raijin.DeepSpeed;

namespace Raijin.App;

/// <summary>What a DeepSpeed configuration says, as a layer of Raijin's.</summary>
static class DeepSpeedLayer
{
    /// <summary>The settings as a tree, each with the file's line.</summary>
    /// <param name="settings">Those of its settings that are wanted.</param>
    /// <param name="file">The file, as it was named.</param>
    public static ConfigMap Of(IEnumerable<RunSetting> settings, string file)
    {
        var root = new Branch();
        foreach (var setting in settings)
        {
            var keys = setting.Key.Split('.');
            var branch = root;
            foreach (var key in keys[..^1]) branch = branch.Into(key);
            var origin = setting.Line > 0 ? new Origin(file, setting.Line) : new Origin($"{file}, which leaves it out", 0);
            branch.Leaves[keys[^1]] = setting.Value.StartsWith('[')
                ? new ConfigList([.. setting.Value[1..^1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(item => Scalar(item, origin))], origin)
                : Scalar(setting.Value, origin);
        }
        return root.ToMap(new Origin(file, 1));
    }

    /// <summary>The settings that a task has keys for.</summary>
    public static IEnumerable<RunSetting> For(DeepSpeedRun run, LearningTask task)
    {
        var (batches, optimizers) = (task.Shape.Leaves().Any(leaf => leaf.Path == BatchSize), HasOptimizer(run, task));
        return run.Settings.Where(setting => setting.Key == BatchSize ? batches : setting.Key.Split('.')[0] is not (TaskSection.Optimizer or TaskSection.Schedule) || optimizers);
    }

    /// <summary>Whether a task takes optimizer and schedule from its configuration, and the file's have names in one.</summary>
    public static bool HasOptimizer(DeepSpeedRun run, LearningTask task) =>
        run.Settings.Any(setting => setting.Key is "optimizer.kind" or "schedule.kind") && (run.Optimizer is null || run.Settings.Any(setting => setting.Key == "optimizer.kind"))
        && ((string[])[TaskSection.Optimizer, TaskSection.Schedule]).All(section => task.Shape.Find(section) is not null);

    /// <summary>The key of a microbatch's size, where a task's data has one.</summary>
    public const string BatchSize = "data.batchSize";

    static ConfigScalar Scalar(string value, Origin origin) => new(value, IsText(value), origin);

    static bool IsText(string value) => value is not ("true" or "false") && !double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    sealed class Branch
    {
        public Dictionary<string, ConfigNode> Leaves { get; } = new(StringComparer.Ordinal);

        readonly Dictionary<string, Branch> _inner = new(StringComparer.Ordinal);

        public Branch Into(string key)
        {
            if (!_inner.TryGetValue(key, out var branch)) _inner.Add(key, branch = new Branch());
            return branch;
        }

        public ConfigMap ToMap(Origin origin) => new(
            [.. Leaves.Select(leaf => new ConfigEntry(leaf.Key, leaf.Value, leaf.Value.Origin)), .. _inner.Select(inner => new ConfigEntry(inner.Key, inner.Value.ToMap(origin), origin))], origin);
    }
}
