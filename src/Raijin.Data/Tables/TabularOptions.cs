namespace Raijin;

/// <summary>What to do about values that are missing.</summary>
public enum MissingValues
{
    /// <summary>Refuse them, with column and row.</summary>
    Refuse,

    /// <summary>Numbers and dates: the training part's mean. Categories: the code of what is not known, 0.</summary>
    Fill,

    /// <summary>The same, and behind each number or date one more input that is 1 where the value was missing and 0 elsewhere.</summary>
    FillAndFlag,
}

/// <summary>How categories become inputs.</summary>
public enum CategoryForm
{
    /// <summary>
    /// One input: the code, 0 for what the training part did not have, 1 up for what it had, in order. Exact as float32 up to 2^24; for an embedding
    /// take the column to int64.
    /// </summary>
    Codes,

    /// <summary>One input a code, 1 where it is the row's and 0 elsewhere; the first is for what the training part did not have.</summary>
    OneHot,
}

/// <summary>How the columns of a table become inputs.</summary>
public sealed record TabularOptions
{
    /// <summary>What to do about missing values of features. A missing target is always refused. <value>Default: refuse them.</value></summary>
    public MissingValues Missing { get; init; }

    /// <summary>How categories become inputs. <value>Default: codes.</value></summary>
    public CategoryForm Categories { get; init; }

    /// <summary>
    /// Whether numbers and dates are brought to mean 0 and standard deviation 1 over the training part. <value>Default true; a column that is constant
    /// there is only shifted.</value>
    /// </summary>
    public bool Standardize { get; init; } = true;

    /// <summary>Integer columns whose numbers are names: categories, as Text columns are. <value>Default: none.</value></summary>
    public IReadOnlyList<string> Categorical { get; init; } = [];
}

/// <summary>The column to predict, and as what.</summary>
public sealed record Target
{
    Target(string column, bool isClass) => (Column, IsClass) = (column, isClass);

    /// <summary>Its name.</summary>
    public string Column { get; }

    /// <summary>Whether it is a class, else a number.</summary>
    public bool IsClass { get; }

    /// <summary>A class, of a Text or Integer column: labels [N] int64, 0 up in the order of the texts or numbers.</summary>
    public static Target Class(string column) => new(column, isClass: true);

    /// <summary>A number, of a Number, Integer or Date column: labels [N] float32, as they are.</summary>
    public static Target Value(string column) => new(column, isClass: false);
}

/// <summary>The parts of a table as samples, and how they were made.</summary>
/// <param name="Splits">Training, validation and test samples; <c>Batches</c> makes loaders of them.</param>
/// <param name="Encoder">Encodes other rows the same way.</param>
public sealed record TabularData(TensorSplits<LabeledBatch> Splits, TabularEncoder Encoder);
