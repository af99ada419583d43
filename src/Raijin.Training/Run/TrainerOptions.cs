using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Raijin.Collectives;
using Raijin.Training;

namespace Raijin;

/// <summary>The settings of a <see cref="Trainer"/>. Checked as a whole when a fit starts; every fault is reported at once.</summary>
public sealed record TrainerOptions
{
    /// <summary>Epochs after which training stops.</summary>
    /// <value>Default null: no bound, unless <see cref="MaxSteps"/> and <see cref="MaxTime"/> are null too; one of the three must be set.</value>
    public long? MaxEpochs { get; init; }

    /// <summary>Epochs before which no early stop is obeyed.</summary>
    /// <value>Default 0.</value>
    public long MinEpochs { get; init; }

    /// <summary>Optimizer steps after which training stops.</summary>
    /// <value>Default null: no bound.</value>
    public long? MaxSteps { get; init; }

    /// <summary>Optimizer steps before which no early stop is obeyed.</summary>
    /// <value>Default 0.</value>
    public long MinSteps { get; init; }

    /// <summary>Training time, over all resumes, after which training stops at the end of the step.</summary>
    /// <value>Default null: no bound.</value>
    public TimeSpan? MaxTime { get; init; }

    /// <summary>The seed of everything random: handed to <see cref="Seed.Everything"/> when the Trainer is made, so before a model made after it draws its weights.</summary>
    /// <value>Default 0.</value>
    public long Seed { get; init; }

    /// <summary>Where to compute.</summary>
    /// <value>Default <c>auto</c>: the first accelerator, else the CPU.</value>
    public DeviceChoice Device { get; init; } = DeviceChoice.Auto;

    /// <summary>The arithmetic.</summary>
    /// <value>Default <see cref="Precision.Float32"/>.</value>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>How the loss scale of <see cref="Precision.Float16"/> moves. Without effect in other precisions.</summary>
    /// <value>Default null: as DeepSpeed's, from 65,536. DeepSpeed's <c>fp16</c>.</value>
    public LossScalerOptions? LossScale { get; init; }

    /// <summary>
    /// Ranks of this machine that train together, each a process on its share of the cores, or with a GPU of its own. Above 1 the program is run once for each, from its
    /// first line. Where a launcher (<c>raijin launch</c>, <c>mpirun</c>, <c>srun</c>, torchrun) has started the ranks already, it says how many there are, and this may stay 1.
    /// </summary>
    /// <value>Default 1. Lightning's <c>devices</c>. Batch sizes are each rank's own.</value>
    public int Devices { get; init; } = 1;

    /// <summary>
    /// How often ranks that the trainer itself has started (<see cref="Devices"/>) are started again after one failed. A fit then goes on from the last checkpoint in <see cref="Output"/>, which must be given. Where a launcher
    /// has started them it says how often.
    /// </summary>
    /// <value>Default 0.</value>
    public int MaxRestarts { get; init; }

    /// <summary>
    /// Numbers of ranks that training can go on with when places are lost, <see cref="Devices"/> among them: a restart takes the largest that is left (<see cref="LaunchOptions.ElasticRanks"/>). Without effect where
    /// <see cref="MaxRestarts"/> is 0.
    /// </summary>
    /// <value>Default null: always as many as at first. DeepSpeed's <c>elasticity</c>.</value>
    public IReadOnlyList<int>? ElasticRanks { get; init; }

    /// <summary>How the training state is divided among the ranks.</summary>
    /// <value>Default null: not at all, every rank holds everything (data parallel); the same as <c>ddp</c>. Lightning's <c>strategy</c>, DeepSpeed's <c>zero_optimization</c>.</value>
    public Strategy? Strategy { get; init; }

    /// <summary>What moves the bytes between ranks.</summary>
    /// <value>Default auto: shared memory within one machine, MPI across machines, NCCL between GPUs.</value>
    public TransportChoice Transport { get; init; } = TransportChoice.Auto;

