namespace Raijin.Parallel.Tests.Codecs;

/// <summary>The compressed all-reduce of 1-bit Adam in float64, all ranks in one loop.</summary>
sealed class OneBitOracle(int size, int count)
{
    readonly double[][] _worker = [.. Enumerable.Range(0, size).Select(_ => new double[count])];
    readonly double[] _server = new double[count];

    public double[] AllReduce(double[][] inputs)
    {
        var sent = new double[size][];
        for (var rank = 0; rank < size; rank++) sent[rank] = Compress([.. inputs[rank].Zip(_worker[rank], (x, e) => x + e)], _worker[rank].AsSpan());
        var output = new double[count];
        var chunk = count / size;
        for (var server = 0; server < size; server++)
        {
            var range = new Range(server * chunk, (server + 1) * chunk);
            double[] mean = [.. Enumerable.Range(server * chunk, chunk).Select(i => sent.Average(s => s[i]) + _server[i])];
            Compress(mean, _server.AsSpan(range)).CopyTo(output, server * chunk);
        }
        return output;
    }

    static double[] Compress(double[] values, Span<double> errors)
    {
        var scale = Math.Sqrt(values.Sum(x => x * x) / values.Length);
        double[] coded = [.. values.Select(x => x >= 0 ? scale : -scale)];
        for (var i = 0; i < values.Length; i++) errors[i] = values[i] - coded[i];
        return coded;
    }
}
