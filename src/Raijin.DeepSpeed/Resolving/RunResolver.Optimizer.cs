using System.Globalization;

namespace Raijin.DeepSpeed;

// The optimizer and the scheduler, by DeepSpeed's names and parameters.
sealed partial class RunResolver
{
    const string P = "optimizer.params.";
    const string S = "scheduler.params.";

    DeepSpeedOptimizer? Optimizer()
    {
        if (!_values.Has("optimizer.type"))
        {
            if (check.Present.Contains("optimizer") && _values.Given("optimizer.type") is null && !_errors.Exists(error => error.Key == "optimizer.type")) Fault("optimizer.type", "is missing: which optimizer?");
            return null;
        }
        var type = _values.Text("optimizer.type")!;
        if (DeepSpeedOptimizer.NameOf(type) is not { } name)
        {
            Fault("optimizer.type", DeepSpeedOptimizer.Nearest(type) is { } nearest ? $"= {type} is unknown; did you mean {nearest}?" : $"= {type} is unknown; known: {string.Join(", ", DeepSpeedOptimizer.Known)}");
            return null;
        }
        var (beta1, beta2) = Betas(name == "Lion" ? 0.99 : 0.999);
        var adam = name is "Adam" or "AdamW" or "FusedAdam" or "DeepSpeedCPUAdam";
        var optimizer = new DeepSpeedOptimizer
        {
            Type = type,
            LearningRate = MuonRate() ?? _values.Optional(P + "lr", facts.LearningRate) ?? name switch { "Lion" => 1e-4, "Adagrad" or "RMSprop" => 1e-2, "Adadelta" => 1, "NAdam" or "Adamax" => 2e-3, "Muon" => 0.02, _ => 1e-3 },
            Beta1 = beta1,
            Beta2 = beta2,
            Epsilon = _values.Optional(P + "eps", facts.Epsilon) ?? name switch { "Adagrad" => 1e-10, "Adadelta" => 1e-6, _ => 1e-8 },
            // torch.optim.AdamW decays by 0.01 where nothing is said, DeepSpeed's own by nothing.
            WeightDecay = _values.Optional(P + "weight_decay", facts.WeightDecay) ?? (adam && _values.Flag(P + "torch_adam") && (name == "AdamW" || _values.Flag(P + "adam_w_mode")) ? 0.01 : 0),
            Decoupled = name == "AdamW" || _values.Flag(P + "adam_w_mode"),
            Momentum = _values.Optional(P + "momentum") ?? (name == "Muon" ? 0.95 : 0),
            Dampening = _values.Number(P + "dampening"),
            Nesterov = _values.Flag(P + "nesterov"),
            Alpha = _values.Number(P + "alpha"),
        };
        if (optimizer.Nesterov && (optimizer.Momentum == 0 || optimizer.Dampening != 0)) Fault(P + "nesterov", "= true needs a momentum and no dampening");
        if (!optimizer.IsAvailable) Refuse("optimizer.type", $"= {type} is not available: no run chooses it yet. In its place: AdamW, with strategy.gradientCodec = int4 for fewer bytes between ranks");
        var algorithm = adam ? optimizer.Decoupled ? "AdamW" : "Adam" : name;
        _becomes["optimizer.type"] = optimizer.IsAvailable ? $"Optimizers.{algorithm}" : "not available; instead AdamW";
        foreach (var (path, value) in (ReadOnlySpan<(string, double)>)[("lr", optimizer.LearningRate), ("eps", optimizer.Epsilon), ("weight_decay", optimizer.WeightDecay)])
            _becomes[P + path] = value.ToString("R", CultureInfo.InvariantCulture);
        _becomes[P + "betas"] = Text($"{optimizer.Beta1}, {optimizer.Beta2}");
        return optimizer;
    }

    (double, double) Betas(double second)
    {
        if (_values.Auto(P + "betas"))
        {
            _values.Filled[P + "betas"] = Text($"[{facts.Beta1}, {facts.Beta2}]");
            return (facts.Beta1, facts.Beta2);
        }
        var betas = _values.Numbers(P + "betas", out var problem);
        if (problem is null && betas is not null && (betas.Count is < 2 or > 3 || betas.Any(beta => beta is < 0 or >= 1))) problem = "are two numbers of at least 0 and below 1";
        if (problem is not null) Fault(P + "betas", problem);
        return betas is null || problem is not null ? (0.9, second) : (betas[0], betas[1]);
    }

    double? MuonRate()
    {
        double? muon = _values.Optional(P + "muon_lr", facts.LearningRate), adam = _values.Optional(P + "adam_lr", facts.LearningRate);
        if (muon is { } m && adam is { } a && m != a) Refuse(P + "adam_lr", Text($"= {a} beside muon_lr = {m} is not available: Muon has one rate for matrices and the rest. In its place: one lr"));
        return muon ?? adam;
    }

