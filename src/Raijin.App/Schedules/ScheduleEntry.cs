using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Raijin.App;

/// <summary>A schedule that can be asked for by name.</summary>
/// <param name="Name">What is typed.</param>
/// <param name="Factory">The factory behind it, as in code: <c>Schedules.Cosine</c>.</param>
/// <param name="Summary">What it does, for the help page.</param>
abstract record ScheduleEntry(string Name, string Factory, string Summary)
{
    /// <summary>The schedule's own options.</summary>
    public List<Option> Options { get; } = [];

    /// <summary>Makes the schedule of what was typed.</summary>
    /// <exception cref="ArgumentException">A number is outside its range.</exception>
    public abstract LearningRateSchedule Make(ParseResult typed);

    /// <summary>An option with a default, which its description ends with.</summary>
    protected Option<T> Add<T>(string name, string description, T @default)
    {
        var option = Add<T>(name, $"{description} (default: {Text(@default)})");
        option.DefaultValueFactory = _ => @default;
        return option;
    }

    /// <summary>An option that must be typed.</summary>
    protected Option<T> Required<T>(string name, string description)
    {
        var option = Add<T>(name, description);
        option.Required = true;
        return option;
    }

    /// <summary>An option that may be left out, with its description saying what holds then.</summary>
    protected Option<T> Add<T>(string name, string description)
    {
        var type = Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T);
        var option = new Option<T>(name) { Description = description, HelpName = type.IsEnum ? string.Join('|', Enum.GetNames(type)).ToLowerInvariant() : type == typeof(double) ? "X" : "N" };
        // System.CommandLine takes a comma for a thousands separator: 1,5 would be fifteen.
        if (typeof(T) == typeof(double)) option.CustomParser = result => (T)(object)Number(result);
        Options.Add(option);
        return option;
    }

    static double Number(ArgumentResult result)
    {
        var text = result.Tokens[^1].Value;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) return number;
        result.AddError("a number such as 0.1 or 1e-3 is expected");
        return 0;
    }

    static string Text<T>(T value) => value switch
    {
        bool or Enum => value.ToString()!.ToLowerInvariant(),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value?.ToString() ?? "",
    };
}
