using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>A copy in memory of a model that nobody trains yet, and of the random state.</summary>
sealed class ModelSnapshot : IDisposable
{
    readonly Dictionary<string, Tensor> _model = new(StringComparer.Ordinal);
    readonly RandomState _random = RandomState.Capture();

    ModelSnapshot(nn.Module model)
    {
        using var none = no_grad();
        foreach (var (key, tensor) in model.state_dict()) _model[key] = tensor.clone().DetachFromDisposeScope();
    }

    public static ModelSnapshot Of(nn.Module model) => new(model);

    /// <summary>Puts model and random state back to the copy.</summary>
    public void Restore(nn.Module model)
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (key, tensor) in model.state_dict())
        {
            // In memory of its own: ranks that gave up have left the model in what they shared, or without values.
            if (tensor.device_type == TorchSharp.DeviceType.META) TensorBox.Point(tensor, _model[key].clone().requires_grad_(tensor.requires_grad));
            else Aten.SetData(tensor, _model[key].to(tensor.device).clone());
        }
        _random.Restore();
    }

    public void Dispose()
    {
        foreach (var copy in _model.Values) copy.Dispose();
        _model.Clear();
    }
}
