using System.Runtime.InteropServices;

namespace Raijin.Training;

/// <summary>A wish to stop from outside: a cancelled token, Ctrl-C or SIGTERM. The driver obeys at the end of the step; a second signal is the system's to handle.</summary>
sealed class StopSignal : IDisposable
{
    readonly CancellationTokenSource _source;
    readonly CancellationTokenSource _betweenSteps = new();
    readonly CancellationTokenRegistration _onStop;
    readonly Lock _gate = new();
    readonly List<PosixSignalRegistration> _registrations = [];
    bool _inStep;
    int _signal;

    public StopSignal(bool handleSignals, CancellationToken cancellationToken)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _onStop = _source.Token.Register(CancelBetweenSteps);
        if (!handleSignals) return;
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal));
    }

    /// <summary>Cancelled when a stop is wanted: for what waits.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Cancelled like <see cref="Token"/>, but never while a step is under way: what it waits for must still come.</summary>
    public CancellationToken BetweenSteps => _betweenSteps.Token;

    public bool IsRequested => _source.IsCancellationRequested;

    /// <summary>The signal that asked, if one did.</summary>
    public PosixSignal? Signal => Volatile.Read(ref _signal) is var s and not 0 ? (PosixSignal)s : null;

    public string Reason => Signal switch
    {
        PosixSignal.SIGINT => "interrupted (Ctrl-C)",
        PosixSignal.SIGTERM => "terminated (SIGTERM)",
        _ => "cancelled",
    };

    /// <summary>Begins a step that a stop will not break off.</summary>
    /// <returns>False when a stop is wanted already.</returns>
    public bool TryBeginStep()
    {
        lock (_gate) return !IsRequested && (_inStep = true);
    }

    public void EndStep()
    {
        lock (_gate) _inStep = false;
        if (IsRequested) CancelBetweenSteps();
    }

    void CancelBetweenSteps()
    {
        lock (_gate)
            if (_inStep) return;
        _betweenSteps.Cancel();
    }

    void OnSignal(PosixSignalContext context)
    {
        // Only the first is ours: cancelled, it does not end the process. The second takes the default way out, at once.
        if (Interlocked.CompareExchange(ref _signal, (int)context.Signal, 0) != 0) return;
        context.Cancel = true;
        _source.Cancel();
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _onStop.Dispose();
        _source.Dispose();
        _betweenSteps.Dispose();
    }
}
