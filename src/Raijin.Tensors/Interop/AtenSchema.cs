using System.Diagnostics.CodeAnalysis;

namespace Raijin.Tensors;

/// <summary>What a value of an op's signature is, as far as its slot on the call's stack is concerned.</summary>
enum AtenKind : byte
{
    Tensor,
    /// <summary>Integers, and what travels as one: SymInt, ScalarType, Layout, MemoryFormat.</summary>
    Int,
    Float,
    Bool,
    String,
    Device,
    /// <summary>A number of either type. libtorch 2.10's C ABI has no slot for it.</summary>
    Scalar,
    /// <summary>Everything else: only its absence can be passed.</summary>
    Other,
}

/// <summary>A type in a signature, such as <c>Tensor?[]</c>: a list of optional tensors.</summary>
readonly record struct AtenType(AtenKind Kind, bool IsOptional = false, bool IsList = false, bool HasOptionalItems = false)
{
    public override string ToString() =>
        $"{(Kind switch { AtenKind.String => "str", AtenKind.Tensor or AtenKind.Device or AtenKind.Scalar or AtenKind.Other => Kind.ToString(), _ => Kind.ToString().ToLowerInvariant() })}{(HasOptionalItems ? "?" : "")}{(IsList ? "[]" : "")}{(IsOptional ? "?" : "")}";
}

/// <summary>One argument of an op: its name in the signature and its type.</summary>
readonly record struct AtenArgument(string Name, AtenType Type)
{
    public override string ToString() => $"{Type} {Name}";
}

/// <summary>An op's signature, read from PyTorch's notation: <c>aten::set_data(Tensor(a!) self, Tensor new_data) -> ()</c>.</summary>
sealed class AtenSchema
{
    AtenSchema(string name, AtenArgument[] arguments, AtenType[] returns) => (Name, Arguments, Returns) = (name, arguments, returns);

    /// <summary>The op with its namespace, and its overload after a dot where it has one and the text names it.</summary>
    public string Name { get; }

    public AtenArgument[] Arguments { get; }

    public AtenType[] Returns { get; }

    /// <summary>Slots a call's stack needs: arguments go in where returns come out.</summary>
    public int NumSlots => Math.Max(1, Math.Max(Arguments.Length, Returns.Length));

    /// <summary>Reads a signature. Defaults, alias marks such as <c>(a!)</c>, list lengths and the keyword-only star carry no meaning for a stack.</summary>
    /// <exception cref="FormatException">The text is not a signature.</exception>
    public static AtenSchema Parse(string text)
    {
        var open = text.IndexOf('(', StringComparison.Ordinal);
        var arrow = text.LastIndexOf("->", StringComparison.Ordinal);
        var close = arrow < 0 ? -1 : text.LastIndexOf(')', arrow);
        if (open <= 0 || close < open) ThrowFormat(text, "it is not of the form name(arguments) -> returns");

        var arguments = new List<AtenArgument>();
        foreach (var part in Split(text.AsSpan(open + 1, close - open - 1)))
        {
            if (part is "*") continue;
            var body = part.Split('=', 2)[0].TrimEnd();
            var space = body.LastIndexOf(' ');
            if (space < 0) ThrowFormat(text, $"the argument '{part}' has no name");
            arguments.Add(new AtenArgument(body[(space + 1)..], ParseType(text, body[..space])));
        }

        var returns = text[(arrow + 2)..].Trim();
        if (returns is ['(', .., ')']) returns = returns[1..^1];
        // A return may be named: "Tensor values".
        var types = Split(returns).Select(part => ParseType(text, part.Split(' ')[0])).ToArray();
        return new AtenSchema(text[..open], [.. arguments], types);
    }

    // Splits at the commas that are in no parenthesis, bracket or quotes: defaults such as [0, 1] hold commas too.
    static List<string> Split(ReadOnlySpan<char> text)
    {
        var parts = new List<string>();
        var (depth, start, quoted) = (0, 0, false);
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || (text[i] == ',' && depth == 0 && !quoted))
            {
                var part = text[start..i].Trim();
                if (!part.IsEmpty) parts.Add(part.ToString());
                start = i + 1;
            }
            else if (text[i] is '\'' or '"') quoted = !quoted;
            else if (text[i] is '(' or '[') depth++;
            else if (text[i] is ')' or ']') depth--;
        }
        return parts;
    }

    static AtenType ParseType(string text, string notation)
    {
        var alias = notation.IndexOf('(', StringComparison.Ordinal);
        if (alias >= 0)
        {
            var end = notation.IndexOf(')', alias);
            if (end < 0) ThrowFormat(text, $"the alias mark of '{notation}' is not closed");
            notation = notation.Remove(alias, end - alias + 1);
        }

        var optional = notation.EndsWith('?');
        if (optional) notation = notation[..^1];
        var list = notation.EndsWith(']');
        if (list) notation = notation[..notation.IndexOf('[', StringComparison.Ordinal)];
        var optionalItems = list && notation.EndsWith('?');
        if (optionalItems) notation = notation[..^1];

        var kind = notation switch
        {
            "Tensor" => AtenKind.Tensor,
            "int" or "SymInt" or "ScalarType" or "Layout" or "MemoryFormat" => AtenKind.Int,
            "float" => AtenKind.Float,
            "bool" => AtenKind.Bool,
            "str" => AtenKind.String,
            "Device" => AtenKind.Device,
            "Scalar" => AtenKind.Scalar,
            _ => AtenKind.Other,
        };
        return new AtenType(kind, optional, list, optionalItems);
    }

    [DoesNotReturn]
    static void ThrowFormat(string text, string reason) => throw new FormatException($"'{text}' is not an op's signature: {reason}.");
}
