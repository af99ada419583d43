namespace Raijin.App;

/// <summary>Writes the resolved configuration into the run's folder when training begins.</summary>
sealed class SaveConfig(ConfigMap config) : Callback
{
    public override void OnFitStart(TrainingRun run)
    {
        if (run.Directory is not { } folder || !run.IsRankZero) return;
        var file = Path.Combine(folder, RunFolders.ConfigFile);
        // Whole or not at all: a reader never sees half of it.
        var writing = file + ".writing";
        File.WriteAllText(writing, ConfigWriter.ToYaml(config));
        File.Move(writing, file, overwrite: true);
    }
}
