using System.Globalization;
using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>What it costs to compute a GPT's blocks again in backward, and the memory it saves. <c>--threads n</c> (default: all), <c>--rounds n</c>.</summary>
static class RecomputePage
{
    const int Steps = 2;

    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 9;
        set_num_threads(Pages.Option(args, "--threads") ?? Environment.ProcessorCount);
        var report = new Report("Computing blocks again in backward", args);
        report.Note($"Median of {rounds} interleaved rounds of {Steps} steps (forward, loss, backward) of a GPT of {GptShapes.Params12M.NumParameters:N0} parameters, fp32, on one rank. Ratios are medians of the ratio within a round.");
        report.Note("Bytes are the most that forward and backward hold at a time beside the weights and their gradients, which are there before the step.");
        report.Table("A step", "sequences of 64 tokens", "keeps", "computes again", "ratio", "bytes, keeps", "bytes, computes again", "ratio");
        foreach (var sequences in new[] { 4, 16, 32 })
        {
            using Loop keeps = new(sequences, recompute: false), again = new(sequences, recompute: true);
            var times = Interleaved.Measure(rounds, new Contestant("keeps", keeps.Run, Steps), new Contestant("again", again.Run, Steps));
            var (most, least) = (keeps.Bytes(), again.Bytes());
            report.Row(
                sequences.ToString(CultureInfo.InvariantCulture), Pages.Show(times[0]), Pages.Show(times[1]), Pages.Number(times[1].RatioTo(times[0])),
                $"{Pages.Number(most / 1e6)} MB", $"{Pages.Number(least / 1e6)} MB", Pages.Number((double)least / most));
        }
        report.Write();
    }

    sealed class Loop : IDisposable
    {
        readonly Gpt _model;
        readonly RecomputedUnits? _units;
        readonly Tensor _tokens;
        readonly Tensor _targets;

        public Loop(int sequences, bool recompute)
        {
            using var generator = new Generator(1);
            var options = GptShapes.Params12M;
            _model = new Gpt(options);
            _model.Initialize(generator);
            if (recompute) _units = new RecomputedUnits(_model, Zero.Stage0);
            _tokens = randint(options.Vocabulary, [sequences, options.Context], dtype: ScalarType.Int64, generator: generator);
            _targets = randint(options.Vocabulary, [sequences, options.Context], dtype: ScalarType.Int64, generator: generator);
        }

        public void Run()
        {
            for (var step = 0; step < Steps; step++)
            {
                using var scope = NewDisposeScope();
                Backward.Run(_model.Loss(_tokens, _targets));
            }
        }

        public long Bytes()
        {
            using var scope = NewDisposeScope();
            using var meter = AllocationMeter.Open();
            Backward.Run(_model.Loss(_tokens, _targets));
            return meter.PeakBytes;
        }

        public void Dispose()
        {
            _units?.Dispose();
            _model.Dispose();
            _tokens.Dispose();
            _targets.Dispose();
        }
    }
}
