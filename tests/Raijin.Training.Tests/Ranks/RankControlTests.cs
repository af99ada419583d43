using Raijin.Collectives;
using Raijin.Testing;

namespace Raijin.Training.Tests.Ranks;

/// <summary>Ranks stop, fail and write together.</summary>
public sealed class RankControlTests
{
    static DataLoaders<LabeledBatch> Data(LabeledDataset set) => set.Split(validation: 0.2).Batches(8);

    [Fact]
    public void A_stop_that_one_rank_is_asked_for_ends_all_at_the_same_step()
    {
        using var set = Fixture.Blobs(100);
        using var stop = new CancellationTokenSource();
        var results = RankFit.Run(
            2, _ => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 50 }, Data(set),
            rank => new PlainClassifier { Rank = rank, OnStep = s => { if (rank == 1 && s.Index == 6) stop.Cancel(); } },
            stop: world => world.Rank == 1 ? stop.Token : default);
        Assert.All(results, r => Assert.Equal("cancelled (rank 1)", r.Result.StopReason));
        Assert.All(results, r => Assert.Equal(7, r.Result.Steps));
        Fixture.AssertBitwise(results[0].Weights, results[1].Weights);
    }

    [Fact]
    public void A_wish_to_stop_of_one_rank_is_obeyed_by_all_after_the_next_step()
    {
        using var set = Fixture.Blobs(100);
        TrainerOptions Options(World world) => Fixture.Quiet() with
        {
            LeavesNothing = true,
            MaxEpochs = 50,
            Callbacks = [new LambdaCallback { TrainStepEnd = s => { if (world.Rank == 1 && s.Run.Step == 3) s.Run.RequestStop("enough"); } }],
        };
        var results = RankFit.Run(2, Options, Data(set));
        Assert.All(results, r => Assert.Equal("enough (rank 1)", r.Result.StopReason));
        Assert.All(results, r => Assert.Equal(4, r.Result.Steps));
    }

    [Fact]
    public void Early_stopping_decides_alike_on_all_ranks_and_as_one_rank_does()
    {
        using var set = Fixture.Blobs(100);
        TrainerOptions Options() => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 40, Callbacks = [new EarlyStopping("val/loss", patience: 1) { MinDelta = 0.05 }] };
        var alone = RankFit.Run(1, _ => Options(), set.Split(validation: 0.2).Batches(16))[0].Result;
        var results = RankFit.Run(2, _ => Options(), Data(set));
        Assert.True(alone.Epochs < 40);
        Assert.All(results, r => Assert.Equal(alone.Epochs, r.Result.Epochs));
        Assert.All(results, r => Assert.Equal(alone.Steps, r.Result.Steps));
    }

    [Fact]
    public void An_epoch_that_one_rank_ends_early_ends_on_all()
    {
        using var set = Fixture.Blobs(100);
        var results = RankFit.Run(
            2, _ => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 2 }, Data(set),
            rank => new PlainClassifier { Rank = rank, OnStep = s => { if (rank == 1 && s.Batch == 1) s.EndEpoch(); } });
        Assert.All(results, r => Assert.Equal(4, r.Result.Steps));
        Fixture.AssertBitwise(results[0].Weights, results[1].Weights);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void A_loss_that_is_not_finite_on_one_rank_ends_all_with_its_message(int stage)
    {
        using var set = Fixture.Blobs(100);
        var others = new List<Exception>();
        var models = Enumerable.Range(0, 2).Select(rank => new PlainClassifier { Rank = rank, Breaks = s => rank == 1 && s.Index == 2 }).ToList();
        var error = Assert.Throws<NonFiniteLossException>(() => World.Run(2, world =>
        {
            try
            {
                new Trainer(Fixture.Quiet() with { LeavesNothing = true, Strategy = RankFit.Stage(stage) }, world).Fit(models[world.Rank], Data(set));
            }
            catch (Exception failure) when (world.Rank == 0)
            {
                lock (others) others.Add(failure);
                throw;
            }
        }, RankFit.Options));
        Assert.Equal(2, error.Step);
        var echo = Assert.IsType<RankFailureException>(Assert.Single(others));
        Assert.Equal(1, echo.FailedRank);
        Assert.Contains("NonFiniteLossException: The loss was NaN at step 2", echo.Message);
        foreach (var model in models) model.Dispose();
    }

    [Fact]
    public void What_differs_between_ranks_is_found_before_training_and_all_of_it_is_named()
    {
        using var set = Fixture.Blobs(100);
        var error = Assert.Throws<DisagreementException>(() => RankFit.Run(2, world => Fixture.Quiet() with { LeavesNothing = true, MaxEpochs = 2 + world.Rank, Seed = world.Rank }, Data(set)));
        Assert.Equal([1], error.Ranks);
        foreach (var line in (string[])["- trainer.maxEpochs = 2", "+ trainer.maxEpochs = 3", "- trainer.seed = 0", "+ trainer.seed = 1"]) Assert.Contains(line, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_rank_writes_for_all()
    {
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(100);
        var heard = new int[2];
        TrainerOptions Options(World world) => Fixture.Quiet(folder["run"]) with
        {
            Loggers = [new CsvLogger()],
            Callbacks = [new LambdaCallback { CheckpointSaved = (_, _) => heard[world.Rank]++ }],
        };
        var results = RankFit.Run(2, Options, Data(set));
        Assert.Equal(results[0].Result.Directory, results[1].Result.Directory);
        Assert.Equal(results[0].Result.LastCheckpoint, results[1].Result.LastCheckpoint);
        Assert.True(heard[0] > 0);
        Assert.Equal(0, heard[1]);
        Assert.Single(Directory.GetFiles(folder["run"], "*.csv"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Ranks_write_their_parts_while_they_train(int stage)
    {
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(100);
        var heard = new List<(long Checkpoint, long At)>();
        TrainerOptions Options(World world) => Fixture.Quiet(folder["run"]) with
        {
            MaxEpochs = 6,
            Strategy = RankFit.Stage(stage),
            Callbacks = [new ModelCheckpoint { Save = Every.Steps(10), KeepLast = 10 }, new LambdaCallback { CheckpointSaved = (run, checkpoint) => heard.Add((checkpoint.Step, run.Step)) }],
        };
        var results = RankFit.Run(2, Options, Data(set));
        Assert.Equal([10, 20, 30], heard.Select(h => h.Checkpoint));
        // Steps went on, and it was finished while they did: at the latest before the next was begun.
        Assert.All(heard.SkipLast(1), h => Assert.InRange(h.At, h.Checkpoint + 1, h.Checkpoint + 10));
        Assert.All(results, r => Assert.EndsWith("step-00000030", r.Result.LastCheckpoint));
        using var last = LoadedCheckpoint.Open(results[0].Result.LastCheckpoint!);
        Assert.Equal(2, last.Logical.WorldSize);
    }

    [Fact]
    public void A_disk_that_is_full_for_one_ranks_part_ends_all_with_that()
    {
        using var folder = new TemporaryFolder();
        using var disk = SmallDisk.Mount(folder["disk"], megabytes: 2);
        using var set = Fixture.Blobs(100);
        var models = Enumerable.Range(0, 2).Select(_ => new Wide()).ToList();
        var error = Assert.Throws<CheckpointException>(() => World.Run(2, world => new Trainer(Fixture.Quiet(folder["disk/run"]) with { Strategy = Zero.Stage3, Callbacks = [new ModelCheckpoint { Save = Every.Steps(1) }] }, world).Fit(models[world.Rank], Data(set)), RankFit.Options));
        Assert.Contains("MB free", error.Message, StringComparison.Ordinal);
        foreach (var model in models) model.Dispose();
    }

    /// <summary>More than fits on a small disk.</summary>
    sealed class Wide : TrainingModule<LabeledBatch>
    {
        readonly TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor> _first = TorchSharp.torch.nn.Linear(8, 60_000);

        protected override TorchSharp.torch.Tensor TrainingStep(LabeledBatch batch, TrainStep step) => _first.call(batch.Inputs).square().mean();

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    [Fact]
    public void A_training_loader_that_gives_ranks_different_numbers_of_batches_is_refused()
    {
        using var set = Fixture.Blobs(33);
        var data = set.Batches(new LoaderOptions { BatchSize = 4, Remainder = Remainder.Exact });
        var error = Assert.Throws<InvalidOptionsException>(() => RankFit.Run(2, _ => Fixture.Quiet() with { LeavesNothing = true }, data));
        Assert.Contains(error.Faults, f => f.Key == "data.train" && f.Message.Contains("Remainder.Wrap", StringComparison.Ordinal));
    }

    [Fact]
    public void Algorithms_that_need_whole_tensors_are_refused_where_ranks_hold_pieces()
    {
        using var set = Fixture.Blobs(100);
        PlainClassifier Model(int rank) => new() { Rank = rank, Optimizer = m => Optimizers.Adafactor(m) };
        var error = Assert.Throws<InvalidOptionsException>(() => RankFit.Run(2, _ => Fixture.Quiet() with { LeavesNothing = true, Strategy = Zero.Stage1 }, Data(set), Model));
        Assert.Contains("give strategy ddp", Assert.Single(error.Faults).Message, StringComparison.Ordinal);
        Assert.All(RankFit.Run(2, _ => Fixture.Quiet() with { LeavesNothing = true }, Data(set), Model), r => Assert.Equal(10, r.Result.Steps));
    }

    [Fact]
    public void The_plan_says_how_many_ranks_train_how_and_over_what()
    {
        using var set = Fixture.Blobs(100);
        var texts = World.Run(2, world =>
        {
            using var model = new PlainClassifier();
            return new Trainer(Fixture.Quiet() with { LeavesNothing = true, Strategy = Zero.Stage2 }, world).Plan(model, Data(set)).ToString();
        }, RankFit.Options);
        Assert.All(texts.Index(), t => Assert.Contains($"ranks         zero2; rank {t.Index} of 2 over InProcess: ", t.Item, StringComparison.Ordinal));
        Assert.All(texts, text => Assert.Contains("5 batches on each rank", text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Predictions_of_all_ranks_are_written_in_the_order_of_the_data(int stage)
    {
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(11);
        var loader = set.Batches(new LoaderOptions { BatchSize = 2 }.ForEvaluation());
        Seed.Everything(5);
        using var alone = new PlainClassifier();
        var expected = new PredictionFile(folder["alone.csv"]);
        new Trainer(Fixture.Quiet()).Predict(alone, LoaderSet.Of(("a", loader), ("b", loader)), expected);

        var models = Enumerable.Range(0, 3).Select(_ => new PlainClassifier()).ToList();
        foreach (var model in models) alone.EnsureSameIn(model);
        World.Run(3, world =>
        {
            using var file = new PredictionFile(folder["together.csv"]);
            new Trainer(Fixture.Quiet() with { Strategy = RankFit.Stage(stage) }, world).Predict(models[world.Rank], LoaderSet.Of(("a", loader), ("b", loader)), file);
        }, RankFit.Options);
        foreach (var model in models) model.Dispose();
        Assert.Equal(File.ReadAllLines(folder["alone.csv"]), File.ReadAllLines(folder["together.csv"]));
    }
}

static class SameWeights
{
    public static void EnsureSameIn(this PlainClassifier from, PlainClassifier to)
    {
        using var gradients = TorchSharp.torch.no_grad();
        foreach (var (theirs, ours) in to.parameters().Zip(from.parameters())) theirs.copy_(ours);
    }
}
