using CsCheck;
using Raijin.Testing;

namespace Raijin.Training.Tests.Logging;

public sealed class LogFileTests
{
    public static TheoryData<string> Formats => ["csv", "jsonl"];

    static RunLogger Make(string format) => format == "csv" ? new CsvLogger() : new JsonLinesLogger();

    [Theory, MemberData(nameof(Formats))]
    public void Whatever_was_written_is_read_back(string format)
    {
        var key = Gen.OneOf("train/loss", "odd,\"key\"", "two\nlines", "µ");
        var value = Gen.OneOf(Gen.Double, Gen.OneOf(double.NaN, double.PositiveInfinity, -0.0));
        Gen.Select(Gen.Bool, Gen.Select(key, value).Array[1, 4]).Array[1, 10].Sample(records =>
        {
            using var folder = new TemporaryFolder();
            var logger = Make(format);
            logger.Open(folder.Path, 0);
            var written = records.Select((r, i) => new LogRecord(r.Item1 ? LogScope.Step : LogScope.Epoch, i, i / 3, TimeSpan.FromSeconds(i / 4.0), [.. r.Item2.DistinctBy(v => v.Item1).Select(v => KeyValuePair.Create(v.Item1, v.Item2))])).ToList();
            foreach (var record in written) logger.Write(record);
            logger.Flush();
            var read = LogFile.Read(LogFile.Find(folder.Path)!).ToList();
            logger.Close();
            Assert.Equal(written.Select(r => (r.Scope, r.Step, r.Epoch, r.Elapsed)), read.Select(r => (r.Scope, r.Step, r.Epoch, r.Elapsed)));
            foreach (var (expected, actual) in written.Zip(read))
                Assert.Equal(expected.Values.OrderBy(v => v.Key, StringComparer.Ordinal), actual.Values.OrderBy(v => v.Key, StringComparer.Ordinal));
        }, iter: 100);
    }

    [Theory]
    [InlineData("metrics.csv", "scope,step,epoch,seconds,a\nstep,1,0,0.5,1\nstep,x,0,0.5,1\n", "line 3")]
    [InlineData("metrics.csv", "name,age\n", "does not begin with scope,step,epoch,seconds")]
    [InlineData("metrics.jsonl", "{\"scope\":\"step\",\"step\":1,\"epoch\":0,\"seconds\":1}\n{\"step\":\n", "line 2")]
    public void A_damaged_line_is_named(string name, string content, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder[name], content);
        var error = Assert.Throws<InvalidDataException>(() => LogFile.Read(folder[name]).ToList());
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_without_its_end_is_not_there_yet()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["metrics.csv"], "scope,step,epoch,seconds,a\nstep,1,0,0.5,1\nstep,2,0,0.5,1");
        Assert.Equal([1], LogFile.Read(folder["metrics.csv"]).Select(r => r.Step));
        File.WriteAllText(folder["metrics.csv"], "");
        Assert.Empty(LogFile.Read(folder["metrics.csv"]));
        Assert.Null(LogFile.Find(folder["nowhere"]));
    }
}
