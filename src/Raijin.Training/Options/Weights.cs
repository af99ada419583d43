namespace Raijin;

/// <summary>Which weights a validation, test or prediction uses.</summary>
/// <remarks>Answers to Lightning's <c>ckpt_path</c>: <c>"best"</c>, <c>"last"</c> or a path.</remarks>
public abstract record Weights
{
    Weights() { }

    /// <summary>Those the module has. The default.</summary>
    public static Weights Current { get; } = new OfModule();

    /// <summary>
    /// Those of the checkpoint that ranks best by the <see cref="ModelCheckpoint.Monitor"/> of the trainer's checkpoints: of its last fit, or else of the run in
    /// <see cref="TrainerOptions.Output"/>.
    /// </summary>
    /// <exception cref="InvalidOptionsException">When used: there is no such run, or nothing is monitored.</exception>
    public static Weights Best { get; } = new OfBest();

    /// <summary>Those of the newest checkpoint of the trainer's last fit, or else of the run in <see cref="TrainerOptions.Output"/>.</summary>
    /// <exception cref="InvalidOptionsException">When used: there is no such run.</exception>
    public static Weights Last { get; } = new OfLast();

    /// <summary>Those of this checkpoint folder.</summary>
    /// <exception cref="CheckpointException">When used: it is missing or damaged, or does not fit.</exception>
    public static Weights From(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return new OfPath(path);
    }

    internal sealed record OfModule : Weights;

    internal sealed record OfBest : Weights;

    internal sealed record OfLast : Weights;

    internal sealed record OfPath(string Path) : Weights;
}
