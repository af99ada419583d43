using System.Globalization;

namespace Raijin.DeepSpeed;

/// <summary>Makes of a checked file what it asks for at so many ranks. Every fault is found, none throws.</summary>
sealed partial class RunResolver(ConfigCheck check, IReadOnlyList<ConfigMessage> syntax, int ranks, DeepSpeedFacts facts)
{
    const string Batch = "train_batch_size";
    const string Micro = "train_micro_batch_size_per_gpu";
    const string Accumulation = "gradient_accumulation_steps";
    const string Z = "zero_optimization.";
    const int LongestShown = 60;
    const string LossScaling = "trainer.lossScale.";

    readonly Values _values = new(check);
    readonly List<ConfigMessage> _errors = [.. syntax, .. check.Errors];
    readonly List<ConfigMessage> _warnings = [.. check.Warnings];
    readonly List<ConfigMessage> _refused = [];
    readonly Dictionary<string, string> _becomes = new(StringComparer.Ordinal);
    readonly HashSet<string> _off = new(StringComparer.Ordinal);
    readonly HashSet<string> _quiet = new(StringComparer.Ordinal);
    readonly List<RunSetting> _settings = [];

    /// <summary>What makes the file wrong at so many ranks.</summary>
    public IReadOnlyList<ConfigMessage> Errors => _errors;

    /// <summary>Resolves.</summary>
    public DeepSpeedRun Resolve()
    {
        foreach (var given in check.Given.Values)
            if (given.IsRefused) Refuse(given.Key.Path, $"= {given.Shown} is not available: {Plain(given.Key.Note)}. In its place: {Plain(given.Key.Becomes)}");
        if (check.Present.Contains("zero_optimization.zenflow") && check.Given.Keys.All(key => !key.StartsWith("zero_optimization.zenflow.", StringComparison.Ordinal) || !check.Given[key].IsRefused))
            Refuse("zero_optimization.zenflow", "is not available: stale updates change results. In its place: offload_optimizer");

        var batch = BatchSizes();
        var precision = Arithmetic();
        var clip = _values.Number("gradient_clipping", facts.MaxGradientNorm);
        Becomes("gradient_clipping", "trainer.clipGradients", clip > 0 ? Clip.Norm(clip).ToString() : "none");
        var stage = (int)_values.Whole(Z + "stage");
        var optimizer = Optimizer();
        var strategy = Division(stage, optimizer);
        if (optimizer is { IsOneBit: true } && ranks > 1 && (stage > 0 || IsDisk(strategy.OffloadOptimizer)))
            Refuse("optimizer.type", $"= {optimizer.Type} is not available {(stage > 0 ? $"in stage {stage}, where ranks divide its moments" : "with its moments on a disk")}. In its place: {(stage > 0 ? "stage 0, or" : "offload_optimizer none, or")} AdamW with zero_quantized_gradients for fewer bytes between ranks");
        var schedule = Scheduler(optimizer);
        Becomes(Micro, "data.batchSize", Text($"{batch.Micro}"));
        Becomes(Accumulation, "trainer.accumulateGradients", Text($"{batch.Accumulation}"));
        var log = _values.OptionalWhole("steps_per_print");
        if (log is { } steps) Becomes("steps_per_print", "trainer.log", Text($"{steps} steps"));
        if (_values.Flag(Z + "enable_sanity_checks")) Becomes(Z + "enable_sanity_checks", "trainer.checkCollectives", "true");
        if (_values.Flag("comms_logger.enabled")) Becomes("comms_logger.enabled", "trainer.logCollectives", "true");
        var measured = _values.Given("timers.throughput.enabled")?.Value is true;
        if (measured) _becomes["timers.throughput.enabled"] = nameof(ThroughputMonitor);

        return new DeepSpeedRun
        {
            Ranks = ranks,
            TrainBatchSize = batch.Train,
            MicroBatchSize = batch.Micro,
            GradientAccumulation = batch.Accumulation,
            Precision = precision,
            LossScale = precision.ScalesLoss ? LossScale() : null,
            GradientClipping = clip,
            Strategy = strategy,
            OffloadOptimizer = Device(Z + "offload_optimizer", Z + "cpu_offload"),
            OffloadParameters = Device(Z + "offload_param", Z + "cpu_offload_params"),
            Optimizer = optimizer,
            Schedule = schedule,
            LogSteps = log,
            CheckCollectives = _values.Flag(Z + "enable_sanity_checks"),
            LogCollectives = _values.Flag("comms_logger.enabled"),
            ReduceBucketSize = _values.Whole(Z + "reduce_bucket_size", Square(1)),
            AllgatherBucketSize = _values.Whole(Z + "allgather_bucket_size"),
            PrefetchBucketSize = _values.Whole(Z + "stage3_prefetch_bucket_size", Square(0.9)),
            ParameterPersistenceThreshold = _values.Whole(Z + "stage3_param_persistence_threshold", facts.HiddenSize * 10),
            MaxLiveParameters = _values.Whole(Z + "stage3_max_live_parameters"),
            MaxReuseDistance = _values.Whole(Z + "stage3_max_reuse_distance"),
            SubGroupSize = _values.Whole(Z + "sub_group_size"),
            WallClockBreakdown = _values.Flag("wall_clock_breakdown"),
            MemoryBreakdown = _values.Flag("memory_breakdown"),
            FlopsProfiler = Flops(),
            MeasuresThroughput = measured,
            TensorBoard = _values.Flag("tensorboard.enabled"),
            Elastic = _elastic,
            Rows = Rows(),
            Settings = _settings,
            Unsaid = Unsaid(optimizer),
            Refused = _refused,
            Warnings = _warnings,
        };
    }

