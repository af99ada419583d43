using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Models.Tests;

public sealed class GptTests
{
    // Float32 against float64: rounding of a few hundred sums.
    const double Tolerance = 1e-5;

    public static TheoryData<string> Recordings => RecordedGpt.Names;

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Logits_loss_and_every_gradient_equal_PyTorchs(string name)
    {
        using var scope = NewDisposeScope();
        using var recorded = new RecordedGpt(name);
        using var model = recorded.Load();

        Assert.InRange(Difference(recorded["logits"], model.call(recorded.Tokens)), 0, Tolerance);
        var loss = model.Loss(recorded.Tokens, recorded.Targets);
        Assert.InRange(Difference(recorded["loss"], loss), 0, Tolerance);

        loss.backward();
        Assert.Equal(model.named_parameters().Select(p => p.name).Order(StringComparer.Ordinal), recorded.Gradients.Order(StringComparer.Ordinal));
        foreach (var (key, parameter) in model.named_parameters())
        {
            Assert.True(Difference(recorded["grad." + key], parameter.grad!) <= Tolerance, $"the gradient of {key} differs by {Difference(recorded["grad." + key], parameter.grad!)}");
            Assert.True(parameter.grad!.abs().max().item<float>() > 1e-4, $"the gradient of {key} is next to nothing, so that its test says nothing");
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 0.03)]
    [InlineData(ScalarType.Float64, 1e-6)]
    public void Another_precision_computes_the_same_within_its_digits(ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var recorded = new RecordedGpt("tied");
        using var model = recorded.Load(dtype);
        var loss = model.Loss(recorded.Tokens, recorded.Targets);
        Assert.Equal(dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32, loss.dtype);
        Assert.InRange(Difference(recorded["loss"], loss), 0, tolerance);
        loss.backward();
        Assert.All(model.parameters(), parameter => Assert.Equal((dtype, true), (parameter.grad!.dtype, parameter.grad.isfinite().all().item<bool>())));
    }

    [Fact]
    public void A_converted_model_computes_with_what_it_lists()
    {
        using var scope = NewDisposeScope();
        using var recorded = new RecordedGpt("untied");
        using var model = recorded.Load();
        model.to(ScalarType.Float64);
        var loss = model.Loss(recorded.Tokens, recorded.Targets);
        Assert.Equal(ScalarType.Float64, loss.dtype);
        loss.backward();
        foreach (var (key, parameter) in model.named_parameters()) Assert.InRange(Difference(recorded["grad." + key], parameter.grad!), 0, 1e-6);
    }

    [Fact]
    public void A_token_sees_none_that_come_after_it()
    {
        using var scope = NewDisposeScope();
        using var recorded = new RecordedGpt("tied");
        using var model = recorded.Load();
        var changed = recorded.Tokens.clone();
        changed[TensorIndex.Colon, 6] = (changed[TensorIndex.Colon, 6] + 1) % recorded.Options.Vocabulary;
        var (before, after) = (model.call(recorded.Tokens), model.call(changed));
        Assert.Equal(0, Difference(before.narrow(1, 0, 6), after.narrow(1, 0, 6)));
        foreach (var position in Enumerable.Range(6, 4)) Assert.NotEqual(0, Difference(before.narrow(1, position, 1), after.narrow(1, position, 1)));
    }

    [Fact]
    public void A_tied_head_is_the_embeddings_and_listed_once()
    {
        using var scope = NewDisposeScope();
        using Gpt tied = new(GptOptions.Tiny), untied = new(GptOptions.Tiny with { TieEmbeddings = false });
        Assert.DoesNotContain("lm_head.weight", tied.state_dict().Keys);
        Assert.Equal(untied.state_dict().Keys.Order(), tied.state_dict().Keys.Append("lm_head.weight").Order());
        Assert.Equal(untied.parameters().Count(), tied.parameters().Count() + 1);
    }

    [Fact]
    public void Names_are_Hugging_Faces_and_units_are_the_blocks()
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt(GptOptions.Tiny);
        Assert.Equal(
            ["transformer.wte.weight", "transformer.wpe.weight",
             .. from layer in (int[])[0, 1]
                from name in (string[])["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"]
                from kind in (string[])["weight", "bias"]
                select $"transformer.h.{layer}.{name}.{kind}",
             "transformer.ln_f.weight", "transformer.ln_f.bias"],
            model.named_parameters().Select(p => p.name));
        Assert.Equal(model.named_parameters().Select(p => p.name), model.state_dict().Keys);
        var modules = model.named_modules().ToDictionary(m => m.name, m => m.module);
        Assert.Equal(["transformer.h.0", "transformer.h.1"], model.ShardingPlan.Units);
        Assert.All(model.ShardingPlan.Units, unit => Assert.IsType<GptBlock>(modules[unit]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void On_the_meta_device_a_model_has_shapes_and_takes_no_memory(bool byDefaultDevice)
    {
        using var scope = NewDisposeScope();
        var resident = Environment.WorkingSet;
        var before = get_default_device();
        if (byDefaultDevice) set_default_device(META);
        Gpt model;
        try
        {
            model = new Gpt(GptOptions.Gpt2XL, byDefaultDevice ? null : META);
        }
        finally
        {
            set_default_device(before);
        }
        using (model)
        {
            Assert.All(model.parameters(), parameter => Assert.Equal(DeviceType.META, parameter.device_type));
            Assert.Equal(1_557_611_200, model.parameters().Sum(p => p.numel()));
            // Weights of 6,230 MB, the largest of them 322, were they anywhere.
            Assert.InRange(Environment.WorkingSet - resident, long.MinValue, 64 << 20);
        }
    }

    [Fact]
    public void Fresh_weights_are_distributed_as_GPT2s()
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt(GptOptions.Tiny with { Width = 128, Layers = 8, TieEmbeddings = false });
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (parameter.dim() == 1)
            {
                Assert.Equal(name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1, parameter.unique().output.item<float>());
                continue;
            }
            // Of n draws the deviation is known to 1 / √(2n), the mean to 1 / √n of a deviation; 5 of those.
            var expected = name.EndsWith("c_proj.weight", StringComparison.Ordinal) ? 0.02 / Math.Sqrt(2 * 8) : 0.02;
            var slack = 5 / Math.Sqrt(parameter.numel());
            Assert.InRange(parameter.std().item<float>() / expected, 1 - slack, 1 + slack);
            Assert.InRange(parameter.mean().item<float>() / expected, -slack, slack);
        }
    }

