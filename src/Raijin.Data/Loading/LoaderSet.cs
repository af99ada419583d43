using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Raijin;

/// <summary>
/// The loaders of an evaluation: one, or several with a name each, such as a clean and a noisy test set. With several, each has results of its
/// own, and the name stands in every logged key: <c>val/accuracy</c> becomes <c>val/noisy/accuracy</c>.
/// </summary>
/// <typeparam name="TBatch">What a step gets.</typeparam>
public sealed class LoaderSet<TBatch> : IReadOnlyList<NamedLoader<TBatch>> where TBatch : IBatch<TBatch>
{
    readonly NamedLoader<TBatch>[] _loaders;

    internal LoaderSet(params NamedLoader<TBatch>[] loaders) => _loaders = loaders;

    /// <summary>One loader without a name.</summary>
    [return: NotNullIfNotNull(nameof(loader))]
    public static implicit operator LoaderSet<TBatch>?(DataLoader<TBatch>? loader) => loader is null ? null : new(new NamedLoader<TBatch>("", loader));

    /// <summary>Number of loaders, at least 1.</summary>
    public int Count => _loaders.Length;

    /// <summary>A loader, in the order given.</summary>
    public NamedLoader<TBatch> this[int index] => _loaders[index];

    /// <summary>A loader by its name.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public DataLoader<TBatch> this[string name] => Array.Find(_loaders, l => l.Name == name)?.Loader
        ?? throw new KeyNotFoundException($"There is no loader \"{name}\" here; there are: {string.Join(", ", _loaders.Select(l => l.Name.Length == 0 ? "one without a name" : l.Name))}.");

    /// <summary>The loader where there is only one.</summary>
    /// <exception cref="InvalidOperationException">There are several: ask for one by its name.</exception>
    public DataLoader<TBatch> Only => Count == 1
        ? _loaders[0].Loader
        : throw new InvalidOperationException($"There are {Count} loaders here ({string.Join(", ", _loaders.Select(l => l.Name))}): ask for one by its name.");

    /// <summary>Batches of all loaders together; null where one is a stream of unknown length.</summary>
    public long? BatchesPerEpoch => _loaders.Aggregate((long?)0, (sum, l) => sum + l.Loader.BatchesPerEpoch);

    /// <inheritdoc/>
    public IEnumerator<NamedLoader<TBatch>> GetEnumerator() => ((IEnumerable<NamedLoader<TBatch>>)_loaders).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Makes sets of named loaders.</summary>
public static class LoaderSet
{
    /// <summary>Several loaders: <c>LoaderSet.Of(("clean", clean), ("noisy", noisy))</c>.</summary>
    /// <param name="loaders">At least one; names not empty, without <c>/</c>, each once.</param>
    /// <exception cref="ArgumentException">No loader, or a name that can't be.</exception>
    public static LoaderSet<TBatch> Of<TBatch>(params ReadOnlySpan<(string Name, DataLoader<TBatch> Loader)> loaders) where TBatch : IBatch<TBatch>
    {
        if (loaders.IsEmpty) throw new ArgumentException("Give at least one loader.", nameof(loaders));
        var named = new NamedLoader<TBatch>[loaders.Length];
        for (var i = 0; i < named.Length; i++)
        {
            var (name, loader) = loaders[i];
            ArgumentNullException.ThrowIfNull(loader, name);
            if (string.IsNullOrWhiteSpace(name) || name.Contains('/'))
                throw new ArgumentException($"\"{name}\" can't be a loader's name: it stands between slashes in logged keys, so give a word without one.", nameof(loaders));
            if (Array.Exists(named[..i], n => n.Name == name))
                throw new ArgumentException($"Two loaders are named \"{name}\": their results would stand under the same keys.", nameof(loaders));
            named[i] = new(name, loader);
        }
        return new(named);
    }
}

/// <summary>A loader and what its results are called by.</summary>
/// <param name="Name">Its name; empty where it is the only one.</param>
/// <param name="Loader">Its batches.</param>
/// <typeparam name="TBatch">What a step gets.</typeparam>
public sealed record NamedLoader<TBatch>(string Name, DataLoader<TBatch> Loader) where TBatch : IBatch<TBatch>;
