using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

/// <summary>Against trajectories of PyTorch 1.13 in float64 (eng/recordings/optimizers.py): fp64 parameters go by libtorch's operators, fp32 ones by the kernels.</summary>
public sealed class RecordedOptimizerTests
{
    static readonly JsonObject Recording = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder(), "Recorded", "optimizers.json")))!.AsObject();

    public static TheoryData<int> Runs => [.. Enumerable.Range(0, Recording["runs"]!.AsArray().Count)];

    [Theory]
    [MemberData(nameof(Runs))]
    public void Fp64_parameters_follow_PyTorch_to_a_trillionth(int run) => Check(run, ScalarType.Float64, 1e-12);

    [Theory]
    [MemberData(nameof(Runs))]
    public void Fp32_parameters_follow_PyTorch_within_their_rounding(int run) => Check(run, ScalarType.Float32, 3e-6);

    static void Check(int run, ScalarType dtype, double tolerance)
    {
        var recorded = Recording["runs"]![run]!;
        var algorithm = recorded["algorithm"].Deserialize<OptimizerAlgorithm>()!;
        var parameters = Recording["start"]!.AsArray().Select(v => Make(v!, dtype)).ToArray();
        using var optimizer = new FusedOptimizer(
            algorithm,
            [
                new("first", [KeyValuePair.Create("a", parameters[0])], 0.02, (double)recorded["decay"]!),
                new("second", [KeyValuePair.Create("b", parameters[1])], 0.05),
            ]);
        var keep = Recording["keep"]!.AsArray().Select(k => (int)k!).ToList();
        for (var step = 0; step < keep[^1]; step++)
        {
            for (var i = 0; i < 2; i++)
            {
                using var numbers = tensor(Numbers(Recording["gradients"]![step]![i]!));
                using var gradient = numbers.to(dtype);
                parameters[i].grad = gradient;
            }

            optimizer.Step();
            var at = keep.IndexOf(step + 1);
            if (at < 0) continue;
            for (var i = 0; i < 2; i++)
            {
                var expected = Numbers(recorded["parameters"]![at]![i]!);
                var actual = Read(parameters[i]);
                for (var k = 0; k < expected.Length; k++) Assert.Equal(expected[k], actual[k], tolerance * (1 + Math.Abs(expected[k])));
            }
        }

        foreach (var parameter in parameters) parameter.Dispose();
    }

    public static TheoryData<int> LbfgsRuns => [.. Enumerable.Range(0, Recording["lbfgs"]!.AsArray().Count)];

    [Theory]
    [MemberData(nameof(LbfgsRuns))]
    public void Lbfgs_takes_PyTorchs_iterates_and_evaluations(int run)
    {
        var recorded = Recording["lbfgs"]![run]!;
        using var scope = NewDisposeScope();
        var a = new Parameter(tensor(new[] { -1.2, 1.0, 0.3, -0.5 }));
        var b = new Parameter(tensor(new[] { 0.7, 1.1, -0.2, 0.4 }).view(2, 2));
        using var optimizer = new Lbfgs(
            recorded["options"].Deserialize<LbfgsOptions>()!, new("all", [new("a", a), new("b", b)], (double)recorded["learningRate"]!));
        foreach (var step in recorded["steps"]!.AsArray())
        {
            var loss = optimizer.Step(() => Rosenbrock.Loss(a, b));
            Assert.Equal((double)step!["loss"]!, loss, 1e-7 * loss);
            Assert.Equal((long)step["evaluations"]!, optimizer.Evaluations);
            Assert.Equal((long)step["iterations"]!, optimizer.Iterations);
            foreach (var (expected, actual) in Numbers(step["x"]!).Zip([.. Read(a), .. Read(b)])) Assert.Equal(expected, actual, 1e-7);
        }
    }

    static Parameter Make(JsonNode values, ScalarType dtype)
    {
        using var source = tensor(Numbers(values));
        return new(source.to(dtype, copy: true));
    }

    static double[] Numbers(JsonNode values) => [.. values.AsArray().Select(v => (double)v!)];

    static double[] Read(Tensor tensor)
    {
        using var detached = tensor.detach();
        using var wide = detached.to(ScalarType.Float64);
        return wide.data<double>().ToArray();
    }

    static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}

/// <summary>The valley every line search is tried in, over all elements in a row.</summary>
static class Rosenbrock
{
    /// <summary>The loss; its gradients are left in the parameters.</summary>
    public static double Loss(params Tensor[] parameters)
    {
        using var scope = NewDisposeScope();
        var x = cat([.. parameters.Select(p => p.flatten())]);
        var (next, own) = (x.narrow(0, 1, x.shape[0] - 1), x.narrow(0, 0, x.shape[0] - 1));
        var loss = ((100 * (next - own.square()).square()) + (1 - own).square()).sum();
        loss.backward();
        return loss.to(ScalarType.Float64).item<double>();
    }
}
