using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>A JSON value a line: a number for a sample with one answer, else nested arrays of the answer's shape. NaN and infinities are null.</summary>
sealed class JsonLinesPredictions : PredictionFile
{
    readonly StreamWriter _writer;

    public JsonLinesPredictions(string path) : base(path) => _writer = new StreamWriter(Stream);

    protected override void AddRows(Tensor rows)
    {
        var numbers = Numbers(rows);
        var shape = rows.shape[1..];
        long next = 0;
        var line = new StringBuilder();
        for (var row = 0L; row < rows.size(0); row++)
        {
            Append(line.Clear(), shape, numbers, ref next);
            _writer.Write(line.Append('\n'));
        }
    }

    protected override void Finish() => _writer.Flush();

    static void Append(StringBuilder line, ReadOnlySpan<long> shape, string[] numbers, ref long next)
    {
        if (shape.Length == 0)
        {
            var number = numbers[next++];
            line.Append(number is "NaN" or "Infinity" or "-Infinity" ? "null" : number);
            return;
        }
        line.Append('[');
        for (var i = 0L; i < shape[0]; i++)
        {
            if (i > 0) line.Append(',');
            Append(line, shape[1..], numbers, ref next);
        }
        line.Append(']');
    }
}

/// <summary>A line of numbers for each sample under a header of their places: <c>0,1,2</c>; places of a matrix are <c>0.0,0.1</c>.</summary>
sealed class CsvPredictions : PredictionFile
{
    readonly StreamWriter _writer;

    public CsvPredictions(string path) : base(path) => _writer = new StreamWriter(Stream);

    protected override void AddRows(Tensor rows)
    {
        if (Rows == 0) _writer.Write(string.Join(',', Places(rows.shape.AsSpan(1))) + "\n");
        var numbers = Numbers(rows);
        var columns = rows.size(0) == 0 ? 0 : (int)(numbers.Length / rows.size(0));
        for (var row = 0; row < rows.size(0); row++) _writer.Write(string.Join(',', numbers.AsSpan(row * columns, columns)!) + "\n");
    }

    protected override void Finish() => _writer.Flush();

    static List<string> Places(ReadOnlySpan<long> shape)
    {
        if (shape.Length == 0) return ["prediction"];
        var names = new List<string>();
        var inner = shape.Length == 1 ? [] : Places(shape[1..]);
        for (var i = 0L; i < shape[0]; i++)
        {
            var name = i.ToString(CultureInfo.InvariantCulture);
            if (shape.Length == 1) names.Add(name);
            else names.AddRange(inner.Select(rest => $"{name}.{rest}"));
        }
        return names;
    }
}
