namespace Raijin.Tensors;

/// <summary>The environment variables Raijin reads. No other file reads any.</summary>
public static class RaijinEnvironment
{
    /// <summary><c>RAIJIN_LIBTORCH</c>: the folder of an installed libtorch to use, such as a Python installation's <c>torch/lib</c>; null when unset or empty.</summary>
    public static string? LibTorchFolder => Read("RAIJIN_LIBTORCH");

#pragma warning disable RS0030 // This is the one place.
    static string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
#pragma warning restore RS0030
}
