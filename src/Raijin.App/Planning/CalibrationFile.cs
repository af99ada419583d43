using Raijin.Collectives;

namespace Raijin.App;

/// <summary>Calibrations in files of the user's choice.</summary>
static class CalibrationFile
{
    /// <summary>Reads a file, or measures and writes it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="exists">Whether it is there; the same on all ranks.</param>
    /// <param name="ranks">How many ranks it is for.</param>
    /// <param name="world">They, where they are there; else threads stand in for them.</param>
    /// <param name="diskFolder">Where the disk is measured; null for not.</param>
    /// <exception cref="InvalidOptionsException">It is none, or one of another number of ranks.</exception>
    public static MachineCalibration ReadOrMeasure(string file, bool exists, int ranks, World? world, string? diskFolder)
    {
        if (exists)
        {
            var found = MachineCalibration.Read(file);
            if (found.Ranks != ranks) throw new InvalidOptionsException([new(file, $"was calibrated by {found.Ranks} ranks, {ranks} are planned: give another file, or remove it")]);
            return found;
        }
        var machine = world is not null || ranks == 1 ? MachineCalibration.Measure(world?.Group, diskFolder) : World.Run(ranks, OnThread)[0];
        if (world is null or { Rank: 0 }) machine.Write(file);
        return machine;

        MachineCalibration OnThread(World threads)
        {
            TorchSharp.torch.set_num_threads(Math.Max(1, Environment.ProcessorCount / ranks));
            return MachineCalibration.Measure(threads.Group, diskFolder);
        }
    }
}
