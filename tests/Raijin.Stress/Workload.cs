namespace Raijin.Stress;

/// <summary>One way of using TorchSharp that its stock assembly does not survive.</summary>
/// <param name="Name">What <c>--mode</c> calls it.</param>
/// <param name="Start">Makes what one worker thread needs and returns its round, a few milliseconds of work that checks its own results.</param>
sealed record Workload(string Name, Func<Action> Start)
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("forward", ForwardOnly.Start),
        new("scalars", Scalars.Start),
        new("scoped-training", () => Training.Start(scoped: true)),
        new("unscoped-training", () => Training.Start(scoped: false)),
        new("conv-lstm", ConvolutionAndRecurrence.Start),
        new("operations", Operations.Start),
        new("escaping", EscapingHandles.Start),
    ];
}

/// <summary>A result that differs from the same computation without collections: native memory was freed under it.</summary>
sealed class WrongResultException(string what, double expected, double found) : Exception($"{what}: expected {expected:r}, found {found:r}");
