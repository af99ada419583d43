namespace Raijin.DeepSpeed;

/// <summary>A place in a file; both are counted from 1.</summary>
readonly record struct Position(int Line, int Column)
{
    public override string ToString() => FormattableString.Invariant($"line {Line}, column {Column}");
}

/// <summary>A value of a file, and where it begins.</summary>
abstract record HjsonNode(Position At);

/// <summary>Keys and values, in the order written; each key once.</summary>
sealed record HjsonObject(IReadOnlyList<HjsonMember> Members, Position At) : HjsonNode(At);

/// <summary>A key of an object, and where it stands.</summary>
sealed record HjsonMember(string Key, Position At, HjsonNode Value);

/// <summary>Values in brackets.</summary>
sealed record HjsonList(IReadOnlyList<HjsonNode> Items, Position At) : HjsonNode(At);

/// <summary>What a scalar is.</summary>
enum HjsonKind : byte
{
    /// <summary>Text, in quotes or without.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary><c>null</c>.</summary>
    Null,

    /// <summary>A template's placeholder; the reader has reported it.</summary>
    Placeholder,
}

/// <summary>A single value, as it is written; quotes and escapes of text resolved.</summary>
sealed record HjsonScalar(HjsonKind Kind, string Text, Position At) : HjsonNode(At);
