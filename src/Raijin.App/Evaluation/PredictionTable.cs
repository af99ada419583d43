using System.Globalization;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>
/// Predictions beside what is true, as a CSV file holds them: columns <c>target</c> and <c>prediction</c>, or <c>target</c> and one probability a class in <c>p0</c>, <c>p1</c>, …;
/// for several labels a row <c>t0</c>, <c>t1</c>, … and <c>p0</c>, <c>p1</c>, …. A column <c>weight</c> is optional, others are passed over.
/// </summary>
sealed class PredictionTable : IDisposable
{
    // Probabilities are printed with few digits: a row that is further from 1 than this is no distribution.
    const double SumTolerance = 1e-2;

    PredictionTable(Tensor predictions, Tensor targets, Tensor? weights, int classes, bool hasProbabilities, IReadOnlyList<string>? classNames) =>
        (Predictions, Targets, Weights, Classes, HasProbabilities, ClassNames) = (predictions, targets, weights, classes, hasProbabilities, classNames);

    /// <summary>[B] classes, probabilities of class 1 or numbers; [B, C] probabilities.</summary>
    public Tensor Predictions { get; }

    /// <summary>[B] or, of several labels, [B, L]: int64; of regression float64.</summary>
    public Tensor Targets { get; }

    /// <summary>[B] float64; null where the file has none.</summary>
    public Tensor? Weights { get; }

    /// <summary>Classes or labels; 2 of a binary task, 0 of a regression.</summary>
    public int Classes { get; }

    /// <summary>Whether the predictions are probabilities: metrics of scores can be computed.</summary>
    public bool HasProbabilities { get; }

    /// <summary>The classes' names where the file names them by text; sorted.</summary>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <summary>Rows.</summary>
    public long Count => Targets.shape[0];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">What it is about.</param>
    /// <param name="classes">How many classes there are; null: those that appear.</param>
    /// <exception cref="InvalidDataException">A column is missing, or a value is not what its column holds: with row and column.</exception>
    public static PredictionTable Read(string path, PredictionKind kind, int? classes)
    {
        var table = Table.ReadCsv(path);
        if (table.Count == 0) throw new InvalidDataException($"{path} has no row below its header.");
        var reader = new Reader(path, table);
        using var scope = NewDisposeScope();
        var read = kind switch
        {
            PredictionKind.Binary => Binary(reader),
            PredictionKind.Multiclass => Multiclass(reader, classes),
            PredictionKind.Multilabel => Multilabel(reader),
            _ => new(tensor(reader.Numbers("prediction")), tensor(reader.Numbers("target")), Weight(reader), 0, false, null),
        };
        foreach (var kept in (Tensor?[])[read.Predictions, read.Targets, read.Weights]) kept?.MoveToOuterDisposeScope();
        return read;
    }

    static PredictionTable Binary(Reader reader)
    {
        var targets = tensor(reader.Whole("target", 2));
        if (reader.Columns("p") is { Count: > 0 } probabilities)
        {
            if (probabilities.Count != 2) throw reader.Fault($"has the probabilities {string.Join(", ", probabilities)}: a binary file has p0 and p1, or prediction.");
            var columns = reader.Distributions(probabilities);
            return new(tensor(columns[1]), targets, Weight(reader), 2, true, null);
        }
        if (reader.IsWhole("prediction")) return new(tensor(reader.Whole("prediction", 2)), targets, Weight(reader), 2, false, null);
        return new(tensor(reader.Probabilities("prediction")), targets, Weight(reader), 2, true, null);
    }

    static PredictionTable Multiclass(Reader reader, int? classes)
    {
        if (reader.Columns("p") is { Count: > 0 } probabilities)
        {
            if (classes is not null && classes != probabilities.Count) throw reader.Fault($"has {probabilities.Count} probabilities, but --classes is {classes}.");
            if (probabilities.Count < 2) throw reader.Fault("has one probability: give one a class, p0, p1, ….");
            return new(Stack(reader.Distributions(probabilities)), tensor(reader.Whole("target", probabilities.Count)), Weight(reader), probabilities.Count, true, null);
        }
        if (reader.IsText("target") || reader.IsText("prediction"))
        {
            var names = reader.Names("target", "prediction");
            if (classes is not null && classes < names.Count) throw reader.Fault($"names {names.Count} classes ({string.Join(", ", names.Take(8))}), but --classes is {classes}.");
            return new(tensor(reader.Coded("prediction", names)), tensor(reader.Coded("target", names)), Weight(reader), Math.Max(2, classes ?? names.Count), false, names);
        }
        var (predicted, true_) = (reader.Whole("prediction", classes), reader.Whole("target", classes));
        return new(tensor(predicted), tensor(true_), Weight(reader), classes ?? (int)Math.Max(1, Math.Max(predicted.Max(), true_.Max())) + 1, false, null);
    }

    static PredictionTable Multilabel(Reader reader)
    {
        var (targets, predictions) = (reader.Columns("t"), reader.Columns("p"));
        if (targets.Count == 0 || targets.Count != predictions.Count)
            throw reader.Fault($"has {targets.Count} columns t0, t1, … and {predictions.Count} columns p0, p1, …: give one of each a label. It has: {reader.Shown}.");
        var whole = predictions.All(reader.IsWhole);
        return new(
            whole ? Stack([.. predictions.Select(p => reader.Whole(p, 2))]) : Stack([.. predictions.Select(reader.Probabilities)]),
            Stack([.. targets.Select(t => reader.Whole(t, 2))]),
            Weight(reader), targets.Count, !whole, null);
    }

