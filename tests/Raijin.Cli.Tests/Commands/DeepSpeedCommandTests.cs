using System.Text.Json;
using Raijin.App;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Cli.Tests;

public sealed class DeepSpeedCommandTests : IDisposable
{
    const string Config = """
        {
          // of a language model
          "train_micro_batch_size_per_gpu": 16,
          "gradient_accumulation_steps": 2,
          "optimizer": { "type": "AdamW", "params": { "lr": 1e-2, "betas": [0.9, 0.95], "weight_decay": 0.1 } },
          "scheduler": { "type": "WarmupLR", "params": { "warmup_max_lr": 1e-2, "warmup_num_steps": 5 } },
          "zero_optimization": { "stage": 2, "overlap_comm": true, "offload_optimizer": { "device": "cpu", "pin_memory": true } },
          "gradient_clipping": 0.5,
          "steps_per_print": 10,
          "wandb": { "enabled": false },
          "my_note": "hello"
        }
        """;

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string Write(string text)
    {
        var path = _folder["ds_config.json"];
        File.WriteAllText(path, text);
        return path;
    }

    // The folder differs from run to run.
    string Shown(string text) => text.Replace(_folder.Path + "/", "", StringComparison.Ordinal);

    [Fact]
    public void Importing_prints_what_each_key_becomes()
    {
        var call = Call.Run("config", "import", Write(Config), "--world", "2");
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        Golden.Match(Shown(call.Out), "config-import.txt");
    }

    [Fact]
    public void Importing_is_one_json_object()
    {
        var call = Call.Run("config", "import", Write(Config), "--world", "2", "--json");
        Assert.Equal(0, call.ExitCode);
        using var json = JsonDocument.Parse(call.Out.TrimEnd().Split('\n')[^1]);
        var root = json.RootElement;
        Assert.True(root.GetProperty("ok").GetBoolean());
        var resolved = root.GetProperty("resolved");
        Assert.Equal((64, 16, 2, 2), (resolved.GetProperty("trainBatchSize").GetInt32(), resolved.GetProperty("microBatchSize").GetInt32(), resolved.GetProperty("gradientAccumulation").GetInt32(), resolved.GetProperty("zeroStage").GetInt32()));
        Assert.Equal(("float32", 0.5, "cpu", "none"), (resolved.GetProperty("precision").GetString(), resolved.GetProperty("gradientClipping").GetDouble(), resolved.GetProperty("offloadOptimizer").GetString(), resolved.GetProperty("offloadParameters").GetString()));
        Assert.Equal(("AdamW", "WarmupLR"), (resolved.GetProperty("optimizer").GetProperty("type").GetString(), resolved.GetProperty("scheduler").GetProperty("type").GetString()));
        Assert.Equal(["zero_optimization.overlap_comm", "zero_optimization.offload_optimizer.pin_memory"], root.GetProperty("ignored").EnumerateArray().Select(key => key.GetProperty("key").GetString()));
        var warning = Assert.Single(root.GetProperty("warnings").EnumerateArray());
        Assert.Equal(("my_note", 11), (warning.GetProperty("key").GetString(), warning.GetProperty("line").GetInt32()));
    }

    [Fact]
    public void The_page_documents_the_fields_that_are_written_and_no_others()
    {
        // Everything that may be null is there, and everything that may be empty has something.
        const string All = """
            { "train_micro_batch_size_per_gpu": 4, "fp16": { "enabled": true }, "optimizer": { "type": "AdamW" }, "scheduler": { "type": "WarmupLR" }, "wandb": { "enabled": true }, "dump_state": true, "unknown": 1 }
            """;
        var written = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var text in (string[])[All, """{ "train_batch_size": "many" }"""])
        {
            using var json = JsonDocument.Parse(Call.Run("config", "import", Write(text), "--world", "2", "--json").Out.TrimEnd().Split('\n')[^1]);
            Add(json.RootElement, "");
        }
        Assert.Equal(Documented().Order(StringComparer.Ordinal), written);

