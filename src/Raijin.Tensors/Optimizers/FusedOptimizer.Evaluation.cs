using static TorchSharp.torch;

namespace Raijin.Tensors;

// The weights that are trained are not those to evaluate: schedule-free AdamW trains y and evaluates x, averaged SGD evaluates the mean.
public sealed partial class FusedOptimizer
{
    // What fp32 parameters held before; bf16 and fp16 ones come back from their masters. Kept for the next evaluation.
    Tensor?[] _heldWeights = [];

    /// <summary>Whether the algorithm evaluates other weights than it trains: those of schedule-free AdamW and averaged SGD.</summary>
    public bool HasEvaluationWeights => Algorithm.Evaluation.HasValue;

    /// <summary>Whether the parameters now hold the evaluation weights.</summary>
    public bool IsEvaluating { get; private set; }

    /// <summary>
    /// Puts the weights to evaluate into the parameters, before validation, a test, a prediction or an export. Without effect where
    /// <see cref="HasEvaluationWeights"/> is false, or when they are in. The first call allocates a copy of the fp32 parameters.
    /// </summary>
    /// <remarks>Until <see cref="UseTrainingWeights"/> there is no step, and no state to capture or load: a checkpoint holds the training weights.</remarks>
    public void UseEvaluationWeights()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Algorithm.Evaluation is not var (slotName, weight) || IsEvaluating) return;
        if (_heldWeights.Length == 0) _heldWeights = new Tensor?[_parameters.Length];
        using var none = no_grad();
        for (var i = 0; i < _parameters.Length; i++)
        {
            var parameter = _parameters[i];
            if (!parameter.HasSlots) continue;
            using var scope = NewDisposeScope();
            var slot = parameter.Slots.Zip(Algorithm.Slots).First(pair => pair.Second == slotName).First;
            if (parameter.HasMaster)
            {
                parameter.Tensor.copy_(LibtorchUpdate.Weights(parameter).lerp(slot, weight));
                continue;
            }

            var held = _heldWeights[i] ??= empty_like(parameter.Tensor, requires_grad: false).DetachFromDisposeScope();
            held.copy_(parameter.Tensor);
            parameter.Tensor.lerp_(slot, weight);
        }

        IsEvaluating = true;
    }

    /// <summary>Puts the training weights back, bit for bit as they were; without effect when they are in.</summary>
    public void UseTrainingWeights()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!IsEvaluating) return;
        using var none = no_grad();
        for (var i = 0; i < _parameters.Length; i++)
            if (_parameters[i].HasSlots) _parameters[i].Tensor.copy_(_parameters[i].HasMaster ? _parameters[i].Slots[^1] : _heldWeights[i]!);
        IsEvaluating = false;
    }

    void ThrowIfEvaluating()
    {
        if (IsEvaluating)
            throw new InvalidOperationException("The parameters hold the weights to evaluate, not those in training: call UseTrainingWeights() first.");
    }
}
