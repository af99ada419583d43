// M tasks, K samples each, I inputs, O outputs of a layer

using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

/// <summary>
/// Model-agnostic meta-learning (Finn et al. 2017, arXiv:1703.03400): weights from which a few gradient steps on a few samples go far. All tasks
/// of a batch adapt at once: each has its own copy of the weights, [M, O, I], and a layer is one batched matrix product.
/// </summary>
sealed class Maml(MamlOptions options) : TrainingModule<TaskBatch>
{
    readonly Module<Tensor, Tensor> _net = Sequential(
        Linear(options.Inputs, options.Hidden), ReLU(), Linear(options.Hidden, options.Hidden), ReLU(), Linear(options.Hidden, options.Outputs));

    protected override Tensor TrainingStep(TaskBatch batch, TrainStep step)
    {
        var (before, weights) = Adapt(batch, options.Steps, options.SecondOrder);
        var loss = Loss(Forward(weights, batch.QueryInputs), batch.QueryTargets);
        step.Log("train/before", before);
        step.Log("train/after", loss);
        return loss;
    }

    protected override void ValidationStep(TaskBatch batch, EvalStep step)
    {
        using var gradients = enable_grad();  // Evaluation records none, but adapting is made of them.
        foreach (var steps in (ReadOnlySpan<int>)[0, 1, options.EvaluationSteps])
        {
            var answers = Forward(Adapt(batch, steps, secondOrder: false).Weights, batch.QueryInputs);
            step.Log($"val/loss@{steps}", Loss(answers, batch.QueryTargets));
            if (options.Classifies) step.Log($"val/accuracy@{steps}", answers.argmax(2).eq(batch.QueryTargets).to(ScalarType.Float32).mean());
        }
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Adam(this, options.MetaLearningRate);

    /// <summary>Gradient steps on the support samples, each task from the common weights.</summary>
    /// <returns>The loss before the first step, and the weights after the last: [M, O, I] and [M, 1, O] in turn.</returns>
    (Tensor Before, Tensor[] Weights) Adapt(TaskBatch batch, int steps, bool secondOrder)
    {
        Tensor[] weights = [.. parameters().Select(p => (p.dim() == 1 ? p.unsqueeze(0) : p).unsqueeze(0).expand(batch.Count, -1, -1))];
        Tensor? before = null;
        for (var i = 0; i < steps; i++)
        {
            var loss = Loss(Forward(weights, batch.SupportInputs), batch.SupportTargets);
            before ??= loss;
            // The loss is a mean over tasks: × M gives each task's own gradient.
            var slopes = autograd.grad([loss * batch.Count], weights, retain_graph: secondOrder, create_graph: secondOrder);
            for (var w = 0; w < weights.Length; w++) weights[w] = weights[w] - options.LearningRate * slopes[w];
        }
        return (before ?? Loss(Forward(weights, batch.SupportInputs), batch.SupportTargets), weights);
    }

    static Tensor Forward(Tensor[] weights, Tensor inputs)
    {
        var x = inputs;  // [M, K, I]
        for (var w = 0; w < weights.Length; w += 2)
        {
            x = x.bmm(weights[w].transpose(1, 2)) + weights[w + 1];  // [M, K, O]
            if (w + 2 < weights.Length) x = x.relu();
        }
        return x;
    }

    Tensor Loss(Tensor answers, Tensor targets) => options.Classifies
        ? functional.cross_entropy(answers.flatten(0, 1), targets.flatten())
        : functional.mse_loss(answers, targets);
}

/// <summary>What is learned, and how.</summary>
sealed record MamlOptions
{
    public required int Inputs { get; init; }
    public required int Hidden { get; init; }
    public required int Outputs { get; init; }
    public required bool Classifies { get; init; }

    /// <summary>Rate of the steps on a task.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Rate of the steps between tasks.</summary>
    public double MetaLearningRate { get; init; } = 1e-3;

    /// <summary>Steps on a task while training.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps on a task when it is judged.</summary>
    public int EvaluationSteps { get; init; } = 5;

    /// <summary>Whether the meta-gradient goes through the steps' own gradients; false is the first-order approximation.</summary>
    public bool SecondOrder { get; init; } = true;
}
