using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Raijin.DeepSpeed.Tests;

/// <summary>Every key that the table calls honoured sets an option: a file with another value of it asks for something else, and in the very setting that the table names.</summary>
public sealed partial class HonouredKeysTests
{
    const string Z = "zero_optimization.";
    const string O = "optimizer.params.";
    const string S = "scheduler.params.";
    const string Nvme = Z + "stage=3; " + Z + "offload_optimizer.device=nvme; " + Z + "offload_optimizer.nvme_path=/a";
    const string Elastic = "elasticity.enabled=true; elasticity.ignore_non_elastic_batch_info=true; elasticity.micro_batch_sizes=[2, 3, 4]";
    const string OneCycle = "optimizer.type=AdamW; scheduler.type=OneCycle; " + S + "cycle_min_lr=0.001; " + S + "cycle_max_lr=0.01; " + S + "cycle_first_step_size=10; " + S + "decay_step_size=10";
    const string Warmup = "optimizer.type=AdamW; scheduler.type=WarmupDecayLR; " + S + "total_num_steps=60; " + S + "warmup_num_steps=10; " + S + "warmup_max_lr=0.01";
    const string Cosine = "optimizer.type=AdamW; scheduler.type=WarmupCosineLR; " + S + "total_num_steps=60; " + S + "warmup_num_steps=10";
    const string RangeTest = "optimizer.type=AdamW; scheduler.type=LRRangeTest; " + S + "lr_range_test_step_size=10";
    const string Half = "fp16.enabled=true";

