using System.Globalization;
using static TorchSharp.torch;

namespace Raijin.DeepSpeed;

// How the training state is divided, where it lies, and how it crosses between ranks.
sealed partial class RunResolver
{
    Strategy Division(int stage, DeepSpeedOptimizer? optimizer)
    {
        Becomes(Z + "stage", "trainer.strategy.stage", Text($"{stage}"));
        var strategy = new Strategy { Stage = stage };
        switch (Device(Z + "offload_optimizer", Z + "cpu_offload"))
        {
            case "cpu":
                strategy = strategy with { OffloadOptimizer = Tier.Host };
                break;
            case "nvme" when _values.Text(Z + "offload_optimizer.nvme_path") is { Length: > 0 } folder:
                strategy = strategy with { OffloadOptimizer = Tier.Disk(folder) };
                Becomes(Z + "offload_optimizer.nvme_path", null, strategy.OffloadOptimizer.ToString());
                break;
            case "nvme":
                Fault(Z + "offload_optimizer.device", "= nvme needs nvme_path, a folder on the disk");
                break;
        }
        _becomes[Z + "offload_optimizer.device"] = _becomes[Z + "offload_param.device"] = "off";
        if (strategy.OffloadOptimizer != Tier.Device)
        {
            Becomes(Z + "offload_optimizer.device", "trainer.strategy.offloadOptimizer", strategy.OffloadOptimizer.ToString());
            if (_values.Number(Z + "offload_optimizer.ratio") is var ratio and < 1)
            {
                strategy = strategy with { OffloadRatio = ratio };
                Becomes(Z + "offload_optimizer.ratio", "trainer.strategy.offloadRatio", ratio.ToString("R", CultureInfo.InvariantCulture));
            }
        }
        switch (Device(Z + "offload_param", Z + "cpu_offload_params"))
        {
            case "none":
                break;
            case not null when stage != 3:
                if (_values.Has(Z + "offload_param.device")) NoEffect(Z + "offload_param.device", Text($"below stage 3; the stage is {stage}"));
                else NoEffect(Z + "cpu_offload_params", Text($"below stage 3; the stage is {stage}"));
                break;
            case "cpu":
                strategy = strategy with { OffloadParameters = Tier.Host };
                Becomes(Z + "offload_param.device", "trainer.strategy.offloadParameters", "host");
                break;
            case "nvme" when _values.Text(Z + "offload_param.nvme_path") is { Length: > 0 } folder:
                strategy = strategy with { OffloadParameters = Tier.Disk(folder) };
                Becomes(Z + "offload_param.device", "trainer.strategy.offloadParameters", strategy.OffloadParameters.ToString());
                Becomes(Z + "offload_param.nvme_path", null, strategy.OffloadParameters.ToString());
                break;
            default:
                Fault(Z + "offload_param.device", "= nvme needs nvme_path, a folder on the disk");
                break;
        }
        strategy = Transfers(strategy);
        if (_values.Flag(Z + "zero_quantized_weights"))
        {
            if (stage == 3)
            {
                strategy = strategy with { WeightCodec = WeightCodec.Int8 };
                Becomes(Z + "zero_quantized_weights", "trainer.strategy.weightCodec", "int8");
            }
            else NoEffect(Z + "zero_quantized_weights", Text($"below stage 3; the stage is {stage}"));
        }
        return Groups(Wires(strategy, optimizer));
    }

    // How gradients cross: 1-bit Adam codes its momenta in their place, qgZ codes them, else they have a type.
    Strategy Wires(Strategy strategy, DeepSpeedOptimizer? optimizer)
    {
        const string Codes = Z + "zero_quantized_gradients", Type = "communication_data_type";
        var others = optimizer is { IsOneBit: true } ? "beside OneBitAdam, which brings gradients together itself" : null;
        if (_values.Flag(Codes))
        {
            if (others is not null) NoEffect(Codes, others);
            else
            {
                strategy = strategy with { GradientCodec = GradientCodec.Int4 };
                Becomes(Codes, "trainer.strategy.gradientCodec", "int4");
                others = "beside zero_quantized_gradients, which codes what it would shorten";
            }
        }
        if (_values.Text(Type) is not { } wire) return strategy;
        if (others is not null)
        {
            NoEffect(Type, others);
            return strategy;
        }
        var type = wire switch { "fp16" => ScalarType.Float16, "fp32" => ScalarType.Float32, _ => ScalarType.BFloat16 };
        Becomes(Type, "trainer.strategy.gradientWire", type switch { ScalarType.Float16 => "float16", ScalarType.Float32 => "float32", _ => "bFloat16" });
        return strategy with { GradientWire = type };
    }

    // Who divides with whom: MiCS' groups, and hpZ's nodes within them.
    Strategy Groups(Strategy strategy)
    {
        const string Mics = Z + "mics_shard_size", Secondary = Z + "zero_hpz_partition_size";
        long shard = _values.Whole(Mics), near = _values.Whole(Secondary);
        _becomes[Mics] = _becomes[Secondary] = "off";
        if (shard > 0 && strategy.Stage == 0) NoEffect(Mics, "in stage 0, which divides nothing");
        else if (shard > 0 && ranks % shard != 0) Fault(Mics, Text($"= {shard} does not divide the {ranks} ranks: give a divisor of {ranks}"));
        else if (shard > 0)
        {
            strategy = strategy with { ShardSize = (int)shard };
            Becomes(Mics, "trainer.strategy.shardSize", Text($"{shard}"));
        }
        long dividing = strategy.ShardSize > 0 ? strategy.ShardSize : ranks;
        if (near <= 1) return strategy;
        if (strategy.Stage != 3) NoEffect(Secondary, Text($"below stage 3; the stage is {strategy.Stage}"));
        else if (near > dividing) NoEffect(Secondary, Text($"here: one node has all {dividing} ranks that divide the parameters"));
        else if (dividing % near != 0) Fault(Secondary, Text($"= {near} does not divide the {dividing} ranks that divide the parameters: give a divisor of {dividing}"));
        else
        {
            strategy = strategy with { SecondaryShardSize = (int)near };
            Becomes(Secondary, "trainer.strategy.secondaryShardSize", Text($"{near}"));
        }
        return strategy;
    }

    // libaio keeps so many blocks under way for each thread; here each transfer has a thread, and more of them than a disk serves at once gain nothing.
    Strategy Transfers(Strategy strategy)
    {
        string[] keys = ["aio.queue_depth", "aio.intra_op_parallelism", "aio.thread_count"];
        var given = keys.Where(key => _values.Given(key) is not null).ToList();
        if (given.Count == 0) return strategy;
        if (!IsDisk(strategy.OffloadOptimizer) && !IsDisk(strategy.OffloadParameters))
        {
            foreach (var key in given) Off(key, "no effect: nothing lies on nvme");
            return strategy;
        }
        // What the file leaves out is as there: a depth of 8, and one thread.
        var larger = keys.MaxBy(key => _values.Whole(key))!;
        strategy = strategy with { OffloadThreads = (int)Math.Min(256, _values.Whole(larger)) };
        foreach (var key in given.Where(key => key != larger)) Off(key, Text($"the larger is {larger[4..]} = {_values.Whole(larger)}"));
        Becomes(larger, "trainer.strategy.offloadThreads", Text($"{strategy.OffloadThreads}"));
        return strategy;
    }

    static bool IsDisk(Tier tier) => tier != Tier.Device && tier != Tier.Host;

    void NoEffect(string key, string where)
    {
        Warn(key, $"= {_values.Given(key)!.Shown} has no effect {where}");
        Off(key, $"no effect {where}");
    }
}
