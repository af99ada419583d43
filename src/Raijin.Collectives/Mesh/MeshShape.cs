using System.Globalization;
using System.Text.RegularExpressions;

namespace Raijin.Collectives;

/// <summary>One named direction of a mesh, and how many ranks it has.</summary>
/// <param name="Name">What it is called: <c>data</c>, <c>tensor</c>, <c>pipeline</c>.</param>
/// <param name="Size">How many ranks lie along it.</param>
public readonly record struct MeshAxis(string Name, int Size);

/// <summary>
/// Ranks laid out along named axes, as numbers alone: rank = Σ coordinate × product of the later axes' sizes, so the last axis runs fastest and its neighbours are neighbours in rank.
/// </summary>
/// <remarks>Written <c>data(2) x tensor(4)</c>. Put the axis that talks most last: its ranks share a host.</remarks>
public sealed partial class MeshShape : IEquatable<MeshShape>
{
    readonly MeshAxis[] _axes;

    /// <summary>Axes from the slowest to the fastest.</summary>
    /// <exception cref="ArgumentException">No axis, a name twice or not a word, a size below 1.</exception>
    public MeshShape(params IReadOnlyList<(string Name, int Size)> axes)
    {
        ArgumentNullException.ThrowIfNull(axes);
        if (axes.Count == 0) throw new ArgumentException("A mesh has at least one axis: data(1).", nameof(axes));
        _axes = [.. axes.Select(a => new MeshAxis(a.Name, a.Size))];
        long size = 1;
        foreach (var axis in _axes)
        {
            if (axis.Name is null || !AxisName().IsMatch(axis.Name)) throw new ArgumentException($"'{axis.Name}' is no name of an axis: a letter, then letters, digits, _ or -.", nameof(axes));
            if (axis.Size < 1) throw new ArgumentException($"Axis {axis.Name} has {axis.Size} ranks: 1 or more.", nameof(axes));
            size *= axis.Size;
            if (size > int.MaxValue) throw new ArgumentException($"{this} has more ranks than can be counted.", nameof(axes));
        }
        if (_axes.GroupBy(a => a.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"{this} has the axis {twice.Key} {twice.Count()} times: each name once.", nameof(axes));
        Size = (int)size;
    }

    /// <summary>The axes, the fastest last.</summary>
    public IReadOnlyList<MeshAxis> Axes => _axes;

    /// <summary>How many ranks it has: the product of the sizes.</summary>
    public int Size { get; }

    /// <summary>How many ranks lie along an axis.</summary>
    /// <exception cref="ArgumentException">There is no such axis.</exception>
    public int this[string axis] => _axes[IndexOf(axis)].Size;

    /// <summary>Reads <c>data(2) x tensor(4)</c>; <c>×</c> and <c>*</c> do as well as <c>x</c>.</summary>
    /// <exception cref="FormatException">It is written differently.</exception>
    public static MeshShape Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var match = Written().Match(text);
        if (!match.Success) throw new FormatException($"'{text}' is no mesh: write axes with their sizes as in data(2) x tensor(4).");
        try
        {
            return new([.. match.Groups["name"].Captures.Zip(match.Groups["size"].Captures, (name, size) => (name.Value, int.Parse(size.Value, CultureInfo.InvariantCulture)))]);
        }
        catch (Exception error) when (error is ArgumentException or OverflowException)
        {
            throw new FormatException($"'{text}' is no mesh: {error.Message}", error);
        }
    }

    /// <summary>Why so many ranks do not fill it, as <c>data(2) × tensor(4) = 8, but 6 ranks joined</c>; null where they do.</summary>
    public string? FaultWith(int numRanks) => numRanks == Size ? null : string.Create(CultureInfo.InvariantCulture, $"{this} = {Size}, but {numRanks} {(numRanks == 1 ? "rank" : "ranks")} joined");

