using System.Globalization;
using System.Runtime.InteropServices;

namespace Raijin.Training;

// What several ranks decide together. None of it runs where one trains alone.
sealed partial class FitDriver<TBatch>
{
    StepAgreement _agreed;
    // Whether the last thing done, a step or a validation, brought an agreement along.
    bool _hasMet;
    bool _mustEnd;

    /// <summary>The signal that ended the run, on whichever rank it came in.</summary>
    public PosixSignal? Signal { get; private set; }

    bool IsInterrupted => _peers.IsAlone ? _stop.IsRequested : _mustEnd;

    /// <summary>Says what this rank wants, and hears of all.</summary>
    /// <param name="own">What it counted in a step.</param>
    /// <param name="step">Optimizer steps there will be when it is done.</param>
    void Meet(StepAgreement own, long step)
    {
        own.Musts = _stop.IsRequested ? 1 : 0;
        own.Wishes = _run.StopReason is not null && _cursor.Epoch >= _plan.Options.MinEpochs && step >= _plan.Options.MinSteps ? 1 : 0;
        own.Writers = _checkpoints?.IsWriting == true ? 1 : 0;
        own.Meet(_peers, _run.Clock);
        _agreed = own;
        _checkpoints?.Hear(own.Writers);
    }

    void MeetNow() => Meet(default, _cursor.Step);

    string? WhyAllEnd()
    {
        if (!_hasMet) MeetNow();
        _hasMet = false;
        if (_agreed.Musts > 0)
        {
            _mustEnd = true;
            return FirstReason(_stop.IsRequested ? _stop.Reason : null);
        }
        if (!_cursor.IsBoundary) return null;
        return LimitReached() ?? (_agreed.Wishes > 0 ? FirstReason(StopWished()) : null);
    }

    /// <summary>The reason of the lowest rank that has one; null when, looked at now, none has.</summary>
    string? FirstReason(string? own)
    {
        string? found = null;
        var signal = _stop.Signal is { } caught ? ((int)caught).ToString(CultureInfo.InvariantCulture) : "";
        var all = _peers.Gather(own is null ? "" : $"{signal}|{own}");
        foreach (var (rank, text) in all.Index())
        {
            if (found is not null || text.Length == 0) continue;
            var bar = text.IndexOf('|', StringComparison.Ordinal);
            if (bar > 0) Signal = (PosixSignal)int.Parse(text.AsSpan(0, bar), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            found = text[(bar + 1)..];
            _run.RequestStop(found);
            // Where one rank alone had the reason, it says which.
            if (all.Any(t => t.Length == 0)) found = string.Create(CultureInfo.InvariantCulture, $"{found} (rank {rank})");
        }
        return found;
    }
}
