// One logger and its thread. The training thread only enqueues: it wakes the logger when that one waits for its first record, and not while it gathers or
// writes, so that logging every step costs a system call ten times a second and not at every step.

using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Raijin.Training;

/// <summary>Carries records to one logger, in order, on a thread of its own.</summary>
sealed class LogLane : IDisposable
{
    const int Capacity = 4096;
    const long MaxItemBytes = 256 << 20;

    readonly RunLogger _logger;
    readonly LogSession _session;
    readonly string _directory;
    readonly long _fromStep;
    readonly int _accepted;
    readonly ConcurrentQueue<LogRecord> _queue = new();
    readonly AutoResetEvent _wake = new(false);
    readonly Lock _flushing = new();
    readonly ManualResetEventSlim _flushed = new(false);
    readonly Thread _thread;
    RunOutcome? _outcome;
    long _posted;
    long _written;
    long _waiting;
    long _waitingBytes;
    volatile bool _isIdle;
    volatile bool _isHurried;
    volatile bool _isClosing;
    volatile bool _isOff;

    public LogLane(RunLogger logger, LogSession session, string directory, long fromStep)
    {
        (_logger, _session, _directory, _fromStep) = (logger, session, directory, fromStep);
        foreach (var kind in Enum.GetValues<LogKind>())
            if (logger.Accepts(kind)) _accepted |= 1 << (int)kind;
        _thread = new Thread(Run) { IsBackground = true, Name = $"raijin-log-{logger.Name}" };
        _thread.Start();
    }

    public string Name => _logger.Name;

    public bool IsLocal => _logger.IsLocal;

    /// <summary>Records that were not taken because the logger was too far behind.</summary>
    public long Dropped { get; private set; }

    public bool Accepts(LogKind kind) => (_accepted >> (int)kind & 1) != 0;

    /// <summary>Hands a record over. Never waits.</summary>
    public void Post(LogRecord record)
    {
        if (_isOff || !IsWanted(record)) return;
        var bytes = BytesOf(record);
        if (Volatile.Read(ref _waiting) >= Capacity || bytes > 0 && Volatile.Read(ref _waitingBytes) + bytes > MaxItemBytes)
        {
            if (Dropped++ == 0) _session.Messages.LogWarning("{Logger} cannot keep up: records are being dropped for it. Training goes on.", Name);
            return;
        }
        Interlocked.Increment(ref _waiting);
        if (bytes > 0) Interlocked.Add(ref _waitingBytes, bytes);
        _queue.Enqueue(record);
        Volatile.Write(ref _posted, _posted + 1);
        // Either the logger sees the record before it sleeps, or this sees that it sleeps.
        Interlocked.MemoryBarrier();
        if (_isIdle) _wake.Set();
    }

    /// <summary>Asks for everything posted so far to be written now.</summary>
    public void Hurry()
    {
        _isHurried = true;
        _wake.Set();
    }

    /// <summary>Waits until everything posted so far is written.</summary>
    /// <returns>False when <paramref name="patience"/> was too short.</returns>
    public bool WaitUntilWritten(TimeSpan patience)
    {
        var start = _session.Time.GetTimestamp();
        while (!_isOff && Volatile.Read(ref _written) < Volatile.Read(ref _posted))
        {
            lock (_flushing) _flushed.Reset();
            if (_isOff || Volatile.Read(ref _written) >= Volatile.Read(ref _posted)) return true;
            var left = patience - _session.Time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero) return false;
            Hurry();
            _flushed.Wait(left);
        }
        return true;
    }

    /// <summary>Nothing more comes: the logger writes what waits, and closes.</summary>
    public void Complete(RunOutcome outcome)
    {
        _outcome = outcome;
        _isClosing = true;
        _wake.Set();
    }

    /// <summary>Waits for the logger to have closed.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience > TimeSpan.Zero ? patience : TimeSpan.Zero);

    /// <summary>Lets go of what the lane holds; called when its thread has ended.</summary>
    public void Dispose()
    {
        _wake.Dispose();
        _flushed.Dispose();
    }

    [SuppressMessage("Design", "CA1031", Justification = "A logger is user code at the border of the run: whatever it throws ends that logger, is reported once, and never the training.")]
    void Run()
    {
        try
        {
            _logger.Attach(_session);
            _logger.Open(_directory, _fromStep);
            while (WriteWhatWaits()) WaitForMore();
            _logger.Finish(_outcome!);
            _logger.Close();
        }
        catch (OperationCanceledException) when (_session.GivingUp.IsCancellationRequested)
        {
            // The run did not wait longer; that is reported by who waited.
            Release();
        }
        catch (Exception error)
        {
            _session.Messages.LogError(error, "{Logger} failed and is switched off; training goes on. {Message}", Name, error.Message);
            Release();
        }
        _isOff = true;
        lock (_flushing) _flushed.Set();
    }

    /// <summary>Writes until the queue is empty, and flushes.</summary>
    /// <returns>False when nothing more will come.</returns>
    bool WriteWhatWaits()
    {
        // Both read before the queue is emptied: what was posted before them is then written.
        var closing = _isClosing;
        _isHurried = false;
        var target = Volatile.Read(ref _posted);
        while (_queue.TryDequeue(out var record))
        {
            Interlocked.Decrement(ref _waiting);
            if (BytesOf(record) is var bytes and > 0) Interlocked.Add(ref _waitingBytes, -bytes);
            _logger.Write(record);
        }
        _logger.Flush();
        Volatile.Write(ref _written, target);
        lock (_flushing) _flushed.Set();
        return !closing;
    }

    void WaitForMore()
    {
        _isIdle = true;
        Interlocked.MemoryBarrier();
        while (_queue.IsEmpty && !_isHurried && !_isClosing) _wake.WaitOne();
        _isIdle = false;
        if (!_isHurried && !_isClosing) _wake.WaitOne(_logger.Pace);
    }

    [SuppressMessage("Design", "CA1031", Justification = "The logger has failed already, which was reported: closing only lets go of its files.")]
    void Release()
    {
        try
        {
            _logger.Close();
        }
        catch (Exception)
        {
        }
    }

    bool IsWanted(LogRecord record)
    {
        if (record.Values.Count > 0 && Accepts(LogKind.Scalars)) return true;
        foreach (var item in record.Items)
            if (Accepts(item.Kind)) return true;
        return false;
    }

    static long BytesOf(LogRecord record)
    {
        long bytes = 0;
        if (record.Items.Count > 0)
            foreach (var item in record.Items) bytes += item.Bytes;
        return bytes;
    }
}