    /// <summary>How long a rank waits for the others before the run fails and says who was missing. Longer than the longest time one rank may be busy alone.</summary>
    /// <value>Default 10 minutes. PyTorch's process group <c>timeout</c>.</value>
    public TimeSpan CollectiveDeadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether each call between ranks first compares what they are about to do, so that a difference is an error instead of wrong numbers. For debugging.</summary>
    /// <value>Default false. PyTorch's <c>TORCH_DISTRIBUTED_DEBUG=DETAIL</c>.</value>
    public bool CheckCollectives { get; init; }

    /// <summary>
    /// Whether every call between ranks is timed: at the end a table says for each kind and size how often it came, how long it took and held up its rank, its bandwidth, and which rank came last. It is printed and written to
    /// <c>profile/comms.txt</c> and <c>.json</c>. No effect where one rank trains alone.
    /// </summary>
    /// <value>Default false. DeepSpeed's <c>comms_logger</c>.</value>
    public bool LogCollectives { get; init; }

    /// <summary>
    /// Whether the model's blocks compute twice, in forward and again in backward, instead of keeping what backward needs: a third more arithmetic for the memory of all blocks but one. Losses and gradients have the same bits.
    /// Blocks are those the model names (<c>IShardable</c>), else its largest modules below <see cref="Strategy.UnitBytes"/>.
    /// </summary>
    /// <value>Default false. Known as activation checkpointing; PyTorch's <c>checkpoint</c>, Lightning's <c>activation_checkpointing_policy</c>.</value>
    public bool Recompute { get; init; }

    /// <summary>Microbatches whose gradients make one optimizer step; the loss is divided by the number really used, also in an epoch's short last window.</summary>
    /// <value>Default 1. Lightning's <c>accumulate_grad_batches</c>, DeepSpeed's <c>gradient_accumulation_steps</c>.</value>
    public int AccumulateGradients { get; init; } = 1;

    /// <summary>How gradients are clipped before each optimizer step.</summary>
    /// <value>Default <see cref="Clip.None"/>.</value>
    public Clip ClipGradients { get; init; } = Clip.None;

    /// <summary>When to validate: every so many steps, epochs, parts of an epoch, or so much time. The end of training validates too, unless this is never or nothing was trained since.</summary>
    /// <value>Default each epoch.</value>
    public Every Validate { get; init; } = Every.Epochs(1);

    /// <summary>When logged values of a step go to the loggers. Steps in between are not written and cost next to nothing.</summary>
    /// <value>Default every 50 steps. Lightning's <c>log_every_n_steps</c>.</value>
    public Every Log { get; init; } = Every.Steps(50);

    /// <summary>How many training batches make an epoch.</summary>
    /// <value>Default all.</value>
    public Limit LimitTrain { get; init; } = Limit.None;

    /// <summary>How many validation batches are used.</summary>
    /// <value>Default all.</value>
    public Limit LimitValidation { get; init; } = Limit.None;

    /// <summary>How many test batches are used.</summary>
    /// <value>Default all.</value>
    public Limit LimitTest { get; init; } = Limit.None;

    /// <summary>How many batches are predicted.</summary>
    /// <value>Default all.</value>
    public Limit LimitPredict { get; init; } = Limit.None;

    /// <summary>
    /// Trains on the same few batches of epoch 0 again and again, and validates on them: a model that can't learn them by heart has a bug. The rest of the data is not
    /// read, and <see cref="LimitTrain"/> and <see cref="LimitValidation"/> have no effect.
    /// </summary>
    /// <value>Default none: off. Lightning's <c>overfit_batches</c>.</value>
    public Limit OverfitBatches { get; init; } = Limit.None;

    /// <summary>When a data module is asked for its training and validation loaders anew. The new ones must have as many batches as the old.</summary>
    /// <value>Default never; otherwise epochs. Lightning's <c>reload_dataloaders_every_n_epochs</c>.</value>
    public Every ReloadLoaders { get; init; } = Every.Never;

    /// <summary>Validation batches of each loader to run before training, to meet a broken validation step now and not in an hour. Their results are dropped and no random number is used up.</summary>
    /// <value>Default 2; 0 for none, -1 for all. Lightning's <c>num_sanity_val_steps</c>.</value>
    public int SanityValidationBatches { get; init; } = 2;

