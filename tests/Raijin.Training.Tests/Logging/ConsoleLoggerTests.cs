using Spectre.Console;

namespace Raijin.Training.Tests.Logging;

public sealed class ConsoleLoggerTests
{
    [Fact]
    public void A_record_is_one_line_with_nothing_wrapped()
    {
        using var written = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(written) });
        console.Profile.Width = 20;
        var logger = new ConsoleLogger(console);
        logger.Open("folder", 0);
        logger.Write(new(LogScope.Step, 50, 1, TimeSpan.Zero, [new("train/loss", 0.123456789), new("lr [rate]", 1e-3), new("a", double.NaN)]));
        logger.Write(new(LogScope.Epoch, 60, 1, TimeSpan.Zero, []) { Items = [new TextItem("note", "look")] });
        logger.Finish(new RunOutcome(RunStatus.Interrupted, "interrupted (Ctrl-C)", new Dictionary<string, double>()));
        logger.Close();
        Assert.Equal("""
            step 50  epoch 1  train/loss 0.12346  lr [rate] 0.001  a NaN
            step 60  note: look
            interrupted: interrupted (Ctrl-C)

            """, written.ToString());
    }
}
