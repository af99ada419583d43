namespace Raijin.Training.Tests.Panels;

/// <summary>Keeps the pictures and distributions that a run shows.</summary>
/// <param name="figures">Whether it takes charts.</param>
sealed class ShownItems(bool figures = true) : RunLogger
{
    public List<(long Step, LogItem Item)> Items { get; } = [];

    public override bool Accepts(LogKind kind) => figures || kind != LogKind.Figures;

    public override void Open(string directory, long fromStep) { }

    public override void Write(LogRecord record)
    {
        foreach (var item in record.Items) Items.Add((record.Step, item));
    }

    public override void Close() { }
}
