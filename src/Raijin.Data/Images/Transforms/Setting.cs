namespace Raijin.Data;

/// <summary>Checks of transforms' settings, where they are given.</summary>
static class Setting
{
    public static int Positive(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }

    public static int NotNegative(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value, name);
        return value;
    }

    // Written so that NaN is refused too.
    public static double Probability(double value, string name) =>
        value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(name, value, "A probability is expected: 0 to 1.");

    /// <summary>The value, when it is allowed.</summary>
    /// <param name="expected">What is allowed, as a sentence.</param>
    public static T Allowed<T>(T value, bool allowed, string name, string expected) =>
        allowed ? value : throw new ArgumentOutOfRangeException(name, value, expected);

    public static double Finite(double value, string name) =>
        double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(name, value, "A finite number is expected.");

    public static double NotNegative(double value, string name) =>
        value >= 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(name, value, "A finite number of 0 or more is expected.");

    /// <summary>A range above <paramref name="least"/>, up to <paramref name="most"/>.</summary>
    public static Between Within(Between value, double least, double most, string name) =>
        value.Least > least && value.Least <= value.Most && value.Most <= most && double.IsFinite(value.Most)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"A range is expected whose least is above {least}{(most < double.MaxValue ? $" and whose most is at most {most}" : "")}, in order.");

    public static Between Ordered(Between value, string name) =>
        value.Least <= value.Most && double.IsFinite(value.Least) && double.IsFinite(value.Most)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, "A range of finite numbers in order is expected.");

    public static T Defined<T>(T value, string name) where T : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(name, value, $"Allowed: {string.Join(", ", Enum.GetNames<T>())}.");
}
