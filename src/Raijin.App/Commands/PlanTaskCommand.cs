using System.CommandLine;

namespace Raijin.App;

/// <summary><c>mydigits plan --ranks 8</c>: the same for a program's own module, as its configuration makes it.</summary>
sealed class PlanTaskCommand : TaskCommand
{
    readonly PlanQuestion _question;
    readonly Option<long?> _stateBytes = new("--state-bytes") { Description = "Bytes the optimizer keeps for each parameter (default: the configured one's; 8, as Adam's, where configuration has none)", HelpName = "N" };

    /// <summary>Plans <paramref name="task"/>.</summary>
    public PlanTaskCommand(LearningTask task) : base("plan", "Says what memory and communication training would take on each rank", task, without: ["--devices", "--strategy"])
    {
        _question = new PlanQuestion(this);
        Options.Add(_stateBytes);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"{Typed} --ranks 8 --memory 24GB", $"{Typed} --ranks 8 --trainer.precision bfloat16 --strategy zero3"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var config = Config.Resolve(invocation, complete: false).Options;
        var faults = new List<OptionFault>();
        var request = _question.Read(invocation, config.Trainer.Precision, StateBytes(invocation, config, faults), faults);
        InvalidOptionsException.ThrowIfAny(faults);

        var report = new PlanReport(Learning.Name, Learning.Measure(config), request);
        report.Print(invocation.Terminal.Human);
        JsonReport.Write(invocation.Terminal, Reported, ExitCodes.Success, report.WriteJson);
        return ExitCodes.Success;
    }

    long StateBytes(Invocation invocation, TaskConfig config, List<OptionFault> faults)
    {
        const long adam = 8;
        if (invocation.Get(_stateBytes) is { } given)
        {
            if (given < 0) faults.Add(new($"--state-bytes = {given}", "allowed: 0 and more"));
            return given;
        }
        if (config.Optimizer is not { } optimizer) return adam;
        if (PlannedOptimizer.StateBytes(optimizer) is { } known) return known;
        faults.Add(new("--state-bytes", $"is needed: what {optimizer.GetType().Name} keeps for each parameter is not known"));
        return adam;
    }
}
