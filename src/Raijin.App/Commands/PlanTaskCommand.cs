using System.CommandLine;

namespace Raijin.App;

/// <summary><c>mydigits plan --ranks 8</c>: the same for a program's own module, as its configuration makes it.</summary>
sealed class PlanTaskCommand : TaskCommand
{
    readonly PlanQuestion _question;
    readonly Option<long?> _stateBytes = new("--state-bytes") { Description = "Bytes the optimizer keeps for each parameter (default: the configured one's, or with --calibrate what it was seen to keep; 8, as Adam's, where configuration has none)", HelpName = "N" };

    readonly Option<string> _calibrate = new("--calibrate") { Description = "Predict the time of a step on this machine too, and count activations: runs two steps of the task, and reads the machine's speeds from FILE, or measures and writes them", HelpName = "FILE" };

    /// <summary>Plans <paramref name="task"/>.</summary>
    public PlanTaskCommand(LearningTask task) : base("plan", "Says what memory and communication training would take on each rank", task, without: ["--devices", "--strategy"])
    {
        _question = new PlanQuestion(this);
        Options.Add(_stateBytes);
        Options.Add(_calibrate);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"{Typed} --ranks 8 --memory 24GB", $"{Typed} --ranks 8 --trainer.precision bfloat16 --strategy zero3", $"{Typed}{Learning.RequiredArguments} --ranks 2 --calibrate machine.json"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var file = invocation.Text(_calibrate);
        // Steps need their data; parameters don't.
        var config = Config.Resolve(invocation, complete: file is not null).Options;
        var faults = new List<OptionFault>();
        var request = _question.Read(invocation, config.Trainer.Precision, StateBytes(invocation, config, isRecorded: file is not null, faults), faults);
        if (file is not null) faults.AddRange(PlannedTime.Faults(request.Ranks));
        InvalidOptionsException.ThrowIfAny(faults);

        var shape = Learning.Measure(config);
        if (file is not null)
        {
            var step = Learning.RecordStep(config);
            if (invocation.Text(_stateBytes) is null) request = request with { Options = request.Options with { StateBytes = step.StateBytes } };
            request = request with { Time = PlannedTime.Of(step.Work, file, request) };
        }
        var report = new PlanReport(Learning.Name, shape, request);
        report.Print(invocation.Terminal.Human);
        JsonReport.Write(invocation.Terminal, Reported, ExitCodes.Success, report.WriteJson);
        return ExitCodes.Success;
    }

    long StateBytes(Invocation invocation, TaskConfig config, bool isRecorded, List<OptionFault> faults)
    {
        const long adam = 8;
        if (invocation.Get(_stateBytes) is { } given)
        {
            if (given < 0) faults.Add(new($"--state-bytes = {given}", "allowed: 0 and more"));
            return given;
        }
        if (config.Optimizer is not { } optimizer || isRecorded) return adam;
        if (PlannedOptimizer.StateBytes(optimizer) is { } known) return known;
        faults.Add(new("--state-bytes", $"is needed: what {optimizer.GetType().Name} keeps for each parameter is not known"));
        return adam;
    }
}
