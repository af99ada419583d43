namespace Raijin.House.Tests;

/// <summary>The page for those who come from torchmetrics has every class of theirs, and names nothing that isn't there.</summary>
public sealed class TorchmetricsTableTests() : MigrationPageTests("docs/coming-from-torchmetrics.md", "torchmetrics", "waits")
{
    /// <summary>Beside them are tables of ours alone.</summary>
    private protected override IReadOnlyList<DocTable> Tables { get; } = [.. DocTable.Of("docs/coming-from-torchmetrics.md").Where(t => t.Header[0] == "torchmetrics")];

    [Fact]
    public void Every_class_of_theirs_has_one_row()
    {
        Assert.Equal(240, Theirs.Length);
        var rows = Rows.SelectMany(row => row.CodeIn(0)).ToList();
        Assert.Empty(Theirs.Except(rows));
        Assert.Empty(rows.Except(Theirs));
        Assert.Equal(rows.Distinct().Count(), rows.Count);
    }

    [Fact]
    public void Every_metric_of_ours_is_in_the_tables()
    {
        var ours = PublicNames.Derived(typeof(Metric)).Select(t => t.Name.Split('`')[0]).ToList();
        Assert.True(ours.Count > 100);
        var named = DocTable.Of(Page).SelectMany(t => t.Rows).SelectMany(row => row.Cells.Index().SelectMany(c => row.CodeIn(c.Index))).SelectMany(code => code.Split('.', ' ', '(', ',', ')', '<')).ToHashSet();
        Assert.Empty(ours.Except(named));
    }

