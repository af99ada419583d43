using System.CommandLine;
using System.Globalization;

namespace Raijin.App;

/// <summary>In which numbers of ranks <c>raijin launch</c> goes on when places or hosts are lost: those of a file's elastic batch, or all from the least.</summary>
sealed class LaunchElastic
{
    readonly Option<string> _file = new("--elastic") { Description = "A ds_config.json: a restart that has lost ranks or hosts goes on with the next number of ranks its elasticity allows", HelpName = "FILE" };
    readonly Option<int?> _least = new("--min-ranks") { Description = "The fewest ranks that a restart may go on with when some are lost (default: as many as at first)", HelpName = "N" };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public LaunchElastic(Command command)
    {
        command.Options.Add(_file);
        command.Options.Add(_least);
    }

    /// <summary>Whether a restart may have fewer ranks.</summary>
    public bool IsAsked(Invocation invocation) => invocation.Text(_file) is not null || invocation.Texts(_least) is not null;

    /// <summary>The numbers of ranks allowed; null where a restart has as many as the first start.</summary>
    /// <param name="invocation">The call.</param>
    /// <param name="ranks">Those of the first start; null where they are wrong.</param>
    /// <param name="restarts">How often ranks are started again.</param>
    /// <param name="faults">Gets what is wrong.</param>
    public IReadOnlyList<int>? Ranks(Invocation invocation, int? ranks, int restarts, List<OptionFault> faults)
    {
        if (!IsAsked(invocation)) return null;
        if (restarts == 0) faults.Add(new(invocation.Text(_file) is null ? _least.Name : _file.Name, "says how many ranks a restart has, and none is asked for: give --max-restarts"));
        var least = invocation.Get(_least);
        if (ranks is not { } most) return null;
        if (least is { } number && (number < 1 || number > most)) faults.Add(new(string.Create(CultureInfo.InvariantCulture, $"{_least.Name} = {number}"), string.Create(CultureInfo.InvariantCulture, $"allowed: 1 to {most}, the ranks of the first start")));
        if (invocation.Text(_file) is not { } file) return [.. Enumerable.Range(1, most).Where(count => count >= least)];
        try
        {
            if (DeepSpeedConfig.Read(file).Resolve(most).Elastic is { } batch) return [.. batch.Ranks.Where(count => count >= (least ?? 1))];
            faults.Add(new($"{_file.Name} = {file}", "has no elastic batch: switch elasticity.enabled on, or give --min-ranks"));
        }
        catch (InvalidOptionsException error)
        {
            faults.AddRange(error.Faults);
        }
        return null;
    }
}
