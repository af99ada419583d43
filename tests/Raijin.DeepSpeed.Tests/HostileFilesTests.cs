using Raijin.Testing;

namespace Raijin.DeepSpeed.Tests;

public sealed class HostileFilesTests
{
    [Fact]
    public void Every_fault_of_a_file_is_reported_at_once() => Assert.Equal(
        [
            "optimizer.params.lr: = \"fast\"; allowed: a number of 0 and more (ds.json line 3, column 51)",
            "zero_optimization.stage: = 4; allowed: a whole number from 0 to 3 (ds.json line 4, column 26)",
            "zero_optimization.overlap: is unknown; did you mean zero_optimization.overlap_comm? (ds.json line 4, column 38)",
            "zero_optimization.gradient_clipping: belongs at the top (ds.json line 4, column 55)",
            "fp16: = true; an object is expected: {\"enabled\": true} (ds.json line 5, column 3)",
            "bf16.enabled: = \"yes\"; allowed: true or false (ds.json line 5, column 27)",
            "steps_per_print: = 1e999 is beyond every number; allowed: a whole number of 1 and more, or null (ds.json line 6, column 3)",
            "gradient_clipping: is an object; allowed: a number of 0 and more (ds.json line 7, column 3)",
            "train_batch_size: train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks: 16 ≠ 4 × 4 × 2 = 32. Leave one of the three out, or give gradient_accumulation_steps 2 (ds.json line 2, column 3)",
        ],
        Samples.Faults("""
        {
          "train_batch_size": 16, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 4,
          "optimizer": { "type": "AdamW", "params": {     "lr": "fast" } },
          "zero_optimization": { "stage": 4, "overlap": true, "gradient_clipping": 1 },
          "fp16": true, "bf16": { "enabled": "yes" },
          "steps_per_print": 1e999,
          "gradient_clipping": {}
        }
        """, ranks: 2));

    [Theory]
    [InlineData("""{ "fp16": { "enabled": true }, "bf16": { "enabled": true }, "train_batch_size": 8 }""", "bf16.enabled: = true, but fp16.enabled is true too: a run has one precision, keep one of fp16.enabled, bf16.enabled (ds.json line 1, column 42)")]
    [InlineData("""{ "bfloat16": { "enabled": true }, "bf16": { "enabled": true }, "train_batch_size": 8 }""", "bf16.enabled: is another name of bfloat16.enabled, which is given too, on line 1, column 17: keep one (ds.json line 1, column 46)")]
    [InlineData("""{ "train_batch_size": 8, "optimizer": { "type": "AdmaW" } }""", "optimizer.type: = AdmaW is unknown; did you mean AdamW? (ds.json line 1, column 41)")]
    [InlineData("""{ "train_batch_size": 8, "optimizer": { "params": {} } }""", "optimizer.type: is missing: which optimizer? (ds.json)")]
    [InlineData("""{ "train_batch_size": 8, "optimizer": { "type": "Adam", "params": { "betas": [0.9, 1.5] } } }""", "optimizer.params.betas: are two numbers of at least 0 and below 1 (ds.json line 1, column 69)")]
    [InlineData("""{ "train_batch_size": 8, "scheduler": { "type": "WarmupCosineLR", "params": {} } }""", "scheduler.params.total_num_steps: is missing: WarmupCosineLR needs the updates of the whole run (ds.json)")]
    [InlineData("""{ "train_batch_size": 8, "scheduler": { "type": "Cosine" } }""", "scheduler.type: = \"Cosine\"; allowed: LRRangeTest, OneCycle, WarmupLR, WarmupDecayLR, WarmupCosineLR, or null (ds.json line 1, column 41)")]
    [InlineData("""{ "train_batch_size": 8, "zero_optimization": { "stage": 1, "offload_optimizer": { "device": "nvme" } } }""", "zero_optimization.offload_optimizer.device: = nvme needs nvme_path, a folder on the disk (ds.json line 1, column 84)")]
    [InlineData("""{ "train_batch_size": 8, "zero_optimization": { "stage": 3, "mics_shard_size": 3 } }""", "zero_optimization.mics_shard_size: = 3 does not divide the 1 ranks: give a divisor of 1 (ds.json line 1, column 61)")]
    [InlineData("""{ "train_batch_size": 8, "zero_optimization": { "stage": 3, "offload_param": { "device": "nvme" } } }""", "zero_optimization.offload_param.device: = nvme needs nvme_path, a folder on the disk (ds.json line 1, column 80)")]
    [InlineData("""{ "train_batch_size": 8.5 }""", "train_batch_size: = 8.5 is not whole; allowed: a whole number of 1 and more, or null (ds.json line 1, column 3)")]
    [InlineData("""{ "train_batch_size": 0 }""", "train_batch_size: = 0; allowed: a whole number of 1 and more, or null (ds.json line 1, column 3)")]
    [InlineData("[1, 2]", "ds.json: is no configuration: an object in braces is expected (ds.json line 1, column 1)")]
    [InlineData("<html><body>404</body></html>", "ds.json: is XML or HTML, not a configuration (ds.json line 1, column 1)")]
    [InlineData("{ \"train_batch_size\": {{ batch }} }", "ds.json: the placeholder {{ batch }} of a template is not filled in: write the value in its place (ds.json line 1, column 23)")]
    public void A_wrong_file_is_a_clear_sentence(string text, string expected) => Assert.Equal(expected, Samples.Faults(text)[0]);

