using Raijin.Testing;

namespace Raijin.Training.Tests.Logging;

public sealed class LogPumpTests
{
    static LogRecord Record(long step) => new(LogScope.Step, step, 0, TimeSpan.Zero, [new("a", step)]);

    [Fact]
    public void Every_record_arrives_in_order_on_one_thread_that_is_not_the_posting_one()
    {
        var logger = new MemoryLogger();
        using (var pump = new LogPump([logger], "folder", 7, new ListLogger()))
            for (var i = 0; i < 1000; i++) pump.Post(Record(i));

        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (long)i), logger.Records.Select(r => r.Step));
        Assert.Equal(("folder", 7), logger.Opened);
        Assert.True(logger.IsClosed);
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, logger.Threads);
        Assert.Single(logger.Threads);
    }

    [Theory]
    [InlineData("open")]
    [InlineData("write")]
    [InlineData("flush")]
    public void A_logger_whose_disk_is_full_is_reported_once_and_the_others_go_on(string when)
    {
        var good = new MemoryLogger();
        var bad = new FullDisk(when);
        var messages = new ListLogger();
        using (var pump = new LogPump([bad, good], "folder", 0, messages))
            for (var i = 0; i < 100; i++) pump.Post(Record(i));

        Assert.Equal(100, good.Records.Count);
        var message = Assert.Single(messages.Messages);
        Assert.Contains("FullDisk failed and is switched off; training goes on. No space left on device", message, StringComparison.Ordinal);
        Assert.Equal(1, bad.Failures);
    }

    [Fact]
    public void A_run_whose_logger_fails_trains_to_its_end()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(32);
        using var model = new SmallClassifier();
        var good = new MemoryLogger();
        var messages = new ListLogger();
        var options = Fixture.Quiet(folder.Path) with { MaxEpochs = 2, Checkpoints = false, Log = Every.Steps(1), Logger = messages, Loggers = [new FullDisk("write"), good] };

        var result = new Trainer(options).Fit(model, new DataLoaders<LabeledBatch>(set.Batches(8)), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(8, result.Steps);
        Assert.Equal(8, good.Records.Count(r => r.Scope == LogScope.Step));
        Assert.Single(messages.Messages, m => m.Contains("FullDisk", StringComparison.Ordinal));
    }

    sealed class FullDisk(string when) : RunLogger
    {
        public int Failures { get; private set; }

        public override void Open(string directory, long fromStep) => FailIf("open");

        public override void Write(LogRecord record) => FailIf("write");

        public override void Flush() => FailIf("flush");

        public override void Close() { }

        void FailIf(string call)
        {
            if (call != when) return;
            Failures++;
            throw new IOException("No space left on device");
        }
    }
}

/// <summary>Keeps records for a test to look at.</summary>
sealed class MemoryLogger : RunLogger
{
    public List<LogRecord> Records { get; } = [];

    public HashSet<int> Threads { get; } = [];

    public (string Directory, long FromStep) Opened { get; private set; }

    public bool IsClosed { get; private set; }

    public override void Open(string directory, long fromStep) => Opened = (directory, fromStep);

    public override void Write(LogRecord record)
    {
        Threads.Add(Environment.CurrentManagedThreadId);
        Records.Add(record);
    }

    public override void Close() => IsClosed = true;
}
