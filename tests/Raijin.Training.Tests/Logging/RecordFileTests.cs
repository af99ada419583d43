using System.Globalization;
using CsCheck;
using Raijin.Testing;

namespace Raijin.Training.Tests.Logging;

/// <summary>What the loggers that write files promise alike.</summary>
public sealed class RecordFileTests
{
    public static TheoryData<string> Formats => ["csv", "jsonl"];

    static RunLogger Make(string format) => format == "csv" ? new CsvLogger() : new JsonLinesLogger();

    static LogRecord Record(long step, params (string Key, double Value)[] values) =>
        new(LogScope.Step, step, step / 10, TimeSpan.FromSeconds(step / 8.0), [.. values.Select(v => KeyValuePair.Create(v.Key, v.Value))]);

    static string WriteAll(RunLogger logger, string folder, long fromStep, IEnumerable<LogRecord> records)
    {
        logger.Open(folder, fromStep);
        foreach (var record in records) logger.Write(record);
        logger.Flush();
        logger.Close();
        return File.ReadAllText(logger.Location!);
    }

    /// <summary>Whatever was written after the checkpoint, and wherever the process died within a line, the resumed file is the uninterrupted one.</summary>
    [Theory, MemberData(nameof(Formats))]
    public void A_resumed_file_is_the_one_of_a_run_that_was_never_interrupted(string format)
    {
        var key = Gen.OneOf("train/loss", "val/accuracy", "lr/no decay", "odd,\"key\"", "two\nlines", "µ");
        var value = Gen.OneOf(Gen.Double, Gen.OneOf(double.NaN, double.PositiveInfinity, double.NegativeInfinity, -0.0, double.Epsilon));
        var values = Gen.Select(key, value).Array[1, 4];
        var run =
            from records in values.Array[1, 12]
            from checkpoint in Gen.Int[0, records.Length]
            from died in Gen.Int[checkpoint, records.Length]
            from cut in Gen.Int[0, 30]
            select (records, checkpoint, died, cut);

        run.Sample(r =>
        {
            var records = r.records.Select((v, i) => Record(i + 1, v)).ToList();
            using var straight = new TemporaryFolder();
            using var resumed = new TemporaryFolder();
            var expected = WriteAll(Make(format), straight.Path, 0, records);

            var logger = Make(format);
            WriteAll(logger, resumed.Path, 0, records.Take(r.died));
            if (r.died > r.checkpoint)
            {
                // The record after the checkpoint may be half on the disk; all up to it is whole.
                var bytes = File.ReadAllBytes(logger.Location!);
                var lastLine = bytes.Length - 1 - bytes.AsSpan(0, bytes.Length - 1).LastIndexOf((byte)'\n');
                File.WriteAllBytes(logger.Location!, bytes[..^Math.Min(r.cut, lastLine - 1)]);
            }
            var actual = WriteAll(Make(format), resumed.Path, r.checkpoint, records.Skip(r.checkpoint));
            Assert.Equal(expected, actual);
        }, iter: 300);
    }

    [Theory, MemberData(nameof(Formats))]
    public void Nothing_but_the_file_is_left_in_the_folder(string format)
    {
        using var folder = new TemporaryFolder();
        WriteAll(Make(format), folder.Path, 0, [Record(1, ("a", 1)), Record(2, ("b", 2))]);
        Assert.Equal([$"metrics.{format}"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Theory, MemberData(nameof(Formats))]
    public void Records_of_the_checkpoints_own_step_stay(string format)
    {
        using var folder = new TemporaryFolder();
        var before = WriteAll(Make(format), folder.Path, 0, [Record(5, ("a", 1)), Record(5, ("a", 2))]);
        Assert.Equal(before, WriteAll(Make(format), folder.Path, 5, []));
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_line_nobody_here_wrote_is_refused_by_name_and_left_alone(string format)
    {
        using var folder = new TemporaryFolder();
        WriteAll(Make(format), folder.Path, 0, [Record(1, ("a", 1)), Record(2, ("a", 2))]);
        var path = folder[$"metrics.{format}"];
        File.AppendAllText(path, "a note of mine\n");
        var content = File.ReadAllText(path);

        var error = Assert.Throws<InvalidDataException>(() => Make(format).Open(folder.Path, 1));

        Assert.Contains("a note of mine", error.Message, StringComparison.Ordinal);
        Assert.Contains($"line {content.Count(c => c == '\n')}", error.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_key_that_would_hide_a_column_of_the_record_is_refused(string format)
    {
        using var folder = new TemporaryFolder();
        var logger = Make(format);
        logger.Open(folder.Path, 0);
        var error = Assert.Throws<InvalidOperationException>(() => logger.Write(Record(1, ("epoch", 3))));
        logger.Close();
        Assert.Contains("train/epoch", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_folder_that_is_not_there_fails_at_the_start(string format)
    {
        using var folder = new TemporaryFolder();
        Assert.ThrowsAny<IOException>(() => Make(format).Open(folder["missing"], 0));
    }

    [Fact]
    public void Any_number_of_a_csv_file_reads_back_to_the_same_bits() => Gen.Double.Sample(value =>
    {
        using var folder = new TemporaryFolder();
        var text = WriteAll(new CsvLogger(), folder.Path, 0, [Record(1, ("x", value))]);
        var field = text.Split('\n')[1].Split(',')[^1];
        Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(double.Parse(field, CultureInfo.InvariantCulture)));
    }, iter: 200);
}
