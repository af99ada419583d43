using System.Globalization;
using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>What the time of a step is predicted from.</summary>
/// <param name="Work">What a microbatch computes.</param>
/// <param name="Machine">How fast the machine is.</param>
sealed record PlannedTime(StepWork Work, MachineCalibration Machine)
{
    // Weights, gradients, and as much again for what a step makes.
    const int BytesOfParameter = 16;

    /// <summary>Why no time can be predicted for so many ranks.</summary>
    public static IEnumerable<OptionFault> Faults(int ranks)
    {
        if (ranks > Environment.ProcessorCount) yield return new("--calibrate", $"measures {ranks} ranks at once, and this machine has {Environment.ProcessorCount} processors: plan for at most so many");
        if (StepRecording.Unavailable is { } reason) yield return new("--calibrate", $"can't record what a step computes: {reason}");
    }

    /// <summary>Why none can be predicted for this model.</summary>
    public static IEnumerable<OptionFault> Faults(GptOptions? gpt, string model, int ranks, ModelShape? shape)
    {
        if (gpt is null && shape is not null)
            yield return new("--calibrate", $"needs a model whose computation is known, a GPT's preset or .json; {model} has parameters alone");
        foreach (var fault in Faults(ranks)) yield return fault;
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (gpt is not null && gpt.NumParameters > memory / BytesOfParameter)
            yield return new("--calibrate", string.Create(CultureInfo.InvariantCulture, $"runs one step of {model}, for which this machine's {memory / 1e9:F1} GB are too few"));
    }

    /// <summary>Records a step of a GPT, and reads or measures the machine.</summary>
    public static PlannedTime Of(GptOptions gpt, int samples, string file, PlanRequest request)
    {
        using var scope = TensorScope.Open();
        using var model = new Gpt(gpt);
        var tokens = zeros([samples, gpt.Context], ScalarType.Int64);
        var work = StepRecording.Record(samples, () => model.Loss(tokens, tokens), () =>
        {
            foreach (var parameter in model.parameters()) GradientAccess.ClearGradient(parameter);
        }, request.Options.Precision.Compute == ScalarType.Float32 ? 4 : 2);
        return Of(work, file, request);
    }

    /// <summary>Reads or measures the machine that does some work.</summary>
    public static PlannedTime Of(StepWork work, string file, PlanRequest request) =>
        new(work, CalibrationFile.ReadOrMeasure(file, File.Exists(file), request.Ranks, world: null, request.Strategies.Any(s => s.Strategy.OffloadOptimizer != Tier.Device && s.Strategy.OffloadOptimizer != Tier.Host) ? Path.GetTempPath() : null));
}
