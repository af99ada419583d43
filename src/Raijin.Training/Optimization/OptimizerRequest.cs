using System.IO.Enumeration;
using Raijin.Tensors;
using Parameter = TorchSharp.Modules.Parameter;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>One optimizer asked for.</summary>
sealed record OptimizerRequest(Module Module, OptimizerAlgorithm Algorithm, double LearningRate, double WeightDecay)
{
    public LearningRateSchedule Schedule { get; init; } = Schedules.Constant;

    public IReadOnlyList<AdaptiveSchedule> Adaptive { get; init; } = [];

    public IReadOnlyList<GroupRule> Rules { get; init; } = [];

    /// <summary>Name patterns of parameters without weight decay, whatever their group.</summary>
    public IReadOnlyList<string> NoDecay { get; init; } = [];

    public bool NoDecayOnNormsAndBiases { get; init; }

    /// <summary>Sorts the module's parameters into groups, each with its schedule: those that no rule names, then those of each rule; behind either, its members that decay is taken off.</summary>
    public List<ScheduledGroup> Groups()
    {
        var normsAndBiases = NoDecayOnNormsAndBiases ? NormsAndBiases.Of(Module) : [];
        var groups = new SortedDictionary<(int Rule, bool Exempt), List<KeyValuePair<string, Parameter>>>();
        foreach (var (name, parameter) in Module.named_parameters())
        {
            if (!parameter.requires_grad) continue;
            var rule = RuleOf(name);
            var exempt = DecayOf(rule) != 0 && (normsAndBiases.Contains(name) || Matches(NoDecay, name));
            if (!groups.TryGetValue((rule, exempt), out var members)) groups.Add((rule, exempt), members = []);
            members.Add(new(name, parameter));
        }
        return [.. groups.Select(group => Group(group.Key.Rule, group.Key.Exempt, group.Value))];
    }

    /// <summary>What of its schedules this run cannot have.</summary>
    public IEnumerable<string> ScheduleFaults(long? totalSteps, long? stepsPerEpoch)
    {
        List<LearningRateSchedule> schedules = [Schedule, .. Rules.Select(r => r.Schedule).OfType<LearningRateSchedule>()];
        if (totalSteps is null && schedules.Exists(s => s.NeedsTotalSteps))
            yield return "its schedule needs the number of steps of the run, which is unknown: set maxSteps, or maxEpochs with a loader of known length";
        if (stepsPerEpoch is null && schedules.Exists(s => s.NeedsStepsPerEpoch))
            yield return "its schedule counts epochs, and the number of steps in one is unknown: use a loader of known length, or a schedule that counts steps";
        if (Algorithm.CyclableMomentum is null && schedules.Exists(s => s.CyclesMomentum))
            yield return $"its schedule cycles the momentum, and this {Algorithm.GetType().Name} has none: give the optimizer a momentum, or the schedule cycleMomentum: false";
    }

    /// <summary>Patterns that match no parameter: most likely a spelling mistake.</summary>
    public IEnumerable<string> UnmatchedPatterns()
    {
        var names = Module.named_parameters().Select(p => p.name).ToList();
        return Rules.SelectMany(r => r.Patterns).Concat(NoDecay).Where(pattern => !names.Exists(name => Matches([pattern], name)));
    }

    ScheduledGroup Group(int rule, bool exempt, List<KeyValuePair<string, Parameter>> members)
    {
        var decay = exempt ? 0 : DecayOf(rule);
        if (rule < 0) return new(new(exempt ? "no decay" : "default", members, LearningRate, decay), Schedule);
        var (name, _, scale, _, schedule) = Rules[rule];
        return new(new(exempt ? $"{name}, no decay" : name, members, LearningRate * scale, decay), schedule ?? Schedule);
    }

    // -1: no rule names it.
    int RuleOf(string parameter)
    {
        for (var i = 0; i < Rules.Count; i++)
            if (Matches(Rules[i].Patterns, parameter)) return i;
        return -1;
    }

    double DecayOf(int rule) => rule < 0 ? WeightDecay : Rules[rule].WeightDecay ?? WeightDecay;

    static bool Matches(IReadOnlyList<string> patterns, string parameter)
    {
        foreach (var pattern in patterns)
            if (FileSystemName.MatchesSimpleExpression(pattern, parameter, ignoreCase: true)) return true;
        return false;
    }
}

/// <summary>Parameters chosen by name, and what is special about them.</summary>
sealed record GroupRule(string Name, IReadOnlyList<string> Patterns, double LearningRateScale, double? WeightDecay, LearningRateSchedule? Schedule);

/// <summary>A parameter group at its base rate, and the schedule of that rate.</summary>
sealed record ScheduledGroup(ParameterGroup Parameters, LearningRateSchedule Schedule);
