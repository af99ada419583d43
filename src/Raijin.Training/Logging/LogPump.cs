using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Raijin;

/// <summary>Carries records from the training thread to the loggers on a thread of its own. The training thread never waits: when loggers fall behind by more than the queue holds, records are dropped and counted.</summary>
sealed class LogPump : IDisposable
{
    const int Capacity = 4096;
    static readonly TimeSpan CloseDeadline = TimeSpan.FromSeconds(30);

    readonly Channel<LogRecord> _queue = Channel.CreateBounded<LogRecord>(new BoundedChannelOptions(Capacity) { SingleReader = true, SingleWriter = true });
    readonly List<RunLogger> _loggers;
    readonly ILogger _messages;
    readonly Thread _thread;
    readonly string _directory;
    readonly long _fromStep;
    long _dropped;

    public LogPump(IEnumerable<RunLogger> loggers, string directory, long fromStep, ILogger messages)
    {
        _loggers = [.. loggers];
        _messages = messages;
        _directory = directory;
        _fromStep = fromStep;
        _thread = new Thread(Run) { IsBackground = true, Name = "raijin-log" };
        _thread.Start();
    }

    public void Post(LogRecord record)
    {
        if (!_queue.Writer.TryWrite(record)) _dropped++;
    }

    public void Dispose()
    {
        _queue.Writer.Complete();
        if (!_thread.Join(CloseDeadline))
            _messages.LogWarning("The loggers did not finish within {Seconds} s after the run; what they still had to write is lost.", CloseDeadline.TotalSeconds);
        if (_dropped > 0) _messages.LogWarning("{Dropped} log records were dropped because the loggers could not keep up.", _dropped);
    }

    void Run()
    {
        ForEach(logger => logger.Open(_directory, _fromStep));
        var reader = _queue.Reader;
        while (reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (reader.TryRead(out var record)) ForEach(logger => logger.Write(record));
            ForEach(logger => logger.Flush());
        }
        ForEach(logger => logger.Close());
    }

    [SuppressMessage("Design", "CA1031", Justification = "A logger is user code at the border of the run: whatever it throws ends that logger, is reported once, and never the training.")]
    void ForEach(Action<RunLogger> action)
    {
        for (var i = _loggers.Count - 1; i >= 0; i--)
        {
            try
            {
                action(_loggers[i]);
            }
            catch (Exception error)
            {
                _messages.LogError(error, "{Logger} failed and is switched off; training goes on. {Message}", _loggers[i].Name, error.Message);
                _loggers.RemoveAt(i);
            }
        }
    }
}
