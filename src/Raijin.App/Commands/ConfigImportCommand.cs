using System.CommandLine;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin config import FILE --world N</c>: what each key of a DeepSpeed configuration becomes, and the configuration of Raijin's that says the same; exit code 2 when the file is wrong.</summary>
sealed class ConfigImportCommand : CliCommand
{
    const string Verb = "config import";

    readonly Argument<string> _file = new("FILE") { Description = "A ds_config.json", Arity = ArgumentArity.ExactlyOne };
    readonly Option<int> _world = new("--world") { Description = "How many ranks train together (default: 1)", HelpName = "N", DefaultValueFactory = _ => 1 };
    readonly Option<string> _output = new("--output") { Description = "Where to write Raijin's configuration (default: printed)", HelpName = "FILE" };
    readonly Option<long?> _micro = new("--micro-batch") { Description = "Fills in \"auto\": samples of a forward pass (default: 8)", HelpName = "N" };
    readonly Option<long?> _accumulation = new("--accumulation") { Description = "Fills in \"auto\": forward passes of a step (default: 1)", HelpName = "N" };
    readonly Option<string> _precision = new("--precision") { Description = "Fills in \"auto\": the arithmetic (default: float32)", HelpName = "NAME" };
    readonly Option<double?> _rate = new("--learning-rate") { Description = "Fills in \"auto\": the learning rate (default: 5e-5)", HelpName = "RATE" };
    readonly Option<double?> _decay = new("--weight-decay") { Description = "Fills in \"auto\": weight decay (default: 0)", HelpName = "DECAY" };
    readonly Option<long?> _steps = new("--steps") { Description = "Fills in \"auto\": updates of the run", HelpName = "N" };
    readonly Option<long?> _hidden = new("--hidden") { Description = "Fills in \"auto\": the model's width", HelpName = "N" };

    /// <summary>Makes the command.</summary>
    public ConfigImportCommand() : base("import", "Says what a DeepSpeed configuration becomes")
    {
        Arguments.Add(_file);
        foreach (var option in (Option[])[_world, _output, _micro, _accumulation, _precision, _rate, _decay, _steps, _hidden]) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "raijin config import ds_config.json --world 2",
        "raijin config import ds_config.json --world 8 --micro-batch 4 --precision bfloat16 --output raijin.yaml",
    ];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = invocation.UsageFaults.ToList();
        var precision = Precision.Float32;
        if (invocation.Text(_precision) is { } name && !Precision.TryParse(name, null, out precision!)) faults.Add(new($"--precision = {name}", $"allowed: {string.Join(", ", Precision.All)}"));
        foreach (var (option, value) in (ReadOnlySpan<(Option, double?)>)[(_world, invocation.Get(_world)), (_micro, invocation.Get(_micro)), (_accumulation, invocation.Get(_accumulation)), (_rate, invocation.Get(_rate)), (_steps, invocation.Get(_steps)), (_hidden, invocation.Get(_hidden))])
            if (value is <= 0 or double.NaN or double.PositiveInfinity) faults.Add(new($"{option.Name} = {invocation.Text(option)}", "allowed: above 0"));
        if (invocation.Get(_decay) is < 0 or double.NaN or double.PositiveInfinity) faults.Add(new($"{_decay.Name} = {invocation.Text(_decay)}", "allowed: 0 and more"));
        InvalidOptionsException.ThrowIfAny(faults);

        var file = invocation.Get(_file)!;
        var world = invocation.Get(_world);
        var standard = new DeepSpeedFacts();
        var facts = standard with
        {
            MicroBatchSize = invocation.Get(_micro) ?? standard.MicroBatchSize,
            GradientAccumulation = invocation.Get(_accumulation) ?? standard.GradientAccumulation,
            Precision = precision,
            LearningRate = invocation.Get(_rate) ?? standard.LearningRate,
            WeightDecay = invocation.Get(_decay) ?? standard.WeightDecay,
            TotalSteps = invocation.Get(_steps),
            HiddenSize = invocation.Get(_hidden),
        };
        var config = DeepSpeedConfig.Parse(DeepSpeedConfig.TextOf(file), file, out var errors);
        var run = config?.Resolve(world, facts, out errors);
        var exitCode = errors.Count == 0 ? ExitCodes.Success : ExitCodes.Usage;
        if (errors.Count > 0 && !invocation.Terminal.Json) throw new InvalidOptionsException(DeepSpeedConfig.Faults(file, errors));

        if (run is not null && errors.Count == 0)
        {
            DeepSpeedReport.PrintAll(invocation.Terminal.Human, file, run);
            Save(invocation, run);
        }
        JsonReport.Write(invocation.Terminal, Verb, exitCode, json => DeepSpeedReport.WriteJson(json, file, world, run, errors));
        return exitCode;
    }

    void Save(Invocation invocation, DeepSpeedRun run)
    {
        var yaml = ConfigWriter.ToYaml(DeepSpeedLayer.Of(run.Settings, invocation.Get(_file)!));
        var human = invocation.Terminal.Human;
        human.Write("\n");
        if (invocation.Text(_output) is not { } output)
        {
            human.MarkupLine("The same as a configuration of Raijin's".In(Palette.Heading));
            human.Write(string.Concat(yaml.TrimEnd('\n').Split('\n').Select(line => $"  {line}\n")));
            PrintUnsaid(human, run);
            return;
        }
        try
        {
            File.WriteAllText(output, yaml);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidOptionsException([new($"--output = {output}", $"can't be written: {error.Message}")]);
        }
        human.MarkupLine($"Written to {Markup.Escape(output)}.");
        PrintUnsaid(human, run);
    }

    static void PrintUnsaid(IAnsiConsole console, DeepSpeedRun run)
    {
        if (run.Unsaid.Count == 0) return;
        console.MarkupLine($"Not in it, for it has no key: {string.Join(", ", run.Unsaid.Select(unsaid => $"{unsaid.Key} ({unsaid.Option})"))}. `raijin fit TASK --deepspeed` has it.".In(Palette.Warn));
    }
}
