namespace Raijin;

/// <summary>
/// An options record that finds faults no single property has: two values that don't go together. Ranges of one property are said with
/// <see cref="System.ComponentModel.DataAnnotations.RangeAttribute"/> instead, so that schemas have them too.
/// </summary>
public interface ICheckedOptions
{
    /// <summary>What is wrong, by the record's own keys in camelCase: <c>new("test", "…")</c>. The path before them is added.</summary>
    IEnumerable<OptionFault> Faults();
}