    // torchmetrics 1.9: 105 of classification, 128 others, 7 aggregators.
    static readonly string[] Theirs =
    [
        .. (string[])["Accuracy", "AUROC", "AveragePrecision", "CalibrationError", "CohenKappa", "ConfusionMatrix", "EER", "ExactMatch", "F1Score", "FBetaScore", "HammingDistance", "HingeLoss",
            "JaccardIndex", "LogAUC", "MatthewsCorrCoef", "NegativePredictiveValue", "Precision", "PrecisionAtFixedRecall", "PrecisionRecallCurve", "Recall", "RecallAtFixedPrecision", "ROC",
            "SensitivityAtSpecificity", "Specificity", "SpecificityAtSensitivity", "StatScores"],
        .. Of("Binary", "Accuracy", "AUROC", "AveragePrecision", "CalibrationError", "CohenKappa", "ConfusionMatrix", "EER", "F1Score", "Fairness", "FBetaScore", "GroupStatRates", "HammingDistance",
            "HingeLoss", "JaccardIndex", "LogAUC", "MatthewsCorrCoef", "NegativePredictiveValue", "Precision", "PrecisionAtFixedRecall", "PrecisionRecallCurve", "Recall", "RecallAtFixedPrecision",
            "ROC", "SensitivityAtSpecificity", "Specificity", "SpecificityAtSensitivity", "StatScores"),
        .. Of("Multiclass", "Accuracy", "AUROC", "AveragePrecision", "CalibrationError", "CohenKappa", "ConfusionMatrix", "EER", "ExactMatch", "F1Score", "FBetaScore", "HammingDistance", "HingeLoss",
            "JaccardIndex", "LogAUC", "MatthewsCorrCoef", "NegativePredictiveValue", "Precision", "PrecisionAtFixedRecall", "PrecisionRecallCurve", "Recall", "RecallAtFixedPrecision", "ROC",
            "SensitivityAtSpecificity", "Specificity", "SpecificityAtSensitivity", "StatScores"),
        .. Of("Multilabel", "Accuracy", "AUROC", "AveragePrecision", "ConfusionMatrix", "CoverageError", "EER", "ExactMatch", "F1Score", "FBetaScore", "HammingDistance", "JaccardIndex", "LogAUC",
            "MatthewsCorrCoef", "NegativePredictiveValue", "Precision", "PrecisionAtFixedRecall", "PrecisionRecallCurve", "RankingAveragePrecision", "RankingLoss", "Recall", "RecallAtFixedPrecision",
            "ROC", "SensitivityAtSpecificity", "Specificity", "SpecificityAtSensitivity", "StatScores"),
        "ConcordanceCorrCoef", "ContinuousRankedProbabilityScore", "CosineSimilarity", "CriticalSuccessIndex", "ExplainedVariance", "JensenShannonDivergence", "KLDivergence", "KendallRankCorrCoef",
        "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogError", "MinkowskiDistance", "NormalizedRootMeanSquaredError", "PearsonCorrCoef", "R2Score",
        "RelativeSquaredError", "SpearmanCorrCoef", "SymmetricMeanAbsolutePercentageError", "TweedieDevianceScore", "WeightedMeanAbsolutePercentageError",
        "BERTScore", "BLEUScore", "CHRFScore", "CharErrorRate", "EditDistance", "ExtendedEditDistance", "InfoLM", "MatchErrorRate", "Perplexity", "ROUGEScore", "SacreBLEUScore", "SQuAD",
        "TranslationEditRate", "WordErrorRate", "WordInfoLost", "WordInfoPreserved",
        "DeepImageStructureAndTextureSimilarity", "ErrorRelativeGlobalDimensionlessSynthesis", "FrechetInceptionDistance", "InceptionScore", "KernelInceptionDistance", "LearnedPerceptualImagePatchSimilarity",
        "MemorizationInformedFrechetInceptionDistance", "MultiScaleStructuralSimilarityIndexMeasure", "PeakSignalNoiseRatio", "PeakSignalNoiseRatioWithBlockedEffect", "PerceptualPathLength",
        "QualityWithNoReference", "RelativeAverageSpectralError", "RootMeanSquaredErrorUsingSlidingWindow", "SpatialCorrelationCoefficient", "SpatialDistortionIndex", "SpectralAngleMapper",
        "SpectralDistortionIndex", "StructuralSimilarityIndexMeasure", "TotalVariation", "UniversalImageQualityIndex", "VisualInformationFidelity",
        "ComplexScaleInvariantSignalNoiseRatio", "DeepNoiseSuppressionMeanOpinionScore", "NonIntrusiveSpeechQualityAssessment", "PerceptualEvaluationSpeechQuality", "PermutationInvariantTraining",
        "ScaleInvariantSignalDistortionRatio", "ScaleInvariantSignalNoiseRatio", "ShortTimeObjectiveIntelligibility", "SignalDistortionRatio", "SignalNoiseRatio", "SourceAggregatedSignalDistortionRatio",
        "SpeechReverberationModulationEnergyRatio",
        .. Of("Retrieval", "AUROC", "FallOut", "HitRate", "MAP", "MRR", "NormalizedDCG", "Precision", "PrecisionRecallCurve", "Recall", "RecallAtFixedPrecision", "RPrecision"),
        "AdjustedMutualInfoScore", "AdjustedRandScore", "CalinskiHarabaszScore", "ClusterAccuracy", "CompletenessScore", "DaviesBouldinScore", "DunnIndex", "FowlkesMallowsIndex", "HomogeneityScore",
        "MutualInfoScore", "NormalizedMutualInfoScore", "RandScore", "VMeasureScore",
        "CompleteIntersectionOverUnion", "DistanceIntersectionOverUnion", "GeneralizedIntersectionOverUnion", "IntersectionOverUnion", "MeanAveragePrecision", "ModifiedPanopticQuality", "PanopticQuality",
        "CramersV", "FleissKappa", "PearsonsContingencyCoefficient", "TheilsU", "TschuprowsT",
        "DiceScore", "GeneralizedDiceScore", "HausdorffDistance", "MeanIoU",
        "CLIPImageQualityAssessment", "CLIPScore", "LipVertexError",
        "ProcrustesDisparity", "VideoMultiMethodAssessmentFusion",
        "BinaryTargetTransformer", "BootStrapper", "ClasswiseWrapper", "FeatureShare", "LambdaInputTransformer", "MetricInputTransformer", "MetricTracker", "MinMaxMetric", "MultioutputWrapper",
        "MultitaskWrapper", "Running",
        "CatMetric", "MaxMetric", "MeanMetric", "MinMetric", "RunningMean", "RunningSum", "SumMetric",
    ];

    static IEnumerable<string> Of(string prefix, params string[] names) => names.Select(n => prefix + n);
}
