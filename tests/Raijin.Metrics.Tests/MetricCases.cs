using static TorchSharp.torch;

namespace Raijin.Metrics.Tests;

/// <summary>Every public metric.</summary>
static class MetricCases
{
    static readonly Classification Three = Classification.Multiclass(3);
    static readonly Classification Labels = Classification.Multilabel(3);

    public static IReadOnlyDictionary<string, MetricCase> All { get; } = Make();

    public static TheoryData<string> Names => [.. All.Keys];

    static Tensor[] Scores() => [nn.functional.softmax(Some.Reals(1, 8, 3) * 4, 1), Some.Classes(3, 1, 8)];

    static Tensor[] Probabilities() => [Some.Reals(1, 8), Some.Classes(2, 1, 8)];

    static Tensor[] ManyLabels() => [Some.Reals(1, 8, 3), Some.Classes(2, 1, 8, 3)];

    static Tensor[] Pairs() => [Some.Reals(1, 8), Some.Reals(2, 8)];

    static Tensor[] Vectors() => [Some.Reals(1, 8, 4), Some.Reals(2, 8, 4)];

    static Tensor[] Groups() => [Some.Reals(1, 8), Some.Classes(2, 1, 8), Some.Classes(2, 3, 8)];

    static Tensor[] Clusters() => [Some.Classes(3, 1, 8), Some.Classes(3, 2, 8)];

    static Tensor[] Points() => [Some.Reals(1, 8, 2), Some.Classes(2, 1, 8)];

    static Tensor[] Masks() => [Some.Classes(3, 1, 4, 6, 6), Some.Classes(3, 2, 4, 6, 6)];

    static Tensor[] Signals() => [Some.Reals(1, 4, 200) - 0.5f, Some.Reals(2, 4, 200) - 0.5f];

    static Tensor[] Speakers() => [Some.Reals(1, 4, 2, 50) - 0.5f, Some.Reals(2, 4, 2, 50) - 0.5f];

    static Tensor[] Documents() => [Some.Reals(1, 8), Some.Classes(2, 1, 8), Some.Classes(3, 1, 8)];

    static Tensor[] Panoptic() => [stack([Some.Classes(3, 1, 4, 16), Some.Classes(2, 1, 4, 16)], -1), stack([Some.Classes(3, 1, 4, 16), Some.Classes(2, 3, 4, 16)], -1)];

    static Tensor[] Sharpened() => [Some.Reals(1, 4, 2, 32, 32), Some.Reals(2, 4, 2, 16, 16), Some.Reals(3, 4, 1, 32, 32)];

    static Tensor[] Numbered() => [arange(8, ScalarType.Int64)];

    static MetricCase Regressed(Func<ScalarMetric<Comparison>> make) => (MetricCase.Of(make, Pairs) with { IsRegression = true }).OfNumbers();

    static MetricCase Grouped<T>(Func<Metric<GroupedComparison, T>> make) => MetricCase.For(make, t => new GroupedComparison(t[0], t[1], t[2]), Groups).Taking("integer 0");

    static MetricCase Found(Func<ScalarMetric<Retrieved>> make) => MetricCase.For(make, t => new Retrieved(t[0], t[1], t[2]), Documents).Taking("floating 1");

    static MetricCase Boxed<T>(Func<Metric<DetectionBatch, T>> make) => MetricCase.For(make, Some.Unpacked, Some.Boxes) with { IsPacked = true };

    static MetricCase Spelled<T>(Func<Metric<TextComparison, T>> make) => MetricCase.For(make, Some.Texts, Numbered) with { IsPacked = true };

    static MetricCase Shaped(Func<ScalarMetric<Clustered>> make) => MetricCase.For(make, t => new Clustered(t[0], t[1]), Points);

    static MetricCase Fused(Func<ScalarMetric<Fusion>> make) => MetricCase.For(make, t => new Fusion(t[0], t[1], t[2]), Sharpened).OfNumbers();

