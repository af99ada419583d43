using Spectre.Console;

namespace Raijin.App;

/// <summary>The few styles the command line is drawn in; terminals choose the shades of the 16 basic colours themselves.</summary>
static class Palette
{
    /// <summary>Headings.</summary>
    public const string Heading = "bold";

    /// <summary>What the user can type.</summary>
    public const string Typed = "aqua";

    /// <summary>What matters less: defaults, origins.</summary>
    public const string Quiet = "grey";

    /// <summary>What went wrong.</summary>
    public const string Bad = "red";

    /// <summary>What is as it should be.</summary>
    public const string Good = "green";

    /// <summary>What deserves a look.</summary>
    public const string Warn = "yellow";

    /// <summary>The text in a style, its brackets harmless.</summary>
    public static string In(this string text, string style) => $"[{style}]{Markup.Escape(text)}[/]";
}
