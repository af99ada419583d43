using Raijin.Testing;

namespace Raijin.Training.Tests.Logging;

public sealed class CsvLoggerTests
{
    static LogRecord Record(LogScope scope, long step, params (string Key, double Value)[] values) =>
        new(scope, step, 0, TimeSpan.FromSeconds(0.5 * step), [.. values.Select(v => KeyValuePair.Create(v.Key, v.Value))]);

    static string Write(string folder, params LogRecord[] records)
    {
        var logger = new CsvLogger();
        logger.Open(folder, 0);
        foreach (var record in records) logger.Write(record);
        logger.Close();
        return File.ReadAllText(Path.Combine(folder, "metrics.csv"));
    }

    [Fact]
    public void Columns_follow_the_order_of_first_logging_and_a_late_one_widens_every_row()
    {
        using var folder = new TemporaryFolder();
        var text = Write(folder.Path,
            Record(LogScope.Step, 1, ("train/loss", 0.5), ("lr", 1e-3)),
            Record(LogScope.Step, 2, ("train/loss", 0.25)),
            Record(LogScope.Epoch, 2, ("val/accuracy", 1)));
        Assert.Equal("""
            scope,step,epoch,seconds,train/loss,lr,val/accuracy
            step,1,0,0.500000,0.5,0.001,
            step,2,0,1.000000,0.25,,
            epoch,2,0,1.000000,,,1

            """, text);
    }

    [Fact]
    public void What_is_not_a_number_is_written_by_its_name()
    {
        using var folder = new TemporaryFolder();
        var text = Write(folder.Path, Record(LogScope.Step, 1, ("a", double.NaN), ("b", double.PositiveInfinity), ("c", double.NegativeInfinity)));
        Assert.EndsWith("NaN,Infinity,-Infinity\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_with_a_comma_a_quote_and_a_line_break_is_one_quoted_field()
    {
        using var folder = new TemporaryFolder();
        var text = Write(folder.Path, Record(LogScope.Step, 1, ("a,\"b\"\nc", 1)));
        Assert.StartsWith("scope,step,epoch,seconds,\"a,\"\"b\"\"\nc\"\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_of_two_values_under_one_key_is_written()
    {
        using var folder = new TemporaryFolder();
        Assert.EndsWith(",2\n", Write(folder.Path, Record(LogScope.Step, 1, ("a", 1), ("a", 2))), StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_that_only_dropped_records_had_are_dropped_with_them()
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, Record(LogScope.Step, 1, ("a", 1)), Record(LogScope.Step, 2, ("b", 2)));
        var logger = new CsvLogger();
        logger.Open(folder.Path, 1);
        logger.Close();
        Assert.Equal("scope,step,epoch,seconds,a\nstep,1,0,0.500000,1\n", File.ReadAllText(logger.Location!));
    }

    [Fact]
    public void A_file_of_another_program_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["metrics.csv"], "name,age\nAda,36\n");
        var error = Assert.Throws<InvalidDataException>(() => new CsvLogger().Open(folder.Path, 0));
        Assert.Contains("another file name", error.Message, StringComparison.Ordinal);
        Assert.Equal("name,age\nAda,36\n", File.ReadAllText(folder["metrics.csv"]));
    }
}
