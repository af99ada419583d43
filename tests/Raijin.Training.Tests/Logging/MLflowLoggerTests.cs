using Raijin.Charts;
using Raijin.Testing;

namespace Raijin.Training.Tests.Logging;

public sealed class MLflowLoggerTests
{
    static readonly TimeSpan Short = TimeSpan.FromMilliseconds(5);

    static LogRecord Record(long step, params (string Key, double Value)[] values) =>
        new(LogScope.Step, step, 0, TimeSpan.Zero, [.. values.Select(v => KeyValuePair.Create(v.Key, v.Value))]);

    static void Run(MLflowServer server, string folder, long fromStep, ListLogger messages, IEnumerable<LogRecord> records, RunDescription? run = null, string? token = null, RunStatus status = RunStatus.Finished)
    {
        using var pump = new LogPump([new MLflowLogger(server.Address, "digits", token) { FirstWait = Short }], folder, fromStep, messages, run);
        foreach (var record in records) pump.Post(record);
        pump.Outcome = new RunOutcome(status, "why", new Dictionary<string, double>());
    }

    [Fact]
    public void A_run_arrives_with_its_parameters_values_and_status()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer().Start();
        var messages = new ListLogger();
        Run(server, folder.Path, 0, messages, [Record(1, ("train/loss", 0.5), ("odd,key", double.NaN)), Record(2, ("train/loss", double.PositiveInfinity))],
            new RunDescription("seven", new { MaxEpochs = 3, Note = new string('x', 600) }));

