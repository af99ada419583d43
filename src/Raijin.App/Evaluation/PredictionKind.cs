namespace Raijin.App;

/// <summary>What predictions of a file are about.</summary>
enum PredictionKind
{
    /// <summary>Targets 0 and 1.</summary>
    Binary,

    /// <summary>One of several classes a row.</summary>
    Multiclass,

    /// <summary>Any of several labels a row.</summary>
    Multilabel,

    /// <summary>A number a row.</summary>
    Regression,
}
