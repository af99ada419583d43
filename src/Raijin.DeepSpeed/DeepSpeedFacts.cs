using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>What stands beside a configuration file and fills in its <c>"auto"</c>, by the rule of Hugging Face's trainer; the defaults are its own.</summary>
public sealed record DeepSpeedFacts
{
    /// <summary>Samples of a forward pass of one rank.</summary>
    /// <value>Default 8. Fills in <c>train_micro_batch_size_per_gpu</c>.</value>
    public long MicroBatchSize { get; init; } = 8;

    /// <summary>Forward passes of a step.</summary>
    /// <value>Default 1. Fills in <c>gradient_accumulation_steps</c>.</value>
    public long GradientAccumulation { get; init; } = 1;

    /// <summary>The largest norm of the gradients; 0 for no bound.</summary>
    /// <value>Default 1. Fills in <c>gradient_clipping</c>.</value>
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>The arithmetic.</summary>
    /// <value>Default float32. Fills in <c>fp16.enabled</c> and <c>bf16.enabled</c>.</value>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>The learning rate.</summary>
    /// <value>Default 5e-5. Fills in <c>lr</c> and <c>warmup_max_lr</c>.</value>
    public double LearningRate { get; init; } = 5e-5;

    /// <summary>Decay of the gradient's running mean.</summary>
    /// <value>Default 0.9. Fills in <c>betas</c>.</value>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient's running mean.</summary>
    /// <value>Default 0.999. Fills in <c>betas</c>.</value>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>What keeps a division from zero.</summary>
    /// <value>Default 1e-8. Fills in <c>eps</c>.</value>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weight decay.</summary>
    /// <value>Default 0. Fills in <c>weight_decay</c>.</value>
    public double WeightDecay { get; init; }

    /// <summary>Updates of the warm-up.</summary>
    /// <value>Default 0. Fills in <c>warmup_num_steps</c>.</value>
    public long WarmupSteps { get; init; }

    /// <summary>Updates of the run.</summary>
    /// <value>Default null: unknown; a schedule takes the run's own. Fills in <c>total_num_steps</c>.</value>
    public long? TotalSteps { get; init; }

    /// <summary>The model's width h.</summary>
    /// <value>Default null: unknown. Fills in <c>reduce_bucket_size</c> with h², <c>stage3_prefetch_bucket_size</c> with 0.9 h² and <c>stage3_param_persistence_threshold</c> with 10 h.</value>
    public long? HiddenSize { get; init; }

    /// <summary>The same with the width of a module: the last dimension of the first matrix whose name says that it embeds (<c>*embed*</c>, <c>*wte*</c>); unknown where it has none.</summary>
    public DeepSpeedFacts Of(Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        foreach (var (name, parameter) in module.named_parameters())
            if (parameter.dim() == 2 && (name.Contains("embed", StringComparison.OrdinalIgnoreCase) || name.Contains("wte", StringComparison.OrdinalIgnoreCase))) return this with { HiddenSize = parameter.shape[^1] };
        return this;
    }
}