    /// <summary>Runs only this many batches of everything, one epoch, without logs and checkpoints: does the program run at all?</summary>
    /// <value>Default 0: off.</value>
    public int FastDevRun { get; init; }

    /// <summary>The run's folder: checkpoints, logs and options lie in it.</summary>
    /// <value>Default null: the next free number below <c>runs</c>.</value>
    public string? Output { get; init; }

    /// <summary>Whether a <see cref="ModelCheckpoint"/> with its defaults is added when <see cref="Callbacks"/> holds none.</summary>
    /// <value>Default true.</value>
    public bool Checkpoints { get; init; } = true;

    /// <summary>Whether progress is shown: a live bar on a terminal, plain lines elsewhere.</summary>
    /// <value>Default true.</value>
    public bool Progress { get; init; } = true;

    /// <summary>Whether the model's layers, shapes, parameters and FLOPs are printed at the start.</summary>
    /// <value>Default true.</value>
    public bool Summary { get; init; } = true;

    /// <summary>Watches every module's output and, when a loss is not finite, names the first module that produced it. Slow.</summary>
    /// <value>Default false. Lightning's <c>detect_anomaly</c>.</value>
    public bool DetectAnomaly { get; init; }

    /// <summary>Threads of libtorch's operators on the CPU, from the set-up of a run to its end; 1 and more. Networks of a few thousand weights are fastest on one.</summary>
    /// <value>Default null: as they are, which is all cores.</value>
    public int? Threads { get; init; }

    /// <summary>Whether ops that give other bits from run to run are refused, or pointed out.</summary>
    /// <value>Default off. Lightning's <c>deterministic</c>.</value>
    public Determinism Deterministic { get; init; } = Determinism.Off;

    /// <summary>Whether cuDNN tries its convolution algorithms on first sight of each input shape and keeps the fastest. Without effect on a CPU.</summary>
    /// <value>Default false. Lightning's <c>benchmark</c>.</value>
    public bool Benchmark { get; init; }

    /// <summary>
    /// Whether a validation, test or prediction on its own runs in libtorch's inference mode: its tensors can never take part in autograd, and each op costs a little
    /// less. A validation within a fit only turns gradients off.
    /// </summary>
    /// <value>Default true. Lightning's <c>inference_mode</c>.</value>
    public bool InferenceMode { get; init; } = true;

    /// <summary>Finishes the step, saves and ends the fit at Ctrl-C (exit code 130) and SIGTERM (143); a second signal ends the process at once.</summary>
    /// <value>Default true.</value>
    public bool HandleSignals { get; init; } = true;

    /// <summary>What else happens at the hooks of the run.</summary>
    /// <value>Default none.</value>
    [JsonIgnore]
    public IReadOnlyList<Callback> Callbacks { get; init; } = [];

    /// <summary>Where logged values go.</summary>
    /// <value>Default null: a <see cref="CsvLogger"/> in the run's folder. Empty: nowhere.</value>
    [JsonIgnore]
    public IReadOnlyList<RunLogger>? Loggers { get; init; }

    /// <summary>Makes the optimizers in place of the module's <see cref="TrainingModule{TBatch}.ConfigureOptimizers"/>, from a configuration that names them.</summary>
    /// <value>Default null: the module's own.</value>
    [JsonIgnore]
    public Func<TorchSharp.torch.nn.Module, OptimizerSetup>? Optimizers { get; init; }

    /// <summary>What watches where the run's time and memory go: a <see cref="SimpleProfiler"/>, a <see cref="TraceProfiler"/>, a <see cref="MemoryProfiler"/>, a <see cref="FlopsProfiler"/>, or several by <see cref="Profiler.Of"/>.</summary>
    /// <value>Default null: nothing; a run pays one comparison a phase then.</value>
    [JsonIgnore]
    public Profiler? Profiler { get; init; }

    /// <summary>Where Raijin's own messages go.</summary>
    /// <value>Default null: warnings to standard error.</value>
    [JsonIgnore]
    public ILogger? Logger { get; init; }

