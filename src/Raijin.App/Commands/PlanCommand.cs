using System.CommandLine;

namespace Raijin.App;

/// <summary><c>raijin plan --model gpt2-xl --ranks 8</c>: memory and communication of each rank, for every stage, before anything runs.</summary>
sealed class PlanCommand : CliCommand
{
    static readonly IReadOnlyDictionary<string, Precision> Precisions = new OrderedDictionary<string, Precision>(StringComparer.OrdinalIgnoreCase)
    {
        ["float32"] = Precision.Float32,
        ["bfloat16"] = Precision.BFloat16,
        ["bf16"] = Precision.BFloat16,
        ["bfloat16-autocast"] = Precision.BFloat16Autocast,
        ["float16"] = Precision.Float16,
    };

    readonly Option<string> _model = new("--model") { Description = $"{string.Join(", ", GptOptions.Presets.Keys)}, a GPT's .json, a checkpoint's folder or .safetensors, or a number of parameters: 7.5B", HelpName = "MODEL", Required = true };
    readonly PlanQuestion _question;
    readonly Option<string> _precision = new("--precision") { Description = $"{string.Join(", ", Precisions.Keys)} (default: float32)", HelpName = "NAME" };
    readonly Option<string> _optimizer = new("--optimizer") { Description = $"{string.Join(", ", PlannedOptimizer.Choices.Keys)} (default: adamW)", HelpName = "NAME" };

    readonly Option<string> _calibrate = new("--calibrate") { Description = "Predict a GPT's step time on this machine, by the speeds in FILE: read, or measured for two seconds and written", HelpName = "FILE" };
    readonly Option<int?> _samples = new("--samples") { Description = "Sequences of a rank's microbatch, for --calibrate (default: 1)", HelpName = "N" };

    /// <summary>Makes the command.</summary>
    public PlanCommand() : base("plan", "Says what memory and communication training would take on each rank")
    {
        _model.CompletionSources.Add([.. GptOptions.Presets.Keys]);
        _precision.CompletionSources.Add([.. Precisions.Keys]);
        _optimizer.CompletionSources.Add([.. PlannedOptimizer.Choices.Keys]);
        Options.Add(_model);
        _question = new PlanQuestion(this);
        Options.Add(_precision);
        Options.Add(_optimizer);
        Options.Add(_calibrate);
        Options.Add(_samples);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "raijin plan --model gpt2-xl --ranks 8 --precision bf16 --memory 24GB",
        "raijin plan --model 7.5B --ranks 64 --precision bf16 --strategy zero3",
        "raijin plan --model runs/1 --ranks 4 --json",
        "raijin plan --model gpt2-small --ranks 2 --calibrate machine.json --samples 2",
    ];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = invocation.UsageFaults.ToList();
        var precision = Choice(invocation, _precision, Precisions, "float32", faults);
        var optimizer = Choice(invocation, _optimizer, PlannedOptimizer.Choices, "adamW", faults);
        var request = _question.Read(invocation, precision, PlannedOptimizer.StateBytes(optimizer)!.Value, faults);
        var model = invocation.Text(_model) ?? "";
        var shape = model.Length > 0 ? Find(model, faults) : null;
        var gpt = model.Length > 0 && shape is not null ? PlannedModel.Gpt(model) : null;
        var samples = invocation.Text(_samples) is null ? 1 : invocation.Get(_samples) ?? 1;
        var file = invocation.Text(_calibrate);
        if (samples < 1) faults.Add(new($"--samples = {samples}", "allowed: 1 and more"));
        if (file is null && invocation.Text(_samples) is not null) faults.Add(new("--samples", "has an effect with --calibrate only"));
        if (file is not null) faults.AddRange(PlannedTime.Faults(gpt, model, request.Ranks, shape));
        InvalidOptionsException.ThrowIfAny(faults);
        if (file is not null) request = request with { Time = PlannedTime.Of(gpt!, samples, file, request) };

        var report = new PlanReport(model, shape!, request);
        report.Print(invocation.Terminal.Human);
        JsonReport.Write(invocation.Terminal, "plan", ExitCodes.Success, report.WriteJson);
        return ExitCodes.Success;
    }

    static ModelShape? Find(string model, List<OptionFault> faults)
    {
        try
        {
            return PlannedModel.Find(model);
        }
        catch (InvalidOptionsException error)
        {
            faults.AddRange(error.Faults);
            return null;
        }
    }

    static T Choice<T>(Invocation invocation, Option<string> option, IReadOnlyDictionary<string, T> choices, string otherwise, List<OptionFault> faults)
    {
        if (choices.TryGetValue(invocation.Text(option) ?? otherwise, out var choice)) return choice;
        faults.Add(new($"{option.Name} = {invocation.Text(option)}", $"allowed: {string.Join(", ", choices.Keys)}"));
        return choices[otherwise];
    }
}
