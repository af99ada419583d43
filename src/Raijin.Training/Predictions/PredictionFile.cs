using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Writes answers to a file, in order: JSON lines (<c>.jsonl</c>, a sample a line: <c>{"loader": …, "index": …, "prediction": …}</c>), CSV (<c>.csv</c>, a sample a row, answers
/// flat) or NumPy (<c>.npy</c>, one array of all samples, float32). The file takes its name when it is complete.
/// </summary>
public sealed class PredictionFile : PredictionWriter, IDisposable
{
    readonly string _path;
    readonly Layout _format;
    FileStream? _file;
    StreamWriter? _text;
    long _samples;
    long[]? _shape;

    /// <summary>Says where; the format follows the name's end.</summary>
    /// <exception cref="ArgumentException">The name ends in nothing known.</exception>
    public PredictionFile(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        _path = Path.GetFullPath(path);
        _format = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".jsonl" => Layout.JsonLines,
            ".csv" => Layout.Csv,
            ".npy" => Layout.Npy,
            var other => throw new ArgumentException($"{path} ends in \"{other}\": predictions are written as .jsonl, .csv or .npy.", nameof(path)),
        };
    }

    enum Layout { JsonLines, Csv, Npy }

    string Temporary => _path + ".part";

    /// <summary>Samples written so far.</summary>
    public long Samples => _samples;

    /// <inheritdoc/>
    public override void Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        _file = new FileStream(Temporary, FileMode.Create, FileAccess.ReadWrite);
        (_samples, _shape) = (0, null);
        if (_format == Layout.Npy) _file.Write(new byte[NpyHeaderBytes]);
        else _text = new StreamWriter(_file, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
    }

    /// <inheritdoc/>
    /// <exception cref="ShapeMismatchException">An answer of another shape than the ones before.</exception>
    public override void Write(EvalStep step, Tensor prediction)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(prediction);
        if (prediction.dim() == 0) ShapeMismatchException.Throw(nameof(prediction), "[B, …], a row a sample", "a scalar", "Keep the batch's dim in PredictStep.");
        var shape = prediction.shape[1..];
        if (_shape is not null && _format != Layout.JsonLines && !_shape.AsSpan().SequenceEqual(shape))
            ShapeMismatchException.Throw(nameof(prediction), $"[B{string.Concat(_shape.Select(d => $", {d}"))}] as before", $"[{string.Join(", ", prediction.shape)}]", "Write answers of different shapes as .jsonl.");

        using var scope = NewDisposeScope();
        var values = prediction.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        var samples = (int)prediction.shape[0];
        var width = samples == 0 ? 0 : values.Length / samples;
        if (_shape is null && _format == Layout.Csv) WriteCsvHeader(width);
        _shape ??= shape;
        switch (_format)
        {
            case Layout.Npy: _file!.Write(MemoryMarshal.AsBytes(values.AsSpan())); break;
            case Layout.Csv: for (var i = 0; i < samples; i++) WriteCsv(step, values.AsSpan(i * width, width), i); break;
            case Layout.JsonLines: for (var i = 0; i < samples; i++) WriteJson(step, values.AsSpan(i * width, width), shape, i); break;
        }
        _samples += samples;
    }

    /// <inheritdoc/>
    public override void Close(bool complete)
    {
        if (!complete) Dispose();
        if (_file is null) return;
        _text?.Dispose();
        _text = null;
        if (_format == Layout.Npy) WriteNpyHeader();
        _file.Dispose();
        _file = null;
        File.Move(Temporary, _path, overwrite: true);
    }

    /// <summary>Lets go of the file; one that was not closed as complete is removed.</summary>
    public void Dispose()
    {
        if (_file is null) return;
        _text?.Dispose();
        _file.Dispose();
        (_text, _file) = (null, null);
        File.Delete(Temporary);
    }

    void WriteCsvHeader(int width) => _text!.WriteLine("loader,index," + string.Join(',', Enumerable.Range(0, width).Select(c => string.Create(CultureInfo.InvariantCulture, $"p{c}"))));

    void WriteCsv(EvalStep step, ReadOnlySpan<float> values, int row)
    {
        _text!.Write(step.Loader);
        _text.Write(',');
        _text.Write((_samples + row).ToString(CultureInfo.InvariantCulture));
        foreach (var value in values)
        {
            _text.Write(',');
            _text.Write(value.ToString("R", CultureInfo.InvariantCulture));
        }
        _text.Write('\n');
    }

    void WriteJson(EvalStep step, ReadOnlySpan<float> values, ReadOnlySpan<long> shape, int row)
    {
        _text!.Flush();
        using (var json = new Utf8JsonWriter(_file!))
        {
            json.WriteStartObject();
            if (step.Loader.Length > 0) json.WriteString("loader", step.Loader);
            json.WriteNumber("index", _samples + row);
            json.WritePropertyName("prediction");
            WriteNested(json, values, shape);
            json.WriteEndObject();
        }
        _text.Write('\n');
    }

    static void WriteNested(Utf8JsonWriter json, ReadOnlySpan<float> values, ReadOnlySpan<long> shape)
    {
        if (shape.Length == 0)
        {
            // JSON has no number for these.
            if (float.IsFinite(values[0])) json.WriteNumberValue(values[0]);
            else json.WriteStringValue(values[0].ToString(CultureInfo.InvariantCulture));
            return;
        }
        json.WriteStartArray();
        var part = (int)(values.Length / Math.Max(1, shape[0]));
        for (var i = 0; i < shape[0]; i++) WriteNested(json, values.Slice(i * part, part), shape[1..]);
        json.WriteEndArray();
    }

    // NumPy's format 1.0: magic, version, length of the header, a Python literal padded so that the data is aligned.
    const int NpyHeaderBytes = 128;

    void WriteNpyHeader()
    {
        var dims = new long[] { _samples }.Concat(_shape ?? []).ToArray();
        var shape = dims.Length == 1 ? $"({dims[0]},)" : $"({string.Join(", ", dims)})";
        var header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}";
        var bytes = new byte[NpyHeaderBytes];
        ReadOnlySpan<byte> magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];
        magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), NpyHeaderBytes - 10);
        bytes.AsSpan(10).Fill((byte)' ');
        Encoding.ASCII.GetBytes(header, bytes.AsSpan(10));
        bytes[^1] = (byte)'\n';
        _file!.Position = 0;
        _file.Write(bytes);
    }
}
