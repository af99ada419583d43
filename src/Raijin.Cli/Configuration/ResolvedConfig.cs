namespace Raijin.Cli;

/// <summary>Options after all layers: the record, and where each of its values came from.</summary>
/// <param name="Options">The record; read only.</param>
/// <param name="Tree">Every key with its value and origin.</param>
/// <typeparam name="T">The options record.</typeparam>
sealed record ResolvedConfig<T>(T Options, ConfigMap Tree) where T : class
{
    /// <summary>Lays <paramref name="files"/>, then <paramref name="arguments"/>, over <paramref name="defaults"/>.</summary>
    /// <param name="defaults">A record of <typeparamref name="T"/> or of a type derived from it, whose keys then count.</param>
    /// <param name="files">Configuration files, later ones over earlier ones.</param>
    /// <param name="arguments">Keys given on the command line.</param>
    /// <param name="check">Finds faults of values that their types allow; null when there are none to find.</param>
    /// <param name="known">Faults found already, to be reported with those found here.</param>
    /// <exception cref="InvalidOptionsException">Something in any layer is wrong; carries every fault of all layers.</exception>
    public static ResolvedConfig<T> Resolve(
        T defaults, IEnumerable<string> files, ConfigMap arguments, Func<T, IEnumerable<OptionFault>>? check = null, IEnumerable<OptionFault>? known = null)
    {
        var shape = (RecordShape)ValueShape.Of(defaults.GetType())!;
        var faults = new List<OptionFault>(known ?? []);
        var layers = new ConfigLayers(shape, faults);
        foreach (var file in files)
        {
            try
            {
                layers.Add(ConfigFile.Read(file));
            }
            catch (InvalidOptionsException error)
            {
                faults.AddRange(error.Faults); // this file says nothing, the others still count
            }
        }
        layers.Add(arguments, repeatable: true);
        var options = (T)layers.Build(defaults);
        var resolved = new ResolvedConfig<T>(options, shape.ToNode(options, "", layers.OriginOf));
        faults.AddRange(resolved.Locate(check?.Invoke(options) ?? []));
        InvalidOptionsException.ThrowIfAny(faults);
        return resolved;
    }

    /// <summary>The same faults, each with its value's line where it came from a file: for faults found after binding.</summary>
    public IReadOnlyList<OptionFault> Locate(IEnumerable<OptionFault> faults) =>
        [.. faults.Select(fault => Tree.At(fault.Key.Split(' ')[0])?.Origin is { Line: > 0 } origin ? fault with { Message = $"{fault.Message} ({origin})" } : fault)];
}
