using static TorchSharp.torch.nn;

namespace Raijin.Cli;

/// <summary>The optimizer of a built-in task.</summary>
sealed record OptimizerOptions
{
    /// <summary>The algorithm.</summary>
    public OptimizerName Name { get; init; } = OptimizerName.AdamW;

    /// <summary>The base learning rate.</summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>Weight decay; biases have none.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Momentum of sgd; the others have their own.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>The learning rate over the run.</summary>
    public ScheduleName Schedule { get; init; } = ScheduleName.WarmupCosine;

    /// <summary>Optimizer steps over which the rate rises from zero.</summary>
    public long WarmupSteps { get; init; } = 50;

    /// <summary>The setup for the parameters of <paramref name="module"/>.</summary>
    public OptimizerSetup Build(Module module)
    {
        var setup = Name switch
        {
            OptimizerName.AdamW => Optimizers.AdamW(module, LearningRate, WeightDecay),
            OptimizerName.Adam => Optimizers.Adam(module, LearningRate, weightDecay: WeightDecay),
            OptimizerName.Sgd => Optimizers.Sgd(module, LearningRate, Momentum, weightDecay: WeightDecay),
            OptimizerName.Lion => Optimizers.Lion(module, LearningRate, WeightDecay),
            OptimizerName.Adagrad => Optimizers.Adagrad(module, LearningRate, weightDecay: WeightDecay),
            OptimizerName.RmsProp => Optimizers.RmsProp(module, LearningRate, weightDecay: WeightDecay),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return setup.NoDecayOn("*.bias").With(Schedule switch
        {
            ScheduleName.WarmupCosine => Schedules.WarmupCosine(WarmupSteps),
            ScheduleName.WarmupLinear => Schedules.WarmupLinear(WarmupSteps),
            _ => Schedules.Constant,
        });
    }

    /// <summary>Values outside their ranges.</summary>
    public IEnumerable<OptionFault> Faults()
    {
        if (!(LearningRate > 0)) yield return OutOfRange.Fault("optimizer.learningRate", LearningRate, "above 0");
        if (!(WeightDecay >= 0)) yield return OutOfRange.Fault("optimizer.weightDecay", WeightDecay, "0 and more");
        if (!(Momentum is >= 0 and < 1)) yield return OutOfRange.Fault("optimizer.momentum", Momentum, "0 and more, below 1");
        if (WarmupSteps < 0) yield return OutOfRange.Fault("optimizer.warmupSteps", WarmupSteps, "0 and more");
    }
}

/// <summary>The algorithms.</summary>
enum OptimizerName
{
    /// <summary>Adam with decoupled weight decay.</summary>
    AdamW,

    /// <summary>Adam with L2 regularisation.</summary>
    Adam,

    /// <summary>Stochastic gradient descent.</summary>
    Sgd,

    /// <summary>The sign of an interpolated momentum.</summary>
    Lion,

    /// <summary>Adagrad.</summary>
    Adagrad,

    /// <summary>RMSprop.</summary>
    RmsProp,
}

/// <summary>Learning rates over the run.</summary>
enum ScheduleName
{
    /// <summary>The base rate throughout.</summary>
    Constant,

    /// <summary>Up from zero, then a half cosine down to zero at the end.</summary>
    WarmupCosine,

    /// <summary>Up from zero, then a straight line down to zero at the end.</summary>
    WarmupLinear,
}