    [Fact]
    public void Equal_seeds_give_equal_weights()
    {
        using var scope = NewDisposeScope();
        using Gpt a = new(GptOptions.Tiny), b = new(GptOptions.Tiny);
        Assert.NotEqual(0, Largest());
        foreach (var model in (Gpt[])[a, b])
        {
            using var generator = new Generator(7);
            model.Initialize(generator);
        }
        Assert.Equal(0, Largest());

        double Largest() => a.parameters().Zip(b.parameters()).Max(pair => Difference(pair.First, pair.Second));
    }

    [Fact]
    public void Dropout_follows_the_seed_and_ends_with_training()
    {
        using var scope = NewDisposeScope();
        using var recorded = new RecordedGpt("tied");
        using var model = new Gpt(recorded.Options with { Dropout = 0.3 });
        model.LoadHuggingFace(recorded.Weights);

        Tensor Seeded(long seed)
        {
            Seed.Everything(seed);
            return model.call(recorded.Tokens);
        }
        Assert.Equal(0, Difference(Seeded(1), Seeded(1)));
        Assert.NotEqual(0, Difference(Seeded(1), Seeded(2)));
        Assert.NotEqual(0, Difference(recorded["logits"], Seeded(1)));
        model.eval();
        Assert.InRange(Difference(recorded["logits"], Seeded(1)), 0, Tolerance);
    }

    [Fact]
    public void Learns_a_text_by_heart()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var model = new Gpt(GptOptions.Tiny);
        model.Initialize(generator);
        var text = randint(256, [1, 17], dtype: ScalarType.Int64, generator: generator);
        var (tokens, targets) = (text.narrow(1, 0, 16), text.narrow(1, 1, 16));
        using var optimizer = new FusedOptimizer(new AdamW(), [new("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-2)]);
        double first = 0, last = 0;
        for (var step = 0; step < 30; step++)
        {
            using var inner = NewDisposeScope();
            var loss = model.Loss(tokens, targets);
            loss.backward();
            optimizer.Step();
            optimizer.ClearGradients();
            last = loss.item<float>();
            if (step == 0) first = last;
        }
        Assert.InRange(first, Math.Log(256) - 0.3, Math.Log(256) + 0.3);
        Assert.InRange(last, 0, 0.1);
        using var untracked = no_grad();
        Assert.Equal(targets.data<long>(), model.call(tokens).argmax(-1).data<long>());
    }

    [Fact]
    public void Hooks_on_the_model_see_the_loss()
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt(GptOptions.Tiny);
        var seen = new List<long[]>();
        model.register_forward_hook((_, _, output) =>
        {
            seen.Add(output.shape);
            return output;
        });
        var tokens = zeros(2, 8, ScalarType.Int64);
        model.Loss(tokens, tokens);
        model.call(tokens);
        Assert.Equal([[], [2, 8, 256]], seen);
    }

    [Fact]
    public void Nothing_but_the_result_is_left_of_a_pass()
    {
        using var model = new Gpt(GptOptions.Tiny);
        using var untracked = no_grad();
        using var scope = TensorScope.Open();
        var tokens = zeros(2, 8, ScalarType.Int64);
        model.call(tokens);
        model.Loss(tokens, tokens);
        Assert.Equal(3, scope.LiveTensors);
    }

    [Fact]
    public void Tokens_of_another_shape_are_refused_with_both()
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt(GptOptions.Tiny);
        var tokens = zeros(2, 65, ScalarType.Int64);
        Assert.Equal("tokens: expected [B, T] Int64 with T at most 64, the context, but it is [2, 65] Int64.", Assert.Throws<ShapeMismatchException>(() => model.call(tokens)).Message);
        Assert.Throws<ShapeMismatchException>(() => model.call(zeros(8, ScalarType.Int64)));
        Assert.Throws<ShapeMismatchException>(() => model.call(zeros(2, 8)));
        var error = Assert.Throws<ShapeMismatchException>(() => model.Loss(zeros(2, 8, ScalarType.Int64), zeros(2, 7, ScalarType.Int64)));
        Assert.Equal("targets: expected [2, 8] Int64, a target for each token, but it is [2, 7] Int64.", error.Message);
        Assert.Equal([2, 8, 256], model.call(zeros(2, 8, ScalarType.Int64)).shape);
    }

    static double Difference(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        return (expected.to(ScalarType.Float64) - actual.to(ScalarType.Float64)).abs().max().item<double>();
    }
}
