// N rows, F inputs: one for a number (and one for its flag), one or K + 1 for a category of K known texts.

using System.Runtime.InteropServices;
using System.Text.Json;
using Raijin.Data;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Turns rows of a table into tensors the way it was fitted: means, scales and vocabularies of the training part. It is plain data, to be saved
/// beside the model and used on what is to be predicted.
/// </summary>
public sealed class TabularEncoder
{
    readonly TabularSchema _schema;

    TabularEncoder(TabularSchema schema) => _schema = schema;

    /// <summary>The names of the inputs, in order: <c>age</c>, <c>age missing</c>, <c>city</c> or <c>city = Rome</c>.</summary>
    public IReadOnlyList<string> Inputs => [.. _schema.Features.SelectMany(NamesOf)];

    /// <summary>The classes by label, or null when a number is predicted.</summary>
    public IReadOnlyList<string>? Classes => _schema.Target.Classes;

    /// <summary>Codes of a categorical column, with 0 for what is not known: the size of its embedding.</summary>
    /// <exception cref="KeyNotFoundException">No categorical feature of that name.</exception>
    public int NumCodes(string column) => Array.Find(_schema.Features, feature => feature.Column == column && feature.IsCategory) is { } found
        ? found.Vocabulary!.Length + 1
        : throw new KeyNotFoundException($"\"{column}\" is not a categorical feature; those are: {string.Join(", ", _schema.Features.Where(f => f.IsCategory).Select(f => f.Column))}.");

    /// <summary>Learns how to encode from some rows of a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="features">Columns of the inputs, in order.</param>
    /// <param name="target">The column to predict.</param>
    /// <param name="options">How; null: the defaults.</param>
    /// <param name="rows">The rows to train on, at least one; null: all. No other row has any influence.</param>
    /// <exception cref="InvalidOptionsException">Names every column that is not there or does not fit.</exception>
    public static TabularEncoder Fit(
        Table table, IReadOnlyList<string> features, Target target, TabularOptions? options = null, IReadOnlyList<long>? rows = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(target);
        options ??= new();
        TabularFit.ThrowIfInvalid(table, features, target, options);
        long[] fitted = rows is null ? [.. Enumerable.Range(0, table.Count)] : [.. rows];
        ArgumentOutOfRangeException.ThrowIfZero(fitted.Length, nameof(rows));
        return new(new TabularSchema(
            TabularSchema.CurrentVersion, options.Missing, options.Categories,
            [.. features.Select(name => TabularFit.Feature(table[name], options, fitted))], TabularFit.Target(table[target.Column], target, fitted)));
    }

    /// <summary>Samples with their labels: inputs [N, F] float32, labels [N] int64 for classes or float32 for numbers.</summary>
    /// <exception cref="InvalidOptionsException">The table lacks a column, or it has another type than the fitted one.</exception>
    /// <exception cref="InvalidDataException">A missing value that is refused, or a class that the training part did not have; names column and row.</exception>
    public LabeledDataset Encode(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        ThrowIfUnfit(table, withTarget: true);
        using var scope = TensorScope.Open();
        return new LabeledDataset(InputsOf(table), LabelsOf(table[_schema.Target.Column]));
    }

    /// <summary>Samples without labels, for prediction: inputs [N, F] float32; the table need not have the target.</summary>
    /// <exception cref="InvalidOptionsException">The table lacks a column, or it has another type than the fitted one.</exception>
    /// <exception cref="InvalidDataException">A missing value that is refused; names column and row.</exception>
    public TensorDataset EncodeInputs(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        ThrowIfUnfit(table, withTarget: false);
        using var scope = TensorScope.Open();
        return new TensorDataset(InputsOf(table));
    }