    DeepSpeedSchedule? Scheduler(DeepSpeedOptimizer? optimizer)
    {
        if (!_values.Has("scheduler.type"))
        {
            if (check.Present.Contains("scheduler") && _values.Given("scheduler.type") is null && !_errors.Exists(error => error.Key == "scheduler.type")) Fault("scheduler.type", "is missing: which schedule?");
            return null;
        }
        var type = _values.Text("scheduler.type")!;
        var errors = _errors.Count;
        var made = type switch
        {
            "WarmupLR" => Warmup(type, decays: false, optimizer),
            "WarmupDecayLR" => Warmup(type, decays: true, optimizer),
            "WarmupCosineLR" => WarmupCosine(type),
            "OneCycle" => OneCycle(type),
            _ => RangeTest(type),
        };
        if (errors == _errors.Count && made is not null)
            _becomes["scheduler.type"] = $"DeepSpeedSchedules.{type switch { "WarmupLR" => "Warmup", "WarmupDecayLR" => "WarmupDecay", "WarmupCosineLR" => "WarmupCosine", "OneCycle" => "OneCycle", _ => "RangeTest" }}";
        return made;
    }

    DeepSpeedSchedule? Warmup(string type, bool decays, DeepSpeedOptimizer? optimizer)
    {
        // WarmupDecayLR keeps the default that WarmupLR gave up.
        double? highest = _values.Optional(S + "warmup_max_lr", facts.LearningRate) ?? (decays ? 0.001 : optimizer?.LearningRate);
        var lowest = _values.Optional(S + "warmup_min_lr", 0) ?? 0;
        var steps = Math.Max(1, _values.Whole(S + "warmup_num_steps", facts.WarmupSteps));
        var total = _values.OptionalWhole(S + "total_num_steps", facts.TotalSteps);
        if (decays && total is null && !_values.Auto(S + "total_num_steps")) Fault(S + "total_num_steps", $"is missing: {type} needs the updates of the whole run");
        if (decays && total < steps) Warn(S + "total_num_steps", Text($"= {total} is below warmup_num_steps = {steps}: the rate never reaches its highest"));
        if (Share(S + "warmup_min_lr", lowest, highest) is not { } share) return null;
        var growth = _values.Text(S + "warmup_type") == "linear" ? WarmupGrowth.Linear : WarmupGrowth.Logarithmic;
        return new(type, decays ? DeepSpeedSchedules.WarmupDecay(steps, share, growth, total) : DeepSpeedSchedules.Warmup(steps, share, growth), highest);
    }

    DeepSpeedSchedule? WarmupCosine(string type)
    {
        var total = _values.OptionalWhole(S + "total_num_steps", facts.TotalSteps);
        if (total is null && !_values.Auto(S + "total_num_steps"))
        {
            Fault(S + "total_num_steps", $"is missing: {type} needs the updates of the whole run");
            return null;
        }
        var growth = _values.Text(S + "warmup_type") == "linear" ? WarmupGrowth.Linear : WarmupGrowth.Logarithmic;
        var steps = Math.Max(1, _values.Whole(S + "warmup_num_steps", facts.WarmupSteps));
        return new(type, DeepSpeedSchedules.WarmupCosine(steps, _values.Number(S + "warmup_min_ratio"), _values.Number(S + "cos_min_ratio"), growth, total), null);
    }

    DeepSpeedSchedule? OneCycle(string type)
    {
        double? lowest = _values.Optional(S + "cycle_min_lr"), highest = _values.Optional(S + "cycle_max_lr");
        if (lowest is null) Fault(S + "cycle_min_lr", $"is missing: {type} needs the lowest rate of its cycle");
        if (highest is null) Fault(S + "cycle_max_lr", $"is missing: {type} needs the highest rate of its cycle");
        double minMomentum = _values.Number(S + "cycle_min_mom"), maxMomentum = _values.Number(S + "cycle_max_mom");
        var cycles = _values.Flag(S + "cycle_momentum");
        if (cycles && !(minMomentum > 0 && minMomentum <= maxMomentum && maxMomentum < 1))
        {
            Fault(S + "cycle_min_mom", Text($"= {minMomentum} and cycle_max_mom = {maxMomentum}: both above 0 and below 1, the first not above the second"));
            return null;
        }
        if (lowest is null || highest is null || Share(S + "cycle_min_lr", lowest.Value, highest) is not { } share) return null;
        return new(type, DeepSpeedSchedules.OneCycle(
            share, _values.Whole(S + "cycle_first_step_size"), _values.OptionalWhole(S + "cycle_second_step_size"), Int(_values.Whole(S + "cycle_first_stair_count")),
            _values.OptionalWhole(S + "cycle_second_stair_count") is { } stairs ? Int(stairs) : null, _values.Whole(S + "decay_step_size"), _values.Number(S + "decay_lr_rate"),
            cycles, minMomentum, maxMomentum, _values.Number(S + "decay_mom_rate")), highest);
    }

    DeepSpeedSchedule RangeTest(string type) => new(
        type,
        DeepSpeedSchedules.RangeTest(_values.Whole(S + "lr_range_test_step_size"), _values.Number(S + "lr_range_test_step_rate"), _values.Flag(S + "lr_range_test_staircase")),
        _values.Number(S + "lr_range_test_min_lr"));

    // What a schedule's lowest rate is of its highest; without an optimizer in the file, of one yet unknown.
    double? Share(string path, double lowest, double? highest)
    {
        if (lowest == 0) return 0;
        if (highest is not > 0)
        {
            Fault(path, Text($"= {lowest} is a share of the highest rate, which is {(highest is null ? "not given" : "0")}: give it"));
            return null;
        }
        if (lowest <= highest) return lowest / highest;
        Refuse(path, Text($"= {lowest} is not available: it is above the highest rate of {highest}. In its place: a lowest rate of 0"));
        return null;
    }
}
