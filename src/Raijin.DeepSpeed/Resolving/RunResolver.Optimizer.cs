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
            BiasCorrection = _values.Flag(P + "bias_correction"),
            LeastTrust = _values.Number(P + "min_coeff"),
            MostTrust = _values.Number(P + "max_coeff"),
            Momentum = _values.Optional(P + "momentum") ?? (name == "Muon" ? 0.95 : 0),
            Dampening = _values.Number(P + "dampening"),
            Nesterov = _values.Flag(P + "nesterov"),
            Alpha = _values.Number(P + "alpha"),
            FreezeSteps = _values.Whole(P + "freeze_step"),
        };
        if (optimizer.MostTrust < optimizer.LeastTrust) Fault(P + "max_coeff", Text($"= {optimizer.MostTrust} is below min_coeff = {optimizer.LeastTrust}"));
        if (name != "Adam") _quiet.Add("optimizer.type");
        if (name == "OneBitAdam") Off(P + "bias_correction", "1-bit Adam has none, as there");
        else if (!optimizer.BiasCorrection && !adam && name is not ("Lamb" or "FusedLamb")) NoEffect(P + "bias_correction", $"on {type}");
        if (optimizer.Nesterov && (optimizer.Momentum == 0 || optimizer.Dampening != 0)) Fault(P + "nesterov", "= true needs a momentum and no dampening");
        if (!optimizer.IsAvailable) Refuse("optimizer.type", $"= {type} is not available: it is not there. In its place: {DeepSpeedOptimizer.Instead(name)}");
        var algorithm = adam ? optimizer.Decoupled ? "AdamW" : "Adam" : name;
        _becomes["optimizer.type"] = optimizer.IsAvailable ? $"Optimizers.{algorithm}" : $"not available; instead {DeepSpeedOptimizer.Instead(name)}";
        foreach (var (path, value) in (ReadOnlySpan<(string, double)>)[("lr", optimizer.LearningRate), ("eps", optimizer.Epsilon), ("weight_decay", optimizer.WeightDecay)])
            _becomes[P + path] = value.ToString("R", CultureInfo.InvariantCulture);
        _becomes[P + "betas"] = Text($"{optimizer.Beta1}, {optimizer.Beta2}");
        if (adam) _becomes[P + "adam_w_mode"] = $"Optimizers.{algorithm}";
        if (!optimizer.IsAvailable) return optimizer;
        var kind = adam ? optimizer.Decoupled ? "adamW" : "adam" : name switch { "SGD" => "sgd", "RMSprop" => "rmsProp", "Lion" => "lion", "Adagrad" => "adagrad", "Lamb" or "FusedLamb" => "lamb", "Muon" => "muon", "OneBitAdam" => "oneBitAdam", _ => null };
        // The rest of torch.optim has no name in a configuration yet; a run takes it all the same.
        if (kind is null) return optimizer;
        Sets("optimizer.type", "optimizer.kind", kind);
        if (kind is "adamW" or "adam" or "lion" or "lamb" or "oneBitAdam")
        {
            Sets(P + "betas", "optimizer.beta1", Number(optimizer.Beta1));
            Sets(P + "betas", "optimizer.beta2", Number(optimizer.Beta2));
        }
        if (kind is "oneBitAdam") Sets(P + "freeze_step", "optimizer.freezeSteps", optimizer.FreezeSteps);
        if (kind is "adamW" or "adam" or "lamb" or "adagrad" or "rmsProp" or "oneBitAdam") Sets(P + "eps", "optimizer.epsilon", Number(optimizer.Epsilon));
        if (kind is "adamW" or "adam" or "lamb") Sets(P + "bias_correction", "optimizer.biasCorrection", optimizer.BiasCorrection ? "true" : "false");
        if (kind is "lamb")
        {
            Sets(P + "min_coeff", "optimizer.leastTrust", optimizer.LeastTrust);
            Sets(P + "max_coeff", "optimizer.mostTrust", optimizer.MostTrust);
        }
        if (kind is "sgd" or "rmsProp" or "muon") Sets(P + "momentum", "optimizer.momentum", Number(optimizer.Momentum));
        if (kind is "rmsProp") Sets(P + "alpha", "optimizer.alpha", Number(optimizer.Alpha));
        if (kind is "muon") Sets("optimizer.type", "optimizer.matchAdamW", "false");
        if (kind is "sgd")
        {
            Sets(P + "nesterov", "optimizer.nesterov", optimizer.Nesterov ? "true" : "false");
            Sets(P + "dampening", "optimizer.dampening", optimizer.Dampening);
        }
        Sets(P + "weight_decay", "optimizer.weightDecay", Number(optimizer.WeightDecay));
        // DeepSpeed decays every parameter.
        Sets("optimizer.type", "optimizer.noDecayOn", RunSetting.Nothing);
        return optimizer;
    }

    void Sets(string path, string setting, string value) => _settings.Add(new(setting, value, _values.Given(path)?.At.Line ?? 0, _values.Given(path)?.Written ?? path));

    void Sets(string path, string setting, double value) => Sets(path, setting, Number(value));

    void Sets(string path, string setting, long value) => Sets(path, setting, Text($"{value}"));

    static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

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
            if (optimizer is null) return null;
            // Nobody changes the rate there.
            Sets("optimizer.type", "schedule.kind", "constant");
            Sets(P + "lr", "optimizer.learningRate", optimizer.LearningRate);
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
        if ((made?.BaseRate ?? optimizer?.LearningRate) is { } rate) Sets(made?.BaseRate is null ? P + "lr" : RateKey(type), "optimizer.learningRate", rate);
        return made;
    }

    // The key that gives a schedule its base rate; without it, the optimizer's.
    string RateKey(string type)
    {
        var key = S + type switch { "OneCycle" => "cycle_max_lr", "LRRangeTest" => "lr_range_test_min_lr", _ => "warmup_max_lr" };
        return _values.Given(key) is null ? P + "lr" : key;
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
        Sets("scheduler.type", "schedule.kind", decays ? "deepSpeedWarmupDecay" : "deepSpeedWarmup");
        Sets(S + "warmup_num_steps", "schedule.warmupSteps", steps);
        Sets(S + "warmup_min_lr", "schedule.minimum", share);
        Sets(S + "warmup_type", "schedule.growth", GrowthName(growth));
        if (decays && total is { } length) Sets(S + "total_num_steps", "schedule.steps", length);
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
        Sets("scheduler.type", "schedule.kind", "deepSpeedWarmupCosine");
        Sets(S + "warmup_num_steps", "schedule.warmupSteps", steps);
        Sets(S + "warmup_min_ratio", "schedule.warmupMinimum", _values.Number(S + "warmup_min_ratio"));
        Sets(S + "cos_min_ratio", "schedule.cosineMinimum", _values.Number(S + "cos_min_ratio"));
        Sets(S + "warmup_type", "schedule.growth", GrowthName(growth));
        if (total is { } length) Sets(S + "total_num_steps", "schedule.steps", length);
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
        var (first, second) = (_values.Whole(S + "cycle_first_step_size"), _values.OptionalWhole(S + "cycle_second_step_size"));
        var firstStairs = Int(_values.Whole(S + "cycle_first_stair_count"));
        int? secondStairs = _values.OptionalWhole(S + "cycle_second_stair_count") is { } stairs ? Int(stairs) : null;
        var (decaySteps, decay, momentumDecay) = (_values.Whole(S + "decay_step_size"), _values.Number(S + "decay_lr_rate"), _values.Number(S + "decay_mom_rate"));
        Sets("scheduler.type", "schedule.kind", "deepSpeedOneCycle");
        Sets(S + "cycle_min_lr", "schedule.minimum", share);
        Sets(S + "cycle_first_step_size", "schedule.firstSteps", first);
        if (second is { } fall) Sets(S + "cycle_second_step_size", "schedule.secondSteps", fall);
        Sets(S + "cycle_first_stair_count", "schedule.firstStairs", (long)firstStairs);
        if (secondStairs is { } falling) Sets(S + "cycle_second_stair_count", "schedule.secondStairs", (long)falling);
        Sets(S + "decay_step_size", "schedule.decaySteps", decaySteps);
        Sets(S + "decay_lr_rate", "schedule.decayRate", decay);
        Sets(S + "cycle_momentum", "schedule.cycleMomentum", cycles ? "true" : "false");
        Sets(S + "cycle_min_mom", "schedule.minMomentum", minMomentum);
        Sets(S + "cycle_max_mom", "schedule.maxMomentum", maxMomentum);
        Sets(S + "decay_mom_rate", "schedule.momentumDecayRate", momentumDecay);
        return new(type, DeepSpeedSchedules.OneCycle(share, first, second, firstStairs, secondStairs, decaySteps, decay, cycles, minMomentum, maxMomentum, momentumDecay), highest);
    }

    DeepSpeedSchedule RangeTest(string type)
    {
        var (steps, rate, staircase) = (_values.Whole(S + "lr_range_test_step_size"), _values.Number(S + "lr_range_test_step_rate"), _values.Flag(S + "lr_range_test_staircase"));
        Sets("scheduler.type", "schedule.kind", "deepSpeedRangeTest");
        Sets(S + "lr_range_test_step_size", "schedule.steps", steps);
        Sets(S + "lr_range_test_step_rate", "schedule.rate", rate);
        Sets(S + "lr_range_test_staircase", "schedule.staircase", staircase ? "true" : "false");
        return new(type, DeepSpeedSchedules.RangeTest(steps, rate, staircase), _values.Number(S + "lr_range_test_min_lr"));
    }

    static string GrowthName(WarmupGrowth growth) => growth == WarmupGrowth.Linear ? "linear" : "logarithmic";

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
