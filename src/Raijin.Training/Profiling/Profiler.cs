using Microsoft.Extensions.Logging;

namespace Raijin;

/// <summary>
/// Watches a run: where its time goes, which ops it runs, what memory it takes, what it computes. Give one to the Trainer, or <see cref="Start"/> one in a loop of your
/// own. Without a profiler a run pays one comparison a phase; nothing is wrapped, hooked or counted.
/// </summary>
/// <remarks>
/// To write your own, override what you need. All of it is called on the training thread, in the order of events; times are ticks of
/// <see cref="System.Diagnostics.Stopwatch"/>, taken before the call.
/// </remarks>
public abstract class Profiler
{
    bool _isBusy;

    /// <summary>Several profilers at once, told of everything in the given order. Each sees what the others cost: a table beside a trace counts the tracing.</summary>
    public static Profiler Of(params IReadOnlyList<Profiler> profilers) => new CombinedProfiler(profilers);

    /// <summary>Begins to profile. A profiler serves one run at a time; a new one starts afresh.</summary>
    /// <exception cref="InvalidOperationException">It is profiling a run already.</exception>
    public ProfileSession Start(ProfileTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (_isBusy) throw new InvalidOperationException($"This {GetType().Name} is profiling a run already: end that first, or take another.");
        var session = new ProfileSession(this, target);
        _isBusy = true;
        return session;
    }

    internal void End(ProfileTarget target)
    {
        _isBusy = false;
        Guarded(target, OnEnd);
    }

    /// <summary>Writes results: a full disk takes the profile, not the run.</summary>
    private protected static void Guarded(ProfileTarget target, Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            target.Logger?.LogWarning("The profile could not be written: {Message}", error.Message);
        }
    }

    /// <summary>The run begins.</summary>
    protected internal virtual void OnStart(ProfileTarget target) { }

    /// <summary>An optimizer step begins: a phase has just ended, and another begins after this call.</summary>
    /// <param name="step">Steps done before it, over all resumes.</param>
    /// <param name="epoch">The epoch it is in.</param>
    /// <param name="timestamp">When it began, which is when its first phase did.</param>
    protected internal virtual void OnStepStart(long step, long epoch, long timestamp) { }

    /// <summary>An optimizer step is over: its last phase has just ended.</summary>
    protected internal virtual void OnStepEnd(long step, long timestamp) { }

    /// <summary>A phase begins; the one before has ended.</summary>
    protected internal virtual void OnPhaseStart(ProfilePhase phase, long timestamp) { }

    /// <summary>A phase is over.</summary>
    protected internal virtual void OnPhaseEnd(ProfilePhase phase, ProfileSpan span) { }

    /// <summary>A hook or a region of your own begins, within a phase and perhaps within another region.</summary>
    protected internal virtual void OnRegionStart(ProfileRegion region, long timestamp) { }

    /// <summary>A hook or a region of your own is over, whether it returned or threw.</summary>
    protected internal virtual void OnRegionEnd(ProfileRegion region, ProfileSpan span) { }

    /// <summary>The run is over, or failed: take off what is still attached, write and print the results.</summary>
    protected internal virtual void OnEnd() { }
}

/// <summary>Tells several profilers of everything.</summary>
sealed class CombinedProfiler : Profiler
{
    readonly Profiler[] _profilers;

    public CombinedProfiler(IReadOnlyList<Profiler> profilers)
    {
        ArgumentNullException.ThrowIfNull(profilers);
        foreach (var profiler in profilers) ArgumentNullException.ThrowIfNull(profiler, nameof(profilers));
        _profilers = [.. profilers];
    }

    protected internal override void OnStart(ProfileTarget target)
    {
        foreach (var profiler in _profilers) profiler.OnStart(target);
    }

    protected internal override void OnStepStart(long step, long epoch, long timestamp)
    {
        foreach (var profiler in _profilers) profiler.OnStepStart(step, epoch, timestamp);
    }

    protected internal override void OnStepEnd(long step, long timestamp)
    {
        foreach (var profiler in _profilers) profiler.OnStepEnd(step, timestamp);
    }

    protected internal override void OnPhaseStart(ProfilePhase phase, long timestamp)
    {
        foreach (var profiler in _profilers) profiler.OnPhaseStart(phase, timestamp);
    }

    protected internal override void OnPhaseEnd(ProfilePhase phase, ProfileSpan span)
    {
        foreach (var profiler in _profilers) profiler.OnPhaseEnd(phase, span);
    }

    protected internal override void OnRegionStart(ProfileRegion region, long timestamp)
    {
        foreach (var profiler in _profilers) profiler.OnRegionStart(region, timestamp);
    }

    protected internal override void OnRegionEnd(ProfileRegion region, ProfileSpan span)
    {
        foreach (var profiler in _profilers) profiler.OnRegionEnd(region, span);
    }

    protected internal override void OnEnd()
    {
        foreach (var profiler in _profilers) profiler.OnEnd();
    }
}
