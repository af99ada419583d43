// The one seam between a loop and its profiler. A loop that has none holds a null session, and `_profile?.Mark(phase)` is one comparison. Phases are laps: a mark ends the
// one before, so every moment belongs to exactly one phase and nothing needs a `finally`. Hooks are wrapped once, where their lists are made; a loop without a profiler
// calls the hooks themselves.

using System.Diagnostics;

namespace Raijin;

/// <summary>A run that is being profiled: the loop says here what it does. Used on one thread. Dispose it to end; results are written and printed then.</summary>
public sealed class ProfileSession : IDisposable
{
    readonly Profiler _profiler;
    readonly ProfileTarget _target;
    readonly Dictionary<string, ProfileRegion> _regions = new(StringComparer.Ordinal);
    // Ticks of the regions measured within each open span: the phase, then the regions in it.
    readonly Stack<(long Began, long Within)> _open = new();
    long _within;
    ProfilePhase _phase;
    long _began;
    long _step = -1;

    internal ProfileSession(Profiler profiler, ProfileTarget target)
    {
        _profiler = profiler;
        _target = target;
        profiler.OnStart(target);
        BeginPhase(ProfilePhase.Setup, Stopwatch.GetTimestamp());
    }

    /// <summary>Whether it has not ended.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>An optimizer step begins, and in it the phase <see cref="ProfilePhase.Loop"/>.</summary>
    /// <param name="step">Steps done before it, over all resumes.</param>
    /// <param name="epoch">The epoch it is in.</param>
    public void StepStart(long step, long epoch = 0)
    {
        var now = Stopwatch.GetTimestamp();
        EndPhase(now);
        _step = step;
        _profiler.OnStepStart(step, epoch, now);
        BeginPhase(ProfilePhase.Loop, now);
    }

    /// <summary>The optimizer step begun last is over; <see cref="ProfilePhase.Loop"/> goes on. Nothing happens when none is under way.</summary>
    public void StepEnd()
    {
        if (_step < 0) return;
        var now = Stopwatch.GetTimestamp();
        EndPhase(now);
        _profiler.OnStepEnd(_step, now);
        _step = -1;
        BeginPhase(ProfilePhase.Loop, now);
    }

    /// <summary>Ends the phase under way and begins another.</summary>
    public void Mark(ProfilePhase phase)
    {
        var now = Stopwatch.GetTimestamp();
        EndPhase(now);
        BeginPhase(phase, now);
    }

    /// <summary>A region by its name; the same name is the same region.</summary>
    public ProfileRegion Region(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (!_regions.TryGetValue(name, out var region)) _regions[name] = region = new ProfileRegion(_regions.Count, name);
        return region;
    }

    /// <summary>Measures until the result is disposed: <c>using (session.Measure(augment)) …</c>. May be nested.</summary>
    public RegionScope Measure(ProfileRegion region)
    {
        ArgumentNullException.ThrowIfNull(region);
        Enter(region);
        return new RegionScope(this, region);
    }

    /// <summary>Ends the phase under way and the run. A second call does nothing.</summary>
    public void Dispose()
    {
        if (!IsOpen) return;
        IsOpen = false;
        EndPhase(Stopwatch.GetTimestamp());
        _profiler.End(_target);
    }

    /// <summary>Replaces each hook of a list by one that is measured. Called once, where the hooks of a run are resolved.</summary>
    internal void Wrap<T>(List<Action<T>> hooks)
    {
        for (var i = 0; i < hooks.Count; i++)
        {
            var (hook, region) = (hooks[i], RegionOf(hooks[i]));
            hooks[i] = argument =>
            {
                using (Measure(region)) hook(argument);
            };
        }
    }

    /// <inheritdoc cref="Wrap{T}(List{Action{T}})"/>
    internal void Wrap<T1, T2>(List<Action<T1, T2>> hooks)
    {
        for (var i = 0; i < hooks.Count; i++)
        {
            var (hook, region) = (hooks[i], RegionOf(hooks[i]));
            hooks[i] = (first, second) =>
            {
                using (Measure(region)) hook(first, second);
            };
        }
    }

    /// <summary>Two callbacks of one class are told apart by a number.</summary>
    ProfileRegion RegionOf(Delegate hook)
    {
        var name = $"{hook.Target?.GetType().Name ?? hook.Method.DeclaringType!.Name}.{hook.Method.Name}";
        var unique = name;
        for (var number = 2; _regions.ContainsKey(unique); number++) unique = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} ({number})");
        return Region(unique);
    }

    void Enter(ProfileRegion region)
    {
        var now = Stopwatch.GetTimestamp();
        _open.Push((now, _within));
        _within = 0;
        _profiler.OnRegionStart(region, now);
    }

    internal void Leave(ProfileRegion region)
    {
        var now = Stopwatch.GetTimestamp();
        var (began, outer) = _open.Pop();
        _profiler.OnRegionEnd(region, new ProfileSpan(began, now, _within));
        _within = outer + (now - began);
    }

    void BeginPhase(ProfilePhase phase, long now)
    {
        _phase = phase;
        _began = now;
        _profiler.OnPhaseStart(phase, now);
    }

    void EndPhase(long now)
    {
        _profiler.OnPhaseEnd(_phase, new ProfileSpan(_began, now, _within));
        _within = 0;
    }
}

/// <summary>A region being measured.</summary>
public readonly ref struct RegionScope
{
    readonly ProfileSession _session;
    readonly ProfileRegion _region;

    internal RegionScope(ProfileSession session, ProfileRegion region)
    {
        _session = session;
        _region = region;
    }

    /// <summary>Ends the measurement.</summary>
    public void Dispose() => _session.Leave(_region);
}
