using System.Globalization;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>What must be the same on all ranks that train together, a line each: the options, the data, the model's parameters and buffers.</summary>
static class RunFingerprint
{
    public static IEnumerable<string> Of(RunPlan plan, Module module, IReadOnlyList<Callback> callbacks)
    {
        foreach (var (key, value) in new RunDescription("run", plan.Options).Parameters) yield return $"{key} = {RunDescription.TextOf(value)}";
        yield return $"data.train = {plan.LoaderFingerprint}";
        foreach (var (index, callback) in callbacks.Where(c => !c.IsDisplay).Index()) yield return string.Create(CultureInfo.InvariantCulture, $"callback {index} = {callback.StateKey}");
        foreach (var (name, parameter) in module.named_parameters()) yield return $"model.{name} = {Describe(parameter)}{(parameter.requires_grad ? "" : ", frozen")}";
        foreach (var (name, buffer) in module.named_buffers()) yield return $"model.{name} = {Describe(buffer)}";
    }

    static string Describe(TorchSharp.torch.Tensor tensor) => $"[{string.Join(", ", tensor.shape)}] {tensor.dtype}";
}
