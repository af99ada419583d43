namespace Raijin.DeepSpeed;

/// <summary>Reads the values of a checked file by their paths, with the table's defaults, and fills in what is left to be.</summary>
sealed class Values(ConfigCheck check)
{
    /// <summary>What <c>"auto"</c> became, by path.</summary>
    public Dictionary<string, string> Filled { get; } = new(StringComparer.Ordinal);

    /// <summary>The key, if the file has it.</summary>
    public GivenKey? Given(string path) => check.Given.GetValueOrDefault(path);

    /// <summary>Whether it is there with a value of its own.</summary>
    public bool Has(string path) => Given(path) is { IsAuto: false, Node: not HjsonScalar { Kind: HjsonKind.Null } };

    /// <summary>A flag; <paramref name="auto"/> where it is left to be filled in.</summary>
    public bool Flag(string path, bool? auto = null)
    {
        if (Auto(path) && auto is { } fact) return Fill(path, fact, fact ? "true" : "false");
        return Given(path)?.Value is bool flag ? flag : KeyTable.ByPath[path].Default == "true";
    }

    /// <summary>A number.</summary>
    public double Number(string path, double? auto = null) => Optional(path, auto) ?? Default(path);

    /// <summary>A number that need not be; null where it is neither given nor a default.</summary>
    public double? Optional(string path, double? auto = null)
    {
        if (Auto(path) && auto is { } fact) return Fill(path, fact, fact.ToString("R", System.Globalization.CultureInfo.InvariantCulture));
        return Given(path)?.Value switch
        {
            long whole => whole,
            double number => number,
            _ => null,
        };
    }

    /// <summary>A whole number.</summary>
    public long Whole(string path, long? auto = null) => OptionalWhole(path, auto) ?? (long)Default(path);

    /// <summary>A whole number that need not be.</summary>
    public long? OptionalWhole(string path, long? auto = null)
    {
        if (Auto(path) && auto is { } fact) return Fill(path, fact, fact.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return Given(path)?.Value is long whole ? whole : null;
    }

    /// <summary>A text.</summary>
    public string? Text(string path) => Given(path)?.Value is string text ? text : KeyTable.ByPath[path].Default is var @default && @default != "null" ? @default : null;

    /// <summary>The numbers of a list; null where it is not given.</summary>
    /// <param name="path">The key.</param>
    /// <param name="problem">What is wrong with it.</param>
    public IReadOnlyList<double>? Numbers(string path, out string? problem)
    {
        problem = null;
        if (Given(path)?.Node is not HjsonList list) return null;
        var numbers = new List<double>();
        foreach (var item in list.Items)
        {
            if (item is HjsonScalar { Kind: HjsonKind.Number or HjsonKind.Text } scalar && Scalars.TryNumber(scalar.Text, out var number) && double.IsFinite(number)) numbers.Add(number);
            else problem = $"has something that is no number, on {item.At}";
        }
        return numbers;
    }

    /// <summary>Whether it is left to be filled in.</summary>
    public bool Auto(string path) => Given(path) is { IsAuto: true };

    T Fill<T>(string path, T value, string text)
    {
        Filled[path] = text;
        return value;
    }

    static double Default(string path) => Scalars.TryNumber(KeyTable.ByPath[path].Default, out var number) ? number : throw new InvalidOperationException($"{path} has no number as its default.");
}