    // A key, another value than its default (or than the one beside), and what must stand beside it for it to have a say.
    static readonly (string Key, string Value, string Beside)[] Given =
    [
        ("train_batch_size", "64", ""), ("train_micro_batch_size_per_gpu", "8", "train_micro_batch_size_per_gpu=4"), ("gradient_accumulation_steps", "3", ""),
        ("steps_per_print", "7", ""), ("wall_clock_breakdown", "true", ""), ("memory_breakdown", "true", ""), ("gradient_clipping", "0.5", ""), ("communication_data_type", "bf16", ""),
        ("optimizer.type", "SGD", ""), (O + "lr", "0.5", "optimizer.type=AdamW"), (O + "betas", "[0.8, 0.95]", "optimizer.type=AdamW"), (O + "eps", "1e-6", "optimizer.type=AdamW"),
        (O + "weight_decay", "0.1", "optimizer.type=AdamW"), (O + "adam_w_mode", "false", "optimizer.type=Adam"), (O + "momentum", "0.5", "optimizer.type=SGD"),
        (O + "bias_correction", "false", "optimizer.type=AdamW"), (O + "max_coeff", "0.3", "optimizer.type=Lamb"), (O + "min_coeff", "0.1", "optimizer.type=Lamb"),
        (O + "nesterov", "true", "optimizer.type=SGD; " + O + "momentum=0.9"), (O + "dampening", "0.1", "optimizer.type=SGD; " + O + "momentum=0.9"), (O + "alpha", "0.9", "optimizer.type=RMSprop"),
        (O + "muon_lr", "0.5", "optimizer.type=Muon"), (O + "adam_lr", "0.5", "optimizer.type=Muon"), (O + "freeze_step", "400", "optimizer.type=OneBitAdam"),
        ("scheduler.type", "WarmupLR", "optimizer.type=AdamW"), (S + "warmup_min_lr", "0.001", Warmup), (S + "warmup_max_lr", "0.5", Warmup), (S + "warmup_num_steps", "20", Warmup), (S + "warmup_type", "linear", Warmup),
        (S + "total_num_steps", "90", Warmup), (S + "warmup_min_ratio", "0.2", Cosine), (S + "cos_min_ratio", "0.2", Cosine), (S + "cycle_min_lr", "0.002", OneCycle), (S + "cycle_max_lr", "0.5", OneCycle),
        (S + "cycle_first_step_size", "20", OneCycle), (S + "cycle_second_step_size", "20", OneCycle), (S + "cycle_first_stair_count", "3", OneCycle), (S + "cycle_second_stair_count", "3", OneCycle),
        (S + "decay_step_size", "20", OneCycle + "; " + S + "decay_lr_rate=0.1"), (S + "decay_lr_rate", "0.1", OneCycle), (S + "cycle_momentum", "false", OneCycle), (S + "cycle_min_mom", "0.7", OneCycle),
        (S + "cycle_max_mom", "0.95", OneCycle), (S + "decay_mom_rate", "0.001", OneCycle), (S + "lr_range_test_min_lr", "0.5", RangeTest), (S + "lr_range_test_step_size", "20", RangeTest),
        (S + "lr_range_test_step_rate", "2", RangeTest), (S + "lr_range_test_staircase", "true", RangeTest),
        ("fp16.enabled", "true", ""), ("fp16.loss_scale", "128", Half), ("fp16.initial_scale_power", "12", Half), ("fp16.loss_scale_window", "500", Half), ("fp16.hysteresis", "4", Half),
        ("fp16.consecutive_hysteresis", "true", Half), ("fp16.min_loss_scale", "4", Half), ("bf16.enabled", "true", ""), ("torch_autocast.enabled", "true", ""), ("torch_autocast.dtype", "float16", "torch_autocast.enabled=true"),
        (Z + "stage", "2", ""), (Z + "zero_hpz_partition_size", "2", Z + "stage=3"), (Z + "zero_quantized_weights", "true", Z + "stage=3"), (Z + "zero_quantized_gradients", "true", Z + "stage=2"),
        (Z + "mics_shard_size", "2", Z + "stage=3"), (Z + "enable_sanity_checks", "true", ""), (Z + "cpu_offload", "true", Z + "stage=2"), (Z + "cpu_offload_params", "true", Z + "stage=3"),
        (Z + "offload_param.device", "cpu", Z + "stage=3"), (Z + "offload_param.nvme_path", "/b", Z + "stage=3; " + Z + "offload_param.device=nvme; " + Z + "offload_param.nvme_path=/a"),
        (Z + "offload_optimizer.device", "cpu", Z + "stage=1"), (Z + "offload_optimizer.nvme_path", "/b", Nvme), (Z + "offload_optimizer.ratio", "0.5", Nvme),
        ("aio.queue_depth", "32", Nvme), ("aio.intra_op_parallelism", "32", Nvme), ("aio.thread_count", "32", Nvme),
        ("tensorboard.enabled", "true", ""), ("comms_logger.enabled", "true", ""), ("flops_profiler.enabled", "true", ""), ("flops_profiler.profile_step", "5", "flops_profiler.enabled=true"),
        ("flops_profiler.module_depth", "2", "flops_profiler.enabled=true"), ("flops_profiler.top_modules", "5", "flops_profiler.enabled=true"), ("flops_profiler.detailed", "false", "flops_profiler.enabled=true"),
        ("flops_profiler.output_file", "/b", "flops_profiler.enabled=true"), ("timers.throughput.enabled", "true", ""),
        ("elasticity.enabled", "true", "elasticity.ignore_non_elastic_batch_info=true"), ("elasticity.max_train_batch_size", "100", Elastic), ("elasticity.micro_batch_sizes", "[3, 5]", Elastic), ("elasticity.min_gpus", "3", Elastic),
        ("elasticity.max_gpus", "8", Elastic), ("elasticity.num_gpus_per_node", "2", Elastic),
        ("elasticity.prefer_larger_batch", "false", Elastic + "; elasticity.max_train_batch_size=30; elasticity.max_gpus=6"), ("elasticity.ignore_non_elastic_batch_info", "true", "elasticity.enabled=true"), ("elasticity.version", "0.1", Elastic + "; elasticity.num_gpus_per_node=2"),
    ];

    public static TheoryData<string> Keys => [.. Given.Select(given => given.Key)];

    [Fact]
    public void Every_honoured_key_is_tried() => Assert.Equal(KeyTable.All.Where(key => key.Class == KeyClass.Honoured).Select(key => key.Path).Order(), Given.Select(given => given.Key).Order());