    static Tensor? Weight(Reader reader) => reader.Has("weight") ? tensor(reader.Weights()) : null;

    // [B, C] of C columns.
    static Tensor Stack(double[][] columns) => stack([.. columns.Select(c => tensor(c))], 1);

    static Tensor Stack(long[][] columns) => stack([.. columns.Select(c => tensor(c))], 1);

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Predictions.Dispose();
        Targets.Dispose();
        Weights?.Dispose();
    }

    /// <summary>Columns as what they must hold.</summary>
    sealed class Reader(string path, Table table)
    {
        // Whole numbers up to here are classes; more would be identifiers.
        const long MostClasses = 1_000_000;

        public string Shown => string.Join(", ", table.Columns.Select(c => c.Name).Take(20));

        public bool Has(string name) => table.Columns.Any(c => c.Name == name);

        public InvalidDataException Fault(string what) => new($"{path} {what}");

        /// <summary>The columns <c>p0</c>, <c>p1</c>, … of a letter, in order.</summary>
        public List<string> Columns(string letter)
        {
            var numbers = table.Columns.Where(c => c.Name.StartsWith(letter, StringComparison.Ordinal) && int.TryParse(c.Name.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out _))
                .Select(c => int.Parse(c.Name.AsSpan(1), CultureInfo.InvariantCulture)).Order().ToList();
            for (var i = 0; i < numbers.Count; i++)
                if (numbers[i] != i) throw Fault($"has {letter}{numbers[i]}, but not {letter}{i}: number the columns from 0 without a gap.");
            return numbers.ConvertAll(n => FormattableString.Invariant($"{letter}{n}"));
        }

        public bool IsText(string name) => Column(name).Type == ColumnType.Text;

        public bool IsWhole(string name) => Column(name).Type == ColumnType.Integer;

        public double[] Numbers(string name)
        {
            var column = Column(name);
            if (column.NumMissing > 0) throw At(Enumerable.Range(0, column.Count).First(column.IsMissing), name, "is empty");
            return column switch
            {
                IntegerColumn whole => Array.ConvertAll(whole.Values.ToArray(), v => (double)v),
                NumberColumn { Type: ColumnType.Number } real => real.Values.ToArray(),
                _ => throw Fault($"has {name}s such as \"{column.TextOf(0)}\": expected numbers."),
            };
        }

        public long[] Whole(string name, long? classes)
        {
            var column = Column(name);
            if (column.NumMissing > 0) throw At(Enumerable.Range(0, column.Count).First(column.IsMissing), name, "is empty");
            // 1.0 is how many programs print a class.
            var values = column is IntegerColumn whole ? whole.Values.ToArray() : Array.ConvertAll(Numbers(name), v => v == Math.Floor(v) && Math.Abs(v) < 1e15 ? (long)v : -1);
            var last = (classes ?? MostClasses) - 1;
            for (var row = 0; row < values.Length; row++)
                if (values[row] < 0 || values[row] > last) throw At(row, name, $"is {column.TextOf(row)}: expected a class from 0 to {last.ToString("n0", CultureInfo.InvariantCulture)}");
            return values;
        }

        public double[] Probabilities(string name)
        {
            var values = Numbers(name);
            for (var row = 0; row < values.Length; row++)
                if (values[row] is < 0 or > 1) throw At(row, name, $"is {values[row].ToString("r", CultureInfo.InvariantCulture)}: expected a probability from 0 to 1");
            return values;
        }

        /// <summary>One probability a class; each row sums to 1.</summary>
        public double[][] Distributions(List<string> names)
        {
            var columns = names.Select(Probabilities).ToArray();
            for (var row = 0; row < table.Count; row++)
            {
                var sum = columns.Sum(c => c[row]);
                if (Math.Abs(sum - 1) > SumTolerance) throw At(row, $"{names[0]} to {names[^1]}", $"sum to {sum.ToString("g6", CultureInfo.InvariantCulture)}: the probabilities of a row sum to 1");
            }
            return columns;
        }

        public double[] Weights()
        {
            var values = Numbers("weight");
            for (var row = 0; row < values.Length; row++)
                if (values[row] < 0) throw At(row, "weight", $"is {values[row].ToString("r", CultureInfo.InvariantCulture)}: expected 0 or more");
            return values;
        }

        public List<string> Names(params string[] columns)
        {
            var names = new SortedSet<string>(StringComparer.Ordinal);
            foreach (var name in columns)
                for (var row = 0; row < table.Count; row++) names.Add(Column(name).TextOf(row) ?? throw At(row, name, "is empty"));
            return [.. names];
        }

        public long[] Coded(string name, List<string> names)
        {
            var codes = names.Index().ToDictionary(n => n.Item, n => (long)n.Index, StringComparer.Ordinal);
            return [.. Enumerable.Range(0, table.Count).Select(row => codes[Column(name).TextOf(row)!])];
        }

        TableColumn Column(string name) => Has(name) ? table[name] : throw Fault($"has no column {name}. It has: {Shown}.");

        InvalidDataException At(int row, string column, string what) => Fault($"row {(row + 1).ToString("n0", CultureInfo.InvariantCulture)}: {column} {what}.");
    }
}
