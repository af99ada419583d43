namespace Raijin.App;

/// <summary>Where a configuration value was written.</summary>
/// <param name="Source">A file as the user named it, <c>environment NAME</c>, <c>argument</c>, or <c>default</c>.</param>
/// <param name="Line">The line in the file, counted from 1; 0 when the source has no lines.</param>
sealed record Origin(string Source, int Line)
{
    /// <summary>The value comes from the record itself.</summary>
    public static Origin Default { get; } = new("default", 0);

    /// <summary>The value was given on the command line.</summary>
    public static Origin Argument { get; } = new("argument", 0);

    /// <summary>The value is that of an environment variable.</summary>
    public static Origin Environment(string variable) => new(EnvironmentMark + variable, 0);

    /// <summary>Whether a fault names it: a line of a file, a variable. Of an argument the key says enough.</summary>
    public bool IsNamed => Line > 0 || Source.StartsWith(EnvironmentMark, StringComparison.Ordinal);

    /// <summary>Whether it is one piece of text from outside a file, so that a list is written with commas.</summary>
    public bool IsOneText => Line == 0 && this != Default;

    const string EnvironmentMark = "environment ";

    /// <inheritdoc/>
    public override string ToString() => Line > 0 ? $"{Source} line {Line}" : Source;
}
