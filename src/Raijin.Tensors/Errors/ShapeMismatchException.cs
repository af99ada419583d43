using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Raijin;

/// <summary>A tensor has another shape or dtype than the place it was given to expects.</summary>
public sealed class ShapeMismatchException : ArgumentException
{
    /// <summary>Names the tensor, what was expected of it and what it is.</summary>
    public ShapeMismatchException(string name, string expected, string actual, string? remedy = null)
        : base($"{name}: expected {expected}, but it is {actual}.{(remedy is null ? "" : " " + remedy)}")
    {
        Expected = expected;
        Actual = actual;
    }

    /// <summary>What was expected, such as <c>[64, 784] Float32</c>.</summary>
    public string Expected { get; }

    /// <summary>What was given.</summary>
    public string Actual { get; }

    /// <summary>Throws; for use in expressions.</summary>
    [DoesNotReturn, StackTraceHidden]
    public static void Throw(string name, string expected, string actual, string? remedy = null) =>
        throw new ShapeMismatchException(name, expected, actual, remedy);
}
