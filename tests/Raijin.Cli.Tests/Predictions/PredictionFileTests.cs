using System.Text;
using Raijin.App;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Cli.Tests;

public sealed class PredictionFileTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Json_lines_nest_as_the_answers_do() =>
        Assert.Equal("[[0,1],[2,3]]\n[[4,5],[6,7]]\n[[8,9],[10,11]]\n", Written("a.jsonl", arange(8).reshape(2, 2, 2), arange(8, 12).reshape(1, 2, 2)));

    [Fact]
    public void Json_has_no_number_for_nan() => Assert.Equal("0.1\nnull\n", Written("a.jsonl", tensor(new[] { 0.1f, float.NaN })));

    [Fact]
    public void A_table_has_a_column_for_each_place() =>
        Assert.Equal("0.0,0.1,1.0,1.1\n0.5,1.5,2.5,3.5\n", Written("a.csv", (arange(4).to(ScalarType.Float32) + 0.5f).reshape(1, 2, 2)));

    [Fact]
    public void One_answer_a_sample_is_one_column() => Assert.Equal("prediction\n3\n1\n", Written("a.csv", tensor(new[] { 3L, 1L })));

    [Fact]
    public void An_array_is_what_numpy_reads()
    {
        Write("a.npy", arange(6, ScalarType.Float32).reshape(2, 3), arange(6, 9, ScalarType.Float32).reshape(1, 3));
        var bytes = File.ReadAllBytes(_folder["a.npy"]);
        Assert.Equal("\u0093NUMPY\u0001\u0000", Encoding.Latin1.GetString(bytes, 0, 8));
        var header = BitConverter.ToUInt16(bytes, 8);
        Assert.Equal(0, (10 + header) % 64); // the format's alignment
        var text = Encoding.ASCII.GetString(bytes, 10, header);
        Assert.StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3, ), }", text, StringComparison.Ordinal);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, 9).Select(i => (float)i), Enumerable.Range(0, 9).Select(i => BitConverter.ToSingle(bytes, 10 + header + 4 * i)));
    }

    [Fact]
    public void Answers_of_another_shape_do_not_fit_one_array() =>
        Assert.Contains("Write .jsonl instead", Assert.Throws<InvalidOperationException>(() => Write("a.npy", arange(2).reshape(1, 2), arange(3).reshape(1, 3))).Message, StringComparison.Ordinal);

    [Fact]
    public void What_was_not_committed_leaves_nothing()
    {
        using var scope = TensorScope.Open();
        using (var file = PredictionFile.Create(_folder["a.csv"])) file.Add(arange(3));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    string Written(string name, params Tensor[] batches)
    {
        Write(name, batches);
        return File.ReadAllText(_folder[name]);
    }

    void Write(string name, params Tensor[] batches)
    {
        using var file = PredictionFile.Create(_folder[name]);
        foreach (var batch in batches)
        {
            file.Add(batch);
            batch.Dispose();
        }
        file.Commit();
    }
}