    /// <summary>Where a rank lies, by axis.</summary>
    public int[] CoordinatesOf(int rank)
    {
        CheckRank(rank);
        var coordinates = new int[_axes.Length];
        for (var a = _axes.Length - 1; a >= 0; a--) (rank, coordinates[a]) = Math.DivRem(rank, _axes[a].Size);
        return coordinates;
    }

    /// <summary>Where a rank lies along one axis.</summary>
    public int CoordinateOf(int rank, string axis) => CoordinatesOf(rank)[IndexOf(axis)];

    /// <summary>The rank that lies there.</summary>
    public int RankAt(params ReadOnlySpan<int> coordinates)
    {
        if (coordinates.Length != _axes.Length) throw new ArgumentException($"{coordinates.Length} coordinates for the {_axes.Length} axes of {this}.", nameof(coordinates));
        var rank = 0;
        for (var a = 0; a < _axes.Length; a++)
        {
            if (coordinates[a] < 0 || coordinates[a] >= _axes[a].Size)
                throw new ArgumentOutOfRangeException(nameof(coordinates), coordinates[a], $"Axis {_axes[a].Name} has coordinates 0 to {_axes[a].Size - 1}.");
            rank = (rank * _axes[a].Size) + coordinates[a];
        }
        return rank;
    }

    /// <summary>The ranks that differ from <paramref name="rank"/> along these axes only, itself among them, in rising order.</summary>
    public IReadOnlyList<int> GroupOf(int rank, params IReadOnlyList<string> axes)
    {
        var free = Selected(axes);
        var mine = CoordinatesOf(rank);
        return [.. Enumerable.Range(0, Size).Where(r => CoordinatesOf(r).Index().All(c => free[c.Index] || c.Item == mine[c.Index]))];
    }

    /// <summary>All groups along these axes: each rank is in one of them.</summary>
    public IReadOnlyList<IReadOnlyList<int>> GroupsAlong(params IReadOnlyList<string> axes)
    {
        var free = Selected(axes);
        return [.. Enumerable.Range(0, Size).Where(r => CoordinatesOf(r).Index().All(c => !free[c.Index] || c.Item == 0)).Select(r => GroupOf(r, axes))];
    }

    /// <summary>Which axes are named.</summary>
    internal bool[] Selected(IReadOnlyList<string> axes)
    {
        ArgumentNullException.ThrowIfNull(axes);
        if (axes.Count == 0) throw new ArgumentException($"Name at least one axis of {this}.", nameof(axes));
        var selected = new bool[_axes.Length];
        foreach (var axis in axes) selected[IndexOf(axis)] = true;
        return selected;
    }

    /// <summary>Same axes in the same order.</summary>
    public bool Equals(MeshShape? other) => other is not null && _axes.AsSpan().SequenceEqual(other._axes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MeshShape);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_axes.Length, _axes[0], _axes[^1]);

    /// <summary>As <see cref="Parse"/> reads it: <c>data(2) × tensor(4)</c>.</summary>
    public override string ToString() => string.Join(" × ", _axes.Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Name}({a.Size})")));

    int IndexOf(string axis)
    {
        ArgumentNullException.ThrowIfNull(axis);
        var index = Array.FindIndex(_axes, a => a.Name == axis);
        return index >= 0 ? index : throw new ArgumentException($"{this} has no axis {axis}.", nameof(axis));
    }

    void CheckRank(int rank)
    {
        if (rank < 0 || rank >= Size) throw new ArgumentOutOfRangeException(nameof(rank), rank, $"{this} has ranks 0 to {Size - 1}.");
    }

    [GeneratedRegex(@"^[\p{L}][\p{L}\p{N}_-]*$")]
    private static partial Regex AxisName();

    [GeneratedRegex(@"^\s*(?<name>[^\s()]+)\s*\(\s*(?<size>\d+)\s*\)(?:\s*[x×*]\s*(?<name>[^\s()]+)\s*\(\s*(?<size>\d+)\s*\))*\s*$")]
    private static partial Regex Written();
}
