using Raijin.Testing;

namespace Raijin.Training.Tests.Logging;

public sealed class JsonLinesLoggerTests
{
    [Fact]
    public void A_record_is_one_object_and_what_json_has_no_number_for_is_a_string()
    {
        using var folder = new TemporaryFolder();
        var logger = new JsonLinesLogger("log.jsonl");
        logger.Open(folder.Path, 0);
        logger.Write(new(LogScope.Step, 50, 1, TimeSpan.FromSeconds(1.25), [new("train/loss", 0.1), new("a", double.NaN), new("b", double.NegativeInfinity), new("train/loss", 0.2)]));
        logger.Write(new(LogScope.Epoch, 60, 1, TimeSpan.FromSeconds(2), [new("val/accuracy", double.PositiveInfinity)]));
        logger.Close();

        Assert.Equal(folder["log.jsonl"], logger.Location);
        Assert.Equal("""
            {"scope":"step","step":50,"epoch":1,"seconds":1.250000,"train/loss":0.2,"a":"NaN","b":"-Infinity"}
            {"scope":"epoch","step":60,"epoch":1,"seconds":2.000000,"val/accuracy":"Infinity"}

            """, File.ReadAllText(logger.Location!));
    }
}
