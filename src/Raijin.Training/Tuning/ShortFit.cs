namespace Raijin.Training;

/// <summary>A fit of a few steps that is only looked at: it leaves nothing, validates nothing, shows nothing.</summary>
static class ShortFit
{
    /// <summary>The options of one.</summary>
    /// <param name="options">Those of the run it is short of.</param>
    /// <param name="steps">How many steps.</param>
    /// <param name="callback">Who looks.</param>
    public static TrainerOptions Options(TrainerOptions options, int steps, Callback callback) => options with
    {
        MaxEpochs = null,
        MaxSteps = steps,
        MaxTime = null,
        MinEpochs = 0,
        MinSteps = 0,
        FastDevRun = 0,
        LimitTrain = Limit.None,
        SanityValidationBatches = 0,
        Validate = Every.Never,
        LeavesNothing = true,
        Checkpoints = false,
        Progress = false,
        Summary = false,
        Loggers = [],
        Profiler = null,
        Callbacks = [callback],
    };
}