    /// <summary>Writes it as JSON.</summary>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        File.WriteAllText(path, JsonSerializer.Serialize(_schema, TabularJson.Default.TabularSchema));
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">The file is something else, damaged, or of a later version.</exception>
    public static TabularEncoder Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = File.OpenRead(path);
        try
        {
            var schema = JsonSerializer.Deserialize(file, TabularJson.Default.TabularSchema) ?? throw new JsonException("It is null.");
            if (schema.Version != TabularSchema.CurrentVersion)
                throw new JsonException($"It has version {schema.Version}; version {TabularSchema.CurrentVersion} is read.");
            if (schema.Features.Length == 0) throw new JsonException("It has no features.");
            foreach (var feature in schema.Features)
                if (!double.IsFinite(feature.Mean) || !double.IsFinite(feature.Fill) || !(feature.Scale > 0 && double.IsFinite(feature.Scale)))
                    throw new JsonException($"Feature \"{feature.Column}\" has mean {feature.Mean}, fill {feature.Fill} and scale {feature.Scale}; finite numbers are expected, the scale above 0.");
            return new(schema);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} does not hold a tabular encoder: {error.Message}", error);
        }
    }

    IEnumerable<string> NamesOf(FeatureSchema feature)
    {
        if (feature is { Vocabulary: { } vocabulary } && _schema.Categories == CategoryForm.OneHot) return [$"{feature.Column} unknown", .. vocabulary.Select(text => $"{feature.Column} = {text}")];
        return HasFlag(feature) ? [feature.Column, $"{feature.Column} missing"] : [feature.Column];
    }

    bool HasFlag(FeatureSchema feature) => !feature.IsCategory && _schema.Missing == MissingValues.FillAndFlag;

    int WidthOf(FeatureSchema feature) => feature.IsCategory && _schema.Categories == CategoryForm.OneHot ? feature.Vocabulary!.Length + 1 : HasFlag(feature) ? 2 : 1;

    void ThrowIfUnfit(Table table, bool withTarget)
    {
        var faults = new List<OptionFault>();
        foreach (var feature in _schema.Features) Check("tabular.features", feature.Column, feature.Type);
        if (withTarget) Check("tabular.target", _schema.Target.Column, _schema.Target.Type);
        InvalidOptionsException.ThrowIfAny(faults);

        void Check(string key, string name, ColumnType type)
        {
            if (table.Columns.FirstOrDefault(column => column.Name == name) is not { } found)
                faults.Add(new(key, $"needs \"{name}\", but the table has {string.Join(", ", table.Columns.Select(column => column.Name))}"));
            else if (found.Type != type && !(type == ColumnType.Number && found.Type == ColumnType.Integer))
                faults.Add(new(key, $"was fitted on \"{name}\" as {type}, but it is {found.Type} here; set TableOptions.Types when reading"));
        }
    }

    Tensor InputsOf(Table table)
    {
        var width = _schema.Features.Sum(WidthOf);
        var result = zeros([table.Count, width], ScalarType.Float32); // [N, F]
        var inputs = MemoryMarshal.Cast<byte, float>(result.bytes);
        var at = 0;
        foreach (var feature in _schema.Features)
        {
            if (feature.IsCategory) WriteCodes(table[feature.Column], feature, inputs, at, width);
            else WriteNumbers(table[feature.Column], feature, inputs, at, width);
            at += WidthOf(feature);
        }
        return result;
    }

    void WriteNumbers(TableColumn column, FeatureSchema feature, Span<float> inputs, int at, int width)
    {
        for (var row = 0; row < column.Count; row++, at += width)
        {
            if (!column.IsMissing(row))
            {
                inputs[at] = (float)((TabularFit.NumberOf(column, row) - feature.Mean) / feature.Scale);
                continue;
            }
            RefuseMissing(column, row);
            inputs[at] = (float)((feature.Fill - feature.Mean) / feature.Scale);
            if (HasFlag(feature)) inputs[at + 1] = 1;
        }
    }

    void WriteCodes(TableColumn column, FeatureSchema feature, Span<float> inputs, int at, int width)
    {
        var codes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var text in feature.Vocabulary!) codes.Add(text, codes.Count + 1);
        for (var row = 0; row < column.Count; row++, at += width)
        {
            var text = column.TextOf(row);
            if (text is null) RefuseMissing(column, row);
            var code = text is null ? 0 : codes.GetValueOrDefault(text);
            if (_schema.Categories == CategoryForm.OneHot) inputs[at + code] = 1;
            else inputs[at] = code;
        }
    }

    void RefuseMissing(TableColumn column, int row)
    {
        if (_schema.Missing == MissingValues.Refuse)
            throw new InvalidDataException($"Column \"{column.Name}\" has no value at row {row}. Mend the data, or choose TabularOptions.Missing.");
    }

    Tensor LabelsOf(TableColumn column)
    {
        var missing = Enumerable.Range(0, column.Count).FirstOrDefault(column.IsMissing, -1);
        if (missing >= 0) throw new InvalidDataException($"The target \"{column.Name}\" has no value at row {missing}: leave such rows out of the file.");
        if (Classes is not { } classes)
        {
            var values = new float[column.Count];
            for (var row = 0; row < values.Length; row++) values[row] = (float)TabularFit.NumberOf(column, row);
            return tensor(values);
        }
        var labels = new long[column.Count];
        var of = classes.Select((text, label) => (text, label)).ToDictionary(pair => pair.text, pair => pair.label, StringComparer.Ordinal);
        for (var row = 0; row < labels.Length; row++)
        {
            var text = column.TextOf(row)!;
            labels[row] = of.TryGetValue(text, out var label) ? label
                : throw new InvalidDataException($"The target \"{column.Name}\" is \"{text}\" at row {row}, a class that the training part does not have. Classes: {string.Join(", ", classes.Take(20))}.");
        }
        return tensor(labels);
    }
}