    ElasticBatch? _elastic;

    BatchTriple BatchSizes()
    {
        if (_values.Flag("elasticity.enabled")) return Elasticity() ?? default;
        long? train = _values.OptionalWhole(Batch), micro = _values.OptionalWhole(Micro, facts.MicroBatchSize), accumulation = _values.OptionalWhole(Accumulation, facts.GradientAccumulation);
        // Beside a microbatch that the trainer fills in, it accumulates as it would anyway.
        if (_values.Auto(Micro) && _values.Given(Accumulation) is null && !_values.Has(Batch)) accumulation = facts.GradientAccumulation;
        // The Hugging Face rule: their product.
        if (_values.Auto(Batch))
        {
            if (micro is null && accumulation is null) train = _values.OptionalWhole(Batch, facts.MicroBatchSize * facts.GradientAccumulation * ranks);
            else _values.Filled[Batch] = "their product";
        }
        var triple = BatchTriple.Of(train, micro, accumulation, ranks, out var problem);
        if (problem is not null)
        {
            // What can't be read is reported by itself.
            var given = (string[])[Batch, Micro, Accumulation];
            if (given.Any(check.Unread.Contains)) return triple;
            Fault(given.FirstOrDefault(key => _values.Has(key)) ?? Batch, problem);
        }
        if (_values.Filled.ContainsKey(Batch)) _values.Filled[Batch] = Text($"{triple.Train}");
        _becomes[Batch] = Text($"{triple.Train} = {triple.Micro} × {triple.Accumulation} × {ranks} ranks");
        return triple;
    }

    BatchTriple? Elasticity()
    {
        const string Section = "elasticity.";
        var sizes = _values.Numbers(Section + "micro_batch_sizes", out var problem);
        if (problem is null && sizes is not null && sizes.Any(size => size != Math.Floor(size) || size is < 1 or > int.MaxValue)) problem = "has something other than a whole number of 1 and more";
        if (problem is not null)
        {
            Fault(Section + "micro_batch_sizes", problem);
            return null;
        }
        if (!_values.Flag(Section + "ignore_non_elastic_batch_info"))
        {
            foreach (var key in (string[])[Batch, Micro, Accumulation])
                if (_values.Given(key) is not null) Fault(key, "stands beside elasticity, which decides it: leave one out, or set elasticity.ignore_non_elastic_batch_info");
        }
        var options = new ElasticityOptions
        {
            MaxTrainBatchSize = _values.Whole(Section + "max_train_batch_size"),
            MicroBatchSizes = sizes is null ? new ElasticityOptions().MicroBatchSizes : [.. sizes.Select(size => (int)size)],
            MinRanks = Int(_values.Whole(Section + "min_gpus")),
            MaxRanks = Int(_values.Whole(Section + "max_gpus")),
            RanksPerHost = Int(_values.Whole(Section + "num_gpus_per_node")),
            ModelParallelSize = Int(_values.Whole(Section + "model_parallel_size")),
            PreferLargerBatch = _values.Flag(Section + "prefer_larger_batch"),
            Version = _values.Number(Section + "version"),
        };
        var faults = options.Faults();
        foreach (var fault in faults) Fault(fault.Key, fault.Message);
        if (faults.Count > 0) return null;
        _elastic = DeepSpeedElasticity.Batch(options, ranks);
        var dataParallel = Math.Max(1, ranks / options.ModelParallelSize);
        if (!_elastic.Ranks.Contains(dataParallel))
            Fault(Section + "enabled", Text($"allows {Numbers(_elastic.Ranks)} ranks for its batch of {_elastic.TrainBatchSize}, but {dataParallel} are there"));
        else if (_elastic.MicroBatchSize is not { } micro)
            Fault(Section + "micro_batch_sizes", Text($"has none that divides {_elastic.TrainBatchSize} / {dataParallel} samples of a rank"));
        else
        {
            Sets(Section + "max_gpus", "trainer.elasticRanks", $"[{string.Join(", ", _elastic.Ranks)}]");
            _becomes[Section + "enabled"] = Text($"{_elastic.TrainBatchSize} = {micro} × {_elastic.TrainBatchSize / micro / dataParallel} × {dataParallel} ranks; allowed: {Numbers(_elastic.Ranks)}");
            return new(_elastic.TrainBatchSize, micro, _elastic.TrainBatchSize / micro / dataParallel);
        }
        return new(_elastic.TrainBatchSize, 0, 0);
    }

