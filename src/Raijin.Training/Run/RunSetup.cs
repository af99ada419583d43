using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>What is about to run, before anything of it is decided from the data or moved to a device.</summary>
public sealed class RunSetup
{
    internal RunSetup(RunStage stage, Module module, Device device, TrainerOptions options) => (Stage, Module, Device, Options) = (stage, module, device, options);

    /// <summary>Training, validation, a test or prediction.</summary>
    public RunStage Stage { get; }

    /// <summary>The model.</summary>
    public Module Module { get; }

    /// <summary>The device it will run on.</summary>
    public Device Device { get; }

    /// <summary>The trainer's settings.</summary>
    public TrainerOptions Options { get; }
}
