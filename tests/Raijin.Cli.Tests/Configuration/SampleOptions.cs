using System.Globalization;

namespace Raijin.Cli.Tests;

/// <summary>Options of every kind that a configuration can hold.</summary>
sealed record SampleOptions
{
    public TrainerSample Trainer { get; init; } = new();
    public ModelSample Model { get; init; } = new();
    public StoppingSample? EarlyStopping { get; init; } = new();
    public string? Note { get; init; }
    public Action? OnlyInCode { get; init; }
}

sealed record TrainerSample
{
    public int MaxEpochs { get; init; } = 10;
    public long? MaxSteps { get; init; }
    public bool FastDevRun { get; init; }
    public StrategySample Strategy { get; init; } = StrategySample.None;
    public Cadence Validate { get; init; } = new(1);
    public TimeSpan MaxTime { get; init; } = TimeSpan.FromMinutes(10);
    public ulong Seed { get; init; }
}

sealed record ModelSample
{
    int _hidden = 128;

    public int Hidden
    {
        get => _hidden;
        init => _hidden = value > 0 ? value : throw new ArgumentException("allowed: 1 and more");
    }

    public double Dropout { get; init; } = 0.1;
    public float Scale { get; init; } = 1;
    public string Name { get; init; } = "mlp";
    public IReadOnlyList<int> Widths { get; init; } = [64, 32];
    public LayerSample[] Layers { get; init; } = [];
}

sealed record LayerSample
{
    public int Size { get; init; } = 1;
    public string Activation { get; init; } = "relu";
}

sealed record StoppingSample
{
    public string Monitor { get; init; } = "val/loss";
    public int Patience { get; init; } = 5;
}

enum StrategySample
{
    None,
    DataParallel,
    Zero1,
}

/// <summary>A type that prints and parses itself.</summary>
readonly record struct Cadence(int Steps) : IParsable<Cadence>
{
    public static Cadence Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var cadence) ? cadence : throw new FormatException("expected a number of steps such as '500 steps'");

    public static bool TryParse(string? s, IFormatProvider? provider, out Cadence result)
    {
        result = default;
        if (s?.EndsWith(" steps", StringComparison.Ordinal) != true || !int.TryParse(s.AsSpan(0, s.Length - 6), NumberStyles.None, provider, out var steps)) return false;
        result = new Cadence(steps);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Steps} steps");
}
