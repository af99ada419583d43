using System.Globalization;

namespace Raijin.App;

/// <summary>One unit for a whole table of bytes: the largest of which its greatest number has at least ten.</summary>
/// <param name="Unit">Its name.</param>
/// <param name="Bytes">How many bytes it is.</param>
readonly record struct ByteScale(string Unit, double Bytes)
{
    /// <summary>The unit for a table whose greatest number is this.</summary>
    public static ByteScale Of(long greatest) => greatest switch
    {
        >= 10_000_000_000 => new("GB", 1e9),
        >= 10_000_000 => new("MB", 1e6),
        _ => new("kB", 1e3),
    };

    /// <summary>A number in the unit; nothing is a dash.</summary>
    public string Show(long bytes) => bytes == 0 ? "-" : (bytes / Bytes).ToString("F1", CultureInfo.InvariantCulture);
}
