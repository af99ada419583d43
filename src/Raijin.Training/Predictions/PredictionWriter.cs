using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Takes a model's answers as they come and writes them, in place of collecting them: <c>trainer.Predict(model, loaders, new PredictionFile("out.jsonl"))</c>. Derive from it for a format or a
/// store of your own.
/// </summary>
/// <remarks>Lightning's <c>BasePredictionWriter</c>.</remarks>
public abstract class PredictionWriter
{
    /// <summary>The first call.</summary>
    public virtual void Open() { }

    /// <summary>Takes a batch's answer.</summary>
    /// <param name="step">Which batch, of which loader.</param>
    /// <param name="prediction">[B, …]; borrowed.</param>
    public abstract void Write(EvalStep step, Tensor prediction);

    /// <summary>The last call, also after an error or a cancellation.</summary>
    /// <param name="complete">Whether all batches were written.</param>
    public virtual void Close(bool complete) { }
}
