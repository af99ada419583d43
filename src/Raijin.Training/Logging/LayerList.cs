using System.Globalization;
using System.Text;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>A module's layers as indented text: name, kind, parameters with their shapes.</summary>
static class LayerList
{
    public static string Of(Module module)
    {
        var text = new StringBuilder();
        var parameters = module.named_parameters().ToList();
        text.Append(CultureInfo.InvariantCulture, $"{module.GetName()}: {parameters.Sum(p => p.parameter.NumberOfElements):N0} parameters\n");
        Add(text, module, 1);
        return text.ToString();
    }

    static void Add(StringBuilder text, Module module, int depth)
    {
        foreach (var (name, child) in module.named_children())
        {
            text.Append(' ', 2 * depth).Append(CultureInfo.InvariantCulture, $"{name}: {child.GetName()}");
            foreach (var (parameter, value) in child.named_parameters(recurse: false)) text.Append(CultureInfo.InvariantCulture, $", {parameter} [{string.Join(", ", value.shape)}]");
            text.Append('\n');
            Add(text, child, depth + 1);
        }
    }
}
