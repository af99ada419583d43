namespace Raijin.Tensors;

/// <summary>libtorch refused or failed an op. The message holds libtorch's reason and the arguments that were given.</summary>
public sealed class AtenException : Exception
{
    internal AtenException(string op, string? reason, string arguments, Exception? inner = null)
        : base($"{op} failed: {reason ?? "libtorch wrote the reason to standard error."}{arguments}", inner)
    {
        Operator = op;
        Reason = reason;
    }

    /// <summary>The op that failed: <c>aten::mm</c>.</summary>
    public string Operator { get; }

    /// <summary>libtorch's own words; null on platforms where they cannot be caught and went to standard error.</summary>
    public string? Reason { get; }
}
