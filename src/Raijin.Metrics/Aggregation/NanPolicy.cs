namespace Raijin;

/// <summary>What an aggregate does with NaN, and where its documentation says so with infinities.</summary>
public readonly record struct NanPolicy
{
    NanPolicy(bool ignore, double? value) => (Ignores, Value) = (ignore, value);

    /// <summary>Leaves it out, and Compute reports how often it came. The default.</summary>
    public static NanPolicy Error => default;

    /// <summary>Leaves it out.</summary>
    public static NanPolicy Ignore => new(true, null);

    /// <summary>Puts a number in its place.</summary>
    public static NanPolicy Impute(double value) => double.IsFinite(value)
        ? new(false, value)
        : throw new ArgumentOutOfRangeException(nameof(value), value, "What is put in the place of NaN is finite.");

    /// <summary>Whether it is left out without a word.</summary>
    public bool Ignores { get; }

    /// <summary>What is put in its place; null for nothing.</summary>
    public double? Value { get; }
}
