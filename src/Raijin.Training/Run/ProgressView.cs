// epoch  3/10 ━━━━━━━━━━━━━━━━╸──────────  61%  275/450  4,213 steps/s  269k samples/s  eta 0:12
//   validation ━━━━━━━╸──────────────────  12/29
//   train/loss 0.1234  val/accuracy 0.9722

namespace Raijin.Training;

/// <summary>Puts a run's progress into lines: the frame of a live region, or one plain line. Used by the display's thread alone.</summary>
sealed class ProgressView(TrainingRun run)
{
    const int WidestBar = 40;
    const int NarrowestBar = 8;
    // Before this the first, slow step weighs too much for the mean over the run to say anything.
    static readonly TimeSpan MeanIsFair = TimeSpan.FromSeconds(5);
    static readonly TimeSpan ShortEpoch = TimeSpan.FromSeconds(1);

    readonly SpeedMeter _speed = new();
    IReadOnlyList<KeyValuePair<string, double>> _validation = [];
    bool _sawValidation;
    bool _epochsAreShort;

    /// <summary>The results of the latest validation; set by the training thread.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Validation
    {
        get => Volatile.Read(ref _validation);
        set => Volatile.Write(ref _validation, value);
    }

    /// <summary>Looks where the run is now.</summary>
    public ProgressSnapshot Observe()
    {
        var now = ProgressSnapshot.Of(run);
        _speed.Observe(run.Elapsed, now);
        return now;
    }

    /// <summary>What a live region shows.</summary>
    /// <param name="now">Where the run is.</param>
    /// <param name="width">Columns there are.</param>
    public IReadOnlyList<StyledLine> Frame(in ProgressSnapshot now, int width)
    {
        var lines = new List<StyledLine> { BarLine(now, width) };
        // A validation over before the next look would only make the region jump.
        if (now.ValidationBatch is { } batch && _sawValidation) lines.Add(ValidationLine(batch, width));
        _sawValidation = now.ValidationBatch is not null;
        var values = new StyledLine();
        foreach (var (key, value) in LatestValues())
        {
            var item = Item(key, value);
            if (values.Cells + item.Cells > width) break;
            values.Add(item);
        }
        if (values.Cells > 0) lines.Add(values);
        return lines;
    }

    /// <summary>Where the run is, in one line.</summary>
    public StyledLine Line(in ProgressSnapshot now)
    {
        var line = new StyledLine().Add(EpochName(now.Epoch), Tone.Strong);
        if (now.ValidationBatch is { } batch) line.Add("  validation " + Of(batch, run.Plan.ValidationBatches));
        else
            foreach (var part in Parts(now)) line.Add("  ").Add(part);
        foreach (var (key, value) in LatestValues()) line.Add(Item(key, value));
        return line;
    }

    /// <summary>What is left of an epoch that is over, or of a validation within one.</summary>
    /// <param name="name">Such as <c>epoch 3/10</c>.</param>
    /// <param name="values">What it logged.</param>
    /// <param name="took">How long it took; null to leave it out.</param>
    public static StyledLine Closing(string name, IEnumerable<KeyValuePair<string, double>> values, TimeSpan? took)
    {
        var line = new StyledLine().Add(name, Tone.Strong);
        foreach (var (key, value) in values) line.Add(Item(key, value));
        return took is { } time ? line.Add("  " + ReadableText.Duration(time).PadLeft(6), Tone.Quiet) : line;
    }

    /// <summary>The epoch as a person counts: from 1.</summary>
    public string EpochName(long epoch)
    {
        if (run.Plan.MaxEpochs is not { } epochs) return "epoch " + ReadableText.Count(epoch + 1);
        var all = ReadableText.Count(epochs);
        return $"epoch {ReadableText.Count(Math.Min(epoch + 1, epochs)).PadLeft(all.Length)}/{all}";
    }

    StyledLine BarLine(in ProgressSnapshot now, int width)
    {
        var name = new StyledLine().Add(EpochName(now.Epoch), Tone.Strong).Add(" ");
        var parts = Parts(now);
        var share = Share(now);
        // What is worth least goes first: the parts stand in the order of their worth.
        while (parts.Count > 1 && name.Cells + (share is null ? 0 : NarrowestBar) + parts.Sum(p => p.Cells + 2) > width) parts.RemoveAt(parts.Count - 1);
        if (share is { } done) AddBar(name, done, Math.Min(WidestBar, width - name.Cells - parts.Sum(p => p.Cells + 2)));
        foreach (var part in parts) name.Add("  ").Add(part);
        return name;
    }

