namespace Raijin.Collectives;

/// <summary>
/// The ranks of a group laid out along named axes, and the group of this rank along each. All ranks of the group make it together, and dispose of it together.
/// </summary>
public sealed class DeviceMesh : IDisposable
{
    readonly Group _whole;
    readonly Dictionary<string, Group> _groups = new(StringComparer.Ordinal);

    /// <summary>Lays out the ranks of a group, and makes the groups along each axis.</summary>
    /// <param name="group">Whose ranks; borrowed.</param>
    /// <param name="shape">Its size is the group's.</param>
    /// <exception cref="ArgumentException">It is not: <c>data(2) × tensor(4) = 8, but 6 ranks joined</c>.</exception>
    public DeviceMesh(Group group, MeshShape shape)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(shape);
        if (shape.FaultWith(group.Size) is { } fault) throw new ArgumentException($"{fault}: change the mesh, or start as many ranks.", nameof(shape));
        _whole = group;
        Shape = shape;
        foreach (var axis in shape.Axes) Make([axis.Name]);
    }

    /// <inheritdoc cref="DeviceMesh(Group, MeshShape)"/>
    public DeviceMesh(Group group, params IReadOnlyList<(string Name, int Size)> axes) : this(group, new MeshShape(axes))
    {
    }

    /// <summary>The axes.</summary>
    public MeshShape Shape { get; }

    /// <summary>The group of this rank along an axis: those that differ in this coordinate only, in its order. Where that is everybody it is the whole group itself.</summary>
    public Group this[string axis] => Group(axis);

    /// <summary>
    /// The group of this rank along several axes taken as one, in the order of ranks. The first time all ranks ask for it together, as it is made then.
    /// </summary>
    /// <param name="axes">Their order makes no difference.</param>
    public Group Group(params IReadOnlyList<string> axes) => _groups.TryGetValue(Key(axes), out var made) ? made : Make(axes);

    /// <summary>Where this rank lies along an axis.</summary>
    public int Coordinate(string axis) => Shape.CoordinateOf(_whole.Rank, axis);

    /// <summary>Disposes of the groups it made.</summary>
    public void Dispose()
    {
        foreach (var group in _groups.Values)
            if (!ReferenceEquals(group, _whole)) group.Dispose();
    }

    Group Make(IReadOnlyList<string> axes)
    {
        var ranks = Shape.GroupOf(_whole.Rank, axes);
        var key = Key(axes);
        // Ranks rise, so as many as all are all in their order.
        var group = ranks.Count == _whole.Size ? _whole : _whole.Split(ranks, key);
        _groups.Add(key, group);
        return group;
    }

    // Axes of one rank make no difference to a group of several axes, so they are left out of its name: fewer groups are made.
    string Key(IReadOnlyList<string> axes)
    {
        var selected = Shape.Selected(axes);
        var named = Shape.Axes.Where((_, a) => selected[a]).ToList();
        var wide = named.Where(a => a.Size > 1).ToList();
        return string.Join('+', (wide.Count > 0 ? wide : [named[0]]).Select(a => a.Name));
    }
}
