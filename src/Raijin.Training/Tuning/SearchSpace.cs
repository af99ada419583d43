using System.Collections;

namespace Raijin;

/// <summary>The options a search may change, and the range of each: <c>new SearchSpace { ["learningRate"] = SearchRange.Log(1e-4, 1e-1) }</c>.</summary>
public sealed class SearchSpace : IReadOnlyCollection<KeyValuePair<string, SearchRange>>
{
    readonly OrderedDictionary<string, SearchRange> _ranges = [];

    /// <summary>Number of options.</summary>
    public int Count => _ranges.Count;

    /// <summary>The range of an option.</summary>
    public SearchRange this[string name]
    {
        get => _ranges[name];
        set
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name);
            ArgumentNullException.ThrowIfNull(value);
            _ranges[name] = value;
        }
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, SearchRange>> GetEnumerator() => _ranges.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
