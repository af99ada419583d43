namespace Raijin.App;

/// <summary>
/// Configuration from environment variables: <c>RAIJIN__TRAINER__MAXEPOCHS=3</c> is <c>trainer.maxEpochs: 3</c>. Two underscores stand for a dot, letter case does not count.
/// </summary>
static class EnvironmentLayer
{
    /// <summary>Makes a layer of the variables.</summary>
    /// <param name="settings">Variables by their names without <c>RAIJIN__</c>.</param>
    /// <param name="shape">The keys, for their letter case; a variable that names none stays as it is, and is a fault when the layer is laid.</param>
    public static ConfigMap Of(IReadOnlyDictionary<string, string> settings, GroupShape shape)
    {
        if (settings.Count == 0) return new ConfigMap([], Origin.Default);
        var keys = shape.Leaves().SelectMany(leaf => new[] { leaf.Path, leaf.ValuePath }).Distinct().ToDictionary(path => path, StringComparer.OrdinalIgnoreCase);
        return new ConfigMap(
            [.. settings.OrderBy(setting => setting.Key, StringComparer.Ordinal).Select(setting =>
            {
                var path = setting.Key.Replace("__", ".", StringComparison.Ordinal);
                var origin = Origin.Environment($"RAIJIN__{setting.Key}");
                return new ConfigEntry(keys.GetValueOrDefault(path, path.ToLowerInvariant()), new ConfigScalar(setting.Value, Quoted: false, origin), origin);
            })],
            Origin.Default);
    }
}
