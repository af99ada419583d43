namespace Raijin.App;

/// <summary>The keys of a task: its sections, each with the keys of its record, less those that follow others.</summary>
sealed class TaskShape : GroupShape
{
    readonly IReadOnlyList<TaskSection> _sections;
    readonly IReadOnlyList<ArgumentLink> _links;

    public TaskShape(IReadOnlyList<TaskSection> sections, IReadOnlyList<ArgumentLink> links)
    {
        _sections = sections;
        Properties = [.. sections.Select(section => new SectionProperty(section))];
        foreach (var link in links)
        {
            Check(link.Source, link);
            Check(link.Target, link);
        }
        _links = links;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<OptionProperty> Properties { get; }

    /// <inheritdoc/>
    public override IEnumerable<string> Linked => _links.Select(link => link.Target);

    /// <inheritdoc/>
    public override string? SourceOf(string path) => _links.FirstOrDefault(link => link.Target == path)?.Source;

    /// <inheritdoc/>
    public override object Create() => new TaskConfig(_sections, [.. _sections.Select(section => section.Default)]);

    /// <inheritdoc/>
    public override object Clone(object group) => ((TaskConfig)group).Clone();

    /// <inheritdoc/>
    public override bool Fits(object group) => group is TaskConfig;

    /// <inheritdoc/>
    public override IEnumerable<OptionLeaf> Leaves(string prefix = "") => base.Leaves(prefix).Where(leaf => SourceOf(leaf.Path) is null);

    /// <inheritdoc/>
    public override object Settle(object group)
    {
        foreach (var link in _links) group = With(this, group, link.Target.Split('.'), link.Convert(Read(this, group, link.Source.Split('.'))));
        return group;
    }

    /// <inheritdoc/>
    public override ConfigMap ToNode(object value, string path, Func<string, Origin> originOf) =>
        _links.Aggregate(base.ToNode(value, path, originOf), (map, link) => map.Without(link.Target.Split('.')));

    void Check(string path, ArgumentLink link)
    {
        if (base.Leaves().All(leaf => leaf.Path != path))
            throw new ArgumentException($"Link(\"{link.Source}\", \"{link.Target}\"): there is no key {path}{(NearestKey.Of(path, base.Leaves().Select(leaf => leaf.Path)) is { } near ? $"; did you mean {near}?" : ".")}");
    }

    static object? Read(GroupShape group, object owner, ReadOnlySpan<string> keys)
    {
        var property = group.Find(keys[0])!;
        var value = property.Get(owner);
        return keys.Length == 1 || value is null ? value : Read(Inner(property, value), value, keys[1..]);
    }

    // A target below what is switched off, or of another kind than the one chosen, has nobody to read it.
    static object With(GroupShape group, object owner, ReadOnlySpan<string> keys, object? value)
    {
        if (group.Find(keys[0]) is not { } property) return owner;
        var copy = group.Clone(owner);
        if (keys.Length == 1) property.Set(copy, value);
        else if (property.Get(owner) is { } inner) property.Set(copy, With(Inner(property, inner), inner, keys[1..], value));
        return copy;
    }

    static GroupShape Inner(OptionProperty property, object value) => property.Shape as GroupShape ?? ((VariantShape)property.Shape).ShapeOf(value.GetType());

    sealed class SectionProperty(TaskSection section) : OptionProperty(section.Key, Of(section.Type) ?? throw new ArgumentException(
        $"{section.Type.Name} can't be the section {section.Key} of a configuration: it must be a record that can be made without arguments, or an abstract record with choices."))
    {
        public override bool IsNullable => section.Default is null;

        public override string? Summary => section.Summary;

        public override object? Get(object group) => ((TaskConfig)group)[section.Key];

        public override void Set(object group, object? value) => ((TaskConfig)group)[section.Key] = value;
    }
}

/// <summary>A key that always has the value of another.</summary>
/// <param name="Source">The key that is set.</param>
/// <param name="Target">The key that follows.</param>
/// <param name="Convert">What the target gets for the source's value.</param>
sealed record ArgumentLink(string Source, string Target, Func<object?, object?> Convert);