    static Dictionary<string, MetricCase> Make()
    {
        using var scope = NewDisposeScope();
        MetricCase[] cases =
        [
            // Classification by counts.
            MetricCase.Of(() => new Accuracy(Three), Scores),
            MetricCase.Of(() => new HammingDistance(Three), Scores),
            MetricCase.Of(() => new PrecisionScore(Three), Scores),
            MetricCase.Of(() => new RecallScore(Three), Scores),
            MetricCase.Of(() => new Specificity(Three), Scores),
            MetricCase.Of(() => new NegativePredictiveValue(Three), Scores),
            MetricCase.Of(() => new JaccardIndex(Three), Scores),
            MetricCase.Of(() => new FBetaScore(Three, 2), Scores),
            MetricCase.Of(() => new F1Score(Three), Scores),
            MetricCase.Of(() => new StatScores(Three), Scores),
            MetricCase.Of(() => new Samplewise(new F1Score(Labels)), ManyLabels).Taking("integer 0"),
            MetricCase.Of(() => new ExactMatch(Labels), ManyLabels).Taking("integer 0"),
            MetricCase.Of(() => new ConfusionMatrix(Three), Scores),
            MetricCase.Of(() => new MultilabelConfusionMatrix(Labels), ManyLabels).Taking("integer 0"),
            MetricCase.Of(() => new CohenKappa(Three), Scores),
            MetricCase.Of(() => new MatthewsCorrCoef(Three), Scores),
            Grouped(() => new BinaryGroupStatRates(2)),
            Grouped(() => new BinaryFairness(2)),

            // Classification by scores.
            MetricCase.Of(() => new Auroc(Three), Scores),
            MetricCase.Of(() => new AveragePrecision(Three), Scores),
            MetricCase.Of(() => new Eer(Three), Scores),
            MetricCase.Of(() => new LogAuc(Three), Scores),
            MetricCase.Of(() => new Roc(Classification.Binary()), Probabilities),
            MetricCase.Of(() => new PrecisionRecallCurve(Classification.Binary()), Probabilities),
            MetricCase.Of(() => new PrecisionAtFixedRecall(Classification.Binary(), 0.5), Probabilities),
            MetricCase.Of(() => new RecallAtFixedPrecision(Classification.Binary(), 0.5), Probabilities),
            MetricCase.Of(() => new SensitivityAtSpecificity(Classification.Binary(), 0.5), Probabilities),
            MetricCase.Of(() => new SpecificityAtSensitivity(Classification.Binary(), 0.5), Probabilities),
            MetricCase.Of(() => new CalibrationError(Three), Scores),
            MetricCase.Of(() => new HingeLoss(Three), Scores),
            MetricCase.Of(() => new LogLoss(Three), Scores),
            MetricCase.Of(() => new BrierScore(Three), Scores),
            MetricCase.Of(() => new CoverageError(Labels), ManyLabels),
            MetricCase.Of(() => new LabelRankingAveragePrecision(Labels), ManyLabels),
            MetricCase.Of(() => new LabelRankingLoss(Labels), ManyLabels),

            // Regression.
            Regressed(() => new MeanSquaredError()),
            Regressed(() => new MeanAbsoluteError()),
            Regressed(() => new MeanAbsolutePercentageError()),
            Regressed(() => new SymmetricMeanAbsolutePercentageError()),
            Regressed(() => new WeightedMeanAbsolutePercentageError()),
            Regressed(() => new MeanSquaredLogError()),
            Regressed(() => new LogCoshError()),
            Regressed(() => new MinkowskiDistance(3)),
            Regressed(() => new TweedieDevianceScore(1.5)),
            Regressed(() => new CriticalSuccessIndex(0.5)),
            Regressed(() => new R2Score()),
            Regressed(() => new ExplainedVariance()),
            Regressed(() => new RelativeSquaredError()),
            Regressed(() => new NormalizedRootMeanSquaredError()),
            Regressed(() => new PearsonCorrCoef()),
            Regressed(() => new ConcordanceCorrCoef()),
            Regressed(() => new SpearmanCorrCoef()),
            Regressed(() => new KendallRankCorrCoef()),
            MetricCase.Of(() => new CosineSimilarity(), Vectors).OfNumbers(),
            MetricCase.Of(() => new KLDivergence(), Vectors).OfNumbers(),
            MetricCase.Of(() => new JensenShannonDivergence(), Vectors).OfNumbers(),
            MetricCase.Of(() => new ContinuousRankedProbabilityScore(), () => [Some.Reals(1, 8, 5), Some.Reals(2, 8)]).OfNumbers(),

            // Aggregates of numbers.
            MetricCase.Weighted(() => new Mean()),
            MetricCase.Weighted(() => new Variance()),
            MetricCase.Weighted(() => new StandardDeviation()),
            MetricCase.Weighted(() => new Quantiles()),
            MetricCase.Weighted(() => new RunningMean()) with { NoMerge = "two halves are two updates of the window" },
            MetricCase.Plain(() => new RunningSum()) with { NoMerge = "two halves are two updates of the window" },
            MetricCase.Plain(() => new Sum()),
            MetricCase.Plain(() => new Min()),
            MetricCase.Plain(() => new Max()),
            MetricCase.Plain(() => new Cat()),

            // Clusters and categories.
            MetricCase.Of(() => new RandScore(), Clusters),
            MetricCase.Of(() => new AdjustedRandScore(), Clusters),
            MetricCase.Of(() => new FowlkesMallowsIndex(), Clusters),
            MetricCase.Of(() => new MutualInfoScore(), Clusters),
            MetricCase.Of(() => new NormalizedMutualInfoScore(), Clusters),
            MetricCase.Of(() => new AdjustedMutualInfoScore(), Clusters),
            MetricCase.Of(() => new HomogeneityScore(), Clusters),
            MetricCase.Of(() => new CompletenessScore(), Clusters),
            MetricCase.Of(() => new VMeasureScore(), Clusters),
            MetricCase.Of(() => new ClusterAccuracy(), Clusters),
            Shaped(() => new CalinskiHarabaszScore(2)),
            Shaped(() => new DaviesBouldinScore(2)),
            Shaped(() => new DunnIndex(2)),
            Shaped(() => new SilhouetteScore(2)),
            MetricCase.Of(() => new CramersV(3), Clusters).Taking("floating 0", "floating 1"),
            MetricCase.Of(() => new TschuprowsT(3), Clusters).Taking("floating 0", "floating 1"),
            MetricCase.Of(() => new PearsonsContingencyCoefficient(3), Clusters).Taking("floating 0", "floating 1"),
            MetricCase.Of(() => new TheilsU(3), Clusters).Taking("floating 0", "floating 1"),
            MetricCase.For(() => new FleissKappa(3), t => new Ratings(t[0]), () => [Some.Classes(4, 1, 8, 3) + 1]),

            // Retrieval.
            Found(() => new RetrievalPrecision()),
            Found(() => new RetrievalRecall()),
            Found(() => new RetrievalFallOut()),
            Found(() => new RetrievalHitRate()),
            Found(() => new RetrievalRPrecision()),
            Found(() => new RetrievalMap()),
            Found(() => new RetrievalMrr()),
            Found(() => new RetrievalNdcg()),
            Found(() => new RetrievalAuroc()),
            MetricCase.For(() => new RetrievalPrecisionRecallCurve(), t => new Retrieved(t[0], t[1], t[2]), Documents).Taking("floating 1"),
            MetricCase.For(() => new RetrievalRecallAtFixedPrecision(0.5), t => new Retrieved(t[0], t[1], t[2]), Documents).Taking("floating 1"),

            // Text.
            Spelled(() => new Bleu()),
            Spelled(() => new Chrf()),
            Spelled(() => new Rouge()),
            Spelled(() => new TranslationEditRate()),
            Spelled(() => new ExtendedEditDistance()),
            Spelled(() => new CharErrorRate()),
            Spelled(() => new EditDistance()),
            Spelled(() => new WordErrorRate()),
            Spelled(() => new MatchErrorRate()),
            Spelled(() => new WordInfoPreserved()),
            Spelled(() => new WordInfoLost()),
            MetricCase.For(() => new Squad(), Some.Answers, Numbered) with { IsPacked = true },
            MetricCase.Of(() => new Perplexity(), () => [Some.Reals(1, 4, 5, 7), Some.Classes(7, 1, 4, 5)]),

            // Images.
            MetricCase.Of(() => new Psnr(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new PsnrB(), () => Some.Images(1, 16)).OfNumbers(),
            MetricCase.Of(() => new Ssim(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new MsSsim(window: ImageWindow.Uniform(3), betas: [0.4, 0.6]), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new Uqi(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new Scc(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new Vif(), () => Some.Images(1, 41)).OfNumbers(),
            MetricCase.Of(() => new Ergas(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new Sam(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new RmseSw(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new Rase(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.Of(() => new SpectralDistortion(), () => Some.Images(3, 16)).OfNumbers(),
            MetricCase.For(() => new TotalVariation(), t => new ImageBatch(t[0]), () => [Some.Reals(1, 4, 3, 8, 8)]).Taking("integer 0", "transposed 0"),
            Fused(() => new SpatialDistortion()),
            Fused(() => new Qnr()),

            // Segmentation and detection.
            MetricCase.Of(() => new Dice(3, format: SegmentationFormat.Index), Masks),
            MetricCase.Of(() => new GeneralizedDice(3, format: SegmentationFormat.Index), Masks),
            MetricCase.Of(() => new MeanIoU(3, format: SegmentationFormat.Index), Masks),
            MetricCase.Of(() => new HausdorffDistance(3, format: SegmentationFormat.Index), Masks),
            Boxed(() => new IntersectionOverUnion()),
            Boxed(() => new GeneralizedIntersectionOverUnion()),
            Boxed(() => new DistanceIntersectionOverUnion()),
            Boxed(() => new CompleteIntersectionOverUnion()),
            Boxed(() => new MeanAveragePrecision()),
            MetricCase.Of(() => new PanopticQuality([0, 1], [2]), Panoptic),
            MetricCase.Of(() => new ModifiedPanopticQuality([0, 1], [2]), Panoptic),

            // Sound, shapes and faces.
            MetricCase.Of(() => new Snr(), Signals).OfNumbers(),
            MetricCase.Of(() => new SiSdr(), Signals).OfNumbers(),
            MetricCase.Of(() => new SiSnr(), Signals).OfNumbers(),
            MetricCase.Of(() => new Sdr(filterLength: 8), Signals).OfNumbers(),
            MetricCase.Of(() => new SaSdr(), Speakers).OfNumbers(),
            MetricCase.Of(() => new ComplexSiSnr(), () => [Some.Reals(1, 4, 5, 6, 2) - 0.5f, Some.Reals(2, 4, 5, 6, 2) - 0.5f]).OfNumbers(),
            MetricCase.Of(() => new Stoi(10_000), () => [Some.Reals(1, 2, 5000) - 0.5f, Some.Reals(2, 2, 5000) - 0.5f]).OfNumbers(),
            MetricCase.For(() => new Srmr(8000, cochlearFilters: 4), t => new SignalBatch(t[0]), () => [Some.Reals(1, 2, 4000) - 0.5f]).Taking("integer 0", "transposed 0", "deeper 0"),
            MetricCase.Of(() => new PermutationInvariant(SiSdrOfEach), Speakers).OfNumbers(),
            MetricCase.Of(() => new JointPermutationInvariant(SaSdrOfEach), Speakers).OfNumbers(),
            MetricCase.Of(() => new ProcrustesDisparity(), () => [Some.Reals(1, 4, 6, 3), Some.Reals(2, 4, 6, 3)]),
            MetricCase.Of(() => new LipVertexError(0, 2), () => [Some.Reals(1, 4, 5, 3), Some.Reals(2, 4, 5, 3)]).OfNumbers(),

            // Metrics of metrics.
            MetricCase.For(() => new MetricCollection { { "accuracy", new Accuracy(3) }, { "auroc", new Auroc(Three) } }, Scores),
            MetricCase.For(() => new MetricCollection<Comparison> { { "accuracy", new Accuracy(3) } }, Scores),
            MetricCase.For(() => new Running<Comparison, double>(new Accuracy(3), 3), Scores) with { NoMerge = "two halves are two updates of the window" },
            MetricCase.For(() => new Bootstrapped<Comparison, double>(new Accuracy(3), 3), Scores) with { NoMerge = "each update draws its own samples" },
            MetricCase.For(() => new MinMax<Comparison>(new Accuracy(3)), Scores),
            MetricCase.For(() => new Classwise<Comparison>(new F1Score(Three)), Scores),
            MetricCase.For(() => new MultiOutput<double>(new MeanSquaredError(), 4), Vectors).OfNumbers(),
            MetricCase.For(() => new Mapped<Comparison, Comparison>(new Accuracy(3), b => b), Scores),
            MetricCase.For(() => new BinaryTarget(new Auroc(Classification.Binary()), 0.5), Pairs).Taking("integer 1"),
            new("MultiTask", () => new MultiTask { { "digit", new Accuracy(3) } }, Scores, (m, t) => ((MultiTask)m).Update("digit", new Comparison(t[0], t[1])), null),
        ];
        return cases.ToDictionary(c => c.Name);
    }

    static Tensor SiSdrOfEach(Tensor predictions, Tensor targets) => Sound.SiSdr(predictions, targets);

    static Tensor SaSdrOfEach(Tensor predictions, Tensor targets) => Sound.SaSdr(predictions, targets);
}