    Precision Arithmetic()
    {
        bool half = _values.Flag("fp16.enabled", facts.Precision == Precision.Float16), brain = _values.Flag("bf16.enabled", facts.Precision == Precision.BFloat16);
        bool autocast = _values.Flag("torch_autocast.enabled", facts.Precision.UsesAutocast), apex = _values.Flag("amp.enabled");
        var on = new List<string>();
        if (half) on.Add("fp16.enabled");
        if (brain) on.Add("bf16.enabled");
        if (autocast) on.Add("torch_autocast.enabled");
        if (apex) on.Add("amp.enabled");
        if (on.Count > 1) Fault(on[1], $"= true, but {on[0]} is true too: a run has one precision, keep one of {string.Join(", ", on)}");
        var precision = half ? Precision.Float16
            : brain ? Precision.BFloat16
            : !autocast ? Precision.Float32
            : _values.Text("torch_autocast.dtype") is "float16" or "fp16" or "torch.float16" ? Precision.Float16 : Precision.BFloat16Autocast;
        if (on.Count > 0) Becomes(on[0], "trainer.precision", precision.Name);
        foreach (var off in (string[])["fp16.enabled", "bf16.enabled", "torch_autocast.enabled"])
            if (!on.Contains(off)) _becomes[off] = "off";
        if (!precision.ScalesLoss)
        {
            foreach (var key in check.Given.Keys)
                if (key.StartsWith("fp16.", StringComparison.Ordinal) && key != "fp16.enabled") Off(key, "of fp16, which is off");
        }
        return precision;
    }

    LossScalerOptions LossScale()
    {
        const double Lowest = 1.0 / (1 << 24);
        var fixedScale = _values.Number("fp16.loss_scale");
        if (fixedScale > 0)
        {
            const string Key = "fp16.loss_scale";
            Sets(Key, LossScaling + "initialScale", fixedScale);
            Sets(Key, LossScaling + "minScale", fixedScale);
            Sets(Key, LossScaling + "window", (long)int.MaxValue);
            Sets(Key, LossScaling + "throwAtMinScale", "false");
            return new() { InitialScale = fixedScale, MinScale = fixedScale, Window = int.MaxValue, ThrowAtMinScale = false };
        }
        _becomes["fp16.loss_scale"] = "dynamic";
        var initial = Math.Pow(2, _values.Whole("fp16.initial_scale_power"));
        var lowest = Math.Max(Lowest, _values.Number("fp16.min_loss_scale"));
        if (lowest > initial) Fault("fp16.min_loss_scale", Text($"= {lowest} is above the first scale of 2^{_values.Whole("fp16.initial_scale_power")} = {initial}"));
        var scale = new LossScalerOptions
        {
            InitialScale = initial,
            Window = Int(_values.Whole("fp16.loss_scale_window")),
            Hysteresis = Int(_values.Whole("fp16.hysteresis")),
            ConsecutiveHysteresis = _values.Flag("fp16.consecutive_hysteresis"),
            MinScale = Math.Min(lowest, initial),
        };
        Sets("fp16.initial_scale_power", LossScaling + "initialScale", initial);
        Sets("fp16.loss_scale_window", LossScaling + "window", (long)scale.Window);
        Sets("fp16.hysteresis", LossScaling + "hysteresis", (long)scale.Hysteresis);
        Sets("fp16.consecutive_hysteresis", LossScaling + "consecutiveHysteresis", scale.ConsecutiveHysteresis ? "true" : "false");
        Sets("fp16.min_loss_scale", LossScaling + "minScale", scale.MinScale);
        return scale;
    }