    [Fact]
    public void Unknown_keys_at_the_top_are_warnings_with_what_may_be_meant()
    {
        var run = DeepSpeedConfig.Parse("""{ "train_batch_size": 8, "gradient_cliping": 1, "stage3_max_live_parameters": 1, "offload_optimizer": {}, "hidden-size": 768, "lr": 1 }""", "ds.json").Resolve(1);
        Assert.Equal(
            [
                "gradient_cliping is unknown; did you mean gradient_clipping?",
                "stage3_max_live_parameters belongs into zero_optimization",
                "offload_optimizer is unknown to DeepSpeed, which passes over it",
                "hidden-size is unknown to DeepSpeed, which passes over it",
                "lr belongs into optimizer.params",
            ],
            run.Warnings.Select(warning => $"{warning.Key} {warning.Message}"));
    }

    [Fact]
    public void What_is_not_there_is_refused_by_a_run_and_only_where_it_is_switched_on()
    {
        var run = DeepSpeedConfig.Parse("""
            { "train_batch_size": 8, "amp": { "enabled": false }, "wandb": { "enabled": true, "project": "x" }, "tensor_parallel": { "autotp_size": 2 }, "gradient_allreduce_op": "mean",
              "optimizer": { "type": "ZeroOneAdam", "params": { "lr": 1e-3, "var_freeze_step": 400 } }, "compression_training": { "row_pruning": { "shared_parameters": { "enabled": true } } } }
            """, "ds.json").Resolve(1);
        Assert.Equal(
            ["wandb.enabled", "tensor_parallel.autotp_size", "optimizer.params.var_freeze_step", "compression_training.row_pruning.shared_parameters.enabled", "optimizer.type"],
            run.Unavailable.Select(fault => fault.Key));
        Assert.All(run.Unavailable, fault => Assert.Contains("In its place: ", fault.Message, StringComparison.Ordinal));
        Assert.Throws<InvalidOptionsException>(() => run.Over(new()));
    }

    [Fact]
    public void One_bit_Adam_of_several_ranks_is_for_stage_0()
    {
        const string File = """{ "train_batch_size": 8, "optimizer": { "type": "OneBitAdam", "params": { "lr": 1e-3, "freeze_step": 400, "comm_backend_name": "mpi" } }, "communication_data_type": "fp16" """;
        var run = DeepSpeedConfig.Parse(File + "}", "ds.json").Resolve(2);
        Assert.Empty(run.Unavailable);
        Assert.Equal(("communication_data_type", 400L, (TorchSharp.torch.ScalarType?)null), (Assert.Single(run.Warnings).Key, run.Optimizer!.FreezeSteps, run.Strategy.GradientWire));
        var divided = DeepSpeedConfig.Parse(File + """, "zero_optimization": { "stage": 1 } }""", "ds.json");
        Assert.Equal("= OneBitAdam is not available in stage 1, where ranks divide its moments. In its place: stage 0, or AdamW with zero_quantized_gradients for fewer bytes between ranks", Assert.Single(divided.Resolve(2).Unavailable).Message);
        Assert.Empty(divided.Resolve(1).Unavailable);
    }

    [Fact]
    public void What_has_no_effect_at_these_ranks_is_said()
    {
        const string File = """
            { "train_micro_batch_size_per_gpu": 4, "zero_optimization": { "stage": 3, "zero_hpz_partition_size": 8 }, "aio": { "queue_depth": 16 } }
            """;
        var two = DeepSpeedConfig.Parse(File, "ds.json").Resolve(2);
        Assert.Equal("= 8 has no effect here: one node has all 2 ranks that divide the parameters", Assert.Single(two.Warnings).Message);
        Assert.Equal((0, 4), (two.Strategy.SecondaryShardSize, two.Strategy.OffloadThreads));
        Assert.Equal("no effect: nothing lies on nvme", two.Rows.Single(row => row.Key == "aio.queue_depth").Becomes);
        var sixteen = DeepSpeedConfig.Parse(File, "ds.json").Resolve(16);
        Assert.Equal((8, 0), (sixteen.Strategy.SecondaryShardSize, sixteen.Strategy.ShardSize));
        Assert.Equal(["zero_optimization.zero_hpz_partition_size"], Samples.Faults(File, 12).Select(fault => fault.Split(':')[0]));
    }