        void Add(JsonElement element, string path)
        {
            if (element.ValueKind == JsonValueKind.Array)
                foreach (var item in element.EnumerateArray()) Add(item, path);
            if (element.ValueKind != JsonValueKind.Object || path == "settings") return;
            foreach (var field in element.EnumerateObject())
            {
                var inner = path.Length == 0 ? field.Name : $"{path}.{field.Name}";
                written.Add(inner);
                Add(field.Value, inner);
            }
        }
    }

    // The first column's names, of which ".x" stands for a neighbour of the one before, and the fields in braces of the second.
    static IEnumerable<string> Documented()
    {
        var page = File.ReadAllLines(Path.Combine(SharedData.Repository, "docs", "deepspeed-config.md"));
        foreach (var row in page.SkipWhile(line => !line.StartsWith("## The JSON", StringComparison.Ordinal)).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal)).Where(line => line.StartsWith("| `", StringComparison.Ordinal)))
        {
            var cells = row.Split('|', StringSplitOptions.TrimEntries);
            var parent = "";
            foreach (var code in cells[1].Split('`').Where((_, i) => i % 2 == 1))
            {
                var name = code.StartsWith('.') ? parent + code : code;
                parent = name.Contains('.', StringComparison.Ordinal) ? name[..name.LastIndexOf('.')] : "";
                yield return name;
                if (cells[2].IndexOf('{', StringComparison.Ordinal) is var open and >= 0)
                    foreach (var field in cells[2][(open + 1)..cells[2].IndexOf('}', StringComparison.Ordinal)].Split(',', StringSplitOptions.TrimEntries)) yield return $"{name}.{field}";
            }
        }
    }

    [Fact]
    public void A_wrong_file_is_every_fault_and_exit_code_2()
    {
        var path = Write("""{ "train_batch_size": 3, "zero_optimization": { "stage": 7, "stagge": 1 }, "train_batch_size": {{x}} }""");
        var call = Call.Run("config", "import", path, "--world", "2");
        Assert.Equal(2, call.ExitCode);
        foreach (var part in (string[])["is given twice", "{{x}}", "= 7; allowed: a whole number from 0 to 3", "did you mean zero_optimization.stage?"]) Assert.Contains(part, call.Error, StringComparison.Ordinal);
        var json = Call.Run("config", "import", path, "--world", "2", "--json");
        Assert.Equal(2, json.ExitCode);
        using var parsed = JsonDocument.Parse(json.Out.TrimEnd().Split('\n')[^1]);
        Assert.Equal((false, JsonValueKind.Null), (parsed.RootElement.GetProperty("ok").GetBoolean(), parsed.RootElement.GetProperty("resolved").ValueKind));
        Assert.Equal(5, parsed.RootElement.GetProperty("errors").GetArrayLength());
    }

    [Fact]
    public void What_is_imported_is_a_configuration_of_Raijins()
    {
        var yaml = _folder["raijin.yaml"];
        Assert.Equal(0, Call.Run("config", "import", Write(Config), "--output", yaml).ExitCode);
        var printed = Call.Run("config", "print", "digits", "--config", yaml, "--json");
        Assert.Equal((0, ""), (printed.ExitCode, printed.Error));
        foreach (var part in (string[])["\"batchSize\":16", "\"accumulateGradients\":2", "norm 0.5", "\"stage\":2", "\"offloadOptimizer\":\"host\""]) Assert.Contains(part, printed.Out.Replace("\": ", "\":", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    public static TheoryData<string> RealFiles()
    {
        var folder = Path.Combine(SharedData.Repository, "..", "shared", "data", "ds-configs", "configs");
        return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)] : [""];
    }

    [Theory]
    [MemberData(nameof(RealFiles))]
    public void What_is_imported_of_a_real_file_is_what_a_run_takes_of_it(string name)
    {
        var file = SharedData.Require("ds-configs", "configs", name);
        // A file's "auto" is filled in from the task's own options: the same for both. Float16 is refused on a CPU.
        string[] task = ["--trainer.devices", "2", "--trainer.precision", "float32", "--trainer.maxSteps", "200"];
        var run = Call.Run(["config", "print", "digits", "--deepspeed", file, "--json", .. task]);
        var yaml = _folder["raijin.yaml"];
        var import = Call.Run(
            "config", "import", file, "--world", "2", "--output", yaml, "--json", "--micro-batch", "64", "--learning-rate", "0.01", "--weight-decay", "0.01", "--steps", "200");
        using var imported = JsonDocument.Parse(import.Out.TrimEnd().Split('\n')[^1]);
        // A run takes no file that is wrong, or switches on what is not there.
        Assert.Equal(run.ExitCode == 0, import.ExitCode == 0 && imported.RootElement.GetProperty("unavailable").GetArrayLength() == 0);
        if (run.ExitCode != 0) return;
        var printed = Call.Run(["config", "print", "digits", "--config", yaml, "--json", .. task]);
        Assert.True(printed.ExitCode == 0, printed.Error);
        Assert.Equal(run.Out, printed.Out);
    }

    [Theory]
    [InlineData("Adam", """{ "lr": 1e-3, "adam_w_mode": false, "eps": 1e-7 }""", "WarmupLR", """{ "warmup_num_steps": 7, "warmup_type": "linear" }""")]
    [InlineData("Lion", """{ "lr": 1e-4 }""", "WarmupDecayLR", """{ "warmup_min_lr": 1e-5, "warmup_max_lr": 1e-4, "total_num_steps": 90 }""")]
    [InlineData("SGD", """{ "lr": 0.1, "momentum": 0.9, "nesterov": true }""", "WarmupCosineLR", """{ "warmup_min_ratio": 0.1, "cos_min_ratio": 0.2, "total_num_steps": 90 }""")]
    [InlineData("Lamb", """{ "lr": 1e-3, "weight_decay": 0.1 }""", "OneCycle", """{ "cycle_min_lr": 1e-4, "cycle_max_lr": 1e-3, "cycle_second_step_size": 30, "cycle_first_stair_count": 3, "decay_step_size": 5, "decay_lr_rate": 0.1, "cycle_momentum": false }""")]
    [InlineData("Muon", """{ "lr": 1e-2, "momentum": 0.9 }""", "LRRangeTest", """{ "lr_range_test_min_lr": 1e-5, "lr_range_test_step_size": 7, "lr_range_test_staircase": true }""")]
    [InlineData("Adagrad", """{ "lr": 1e-2 }""", "WarmupLR", "{}")]
    [InlineData("OneBitAdam", """{ "lr": 1e-2, "freeze_step": 5, "weight_decay": 0.1 }""", "WarmupLR", "{}")]
    [InlineData("SGD", """{ "lr": 1e-2, "momentum": 0.9, "dampening": 0.5 }""", "WarmupLR", "{}")]
    [InlineData("RMSprop", """{ "lr": 1e-2, "alpha": 0.9 }""", "WarmupLR", "{}")]
    public void An_imported_optimizer_and_schedule_are_those_of_the_file(string optimizer, string parameters, string scheduler, string rates)
    {
        var text = $$"""{ "train_batch_size": 8, "optimizer": { "type": "{{optimizer}}", "params": {{parameters}} }, "scheduler": { "type": "{{scheduler}}", "params": {{rates}} } }""";
        var yaml = _folder["raijin.yaml"];
        var call = Call.Run("config", "import", Write(text), "--output", yaml);
        Assert.True(call.ExitCode == 0, call.Error);
        var task = BuiltInTasks.App().Describe().Tasks[0];
        var nothing = new ConfigMap([], Origin.Default);
        var options = ResolvedConfig<TaskConfig>.Resolve(task.Shape, task.Defaults, new([yaml], nothing, nothing)).Options;
        var run = DeepSpeedConfig.Parse(text, "ds.json").Resolve(1);
        Assert.Equal(run.Schedule!.Schedule, ((ScheduleOptions)options["schedule"]!).Build());
        Assert.Equal(Trained(run.Optimizers), Trained(module => options.Optimizer!.For(module, (ScheduleOptions)options["schedule"]!)));
    }

    // The weights after 12 updates.
    static float[] Trained(Func<nn.Module, OptimizerSetup> setup)
    {
        using var fabric = Fabric.Launch(new() { Device = DeviceChoice.Parse("cpu", null), Seed = 1 });
        using var scope = NewDisposeScope();
        using var made = nn.Linear(3, 2);
        var (model, optimizer) = fabric.Setup(made, module => setup(module));
        for (var i = 0; i < 12; i++)
        {
            using var step = fabric.Step();
            fabric.Backward(model.call(arange(12, ScalarType.Float32).view(4, 3)).square().mean());
            optimizer.Step();
        }
        using var none = no_grad();
        return [.. model.weight.data<float>()];
    }

    [Fact]
    public void A_fit_says_first_what_was_honoured_and_the_command_line_wins()
    {
        var call = Call.Run("fit", "digits", "--deepspeed", Write(Config), "--trainer.maxSteps", "20", "--trainer.clipGradients", "norm 2", "--output", _folder["run"]);
        Assert.True(call.ExitCode == 0, call.Error);
        var lines = Shown(call.Out).Split('\n');
        Assert.Equal("ds_config.json at 1 rank: batch 32 = 16 × 2 × 1; zero2, optimizer state on host; float32; AdamW on WarmupLR", lines[0]);
        Assert.Contains(lines, line => line.Contains("gradient_accumulation_steps", StringComparison.Ordinal) && line.EndsWith("trainer.accumulateGradients = 2", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("gradient_clipping", StringComparison.Ordinal) && line.EndsWith("overruled by the command line", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("no effect here   zero_optimization (overlap_comm), zero_optimization.offload_optimizer (pin_memory)", StringComparison.Ordinal));
        var saved = File.ReadAllText(_folder["run/config.yaml"]);
        foreach (var part in (string[])["accumulateGradients: 2", "clipGradients: norm 2", "batchSize: 16", "stage: 2"]) Assert.Contains(part, saved, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fit_in_float16_on_a_CPU_is_refused_with_the_remedy_which_works()
    {
        var path = Write("""{ "train_batch_size": 32, "fp16": { "enabled": true }, "zero_optimization": { "stage": 1 } }""");
        var refused = Call.Run("fit", "digits", "--deepspeed", path, "--trainer.device", "cpu", "--trainer.maxSteps", "2", "--output", _folder["run"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("add --trainer.precision bfloat16, or float32", refused.Error, StringComparison.Ordinal);
        var call = Call.Run("fit", "digits", "--deepspeed", path, "--trainer.device", "cpu", "--trainer.maxSteps", "2", "--output", _folder["run"], "--trainer.precision", "bfloat16");
        Assert.True(call.ExitCode == 0, call.Error);
        Assert.Contains(call.Out.Split('\n'), line => line.Contains("fp16.enabled", StringComparison.Ordinal) && line.EndsWith("overruled by the command line", StringComparison.Ordinal));
    }

    [Fact]
    public void A_resumed_fit_goes_on_with_what_the_file_said()
    {
        var whole = Call.Run("fit", "digits", "--deepspeed", Write(Config), "--trainer.maxSteps", "12", "--output", _folder["whole"], "--json");
        Assert.True(whole.ExitCode == 0, whole.Error);
        Assert.Equal(0, Call.Run("fit", "digits", "--deepspeed", Write(Config), "--trainer.maxSteps", "12", "--output", _folder["stopped"], "--checkpoint.save", "7 steps").ExitCode);
        Directory.Delete(Directory.EnumerateDirectories(_folder["stopped/checkpoints"], "*12*").Single(), recursive: true);
        // The run's own configuration has the optimizer, the schedule, the batch.
        var resumed = Call.Run("fit", "digits", "--resume", _folder["stopped"], "--json");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(Loss(whole), Loss(resumed));

        static double Loss(Call call)
        {
            using var json = JsonDocument.Parse(call.Out.TrimEnd().Split('\n')[^1]);
            return json.RootElement.GetProperty("metrics").GetProperty("val/loss").GetDouble();
        }
    }

    [Fact]
    public void A_fit_refuses_what_is_not_there()
    {
        var call = Call.Run("fit", "digits", "--deepspeed", Write(Config.Replace("\"enabled\": false", "\"enabled\": true", StringComparison.Ordinal)), "--trainer.maxSteps", "2", "--output", _folder["run"]);
        Assert.Equal(2, call.ExitCode);
        Assert.Contains("wandb.enabled", call.Error, StringComparison.Ordinal);
        Assert.Contains("In its place: MLflowLogger, TensorBoardLogger", call.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["run"]));
    }
}
