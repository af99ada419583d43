using System.Text.Json;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Cli.Tests;

public sealed class PlanCommandTests
{
    [Theory]
    [InlineData("help-plan.txt", "--help")]
    [InlineData("plan-gpt2-xl.txt", "--model", "gpt2-xl", "--ranks", "8", "--precision", "bf16", "--memory", "6.1GB")]
    [InlineData("plan-one-rank.txt", "--model", "gpt2-small", "--ranks", "1", "--optimizer", "lion", "--strategy", "ddp", "--memory", "1GiB")]
    [InlineData("plan-hybrid.txt", "--model", "350M", "--ranks", "16", "--shard-size", "4", "--gradient-wire", "bfloat16", "--microbatches", "2", "--strategy", "zero2")]
    [InlineData("plan-nodes.txt", "--model", "350M", "--ranks", "16", "--secondary-shard-size", "4", "--weight-codec", "int8", "--gradient-codec", "int4", "--precision", "bf16", "--strategy", "zero3")]
    public void A_plan_is_a_table_of_memory_and_one_of_communication(string golden, params string[] args)
    {
        var call = Call.Run(["plan", .. args]);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        Golden.Match(call.Out, golden);
    }

    [Fact]
    public void A_model_of_7500M_parameters_on_64_ranks_takes_what_the_paper_of_ZeRO_says()
    {
        var plans = Plan("--model", "7.5B", "--ranks", "64", "--precision", "bf16").GetProperty("plans").EnumerateArray().Where(p => p.GetProperty("offload").ValueKind == JsonValueKind.Null).ToList();
        Assert.Equal(["ddp", "zero1", "zero2", "zero3"], plans.Select(p => p.GetProperty("strategy").GetString()));
        Assert.Equal([120, 31.4, 16.6, 1.9], plans.Select(p => Math.Round((Bytes(p, "parameters") + Bytes(p, "gradients") + Bytes(p, "optimizerState")) / 1e9, 1)));
        Assert.Equal([2, 2, 2, 3], plans.Select(p => Bytes(p, "moved") / 15e9));
        foreach (var plan in plans)
            Assert.Equal(Bytes(plan, "device"), Bytes(plan, "parameters") + Bytes(plan, "gradients") + Bytes(plan, "optimizerState") + Bytes(plan, "bucket") + Bytes(plan, "gathered"));
    }

    [Fact]
    public void Zero_plus_plus_takes_three_quarters_of_a_model_out_of_a_node_and_ddp_divides_nothing()
    {
        string[] question = ["--model", "1B", "--ranks", "64", "--precision", "bf16"];
        var plans = Plan([.. question, "--secondary-shard-size", "8", "--weight-codec", "int8", "--gradient-codec", "int4"]).GetProperty("plans").EnumerateArray().ToList();
        var divided = plans.First(p => p.GetProperty("strategy").GetString() == "zero3");
        Assert.Equal((1_500_000_000, 250_000_000), (Bytes(divided, "node"), Bytes(divided, "secondary")));
        Assert.Equal(0, Bytes(plans[0], "secondary"));
        Assert.Equal(4_000_000_000, Bytes(Plan([.. question, "--shard-size", "8", "--strategy", "ddp"]).GetProperty("plans")[0], "moved"));
    }

    [Fact]
    public void A_model_is_a_preset_a_file_of_options_a_checkpoint_or_a_number()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        File.WriteAllText(folder["gpt.json"], """{ "vocabulary": 256, "context": 64, "layers": 2, "heads": 2, "width": 32 }""");
        Directory.CreateDirectory(folder["hub"]);
        File.WriteAllText(folder["hub/config.json"], """{ "model_type": "gpt2", "vocab_size": 256, "n_positions": 64, "n_layer": 2, "n_head": 2, "n_embd": 32 }""");
        Directory.CreateDirectory(folder["saved"]);
        using (var model = new Gpt(GptOptions.Tiny))
        {
            List<KeyValuePair<string, Tensor>> tensors = [.. model.state_dict(), KeyValuePair.Create("transformer.h.0.attn.bias", ones(8, 8, ScalarType.Byte))];
            SafetensorsWriter.Write(folder["saved/model-00001-of-00002.safetensors"], tensors[..5]);
            SafetensorsWriter.Write(folder["saved/model-00002-of-00002.safetensors"], tensors[5..]);
            SafetensorsWriter.Write(folder["whole.safetensors"], tensors);
        }