    /// <summary>Where progress and tables are printed.</summary>
    /// <value>Default null: the terminal's standard output.</value>
    [JsonIgnore]
    public Spectre.Console.IAnsiConsole? Console { get; init; }

    /// <summary>Whether the run leaves nothing behind: no folder, no logs, no checkpoints.</summary>
    internal bool LeavesNothing { get; init; }

    /// <summary>The clock.</summary>
    /// <value>Default the system's.</value>
    [JsonIgnore]
    public TimeProvider Time { get; init; } = TimeProvider.System;

    internal RankOptions Ranks => new() { Devices = Devices, MaxRestarts = MaxRestarts, ElasticRanks = ElasticRanks, Strategy = Strategy, Transport = Transport, Deadline = CollectiveDeadline, CheckCalls = CheckCollectives };

    /// <summary>What is wrong with the settings on their own, by their keys (<c>trainer.maxEpochs</c>); a fit, which knows the module and the data too, may find more.</summary>
    public IReadOnlyList<OptionFault> Faults()
    {
        var faults = new List<OptionFault>();
        void Add(string key, string message) => faults.Add(new("trainer." + key, message));

        if (MaxEpochs is null && MaxSteps is null && MaxTime is null && FastDevRun == 0)
            Add("maxEpochs", "not set, nor maxSteps nor maxTime: training would never end. Set one of them.");
        if (MaxEpochs is <= 0) Add("maxEpochs", $"= {MaxEpochs}; allowed: 1 and more");
        if (MaxSteps is <= 0) Add("maxSteps", $"= {MaxSteps}; allowed: 1 and more");
        if (MaxTime is { } time && time <= TimeSpan.Zero) Add("maxTime", $"= {time:c}; allowed: above zero");
        if (MinEpochs < 0) Add("minEpochs", $"= {MinEpochs}; allowed: 0 and more");
        if (MinSteps < 0) Add("minSteps", $"= {MinSteps}; allowed: 0 and more");
        if (MinEpochs > MaxEpochs) Add("minEpochs", $"= {MinEpochs}, but maxEpochs = {MaxEpochs}: raise the one or lower the other");
        if (MinSteps > MaxSteps) Add("minSteps", $"= {MinSteps}, but maxSteps = {MaxSteps}: raise the one or lower the other");
        if (Devices < 1) Add("devices", $"= {Devices}; allowed: 1 and more");
        if (MaxRestarts < 0) Add("maxRestarts", $"= {MaxRestarts}; allowed: 0 and more");
        if (ElasticRanks is not null && Devices > 1 && !ElasticRanks.Contains(Devices)) Add("elasticRanks", $"= {string.Join(", ", ElasticRanks)} has not devices = {Devices}: add it, or start another number");
        if (CollectiveDeadline <= TimeSpan.Zero) Add("collectiveDeadline", $"= {CollectiveDeadline:c}; allowed: above zero");
        if (Strategy is { } strategy)
            foreach (var fault in strategy.Faults(Devices > 1 ? Devices : null)) Add(fault.Key, fault.Message);
        if (LossScale is { } scale) faults.AddRange(scale.Validate("trainer.lossScale"));
        if (AccumulateGradients < 1) Add("accumulateGradients", $"= {AccumulateGradients}; allowed: 1 and more");
        if (SanityValidationBatches < -1) Add("sanityValidationBatches", $"= {SanityValidationBatches}; allowed: -1 (all) and more");
        if (!ReloadLoaders.IsNever && !ReloadLoaders.CountsEpochs) Add("reloadLoaders", $"= {ReloadLoaders}; allowed: epochs or never, for a loader is only left at its end");
        if (Threads < 1) Add("threads", $"= {Threads}; allowed: 1 and more");
        if (FastDevRun < 0) Add("fastDevRun", $"= {FastDevRun}; allowed: 0 and more");
        if (Log.CountsEpochs) Add("log", $"= {Log}; allowed: steps, time or never. An epoch's values are always written at its end.");
        return faults;
    }
}
