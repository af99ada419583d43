using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>The parameters that weight decay does no good: those that shift and scale.</summary>
static class NormsAndBiases
{
    /// <summary>Names of a module's biases and of all parameters of its normalisation layers.</summary>
    public static HashSet<string> Of(Module root)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        Collect("", root);
        foreach (var (path, module) in root.named_modules()) Collect(path + ".", module);
        return names;

        void Collect(string prefix, Module module)
        {
            var isNorm = IsNorm(module.GetType());
            foreach (var (name, _) in module.named_parameters(recurse: false))
                if (isNorm || IsBias(name)) names.Add(prefix + name);
        }
    }

    // By the name of its type, so that a norm of the user's own counts: LayerNorm, BatchNorm2d, RMSNorm, ScaleNorm.
    static bool IsNorm(Type type)
    {
        var name = type.Name.AsSpan();
        if (name is [.., '1' or '2' or '3', 'd']) name = name[..^2];
        return name.EndsWith("norm", StringComparison.OrdinalIgnoreCase);
    }

    // bias, bias_ih_l0, in_proj_bias
    static bool IsBias(string name) => name.StartsWith("bias", StringComparison.Ordinal) || name.EndsWith("bias", StringComparison.Ordinal);
}
