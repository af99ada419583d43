using System.Text.Json;
using Raijin.Testing;

namespace Raijin.DeepSpeed.Tests;

/// <summary>63 files of public repositories, against what DeepSpeed 0.14.4 itself read in them, at 1, 2 and 8 ranks, as they are and with "auto" filled in.</summary>
public sealed class RealFilesTests
{
    // What filled in "auto" there.
    static readonly DeepSpeedFacts Facts = new()
    {
        MicroBatchSize = 2, GradientAccumulation = 3, MaxGradientNorm = 1, Precision = Precision.BFloat16, LearningRate = 5e-5, Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8, WeightDecay = 0.01,
        WarmupSteps = 10, TotalSteps = 100, HiddenSize = 768,
    };

    // Rejected by 0.14.4 and accepted here: only an "auto" is missing, and there are facts for it. With reasons, each.
    static readonly Dictionary<string, string> AcceptedThough = new()
    {
    };

    static JsonElement Resolved() => JsonDocument.Parse(File.ReadAllText(SharedData.Require("ds-configs", "resolved.json"))).RootElement;

    static DeepSpeedRun? Read(string file, int ranks, DeepSpeedFacts? facts, out IReadOnlyList<ConfigMessage> errors)
    {
        var config = DeepSpeedConfig.Parse(File.ReadAllText(SharedData.Require("ds-configs", file)), file, out errors);
        return config?.Resolve(ranks, facts, out errors);
    }

    [Fact]
    public void Every_file_that_DeepSpeed_accepts_has_the_same_numbers_here()
    {
        var problems = new List<string>();
        var compared = 0;
        foreach (var file in Resolved().EnumerateObject())
        {
            foreach (var (worlds, facts) in ((JsonElement, DeepSpeedFacts?)[])[(file.Value, null), (file.Value.TryGetProperty("auto_filled", out var filled) ? filled : default, Facts)])
            {
                if (worlds.ValueKind != JsonValueKind.Object) continue;
                foreach (var world in worlds.EnumerateObject())
                {
                    if (!int.TryParse(world.Name, out var ranks) || world.Value.TryGetProperty("error", out _)) continue;
                    compared++;
                    var run = Read(file.Name, ranks, facts, out var errors);
                    if (errors.Count > 0) problems.Add($"{file.Name} at {ranks}: {string.Join("; ", errors.Select(error => $"{error.Key} {error.Message}"))}");
                    else problems.AddRange(Differences(world.Value, run!, File.ReadAllText(SharedData.Require("ds-configs", file.Name))).Select(difference => $"{file.Name} at {ranks}{(facts is null ? "" : " filled")}: {difference}"));
                }
            }
        }
        Assert.Empty(problems);
        Assert.Equal(134, compared);
    }

    [Fact]
    public void Every_file_that_DeepSpeed_rejects_is_rejected_here()
    {
        var accepted = new List<string>();
        var rejected = 0;
        foreach (var file in Resolved().EnumerateObject())
            foreach (var world in file.Value.EnumerateObject())
            {
                if (!int.TryParse(world.Name, out var ranks) || !world.Value.TryGetProperty("error", out var error)) continue;
                rejected++;
                Read(file.Name, ranks, null, out var errors);
                // "auto" alone is no error here: the defaults of Hugging Face's trainer fill it in, where DeepSpeed by itself drops it.
                if (errors.Count == 0 && !file.Value.TryGetProperty("auto_filled", out _) && !AcceptedThough.ContainsKey(file.Name)) accepted.Add($"{file.Name} at {ranks}: {error.GetString()}");
            }
        Assert.Empty(accepted);
        Assert.InRange(rejected, 1, 200);
    }