    IReadOnlyList<(string, string)> Unsaid(DeepSpeedOptimizer? optimizer)
    {
        string[] keys = ["wall_clock_breakdown", "memory_breakdown", "flops_profiler.enabled", "timers.throughput.enabled", "tensorboard.enabled"];
        var unsaid = keys.Where(key => _values.Given(key)?.Value is true).Select(key => (_values.Given(key)!.Written, Plain(KeyTable.ByPath[key].Becomes))).ToList();
        if (optimizer is { IsAvailable: true } && !_settings.Exists(setting => setting.Key == "optimizer.kind")) unsaid.Add(("optimizer.type", _becomes["optimizer.type"]));
        return unsaid;
    }

    Func<FlopsProfiler>? Flops()
    {
        if (!_values.Flag("flops_profiler.enabled")) return null;
        var depth = Int(_values.Whole("flops_profiler.module_depth"));
        var (step, top) = (Int(_values.Whole("flops_profiler.profile_step")), Int(_values.Whole("flops_profiler.top_modules")));
        var detailed = _values.Flag("flops_profiler.detailed");
        var file = _values.Text("flops_profiler.output_file") is { Length: > 0 } given ? given : null;
        return () => new() { Step = step, Depth = depth < 0 ? null : depth, TopModules = top, Detailed = detailed, OutputFile = file };
    }

    string Device(string section, string old) => _values.Has(section + ".device") ? _values.Text(section + ".device")! : _values.Flag(old) ? "cpu" : "none";

    long? Square(double share) => facts.HiddenSize is { } width ? (long)(share * width * width) : null;

    /// <summary>A key becomes a setting, or, without one, a word for the table.</summary>
    void Becomes(string path, string? setting, string value)
    {
        _becomes[path] = setting is null ? value : $"{setting} = {value}";
        if (setting is not null) Sets(path, setting, value);
    }

    /// <summary>A key that has no say beside the others, and why.</summary>
    void Off(string path, string why)
    {
        _becomes[path] = why;
        _off.Add(path);
    }

    void Fault(string path, string message) => _errors.Add(Message(path, message));

    void Warn(string path, string message) => _warnings.Add(Message(path, message));

    void Refuse(string path, string message) => _refused.Add(Message(path, message));

    ConfigMessage Message(string path, string message) => _values.Given(path) is { } given ? new(given.At, given.Written, message) : new(null, path, message);

    IReadOnlyList<RunRow> Rows()
    {
        var rows = new List<RunRow>();
        foreach (var given in check.Given.Values.OrderBy(given => given.At.Line).ThenBy(given => given.At.Column))
        {
            var key = given.Key;
            var shown = given.IsAuto ? _values.Filled.TryGetValue(key.Path, out var filled) ? $"auto: {filled}" : "auto" : given.Shown;
            var settings = string.Join(", ", _settings.Where(setting => setting.From == given.Written).Select(setting => $"{setting.Key} = {(setting.Value.Length <= LongestShown ? setting.Value : setting.Value[..(LongestShown - 1)] + "…")}"));
            var becomes = settings.Length > 0 ? settings : _becomes.GetValueOrDefault(key.Path) ?? (key.Class == KeyClass.Honoured ? Plain(key.Becomes) : key.ClassText);
            if (settings.Length == 0 && key is { Class: KeyClass.Honoured, Kind: ValueKind.Flag, Default: "false" } && given.Value is false) becomes = "off";
            if (given.IsRefused) becomes = $"not available; instead {Plain(key.Becomes)}";
            else if (key.Class == KeyClass.NotAvailable) becomes = "as here";
            // What a note says of a value that has no say here would mislead.
            var isOff = key.Class == KeyClass.Honoured && (becomes == "off" || _off.Contains(key.Path));
            var isQuiet = isOff || (key.Class == KeyClass.NotAvailable && !given.IsRefused) || key.Note == "–" || _quiet.Contains(key.Path);
            rows.Add(new(given.Written, shown, key.Class, given.IsRefused, becomes, isQuiet ? "" : Plain(key.Note), given.At) { IsOff = isOff });
        }
        if (_values.Given("gradient_clipping") is null && _becomes.TryGetValue("gradient_clipping", out var clips)) rows.Add(new("gradient_clipping", "1.0 (default)", KeyClass.Honoured, false, clips, Plain(KeyTable.ByPath["gradient_clipping"].Note), new(0, 0)));
        return rows;
    }

    static string Plain(string text) => text.Replace("`", "", StringComparison.Ordinal);

    static int Int(long value) => (int)Math.Clamp(value, int.MinValue, int.MaxValue);

    static string Numbers(IReadOnlyList<int> numbers) => numbers.Count == 0 ? "no" : string.Join(", ", numbers.Take(12).Select(number => number.ToString(CultureInfo.InvariantCulture))) + (numbers.Count > 12 ? ", …" : "");

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
