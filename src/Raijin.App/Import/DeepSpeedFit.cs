using Spectre.Console;
using TorchSharp;

namespace Raijin.App;

/// <summary>A DeepSpeed configuration that a task is trained by: a layer over the configuration files, under the environment and the command line.</summary>
sealed class DeepSpeedFit
{
    const string Precision = "trainer.precision";

    readonly string _file;
    readonly DeepSpeedRun _run;
    readonly bool _isOptimizerConfigured;
    readonly List<string> _overruled = [];

    DeepSpeedFit(string file, DeepSpeedRun run, LearningTask task, ConfigMap arguments)
    {
        (_file, _run) = (file, run);
        Layer = DeepSpeedLayer.Of(DeepSpeedLayer.For(run, task), file);
        _isOptimizerConfigured = DeepSpeedLayer.HasOptimizer(run, task);
        foreach (var setting in run.Settings)
            if (arguments.Entries.Any(entry => entry.Key == setting.Key || setting.Key.StartsWith(entry.Key + ".", StringComparison.Ordinal))) _overruled.Add(setting.From);
        // With the precision goes all that is said of it.
        if (arguments.Entries.Any(entry => entry.Key == Precision)) _overruled.AddRange(run.Rows.Where(row => row.Key.StartsWith("fp16.", StringComparison.Ordinal)).Select(row => row.Key));
    }

    /// <summary>What the file says, as Raijin's keys.</summary>
    public ConfigMap Layer { get; }

    /// <summary>Reads the file for the ranks there are, its <c>"auto"</c> filled in from what the task is configured with.</summary>
    /// <param name="invocation">The call.</param>
    /// <param name="file">The file; null for none.</param>
    /// <param name="config">The task's configuration.</param>
    /// <param name="task">The task.</param>
    /// <param name="complete">Whether what a run needs must be there.</param>
    /// <returns>Null without a file.</returns>
    /// <exception cref="InvalidOptionsException">The file is wrong, or switches on what is not there; carries every fault.</exception>
    public static DeepSpeedFit? Of(Invocation invocation, string? file, ConfigOptions config, LearningTask task, bool complete)
    {
        if (file is null) return null;
        var options = config.Resolve(invocation, complete: complete).Options;
        var trainer = options.Trainer;
        var facts = new DeepSpeedFacts { GradientAccumulation = trainer.AccumulateGradients, Precision = trainer.Precision, TotalSteps = trainer.MaxSteps };
        if (options.Optimizer is { } optimizer) facts = facts with { LearningRate = optimizer.LearningRate, WeightDecay = optimizer.WeightDecay };
        if (BatchSizeOf(task, options) is { } batch) facts = facts with { MicroBatchSize = batch };
        var run = DeepSpeedConfig.Read(file).Resolve(RankWorld.SizeOf(trainer), facts);
        List<OptionFault> faults = [.. DeepSpeedConfig.Faults(file, run.Refused)];
        var isOverruled = config.Arguments(invocation).Entries.Any(entry => entry.Key == Precision);
        if (run.Precision.ScalesLoss && !isOverruled && trainer.Device.Resolve().type == DeviceType.CPU)
            faults.Add(new("fp16.enabled", $"= true asks for float16, which CPUs are refused (0.4 GFLOP/s): add --{Precision} {Raijin.Precision.BFloat16}, or {Raijin.Precision.Float32} ({file})"));
        InvalidOptionsException.ThrowIfAny(faults);
        return new(file, run, task, config.Arguments(invocation));
    }

    /// <summary>Prints what becomes of the file.</summary>
    public void Print(IAnsiConsole console) => DeepSpeedReport.PrintHonoured(console, _file, _run, _overruled);

    /// <summary>What no key of a configuration says: loss scale, loggers, profilers; the optimizer of a task that takes none from configuration.</summary>
    public TrainerOptions Over(TrainerOptions options)
    {
        var over = (_isOptimizerConfigured ? _run with { Optimizer = null, Schedule = null } : _run).Over(options);
        return options with { LossScale = over.LossScale, Loggers = over.Loggers, Profiler = over.Profiler, Optimizers = over.Optimizers };
    }

    static long? BatchSizeOf(LearningTask task, TaskConfig options)
    {
        if (task.Shape.Leaves().FirstOrDefault(leaf => leaf.Path == DeepSpeedLayer.BatchSize) is not { } leaf || options[TaskSection.Data] is not { } data) return null;
        return leaf.Property.Get(data) is int size ? size : null;
    }
}