    [Fact]
    public void A_template_and_numbers_beyond_all_bounds_are_read_to_their_end() => Assert.Equal(
        [
            "ds.json: the placeholder {{ batch }} of a template is not filled in: write the value in its place (ds.json line 2, column 25)",
            "ds.json: the placeholder <stage> of a template is not filled in: write the value in its place (ds.json line 3, column 37)",
            "ds.json: the statement {% if fp16 %} of a template is not carried out: make the file of the template first (ds.json line 4, column 5)",
            "ds.json: the statement {% endif %} of a template is not carried out: make the file of the template first (ds.json line 4, column 41)",
            "ds.json: the number 1111111111111111111111111111111111111… has 400 characters; 64 are allowed (ds.json line 5, column 24)",
            "zero_optimization.overlap: is unknown; did you mean zero_optimization.overlap_comm? (ds.json line 6, column 1)",
            "gradient_clipping: = 1e400 is beyond every number; allowed: a number of 0 and more (ds.json line 7, column 5)",
        ],
        Samples.Faults("""
            {
                "train_batch_size": {{ batch }},
                "zero_optimization": { "stage": <stage>,
                {% if fp16 %} "overlap_comm": true, {% endif %}
                "sub_group_size":  LONG,
            """.Replace("LONG", new string('1', 400), StringComparison.Ordinal) + "\n\"overlap\": 1 },\n    \"gradient_clipping\": 1e400 }").Order(Comparer<string>.Create((a, b) => Place(a).CompareTo(Place(b)))));

    static (int, int) Place(string fault)
    {
        var words = fault.Split("line ")[^1].TrimEnd(')').Split(", column ");
        return (int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture), int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_text_that_swallows_brackets_is_named_where_they_are_missed() => Assert.Equal(
        ["ds.json: the text ends, but the { of line 1, column 33 is not closed; the text without quotes on line 1, column 45 runs to the end of its line, brackets and all: put it in quotes, or is it meant to be true, false or null? (ds.json line 1, column 73)"],
        Samples.Faults("{'train_batch_size': 8, 'fp16': {'enabled': True, 'loss_scale': None}, }"));

    [Fact]
    public void As_many_faults_as_anyone_reads_are_said()
    {
        var keys = string.Join(',', Enumerable.Range(0, 50_000).Select(i => $"\"stag{i}\":1"));
        Assert.Equal(100, Samples.Faults($$"""{ "train_batch_size": 8, "zero_optimization": { {{keys}} } }""").Count);
        Assert.Equal(
            ["elasticity.micro_batch_sizes: has 1000 sizes; at most 64 are allowed (ds.json line 1, column 36)"],
            Samples.Faults($$"""{ "elasticity": { "enabled": true, "micro_batch_sizes": [{{string.Join(',', Enumerable.Range(1, 1000))}}] } }"""));
    }

    [Fact]
    public void A_file_too_large_is_refused_before_it_is_read()
    {
        using var folder = new TemporaryFolder();
        using (var file = File.Create(folder["large.json"])) file.SetLength(100 << 20);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidOptionsException>(() => DeepSpeedConfig.Read(folder["large.json"]));
        Assert.Contains("has 104,857,600 bytes; a configuration has at most 1,048,576", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Files_that_are_none_are_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["bytes.json"], [0xFF, 0xFE, 0x00]);
        Assert.Contains("is not UTF-8 text", Assert.Throws<InvalidOptionsException>(() => DeepSpeedConfig.Read(folder["bytes.json"])).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<InvalidOptionsException>(() => DeepSpeedConfig.Read(folder["none.json"])).Message, StringComparison.Ordinal);
        Assert.Contains("is a folder", Assert.Throws<InvalidOptionsException>(() => DeepSpeedConfig.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_is_filled_in_by_the_rule()
    {
        var facts = new DeepSpeedFacts { MicroBatchSize = 4, GradientAccumulation = 2, MaxGradientNorm = 0.5, Precision = Precision.BFloat16, LearningRate = 2e-5, WeightDecay = 0.1, WarmupSteps = 7, HiddenSize = 64 };
        var run = DeepSpeedConfig.Parse(Samples.Auto, "ds.json").Resolve(3, facts);
        Assert.Equal((24L, 4L, 2L), (run.TrainBatchSize, run.MicroBatchSize, run.GradientAccumulation));
        Assert.Equal((0.5, Precision.BFloat16, 4096L, 3686L, 640L), (run.GradientClipping, run.Precision, run.ReduceBucketSize, run.PrefetchBucketSize, run.ParameterPersistenceThreshold));
        Assert.Equal((2e-5, 0.9, 0.999, 1e-8, 0.1), (run.Optimizer!.LearningRate, run.Optimizer.Beta1, run.Optimizer.Beta2, run.Optimizer.Epsilon, run.Optimizer.WeightDecay));
        Assert.Equal(DeepSpeedSchedules.Warmup(7), run.Schedule!.Schedule);
        Assert.Equal("auto: 4", run.Rows.Single(row => row.Key == "train_micro_batch_size_per_gpu").Value);
        Assert.Equal((8L, 8L, 1L), DeepSpeedConfig.Parse(Samples.Auto, "ds.json").Resolve(1) is var alone ? (alone.TrainBatchSize, alone.MicroBatchSize, alone.GradientAccumulation) : default);
    }

    [Fact]
    public void The_width_of_a_model_is_its_embeddings()
    {
        using var model = new Gpt(GptOptions.Tiny);
        Assert.Equal(GptOptions.Tiny.Width, new DeepSpeedFacts().Of(model).HiddenSize);
    }
}
