using System.Text;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>One array [samples, …] in NumPy's format 1.0 (<c>numpy.load</c>): float32 or int64, little endian, row-major. The header, whose length is fixed, gets the number of rows at the end.</summary>
sealed class NumpyPredictions(string path) : PredictionFile(path)
{
    const int HeaderBytes = 256;

    string _type = "<f4";
    long[] _shape = [];

    protected override void AddRows(Tensor rows)
    {
        if (Rows == 0)
        {
            _type = rows.dtype == ScalarType.Float32 ? "<f4" : "<i8";
            _shape = rows.shape[1..];
            Stream.SetLength(HeaderBytes);
            Stream.Position = HeaderBytes;
        }
        else if (!rows.shape.AsSpan(1).SequenceEqual(_shape))
        {
            throw new InvalidOperationException($"A batch's answers have the shape [{string.Join(", ", rows.shape[1..])}] a sample, those before it [{string.Join(", ", _shape)}]: one array can't hold both. Write .jsonl instead.");
        }
        Stream.Write(rows.bytes);
    }

    protected override void Finish()
    {
        var shape = string.Concat(new[] { Rows }.Concat(_shape).Select(size => FormattableString.Invariant($"{size}, ")));
        var text = $"{{'descr': '{_type}', 'fortran_order': False, 'shape': ({shape}), }}";
        var header = new byte[HeaderBytes];
        header.AsSpan().Fill((byte)' ');
        header[0] = 0x93;
        "NUMPY"u8.CopyTo(header.AsSpan(1));
        header[6] = 1; // version 1.0: a length of two bytes follows
        header[7] = 0;
        BitConverter.TryWriteBytes(header.AsSpan(8), (ushort)(HeaderBytes - 10));
        Encoding.ASCII.GetBytes(text).CopyTo(header, 10);
        header[^1] = (byte)'\n';
        Stream.Position = 0;
        Stream.Write(header);
    }
}
