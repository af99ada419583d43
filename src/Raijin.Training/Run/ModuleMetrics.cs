using BindingFlags = System.Reflection.BindingFlags;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>Finds the metrics a module holds.</summary>
static class ModuleMetrics
{
    /// <summary>Those in fields, by field name, those of base classes up to the framework's own included.</summary>
    public static IEnumerable<(string Name, Metric Metric)> Of(Module module)
    {
        for (var type = module.GetType(); type is not null && !IsFramework(type); type = type.BaseType)
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                if (field.GetValue(module) is Metric metric) yield return (field.Name, metric);
    }

    static bool IsFramework(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(TrainingModule<>) || type == typeof(Module);
}
