using System.Globalization;

namespace Raijin.DeepSpeed;

/// <summary>One key of DeepSpeed's configuration: what it may be, and what becomes of it here.</summary>
/// <param name="Path">Where it stands: <c>zero_optimization.stage</c>.</param>
/// <param name="Class">What becomes of it.</param>
/// <param name="Kind">What its value may be; null is allowed where it is the default.</param>
/// <param name="Default">Its value where it is not given, as DeepSpeed's newest release has it; in the file's syntax.</param>
/// <param name="Becomes">The option it becomes, or what to use in its place; a dash for nothing.</param>
/// <param name="Note">What differs, or why it has no effect.</param>
sealed record DeepSpeedKey(string Path, KeyClass Class, ValueKind Kind, string Default, string Becomes, string Note)
{
    /// <summary>Older names, each a path.</summary>
    public IReadOnlyList<string> OldNames { get; init; } = [];

    /// <summary>What a text may be; empty for anything.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>The smallest number.</summary>
    public double Min { get; init; } = double.NegativeInfinity;

    /// <summary>The largest number.</summary>
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>Whether <c>null</c> is a value of it.</summary>
    public bool Nullable => Default == "null";

    /// <summary>The section it stands in; empty for the top.</summary>
    public string Section => Path.LastIndexOf('.') is var dot and >= 0 ? Path[..dot] : "";

    /// <summary>Its last name.</summary>
    public string Name => Path[(Path.LastIndexOf('.') + 1)..];

    /// <summary>Its class in words.</summary>
    public string ClassText => Class switch
    {
        KeyClass.Honoured => "honoured",
        KeyClass.NoEffect => "no effect here",
        _ => "not available",
    };

    /// <summary>What is allowed, in words.</summary>
    public string Allowed
    {
        get
        {
            var words = Kind switch
            {
                ValueKind.Flag => "true or false",
                ValueKind.Whole => "a whole number" + Bounds,
                ValueKind.Number => "a number" + Bounds,
                ValueKind.Text => Choices.Count > 0 ? string.Join(", ", Choices) : "text",
                ValueKind.List => "a list",
                ValueKind.Open => "an object",
                _ => "any value",
            };
            return Nullable ? words + ", or null" : words;
        }
    }

    string Bounds => (double.IsFinite(Min), double.IsFinite(Max)) switch
    {
        (true, true) => string.Create(CultureInfo.InvariantCulture, $" from {Min} to {Max}"),
        (true, false) => string.Create(CultureInfo.InvariantCulture, $" of {Min} and more"),
        _ => "",
    };
}
