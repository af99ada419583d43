using System.Globalization;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// The whole step of a GPT on one rank: forward, loss, backward, AdamW, gradients cleared; what strategies are measured against.
/// <c>--threads 1|2|…</c> (default: 1 and 2), <c>--rounds n</c>.
/// </summary>
static class GptPage
{
    const int Steps = 3;

    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 9;
        int[] threadCounts = Pages.Option(args, "--threads") is { } one ? [one] : [1, 2];
        var report = new Report("The step of a GPT with AdamW on one rank", args);
        report.Note($"Median of {rounds} interleaved rounds of {Steps} steps, sequences of 64 tokens. FLOPs as counted by `GptOptions.FlopsPerToken`; the update is in the time.");
        report.Table("Time per step", "threads", "model", "parameters", "sequences", "fp32", "bf16 weights, fp32 masters", "fp32 GFLOP/s", "bf16 GFLOP/s", "tokens/s in fp32", "loss, fp32");
        foreach (var threads in threadCounts)
        {
            set_num_threads(threads);
            foreach (var (name, options, sequences) in new[] { ("12M", GptShapes.Params12M, 4), ("63M", GptShapes.Params63M, 1) })
            {
                using Loop full = new(options, sequences, ScalarType.Float32), half = new(options, sequences, ScalarType.BFloat16);
                var first = full.Loss();
                var times = Interleaved.Measure(rounds, new Contestant("fp32", full.Run, Steps), new Contestant("bf16", half.Run, Steps));
                var flops = options.FlopsPerToken * sequences * options.Context;
                report.Row(
                    threads.ToString(CultureInfo.InvariantCulture), name, options.NumParameters.ToString("N0", CultureInfo.InvariantCulture), sequences.ToString(CultureInfo.InvariantCulture),
                    Pages.Show(times[0]), Pages.Show(times[1]), Pages.Number(flops / times[0].Median / 1e9), Pages.Number(flops / times[1].Median / 1e9),
                    Pages.Number(sequences * options.Context / times[0].Median), $"{Pages.Number(first)} → {Pages.Number(full.Loss())}");
            }
        }

        report.Write();
    }

    sealed class Loop : IDisposable
    {
        readonly Gpt _model;
        readonly FusedOptimizer _optimizer;
        readonly Tensor _tokens;
        readonly Tensor _targets;

        public Loop(GptOptions options, int sequences, ScalarType dtype)
        {
            using var generator = new Generator(1);
            _model = new Gpt(options, dtype: dtype);
            _model.Initialize(generator);
            _optimizer = new(new Raijin.Tensors.AdamW(), [new("all", _model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-4)]);
            _tokens = randint(options.Vocabulary, [sequences, options.Context], dtype: ScalarType.Int64, generator: generator);
            _targets = randint(options.Vocabulary, [sequences, options.Context], dtype: ScalarType.Int64, generator: generator);
        }

        public double Loss()
        {
            using var scope = NewDisposeScope();
            using var untracked = no_grad();
            return _model.Loss(_tokens, _targets).item<float>();
        }

        public void Run()
        {
            for (var step = 0; step < Steps; step++)
            {
                using var scope = NewDisposeScope();
                _model.Loss(_tokens, _targets).backward();
                _optimizer.Step();
                _optimizer.ClearGradients();
            }
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _model.Dispose();
            _tokens.Dispose();
            _targets.Dispose();
        }
    }
}
