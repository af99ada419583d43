namespace Raijin;

/// <summary>Metrics of text as plain functions of predictions and references.</summary>
public static partial class Texts
{
}