    static IEnumerable<string> Differences(JsonElement theirs, DeepSpeedRun ours, string text)
    {
        var differences = new List<string>();
        void Same(string name, JsonElement at, object? mine)
        {
            var given = at.ValueKind switch
            {
                JsonValueKind.Number => (object)at.GetDouble(),
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                JsonValueKind.String => at.GetString()!,
                _ => null!,
            };
            if (!Equals(given, mine is long or int ? Convert.ToDouble(mine, System.Globalization.CultureInfo.InvariantCulture) : mine)) differences.Add($"{name}: {given} there, {mine} here");
        }

        Same("train_batch_size", theirs.GetProperty("train_batch_size"), ours.TrainBatchSize);
        Same("train_micro_batch_size_per_gpu", theirs.GetProperty("train_micro_batch_size_per_gpu"), ours.MicroBatchSize);
        Same("gradient_accumulation_steps", theirs.GetProperty("gradient_accumulation_steps"), ours.GradientAccumulation);
        if (!theirs.TryGetProperty("zero_optimization_stage", out var stage)) return differences;
        Same("stage", stage, ours.Strategy.Stage);
        Same("fp16", theirs.GetProperty("fp16_enabled"), ours.Precision == Precision.Float16);
        Same("bf16", theirs.GetProperty("bfloat16_enabled"), ours.Precision == Precision.BFloat16);
        // Changed since: the default was 0 (docs/deepspeed-config.md, "What changed").
        Same("gradient_clipping", theirs.GetProperty("gradient_clipping"), text.Contains("\"gradient_clipping\"", StringComparison.Ordinal) ? ours.GradientClipping : ours.GradientClipping - 1);
        if (ours.LossScale is { } scale && !text.Contains("\"loss_scale\"", StringComparison.Ordinal) | theirs.GetProperty("loss_scale").GetDouble() == 0) Same("initial scale", theirs.GetProperty("initial_dynamic_scale"), scale.InitialScale);
        if (theirs.TryGetProperty("zero", out var zero) && zero.ValueKind == JsonValueKind.Object)
        {
            string Device(string key) => zero.GetProperty(key) is { ValueKind: JsonValueKind.Object } section ? section.GetProperty("device").GetString()! : "none";
            if (Device("offload_optimizer") != ours.OffloadOptimizer) differences.Add($"offload_optimizer {ours.OffloadOptimizer}");
            if (Device("offload_param") != ours.OffloadParameters) differences.Add($"offload_param {ours.OffloadParameters}");
            Same("reduce_bucket_size", zero.GetProperty("reduce_bucket_size"), ours.ReduceBucketSize);
            Same("allgather_bucket_size", zero.GetProperty("allgather_bucket_size"), ours.AllgatherBucketSize);
            Same("prefetch_bucket_size", zero.GetProperty("prefetch_bucket_size"), ours.PrefetchBucketSize);
            Same("param_persistence_threshold", zero.GetProperty("param_persistence_threshold"), ours.ParameterPersistenceThreshold);
            Same("max_live_parameters", zero.GetProperty("max_live_parameters"), ours.MaxLiveParameters);
            Same("max_reuse_distance", zero.GetProperty("max_reuse_distance"), ours.MaxReuseDistance);
            Same("sub_group_size", zero.GetProperty("sub_group_size"), ours.SubGroupSize);
        }
        var optimizer = theirs.GetProperty("optimizer_name").GetString();
        if (!string.Equals(optimizer, ours.Optimizer?.Type, StringComparison.OrdinalIgnoreCase)) differences.Add($"optimizer {ours.Optimizer?.Type}, there {optimizer}");
        if (ours.Optimizer is { } mine && theirs.GetProperty("optimizer_params") is { ValueKind: JsonValueKind.Object } parameters)
        {
            foreach (var parameter in parameters.EnumerateObject())
            {
                if (parameter.Name == "lr") Same("lr", parameter.Value, mine.LearningRate);
                if (parameter.Name == "eps") Same("eps", parameter.Value, mine.Epsilon);
                if (parameter.Name == "weight_decay") Same("weight_decay", parameter.Value, mine.WeightDecay);
                if (parameter.Name != "betas") continue;
                Same("beta1", parameter.Value[0], mine.Beta1);
                Same("beta2", parameter.Value[1], mine.Beta2);
            }
        }
        var scheduler = theirs.GetProperty("scheduler_name").GetString();
        if (scheduler != ours.Schedule?.Type) differences.Add($"scheduler {ours.Schedule?.Type}, there {scheduler}");
        if (ours.Schedule is { } schedule && theirs.GetProperty("scheduler_params") is { ValueKind: JsonValueKind.Object } rates)
            foreach (var step in (long[])[0, 1, 2, 7, 50, 99, 100, 5000])
                if (RateOf(scheduler!, rates, step) is var expected && schedule.BaseRate!.Value * schedule.Schedule.Factor(new SchedulePoint { Step = step, TotalSteps = null, StepsPerEpoch = null }) is var rate && Math.Abs(expected - rate) > 1e-15) differences.Add($"rate of update {step}: {rate}, there {expected}");
        return differences;
    }

    // The published formulas, from the file's own numbers: γ = ln(i + 1) / ln W, the first update at the lowest rate.
    static double RateOf(string name, JsonElement p, long update)
    {
        double low = p.GetProperty("warmup_min_lr").GetDouble(), high = p.GetProperty("warmup_max_lr").GetDouble(), w = Math.Max(2, p.GetProperty("warmup_num_steps").GetDouble());
        var i = update - 1;
        if (i < 0) return low;
        var gamma = i < w ? Math.Log(i + 1) / Math.Log(w) : name == "WarmupLR" ? 1 : Math.Max(0, (p.GetProperty("total_num_steps").GetDouble() - i) / Math.Max(1, p.GetProperty("total_num_steps").GetDouble() - w));
        return low + ((high - low) * gamma);
    }
}
