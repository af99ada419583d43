namespace Raijin.DeepSpeed;

/// <summary>A key of a file that the table knows.</summary>
/// <param name="Key">Its row.</param>
/// <param name="Written">As the file has it: an older name stays one.</param>
/// <param name="Node">Its value.</param>
/// <param name="At">Where the key stands.</param>
sealed record GivenKey(DeepSpeedKey Key, string Written, HjsonNode Node, Position At)
{
    /// <summary>The value: a <see cref="bool"/>, <see cref="long"/>, <see cref="double"/> or <see cref="string"/>; null for <c>null</c>, for lists and objects, and for <c>"auto"</c>.</summary>
    public object? Value { get; init; }

    /// <summary>Whether it is left to be filled in.</summary>
    public bool IsAuto { get; init; }

    /// <summary>Whether something is asked for that is not there: its value is not the default.</summary>
    public bool IsRefused => Key.Class == KeyClass.NotAvailable && !IsAuto && Node is not HjsonScalar { Kind: HjsonKind.Null or HjsonKind.Placeholder } && !IsDefault;

    /// <summary>The value as a table shows it.</summary>
    public string Shown => Node switch
    {
        HjsonScalar { Kind: HjsonKind.Text } text => text.Text.Length <= 40 ? text.Text : text.Text[..37] + "…",
        HjsonScalar scalar => scalar.Text,
        HjsonList list when list.Items.Count <= 4 && list.Items.All(item => item is HjsonScalar) => $"[{string.Join(", ", list.Items.Select(item => ((HjsonScalar)item).Text))}]",
        HjsonList list => FormattableString.Invariant($"{list.Items.Count} values"),
        HjsonObject members => FormattableString.Invariant($"{members.Members.Count} keys"),
        _ => "",
    };

    bool IsDefault => Value switch
    {
        bool flag => Key.Default == (flag ? "true" : "false"),
        long whole => Scalars.TryNumber(Key.Default, out var number) && number == whole,
        double given => Scalars.TryNumber(Key.Default, out var number) && number == given,
        string text => text == Key.Default,
        _ => Node is HjsonObject { Members.Count: 0 } or HjsonList { Items.Count: 0 },
    };
}
