using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Counts;

/// <summary>A random task and a batch for it: any kind, layout and dtypes, with ties, ignored targets and, where asked for, values that can't be counted.</summary>
sealed class RandomBatch : IDisposable
{
    static readonly ScalarType[] Floats = [ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16];
    static readonly ScalarType[] Integers = [ScalarType.Int64, ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte];

    public RandomBatch(int seed, bool faults, bool weighCells = true, ClassificationKind? kind = null)
    {
        var random = new Random(seed);
        var kinds = Enum.GetValues<ClassificationKind>();
        var chosen = kind ?? kinds[random.Next(kinds.Length)];
        var classes = chosen == ClassificationKind.Binary ? 2 : random.Next(4) == 0 ? random.Next(15, 40) : random.Next(2, 9);
        var values = chosen == ClassificationKind.Multiclass ? classes : 2;
        long? ignored = random.Next(3) switch { 0 => null, 1 => 1, _ => -1 };
        var logits = random.Next(2) == 0;
        var scored = random.Next(4) > 0;
        Task = chosen switch
        {
            ClassificationKind.Binary => Classification.Binary(0.3, logits, ignored),
            ClassificationKind.Multiclass => Classification.Multiclass(classes, scored ? random.Next(1, Math.Min(4, classes + 1)) : 1, logits, ignored),
            _ => Classification.Multilabel(classes, 0.3, logits, ignored),
        };
        long[] inner = random.Next(4) switch { 0 => [2, 3], 1 => [random.Next(1, 40)], _ => [] };
        var batch = random.Next(0, 12) * (random.Next(5) == 0 ? 20 : 1);
        long[] targets = chosen == ClassificationKind.Multilabel ? [batch, classes, .. inner] : [batch, .. inner];
        long[] predictions = chosen == ClassificationKind.Multiclass && scored ? [batch, classes, .. inner] : targets;

        double Rare(double value, double wrong) => faults && random.Next(50) == 0 ? wrong : value;

        var labelDType = Integers[random.Next(ignored == -1 ? 4 : 5)];
        Tensor Fill(long[] shape, ScalarType dtype, Func<double> value)
        {
            var numbers = new double[shape.Aggregate(1L, (a, b) => a * b)];
            for (var i = 0; i < numbers.Length; i++) numbers[i] = value();
            using var flat = tensor(numbers);
            using var shaped = flat.reshape(shape);
            return dtype == ScalarType.Float64 ? shaped.clone() : shaped.to(dtype);
        }
        // Multiples of 1/8 tie, and are exact in every dtype.
        Predictions = scored
            ? Fill(predictions, Floats[random.Next(4)], () => Rare(chosen == ClassificationKind.Multiclass || logits ? (random.Next(25) - 12) / 8.0 : random.Next(9) / 8.0, random.Next(2) == 0 ? double.NaN : 1.5))
            : Fill(predictions, Integers[random.Next(4)], () => Rare(random.Next(values), values + 3));
        Targets = Fill(targets, labelDType, () => ignored is { } no && random.Next(6) == 0 ? no : Rare(random.Next(values), values + 7));
        var dtype = Floats[random.Next(4)];
        Weights = random.Next(3) switch
        {
            0 => Fill([batch], dtype, () => Rare(random.Next(9) / 8.0, -1)),
            1 when weighCells => Fill(targets, dtype, () => Rare(random.Next(9) / 8.0, double.PositiveInfinity)),
            _ => null,
        };
        Groups = Fill(targets, ScalarType.Int64, () => Rare(random.Next(3), 5));
    }

    public Classification Task { get; }

    public Tensor Predictions { get; }

    public Tensor Targets { get; }

    public Tensor? Weights { get; }

    public Tensor Groups { get; }

    public Comparison Comparison => new(Predictions, Targets, Weights);

    public void Dispose()
    {
        Predictions.Dispose();
        Targets.Dispose();
        Weights?.Dispose();
        Groups.Dispose();
    }
}
