using Raijin.Charts;
using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Logging of more than numbers: histograms, images, text, charts. Computed only where some logger shows it, and within a training step only on steps that are
/// written; drawing and encoding happen on the loggers' threads. Ask <c>Shows</c> before computing something just to log it.
/// </summary>
public static class RichLogging
{
    /// <summary>Whether this step is written and some logger shows this kind of thing.</summary>
    public static bool Shows(this TrainStep step, LogKind kind)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Run.Rich.IsStepDue && step.Run.Rich.Shows(kind);
    }

    /// <summary>Logs how a tensor's values are distributed.</summary>
    /// <param name="key">Such as <c>weights/fc1</c>.</param>
    /// <param name="values">Any shape and real dtype; borrowed. On another device than the host this waits for it.</param>
    public static void LogHistogram(this TrainStep step, string key, Tensor values)
    {
        if (step.Shows(LogKind.Histograms) && step.Run!.Rich.Takes(LogKind.Histograms)) Post(step, new HistogramItem(key, TensorHistogram.Of(values)));
    }

    /// <summary>Logs images as one picture; of more than 64 the first.</summary>
    /// <param name="key">Such as <c>samples</c>.</param>
    /// <param name="images">[C, H, W] or [N, C, H, W] with C of 1, 3 or 4; bytes, or floating from 0 to 1; borrowed.</param>
    /// <param name="columns">How many stand in a row; null for about a square.</param>
    public static void LogImages(this TrainStep step, string key, Tensor images, int? columns = null)
    {
        if (step.Shows(LogKind.Images) && step.Run!.Rich.Takes(LogKind.Images)) Post(step, new ImagesItem(key, ImageSnapshot.Of(key, images, columns)));
    }

    /// <summary>Logs text; Markdown where the logger shows it.</summary>
    public static void LogText(this TrainStep step, string key, string text)
    {
        if (step.Shows(LogKind.Text) && step.Run!.Rich.Takes(LogKind.Text)) Post(step, new TextItem(key, text));
    }

    /// <summary>Logs a chart.</summary>
    public static void LogFigure(this TrainStep step, string key, Chart chart, int width = Chart.DefaultWidth, int height = Chart.DefaultHeight)
    {
        if (step.Shows(LogKind.Figures) && step.Run!.Rich.Takes(LogKind.Figures)) Post(step, new FigureItem(key, chart, width, height));
    }

    /// <summary>Whether some logger shows this kind of thing. Never in a sanity validation, nor in an evaluation that stands alone.</summary>
    public static bool Shows(this EvalStep step, LogKind kind)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Run is { } run && step.Phase != EvalPhase.Sanity && run.Rich.Shows(kind);
    }

    /// <summary>Logs how a tensor's values are distributed. Every batch that calls it is written: <c>if (step.Index == 0)</c> picks one.</summary>
    /// <inheritdoc cref="LogHistogram(TrainStep, string, Tensor)"/>
    public static void LogHistogram(this EvalStep step, string key, Tensor values)
    {
        if (step.Shows(LogKind.Histograms) && step.Run!.Rich.Takes(LogKind.Histograms)) Post(step.Run!, new HistogramItem(key, TensorHistogram.Of(values)));
    }

    /// <summary>Logs images as one picture; of more than 64 the first. Every batch that calls it is written: <c>if (step.Index == 0)</c> picks one.</summary>
    /// <inheritdoc cref="LogImages(TrainStep, string, Tensor, int?)"/>
    public static void LogImages(this EvalStep step, string key, Tensor images, int? columns = null)
    {
        if (step.Shows(LogKind.Images) && step.Run!.Rich.Takes(LogKind.Images)) Post(step.Run!, new ImagesItem(key, ImageSnapshot.Of(key, images, columns)));
    }

    /// <summary>Logs text; Markdown where the logger shows it.</summary>
    public static void LogText(this EvalStep step, string key, string text)
    {
        if (step.Shows(LogKind.Text) && step.Run!.Rich.Takes(LogKind.Text)) Post(step.Run!, new TextItem(key, text));
    }

    /// <summary>Logs a chart.</summary>
    public static void LogFigure(this EvalStep step, string key, Chart chart, int width = Chart.DefaultWidth, int height = Chart.DefaultHeight)
    {
        if (step.Shows(LogKind.Figures) && step.Run!.Rich.Takes(LogKind.Figures)) Post(step.Run!, new FigureItem(key, chart, width, height));
    }

    /// <summary>Whether some logger of the run shows this kind of thing.</summary>
    public static bool Shows(this TrainingRun run, LogKind kind)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run.Rich.Shows(kind);
    }

    /// <summary>Logs how a tensor's values are distributed, at the step done last.</summary>
    /// <inheritdoc cref="LogHistogram(TrainStep, string, Tensor)"/>
    public static void LogHistogram(this TrainingRun run, string key, Tensor values)
    {
        if (run.Rich.Takes(LogKind.Histograms)) Post(run, new HistogramItem(key, TensorHistogram.Of(values)));
    }

    /// <summary>Logs images as one picture, at the step done last.</summary>
    /// <inheritdoc cref="LogImages(TrainStep, string, Tensor, int?)"/>
    public static void LogImages(this TrainingRun run, string key, Tensor images, int? columns = null)
    {
        if (run.Rich.Takes(LogKind.Images)) Post(run, new ImagesItem(key, ImageSnapshot.Of(key, images, columns)));
    }

    /// <summary>Logs text, at the step done last; Markdown where the logger shows it.</summary>
    public static void LogText(this TrainingRun run, string key, string text)
    {
        if (run.Rich.Takes(LogKind.Text)) Post(run, new TextItem(key, text));
    }

    /// <summary>Logs a chart, at the step done last.</summary>
    public static void LogFigure(this TrainingRun run, string key, Chart chart, int width = Chart.DefaultWidth, int height = Chart.DefaultHeight)
    {
        if (run.Rich.Takes(LogKind.Figures)) Post(run, new FigureItem(key, chart, width, height));
    }

    // A step's own record is written when it is done: its items carry the same number.
    static void Post(TrainStep step, LogItem item) => step.Run.Rich.Post(LogScope.Step, step.Index + 1, step.Run.Epoch, step.Run.Elapsed, item);

    static void Post(TrainingRun run, LogItem item) => run.Rich.Post(LogScope.Epoch, run.Step, run.Epoch, run.Elapsed, item);
}
