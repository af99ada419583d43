using System.Reflection;
using System.Text.Json;
using Raijin.App;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class ScheduleCommandTests
{
    [Theory]
    [InlineData("schedule-warmup-cosine.txt", "warmup-cosine", "--warmup", "10", "--minimum", "0.1", "--steps", "100", "--base-lr", "1e-3")]
    [InlineData("schedule-one-cycle.txt", "one-cycle", "--steps", "50")]
    [InlineData("schedule-step-decay-epochs.txt", "step-decay", "--every", "2", "--factor", "0.5", "--steps", "12", "--steps-per-epoch", "2")]
    public void A_schedule_is_drawn_and_listed(string golden, params string[] args)
    {
        var call = Call.Run(["schedule", .. args]);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        Golden.Match(call.Out, golden);
    }

    [Theory]
    [InlineData("help-schedule.txt", "schedule", "--help")]
    [InlineData("help-schedule-cyclic.txt", "schedule", "cyclic", "--help")]
    public void Help_lists_schedules_and_their_options(string golden, params string[] args) => Golden.Match(Call.Run(args).Out, golden);

    [Fact]
    public void As_json_every_update_is_there_to_the_last_digit()
    {
        var json = JsonDocument.Parse(Call.Run("schedule", "cyclic", "--minimum", "0.1", "--up", "7", "--steps", "300", "--base-lr", "0.3", "--json").Out).RootElement;
        var schedule = Schedules.Cyclic(0.1, 7);
        var points = Enumerable.Range(0, 300).Select(n => new SchedulePoint(n)).ToList();
        Assert.Equal(points.Select(p => 0.3 * schedule.Factor(p)), json.GetProperty("rates").EnumerateArray().Select(n => n.GetDouble()));
        Assert.Equal(points.Select(p => schedule.Momentum(p)!.Value), json.GetProperty("momenta").EnumerateArray().Select(n => n.GetDouble()));
        Assert.False(JsonDocument.Parse(Call.Run("schedule", "constant", "--steps", "3", "--json").Out).RootElement.TryGetProperty("momenta", out _));
    }

    [Theory]
    [InlineData("cosine")]
    [InlineData("one-cycle")]
    public void A_picture_is_a_png_of_its_own(string name)
    {
        using var folder = new TemporaryFolder();
        var json = JsonDocument.Parse(Call.Run("schedule", name, "--steps", "5000", "--png", folder["a/rates.png"], "--json").Out).RootElement;
        Assert.Equal(folder["a/rates.png"], json.GetProperty("png").GetString());
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(folder["a/rates.png"])[..4]);
    }

    [Theory]
    [InlineData("schedule cosine   minimum is a share of the base rate and must be in [0, 1].", "cosine", "--minimum", "2", "--steps", "10")]
    [InlineData("--steps = 0   allowed: 1 to 100,000,000", "cosine", "--steps", "0")]
    [InlineData("--base-lr = fast   allowed: a number above 0", "cosine", "--steps", "10", "--base-lr", "fast")]
    [InlineData("--minimum = 1,5   a number such as 0.1 or 1e-3 is expected", "cosine", "--steps", "10", "--minimum", "1,5")]
    [InlineData("cosin   unknown; did you mean cosine?", "cosin")]
    [InlineData("--minimm   unknown option; did you mean --minimum?", "cosine", "--steps", "10", "--minimm", "0.1")]
    public void What_is_wrong_is_exit_code_2_and_says_what_would_be_right(string expected, params string[] args)
    {
        var call = Call.Run(["schedule", .. args]);
        Assert.Equal((2, $"1 problem in the options:\n  {expected}\n"), (call.ExitCode, call.Error));
    }

    [Fact]
    public void What_must_be_given_is_asked_for_by_name()
    {
        var call = Call.Run("schedule", "cyclic");
        Assert.Equal(2, call.ExitCode);
        Assert.Equal("2 problems in the options:\n  --steps     needs a value\n  --minimum   needs a value\n", call.Error);
    }

    [Fact]
    public void Every_schedule_that_numbers_describe_has_a_name_here()
    {
        // Made of code, of other schedules, or of measured values.
        string[] others = ["Schedules.Lambda", "Schedules.Multiplicative", "Schedules.Sequential", "Schedules.Chained", "Schedules.PerEpoch", "Schedules.ReduceOnPlateau"];
        var factories = new[] { typeof(Schedules), typeof(DeepSpeedSchedules) }.SelectMany(type =>
            type.GetMembers(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly).Where(m => m is PropertyInfo or MethodInfo { IsSpecialName: false }).Select(m => $"{type.Name}.{m.Name}"));
        Assert.Equal(factories.Order(StringComparer.Ordinal), ScheduleCatalog.All().Select(e => e.Factory).Concat(others).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_sketch_puts_the_greatest_at_the_top_and_nothing_below_the_low()
    {
        // Heights 0 1 2 2 3 4 5 5 6 7 of eight dots.
        Assert.Equal(["⠀⠀⢀⠤⠊", "⡠⠒⠁⠀⠀"], BrailleSketch.Draw([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5, 2));
        // A jump is a line down to the bottom.
        Assert.Equal(["⠉⢱⠀", "⠀⢸⣀"], BrailleSketch.Draw([8, 0], 3, 2));
        Assert.Equal(["⠉⠉⠉", "⠀⠀⠀"], BrailleSketch.Draw([1, 1], 3, 2));
    }
}