    [Theory]
    [MemberData(nameof(Keys))]
    public void An_honoured_key_sets_the_option_it_names(string path)
    {
        var (_, value, beside) = Given.Single(given => given.Key == path);
        var key = KeyTable.ByPath[path];
        var before = Resolve(File(beside), out var errorsBefore);
        var after = Resolve(File($"{beside}; {path}={value}"), out var errors);
        Assert.Empty(errors);
        Assert.Empty(after.Refused);
        Assert.False(errorsBefore.Count == 0 && Print(before) == Print(after), Print(after));

        var changed = after.Settings.Where(setting => !before.Settings.Any(other => other.Key == setting.Key && other.Value == setting.Value)).Select(setting => setting.Key)
            .Concat(before.Settings.Select(setting => setting.Key).Except(after.Settings.Select(setting => setting.Key))).ToList();
        // A setting by its whole key or, of optimizer and schedule, by its name.
        var named = Code().Matches(key.Becomes).Select(match => match.Groups[1].Value).Where(name => char.IsLower(name[0])).ToList();
        if (named.Count > 0) Assert.Contains(changed, setting => named.Exists(name => setting == name || setting.EndsWith("." + name, StringComparison.Ordinal)));
        Assert.All(changed, setting => Assert.True(setting.Split('.') is ["trainer" or "data" or "optimizer" or "schedule", ..], setting));

        // What the command shows of it says so too.
        var row = after.Rows.Single(row => row.Key == path);
        Assert.False(row.IsOff || row.Becomes.Length == 0, $"{path}: {row.Becomes}");
        // An older name is the same key.
        Assert.All(key.OldNames, old => Assert.Equal(Print(after), Print(Resolve(File($"{beside.Replace(path, old, StringComparison.Ordinal)}; {old}={value}"), out _))));
    }

    static DeepSpeedRun Resolve(string text, out IReadOnlyList<ConfigMessage> errors) => DeepSpeedConfig.Parse(text, "ds.json").Resolve(4, null, out errors);

    // "a.b=1; c=[2]" as a file; later ones win. A batch of 4 unless it says another.
    static string File(string keys)
    {
        var file = new JsonObject();
        if (!keys.Contains("train_micro_batch_size", StringComparison.Ordinal)) file["train_micro_batch_size_per_gpu"] = 4;
        foreach (var entry in keys.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var (path, value) = (entry.Split('=')[0].Split('.'), entry.Split('=')[1]);
            var section = file;
            foreach (var name in path[..^1]) section = (JsonObject)(section[name] ??= new JsonObject());
            section[path[^1]] = char.IsLetter(value[0]) && value is not ("true" or "false") || value[0] == '/' ? value : JsonNode.Parse(value);
        }
        return file.ToJsonString();
    }

    // Everything a run takes from a file, as text.
    static string Print(DeepSpeedRun run)
    {
        var parts = new List<string>
        {
            string.Create(CultureInfo.InvariantCulture, $"{run.TrainBatchSize} {run.MicroBatchSize} {run.GradientAccumulation} {run.Precision} {run.LossScale} {run.GradientClipping} {run.LogSteps} {run.CheckCollectives} {run.LogCollectives}"),
            $"{run.Strategy} {run.Strategy.OffloadThreads} {run.Optimizer}", $"{run.Elastic?.TrainBatchSize} {string.Join(',', run.Elastic?.Ranks ?? [])}",
        };
        if (run.Schedule is { } schedule)
            parts.AddRange(Enumerable.Range(0, 100).Select(i => new SchedulePoint { Step = i, TotalSteps = null, StepsPerEpoch = null }).Select(point =>
                string.Create(CultureInfo.InvariantCulture, $"{schedule.BaseRate} {schedule.Schedule.Factor(point):R} {(schedule.Schedule.CyclesMomentum ? schedule.Schedule.Momentum(point) : 0):R}")));
        var options = run.Over(new());
        parts.AddRange((options.Loggers ?? []).Select(logger => logger.GetType().Name));
        parts.AddRange(options.Callbacks.Select(callback => $"{callback.GetType().Name} {(callback as ThroughputMonitor)?.Warmup}"));
        var flops = run.FlopsProfiler?.Invoke();
        parts.Add($"{options.Profiler?.GetType().Name} {run.WallClockBreakdown} {run.MemoryBreakdown} {flops?.Step} {flops?.Depth} {flops?.TopModules} {flops?.Detailed} {flops?.OutputFile}");
        return string.Join('\n', parts);
    }

    [GeneratedRegex("`([^` ]+)[^`]*`")]
    private static partial Regex Code();
}
