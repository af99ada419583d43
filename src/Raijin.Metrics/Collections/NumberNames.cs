namespace Raijin.Metrics;

/// <summary>Names of the numbers of metrics that hold others by name: prefix + member + postfix, or prefix + member + "/" + number + postfix.</summary>
static class NumberNames
{
    /// <summary>Whether a larger value of a number is the better one, as the member it belongs to says; null where there is no such number.</summary>
    public static bool? Find(IEnumerable<KeyValuePair<string, Metric>> members, string prefix, string number, string postfix)
    {
        ArgumentNullException.ThrowIfNull(number);
        if (number.Length < prefix.Length + postfix.Length || !number.StartsWith(prefix, StringComparison.Ordinal) || !number.EndsWith(postfix, StringComparison.Ordinal)) return null;
        var inner = number[prefix.Length..^postfix.Length];
        foreach (var (name, metric) in members)
        {
            if (inner == name) return metric.HigherIsBetterOf("");
            if (inner.StartsWith(name + "/", StringComparison.Ordinal)) return metric.HigherIsBetterOf(inner[(name.Length + 1)..]);
        }
        return null;
    }
}
