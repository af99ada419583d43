namespace Raijin;

/// <summary>
/// The short name under which a record can be chosen in place of its abstract base, on the command line and in files: a property of type <c>Backbone</c> takes
/// <c>--model.backbone resnet</c> when <c>[Choice("resnet")] sealed record ResNet : Backbone</c> is there.
/// </summary>
/// <remarks>Found in the assembly of the base and in the program's own; records elsewhere are registered with <see cref="RaijinApp.Choice{TBase, TChoice}"/>. Lightning's <c>class_path</c>, without names of types.</remarks>
/// <param name="name">As typed, camelCase: <c>resnet</c>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ChoiceAttribute(string name) : Attribute
{
    /// <summary>As typed.</summary>
    public string Name => name;
}
