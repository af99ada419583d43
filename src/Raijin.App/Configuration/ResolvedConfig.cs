namespace Raijin.App;

/// <summary>Where a configuration's values may come from, beyond its defaults; each wins over those before it.</summary>
/// <param name="Files">Configuration files, later ones over earlier ones.</param>
/// <param name="Environment">What environment variables say.</param>
/// <param name="Arguments">Keys given on the command line.</param>
/// <param name="Beside">A key at the files' top level that is read elsewhere; null for none.</param>
/// <param name="Imported">What another system's file says, between the files and the environment; null for none.</param>
sealed record ConfigSources(IReadOnlyList<string> Files, ConfigMap Environment, ConfigMap Arguments, string? Beside = null, ConfigMap? Imported = null);

/// <summary>Options after all layers: the record, and where each of its values came from.</summary>
/// <param name="Options">The record; read only.</param>
/// <param name="Tree">Every key with its value and origin.</param>
/// <typeparam name="T">The options record.</typeparam>
sealed record ResolvedConfig<T>(T Options, ConfigMap Tree) where T : class
{
    /// <summary>Lays the sources over <paramref name="defaults"/>.</summary>
    /// <param name="shape">The keys of <paramref name="defaults"/>.</param>
    /// <param name="defaults">The options when nothing is said.</param>
    /// <param name="sources">What is said.</param>
    /// <param name="complete">Whether what is required must be there.</param>
    /// <param name="check">Finds faults of values that their types and ranges allow; null when there are none to find.</param>
    /// <param name="known">Faults found already, to be reported with those found here.</param>
    /// <exception cref="InvalidOptionsException">Something in any layer is wrong; carries every fault of all layers.</exception>
    public static ResolvedConfig<T> Resolve(
        GroupShape shape, T defaults, ConfigSources sources, bool complete = false, Func<T, IEnumerable<OptionFault>>? check = null, IEnumerable<OptionFault>? known = null)
    {
        var faults = new List<OptionFault>(known ?? []);
        var layers = new ConfigLayers(shape, defaults, faults);
        foreach (var file in sources.Files)
        {
            try
            {
                var layer = ConfigFile.Read(file);
                layers.Add(sources.Beside is { } other ? layer.Without(other) : layer);
            }
            catch (InvalidOptionsException error)
            {
                faults.AddRange(error.Faults); // this file says nothing, the others still count
            }
        }
        if (sources.Imported is { } imported) layers.Add(imported);
        layers.Add(sources.Environment);
        layers.Add(sources.Arguments, repeatable: true);
        var options = (T)shape.Settle(layers.Build());
        var resolved = new ResolvedConfig<T>(options, shape.ToNode(options, "", layers.OriginOf));
        faults.AddRange(resolved.Locate([.. shape.Faults(options, "", complete), .. check?.Invoke(options) ?? []]));
        InvalidOptionsException.ThrowIfAny(faults);
        return resolved;
    }

    /// <summary>The same faults, each with its value's origin where a person has to be told: for faults found after binding.</summary>
    public IReadOnlyList<OptionFault> Locate(IEnumerable<OptionFault> faults) =>
        [.. faults.Select(fault => Tree.At(fault.Key.Split(' ')[0])?.Origin is { IsNamed: true } origin ? fault with { Message = $"{fault.Message} ({origin})" } : fault)];
}
