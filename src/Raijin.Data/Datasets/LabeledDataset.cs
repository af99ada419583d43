using Raijin.Data;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Inputs with their labels, as two tensors in memory.</summary>
public sealed class LabeledDataset : TensorDataset<LabeledBatch>
{
    /// <summary>Takes the samples.</summary>
    /// <param name="inputs">[N, …], any dtype; borrowed.</param>
    /// <param name="labels">[N] int64 for classes, or [N, …] for regression targets; borrowed.</param>
    /// <exception cref="ShapeMismatchException">Different numbers of inputs and labels.</exception>
    public LabeledDataset(Tensor inputs, Tensor labels) : base((nameof(inputs), inputs), (nameof(labels), labels)) { }

    LabeledDataset(LabeledDataset whole, DatasetPart part) : base(whole, part) { }

    /// <inheritdoc/>
    protected override LabeledBatch Make(ReadOnlySpan<Tensor> columns) => new(columns[0], columns[1]);

    /// <inheritdoc/>
    protected override TensorDataset<LabeledBatch> Take(DatasetPart part) => new LabeledDataset(this, part);
}

/// <summary>Inputs without labels, as one tensor in memory.</summary>
public sealed class TensorDataset : TensorDataset<TensorBatch>
{
    /// <summary>Takes the samples.</summary>
    /// <param name="inputs">[N, …], any dtype; borrowed.</param>
    public TensorDataset(Tensor inputs) : base((nameof(inputs), inputs)) { }

    TensorDataset(TensorDataset whole, DatasetPart part) : base(whole, part) { }

    /// <inheritdoc/>
    protected override TensorBatch Make(ReadOnlySpan<Tensor> columns) => new(columns[0]);

    /// <inheritdoc/>
    protected override TensorDataset<TensorBatch> Take(DatasetPart part) => new TensorDataset(this, part);
}