        foreach (var path in (string[])["gpt.json", "hub", "saved", "whole.safetensors"])
        {
            var plan = Plan("--model", folder[path], "--ranks", "2");
            Assert.Equal((GptOptions.Tiny.NumParameters, 2), (plan.GetProperty("parameters").GetInt64(), plan.GetProperty("units").GetInt32()));
        }
        Assert.Equal([124_439_808, 1_500_000, 12_000], ((string[])["gpt2-small", "1.5M", "12000"]).Select(model => Plan("--model", model, "--ranks", "2").GetProperty("parameters").GetInt64()));
    }

    [Fact]
    public void A_run_is_planned_by_its_newest_checkpoint()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, Call.Run("fit", "digits", "--trainer.maxEpochs", "1", "--output", folder["run"]).ExitCode);
        Assert.Equal(Hosted("--ranks", "2").GetProperty("parameters").GetInt64(), Plan("--model", folder["run"], "--ranks", "2").GetProperty("parameters").GetInt64());
    }

    [Fact]
    public void A_program_plans_its_own_module_as_configured()
    {
        var plan = Hosted("--ranks", "4", "--model.hidden", "100", "--model.layers", "2", "--trainer.precision", "bfloat16", "--optimizer", "lion", "--strategy", "zero1");
        const long parameters = 65 * 100 + 101 * 100 + 101 * 10;
        Assert.Equal((parameters, 1), (plan.GetProperty("parameters").GetInt64(), plan.GetProperty("units").GetInt32()));
        var first = plan.GetProperty("plans")[0];
        Assert.Equal((2 * parameters, 2 * parameters, (parameters + 3) / 4 * 8), (Bytes(first, "parameters"), Bytes(first, "gradients"), Bytes(first, "optimizerState")));
        Assert.Equal(4 * parameters, Bytes(Hosted("--ranks", "1", "--model.hidden", "100", "--model.layers", "2", "--state-bytes", "4").GetProperty("plans")[0], "optimizerState"));
        Assert.Equal(TorchSharp.DeviceType.CPU, get_default_device().type);
    }

    [Fact]
    public void A_program_predicts_the_time_of_its_own_module_and_counts_its_activations()
    {
        if (Raijin.Parallel.StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        using var folder = new TemporaryFolder();
        string[] question = ["--ranks", "1", "--model.hidden", "100", "--optimizer", "lion", "--calibrate", folder["machine.json"]];
        var plan = Hosted([.. question, "--memory", "1MB"]);
        // Seen to keep one moment.
        Assert.Equal(4, plan.GetProperty("stateBytes").GetInt32());
        var plans = plan.GetProperty("plans").EnumerateArray().ToList();
        Assert.All(plans, p => Assert.True(p.GetProperty("seconds").GetDouble() > 0));
        // Inputs and hidden values of a batch are the least that is kept for backward.
        Assert.All(plans, p => Assert.True(Bytes(p, "activations") > 32 * 100 * 4));
        Assert.All(plans, p => Assert.Equal(Bytes(p, "device") + Bytes(p, "activations") <= 1_000_000, p.GetProperty("fits").GetBoolean()));
        var before = File.ReadAllText(folder["machine.json"]);
        var call = Call.Of(Programs.Hosted, [], ["plan", .. question]);
        Assert.Equal(before, File.ReadAllText(folder["machine.json"]));
        foreach (var expected in (string[])["Time of a step", "samples counted in the device's", "activations"]) Assert.Contains(expected, call.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_of_a_program_lists_the_plan_with_its_configuration()
    {
        var help = Call.Of(Programs.Hosted, [], "plan", "--help").Out;
        foreach (var expected in (string[])["mydigits plan --ranks 8 --memory 24GB", "--state-bytes N", "--model.hidden", "--shard-size N"]) Assert.Contains(expected, help, StringComparison.Ordinal);
        Assert.DoesNotContain("--model MODEL", help, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--model = gpt3   allowed: gpt2-small, gpt2-medium, gpt2-large, gpt2-xl, a GPT's .json, a checkpoint's folder or .safetensors, or a number of parameters such as 7.5B", "--model", "gpt3", "--ranks", "2")]
    [InlineData("--ranks = 0   allowed: 1 and more", "--model", "1B", "--ranks", "0")]
    [InlineData("--ranks   needs a value", "--model", "1B")]
    [InlineData("--memory = 80   expected a number and a unit (GiB, MiB, KiB, TB, GB, MB, kB), such as 80GB", "--model", "1B", "--ranks", "2", "--memory", "80")]
    [InlineData("--strategy = zero4   allowed: ddp, zero1, zero2, zero3", "--model", "1B", "--ranks", "2", "--strategy", "zero4")]
    [InlineData("--secondary-shard-size = 3   is no divisor above 1 of the 8 ranks that divide the state", "--model", "1B", "--ranks", "8", "--secondary-shard-size", "3")]
    [InlineData("--secondary-shard-size = 8   is no divisor above 1 of the 4 ranks that divide the state", "--model", "1B", "--ranks", "8", "--shard-size", "4", "--secondary-shard-size", "8")]
    [InlineData("--weight-codec = int4   allowed: int8", "--model", "1B", "--ranks", "8", "--weight-codec", "int4")]
    [InlineData("--gradient-wire = float16   has no effect beside --gradient-codec: give one of them", "--model", "1B", "--ranks", "8", "--gradient-wire", "float16", "--gradient-codec", "int4")]
    [InlineData("--shard-size = 3   does not divide the 8 ranks", "--model", "1B", "--ranks", "8", "--shard-size", "3")]
    [InlineData("--precision = int4   allowed: float32, bfloat16, bf16, bfloat16-autocast, float16", "--model", "1B", "--ranks", "8", "--precision", "int4")]
    [InlineData("--gradient-wire = int8   allowed: bfloat16, float16", "--model", "1B", "--ranks", "8", "--gradient-wire", "int8")]
    [InlineData("--calibrate   needs a model whose computation is known, a GPT's preset or .json; 1B has parameters alone", "--model", "1B", "--ranks", "1", "--calibrate", "machine.json")]
    [InlineData("--samples   has an effect with --calibrate only", "--model", "1B", "--ranks", "1", "--samples", "2")]
    [InlineData("--microbatches = 0   allowed: 1 and more", "--model", "1B", "--ranks", "8", "--microbatches", "0")]
    public void What_is_wrong_is_exit_code_2_and_says_what_would_be_right(string expected, params string[] args)
    {
        var call = Call.Run(["plan", .. args]);
        Assert.Equal((2, "", $"1 problem in the options:\n  {expected}\n"), (call.ExitCode, call.Out, call.Error));
    }

    [Fact]
    public void All_faults_are_reported_at_once()
    {
        using var folder = new TemporaryFolder();
        var call = Call.Run("plan", "--model", folder.Path, "--ranks", "0", "--optimizer", "adamx", "--strateg", "zero3");
        Assert.Equal(2, call.ExitCode);
        Assert.StartsWith("4 problems in the options:\n", call.Error, StringComparison.Ordinal);
        Assert.Contains("holds neither model*.safetensors nor config.json", call.Error, StringComparison.Ordinal);
        Assert.Contains("unknown option; did you mean --strategy?", call.Error, StringComparison.Ordinal);
    }

    static long Bytes(JsonElement plan, string key) => plan.GetProperty(key).GetInt64();

    static JsonElement Plan(params string[] args) => Parse(Call.Run(["plan", .. args, "--json"]));

    static JsonElement Hosted(params string[] args) => Parse(Call.Of(Programs.Hosted, [], ["plan", .. args, "--json"]));

    static JsonElement Parse(Call call)
    {
        Assert.True(call.ExitCode == 0, call.Error);
        return JsonDocument.Parse(call.Out).RootElement;
    }
}
