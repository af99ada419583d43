// TFRecord framing: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data; all little-endian. Each record is a
// tensorflow.Event (tensorflow/core/util/event.proto); field numbers are named as there.

using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>A TensorBoard event file: written to its end, never again.</summary>
sealed class EventFile : IDisposable
{
    const int BufferBytes = 64 << 10;
    const string Version = "brain.Event:2";
    const int DataTypeFloat = 1;
    const int DataTypeString = 7;
    const int SessionStart = 1;

    readonly ProtoWriter _event = new();
    readonly FileStream _stream;
    readonly TimeProvider _time;

    EventFile(FileStream stream, TimeProvider time) => (_stream, _time) = (stream, time);

    public string Path => _stream.Name;

    /// <summary>Makes a new file in a folder, named so that readers take it after those that are there.</summary>
    public static EventFile Create(string folder, TimeProvider time)
    {
        Directory.CreateDirectory(folder);
        for (var number = 0; ; number++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{time.GetUtcNow().ToUnixTimeSeconds():D10}.{Environment.MachineName}.{Environment.ProcessId}.{number}");
            var path = System.IO.Path.Combine(folder, name);
            if (File.Exists(path)) continue;
            var file = new EventFile(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, BufferBytes), time);
            file.Begin(0);
            file._event.String(3, Version); // file_version
            file.Commit();
            return file;
        }
    }

    /// <summary>A session starts at this step: readers drop what earlier files have of it and of later steps.</summary>
    public void AddSessionStart(long step)
    {
        Begin(step);
        var log = _event.Begin(7); // session_log
        _event.Varint(1, SessionStart); // status
        _event.End(log);
        Commit();
    }

    /// <summary>Begins an event with values: <see cref="AddScalar"/> and the like follow, then <see cref="EndValues"/>.</summary>
    public int BeginValues(long step)
    {
        Begin(step);
        return _event.Begin(5); // summary
    }

    public void EndValues(int summary)
    {
        _event.End(summary);
        Commit();
    }

    public void AddScalar(string tag, double value)
    {
        var start = BeginValue(tag);
        _event.Float(2, (float)value); // simple_value
        _event.End(start);
    }

    public void AddHistogram(string tag, TensorHistogram histogram)
    {
        var start = BeginValue(tag);
        var proto = _event.Begin(5); // histo
        _event.Double(1, histogram.Min);
        _event.Double(2, histogram.Max);
        _event.Double(3, histogram.Count);
        _event.Double(4, histogram.Sum);
        _event.Double(5, histogram.SumOfSquares);
        _event.BeginPacked(6, histogram.Bins.Count); // bucket_limit, the right ends
        for (var i = 1; i <= histogram.Bins.Count; i++) _event.Packed(histogram.Edge(i));
        _event.BeginPacked(7, histogram.Bins.Count); // bucket
        foreach (var count in histogram.Bins) _event.Packed(count);
        _event.End(proto);
        _event.End(start);
    }

    public void AddImage(string tag, byte[] png, int width, int height)
    {
        const int Rgba = 4;
        var start = BeginValue(tag);
        var image = _event.Begin(4); // image
        _event.Varint(1, height);
        _event.Varint(2, width);
        _event.Varint(3, Rgba); // colorspace
        _event.Bytes(4, png); // encoded_image_string
        _event.End(image);
        _event.End(start);
    }

    public void AddText(string tag, string text)
    {
        var start = BeginValue(tag);
        AddMetadata("text", []);
        var tensor = BeginTensor(DataTypeString);
        _event.String(8, text); // string_val
        _event.End(tensor);
        _event.End(start);
    }

    /// <summary>What the hyper-parameter page shows: the parameters and the metrics there may be, and this run's values.</summary>
    public void AddHyperParameters(IReadOnlyList<KeyValuePair<string, JsonElement>> parameters, string name)
    {
        var seconds = Seconds();
        AddHyperParameterData("_hparams_/experiment", data =>
        {
            var experiment = data.Begin(2); // experiment
            data.String(1, name);
            data.Double(4, seconds); // time_created_secs
            foreach (var (key, value) in parameters)
            {
                var info = data.Begin(5); // hparam_infos
                data.String(1, key);
                data.Varint(4, value.ValueKind switch { JsonValueKind.Number => 3, JsonValueKind.True or JsonValueKind.False => 2, _ => 1 }); // type: float64, bool, string
                data.End(info);
            }
            data.End(experiment);
        });
        AddHyperParameterData("_hparams_/session_start_info", data =>
        {
            var session = data.Begin(3); // session_start_info
            foreach (var (key, value) in parameters)
            {
                var entry = data.Begin(1); // hparams, a map
                data.String(1, key);
                var protobufValue = data.Begin(2); // google.protobuf.Value
                switch (value.ValueKind)
                {
                    case JsonValueKind.Number: data.Double(2, value.GetDouble()); break;
                    case JsonValueKind.True: data.Varint(4, 1); break;
                    case JsonValueKind.False: data.Varint(4, 0); break;
                    default: data.String(3, RunDescription.TextOf(value)); break;
                }
                data.End(protobufValue);
                data.End(entry);
            }
            data.Double(5, seconds); // start_time_secs
            data.End(session);
        });
    }

    public void AddSessionEnd(bool succeeded) => AddHyperParameterData("_hparams_/session_end_info", data =>
    {
        var session = data.Begin(4); // session_end_info
        data.Varint(1, succeeded ? 1 : 2); // status: success, failure
        data.Double(2, Seconds()); // end_time_secs
        data.End(session);
    });

    public void Flush() => _stream.Flush();

    public void Dispose() => _stream.Dispose();

    void AddHyperParameterData(string tag, Action<ProtoWriter> content)
    {
        var data = new ProtoWriter();
        content(data);
        var summary = BeginValues(0);
        var start = BeginValue(tag);
        AddMetadata("hparams", data.Written);
        var tensor = BeginTensor(DataTypeFloat);
        _event.Float(5, 0); // float_val: there has to be a value
        _event.End(tensor);
        _event.End(start);
        EndValues(summary);
    }

    int BeginValue(string tag)
    {
        var start = _event.Begin(1); // value
        _event.String(1, tag);
        return start;
    }

    /// <summary>Begins a tensor of one element.</summary>
    int BeginTensor(int dtype)
    {
        var tensor = _event.Begin(8); // tensor
        _event.Varint(1, dtype);
        var shape = _event.Begin(2); // tensor_shape
        var dim = _event.Begin(2);
        _event.Varint(1, 1); // size
        _event.End(dim);
        _event.End(shape);
        return tensor;
    }

    void AddMetadata(string plugin, ReadOnlySpan<byte> content)
    {
        var metadata = _event.Begin(9); // metadata
        var data = _event.Begin(1); // plugin_data
        _event.String(1, plugin);
        _event.Bytes(2, content);
        _event.End(data);
        _event.End(metadata);
    }

    void Begin(long step)
    {
        _event.Clear();
        _event.Double(1, Seconds()); // wall_time
        _event.Varint(2, step);
    }

    void Commit()
    {
        var data = _event.Written;
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], Crc32C.Masked(head[..8]));
        Span<byte> tail = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(tail, Crc32C.Masked(data));
        _stream.Write(head);
        _stream.Write(data);
        _stream.Write(tail);
    }

    double Seconds() => _time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
}
