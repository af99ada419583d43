using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Raijin.Collectives;

/// <summary>The environment variables of a launcher, read as numbers; what is wrong with them is collected, each with its name and value.</summary>
sealed class LaunchVariables(IReadOnlyDictionary<string, string> variables)
{
    readonly List<OptionFault> _faults = [];

    /// <summary>A variable's text; null when it is unset or empty.</summary>
    public string? Text(string name) => variables.TryGetValue(name, out var text) && text.Length > 0 ? text : null;

    /// <summary>Whether any of them is set.</summary>
    public bool HasAny(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Text(name) is not null) return true;
        return false;
    }

    /// <summary>A variable's number, from <paramref name="least"/>; null when it is unset, or no such number, which is a fault.</summary>
    public int? Number(string name, int least = 0)
    {
        if (Text(name) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least) return number;
        Fault(name, $"expected a whole number from {least}");
        return null;
    }

    /// <summary>The same of one that must be set because <paramref name="because"/> is.</summary>
    public int Required(string name, string because, int least = 0)
    {
        if (Text(name) is null) _faults.Add(new(name, $"is not set, but {because} = {Text(because)} is: a launcher sets both. Unset {because} to train as the only rank."));
        return Number(name, least) ?? least;
    }

    /// <summary>Notes what is wrong with a variable.</summary>
    public void Fault(string name, string message) => _faults.Add(new($"{name} = {Text(name)}", message));

    /// <summary>Notes it when a rank is not one of as many as there are.</summary>
    public void CheckBelow(string rankName, int rank, string sizeName, int size)
    {
        if (Text(sizeName) is not null && rank >= size) Fault(rankName, $"must be less than {sizeName} = {size}: ranks count from 0");
    }

    /// <summary>Notes it when a part is larger than the whole.</summary>
    public void CheckAtMost(string partName, int part, string wholeName, int whole)
    {
        if (part > whole) Fault(partName, $"must not be more than {wholeName} = {whole}");
    }

    /// <summary>A name for a launch, short and fit for files, the same on all ranks that see the same parts.</summary>
    public static string JobName(string launcher, params IEnumerable<string?> parts) =>
        $"{launcher}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))).AsSpan(0, 8))}";

    /// <summary>Refuses the variables when something is wrong with them.</summary>
    /// <exception cref="InvalidOptionsException">There are faults.</exception>
    public void ThrowIfFaulty() => InvalidOptionsException.ThrowIfAny(_faults);
}
