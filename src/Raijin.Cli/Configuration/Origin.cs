namespace Raijin.Cli;

/// <summary>Where a configuration value was written.</summary>
/// <param name="Source">A file as the user named it, <c>argument</c>, or <c>default</c>.</param>
/// <param name="Line">The line in the file, counted from 1; 0 when the source has no lines.</param>
sealed record Origin(string Source, int Line)
{
    /// <summary>The value comes from the record itself.</summary>
    public static Origin Default { get; } = new("default", 0);

    /// <summary>The value was given on the command line.</summary>
    public static Origin Argument { get; } = new("argument", 0);

    /// <inheritdoc/>
    public override string ToString() => Line > 0 ? $"{Source} line {Line}" : Source;
}
