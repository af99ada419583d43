// M tasks; K samples to adapt on and Q to be judged on, each; I inputs

using Raijin;
using static TorchSharp.torch;

/// <summary>A problem small enough to be learned from a few samples: rows of inputs, and targets, to adapt on (support) and to be judged on (query).</summary>
sealed record LearningProblem(float[] SupportInputs, float[] SupportTargets, float[] QueryInputs, float[] QueryTargets);

/// <summary>M problems together.</summary>
/// <param name="SupportInputs">[M, K, I] float32.</param>
/// <param name="SupportTargets">[M, K, 1] float32 to regress, or [M, K] int64 classes.</param>
/// <param name="QueryInputs">[M, Q, I] float32.</param>
/// <param name="QueryTargets">As those of the support.</param>
sealed record TaskBatch(Tensor SupportInputs, Tensor SupportTargets, Tensor QueryInputs, Tensor QueryTargets) : IBatch<TaskBatch>
{
    public int Count => (int)SupportInputs.shape[0];

    public TaskBatch Map(Func<Tensor, Tensor> map) => new(map(SupportInputs), map(SupportTargets), map(QueryInputs), map(QueryTargets));

    public static TaskBatch Collate(IReadOnlyList<LearningProblem> tasks, int inputSize, bool classes)
    {
        return new(Inputs(t => t.SupportInputs), Targets(t => t.SupportTargets), Inputs(t => t.QueryInputs), Targets(t => t.QueryTargets));

        Tensor Inputs(Func<LearningProblem, float[]> of) => Raijin.Collate.Rows([.. tasks.Select(of)]).reshape(tasks.Count, -1, inputSize);

        Tensor Targets(Func<LearningProblem, float[]> of)
        {
            var rows = Raijin.Collate.Rows([.. tasks.Select(of)]);
            return classes ? rows.to(ScalarType.Int64) : rows.unsqueeze(2);
        }
    }
}
