using Raijin.RankHost;

// One rank of a multi-process test: the first argument names a scenario, the others are its own. Each scenario is a class of its own file.
return args switch
{
    [var name, .. var rest] when Scenarios.All.TryGetValue(name, out var run) => run(rest),
    _ => throw new ArgumentException($"Unknown scenario: {string.Join(' ', args)}. There are: {string.Join(", ", Scenarios.All.Keys)}."),
};
