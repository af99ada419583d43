using Raijin.Training;

namespace Raijin;

/// <summary>
/// Writes TensorBoard event files into the run's folder: scalars, histograms, images, charts (as images), text, hyper-parameters, and the module's layers as
/// text. <c>tensorboard --logdir runs</c> shows all runs below <c>runs</c>.
/// </summary>
/// <remarks>
/// Each process writes a file of its own. A resumed run's begins with a session start, by which readers drop what was written after its checkpoint. Scalars are
/// single precision there. A key logged in steps and reduced over an epoch too is shown for epochs as <c>KEY_epoch</c>. Lightning's <c>TensorBoardLogger</c>.
/// </remarks>
public sealed class TensorBoardLogger : RunLogger
{
    const string LayersTag = "module/text_summary";
    const string TextSuffix = "/text_summary";

    readonly string _folder;
    readonly HashSet<string> _stepKeys = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> _epochTags = new(StringComparer.Ordinal);
    EventFile? _file;
    string? _path;

    /// <summary>Makes the logger.</summary>
    /// <param name="folder">Where its files lie, within the run's folder; empty for the run's folder itself.</param>
    public TensorBoardLogger(string folder = "")
    {
        ArgumentNullException.ThrowIfNull(folder);
        _folder = folder;
    }

    /// <inheritdoc/>
    public override bool Accepts(LogKind kind) => true;

    /// <inheritdoc/>
    public override bool IsLocal => true;

    /// <inheritdoc/>
    public override string? Location => _path;

    /// <inheritdoc/>
    public override void Open(string directory, long fromStep)
    {
        _stepKeys.Clear();
        _file = EventFile.Create(Path.GetFullPath(Path.Combine(directory, _folder)), Session.Time);
        _path = _file.Path;
        if (fromStep > 0) _file.AddSessionStart(fromStep + 1);
        _file.AddHyperParameters(Session.Run.Parameters, Session.Run.Name);
        if (Session.Run.Layers is not { } layers) return;
        var values = _file.BeginValues(fromStep);
        // Indented by four, Markdown keeps its lines as they are.
        _file.AddText(LayersTag, string.Concat(layers.TrimEnd('\n').Split('\n').Select(line => "    " + line + "\n")));
        _file.EndValues(values);
    }

    /// <inheritdoc/>
    public override void Write(LogRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var values = _file!.BeginValues(record.Step);
        foreach (var (key, value) in record.Values) _file.AddScalar(TagOf(record.Scope, key), value);
        foreach (var item in record.Items)
        {
            switch (item)
            {
                case HistogramItem(var key, var histogram): _file.AddHistogram(key, histogram); break;
                case ImagesItem images: _file.AddImage(images.Key, images.Png, images.Images.TotalWidth, images.Images.TotalHeight); break;
                case FigureItem figure: _file.AddImage(figure.Key, figure.Png, figure.Width, figure.Height); break;
                case TextItem(var key, var text): _file.AddText(key + TextSuffix, text); break;
            }
        }
        _file.EndValues(values);
    }

    /// <inheritdoc/>
    public override void Flush() => _file?.Flush();

    /// <inheritdoc/>
    public override void Finish(RunOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        _file!.AddSessionEnd(outcome.Status != RunStatus.Failed);
    }

    /// <inheritdoc/>
    public override void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    string TagOf(LogScope scope, string key)
    {
        if (scope == LogScope.Step)
        {
            _stepKeys.Add(key);
            return key;
        }
        if (!_stepKeys.Contains(key)) return key;
        if (!_epochTags.TryGetValue(key, out var tag)) _epochTags.Add(key, tag = key + "_epoch");
        return tag;
    }
}
