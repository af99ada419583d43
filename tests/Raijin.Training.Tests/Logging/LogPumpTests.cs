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

    [Fact]
    public void A_flush_returns_when_local_loggers_have_written_everything_and_does_not_wait_for_the_others()
    {
        var local = new GatedLogger(isLocal: true);
        var remote = new GatedLogger(isLocal: false);
        using var pump = new LogPump([local, remote], "folder", 0, new ListLogger());
        local.Gate.Set();
        for (var i = 1; i <= 100; i++)
        {
            pump.Post(Record(i));
            if (i % 10 != 0) continue;
            pump.Flush();
            Assert.Equal(i, local.Flushed);
        }
        Assert.Equal(0, remote.Flushed);
        remote.Gate.Set();
    }

    [Fact]
    public void A_logger_too_far_behind_loses_the_newest_records_which_is_said_once_and_counted()
    {
        var slow = new GatedLogger(isLocal: false);
        var messages = new ListLogger();
        using (var pump = new LogPump([slow], "folder", 0, messages))
        {
            for (var i = 0; i < 5000; i++) pump.Post(Record(i));
            slow.Gate.Set();
        }
        // The first record may have left the queue before it was full.
        Assert.InRange(slow.Written, 4096, 4097);
        Assert.Equal(2, messages.Messages.Count);
        Assert.Contains("GatedLogger cannot keep up", messages.Messages[0], StringComparison.Ordinal);
        Assert.Contains($"{5000 - slow.Written} log records were dropped because GatedLogger could not keep up", messages.Messages[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Images_in_waiting_are_bounded_by_their_bytes()
    {
        var slow = new GatedLogger(isLocal: false);
        var pixels = new byte[50 << 20];
        using (var pump = new LogPump([slow], "folder", 0, new ListLogger()))
        {
            for (var i = 0; i < 20; i++)
                pump.Post(new LogRecord(LogScope.Step, i, 0, TimeSpan.Zero, []) { Items = [new ImagesItem("a", new Raijin.Charts.ImageGrid(pixels, 1, 1, 50, 1 << 20))] });
            slow.Gate.Set();
        }
        Assert.InRange(slow.Written, 5, 6);
    }

    [Fact]
    public void A_logger_is_told_how_the_run_ended_and_only_gets_what_it_shows()
    {
        var numbers = new MemoryLogger();
        var outcome = new RunOutcome(RunStatus.Failed, "it broke", new Dictionary<string, double> { ["a"] = 1 });
        using (var pump = new LogPump([numbers], "folder", 0, new ListLogger()) { Outcome = outcome })
        {
            Assert.False(pump.Accepts(LogKind.Text));
            pump.Post(new LogRecord(LogScope.Step, 1, 0, TimeSpan.Zero, []) { Items = [new TextItem("note", "text")] });
            pump.Post(Record(2));
        }
        Assert.Equal([2], numbers.Records.Select(r => r.Step));
        Assert.Same(outcome, numbers.Outcome);
    }

    [Fact]
    public void A_disk_that_is_full_is_reported_once_for_each_logger_and_the_run_goes_on()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs /dev/full");
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(32);
        using var model = new SmallClassifier();
        var messages = new ListLogger();
        // A file that is a way to /dev/full takes nothing.
        File.CreateSymbolicLink(folder["full.csv"], "/dev/full");
        File.CreateSymbolicLink(folder["full.jsonl"], "/dev/full");
        var options = Fixture.Quiet(folder.Path) with { MaxEpochs = 3, Log = Every.Steps(1), Logger = messages, Loggers = [new DeviceLogger(folder["full.csv"]), new DeviceLogger(folder["full.jsonl"]), new CsvLogger()], Callbacks = [new ModelCheckpoint { Save = Every.Steps(2) }] };

        var result = new Trainer(options).Fit(model, new DataLoaders<LabeledBatch>(set.Batches(8)), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(12, result.Steps);
        Assert.Equal(2, messages.Messages.Count(m => m.Contains("DeviceLogger failed and is switched off; training goes on. No space left on device", StringComparison.Ordinal)));
        Assert.Equal(1 + 12 + 3, File.ReadAllLines(folder["metrics.csv"]).Length);
    }

    /// <summary>Writes through a path as the file loggers do.</summary>
    sealed class DeviceLogger(string path) : RunLogger
    {
        FileStream? _stream;

        public override bool IsLocal => true;

        public override void Open(string directory, long fromStep) => _stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);

        public override void Write(LogRecord record) => _stream!.Write(new byte[100]);

        public override void Flush() => _stream!.Flush();

        public override void Close() => _stream!.Dispose();
    }

    /// <summary>Writes nothing until its gate is opened.</summary>
    sealed class GatedLogger(bool isLocal) : RunLogger
    {
        long _last;

        public ManualResetEventSlim Gate { get; } = new(false);

        public long Flushed { get; private set; }

        public int Written { get; private set; }

        public override bool IsLocal => isLocal;

        public override bool Accepts(LogKind kind) => true;

        public override void Open(string directory, long fromStep) { }

        public override void Write(LogRecord record)
        {
            Gate.Wait();
            _last = record.Step;
            Written++;
        }

        public override void Flush() => Flushed = _last;

        public override void Close() => Gate.Dispose();
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

    public RunOutcome? Outcome { get; private set; }

    public override void Finish(RunOutcome outcome) => Outcome = outcome;

    public override void Open(string directory, long fromStep) => Opened = (directory, fromStep);

    public override void Write(LogRecord record)
    {
        Threads.Add(Environment.CurrentManagedThreadId);
        Records.Add(record);
    }

    public override void Close() => IsClosed = true;
}