    StyledLine ValidationLine(long batch, int width)
    {
        var line = new StyledLine().Add("  validation ", Tone.Quiet);
        var count = "  " + Of(batch, run.Plan.ValidationBatches);
        if (run.Plan.ValidationBatches is { } all and > 0) AddBar(line, (double)batch / all, Math.Min(WidestBar, width - line.Cells - count.Length));
        return line.Add(count);
    }

    /// <summary>What can be said besides the bar, the most telling first.</summary>
    List<StyledLine> Parts(in ProgressSnapshot now)
    {
        var parts = new List<StyledLine>();
        void Part(string text, Tone tone = Tone.Plain) => parts.Add(new StyledLine().Add(text, tone));
        if (Share(now) is { } share) Part($"{Math.Floor(share * 100),3}%");
        if (Remaining(now) is { } eta) Part("eta " + ReadableText.Clock(eta), Tone.Accent);
        if (_speed.StepsPerSecond is { } speed and > 0) Part(ReadableText.Speed(speed));
        Part(CountsEpoch ? Of(now.Batch, run.Plan.BatchesPerEpoch) : "step " + Of(now.Step, run.Plan.EstimatedSteps), Tone.Quiet);
        if (CountsEpoch && run.Plan.Options.MaxSteps is { } steps) Part("step " + Of(now.Step, steps), Tone.Quiet);
        if (_speed.SamplesPerSecond is { } samples and > 0) Part(ReadableText.Quantity(samples) + " samples/s", Tone.Quiet);
        return parts;
    }

    /// <summary>Whether the bar measures the epoch; one of unknown length, or over in no time, leaves the steps of the run, if those are known.</summary>
    bool CountsEpoch => run.Plan.BatchesPerEpoch is not null && !EpochsAreShort;

    /// <summary>Whether a bar of the epoch would only flicker. Once found it stays so: a bar that changes its meaning to and fro is worse.</summary>
    bool EpochsAreShort => _epochsAreShort |= run.Plan is { StepsPerEpoch: { } steps, EstimatedSteps: not null } && _speed.StepsPerSecond is { } speed and > 0 && steps / speed < ShortEpoch.TotalSeconds;

    double? Share(in ProgressSnapshot now) =>
        CountsEpoch && run.Plan.BatchesPerEpoch is { } batches and > 0 ? Math.Min(1, (double)now.Batch / batches)
        : run.Plan.EstimatedSteps is { } steps and > 0 ? Math.Min(1, (double)now.Step / steps) : null;

    TimeSpan? Remaining(in ProgressSnapshot now)
    {
        var here = run.Clock.Here;
        var byTime = run.Plan.Options.MaxTime - run.Elapsed;
        // The mean over the run has the validations and saves in it that are still to come.
        var speed = here > MeanIsFair && now.Step > run.FirstStep ? (now.Step - run.FirstStep) / here.TotalSeconds : _speed.StepsPerSecond;
        TimeSpan? bySteps = run.Plan.EstimatedSteps - now.Step is { } left && speed is { } perSecond and > 0
            ? TimeSpan.FromSeconds(Math.Min(left / perSecond, TimeSpan.MaxValue.TotalSeconds / 2)) : null;
        var remaining = bySteps < byTime || byTime is null ? bySteps : byTime;
        return remaining is { } time ? TimeSpan.FromSeconds(Math.Max(0, Math.Ceiling(time.TotalSeconds))) : null;
    }

    /// <summary>The training's latest values, then those of the latest validation.</summary>
    IEnumerable<KeyValuePair<string, double>> LatestValues() => run.LatestStepValues().Concat(Validation);

    static StyledLine Item(string key, double value) =>
        new StyledLine().Add("  " + key + " ", Tone.Quiet).Add(ReadableText.Value(value), double.IsFinite(value) ? Tone.Plain : Tone.Bad);

    static string Of(long done, long? all) => all is { } total
        ? ReadableText.Count(done).PadLeft(ReadableText.Count(total).Length) + "/" + ReadableText.Count(total)
        : ReadableText.Count(done);

    static void AddBar(StyledLine line, double share, int cells)
    {
        if (cells <= 0) return;
        var halves = (int)Math.Round(Math.Clamp(share, 0, 1) * cells * 2);
        var full = halves / 2;
        var rest = cells - full - halves % 2;
        line.Add(new string('━', full) + (halves % 2 == 1 ? "╸" : ""), Tone.Accent);
        line.Add(new string('─', rest), Tone.Quiet);
    }
}
