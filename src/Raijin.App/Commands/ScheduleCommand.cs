using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Raijin.Charts;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin schedule NAME --steps N</c>: the rates of a schedule, printed and drawn without training anything.</summary>
sealed class ScheduleCommand : CliCommand
{
    const int SketchColumns = 60;
    const int SketchRows = 8;
    const int MaxRows = 21;
    const int MaxPoints = 2000;

    readonly ScheduleEntry _entry;
    readonly Option<long> _steps = new("--steps") { Description = "Updates of the run", HelpName = "N", Required = true };
    readonly Option<string> _baseRate = new("--base-lr") { Description = "The base rate (default: 1)", HelpName = "X" };
    readonly Option<string> _png = new("--png") { Description = "Draw it into this picture too", HelpName = "FILE" };
    readonly Option<long?> _stepsPerEpoch = new("--steps-per-epoch") { Description = "Updates of an epoch: the schedule's own numbers are epochs then", HelpName = "N" };

    /// <summary>Shows <paramref name="entry"/>.</summary>
    public ScheduleCommand(ScheduleEntry entry) : base(entry.Name, entry.Summary)
    {
        _entry = entry;
        Options.Add(_steps);
        Options.Add(_baseRate);
        Options.Add(_stepsPerEpoch);
        Options.Add(_png);
        foreach (var option in entry.Options) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => [$"raijin schedule {_entry.Name} {string.Concat(_entry.Options.Where(o => o.Required).Select(o => $"{o.Name} {o.HelpName} "))}--steps 1000 --base-lr 1e-3"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        invocation.ThrowIfFaulty();
        var rates = Compute(invocation, out var momenta);
        Print(invocation.Terminal.Human, rates, momenta);
        var picture = invocation.Get(_png) is { } path ? Path.GetFullPath(path) : null;
        if (picture is not null) Chart(rates, momenta).Save(picture);
        JsonReport.Write(invocation.Terminal, "schedule " + _entry.Name, ExitCodes.Success, json =>
        {
            json.WriteString("schedule", _entry.Name);
            Write(json, "rates", rates);
            if (momenta is not null) Write(json, "momenta", momenta);
            if (picture is not null) json.WriteString("png", picture);
        });
        return ExitCodes.Success;
    }

    double[] Compute(Invocation invocation, out double[]? momenta)
    {
        var steps = invocation.Get(_steps);
        if (steps is < 1 or > 100_000_000) throw Fault($"--steps = {steps}", "allowed: 1 to 100,000,000");
        var baseRate = 1.0;
        if (invocation.Get(_baseRate) is { } text && !(double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out baseRate) && baseRate > 0 && double.IsFinite(baseRate)))
            throw Fault($"--base-lr = {text}", "allowed: a number above 0");
        var perEpoch = invocation.Get(_stepsPerEpoch);
        if (perEpoch < 1) throw Fault($"--steps-per-epoch = {perEpoch}", "allowed: 1 and more");

        LearningRateSchedule schedule;
        try
        {
            schedule = _entry.Make(invocation.Arguments);
        }
        catch (ArgumentException error)
        {
            throw Fault("schedule " + _entry.Name, error.Message.Split(" (Parameter")[0]);
        }
        if (perEpoch is not null) schedule = Schedules.PerEpoch(schedule);

        var rates = new double[steps];
        momenta = schedule.CyclesMomentum ? new double[steps] : null;
        for (var n = 0L; n < steps; n++)
        {
            var point = new SchedulePoint(n, steps, perEpoch);
            rates[n] = baseRate * schedule.Factor(point);
            if (momenta is not null) momenta[n] = schedule.Momentum(point)!.Value;
        }
        return rates;
    }

    static void Print(IAnsiConsole console, double[] rates, double[]? momenta)
    {
        var (top, bottom) = (Number(rates.Max()), Number(Math.Min(0, rates.Min())));
        var margin = Math.Max(top.Length, bottom.Length);
        foreach (var (row, line) in BrailleSketch.Draw(rates, SketchColumns, SketchRows).Index())
        {
            var label = row == 0 ? top : row == SketchRows - 1 ? bottom : "";
            console.MarkupLine($"  {label.PadLeft(margin).In(Palette.Quiet)} {line.In(Palette.Good)}");
        }
        console.Write("\n");

        var listing = momenta is null ? new Listing(Palette.Quiet, "") : new Listing(Palette.Quiet, "", "");
        listing.AddMarked(Palette.Heading, momenta is null ? ["update", "rate"] : ["update", "rate", "momentum"]);
        foreach (var n in Spread(rates.Length, MaxRows))
        {
            var update = n.ToString(CultureInfo.InvariantCulture);
            if (momenta is null) listing.Add(update, Number(rates[n]));
            else listing.Add(update, Number(rates[n]), Number(momenta[n]));
        }
        listing.Print(console);
    }

    Chart Chart(double[] rates, double[]? momenta)
    {
        var updates = Spread(rates.Length, MaxPoints).ToArray();
        LineChart Line(string label, double[] values) =>
            new() { Title = _entry.Name, XLabel = "update", YLabel = label, Curves = [new Curve("", Array.ConvertAll(updates, n => (double)n), Array.ConvertAll(updates, n => values[n]))] };
        return momenta is null ? Line("learning rate", rates) : new Panels { Charts = [Line("learning rate", rates), Line("momentum", momenta)] };
    }

    // The first, the last, and as many in between as fit, evenly.
    static IEnumerable<int> Spread(int count, int most) => Enumerable.Range(0, Math.Min(count, most)).Select(i => count <= most ? i : (int)Math.Round(i * (count - 1.0) / (most - 1)));

    static void Write(Utf8JsonWriter json, string name, double[] values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    static InvalidOptionsException Fault(string key, string message) => new([new OptionFault(key, message)]);
}