        var run = Assert.Single(server.Runs).Value;
        Assert.Equal([("train/loss", 0.5, 1), ("odd_key", double.NaN, 1), ("train/loss", double.PositiveInfinity, 2)], run.Metrics);
        Assert.Equal(("3", 500), (run.Parameters["trainer.maxEpochs"], run.Parameters["trainer.note"].Length));
        Assert.Equal(("FINISHED", "seven", "why"), (run.Status, run.Tags["mlflow.runName"], run.Tags["raijin.ended"]));
        Assert.Empty(messages.Messages);
        Assert.Empty(server.Artifacts);
    }

    [Fact]
    public void Many_values_go_in_batches_the_server_takes()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer().Start();
        var messages = new ListLogger();
        Run(server, folder.Path, 0, messages, Enumerable.Range(0, 1200).Select(i => Record(i, ("a", i), ("b", -i))),
            new RunDescription("r", Enumerable.Range(0, 250).ToDictionary(i => $"p{i}", i => i)));
        var run = Assert.Single(server.Runs).Value;
        Assert.Equal(Enumerable.Range(0, 1200).Select(i => (double)i), run.Metrics.Where(m => m.Key == "a").Select(m => m.Value));
        Assert.Equal(250, run.Parameters.Count);
        Assert.Empty(messages.Messages);
    }

    [Fact]
    public void A_resumed_run_continues_the_same_mlflow_run()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer().Start();
        Run(server, folder.Path, 0, new(), [Record(1, ("a", 1))], status: RunStatus.Interrupted);
        Assert.Equal("KILLED", server.Runs.Single().Value.Status);
        Run(server, folder.Path, 1, new(), [Record(2, ("a", 2))]);
        var run = Assert.Single(server.Runs).Value;
        Assert.Equal([1, 2], run.Metrics.Select(m => m.Step));
        Assert.Equal("FINISHED", run.Status);
    }

    [Fact]
    public void Charts_images_and_text_are_artifacts_where_the_server_takes_them()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer { StoresArtifacts = true }.Start();
        var figure = new FigureItem("val/confusion", new LineChart(), 200, 100);
        var images = new ImagesItem("samples", new ImageGrid(new byte[4], 1, 1, 2, 2));
        Run(server, folder.Path, 0, new(), [new LogRecord(LogScope.Epoch, 20, 0, TimeSpan.Zero, []) { Items = [figure, images, new TextItem("note", "µ")] }], new RunDescription("r", layers: "Net"));
        Assert.Equal(figure.Png, server.Artifacts["1/run0/artifacts/val/confusion/step-00000020.png"]);
        Assert.Equal(images.Png, server.Artifacts["1/run0/artifacts/samples/step-00000020.png"]);
        Assert.Equal("µ"u8.ToArray(), server.Artifacts["1/run0/artifacts/note/step-00000020.md"]);
        Assert.Equal("Net"u8.ToArray(), server.Artifacts["1/run0/artifacts/module.txt"]);
    }

    [Fact]
    public void A_server_that_fails_for_a_while_loses_nothing_and_is_reported_once()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer { Failures = 4 }.Start();
        var messages = new ListLogger();
        Run(server, folder.Path, 0, messages, Enumerable.Range(0, 50).Select(i => Record(i, ("a", i))));
        Assert.Equal(50, server.Runs.Single().Value.Metrics.Count);
        Assert.Equal(2, messages.Messages.Count);
        Assert.Contains("does not work: it answered 503 ServiceUnavailable", messages.Messages[0], StringComparison.Ordinal);
        Assert.Contains("answers again", messages.Messages[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_restarts_in_the_middle_of_a_run_has_all_of_it_in_the_end()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer().Start();
        var messages = new ListLogger();
        using (var pump = new LogPump([new MLflowLogger(server.Address) { FirstWait = Short }], folder.Path, 0, messages))
        {
            pump.Post(Record(1, ("a", 1)));
            Assert.True(SpinWait.SpinUntil(() => server.Runs.Values.Any(r => r.Metrics.Count > 0), TimeSpan.FromSeconds(20)));
            server.Stop();
            pump.Post(Record(2, ("a", 2)));
            Assert.True(SpinWait.SpinUntil(() => messages.Messages.Count > 0, TimeSpan.FromSeconds(20)));
            server.Start();
        }
        Assert.Equal([1, 2], server.Runs.Single().Value.Metrics.Select(m => m.Step));
        Assert.Contains("answers again", messages.Messages[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_dead_server_holds_up_neither_the_training_nor_the_files_and_the_end_has_a_deadline()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer();
        var messages = new ListLogger();
        var memory = new MemoryLogger();
        var start = TimeProvider.System.GetTimestamp();
        using (var pump = new LogPump([new MLflowLogger(server.Address) { FirstWait = Short }, memory], folder.Path, 0, messages, closeDeadline: TimeSpan.FromMilliseconds(200)))
            for (var i = 0; i < 5000; i++) pump.Post(Record(i, ("a", i)));
        Assert.True(memory.IsClosed);
        Assert.Contains(messages.Messages, m => m.Contains("It is tried again until it does; training goes on.", StringComparison.Ordinal));
        Assert.Contains(messages.Messages, m => m.Contains("MLflowLogger did not finish", StringComparison.Ordinal));
        Assert.Contains(messages.Messages, m => m.Contains("dropped because MLflowLogger", StringComparison.Ordinal));
        Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_hanging_server_does_not_delay_the_others()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer().Start();
        server.Answers.Reset();
        var memory = new MemoryLogger();
        using (var pump = new LogPump([new MLflowLogger(server.Address), memory], folder.Path, 0, new ListLogger(), closeDeadline: TimeSpan.FromMilliseconds(200)))
        {
            pump.Post(Record(1, ("a", 1)));
            Assert.True(SpinWait.SpinUntil(() => memory.Records.Count == 1, TimeSpan.FromSeconds(20)));
            Assert.Empty(server.Runs);
        }
        Assert.True(memory.IsClosed);
    }

    [Fact]
    public void A_wrong_token_is_an_error_that_does_not_show_it()
    {
        using var folder = new TemporaryFolder();
        using var server = new MLflowServer { Token = "right" }.Start();
        var messages = new ListLogger();
        Run(server, folder.Path, 0, messages, [Record(1, ("a", 1))], token: "secret-but-wrong");
        var message = Assert.Single(messages.Messages);
        Assert.Contains("MLflowLogger failed and is switched off", message, StringComparison.Ordinal);
        Assert.Contains("the token is missing, wrong or not allowed", message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);

        Run(server, folder.Path, 0, new(), [Record(1, ("a", 1))], token: "right");
        Assert.Single(server.Runs);
    }

    [Fact]
    public void What_is_no_server_s_address_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new MLflowLogger(new Uri("file:///tmp/mlruns")));
        Assert.Contains("http://localhost:5000", error.Message, StringComparison.Ordinal);
    }
}
